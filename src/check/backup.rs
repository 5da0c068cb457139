//! Backups of this database in pgtend's repository.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::limits::LimitSpec;
use super::look::Look;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::{Level, Unit};

/// Under this name the repository's backups stand beside the facts.
pub const BACKUPS: &str = "backups";

const DAY: f64 = 86_400.0;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "backup.age",
        kind: Kind::Runtime,
        title: "age of the newest backup",
        why: "What was written since the newest backup is lost with the server.",
        remedy: "Run pgtend backup, and look why its timer or cron job did not.",
        limits: &[LimitSpec::above(
            "age of the newest complete backup",
            Unit::Seconds,
            DAY,
            2.0 * DAY,
        )],
        needs: &[],
        since: 130_000,
        asks: &[],
        judge: age,
    },
    Check {
        id: "backup.verified",
        kind: Kind::Runtime,
        title: "age of the newest backup that was proven",
        why: "A backup that nobody has read is a hope: whether it can be restored shows only when \
              it is.",
        remedy: "Run pgtend verify-backup --level restore (or content) latest, once a week.",
        limits: &[LimitSpec::above(
            "time since a backup was proven",
            Unit::Seconds,
            7.0 * DAY,
            30.0 * DAY,
        )],
        needs: &[],
        since: 130_000,
        asks: &[],
        judge: verified,
    },
];

/// What a repository has of this database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backups {
    pub repository: String,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Oldest first: the newest that is complete and proven, and those after it; where none is,
    /// the newest of all.
    pub backups: Vec<OneBackup>,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneBackup {
    pub id: String,
    /// Of its snapshot; none for one that is not complete.
    pub taken: Option<Timestamp>,
    /// What cannot be used of it.
    pub damaged: Option<String>,
    /// When all of its bytes were read, or it was restored, and it held.
    pub proven: Option<Timestamp>,
    /// When it was found to be bad.
    pub failed: Option<Timestamp>,
}

impl Backups {
    /// What was put beside the facts.
    ///
    /// # Errors
    /// Not applicable without a repository, unknown where it could not be read.
    pub fn of(look: &Look<'_>) -> Result<Self, Silence> {
        let Some(found) = look.facts.beside.get(BACKUPS) else {
            return Err(Silence::not_applicable(
                "no backup repository is known: --repo, PGTEND_REPO or repo in pgtend.toml",
            ));
        };
        let backups = Self::deserialize(found)
            .map_err(|error| Silence::unknown(format!("the backups cannot be read: {error}")))?;
        match &backups.problem {
            Some(problem) => Err(Silence::unknown(problem)),
            None => Ok(backups),
        }
    }
}

fn age(look: &Look<'_>) -> Judged {
    let Backups { backups, repository, .. } = Backups::of(look)?;
    let database = &look.facts.server.database;
    let mut verdict = look.verdict();
    let newest = backups.iter().filter_map(|backup| Some((backup.taken?, &backup.id))).max();
    let Some((taken, id)) = newest else {
        let says = format!("there is no complete backup of {database} in {repository}");
        verdict.find(Level::Critical, database, says);
        return Ok(verdict);
    };
    let seconds = since(look, taken);
    let says = format!("the newest backup of {database} is {} old ({id})", words::time(seconds));
    verdict.measures.extend(look.measure("", "age", seconds, None));
    if let Some(level) = look.level("", database, seconds, None) {
        verdict.find(level, database, &says).with_value(seconds);
    }
    // One that came later and cannot be used is why it is the newest.
    for backup in backups.iter().filter(|backup| backup.id > *id) {
        if let Some(problem) = &backup.damaged {
            let says = format!("backup {} cannot be used: {problem}", backup.id);
            verdict.find(Level::Warning, &backup.id, says);
        }
    }
    Ok(verdict.saying(says))
}

fn verified(look: &Look<'_>) -> Judged {
    let Backups { backups, repository, .. } = Backups::of(look)?;
    let database = &look.facts.server.database;
    let mut verdict = look.verdict();
    let complete = || backups.iter().filter(|backup| backup.taken.is_some());
    let Some(oldest) = complete().filter_map(|backup| backup.taken).min() else {
        let says = format!("there is no complete backup of {database} in {repository}");
        return Err(Silence::not_applicable(says));
    };
    if let Some(newest) = complete().next_back()
        && newest.failed.is_some()
    {
        let says = format!("the newest backup of {database} was found to be bad ({})", newest.id);
        verdict.find(Level::Critical, &newest.id, says).with_remedy("pgtend backup");
    }
    let remedy = "pgtend verify-backup --level restore latest";
    let Some(proven) = complete().filter_map(|backup| backup.proven).max() else {
        // Nobody has looked for as long as there is something to look at.
        let seconds = since(look, oldest);
        let level = look.level("", database, seconds, None).unwrap_or(Level::Warning);
        let says = format!("no backup of {database} was ever proven");
        verdict.find(level, database, says).with_remedy(remedy);
        return Ok(verdict);
    };
    let seconds = since(look, proven);
    let says = format!("a backup of {database} was proven {} ago", words::time(seconds));
    verdict.measures.extend(look.measure("", "proven", seconds, None));
    if let Some(level) = look.level("", database, seconds, None) {
        verdict.find(level, database, &says).with_value(seconds).with_remedy(remedy);
    }
    Ok(verdict.saying(says))
}

/// Seconds from then to when the facts were taken.
fn since(look: &Look<'_>, then: Timestamp) -> f64 {
    look.facts.at.duration_since(then).as_secs_f64().max(0.0)
}
