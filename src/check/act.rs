//! Activity: what runs, waits or stays open for too long, and who keeps old rows.

mod horizon;
mod plain;

use super::activity::{ACTIVITY, Case, End, PREPARED, Prepared, Process, find_worst, unseen};
use super::limits::LimitSpec;
use super::look::Look;
use super::need::Need;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use super::words;
use crate::report::check::Unit;

/// The family.
pub const CHECKS: &[Check] =
    &[LONG_QUERY, LONG_XACT, IDLE_IN_XACT, PREPARED_XACT, horizon::XMIN_HORIZON, plain::NONTLS];

const LONG_QUERY: Check = Check {
    id: "act.long_query",
    kind: Kind::Runtime,
    title: "statements that run for long",
    why: "A statement that runs for minutes holds its locks, keeps dead rows from being cleaned \
          up, and mostly nobody waits for its answer any more.",
    remedy: "Cancel it, if nobody needs it; give the role a statement_timeout; look for a missing \
             index (pgtend slow-queries).",
    limits: &[LimitSpec::above("time since the statement began", Unit::Seconds, 300.0, 1800.0)],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&ACTIVITY],
    judge: long_query,
};

const LONG_XACT: Check = Check {
    id: "act.long_xact",
    kind: Kind::Runtime,
    title: "transactions that are open for long",
    why: "As long as a transaction is open, its locks are held and no row that died since it began \
          can be cleaned up, in any table.",
    remedy: "Find the application's transaction that is not ended; let batch work commit in parts; \
             from 17 on, transaction_timeout ends such transactions.",
    limits: &[LimitSpec::above("time since the transaction began", Unit::Seconds, 600.0, 3600.0)],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&ACTIVITY],
    judge: long_xact,
};

const IDLE_IN_XACT: Check = Check {
    id: "act.idle_in_xact",
    kind: Kind::Runtime,
    title: "sessions that are idle in a transaction",
    why: "Nothing is done, but locks are held: the next ALTER TABLE waits for it, and everybody \
          else waits for that.",
    remedy: "Terminate the session; set idle_in_transaction_session_timeout; find the place where \
             the application begins a transaction and then does something else.",
    limits: &[LimitSpec::above("time since the session does nothing", Unit::Seconds, 300.0, 900.0)],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&ACTIVITY],
    judge: idle_in_xact,
};

const PREPARED_XACT: Check = Check {
    id: "act.prepared_xact",
    kind: Kind::Runtime,
    title: "prepared transactions that wait for their end",
    why: "A transaction of two phases keeps its locks and old rows until somebody ends it, through \
          restarts too: one that was forgotten leads to a stop by transaction wraparound.",
    remedy: "Ask the transaction manager that made it; if nobody knows it, ROLLBACK PREPARED it in \
             its database. Without a transaction manager max_prepared_transactions should be 0.",
    limits: &[LimitSpec::above("time since it was prepared", Unit::Seconds, 300.0, 3600.0)],
    needs: &[],
    since: 130_000,
    asks: &[&PREPARED],
    judge: prepared_xact,
};

fn long_query(look: &Look<'_>) -> Judged {
    let word = "statement";
    sessions(look, word, |process| {
        let runs = process.is_client() && process.is_in_state("active");
        let seconds = process.statement_seconds.filter(|_| runs)?;
        let says = format!(
            "{} runs a statement for {}: {}",
            process.who(),
            words::time(seconds),
            process.statement()
        );
        Some((seconds, says, End::Cancel))
    })
}

fn long_xact(look: &Look<'_>) -> Judged {
    sessions(look, "transaction", |process| {
        // What streams from a logical publisher, and extensions; not what the server does itself.
        let kind = process.kind.as_deref().unwrap_or_default();
        let is_worker =
            kind.ends_with("worker") && !["parallel worker", "autovacuum worker"].contains(&kind);
        let seconds = process.transaction_seconds.filter(|_| process.is_client() || is_worker)?;
        let state = process.state.as_deref().unwrap_or("in an unknown state");
        let says = format!(
            "{} has a transaction open for {}, {state}",
            process.who(),
            words::time(seconds)
        );
        Some((seconds, says, End::Terminate))
    })
}

fn idle_in_xact(look: &Look<'_>) -> Judged {
    sessions(look, "idle transaction", |process| {
        let seconds =
            process.state_seconds.filter(|_| process.is_in_state("idle in transaction"))?;
        let says =
            format!("{} is idle in a transaction for {}", process.who(), words::time(seconds));
        Some((seconds, says, End::Terminate))
    })
}

/// Judges how long sessions do something; those of pgtend aside, which say themselves how long
/// they take.
fn sessions(
    look: &Look<'_>,
    what: &str,
    takes: impl Fn(&Process) -> Option<(f64, String, End)>,
) -> Judged {
    let processes: Vec<Process> = look.rows(&ACTIVITY)?;
    let cases: Vec<Case> = processes
        .iter()
        .filter(|process| !process.is_ours())
        .filter_map(|process| {
            let (seconds, says, end) = takes(process)?;
            Some(Case { object: process.name(), seconds, says, end: Some((end, process.pid)) })
        })
        .collect();
    let longest = cases.iter().map(|case| case.seconds).max_by(f64::total_cmp);
    let mut verdict = look.verdict().saying(match longest {
        None => format!("there is no {what}"),
        Some(longest) => format!("the oldest {what} is {} old", words::time(longest)),
    });
    verdict.measures.extend(look.measure("", "oldest", longest.unwrap_or_default(), None));
    verdict.unseen = unseen(&processes);
    find_worst(look, &mut verdict, cases);
    Ok(verdict)
}

fn prepared_xact(look: &Look<'_>) -> Judged {
    let prepared: Vec<Prepared> = look.rows(&PREPARED)?;
    let mut verdict = look.verdict().saying(match prepared.first() {
        None => "there is no prepared transaction".to_owned(),
        Some(oldest) => {
            format!("the oldest prepared transaction is {} old", words::time(oldest.seconds))
        }
    });
    let oldest = prepared.first().map_or(0.0, |oldest| oldest.seconds);
    verdict.measures.extend(look.measure("", "oldest", oldest, None));
    for one in prepared {
        let Some(level) = look.level("", &one.gid, one.seconds, None) else { continue };
        let says = format!(
            "{} of {} in database {} waits for its end for {}",
            one.gid,
            one.owner,
            one.database,
            words::time(one.seconds)
        );
        verdict.find(level, &one.gid, says).with_value(one.seconds).with_remedy(one.rollback());
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;
    use crate::report::check::Level;

    fn process(pid: i32, kind: &str, application: &str, state: &str, seconds: f64) -> Value {
        json!({"pid": pid, "kind": kind, "role": "shop", "database": "shop",
               "application": application, "state": state, "blocked_by": [],
               "blocked_seconds": null, "transaction_seconds": seconds,
               "statement_seconds": seconds, "state_seconds": seconds, "query": "SELECT 1"})
    }

    fn objects(check: &'static Check, processes: &[Value]) -> Vec<(String, Level)> {
        let verdict = Sample::of("activity", processes).judged(check).unwrap();
        verdict.findings.iter().map(|one| (one.object.clone(), one.level)).collect()
    }

    #[test]
    fn only_who_is_meant_takes_too_long() {
        let client = "client backend";
        let processes = [
            process(1, client, "report", "active", 1900.0),
            process(2, client, "report", "active", 301.0),
            process(3, client, "", "active", 299.0),
            process(4, client, "web", "idle in transaction (aborted)", 901.0),
            process(5, client, "pgtend/backup", "active", 9999.0),
            process(6, client, "pgtend/backup", "idle in transaction", 9999.0),
            process(7, "walsender", "standby", "active", 9999.0),
            process(8, "parallel worker", "report", "active", 9999.0),
            process(9, "autovacuum worker", "", "active", 9999.0),
            process(10, "logical replication apply worker", "", "active", 700.0),
        ];
        let report = "report/shop".to_owned();
        let web = "web/shop".to_owned();
        assert_eq!(objects(&LONG_QUERY, &processes), [(report.clone(), Level::Critical)]);
        assert_eq!(objects(&IDLE_IN_XACT, &processes), [(web.clone(), Level::Critical)]);
        let worker = ("shop".to_owned(), Level::Warning);
        let found = objects(&LONG_XACT, &processes);
        assert_eq!(found, [(report, Level::Warning), worker, (web, Level::Warning)]);
    }

    #[test]
    fn one_finding_tells_of_the_worst_and_ends_all() {
        let processes = [
            process(2, "client backend", "report", "active", 301.0),
            process(1, "client backend", "report", "active", 400.0),
        ];
        let verdict = Sample::of("activity", &processes).judged(&LONG_QUERY).unwrap();
        let finding = &verdict.findings[0];
        assert_eq!(
            finding.says,
            "report/shop (process 1, database shop) runs a statement for 6 min 40 s: SELECT 1 \
             (and 1 more of report/shop)"
        );
        assert_eq!(finding.remedy.as_deref(), Some("pgtend connections cancel 1 2"));
        let silent = [process(1, "client backend", "report", "disabled", 9.0)];
        let verdict = Sample::of("activity", &silent).judged(&IDLE_IN_XACT).unwrap();
        let unseen = "the activity of 1 session: track_activities is off for them";
        assert_eq!(verdict.unseen.as_deref(), Some(unseen));
    }
}
