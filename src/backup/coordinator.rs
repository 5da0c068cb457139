//! The session that holds the locks and the snapshot from the first row to the last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Request;
use super::attempt::{Attempt, Plan, Taken};
use super::head_start::{Ahead, Ground};
use super::opened::Opened;
use super::preflight::{self, Room};
use super::run::Stop;
use super::statements::pin_locally;
use super::table::Table;
use crate::archive::toc::Toc;
use crate::conn::Type;
use crate::conn::{Session, SessionOptions, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::Programs;
use crate::report::Progress;
use crate::sql;

const SNAPSHOT_LOST: &str = "the connection that holds the snapshot is lost";
/// Longest wait for the answer to a ping.
const PING_LIMIT: Duration = Duration::from_secs(60);
/// How often the tables may have changed between lock and snapshot before it is an error.
const ATTEMPTS: u32 = 3;
/// Longest wait for the end of a transaction that failed.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(10);

/// The exported snapshot.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// For `SET TRANSACTION SNAPSHOT`.
    pub id: String,
    /// When it was taken, by the server's clock.
    pub taken: jiff::Timestamp,
    /// WAL position.
    pub lsn: String,
    /// Oldest transaction it sees.
    pub xmin: String,
    /// When it was taken, by ours.
    pub since: Instant,
}

/// The session with its snapshot and the plan made under it.
#[derive(Debug)]
pub struct Coordinator {
    /// The session; its transaction must not end before the last row is read.
    pub session: Session,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// pg_dump's table of contents, with data files named.
    pub toc: Toc,
    /// Its tables.
    pub tables: Vec<Table>,
    /// The large objects of each `BLOBS` entry.
    pub large_objects: Vec<(i32, Vec<u32>)>,
    /// What the server has room for.
    pub room: Room,
    /// Extensions with their versions.
    pub extensions: Vec<(String, String)>,
    /// What the operator must know: pg_dump's warnings and ours.
    pub warnings: Vec<String>,
    /// Version of the programs.
    pub programs: Programs,
    /// Those of the tables that are being copied already.
    pub ahead: Option<Ahead>,
}

impl Coordinator {
    /// Locks, takes the snapshot and reads the table of contents under it. What is surely in it is
    /// copied meanwhile, onto `ground`.
    pub async fn plan(
        opened: Opened,
        request: &Request,
        options: &SessionOptions,
        ground: &Ground<'_>,
    ) -> Result<Self, Stop> {
        let Opened { session, room, programs, mut warnings, tables, .. } = opened;
        let ordinary: Vec<u32> =
            tables.iter().filter(|table| table.is_ordinary).map(|table| table.oid).collect();
        let mut to_lock: Vec<(String, String)> =
            tables.into_iter().map(|table| (table.schema, table.name)).collect();
        let mut attempt = Attempt {
            request,
            options,
            session: &session,
            programs: &programs,
            ordinary: &ordinary,
            ground,
            ahead: None,
        };
        for number in 1.. {
            let taken = match attempt.take_snapshot(&to_lock).await {
                // Locks and snapshot are gone with it, whatever failed first.
                Err(Stop::Failed(error)) if is_lost(&session).await => {
                    return Err(Stop::StartOver(error));
                }
                taken => taken?,
            };
            match taken {
                Taken::Whole(plan) => {
                    let Plan { snapshot, toc, tables, large_objects, warnings: more } = *plan;
                    warnings.extend(more);
                    if session.server().in_recovery {
                        let all = preflight::lockable(&session).await?;
                        warnings.extend(preflight::unlogged_warning(&all, &toc));
                    }
                    let extensions = preflight::extensions(&session).await?;
                    let ahead = attempt.ahead.take();
                    return Ok(Self {
                        extensions,
                        session,
                        snapshot,
                        toc,
                        tables,
                        large_objects,
                        room,
                        warnings,
                        programs,
                        ahead,
                    });
                }
                Taken::Changed(error, _) if number == ATTEMPTS => {
                    return Err(error.next("run the backup again when no migration runs").into());
                }
                Taken::Changed(error, found) => {
                    request.progress.note(format!("{error}; taking a new snapshot"));
                    let ahead = attempt.ahead.take();
                    if let Some(ahead) = &ahead {
                        ahead.copying.run.stop.cancel();
                    }
                    // First of all: somebody waits for our locks.
                    session
                        .batch("ROLLBACK")
                        .await
                        .map_err(|error| error.into_error("cannot start over"))?;
                    drop(ahead);
                    if !ground.clear().await? {
                        return Err(Stop::StartOver(error));
                    }
                    to_lock = found;
                }
            }
        }
        Err(Error::bug("no snapshot was taken").into())
    }
}

/// Whether a session is gone, also when nobody has told us yet.
async fn is_lost(session: &Session) -> bool {
    let answer = tokio::time::timeout(ROLLBACK_LIMIT, session.batch("ROLLBACK"));
    session.is_closed() || !matches!(answer.await, Ok(Ok(())))
}

/// What each transaction of a session must pin for itself: all of it behind a pooler.
pub fn local_pins(session: &Session, options: &SessionOptions) -> String {
    if session.sharing_pooler().is_none() {
        return String::new();
    }
    pin_locally(&options.settings)
}

/// Keeps the coordinator's session from being cut as idle, and notices when it is gone.
pub async fn ping(session: &Session) -> Result<(), Stop> {
    match tokio::time::timeout(PING_LIMIT, session.rows(sql::PING.text, &[])).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Stop::StartOver(error.into_error(SNAPSHOT_LOST))),
        Err(_) => Err(Stop::StartOver(
            Error::new(Exit::Unavailable, SNAPSHOT_LOST)
                .because(format!("the server did not answer within {} s", PING_LIMIT.as_secs())),
        )),
    }
}

/// Ends the coordinator's transaction: its locks and its snapshot are needed no more.
pub async fn finish(session: &Session) -> Result<(), Stop> {
    ping(session).await?;
    let ended = session.batch("COMMIT").await;
    ended.map_err(|error| Stop::StartOver(error.into_error(SNAPSHOT_LOST)))
}

/// Notes who waits behind the coordinator's lock on a table.
pub async fn note_waiters(
    session: &Session,
    table: &Table,
    progress: &Arc<Progress>,
) -> Result<(), Stop> {
    let rows = session.rows(sql::WAITERS.text, &[(&table.oid, Type::OID)]).await;
    let rows = rows.map_err(|error| Stop::StartOver(preflight::catalog(error)))?;
    for row in &rows {
        progress.note(format!(
            "pid {} waits for {} on {} until this backup is done: {}",
            get::<i32>(row, "pid")?,
            get::<String>(row, "mode")?,
            table.label(),
            get::<String>(row, "statement")?.replace('\n', " ")
        ));
    }
    Ok(())
}
