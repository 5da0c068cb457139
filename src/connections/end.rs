//! Cancelling statements and ending sessions: chosen, shown, agreed to, done, looked at.
//!
//! The session that does it stays read-only: a signal is no write, and nothing else is wanted of
//! it. What it takes is the consent.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::filter::{Filter, Fit, Seen};
use super::party::party;
use super::unseen::of_sessions;
use crate::conn::{QueryError, Row, Session, Type, get};
use crate::consent::Consent;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::ended::{Ended, How, LeftOut, Outcome, Victim};
use crate::report::party::Party;
use crate::settings::PoolerMode;
use crate::sql;

/// Sessions that are looked at, at most.
const LIMIT: i64 = 10_000;
/// Signals that are sent in one go.
const TOGETHER: usize = 50;
/// How long an end is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks: from, to.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// What autovacuum says in its statement when it must not be stopped.
const WRAPAROUND: &str = "(to prevent wraparound)";

/// Who is to be ended.
#[derive(Debug)]
pub struct Request {
    pub how: How,
    /// Processes; none where filters choose.
    pub pids: Vec<i32>,
    pub filter: Filter,
    pub dry_run: bool,
}

/// Chooses, in one round trip; changes nothing.
///
/// # Errors
/// Exit 77 when a process that was named is one that is never ended; exit 69 behind a pooler in
/// statement mode.
pub async fn choose(session: &Session, request: &Request) -> Result<Ended> {
    let failed = |error: QueryError| error.into_error("cannot see the sessions");
    if session.sharing_pooler().is_some_and(|pooler| pooler.mode == PoolerMode::Statement) {
        // Without a transaction no setting can be made, and so no name is sure to be the server's.
        return Err(Error::new(Exit::Unavailable, "cannot end sessions through this pooler")
            .because("it is in statement mode, which has no transactions")
            .next("connect to the server itself"));
    }
    let limit = LIMIT + 1;
    let params: crate::conn::Params<'_> =
        &[(&request.pids, Type::INT4_ARRAY), (&limit, Type::INT8), (&sql::BACKUP_LOCK, Type::INT8)];
    let rows = session.read(sql::CONNECTIONS_VICTIMS.text, params).await.map_err(failed)?;
    let found = rows.iter().map(Candidate::of).collect::<Result<Vec<_>>>()?;
    let mut chosen = chosen(session, request, found)?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > LIMIT {
        chosen.unseen.push(format!("more than {LIMIT} sessions: not all of them were looked at"));
    }
    Ok(chosen)
}

/// A session with what decides on it.
#[derive(Debug, Clone)]
struct Candidate {
    party: Party,
    began_us: Option<i64>,
    statement_us: Option<i64>,
    state_us: Option<i64>,
    is_own: bool,
    of_superuser: bool,
    backs_up: bool,
    blocked: bool,
}

impl Candidate {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            party: party(row)?,
            began_us: get(row, "began_us")?,
            statement_us: get(row, "statement_us")?,
            state_us: get(row, "state_us")?,
            is_own: get(row, "is_own")?,
            of_superuser: get(row, "of_superuser")?,
            backs_up: get(row, "backs_up")?,
            blocked: get(row, "blocked")?,
        })
    }
}

/// Whether a session may be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Judged {
    /// With what must be known before.
    Fit(Option<String>),
    /// Only when it is named: why.
    Named(String),
    /// Never: why.
    Never(String),
    /// It would have no effect: why.
    Idle(String),
}

fn judge(candidate: &Candidate, how: How) -> Judged {
    let Candidate { party, is_own, backs_up, .. } = candidate;
    let never = |why: &str| Judged::Never(why.to_owned());
    let query = party.query.as_deref().unwrap_or("");
    if *is_own {
        return never("it is this session of pgtend");
    }
    if party.hidden {
        return never("what it is and what it does is hidden from this role");
    }
    match party.backend_type.as_deref().unwrap_or("") {
        "client backend" => {}
        "walsender" => {
            return never("it is replication: a standby or a copy of the log hangs on it");
        }
        "autovacuum worker" if query.ends_with(WRAPAROUND) => {
            return never("it is an autovacuum that prevents wraparound, and would come back");
        }
        "autovacuum worker" => {
            return Judged::Named("it is autovacuum, which would come back".to_owned());
        }
        "parallel worker" => return never("it is a parallel worker: end its leader"),
        other => return never(&format!("it is a process of the server: {other}")),
    }
    let application = party.application.as_deref().unwrap_or("");
    let work = match application {
        _ if *backs_up => Some("backup"),
        _ if application.starts_with("pgtend/backup") => Some("backup"),
        _ if application.starts_with("pgtend/restore") => Some("restore"),
        _ => None,
    };
    if let Some(work) = work {
        return Judged::Named(format!("a {work} of pgtend runs in it, which would end too"));
    }
    let runs = party.state.as_deref() == Some("active")
        || party.state.as_deref() == Some("fastpath function call")
        || party.backend_type.as_deref() == Some("autovacuum worker");
    if how == How::Cancel && !runs {
        let state = party.state.as_deref().unwrap_or("idle");
        return Judged::Idle(format!(
            "it runs no statement that could be cancelled ({state}): terminate ends it"
        ));
    }
    Judged::Fit(None)
}

fn chosen(session: &Session, request: &Request, found: Vec<Candidate>) -> Result<Ended> {
    let mut refused = Vec::new();
    let mut hidden = 0;
    let mut report = Ended {
        how: request.how,
        server: session.address().to_string(),
        dry_run: request.dry_run,
        sessions: Vec::new(),
        left_out: Vec::new(),
        unseen: Vec::new(),
    };
    let named = !request.pids.is_empty();
    for candidate in found {
        let Party { database, backend_type, .. } = &candidate.party;
        // Processes of the server (some have a role) are no sessions that a filter means.
        let is_session = database.is_some() || backend_type.as_deref() == Some("walsender");
        let seen = Seen::of_party(&candidate.party, candidate.blocked);
        if !named && (!is_session || request.filter.fits(&seen) == Fit::No) {
            continue;
        }
        let process = candidate.party.name();
        let warning = match judge(&candidate, request.how) {
            Judged::Never(why) if named => {
                refused.push((process, why, candidate.party.hidden));
                continue;
            }
            Judged::Fit(warning) => warning,
            Judged::Named(warning) if named => Some(warning),
            Judged::Named(why) | Judged::Never(why) | Judged::Idle(why) => {
                hidden += usize::from(candidate.party.hidden);
                report.left_out.push(LeftOut {
                    party: candidate.party,
                    reason: why,
                    asked_for: named,
                });
                continue;
            }
        };
        let Candidate { party, began_us, statement_us, state_us, of_superuser, .. } = candidate;
        // It is hidden together with the rest.
        let Some(began_us) = began_us else {
            return Err(Error::bug("a session without a beginning"));
        };
        let outcome = Outcome::Chosen;
        report.sessions.push(Victim {
            party,
            began_us,
            statement_us,
            // Named, it is meant whatever it does; so it is where filters do not ask what it does.
            state_us: state_us.filter(|_| request.filter.asks_what_it_does()),
            of_superuser,
            warning,
            outcome,
            why: None,
        });
    }
    if !refused.is_empty() {
        return Err(refusal(session, request.how, &refused));
    }
    let absent: Vec<i32> = request
        .pids
        .iter()
        .copied()
        .filter(|pid| !report.sessions.iter().any(|one| one.party.pid == Some(*pid)))
        .filter(|pid| !report.left_out.iter().any(|one| one.party.pid == Some(*pid)))
        .collect();
    report.sessions.extend(absent.into_iter().map(not_there));
    report.unseen = of_sessions(hidden, &session.server().role);
    Ok(report)
}

/// A process that was named, and is none.
fn not_there(pid: i32) -> Victim {
    Victim {
        party: Party { pid: Some(pid), ..Party::default() },
        began_us: 0,
        statement_us: None,
        state_us: None,
        of_superuser: false,
        warning: None,
        outcome: Outcome::NotThere,
        why: Some("no session has this process".to_owned()),
    }
}

fn refusal(session: &Session, how: How, refused: &[(String, String, bool)]) -> Error {
    let pids: Vec<&str> = refused.iter().map(|(pid, ..)| pid.as_str()).collect();
    let what = format!("pgtend does not {} {}; nothing was done", how.word(), pids.join(", "));
    let mut error = Error::new(Exit::Refused, what);
    for (pid, why, _) in refused {
        error = error.because(format!("{pid}: {why}"));
    }
    if refused.iter().any(|(.., hidden)| *hidden) {
        let role = sql::quote_name(&session.server().role);
        return error
            .next(format!("let the role see it: GRANT pg_read_all_stats TO {role}"))
            .next(format!("and end it: GRANT pg_signal_backend TO {role}"));
    }
    error.next("leave it out; pgtend connections shows what each session is")
}

/// Ends those that were chosen, and looks until they are gone, for [`PATIENCE`] at most. Each is
/// told only when it still is the session that was shown.
///
/// # Errors
/// Exit 69, when the connection is lost: what was sent then is not known.
pub async fn end(session: &Session, chosen: Ended, _consent: &Consent) -> Result<Ended> {
    let mut report = chosen;
    let role = session.server().role.clone();
    let how = report.how;
    let mut left: Vec<&mut Victim> =
        report.sessions.iter_mut().filter(|one| one.outcome == Outcome::Chosen).collect();
    for some in left.chunks_mut(TOGETHER) {
        let sent = join_all(some.iter().map(|victim| signal(session, how, victim))).await;
        for (victim, sent) in some.iter_mut().zip(sent) {
            tell(victim, sent, &role)?;
        }
    }
    wait(session, how, left).await?;
    Ok(report)
}

/// What became of a signal.
enum Sent {
    Yes,
    No,
    /// The session does something else than what was shown: nothing was sent.
    Changed,
    Gone,
}

async fn signal(session: &Session, how: How, victim: &Victim) -> Result<Sent, QueryError> {
    let statement = match how {
        How::Cancel => sql::CONNECTIONS_CANCEL,
        How::Terminate => sql::CONNECTIONS_TERMINATE,
    };
    let params: crate::conn::Params<'_> = &[
        (&victim.party.pid, Type::INT4),
        (&victim.began_us, Type::INT8),
        (&victim.statement_us, Type::INT8),
        (&victim.state_us, Type::INT8),
    ];
    let rows = session.read(statement.text, params).await?;
    Ok(match rows.first() {
        Some(row) if !row.try_get::<_, bool>("same")? => Sent::Changed,
        // Null for our own process, which nobody tells to end.
        Some(row) if row.try_get::<_, Option<bool>>("sent")? == Some(true) => Sent::Yes,
        Some(_) => Sent::No,
        None => Sent::Gone,
    })
}

/// What is known after the signal; one that was sent stays chosen.
fn tell(victim: &mut Victim, sent: Result<Sent, QueryError>, role: &str) -> Result<()> {
    match sent {
        Ok(Sent::Yes) => {}
        Ok(Sent::Gone) => victim.outcome = Outcome::GoneAlready,
        Ok(Sent::Changed) => {
            victim.outcome = Outcome::Changed;
            victim.why = Some("nothing was sent: what was shown has ended by itself".into());
        }
        Ok(Sent::No) => {
            victim.outcome = Outcome::Refused;
            victim.why = Some("the server did not send it: it may be this session's own".into());
        }
        Err(error) if error.sqlstate() == Some("42501") => {
            victim.outcome = Outcome::Refused;
            let message = error.message();
            victim.why = Some(if victim.of_superuser {
                format!("{message}; it is a superuser's session, which only a superuser ends")
            } else {
                let role = sql::quote_name(role);
                format!("{message}; GRANT pg_signal_backend TO {role}")
            });
        }
        Err(error) => {
            let process = victim.party.name();
            return Err(error
                .into_error(format!("cannot end {process}"))
                .also("sessions before it may have been told already"));
        }
    }
    Ok(())
}

/// Looks until all that were told are gone (or do something else, for cancel).
async fn wait(session: &Session, how: How, told: Vec<&mut Victim>) -> Result<()> {
    let started = Instant::now();
    let mut pause = PAUSES.0;
    let mut left: Vec<&mut Victim> =
        told.into_iter().filter(|one| one.outcome == Outcome::Chosen).collect();
    while !left.is_empty() {
        let pids: Vec<i32> = left.iter().filter_map(|victim| victim.party.pid).collect();
        let rows = session.read(sql::CONNECTIONS_PRESENT.text, &[(&pids, Type::INT4_ARRAY)]).await;
        let rows = rows.map_err(|error| {
            error.into_error("cannot see what became of the sessions").also("they were told to end")
        })?;
        let present = rows.iter().map(Present::of).collect::<Result<Vec<_>>>()?;
        for victim in &mut left {
            if !present.iter().any(|one| one.is(victim, how)) {
                victim.outcome = Outcome::Ended;
            }
        }
        left.retain(|victim| victim.outcome == Outcome::Chosen);
        if started.elapsed() > PATIENCE {
            break;
        }
        if !left.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
    for victim in left {
        victim.outcome = Outcome::StillThere;
        victim.why = Some(format!(
            "it was told, and had not ended {} s later: it does so at its next check",
            PATIENCE.as_secs()
        ));
    }
    Ok(())
}

/// A process that is there.
struct Present {
    pid: i32,
    state: Option<String>,
    began_us: Option<i64>,
    statement_us: Option<i64>,
}

impl Present {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            pid: get(row, "pid")?,
            state: get(row, "state")?,
            began_us: get(row, "began_us")?,
            statement_us: get(row, "statement_us")?,
        })
    }

    /// Whether it is that session, and for cancel that statement, still at work.
    fn is(&self, victim: &Victim, how: How) -> bool {
        let same = Some(self.pid) == victim.party.pid && self.began_us == Some(victim.began_us);
        let at_work = self.state.as_deref() != Some("idle")
            && !self.state.as_deref().is_some_and(|state| state.starts_with("idle in"));
        same && match how {
            How::Terminate => true,
            How::Cancel => at_work && self.statement_us == victim.statement_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(backend_type: &str, state: &str, query: &str) -> Candidate {
        Candidate {
            party: Party {
                pid: Some(7),
                backend_type: Some(backend_type.into()),
                state: Some(state.into()),
                query: Some(query.into()),
                ..Party::default()
            },
            began_us: Some(1),
            statement_us: Some(1),
            state_us: Some(1),
            is_own: false,
            of_superuser: false,
            backs_up: false,
            blocked: false,
        }
    }

    #[test]
    fn some_sessions_are_never_ended() {
        let never = |candidate: &Candidate| match judge(candidate, How::Terminate) {
            Judged::Never(why) => why,
            other => panic!("{other:?}"),
        };
        let client = || candidate("client backend", "active", "select 1");
        assert!(never(&Candidate { is_own: true, ..client() }).contains("this session"));
        assert!(never(&candidate("walsender", "active", "START_REPL")).contains("replication"));
        let vacuum = "autovacuum: VACUUM public.t (to prevent wraparound)";
        assert!(never(&candidate("autovacuum worker", "active", vacuum)).contains("wraparound"));
        assert!(never(&candidate("checkpointer", "", "")).contains("checkpointer"));
        let mut hidden = client();
        hidden.party.hidden = true;
        assert!(never(&hidden).contains("hidden"));
        // A client that only talks of it.
        let talk = candidate("client backend", "active", vacuum);
        assert_eq!(judge(&talk, How::Terminate), Judged::Fit(None));
        let usual = candidate("autovacuum worker", "active", "autovacuum: VACUUM public.t");
        assert!(matches!(judge(&usual, How::Cancel), Judged::Named(why) if why.contains("vacuum")));
    }

    #[test]
    fn a_backup_is_ended_only_by_name_and_what_is_idle_has_nothing_to_cancel() {
        let mut backup = candidate("client backend", "idle in transaction", "");
        backup.backs_up = true;
        assert!(
            matches!(judge(&backup, How::Terminate), Judged::Named(why) if why.contains("backup"))
        );
        let idle = candidate("client backend", "idle in transaction", "select 1");
        assert!(
            matches!(judge(&idle, How::Cancel), Judged::Idle(why) if why.contains("terminate"))
        );
        assert_eq!(judge(&idle, How::Terminate), Judged::Fit(None));
    }
}
