//! Whether the server and what hangs on it are ready: standbys, slots, backups, a yardstick.

use serde::Deserialize;

use super::room::EXTENSION;
use crate::check::backup::Backups;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::registry::{Check, Kind};
use crate::check::repl::slots::{SLOTS, Slot};
use crate::check::repl::standbys::{STANDBYS, Standby};
use crate::check::verdict::{Judged, Silence};
use crate::check::words::{bytes, time};
use crate::report::check::{Level, Unit};

pub const REPLICA_LAG: Check = Check {
    id: "dep.replica_lag",
    kind: Kind::Deploy,
    title: "standbys that are behind before a deployment",
    why: "What a migration writes anew goes to the standbys as WAL. One that is behind already \
          falls further back, shows old data and cannot take over.",
    remedy: "Wait until it has caught up, or find out what holds it up: pgtend check --only repl.",
    limits: &[
        LimitSpec::fail_above("lag of a standby's replay", Unit::Seconds, 30.0),
        LimitSpec::fail_above("bytes of WAL that a standby has not replayed", Unit::Bytes, 1e9)
            .named("bytes"),
    ],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&STANDBYS],
    judge: replica_lag,
};

pub const SLOT_LAG: Check = Check {
    id: "dep.slot_lag",
    kind: Kind::Deploy,
    title: "replication slots that are behind before a deployment",
    why: "A slot keeps WAL until its reader has it. What a migration writes comes on top of what \
          is kept already, and fills the disk of the primary.",
    remedy: "Wait until its reader has caught up, or drop a slot that nobody reads.",
    limits: &[LimitSpec::above("WAL that is kept for a slot", Unit::Bytes, 1e9, 1e10)],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS],
    judge: slot_lag,
};

pub const BACKUP_FRESH: Check = Check {
    id: "dep.backup_fresh",
    kind: Kind::Deploy,
    title: "a verified backup before a deployment",
    why: "A migration that loses data is only undone by a backup, and only by one that was proven \
          to restore.",
    remedy: "Run pgtend backup, then pgtend verify-backup.",
    limits: &[LimitSpec::above(
        "age of the last verified backup",
        Unit::Seconds,
        86_400.0,
        172_800.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[],
    judge: backup_fresh,
};

pub const PERF_BASELINE: Check = Check {
    id: "dep.perf_baseline",
    kind: Kind::Deploy,
    title: "statements' times to compare with after the deployment",
    why: "Whether a deployment made statements slower is only told by a sample from before it.",
    remedy: "Save a sample before and compare after: pgtend slow-queries --save before.json, then \
             pgtend slow-queries --compare before.json --fail-if-slower 20%.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&EXTENSION],
    judge: perf_baseline,
};

fn replica_lag(look: &Look<'_>) -> Judged {
    let standbys: Vec<Standby> = look.rows(&STANDBYS)?;
    if standbys.is_empty() {
        return Err(Silence::not_applicable("no standby is connected"));
    }
    let mut verdict = look.verdict().saying("no standby is behind");
    let mut hidden = Vec::new();
    for standby in &standbys {
        let name = standby.name(&standbys);
        // A time is only measured while something is replayed: the bytes are there without it.
        let Some(behind) = standby.bytes.map(|bytes| bytes.max(0.0)) else {
            hidden.push(name);
            continue;
        };
        let lag = standby.seconds;
        verdict.measures.extend(lag.and_then(|lag| look.measure("", &name, lag, None)));
        let by_time = lag.and_then(|lag| look.level("", &name, lag, None));
        let by_bytes = look.level("bytes", &name, behind, None);
        let Some(level) = by_time.max(by_bytes) else { continue };
        let says = match lag {
            Some(lag) => format!("{name} is {} ({}) behind", time(lag), bytes(behind)),
            None => format!("{name} is {} behind", bytes(behind)),
        };
        verdict.find(level, name, says).with_value(lag.unwrap_or(behind));
    }
    if !hidden.is_empty() {
        verdict.unseen = Some(format!("the position of {} is not told", hidden.join(", ")));
    }
    Ok(verdict)
}

fn slot_lag(look: &Look<'_>) -> Judged {
    let mut slots: Vec<Slot> = look.rows(&SLOTS)?;
    slots.retain(|slot| !slot.temporary);
    if slots.is_empty() {
        return Err(Silence::not_applicable("there is no replication slot"));
    }
    let mut verdict = look.verdict().saying("no slot is behind");
    for slot in slots.iter().filter(|slot| !slot.is_lost()) {
        // A slot that was never used keeps nothing.
        let Some(kept) = slot.retained.map(|bytes| bytes.max(0.0)) else { continue };
        verdict.measures.extend(look.measure("", &slot.slot, kept, None));
        if let Some(level) = look.level("", &slot.slot, kept, None) {
            let says = format!("{} of WAL are kept for the slot {}", bytes(kept), slot.slot);
            verdict.find(level, &slot.slot, says).with_value(kept);
        }
    }
    Ok(verdict)
}

fn backup_fresh(look: &Look<'_>) -> Judged {
    let Backups { repository, backups, .. } = Backups::of(look)?;
    let mut verdict = look.verdict();
    let database = &look.facts.server.database;
    let proven = backups.iter().filter(|backup| backup.proven.is_some());
    let Some(taken) = proven.filter_map(|backup| backup.taken).max() else {
        let says = format!("there is no backup of {database} in {repository} that was verified");
        verdict.find(Level::Critical, database, says);
        return Ok(verdict);
    };
    // What was written since is what a bad migration costs.
    let age = look.facts.at.duration_since(taken).as_secs_f64();
    verdict.says = format!("the last verified backup of {database} is {} old", time(age));
    verdict.measures.extend(look.measure("", "age", age, None));
    if let Some(level) = look.level("", database, age, None) {
        let says = verdict.says.clone();
        verdict.find(level, database, says).with_value(age);
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Extension {
    has_statements: bool,
}

fn perf_baseline(look: &Look<'_>) -> Judged {
    let extension: Extension = look.row(&EXTENSION)?;
    if !extension.has_statements {
        return Err(Silence::not_applicable("pg_stat_statements is not in this database"));
    }
    let mut verdict = look.verdict();
    let says = "save the statements' times now, to compare with them after the deployment";
    verdict.find(Level::Info, "server", says).with_remedy("pgtend slow-queries --save before.json");
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    fn standby(bytes: Option<f64>, seconds: Option<f64>) -> Value {
        json!({"application": "w", "client": null, "state": "streaming", "sync": "async",
               "bytes": bytes, "seconds": seconds})
    }

    #[test]
    fn a_lag_that_was_never_measured_is_judged_by_its_bytes() {
        let judged = |bytes, seconds| {
            Sample::of("standbys", &[standby(bytes, seconds)]).judged(&REPLICA_LAG).unwrap()
        };
        // Its replay is paused.
        let found = judged(Some(5e10), None);
        assert_eq!(found.findings[0].level, Level::Critical);
        assert_eq!(found.findings[0].says, "w is 46.6 GiB behind");
        assert!(found.measures.is_empty());
        assert_eq!(
            judged(Some(1e6), Some(31.0)).findings[0].says,
            "w is 31.0 s (976.6 KiB) behind"
        );
        let (quiet, hidden) = (judged(Some(0.0), None), judged(None, None));
        assert_eq!((quiet.findings.len(), quiet.unseen), (0, None));
        assert_eq!(hidden.unseen.as_deref(), Some("the position of w is not told"));
    }

    #[test]
    fn what_is_kept_for_a_slot_counts_not_what_its_reader_has_confirmed() {
        let slot = |name: &str, retained: Option<f64>, temporary: bool| {
            json!({"slot": name, "kind": "logical", "active": true, "temporary": temporary,
                   "wal_status": "reserved", "safe_bytes": null, "retained": retained,
                   "inactive_since": null, "conflicting": false, "invalidation_reason": null,
                   "synced": false})
        };
        let rows =
            [slot("a", Some(2e10), false), slot("b", None, false), slot("c", Some(2e10), true)];
        let found = Sample::of("replication_slots", &rows).judged(&SLOT_LAG).unwrap().findings;
        let found: Vec<_> = found.iter().map(|one| (one.object.as_str(), one.level)).collect();
        assert_eq!(found, [("a", Level::Critical)]);
    }
}
