//! `--show-settings` and `--show-server`.

use clap::ValueEnum;

use super::{Command, Context, MAX_LAG, backup};
use crate::cli::output::Format;
use crate::conn::{Routed, SessionOptions};
use crate::error::Result;
use crate::exit::Exit;
use crate::report::Report;
use crate::settings::{Labels, ask_password};
use crate::show;

/// Shows what is in force, and where it came from. Nothing is dialled, asked or run.
pub fn settings(context: &Context, command: Option<&Command>) -> Result<Exit> {
    let resolved = context.settings.target(&context.connect)?;
    let read_from = context.connect.read_from.and_then(|which| which.to_possible_value());
    let given = show::Given {
        repo: context.repo.clone(),
        s3: context.s3.clone(),
        identity: context.identity.clone(),
        read_from: read_from.map(|value| value.get_name().to_owned()),
        application_name: match command {
            Some(Command::Backup(_)) => "pgtend/backup",
            Some(Command::Restore(_)) => "pgtend/restore",
            Some(Command::VerifyBackup(_)) => "pgtend/verify",
            Some(Command::Check(_)) => "pgtend/check",
            Some(Command::Connections(_)) => "pgtend/connections",
            Some(Command::SlowQueries(_)) => "pgtend/slow-queries",
            None => "pgtend/COMMAND",
        }
        .to_owned(),
        backup: match command {
            Some(Command::Backup(args)) => args.given(),
            Some(Command::VerifyBackup(args)) => args.given(),
            _ => Vec::new(),
        },
        labels: match command {
            Some(Command::Backup(args)) => args.labels()?,
            _ => Labels::default(),
        },
        standard: backup::standard(),
        ping: match command {
            Some(Command::Backup(args)) => args.ping(),
            _ => None,
        },
        max_lag: context.connect.max_lag.clone(),
        standard_lag: MAX_LAG,
    };
    let report = show::settings(&context.settings, &resolved, &given);
    if context.format == Format::Toml {
        context.ui.answer(&report.toml())?;
        return Ok(report.outcome());
    }
    resolved.notes.iter().for_each(|note| context.ui.note(note));
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
    let looked = async {
        let Routed { session, choice } = context.route(&target, &options).await?;
        context.answer(target.name.as_deref(), &show::server(&session, &choice).await)
    };
    context.looked("the look at the server was stopped", looked).await
}
