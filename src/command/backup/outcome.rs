//! What is said of the backups of a run that makes several.

use super::all::MadeAll;
use crate::backup::IN_DOUBT;
use crate::backup::all::{NOT_STARTED, Outcome};
use crate::command::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::backup::{All, Became, OfDatabase};
use crate::report::{Failure, Report};

/// Ids that the next step names.
const NAMED: usize = 8;

/// Prints what became of every database; the verdict is the worst of them, a stop before all.
pub(super) fn tell_all(
    context: &Context,
    name: Option<&str>,
    made: MadeAll,
    dry_run: bool,
    warnings: Vec<String>,
) -> Result<Exit> {
    let MadeAll { server, repository, left_out, outcomes } = made;
    let told = if warnings.is_empty() { Exit::Good } else { Exit::Warning };
    let exit = worst(&outcomes).worst(told);
    let summary = summary(&outcomes, exit);
    warnings.iter().for_each(|warning| context.ui.warning(warning));
    for Outcome { database, result, .. } in &outcomes {
        match result {
            Ok(backup) => {
                for warning in &backup.warnings {
                    context.ui.warning(&format!("{database}: {warning}"));
                }
            }
            Err(error) if error.reasons().contains(&NOT_STARTED) => {}
            Err(error) => context.ui.error(&named(database, error)),
        }
    }
    let report = All {
        server,
        repository,
        dry_run,
        databases: outcomes.into_iter().map(of_database).collect(),
        left_out,
        warnings,
        exit,
    };
    let exit = context.answer(name, &report)?;
    match summary {
        Some(summary) => context.ui.error(&summary),
        None if !dry_run => context.ui.note(&next(&report)),
        None => {}
    }
    Ok(exit)
}

/// The exit code of the run: a stop, else the first of what kept a database from being backed up,
/// else the worst of the backups.
fn worst(outcomes: &[Outcome]) -> Exit {
    let exits = || {
        outcomes.iter().map(|outcome| match &outcome.result {
            Ok(backup) => backup.outcome(),
            Err(error) => error.exit(),
        })
    };
    let stop = exits().find(|exit| matches!(exit, Exit::Interrupted | Exit::Terminated));
    stop.unwrap_or_else(|| exits().fold(Exit::Good, Exit::worst))
}

fn named(database: &str, error: &Error) -> Error {
    let named = Error::new(error.exit(), format!("database {database}: {}", error.what()));
    let named = error.causes().iter().fold(named, Error::because);
    let named = error.next_steps().iter().fold(named, Error::next);
    let named = error.other_facts().iter().fold(named, Error::also);
    match error.phase() {
        Some(phase) => named.during(phase),
        None => named,
    }
}

/// The last words of a run that leaves a database without a new backup.
fn summary(outcomes: &[Outcome], exit: Exit) -> Option<Error> {
    let without: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .map(|outcome| outcome.database.as_str())
        .collect();
    if without.is_empty() {
        return None;
    }
    let (failed, all) = (without.len(), outcomes.len());
    let is_in_doubt = |outcome: &&Outcome| {
        outcome.result.as_ref().is_err_and(|error| error.reasons().contains(&IN_DOUBT))
    };
    let doubt = outcomes.iter().find(is_in_doubt);
    let noun = if all == 1 { "database has" } else { "databases have" };
    let published = match all - failed {
        0 if doubt.is_some() => "nothing else was published".to_owned(),
        0 => "nothing was published".to_owned(),
        1 => "the backup of the other one is published".to_owned(),
        others => format!("the backups of the other {others} are published"),
    };
    let no_new = format!("{failed} of {all} {noun} no new backup: {}", without.join(", "));
    let error = Error::new(exit, no_new);
    let error = match doubt {
        Some(Outcome { database, .. }) => {
            error.because(format!("whether that of {database} is complete is not known"))
        }
        None => error,
    };
    Some(error.because(published))
}

fn of_database(outcome: Outcome) -> OfDatabase {
    let Outcome { database, result, .. } = outcome;
    match result {
        Ok(backup) => OfDatabase {
            database,
            outcome: if backup.published { Became::Published } else { Became::Planned },
            exit: backup.outcome().code(),
            backup: Some(backup),
            error: None,
        },
        Err(error) => OfDatabase {
            database,
            outcome: match error.exit() {
                _ if error.reasons().contains(&NOT_STARTED) => Became::NotStarted,
                Exit::Interrupted | Exit::Terminated => Became::Stopped,
                _ => Became::Failed,
            },
            exit: error.exit().code(),
            backup: None,
            error: Some(Failure::of(&error)),
        },
    }
}

fn next(report: &All) -> String {
    let ids: Vec<&str> = report
        .databases
        .iter()
        .filter_map(|database| database.backup.as_ref())
        .map(|backup| backup.id.as_str())
        .collect();
    let ids = if ids.len() > NAMED { "--since 1d".to_owned() } else { ids.join(" ") };
    format!("next: pgtend verify-backup {ids} --repo {} --level content", report.repository)
}
