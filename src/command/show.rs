//! `--show-settings` and `--show-server`.

use super::Context;
use crate::conn::{Routed, SessionOptions};
use crate::error::Result;
use crate::exit::Exit;
use crate::settings::ask_password;
use crate::show;

/// Shows what is in force, and where it came from.
pub fn settings(context: &Context) -> Result<Exit> {
    let resolved = context.settings.target(&context.connect)?;
    let report = show::settings(&context.settings, &resolved);
    context.answer(resolved.target.name.as_deref(), &report)
}

/// Connects, and shows what is there.
pub async fn server(context: &Context) -> Result<Exit> {
    let target = context.target()?;
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/show-server")
    };
    let routed = tokio::select! {
        routed = context.route(&target, &options) => routed?,
        () = context.signals.cancel.cancelled() => return Ok(context.signals.exit()),
    };
    let Routed { session, choice } = &routed;
    context.answer(target.name.as_deref(), &show::server(session, choice).await)
}
