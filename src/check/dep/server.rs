//! Whether the server and what hangs on it are ready: standbys, slots, backups, a yardstick.

use serde::Deserialize;

use super::room::EXTENSION;
use crate::check::backup::Backups;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words::{bytes, time};
use crate::report::check::{Level, Unit};
use crate::sql;

pub const REPLICA_LAG: Check = Check {
    id: "dep.replica_lag",
    kind: Kind::Deploy,
    title: "standbys that are behind before a deployment",
    why: "What a migration writes anew goes to the standbys as WAL. One that is behind already \
          falls further back, shows old data and cannot take over.",
    remedy: "Wait until it has caught up, or find out what holds it up: pgtend check --only repl.",
    limits: &[LimitSpec::fail_above("lag of a standby's replay", Unit::Seconds, 30.0)],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&REPLICATION],
    judge: replica_lag,
};

pub const SLOT_LAG: Check = Check {
    id: "dep.slot_lag",
    kind: Kind::Deploy,
    title: "replication slots that are behind before a deployment",
    why: "A slot keeps WAL until its reader has it. What a migration writes comes on top of what \
          is kept already, and fills the disk of the primary.",
    remedy: "Wait until its reader has caught up, or drop a slot that nobody reads.",
    limits: &[LimitSpec::above("WAL that a slot's reader has not got", Unit::Bytes, 1e9, 1e10)],
    needs: &[],
    since: 130_000,
    asks: &[&REPLICATION],
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

const REPLICATION: Question =
    Question { name: "deploy_replication", variants: &[(130_000, sql::CHECK_DEPLOY_REPLICATION)] };

#[derive(Deserialize)]
struct Behind {
    kind: String,
    name: String,
    seconds: Option<f64>,
    bytes: Option<f64>,
}

fn replica_lag(look: &Look<'_>) -> Judged {
    let rows: Vec<Behind> = look.rows(&REPLICATION)?;
    let standbys: Vec<&Behind> = rows.iter().filter(|row| row.kind == "standby").collect();
    if standbys.is_empty() {
        return Err(Silence::not_applicable("no standby is connected"));
    }
    let mut verdict = look.verdict().saying("no standby is behind");
    for standby in standbys {
        // Nothing is replayed where there is nothing to replay.
        let lag = standby.seconds.unwrap_or(0.0);
        verdict.measures.extend(look.measure("", &standby.name, lag, None));
        if let Some(level) = look.level("", &standby.name, lag, None) {
            let behind = bytes(standby.bytes.unwrap_or(0.0));
            let says = format!("{} is {} ({behind}) behind", standby.name, time(lag));
            verdict.find(level, &standby.name, says).with_value(lag);
        }
    }
    Ok(verdict)
}

fn slot_lag(look: &Look<'_>) -> Judged {
    let rows: Vec<Behind> = look.rows(&REPLICATION)?;
    let slots: Vec<&Behind> = rows.iter().filter(|row| row.kind == "slot").collect();
    if slots.is_empty() {
        return Err(Silence::not_applicable("there is no replication slot"));
    }
    let mut verdict = look.verdict().saying("no slot is behind");
    for slot in slots {
        // A slot that was never used keeps nothing.
        let Some(lag) = slot.bytes else { continue };
        verdict.measures.extend(look.measure("", &slot.name, lag, None));
        if let Some(level) = look.level("", &slot.name, lag, None) {
            let says = format!("the reader of slot {} is {} behind", slot.name, bytes(lag));
            verdict.find(level, &slot.name, says).with_value(lag);
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
