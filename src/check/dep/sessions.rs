//! Who is in the way of a deployment now.

use std::collections::BTreeMap;

use super::gate::{ANY, Gate, HELD};
use super::live::{ASKED, Id, SESSIONS, Session};
use super::lock::Mode;
use super::statement::Statement;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Verdict};
use crate::check::words::time;
use crate::report::check::{Level, Unit};

pub const DUMP_RUNNING: Check = Check {
    id: "dep.dump_running",
    kind: Kind::Deploy,
    title: "dumps and backups that run now",
    why: "A dump holds a lock of every table until it ends. A migration that needs a stronger one \
          waits for it, and every query of those tables waits behind the migration.",
    remedy: "Wait for its end (--wait does), or deploy at another hour than that of the backup.",
    limits: &[],
    needs: &[Need::Stats],
    since: 130_000,
    asks: ASKED,
    judge: dump_running,
};

pub const LONG_XACT: Check = Check {
    id: "dep.long_xact",
    kind: Kind::Deploy,
    title: "transactions that a migration would wait for",
    why: "ALTER TABLE waits for every transaction that has touched its table, and all new queries \
          wait behind it; CREATE INDEX CONCURRENTLY waits for every older transaction, whatever \
          it touches.",
    remedy: "Wait for its end, let its owner end it, or end it with \"pgtend connections \
             terminate PID\".",
    limits: &[
        LimitSpec::fail_above(
            "age of a transaction that has a lock of a table of the migration",
            Unit::Seconds,
            5.0,
        ),
        ANY,
    ],
    needs: &[Need::Stats],
    since: 130_000,
    asks: ASKED,
    judge: long_xact,
};

pub const LOCKS_ON_TARGET: Check = Check {
    id: "dep.locks_on_target",
    kind: Kind::Deploy,
    title: "locks that a migration would wait for",
    why: "A migration that waits for a lock makes everybody wait who comes after it, also those \
          who only read.",
    remedy: "Wait for the end of their transactions, or end them with \"pgtend connections \
             terminate PID\".",
    limits: &[HELD],
    needs: &[Need::Stats],
    since: 130_000,
    asks: ASKED,
    judge: locks_on_target,
};

pub const ANTIWRAP_ON_TARGET: Check = Check {
    id: "dep.antiwrap_on_target",
    kind: Kind::Deploy,
    title: "autovacuum against wraparound in the migration's tables",
    why: "An ordinary autovacuum gives way to a migration; one against wraparound does not, and \
          the migration waits for its end, which can take hours.",
    remedy: "Wait for its end. Let VACUUM FREEZE run at a quiet hour, before it is forced.",
    limits: &[],
    needs: &[Need::Stats],
    since: 130_000,
    asks: ASKED,
    judge: antiwrap_on_target,
};

/// More sessions or tables than are read.
fn cut(gate: &Gate<'_>, look: &Look<'_>, verdict: &mut Verdict) {
    let sessions = look.is_cut(&SESSIONS);
    if sessions {
        verdict.unseen = Some("there are more sessions with locks than are read".to_owned());
    } else if gate.live.is_cut && gate.plan.as_ref().is_some_and(|plan| !plan.statements.is_empty())
    {
        // Their locks are seen by the names of the statements' tables, but not who else they are.
        let is_missed = |statement: &Statement| {
            let is_unknown = |touch| gate.live.find(statement, touch).is_none();
            statement.touches.iter().any(is_unknown)
                || gate.live.beside(statement).keys().any(|id| gate.live.table(id).is_none())
        };
        let mut statements = gate.plan.iter().flat_map(|plan| &plan.statements);
        if statements.any(is_missed) {
            let why = "there are more tables than are read, and one of the migration is not among \
                       the largest";
            verdict.unseen = Some(why.to_owned());
        }
    }
}

fn dump_running(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let mut verdict = look.verdict().saying("no dump and no backup of this database runs");
    let strong = |statement: &Statement| {
        statement.waits_for_all || statement.strongest() == Some(Mode::AccessExclusive)
    };
    let waits = gate.plan.as_ref().is_none_or(|plan| plan.statements.iter().any(strong));
    let mut seen: BTreeMap<String, Vec<&Session>> = BTreeMap::new();
    for session in gate.live.sessions.iter().filter(|session| session.is_dump()) {
        let object = if session.backup { "pgtend/backup".to_owned() } else { session.who() };
        seen.entry(object).or_default().push(session);
    }
    for (object, sessions) in seen {
        let Some(oldest) = sessions.first() else { continue };
        let level = if waits { Level::Critical } else { Level::Info };
        let age = oldest.transaction_age;
        let since = age.map(|age| format!(" for {}", time(age))).unwrap_or_default();
        let what = if oldest.backup { "a backup by pgtend" } else { "a dump" };
        let pids = pids(&sessions);
        let says = format!("{what} of this database is running{since}: {}{pids}", oldest.who());
        let finding = verdict.find(level, object, says);
        if let Some(age) = age {
            finding.with_value(age);
        }
    }
    Ok(verdict)
}

fn pids(sessions: &[&Session]) -> String {
    let pids: Vec<String> =
        sessions.iter().filter_map(|session| session.pid).map(|pid| pid.to_string()).collect();
    if pids.is_empty() { String::new() } else { format!(" (pid {})", pids.join(", ")) }
}

fn long_xact(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let mut verdict = look.verdict().saying("no transaction is old");
    cut(&gate, look, &mut verdict);
    let targets = gate.targets();
    let tables: Vec<&Id> =
        targets.iter().flat_map(|target| gate.locked(target)).map(|table| &table.id).collect();
    let has_plan = gate.plan.is_some();
    let for_all = gate
        .plan
        .as_ref()
        .is_none_or(|plan| plan.statements.iter().any(|statement| statement.waits_for_all));
    let mut oldest = Some(0.0);
    for session in &gate.live.sessions {
        let Some(age) = session.transaction_age else {
            oldest = oldest.filter(|_| session.locks.is_empty());
            continue;
        };
        if session.is_dump() || session.antiwrap || session.gives_way() {
            continue;
        }
        let locked = session.locks.iter().filter(|lock| lock.granted);
        let locked: Vec<String> = locked
            .filter(|lock| !has_plan || tables.contains(&&lock.table))
            .map(|lock| lock.table.to_string())
            .collect();
        let who = session.who();
        let by_lock = if locked.is_empty() { None } else { look.level("", &who, age, None) };
        let by_age =
            if for_all && session.has_snapshot { look.level("any", &who, age, None) } else { None };
        if !locked.is_empty() {
            oldest = oldest.map(|oldest: f64| oldest.max(age));
        }
        if let Some(level) = by_lock.max(by_age) {
            let state = session.state.as_deref().unwrap_or("in an unknown state");
            let mut locked = locked;
            locked.dedup();
            let says = match locked.first() {
                Some(table) => format!(
                    "{} has a lock of {table} in a transaction that is {} old ({state})",
                    session.named(),
                    time(age)
                ),
                None => {
                    format!("the transaction of {} is {} old ({state})", session.named(), time(age))
                }
            };
            let finding = verdict.find(level, who, says).with_value(age);
            if let Some(pid) = session.pid {
                finding.with_remedy(format!("pgtend connections terminate {pid}"));
            }
        }
    }
    verdict.measures.extend(oldest.and_then(|oldest| look.measure("", "oldest", oldest, None)));
    Ok(verdict)
}

fn locks_on_target(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let mut verdict =
        look.verdict().saying("nobody has a lock for long that a migration waits for");
    cut(&gate, look, &mut verdict);
    // Table, who has a lock of it, and what wants it.
    let mut found: BTreeMap<String, (Level, Vec<String>, String)> = BTreeMap::new();
    let mut add = |table: String, session: &Session, mode: Mode, wanted: String| {
        let age = session.transaction_age;
        let level = age.map_or(Some(Level::Critical), |age| look.level("", &table, age, None));
        let Some(level) = level else { return };
        let age = age.map(|age| format!(" for {}", time(age))).unwrap_or_default();
        let says = format!("{} has {}{age}", session.named(), mode.word());
        let entry = found.entry(table).or_insert((level, Vec::new(), wanted));
        entry.0 = entry.0.max(level);
        if !entry.1.contains(&says) {
            entry.1.push(says);
        }
    };
    if gate.plan.is_some() {
        for target in gate.targets() {
            let wanted = format!(
                "{} ({}:{}) needs {}",
                target.statement.kind,
                target.statement.file,
                target.statement.line,
                target.mode.word()
            );
            for (session, mode) in gate.holders(&target) {
                if !session.is_dump() && !session.antiwrap {
                    add(target.table.id.to_string(), session, mode, wanted.clone());
                }
            }
        }
    } else {
        for session in &gate.live.sessions {
            if session.is_dump() || session.antiwrap || session.gives_way() {
                continue;
            }
            for lock in &session.locks {
                if let Some(mode) = Mode::of_view(&lock.mode) {
                    let wanted = "most statements of migrations need ACCESS EXCLUSIVE";
                    add(lock.table.to_string(), session, mode, wanted.to_owned());
                }
            }
        }
    }
    for (table, (level, holders, wanted)) in found {
        let more = match holders.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let says = format!("{table}: {}{more}; {wanted}", holders[0]);
        verdict.find(level, table, says);
    }
    Ok(verdict)
}

fn antiwrap_on_target(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    let mut verdict = look.verdict().saying("no vacuum against wraparound is in the way");
    cut(&gate, look, &mut verdict);
    let targets = gate.targets();
    let wanted = |table: &Id| {
        let heavy = |mode: Mode| mode.conflicts(Mode::ShareUpdateExclusive);
        gate.plan.is_none()
            || targets.iter().any(|target| {
                heavy(target.mode) && gate.locked(target).iter().any(|one| one.id == *table)
            })
    };
    for session in gate.live.sessions.iter().filter(|session| session.antiwrap) {
        let strong = session.locks.iter().filter(|lock| lock.granted);
        for lock in strong.filter(|lock| lock.mode == "ShareUpdateExclusiveLock") {
            if wanted(&lock.table) {
                let says =
                    format!("{} works on {} and does not give way", session.named(), lock.table);
                verdict.find(Level::Critical, lock.table.to_string(), says);
            }
        }
    }
    Ok(verdict)
}
