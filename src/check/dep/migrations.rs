//! What the migrations themselves bring.

use std::collections::BTreeSet;

use super::gate::{Gate, NOT_THERE, REWRITTEN, SCANNED, number};
use super::live::{ASKED, Effect, SESSIONS, TABLES, Timeout};
use super::lock::Mode;
use super::plan::Plan;
use super::room::EXTENSION;
use super::statement::{Statement, Unread};
use crate::check::conf;
use crate::check::idx::invalid;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::migration::MIGRATIONS;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence, Verdict};
use crate::check::words::{bytes, time};
use crate::report::check::{Finding, Level, Unit};
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
    asks: ASKED,
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
    asks: ASKED,
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
    asks: ASKED,
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
    asks: &[
        &invalid::INDEXES,
        &SESSIONS,
        &TABLES,
        &conf::SETTINGS,
        &conf::ROLE_SETTINGS,
        &MIGRATIONS,
        &EXTENSION,
    ],
    judge: invalid_leftovers,
};

fn planned<'a>(gate: &Gate<'a>) -> Result<&'a Plan, Silence> {
    gate.plan.ok_or_else(|| Silence::not_applicable(NO_PLAN))
}

fn role_timeouts(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let role = gate.live.role.clone();
    let mut verdict = look.verdict();
    let remedy = format!("ALTER ROLE {} SET lock_timeout = '5s';", quote_name(&role));
    let has = match gate.live.lock_timeout {
        Timeout::Known(limit) => format!("{role} has a lock_timeout of {}", time(limit)),
        Timeout::None => format!("{role} has no lock_timeout"),
        Timeout::Unknown => gate.live.untold("lock_timeout"),
    };
    verdict.says = has.clone();
    let Some(plan) = gate.plan else {
        match gate.live.lock_timeout {
            Timeout::Unknown => verdict.unseen = Some(has),
            Timeout::None => {
                verdict.find(Level::Critical, role, has).with_remedy(remedy);
            }
            Timeout::Known(limit) => {
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
    let mut untold = BTreeSet::new();
    for statement in &plan.statements {
        let strongest = gate.targets_of(statement).iter().map(|target| target.mode).max();
        let Some(mode) = strongest.filter(|mode| *mode >= Mode::ShareUpdateExclusive) else {
            continue;
        };
        let matters = mode.stops().is_some() || statement.waits_for_all;
        if matters && gate.lock_timeout(statement) == Timeout::Unknown {
            untold.insert("lock_timeout");
        }
        let Some((level, object, says)) = waiting(look, gate, statement, mode) else { continue };
        if seen.insert((object.clone(), level)) {
            verdict.find(level, object, says);
        }
    }
    let long = plan.statements.iter().find(|statement| statement.waits_for_all);
    if long.is_some() && gate.live.statement_timeout == Timeout::Unknown {
        untold.insert("statement_timeout");
    }
    if let (Timeout::Known(limit), Some(long)) = (gate.live.statement_timeout, long) {
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
    if !untold.is_empty() {
        let untold: Vec<String> = untold.into_iter().map(|name| gate.live.untold(name)).collect();
        verdict.unseen = Some(untold.join("; "));
    }
}

/// What is wrong with how long a statement waits for this lock: how bad it is, of what, and why.
fn waiting(
    look: &Look<'_>,
    gate: &Gate<'_>,
    statement: &Statement,
    mode: Mode,
) -> Option<(Level, String, String)> {
    let (file, kind, role) = (&statement.file, &statement.kind, &gate.live.role);
    let place = format!("{file}:{}", statement.line);
    // While it waits, others wait behind it.
    let stops = mode.stops().is_some();
    match gate.lock_timeout(statement) {
        Timeout::Unknown => None,
        Timeout::None if !stops => None,
        Timeout::None if Gate::is_off(statement) => {
            let says = format!("lock_timeout is turned off before {kind} in {place}");
            Some((Level::Critical, file.clone(), says))
        }
        Timeout::None => {
            let says = format!("{role} has no lock_timeout, and {place} sets none before {kind}");
            Some((Level::Critical, role.clone(), says))
        }
        Timeout::Known(limit) if statement.waits_for_all => {
            let level = look.level("concurrently", file, limit, None)?;
            let limit = time(limit);
            let says = format!(
                "{kind} in {place} is ended after {limit} of waiting, and leaves an invalid index"
            );
            Some((level, file.clone(), says))
        }
        Timeout::Known(_) if !stops => None,
        Timeout::Known(limit) => {
            let level = look.level("", file, limit, None)?;
            let limit = time(limit);
            let says = format!(
                "{kind} in {place} waits for its lock for {limit}, and all others behind it"
            );
            Some((level, file.clone(), says))
        }
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
            let held = target.held.map(|held| format!("; {held}")).unwrap_or_default();
            let says = match effect {
                Effect::Rewrites(why) => format!("{place} writes {table} ({size}) anew: {why}"),
                Effect::Scans(why) => {
                    format!("{place} reads {table} ({size}) while others wait: {why}{held}")
                }
                Effect::Builds => {
                    format!("{place} builds an index of {table} ({size}) while writes wait{held}")
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
        if let Some(Unread::Opaque(why)) = gate.live.unread(statement) {
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
        let touched = |statement: &Statement| {
            let tables = statement.touches.iter();
            tables.filter_map(|touch| gate.live.find(statement, touch)).map(|one| one.bytes).max()
        };
        let size = statement.and_then(touched);
        // Nobody uses what is not there.
        if size.is_none() && statement.is_some_and(|statement| !statement.touches.is_empty()) {
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

fn invalid_leftovers(look: &Look<'_>) -> Judged {
    let mut rows: Vec<invalid::Index> = look.rows(&invalid::INDEXES)?;
    let gate = Gate::of(look)?;
    if gate.plan.is_some() {
        let targets = gate.targets();
        let tables: BTreeSet<String> =
            targets.iter().map(|target| target.table.id.to_string()).collect();
        // As regclass writes them, when nothing has to be quoted; else all count.
        rows.retain(|row| row.table.contains('"') || tables.contains(&row.table));
    }
    invalid::nobody_builds(look, &rows)?;
    let mut verdict = look.verdict().saying("no invalid index is left");
    for row in rows {
        let says = format!("{} of {} is not valid", row.index, row.table);
        verdict
            .find(Level::Warning, &row.index, says)
            .with_remedy(format!("DROP INDEX CONCURRENTLY {};", row.index));
    }
    Ok(verdict)
}
