//! The connected database: what fails in it, and how its text and blocks are kept.

use serde::Deserialize;

use super::counters::{Between, COUNTERS};
use super::limits::LimitSpec;
use super::look::Look;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::{Level, Unit};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "db.rollback_ratio",
        kind: Kind::Rate,
        title: "transactions that were rolled back",
        why: "A rollback is work for nothing: errors of the application, conflicts, or a pool \
              that ends each transaction with one.",
        remedy: "See which errors the server's log and the application's log have; an idle \
                 rollback of a pool costs little and may be ignored.",
        limits: &[
            LimitSpec::above("share of the transactions", Unit::Percent, 10.0, 50.0),
            LimitSpec::warn_above("transactions that are enough to judge by", Unit::Count, 100.0)
                .named("least"),
        ],
        needs: &[],
        since: 130_000,
        asks: &[&COUNTERS],
        judge: rollback_ratio,
    },
    Check {
        id: "db.checksum",
        kind: Kind::Runtime,
        title: "blocks whose checksum did not fit",
        why: "A block that is not what was written is lost data: by the disk, the memory or the \
              file system. Without checksums nobody notices until it is in every backup.",
        remedy: "Find out how old the last good backup is (pgtend verify-backup, a restore drill) before \
                 it is overwritten, replace the hardware, and restore. Checksums are switched on \
                 with pg_checksums --enable while the server is down.",
        limits: &[LimitSpec::fail_above("failures", Unit::Count, 1.0)],
        needs: &[],
        since: 130_000,
        asks: &[&CHECKSUMS],
        judge: checksum,
    },
    Check {
        id: "db.encoding",
        kind: Kind::Static,
        title: "encoding of the database",
        why: "In SQL_ASCII the server takes any bytes for text: what one client wrote in one \
              encoding another reads as something else, and a dump may not be restored into a \
              database that has an encoding.",
        remedy: "Dump it, convert the text, and restore it into a database with ENCODING 'UTF8' \
                 TEMPLATE template0.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&ENCODING],
        judge: encoding,
    },
];

const CHECKSUMS: Question = Question::of("checksums", &[(130_000, sql::CHECK_CHECKSUMS)]);

const ENCODING: Question = Question::of("encoding", &[(130_000, sql::CHECK_ENCODING)]);

fn rollback_ratio(look: &Look<'_>) -> Judged {
    let between = Between::of(look)?;
    let rolled_back = between.grown(|one| one.xact_rollback);
    let all = rolled_back + between.grown(|one| one.xact_commit);
    let period = words::time(between.seconds);
    let database = &look.facts.server.database;
    if all <= 0.0 || !look.is_enough("least", database, all) {
        let why = format!("{} in {period}: too few to judge by", words::amount(all, "transaction"));
        return Err(Silence::not_applicable(why));
    }
    let percent = rolled_back / all * 100.0;
    let says = format!(
        "{} of {} in {period} were rolled back ({percent:.0}%)",
        words::count(rolled_back),
        words::amount(all, "transaction")
    );
    let mut verdict = look.verdict().saying(&says);
    verdict.measures.extend(look.measure("", database, percent, Some(100.0)));
    if let Some(level) = look.level("", database, percent, Some(100.0)) {
        verdict.find(level, database, says).with_value(percent);
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Checksums {
    /// None for what all databases share.
    database: Option<String>,
    enabled: bool,
    failures: Option<f64>,
    /// Epoch.
    last_failure: Option<f64>,
}

fn checksum(look: &Look<'_>) -> Judged {
    let rows: Vec<Checksums> = look.rows(&CHECKSUMS)?;
    let now = look.facts.at.duration_since(jiff::Timestamp::UNIX_EPOCH).as_secs_f64();
    let mut verdict = look.verdict().saying("no block had a wrong checksum");
    for row in &rows {
        let name = row.database.as_deref().unwrap_or("(shared)");
        let Some(failures) = row.failures else {
            // Without checksums nobody counts.
            if row.enabled {
                verdict.not_seen(format!("the checksum failures of {name} are not told"));
            }
            continue;
        };
        verdict.measures.extend(look.measure("", name, failures, None));
        if let Some(level) = look.level("", name, failures, None) {
            let last = row
                .last_failure
                .map(|at| format!(", the last {} ago", words::time((now - at).max(0.0))));
            let says = format!(
                "{} of {name}: blocks are damaged{}",
                words::amount(failures, "checksum failure"),
                last.unwrap_or_default()
            );
            verdict.find(level, name, says).with_value(failures);
        }
    }
    if rows.iter().any(|row| !row.enabled) {
        let says = "data checksums are off: a damaged block is read as if it were whole";
        verdict.says = says.to_owned();
        verdict.find(Level::Info, "data_checksums", says);
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Encoding {
    database: String,
    encoding: String,
}

fn encoding(look: &Look<'_>) -> Judged {
    let told: Encoding = look.row(&ENCODING)?;
    let mut verdict = look.verdict().saying(&told.encoding);
    if told.encoding == "SQL_ASCII" {
        let says = format!("the text of {} has no encoding: SQL_ASCII", told.database);
        verdict.find(Level::Warning, &told.database, says);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn rollbacks_are_a_share_of_enough_transactions() {
        let sample = |commit: f64, rollback: f64| {
            let row = json!({"xact_commit": commit, "xact_rollback": rollback});
            Sample::of("database_counters", &[row])
        };
        let judge = |commit, rollback| {
            sample(1e6 + commit, 1e6 + rollback).after(60.0, &sample(1e6, 1e6)).judged(&CHECKS[0])
        };
        let level = |commit, rollback| {
            judge(commit, rollback).unwrap().findings.first().map(|finding| finding.level)
        };
        assert_eq!(level(95.0, 5.0), None);
        assert_eq!(level(90.0, 10.0), Some(Level::Warning));
        assert_eq!(level(50.0, 50.0), Some(Level::Critical));
        assert!(matches!(judge(1.0, 98.0), Err(Silence::NotApplicable(_))));
    }

    #[test]
    fn no_checksums_are_worth_knowing_and_failures_are_critical() {
        let level = |enabled: bool, failures: Option<f64>| {
            let row = json!({"database": null, "enabled": enabled, "failures": failures,
                             "last_failure": null});
            let verdict = Sample::of("checksums", &[row]).judged(&CHECKS[1]).unwrap();
            verdict.findings.first().map(|finding| finding.level)
        };
        assert_eq!(level(true, Some(0.0)), None);
        assert_eq!(level(true, Some(1.0)), Some(Level::Critical));
        assert_eq!(level(false, None), Some(Level::Info));
    }

    #[test]
    fn failures_that_nobody_counts_are_not_none() {
        let judged = |enabled: bool, failures: Option<f64>| {
            let row = json!({"database": "shop", "enabled": enabled, "failures": failures,
                             "last_failure": null});
            Sample::of("checksums", &[row]).judged(&CHECKS[1]).unwrap()
        };
        let off = judged(false, None);
        assert_eq!((off.measures.len(), off.unseen), (0, None));
        assert!(off.says.starts_with("data checksums are off"), "{}", off.says);
        let hidden = judged(true, None);
        assert_eq!(hidden.measures.len(), 0);
        assert_eq!(hidden.unseen.unwrap(), "the checksum failures of shop are not told");
        assert_eq!(judged(true, Some(0.0)).measures[0].value.to_bits(), 0.0_f64.to_bits());
    }
}
