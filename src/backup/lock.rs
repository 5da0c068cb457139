//! The advisory lock: one backup of a database at a time, on whatever machine it runs.

use std::time::{Duration, Instant};

use super::Request;
use super::run::Stop;
use crate::conn::{Params, Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::quantity;
use crate::sql;

const LOCK_KEY: i64 = sql::BACKUP_LOCK;
/// How long the server may take to notice that an earlier session of the same run is gone.
const OLD_LOCK: Duration = Duration::from_secs(30);
/// How long it may take to end the session of a backup that has just ended, one command before.
const ENDING: Duration = Duration::from_secs(2);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the lock of the session, or behind a pooler that shares sessions the transaction's: the
/// session's would stay behind. Refused means that another backup of this database runs.
pub async fn take(session: &Session) -> Result<()> {
    if try_lock(session).await? {
        return Ok(());
    }
    Err(held(&holders(session).await?))
}

/// The same before the transaction, as patiently as the operator asks (`--retry-lock`). Behind a
/// pooler that shares sessions the lock is only seen to be free: it is taken in the transaction.
/// Who asks for no patience has a little, for the end of an earlier backup.
///
/// `again` says that an earlier session of this run was lost; its lock may live on for a moment.
/// Returns how long that took: nothing, mostly.
pub async fn wait_for(session: &Session, request: &Request, again: bool) -> Result<Duration, Stop> {
    let start = Instant::now();
    let old = if again { OLD_LOCK } else { Duration::ZERO };
    let patience = request.retry_lock.unwrap_or(ENDING).max(old);
    let mut told = Vec::new();
    while !try_lock(session).await? {
        let holders = holders(session).await?;
        let waited = start.elapsed();
        if waited >= patience {
            let error = held(&holders);
            return Err(match request.retry_lock {
                None => error,
                Some(limit) => {
                    error.because(format!("--retry-lock {}", quantity::written_duration(limit)))
                }
            }
            .into());
        }
        // The one that ended meanwhile, or one that the next try meets.
        if !holders.is_empty() && holders != told && request.retry_lock.is_some() {
            request.progress.phase("waiting for another backup of this database");
            request.progress.note(format!(
                "another backup of this database is running: {}; waiting up to {} for its end",
                holders.join("; "),
                quantity::written_duration(patience)
            ));
            told = holders;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE.min(patience - waited)) => {}
            () = request.cancel.cancelled() => return Err(Stop::Asked),
        }
    }
    Ok(if told.is_empty() { Duration::ZERO } else { start.elapsed() })
}

async fn try_lock(session: &Session) -> Result<bool> {
    let shared = session.sharing_pooler().is_some();
    let params: Params<'_> = &[(&LOCK_KEY, Type::INT8), (&shared, Type::BOOL)];
    let rows = session.rows(sql::ADVISORY_LOCK.text, params).await;
    let rows = rows.map_err(|error| error.into_error("cannot take the backup's advisory lock"))?;
    Ok(rows.first().map(|row| get(row, "locked")).transpose()? == Some(true))
}

/// Who holds it: `pid 4711 (pgtend/backup of backup from 10.0.0.7), connected since ..`. None when
/// it was let go of meanwhile.
async fn holders(session: &Session) -> Result<Vec<String>> {
    let rows = session.rows(sql::LOCK_HOLDERS.text, &[(&LOCK_KEY, Type::INT8)]).await;
    let rows = rows.map_err(|error| error.into_error("cannot look who holds the lock"))?;
    rows.iter()
        .map(|row| {
            let pid: i32 = get(row, "pid")?;
            let role: String = get(row, "role_name")?;
            let application: String = get(row, "application")?;
            let client: String = get(row, "client")?;
            let since: Option<i64> = get(row, "since_us")?;
            let from = if client.is_empty() { String::new() } else { format!(" from {client}") };
            let since = match since.map(jiff::Timestamp::from_microsecond) {
                Some(Ok(since)) => format!("since {}", since.strftime("%Y-%m-%d %H:%M:%SZ")),
                _ => "since when is hidden from this role".to_owned(),
            };
            Ok(format!("pid {pid} ({application}, role {role}{from}), connected {since}"))
        })
        .collect()
}

fn held(holders: &[String]) -> Error {
    let error = Error::new(Exit::Busy, "another backup of this database is running");
    let error = if holders.is_empty() {
        error.because("it held pgtend's advisory lock on the server a moment ago")
    } else {
        holders.iter().fold(error, |error, holder| {
            error.because(format!("{holder}, holds pgtend's advisory lock on the server"))
        })
    };
    error
        .next("wait for its end: --retry-lock 30m does that")
        .next("or find it: SELECT * FROM pg_locks WHERE locktype = 'advisory'")
}
