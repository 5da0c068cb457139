//! Which mode a pooler is in, found out by trying.
//!
//! A second session is opened beside the first, and both say which server process serves them,
//! in turns. A process that serves both while both are connected, or a session that changes its
//! process, proves that transactions share the processes.
//!
//! Sessions that keep to processes of their own are taken for session mode. That is no proof:
//! behind one address there may be several poolers, each with processes of its own. So it takes
//! several second sessions, each of which may come to the first one's pooler, and what only
//! reads sets nothing for longer than a transaction behind any pooler.

use std::time::Duration;

use tokio_postgres::Client;

use super::query_error::chain;
use crate::settings::{Pooler, PoolerMode};

/// How long all of it may take: a pool that is too small has the second session wait.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// How many second sessions are tried, one after the other: of two poolers that take logins in
/// turns or at random, all of them miss the first session's pooler once in 256 runs.
const LOGINS: u32 = 8;

/// How often the first of them takes turns with the first session.
const ROUNDS: u32 = 3;

/// Between the turns, for other clients of a busy pool.
const PAUSE: Duration = Duration::from_millis(10);

/// What PgBouncer says to `BEGIN` in statement mode.
const NO_TRANSACTIONS: &str = "not allowed in statement pooling mode";

/// Whether a pooler refused to begin a transaction.
pub(super) fn is_statement_mode(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| error.message().contains(NO_TRANSACTIONS))
}

/// Adds the mode, and what shows it, to what is known of a pooler. `pid` is the process that
/// served `first` first; `second` opens a session beside it.
pub(super) async fn find_mode<E: std::fmt::Display>(
    pooler: Pooler,
    first: &Client,
    pid: i32,
    second: impl AsyncFn() -> Result<Client, E>,
) -> Pooler {
    let Pooler { kind, mut evidence, .. } = pooler;
    let tried = async {
        let mut others = Vec::new();
        for login in 0..LOGINS {
            let rounds = if login == 0 { ROUNDS } else { 1 };
            match second().await {
                Ok(second) => match take_turns(first, pid, &second, rounds).await {
                    Ok(other) => others.push(other.to_string()),
                    Err(shown) => return shown,
                },
                Err(error) => {
                    let shown = format!("a second session was not let in: {error}");
                    return (PoolerMode::Unknown, shown);
                }
            }
        }
        others.dedup();
        let shown = format!(
            "{LOGINS} sessions in turn kept to processes of their own ({pid} beside {})",
            others.join(", ")
        );
        (PoolerMode::Session, shown)
    };
    let (mode, shown) = tokio::time::timeout(LIMIT, tried).await.unwrap_or_else(|_| {
        let seconds = LIMIT.as_secs();
        let shown = format!("a second session got no server process within {seconds} s");
        (PoolerMode::Unknown, shown)
    });
    evidence.push(shown);
    Pooler { kind, mode, evidence }
}

/// The second session's own process, when the two keep apart; else the mode and what shows it.
async fn take_turns(
    first: &Client,
    pid: i32,
    second: &Client,
    rounds: u32,
) -> Result<i32, (PoolerMode, String)> {
    let mut own = None;
    for round in 0..rounds {
        if round > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        match turn(first, pid, second, own).await {
            Ok(Turn::Apart(second)) => own = Some(second),
            Ok(Turn::Shared(shown)) => return Err((PoolerMode::Transaction, shown)),
            Err(error) if is_statement_mode(&error) => {
                let shown = "it refuses to begin a transaction".to_owned();
                return Err((PoolerMode::Statement, shown));
            }
            Err(error) => {
                let shown = format!("trying its mode out failed: {}", chain(&error));
                return Err((PoolerMode::Unknown, shown));
            }
        }
    }
    Ok(own.unwrap_or_default())
}

enum Turn {
    /// The second session's own process.
    Apart(i32),
    /// What shows that the processes are shared.
    Shared(String),
}

/// One turn of both. The first asks twice at the end: a pool of two processes that takes them
/// in turns would serve single questions by the same one each time.
async fn turn(
    first: &Client,
    pid: i32,
    second: &Client,
    own: Option<i32>,
) -> Result<Turn, tokio_postgres::Error> {
    let changed = |old: i32, new: i32| {
        Turn::Shared(format!("one session ran in two server processes ({old} and {new})"))
    };
    let (begun, other) = tokio::join!(second.batch_execute("BEGIN READ ONLY"), process(second));
    begun?;
    let other = other?;
    let while_busy = if other == pid { pid } else { process(first).await? };
    // Always: a pooler throws a server process away whose client leaves within a transaction.
    second.batch_execute("ROLLBACK").await?;
    if other == pid {
        let shown = format!("server process {pid} served two sessions that were both connected");
        return Ok(Turn::Shared(shown));
    }
    if let Some(own) = own.filter(|own| *own != other) {
        return Ok(changed(own, other));
    }
    for now in [while_busy, process(first).await?, process(first).await?] {
        if now != pid {
            return Ok(changed(pid, now));
        }
    }
    Ok(Turn::Apart(other))
}

/// The server process that serves this transaction; 0 when the server does not say.
async fn process(client: &Client) -> Result<i32, tokio_postgres::Error> {
    let row = client.query_typed_one("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
    row.try_get(0)
}
