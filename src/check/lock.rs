//! Locks: who waits for whom, and how full the table of locks is.

use serde::Deserialize;

use super::activity::{ACTIVITY, Case, End, PREPARED, Prepared, Process, find_worst};
use super::counters::{Between, COUNTERS};
use super::limits::LimitSpec;
use super::look::Look;
use super::need::Need;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::connections::blocked;
use crate::report::check::Unit;
use crate::report::connections::{Root, Session};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[BLOCKING, WAITERS, TABLE, DEADLOCKS];

const BLOCKING: Check = Check {
    id: "lock.blocking",
    kind: Kind::Runtime,
    title: "sessions that others wait for",
    why: "Whoever waits for a lock holds others, and further statements queue behind it: one \
          session at the root can stop an application.",
    remedy: "Look at the chain (pgtend connections blocking), then cancel the root's statement, or \
             terminate it where it is idle in a transaction. Give migrations a lock_timeout.",
    limits: &[LimitSpec::above("the longest wait behind a session", Unit::Seconds, 30.0, 300.0)],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&ACTIVITY, &PREPARED],
    judge: blocking,
};

const WAITERS: Check = Check {
    id: "lock.waiters",
    kind: Kind::Runtime,
    title: "sessions that wait for locks",
    why: "A few waits are normal for a moment; a queue is an outage that begins.",
    remedy: "Find the root of the queue: pgtend connections blocking.",
    limits: &[LimitSpec::above("sessions that wait", Unit::Count, 5.0, 20.0)],
    needs: &[],
    since: 130_000,
    asks: &[&LOCKS],
    judge: waiters,
};

const TABLE: Check = Check {
    id: "lock.table",
    kind: Kind::Runtime,
    title: "places in the table of locks",
    why: "When it is full, statements fail with \"out of shared memory\", those of dumps and of \
          queries over many partitions first.",
    remedy: "Raise max_locks_per_transaction (a restart is needed); touch fewer partitions in one \
             transaction.",
    limits: &[LimitSpec::share(
        "max_locks_per_transaction * (processes and prepared transactions that there may be)",
        Unit::Count,
        50.0,
        80.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&LOCKS],
    judge: table,
};

const DEADLOCKS: Check = Check {
    id: "lock.deadlocks",
    kind: Kind::Rate,
    title: "deadlocks in an hour",
    why: "Each of them cost one transaction, after a wait of deadlock_timeout for all in it.",
    remedy: "The server's log has the statements of each: let all transactions lock rows in the \
             same order (ORDER BY the key before FOR UPDATE).",
    limits: &[LimitSpec::above(
        "deadlocks in this database; less than ten minutes count as ten",
        Unit::PerHour,
        1.0,
        10.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&COUNTERS],
    judge: deadlocks,
};

const LOCKS: Question = Question::of("locks", &[(130_000, sql::CHECK_LOCKS)]);

#[derive(Deserialize)]
struct Locks {
    waiters: f64,
    used: f64,
    places: f64,
}

fn blocking(look: &Look<'_>) -> Judged {
    let processes: Vec<Process> = look.rows(&ACTIVITY)?;
    let prepared: Vec<Prepared> = look.rows(&PREPARED)?;
    let sessions: Vec<Session> = processes
        .iter()
        .map(|process| Session {
            pid: process.pid,
            blocked_by: process.blocked_by.clone(),
            blocked_seconds: process.blocked_seconds,
            ..Session::default()
        })
        .collect();
    let blocked = blocked(&sessions);
    let longest = blocked.longest_seconds.unwrap_or_default();
    let mut verdict = look.verdict().saying(match blocked.count {
        0 => "nobody waits for a lock".to_owned(),
        _ => format!("the longest wait for a lock is {} long", words::time(longest)),
    });
    verdict.measures.extend(look.measure("", "longest", longest, None));
    let (of_prepared, of_sessions): (Vec<&Root>, Vec<&Root>) =
        blocked.roots.iter().partition(|root| root.pid == 0);
    let cases = of_sessions
        .iter()
        .map(|root| {
            let who = processes.iter().find(|process| process.pid == root.pid);
            case(root, who)
        })
        .collect();
    find_worst(look, &mut verdict, cases);
    for root in of_prepared {
        let (object, remedy) = prepared_root(&prepared);
        let seconds = root.longest_seconds.unwrap_or_default();
        let Some(level) = look.level("", &object, seconds, None) else { continue };
        let says = format!("{object} blocks {}", behind(root));
        verdict.find(level, object, says).with_value(seconds).with_remedy(remedy);
    }
    // The server ends a circle, but after deadlock_timeout.
    if blocked.count > 0
        && blocked.roots.is_empty()
        && let Some(level) = look.level("", "circle", longest, None)
    {
        let says = format!(
            "{} wait for each other in a circle for {}",
            words::amount(waits(blocked.count), "session"),
            words::time(longest)
        );
        verdict.find(level, "circle", says).with_value(longest);
    }
    Ok(verdict)
}

/// A session at the root.
fn case(root: &Root, who: Option<&Process>) -> Case {
    let (seconds, behind) = (root.longest_seconds.unwrap_or_default(), behind(root));
    let Some(who) = who else {
        let says = format!("process {} blocks {behind}", root.pid);
        let object = "a process".to_owned();
        return Case { object, seconds, says, end: Some((End::Terminate, root.pid)) };
    };
    let age =
        who.transaction_seconds.map(|age| format!(", in its transaction for {}", words::time(age)));
    let statement = match who.statement() {
        statement if statement.is_empty() => String::new(),
        statement => format!(": {statement}"),
    };
    let says = format!(
        "{}, {}{}, blocks {behind}{statement}",
        who.who(),
        who.state.as_deref().unwrap_or("in an unknown state"),
        age.unwrap_or_default(),
    );
    // A session that is idle has no statement to cancel.
    let end = if who.is_in_state("active") { End::Cancel } else { End::Terminate };
    Case { object: who.name(), seconds, says, end: Some((end, root.pid)) }
}

/// `3 sessions, the longest for 2 min 4 s`
fn behind(root: &Root) -> String {
    let sessions = words::amount(waits(root.blocks), "session");
    match root.longest_seconds {
        Some(seconds) => format!("{sessions}, the longest for {}", words::time(seconds)),
        None => sessions,
    }
}

/// Locks do not tell which prepared transaction holds them; with one there is no question.
fn prepared_root(prepared: &[Prepared]) -> (String, String) {
    match prepared {
        [one] => (format!("prepared transaction {}", one.gid), one.rollback()),
        _ => ("a prepared transaction".to_owned(), "pgtend connections blocking".to_owned()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of sessions")]
const fn waits(number: u64) -> f64 {
    number as f64
}

fn waiters(look: &Look<'_>) -> Judged {
    let locks: Locks = look.row(&LOCKS)?;
    let says = match locks.waiters {
        0.0 => "nobody waits for a lock".to_owned(),
        waiters => format!("sessions that wait for locks: {}", words::count(waiters)),
    };
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "waiters", locks.waiters, None));
    if let Some(level) = look.level("", "server", locks.waiters, None) {
        let finding = verdict.find(level, "server", says).with_value(locks.waiters);
        finding.with_remedy("pgtend connections blocking");
    }
    Ok(verdict)
}

fn table(look: &Look<'_>) -> Judged {
    let Locks { used, places, .. } = look.row(&LOCKS)?;
    let says = format!(
        "{} of {} in the table of locks are used",
        words::count(used),
        words::amount(places, "place")
    );
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "locks", used, Some(places)));
    if let Some(level) = look.level("", "server", used, Some(places)) {
        verdict.find(level, "server", says).with_value(used);
    }
    Ok(verdict)
}

fn deadlocks(look: &Look<'_>) -> Judged {
    let between = Between::of(look)?;
    let database = look.facts.server.database.as_str();
    let number = between.grown(|counters| counters.deadlocks);
    let rate = number * 3600.0 / between.seconds.max(600.0);
    let says = format!("{} in {}", words::amount(number, "deadlock"), words::time(between.seconds));
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", database, rate, None));
    if let Some(level) = look.level("", database, rate, None) {
        verdict.find(level, database, says).with_value(rate);
    }
    Ok::<_, Silence>(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;
    use crate::check::verdict::Verdict;
    use crate::report::check::Level;

    fn process(pid: i32, application: &str, blocked_by: &[i32], seconds: f64) -> Value {
        json!({"pid": pid, "kind": "client backend", "role": "shop", "database": "shop",
               "application": application, "state": "idle in transaction",
               "blocked_by": blocked_by,
               "blocked_seconds": (!blocked_by.is_empty()).then_some(seconds),
               "transaction_seconds": 400.0, "statement_seconds": 1.0, "state_seconds": 1.0,
               "query": "UPDATE  stock\n SET number = 1"})
    }

    fn blocking(processes: &[Value], prepared: &[Value]) -> Verdict {
        let sample = Sample::of("activity", processes).with("prepared", prepared);
        sample.judged(&BLOCKING).unwrap()
    }

    #[test]
    fn the_root_of_a_chain_is_named_and_roots_of_one_name_are_one_finding() {
        let processes = [
            process(1, "web", &[], 0.0),
            process(2, "job", &[1], 310.0),
            process(3, "job", &[2], 40.0),
            process(4, "web", &[], 0.0),
            process(5, "job", &[4], 31.0),
        ];
        let found = blocking(&processes, &[]).findings;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].key.as_str(), found[0].level),
            ("lock.blocking:web/shop", Level::Critical)
        );
        assert_eq!(
            found[0].says,
            "web/shop (process 1, database shop), idle in transaction, in its transaction for \
             6 min 40 s, blocks 2 sessions, the longest for 5 min 10 s: UPDATE stock SET number = \
             1 (and 1 more of web/shop)"
        );
        assert_eq!(found[0].remedy.as_deref(), Some("pgtend connections terminate 1 4"));
    }

    #[test]
    fn a_prepared_transaction_and_a_circle_block_too() {
        let waits = [process(2, "job", &[0], 31.0)];
        let prepared =
            |gid: &str| json!({"gid": gid, "owner": "shop", "database": "shop", "seconds": 31.0});
        let one = blocking(&waits, &[prepared("o'7")]).findings;
        assert_eq!(one[0].object, "prepared transaction o'7");
        assert_eq!(
            one[0].remedy.as_deref(),
            Some("ROLLBACK PREPARED 'o''7';  -- in database shop")
        );
        let two = blocking(&waits, &[prepared("a"), prepared("b")]).findings;
        assert_eq!(two[0].object, "a prepared transaction");
        let circle = [process(1, "job", &[2], 40.0), process(2, "job", &[1], 39.0)];
        assert_eq!(blocking(&circle, &[]).findings[0].object, "circle");
        assert!(blocking(&[process(1, "web", &[], 0.0)], &[]).findings.is_empty());
    }

    #[test]
    fn one_deadlock_of_a_short_sample_is_not_hundreds_in_an_hour() {
        let counters = |deadlocks: u32, commits: u32| {
            Sample::of(
                "database_counters",
                &[json!({"deadlocks": deadlocks, "xact_commit": commits})],
            )
        };
        let found = |now: u32, seconds: f64| {
            let judged = counters(now, 9).after(seconds, &counters(2, 8)).judged(&DEADLOCKS);
            judged.unwrap().findings.first().map(|finding| finding.level)
        };
        assert_eq!(found(2, 10.0), None);
        assert_eq!(found(3, 10.0), Some(Level::Warning));
        assert_eq!(found(4, 10.0), Some(Level::Critical));
        assert_eq!(found(3, 7200.0), None);
        // A crash loses what was counted.
        let reset = counters(0, 1).after(10.0, &counters(2, 8)).judged(&DEADLOCKS);
        assert!(matches!(reset, Err(Silence::Unknown(_))));
        assert!(matches!(counters(2, 8).judged(&DEADLOCKS), Err(Silence::NotApplicable(_))));
    }
}
