//! Which of several servers with the same data to read from: by their health, then by weight.
//!
//! Health is what can be seen now, with a session: a replica has to be in recovery, to belong to
//! the primary's cluster, and to lag no further behind than allowed. What cannot be known counts
//! against it, save the primary's own identity when the primary is dead: then there is nobody to
//! ask, and replicas are what is left. A primary that answers and refuses us is not dead: its
//! error ends the run, as without replicas, and nothing is tried there a second time.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::capabilities::ANSWER_LIMIT;
use super::connect::{SessionOptions, connect};
use super::server::Server;
use super::session::Session;
use crate::cli::connect::ReadFrom;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{Replica, SessionAttrs, Target};

/// Reasons (see [`super::rows`]) that prove that nobody can be asked at a place now.
const DEAD: [&str; 13] = [
    "refused",
    "silent",
    "silent-server",
    "silent-tls",
    "silent-login",
    "no-route",
    "no-route-ipv6",
    "socket-missing",
    "socket-stale",
    "starting",
    "stopping",
    "recovering",
    // Tells of the host's name, beside one of the others.
    "rds-unreachable",
];
/// A busy standby looks far behind for the moment between the arrival of the first transaction
/// after a pause and its replay: so often, and so far apart, is asked before it is believed.
const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// A session, and why it is at that server.
#[derive(Debug)]
pub struct Routed {
    pub session: Session,
    pub choice: Choice,
}

/// Which server was taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub taken: Taken,
    /// For people: `weight 5, 12 s behind the primary`.
    pub why: String,
    /// The servers that could not be used, each with the reason: `db2:5432: it lags ..`.
    pub skipped: Vec<String>,
    /// What could not be found out about the server that was taken.
    pub unknown: Option<String>,
}

/// The part that a server plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The target itself, as it was asked for.
    Primary,
    /// The target itself, for want of a replica.
    Fallback,
    Replica,
    /// The server of `DB_BACKUP_URL`.
    Backup,
}

impl Taken {
    /// A word for reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary | Self::Fallback => "primary",
            Self::Replica => "replica",
            Self::Backup => "backup",
        }
    }
}

/// What is known of the primary, to judge others by.
struct Known {
    system_identifier: u64,
    database: String,
    /// WAL position; `None` when it does not tell.
    position: Option<String>,
}

/// A primary that was looked at.
struct Primary {
    /// Good for more; `None` when it cannot be read from.
    session: Option<Session>,
    known: Result<Known, Dead>,
}

/// Why there is nobody to ask.
struct Dead(String);

impl Primary {
    fn known(&self) -> Option<&Known> {
        self.known.as_ref().ok()
    }

    /// What is left open about another server.
    fn unknown(&self) -> Option<String> {
        let Dead(why) = self.known.as_ref().err()?;
        Some(format!("whether this server belongs to the primary is not known: {why}"))
    }
}

/// How far a standby is behind.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lag {
    /// Seconds; 0 when all that is known to exist has been replayed.
    Behind(f64),
    Unknown,
}

/// Connects to the server that `wanted` means. Replicas are taken at random, by weight; `any`
/// counts the primary as one of weight 1. Without a usable replica it is the primary.
///
/// # Errors
/// Usage, when no server of that kind is known, or it has us in another database; else as [`connect`], with the reason for each
/// replica that was skipped.
pub async fn route(
    target: &Target,
    wanted: ReadFrom,
    max_lag: Duration,
    options: &SessionOptions,
) -> Result<Routed> {
    match wanted {
        ReadFrom::Primary => primary_alone(target, "it is the default", options).await,
        ReadFrom::Any if target.replicas.is_empty() => {
            primary_alone(target, "no replica is known", options).await
        }
        ReadFrom::Backup => {
            let Some(server) = &target.backup_server else {
                return Err(Error::usage("--read-from backup: no backup server is known").next(
                    "set DB_BACKUP_URL to the URL of the server that backups are read from",
                ));
            };
            backup(target, server, max_lag, options).await
        }
        ReadFrom::Replica if target.replicas.is_empty() => {
            Err(Error::usage("--read-from replica: no replica is known").next(
                "set DB_READ_REPLICA_URLS, or replicas of the target in pgtend.toml, or give the \
                 replica itself with --host or --url",
            ))
        }
        ReadFrom::Replica | ReadFrom::Any => {
            Candidates { target, wanted, max_lag, options }.choose().await
        }
    }
}

async fn primary_alone(target: &Target, why: &str, options: &SessionOptions) -> Result<Routed> {
    let session = connect(target, options).await?;
    Ok(Routed { session, choice: Choice::of(Taken::Primary, why) })
}

impl Choice {
    fn of(taken: Taken, why: impl Into<String>) -> Self {
        Self { taken, why: why.into(), skipped: Vec::new(), unknown: None }
    }
}

/// The one server that was named for backups: no other takes its place.
async fn backup(
    target: &Target,
    server: &Target,
    max_lag: Duration,
    options: &SessionOptions,
) -> Result<Routed> {
    let primary = look_at_primary(target, options).await?;
    let known = primary.known();
    let server = with_passwords_of(target, server);
    let session = connect(&server, options).await?;
    same_database(target, &server, &session, known)?;
    let lag = match session.server().in_recovery {
        true => lag(&session, known, max_lag).await,
        false => Lag::Behind(0.0),
    };
    if let Some(why) = unfit(session.server(), known, lag, max_lag, false) {
        return Err(Error::new(
            Exit::Unavailable,
            format!("cannot read from the backup server {}", session.address()),
        )
        .because(why)
        .next("give a longer --max-lag, or read from another server: --read-from primary"));
    }
    let choice =
        Choice { unknown: primary.unknown(), ..Choice::of(Taken::Backup, "DB_BACKUP_URL") };
    Ok(Routed { session, choice })
}

/// A look at the primary. Its own limits hold (connect_timeout, for each of its hosts), and a
/// password is asked for as ever.
///
/// # Errors
/// As [`connect`], unless it is dead.
async fn look_at_primary(target: &Target, options: &SessionOptions) -> Result<Primary> {
    let quick = SessionOptions { retry: false, ..options.clone() };
    let mut connected = connect(target, &quick).await;
    if connected.as_ref().is_err_and(|error| error.exit() == Exit::Busy) {
        // It lives, and a free connection is worth waiting for.
        connected = connect(target, options).await;
    }
    match connected {
        Ok(session) => Ok(ask_primary(session).await),
        Err(error) if is_dead(&error) => {
            let why = format!("{}: {}", error.what(), error.causes().join("; "));
            Ok(Primary { session: None, known: Err(Dead(why)) })
        }
        Err(error) if error.reasons().contains(&"wrong-kind") => {
            // One that answers there knows the cluster, whatever kind it is.
            let any = Target { session_attrs: SessionAttrs::Any, ..target.clone() };
            let session = connect(&any, &quick).await?;
            Ok(Primary { session: None, ..ask_primary(session).await })
        }
        Err(error) => Err(error),
    }
}

async fn ask_primary(session: Session) -> Primary {
    let system_identifier = session.server().system_identifier;
    let database = session.server().database.clone();
    // What a standby has replayed is not what there is.
    let position = match session.server().in_recovery {
        true => Ok(None),
        false => tokio::time::timeout(ANSWER_LIMIT, position(&session)).await,
    };
    // A session that still waits for an answer is good for nothing more.
    let session = Some(session).filter(|_| position.is_ok());
    let position = position.unwrap_or(None);
    Primary { session, known: Ok(Known { system_identifier, database, position }) }
}

fn is_dead(error: &Error) -> bool {
    let reasons = error.reasons();
    !reasons.is_empty() && reasons.iter().all(|reason| DEAD.contains(reason))
}

/// `None` when the server refuses to tell.
async fn position(session: &Session) -> Option<String> {
    let rows = session.rows(super::session::POSITION, &[]).await.ok()?;
    rows.first().and_then(|row| row.try_get("position").ok())
}

/// A choice to be made.
struct Candidates<'a> {
    target: &'a Target,
    wanted: ReadFrom,
    max_lag: Duration,
    options: &'a SessionOptions,
}

impl Candidates<'_> {
    async fn choose(&self) -> Result<Routed> {
        let mut primary = look_at_primary(self.target, self.options).await?;
        let replicas = &self.target.replicas;
        let mut weights: Vec<u32> = replicas.iter().map(|replica| replica.weight).collect();
        if self.wanted == ReadFrom::Any {
            weights.push(1);
        }
        let state = RandomState::new();
        let mut skipped = Vec::new();
        for at in order(&weights, |round| state.hash_one(round)) {
            let Some(replica) = replicas.get(at) else {
                // The primary among others: it is good when it has answered.
                if let Some(session) = primary.session.take() {
                    let choice = Choice::of(Taken::Primary, "it was its turn");
                    return Ok(Routed { session, choice: Choice { skipped, ..choice } });
                }
                continue;
            };
            match self.try_replica(replica, primary.known()).await? {
                Ok((session, why)) => {
                    let unknown = primary.unknown();
                    let choice = Choice { taken: Taken::Replica, why, skipped, unknown };
                    return Ok(Routed { session, choice });
                }
                Err(why) => skipped.push(why),
            }
        }
        let session = match primary.session {
            Some(session) => session,
            None => connect(self.target, self.options).await.map_err(|error| {
                skipped.iter().fold(error, |error, why| error.because(format!("replica {why}")))
            })?,
        };
        let choice = Choice::of(Taken::Fallback, "no replica can be used");
        Ok(Routed { session, choice: Choice { skipped, ..choice } })
    }

    /// A session at a healthy replica and why it may be read from, or why not.
    ///
    /// # Errors
    /// Usage, when it is another database.
    async fn try_replica(
        &self,
        replica: &Replica,
        known: Option<&Known>,
    ) -> Result<Result<(Session, String), String>> {
        let target = with_passwords_of(self.target, &replica.target);
        let options = SessionOptions { retry: false, ..self.options.clone() };
        let place = target.servers();
        let session = match connect(&target, &options).await {
            Ok(session) => session,
            Err(error) => {
                let why = error.causes().first().map_or(error.what(), String::as_str);
                return Ok(Err(format!("{place}: {why}")));
            }
        };
        same_database(self.target, &target, &session, known)?;
        let lag = lag(&session, known, self.max_lag).await;
        Ok(match unfit(session.server(), known, lag, self.max_lag, true) {
            Some(why) => Err(format!("{place}: {why}")),
            None => Ok((session, format!("weight {}, {}", replica.weight, lag.words()))),
        })
    }
}

/// Another server of the target's: for the same role nobody is asked twice, neither a person nor
/// the one command of both. A password that is typed first is above all that is known there too.
fn with_passwords_of(target: &Target, other: &Target) -> Target {
    let mut other = other.clone();
    if other.user == target.user && other.login == target.login {
        other.learned = target.learned.clone();
        other.prompt_first = target.prompt_first;
    }
    other
}

/// Another database must not be read under the target's name. What counts is where the sessions
/// are: a pooler may have names of its own.
fn same_database(
    target: &Target,
    other: &Target,
    session: &Session,
    known: Option<&Known>,
) -> Result<()> {
    let there = &session.server().database;
    let same = match known {
        Some(primary) => primary.database == *there,
        None => target.database == *there || target.database == other.database,
    };
    if same {
        return Ok(());
    }
    let here = known.map_or(&target.database, |primary| &primary.database);
    Err(Error::usage(format!("{} has another database than the target", session.address()))
        .because(format!("the target's is \"{here}\", and this one is \"{there}\""))
        .next("give both the same one: --dbname counts for all of them"))
}

/// Looks until the lag is within the limit, a few times.
async fn lag(session: &Session, known: Option<&Known>, limit: Duration) -> Lag {
    let position = known.and_then(|known| known.position.as_deref());
    let mut lag = Lag::Unknown;
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        lag = match tokio::time::timeout(ANSWER_LIMIT, session.lag(position)).await {
            Ok(Ok(seen)) => seen.judge(),
            Ok(Err(_)) => Lag::Unknown,
            Err(_) => return Lag::Unknown,
        };
        if lag.is_within(limit) {
            break;
        }
    }
    lag
}

/// What a standby says of itself; `None` is "not known".
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Replay {
    /// It has replayed what the primary had written a moment ago.
    pub caught_up: Option<bool>,
    /// It has replayed all that it has received.
    pub replayed: Option<bool>,
    /// It is connected to somebody who sends.
    pub receiving: bool,
    /// Seconds since the last transaction that it has replayed was committed.
    pub behind: Option<f64>,
}

impl Replay {
    /// On a primary that is idle the last transaction grows old without any lag: so its age is
    /// looked at last. What was received is all there is only as far as nobody knows better: a
    /// sender may hang behind a connection that stands.
    fn judge(self) -> Lag {
        let replayed = self.receiving && self.replayed == Some(true);
        match (self.caught_up.unwrap_or(replayed), self.behind) {
            (true, _) => Lag::Behind(0.0),
            (false, Some(seconds)) => Lag::Behind(seconds.max(0.0)),
            (false, None) => Lag::Unknown,
        }
    }
}

impl Lag {
    fn is_within(self, limit: Duration) -> bool {
        matches!(self, Self::Behind(seconds) if seconds <= limit.as_secs_f64())
    }

    fn words(self) -> String {
        match self {
            Self::Behind(seconds) if seconds < 0.5 => "not behind".to_owned(),
            Self::Behind(seconds) => format!("{seconds:.0} s behind"),
            Self::Unknown => "its lag is not known".to_owned(),
        }
    }
}

/// Why a server may not be read from; `None` when it may.
fn unfit(
    server: &Server,
    known: Option<&Known>,
    lag: Lag,
    limit: Duration,
    replica: bool,
) -> Option<String> {
    if replica && !server.in_recovery {
        return Some("it is no replica: it is not in recovery".to_owned());
    }
    if let Some(primary) = known.filter(|known| known.system_identifier != server.system_identifier)
    {
        return Some(format!(
            "it belongs to another cluster: its system identifier is {}, the primary's is {}",
            server.system_identifier, primary.system_identifier
        ));
    }
    match lag {
        Lag::Behind(seconds) if !lag.is_within(limit) => Some(format!(
            "it is {seconds:.0} s behind the primary, and the limit is {} s",
            limit.as_secs()
        )),
        Lag::Unknown => Some("how far it is behind the primary is not known".to_owned()),
        Lag::Behind(_) => None,
    }
}

/// All places, drawn one after the other by weight; `random` gives a number for each round.
fn order(weights: &[u32], random: impl Fn(usize) -> u64) -> Vec<usize> {
    let mut left: Vec<(usize, u64)> =
        weights.iter().enumerate().map(|(at, weight)| (at, u64::from((*weight).max(1)))).collect();
    let mut drawn = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let total: u64 = left.iter().map(|(_, weight)| weight).sum();
        let mut ticket = random(drawn.len()) % total;
        let at = left
            .iter()
            .position(|(_, weight)| match ticket.checked_sub(*weight) {
                Some(rest) => {
                    ticket = rest;
                    false
                }
                None => true,
            })
            .unwrap_or(0);
        drawn.push(left.remove(at).0);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_a_draw_by_weight() {
        // Tickets 0 to 4 are the first's, 5 the second's, 6 and 7 the third's.
        let with = |ticket: u64| order(&[5, 1, 2], |_| ticket);
        assert_eq!(with(0), [0, 1, 2]);
        assert_eq!(with(4)[0], 0);
        assert_eq!(with(5), [1, 2, 0]);
        assert_eq!(with(7)[0], 2);
        assert_eq!(with(8)[0], 0);
        assert_eq!(order(&[], |_| 1), [0; 0]);
        let mut first = [0_u32; 3];
        for _ in 0..8000 {
            let state = RandomState::new();
            first[order(&[5, 1, 2], |round| state.hash_one(round))[0]] += 1;
        }
        // Expected: 5000, 1000, 2000; these limits are more than ten standard deviations away.
        assert!((4500..5500).contains(&first[0]), "{first:?}");
        assert!((700..1300).contains(&first[1]), "{first:?}");
        assert!((1600..2400).contains(&first[2]), "{first:?}");
    }

    #[test]
    fn an_idle_primary_makes_no_lag_and_a_cut_line_does() {
        let old = Replay { behind: Some(7200.0), ..Replay::default() };
        assert_eq!(Replay { caught_up: Some(true), ..old }.judge(), Lag::Behind(0.0));
        let idle = Replay { replayed: Some(true), receiving: true, ..old };
        assert_eq!(idle.judge(), Lag::Behind(0.0));
        // The primary has written more than what was sent.
        assert_eq!(Replay { caught_up: Some(false), ..idle }.judge(), Lag::Behind(7200.0));
        // What it has received is replayed, but nobody sends any more.
        assert_eq!(Replay { receiving: false, ..idle }.judge(), Lag::Behind(7200.0));
        assert_eq!(Replay { replayed: Some(false), ..idle }.judge(), Lag::Behind(7200.0));
        assert_eq!(Replay::default().judge(), Lag::Unknown);
        // Clocks differ.
        assert_eq!(Replay { behind: Some(-2.0), ..old }.judge(), Lag::Behind(0.0));
    }

    #[test]
    fn a_primary_that_refuses_us_is_not_dead() {
        let with = |reasons: &[&'static str]| {
            let error = Error::new(Exit::Unavailable, "cannot connect");
            reasons.iter().fold(error, |error, reason| error.reason(reason))
        };
        for reasons in [["refused"].as_slice(), &["silent", "refused"], &["starting"]] {
            assert!(is_dead(&with(reasons)), "{reasons:?}");
        }
        for reasons in [
            [].as_slice(),
            &["wrong-password"],
            &["silent", "wrong-password"],
            &["password-missing"],
            &["lookup"],
            &["certificate-name"],
        ] {
            assert!(!is_dead(&with(reasons)), "{reasons:?}");
        }
        assert!(DEAD.iter().all(|id| super::super::REASONS.contains(id)));
    }

    #[test]
    fn what_is_not_known_is_not_within_the_limit() {
        let minute = Duration::from_secs(60);
        assert!(Lag::Behind(60.0).is_within(minute) && !Lag::Behind(60.1).is_within(minute));
        assert!(!Lag::Unknown.is_within(Duration::MAX));
    }
}
