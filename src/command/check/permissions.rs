//! `pgtend check --explain-permissions`.

use super::super::{Context, no_format};
use crate::check::{self, Check};
use crate::cli::output::Format;
use crate::conn::{Routed, SessionOptions};
use crate::error::Result;
use crate::exit::Exit;
use crate::settings::{Target, ask_password};

const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Csv, Format::Markdown];

/// Asks what the role may see, and tells what each check needs of it. No check is run.
///
/// # Errors
/// Those of connecting.
pub async fn explain(
    context: &Context,
    target: &Target,
    checks: &[&'static Check],
) -> Result<Exit> {
    if !FORMATS.contains(&context.format) {
        return Err(no_format("check --explain-permissions", context.format, &FORMATS));
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
    tokio::select! {
        answered = asked => answered,
        () = context.signals.cancel.cancelled() => Err(super::stopped(context)),
    }
}
