//! When each table was proven last, by the records of all backups of a database.

use std::time::Duration;

use super::rotation::{Chosen, Ledger, Share, Unit, Veil, unit_of, units};
use super::{Request, unless_stopped};
use crate::archive::manifest::Manifest;
use crate::backup::catalog::{Found, Record};
use crate::error::Result;
use crate::exit::Exit;
use crate::report::verify::{Coverage, Level, Part, Problem, ProblemKind, ProvenTable};
use crate::store::Store;

/// Tables without a proof that are named.
const NAMED: usize = 20;

/// The level that a proof must have to count: the record alone proves no rows.
pub fn counted(level: Level) -> Level {
    level.max(Level::Content)
}

/// The runs on record, where the request needs them.
pub(super) async fn ledger(request: &Request, found: &Found) -> Result<Option<Ledger>> {
    if request.share.is_none() && request.max_proof_age.is_none() {
        return Ok(None);
    }
    let records = unless_stopped(request, records(&request.store, found)).await?;
    Ok(Some(Ledger::new(records, counted(request.level))))
}

/// The records of all backups of a backup's database, with the veil of those that are sealed.
async fn records(store: &Store, found: &Found) -> Result<Vec<(Record, Option<Veil>)>> {
    let mut records = Vec::new();
    for backup in found.siblings(store).await? {
        let own = backup.records(store).await?;
        let is_veiled = own.iter().any(Veil::is_over);
        let veil = if is_veiled { veil(store, &backup).await? } else { None };
        records.extend(own.into_iter().map(|record| (record, veil.clone())));
    }
    Ok(records)
}

/// None of a backup that these identities do not open: then its records prove nothing to us.
async fn veil(store: &Store, backup: &Found) -> Result<Option<Veil>> {
    match backup.manifest(store).await {
        Ok(Some(Ok(manifest))) => Ok(Veil::of(&manifest)),
        Ok(_) => Ok(None),
        Err(error) if error.exit() == Exit::Refused => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is known of a backup's tables, at the highest level that proved any.
///
/// # Errors
/// The store cannot be read.
pub async fn known(store: &Store, found: &Found, manifest: &Manifest) -> Result<Coverage> {
    let records = records(store, found).await?;
    let now = jiff::Timestamp::now();
    let at = |level| of(manifest, level, &Ledger::new(records.clone(), level), now);
    let restored = at(Level::Restore);
    Ok(if restored.proven > 0 { restored } else { at(Level::Content) })
}

/// How long ago each of a backup's tables was proven.
pub fn of(manifest: &Manifest, level: Level, ledger: &Ledger, at: jiff::Timestamp) -> Coverage {
    let units = units(manifest);
    let mut coverage = Coverage {
        level,
        at,
        tables: units.len() as u64,
        proven: 0,
        oldest: None,
        never: Vec::new(),
    };
    for Unit { name, .. } in units {
        match ledger.last(&name) {
            None if coverage.never.len() < NAMED => coverage.never.push(name),
            None => {}
            Some(proven) => {
                coverage.proven += 1;
                if coverage.oldest.as_ref().is_none_or(|oldest| proven < oldest.proven) {
                    coverage.oldest = Some(ProvenTable { table: name, proven });
                }
            }
        }
    }
    coverage
}

/// What is wrong when no table's proof may be older than `limit`.
pub fn problem(coverage: &Coverage, limit: Duration) -> Option<Problem> {
    let told = |table: Option<String>, what: String| {
        Some(Problem { kind: ProblemKind::NotProven, object: None, table, what })
    };
    let never = coverage.tables - coverage.proven;
    if never > 0 {
        let level = coverage.level.name();
        return told(
            coverage.never.first().filter(|_| never == 1).cloned(),
            match never {
                1 => format!("was never proven at level {level}"),
                _ => format!(
                    "{never} of {} tables were never proven at level {level}: {}{}",
                    coverage.tables,
                    coverage.never.join(", "),
                    if never > coverage.never.len() as u64 { " .." } else { "" }
                ),
            },
        );
    }
    let oldest = coverage.oldest.as_ref()?;
    let age = Duration::try_from(coverage.at.duration_since(oldest.proven)).unwrap_or_default();
    if age <= limit {
        return None;
    }
    told(
        Some(oldest.table.clone()),
        format!(
            "was proven {:.1} hours ago, the limit is {:.1}",
            age.as_secs_f64() / 3600.0,
            limit.as_secs_f64() / 3600.0
        ),
    )
}

/// What a part is, for the report.
pub(super) fn part(record: &Manifest, share: Share, units: &[Unit], chosen: &Chosen) -> Part {
    let bytes = |wanted: &dyn Fn(&str) -> bool| {
        record
            .objects
            .iter()
            .filter(|object| unit_of(object).is_some_and(|name| wanted(&name)))
            .map(|object| object.raw_bytes)
            .sum()
    };
    Part {
        share: share.to_string(),
        tables: chosen.names.len() as u64,
        of_tables: units.len() as u64,
        raw_bytes: bytes(&|name| chosen.names.contains(name)),
        of_raw_bytes: bytes(&|_| true),
        overdue: chosen.overdue as u64,
        not_tried: Vec::new(),
    }
}
