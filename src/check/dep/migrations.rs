//! What the migrations themselves bring.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::gate::{Gate, NOT_THERE, REWRITTEN, SCANNED, number};
use super::live::{Effect, SESSIONS, SETTINGS, TABLES};
use super::lock::Mode;
use super::plan::Plan;
use super::statement::Unread;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::migration::MIGRATIONS;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence, Verdict};
use crate::check::words::{bytes, time};
use crate::report::check::{Finding, Level, Unit};
use crate::sql;
use crate::sql::quote_name;

/// Said where there are no files.
const NO_PLAN: &str = "no --migrations were given";

pub const ROLE_TIMEOUTS: Check = Check {
    id: "dep.role_timeouts",
    kind: Kind::Deploy,
    title: "lock_timeout of the role that migrates",
    why: "Without lock_timeout a migration waits for its lock as long as it takes, and every \
          query of the table waits behind it: that is how a small ALTER TABLE stops a service. \
          CONCURRENTLY is the exception: it blocks nobody while it waits, and one that is ended \
          by a short timeout leaves an invalid index.",
    remedy: "Give the migrating role 1 to 10 seconds, repeat what was ended by it, and set more \
             in the files with CONCURRENTLY: SET lock_timeout = '10min'.",
    limits: &[
        LimitSpec::warn_above("lock_timeout for statements that stop others", Unit::Seconds, 10.5),
        LimitSpec {
            critical: None,
            ..LimitSpec::below("lock_timeout for CONCURRENTLY", Unit::Seconds, 59.0, 0.0)
        }
        .named("concurrently"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&SESSIONS, &TABLES, &SETTINGS, &MIGRATIONS],
    judge: role_timeouts,
};

pub const REWRITE: Check = Check {
    id: "dep.rewrite",
    kind: Kind::Deploy,
    title: "large tables that a migration writes anew or reads whole",
    why: "While a table is written anew nobody reads or writes it, it needs its size on disk \
          once more, and all of it goes to the standbys as WAL.",
    remedy: "Add a new column, fill it in small batches and exchange the two; add constraints NOT \
             VALID and validate them afterwards; build indexes CONCURRENTLY.",
    limits: &[REWRITTEN, SCANNED],
    needs: &[],
    since: 130_000,
    asks: &[&SESSIONS, &TABLES, &SETTINGS, &MIGRATIONS],
    judge: rewrite,
};

pub const MIGRATION_LINT: Check = Check {
    id: "dep.migration_lint",
    kind: Kind::Deploy,
    title: "statements of the migrations that are known for trouble",
    why: "Some statements block, break the running version of the application or cannot be taken \
          back; squawk's rules know them (squawkhq.com/docs). What cannot be parsed cannot be \
          judged at all.",
    remedy: "See the rule's page, or write \"-- squawk-ignore RULE\" above a statement that is \
             meant so.",
    limits: &[LimitSpec::warn_above("size of the table that a rule is about", Unit::Bytes, 1e7)],
    needs: &[],
    since: 130_000,
    asks: &[&SESSIONS, &TABLES, &SETTINGS, &MIGRATIONS],
    judge: migration_lint,
};

pub const INVALID_LEFTOVERS: Check = Check {
    id: "dep.invalid_leftovers",
    kind: Kind::Deploy,
    title: "invalid indexes of an earlier try",
    why: "CREATE INDEX CONCURRENTLY IF NOT EXISTS finds the invalid index that its last try left, \
          and does nothing: the migration succeeds without an index.",
    remedy: "Drop the index before the migration runs again.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&INVALID, &SESSIONS, &TABLES, &SETTINGS, &MIGRATIONS],
    judge: invalid_leftovers,
};

const INVALID: Question =
    Question { name: "invalid_indexes", variants: &[(130_000, sql::CHECK_INVALID_INDEXES)] };

fn planned<'a>(gate: &'a Gate<'_>) -> Result<&'a Plan, Silence> {
    gate.plan.as_ref().ok_or_else(|| Silence::not_applicable(NO_PLAN))
}

fn role_timeouts(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let role = gate.live.role.clone();
    let mut verdict = look.verdict();
    let remedy = format!("ALTER ROLE {} SET lock_timeout = '5s';", quote_name(&role));
    let has = match gate.live.lock_timeout {
        Some(limit) => format!("{role} has a lock_timeout of {}", time(limit)),
        None => format!("{role} has no lock_timeout"),
    };
    verdict.says = has.clone();
    let Some(plan) = &gate.plan else {
        match gate.live.lock_timeout {
            None => {
                verdict.find(Level::Critical, role, has).with_remedy(remedy);
            }
            Some(limit) => {
                if let Some(level) = look.level("", &role, limit, None) {
                    verdict.find(level, role, has).with_value(limit).with_remedy(remedy);
                }
            }
        }
        return Ok(verdict);
    };
    statements(look, &gate, plan, &mut verdict);
    let is_roles =
        |finding: &&mut Finding| finding.level == Level::Critical && finding.object == role;
    for finding in verdict.findings.iter_mut().filter(is_roles) {
        finding.remedy = Some(remedy.clone());
    }
    Ok(verdict)
}

/// One finding for each file and kind of trouble.
fn statements(look: &Look<'_>, gate: &Gate<'_>, plan: &Plan, verdict: &mut Verdict) {
    let mut seen = BTreeSet::new();
    for statement in &plan.statements {
        let place = format!("{}:{}", statement.file, statement.line);
        let strongest = gate.targets_of(statement).iter().map(|target| target.mode).max();
        let Some(mode) = strongest.filter(|mode| *mode >= Mode::ShareUpdateExclusive) else {
            continue;
        };
        // While it waits, others wait behind it.
        let stops = mode.stops().is_some();
        let kind = &statement.kind;
        let found = match gate.lock_timeout(statement) {
            None if !stops => None,
            None if Gate::is_off(statement) => Some((
                Level::Critical,
                statement.file.clone(),
                format!("lock_timeout is turned off before {kind} in {place}"),
            )),
            None => Some((
                Level::Critical,
                gate.live.role.clone(),
                format!("{} has no lock_timeout, and {place} sets none before {kind}", gate.live.role),
            )),
            Some(limit) if statement.waits_for_all => {
                look.level("concurrently", &statement.file, limit, None).map(|level| {
                    let says = format!("{kind} in {place} is ended after {} of waiting, and leaves an invalid index", time(limit));
                    (level, statement.file.clone(), says)
                })
            }
            Some(_) if !stops => None,
            Some(limit) => look.level("", &statement.file, limit, None).map(|level| {
                let says = format!("{kind} in {place} waits for its lock for {}, and all others behind it", time(limit));
                (level, statement.file.clone(), says)
            }),
        };
        let Some((level, object, says)) = found else { continue };
        if seen.insert((object.clone(), level)) {
            verdict.find(level, object, says);
        }
    }
    let long = plan.statements.iter().find(|statement| statement.waits_for_all);
    if let (Some(limit), Some(long)) = (gate.live.statement_timeout, long) {
        let says = format!(
            "{} ({}:{}) is ended by the statement_timeout of {} after {}",
            long.kind,
            long.file,
            long.line,
            gate.live.role,
            time(limit)
        );
        verdict.find(Level::Warning, format!("{}/statement_timeout", long.file), says);
    }
}

fn rewrite(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    planned(&gate)?;
    let mut verdict = look.verdict().saying("no large table is written anew");
    let mut seen = BTreeSet::new();
    for target in gate.targets() {
        for effect in &target.effects {
            let Some(level) = gate.size_level(&target, effect) else { continue };
            let table = target.table.id.to_string();
            let size = bytes(number(target.bytes));
            let place = format!(
                "{} ({}:{})",
                target.statement.kind, target.statement.file, target.statement.line
            );
            let says = match effect {
                Effect::Rewrites(why) => format!("{place} writes {table} ({size}) anew: {why}"),
                Effect::Scans(why) => {
                    format!("{place} reads {table} ({size}) while others wait: {why}")
                }
                Effect::Builds => {
                    format!("{place} builds an index of {table} ({size}) while writes wait")
                }
            };
            if seen.insert((table.clone(), level)) {
                verdict.find(level, table, says).with_value(number(target.bytes));
            }
        }
    }
    Ok(verdict)
}

fn migration_lint(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let plan = planned(&gate)?;
    let mut verdict = look.verdict();
    let pending = plan.files.iter().filter(|file| file.is_pending).count();
    verdict.says = format!("{} statements in {pending} files", plan.statements.len());
    let mut unseen = plan.notes.clone();
    for (statement, why) in plan.unparsed() {
        let place = format!("{}:{}", statement.file, statement.line);
        let says = format!("{place} cannot be parsed: {why}");
        verdict.find(Level::Critical, place, says);
    }
    for statement in &plan.statements {
        if let Some(Unread::Opaque(why)) = &statement.unread {
            unseen.push(format!("{}:{} {}: {why}", statement.file, statement.line, statement.kind));
        }
        for name in gate.missing(statement) {
            let (file, line, kind) = (&statement.file, statement.line, &statement.kind);
            unseen.push(format!("{file}:{line} {kind}: {name} {NOT_THERE}"));
        }
    }
    if pending == 0 && plan.files.is_empty() && unseen.is_empty() {
        return Err(Silence::unknown("there are no SQL files of migrations"));
    }
    for lint in &plan.lints {
        // The last statement of the file that begins before or on the line.
        let statement = plan
            .statements
            .iter()
            .rfind(|statement| statement.file == lint.file && statement.line <= lint.line);
        let touches = || statement.iter().flat_map(|statement| &statement.touches);
        let size = touches()
            .filter_map(|touch| gate.live.find(&touch.name, touch.is_index))
            .map(|table| table.bytes)
            .max();
        // Nobody uses what is not there.
        if size.is_none() && touches().next().is_some() {
            continue;
        }
        let level = size.and_then(|size| look.level("", &lint.file, number(size), None));
        let place = format!("{}:{}", lint.file, lint.line);
        let size = size.map(|size| format!(" ({})", bytes(number(size)))).unwrap_or_default();
        let says = format!("{place}: {}{size}: {}", lint.rule, lint.says.trim());
        let object = format!("{place}/{}", lint.rule);
        let finding = verdict.find(level.unwrap_or(Level::Info), object, says);
        if let Some(help) = &lint.help {
            finding.with_remedy(help.clone());
        }
    }
    if !unseen.is_empty() {
        verdict.unseen = Some(unseen.join("; "));
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Invalid {
    index: String,
    table: String,
}

fn invalid_leftovers(look: &Look<'_>) -> Judged {
    let rows: Vec<Invalid> = look.rows(&INVALID)?;
    let gate = Gate::of(look)?;
    let targets = gate.targets();
    // As regclass writes them, when nothing has to be quoted; else all count.
    let tables: BTreeSet<String> =
        targets.iter().map(|target| target.table.id.to_string()).collect();
    let mut verdict = look.verdict().saying("no invalid index is left");
    for row in rows {
        if gate.plan.is_some() && !row.table.contains('"') && !tables.contains(&row.table) {
            continue;
        }
        let says = format!("{} of {} is not valid", row.index, row.table);
        verdict
            .find(Level::Warning, &row.index, says)
            .with_remedy(format!("DROP INDEX CONCURRENTLY {};", row.index));
    }
    Ok(verdict)
}
