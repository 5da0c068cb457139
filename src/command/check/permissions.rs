//! `pgtend check --explain-permissions`.

use super::super::{Context, no_format};
use super::STOPPED;
use crate::check::{self, Check};
use crate::cli::output::Format;
use crate::conn::{Routed, SessionOptions};
use crate::error::Result;
use crate::exit::Exit;
use crate::settings::{Target, ask_password};

/// Asks what the role may see, and tells what each check needs of it. No check is run.
///
/// # Errors
/// Those of connecting.
pub async fn explain(
    context: &Context,
    target: &Target,
    checks: &[&'static Check],
) -> Result<Exit> {
    if !Format::PAGES.contains(&context.format) {
        return Err(no_format("check --explain-permissions", context.format, &Format::PAGES));
    }
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/check")
    };
    let asked = async {
        let Routed { session, .. } = context.route(target, &options).await?;
        let (_, sight) = check::sight(&session).await?;
        let server = session.server();
        let report = check::permissions(checks, &sight, &server.version, server.version_number);
        context.answer(target.name.as_deref(), &report)
    };
    context.looked(STOPPED, asked).await
}
