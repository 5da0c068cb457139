//! A reader: one thread, one session, chunk after chunk.
//!
//! A thread of its own with a runtime of its own, for it spends its time in the compressor, and
//! rows then never cross threads (measured: a tenth of the client's CPU).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use super::chunks::Chunk;
use super::coordinator::local_pins;
use super::large_objects;
use super::run::{Event, Job, Run, Stop, compress_failed};
use super::statements::{Part, begin_with_snapshot, copy_out, lock_nowait, oid_of};
use crate::archive::frame::Encoder;
use crate::archive::rowhash::RowSum;
use crate::conn::{self, CopyOut, QueryError, Session};
use crate::error::Error;
use crate::exit::Exit;
use crate::worker;

/// Readings of one chunk, all told.
const ATTEMPTS: u32 = 5;
/// Between two tries to connect, growing with each.
const PAUSE: Duration = Duration::from_secs(3);
/// Longest silence within a COPY: far beyond what a chunk of cold pages takes.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// Why one reading of a chunk failed.
#[derive(Debug)]
pub enum Fault {
    /// The connection is gone; the snapshot need not be.
    Lost(QueryError),
    /// No connection was to be had.
    Unreachable(Error),
    /// Somebody waits for a lock that conflicts with ours: waiting behind them would be for ever.
    Blocked,
    /// No use in trying again.
    Stop(Stop),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Stop(Stop::Failed(error))
    }
}

/// Starts a reader; it tells the coordinator when it has ended.
pub fn spawn(run: Arc<Run>, number: usize) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(format!("reader-{number}")).spawn(move || {
        let mut end = End::new(&run);
        end.result = Some(until_stopped(&run, read_all(&run)));
    })
}

/// Tells the coordinator how a thread of the run ended, in a panic too.
pub struct End<'a> {
    run: &'a Run,
    /// How; `None` is a panic.
    pub result: Option<Result<(), Stop>>,
}

impl<'a> End<'a> {
    /// Until a result is given it is a panic.
    pub const fn new(run: &'a Run) -> Self {
        Self { run, result: None }
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let panicked = || Err(Stop::Failed(Error::bug("a thread of the backup panicked")));
        let result = self.result.take().unwrap_or_else(panicked);
        let is_failure = !matches!(result, Ok(()) | Err(Stop::Asked));
        // Before the others are stopped: the cause is heard first.
        self.run.send(Event::Ended(result));
        if is_failure {
            self.run.stop.cancel();
        }
    }
}

/// Does the work of a thread until it is done or the run is stopped.
pub fn until_stopped(run: &Run, work: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
    worker::until_stopped(&run.stop, work)?.ok_or(Stop::Asked)
}

async fn read_all(run: &Run) -> Result<(), Stop> {
    let mut reader = Reader { run, session: None };
    let mut encoder = Encoder::new(run.compress).map_err(compress_failed)?;
    while let Some(job) = run.next_job().await {
        match job {
            Job::Chunk(chunk) => reader.read_chunk(chunk, &mut encoder).await?,
            Job::LargeObjects(group) => {
                let mut progress = large_objects::Progress::new(group);
                reader
                    .with_retries("large objects", async |reader| {
                        large_objects::copy(
                            run,
                            reader.session().await?,
                            &mut progress,
                            &mut encoder,
                        )
                        .await
                    })
                    .await?;
            }
        }
    }
    Ok(())
}

struct Reader<'a> {
    run: &'a Run,
    session: Option<Session>,
}

impl Reader<'_> {
    /// The session, opened when there is none or when it is gone.
    async fn session(&mut self) -> Result<&Session, Fault> {
        if self.session.as_ref().is_none_or(Session::is_closed) {
            let session = conn::connect(&self.run.target, &self.run.session).await;
            self.session = Some(session.map_err(|error| match error.exit() {
                Exit::Unavailable | Exit::Busy => Fault::Unreachable(error),
                _ => Fault::from(error),
            })?);
        }
        self.session.as_ref().ok_or_else(|| Error::bug("a reader without a session").into())
    }

    async fn read_chunk(&mut self, mut chunk: Chunk, encoder: &mut Encoder) -> Result<(), Stop> {
        let run = self.run;
        let label = run.table(chunk.table).table.label();
        run.progress.at(&label);
        let outcome = self
            .with_retries(&label, async |reader| {
                encoder.restart().map_err(compress_failed)?;
                copy_chunk(run, reader.session().await?, &mut chunk, encoder).await
            })
            .await?;
        match outcome {
            Outcome::Done => {
                let finished = run.finish_chunk(&chunk, encoder).await;
                finished.map_err(|error| error.during(format!("copying {label}")))?;
            }
            Outcome::Blocked => run.defer(chunk),
        }
        Ok(())
    }

    /// Does `work` again after a lost connection.
    async fn with_retries(
        &mut self,
        label: &str,
        mut work: impl AsyncFnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<Outcome, Stop> {
        for attempt in 1.. {
            match work(self).await {
                Ok(()) => return Ok(Outcome::Done),
                Err(Fault::Blocked) => {
                    self.session = None;
                    return Ok(Outcome::Blocked);
                }
                Err(Fault::Stop(stop)) => return Err(during(stop, label)),
                Err(Fault::Unreachable(error)) if attempt < ATTEMPTS => {
                    self.run.send(Event::Lost);
                    self.run.progress.note(format!("no connection for {label} ({error})"));
                    tokio::time::sleep(PAUSE * attempt).await;
                }
                Err(Fault::Unreachable(error)) => {
                    return Err(Stop::Failed(error.during(format!("copying {label}"))));
                }
                Err(Fault::Lost(error)) if attempt < ATTEMPTS => {
                    self.session = None;
                    self.run.send(Event::Lost);
                    self.run.retried.fetch_add(1, Ordering::Relaxed);
                    self.run.progress.note(format!(
                        "connection lost while reading {label} ({error}); reading that part again"
                    ));
                }
                Err(Fault::Lost(error)) => {
                    return Err(Stop::Failed(
                        error
                            .into_error(format!("the connection was lost {ATTEMPTS} times"))
                            .during(format!("copying {label}")),
                    ));
                }
            }
        }
        Ok(Outcome::Done)
    }
}

/// A failure names the table, whatever failed.
fn during(stop: Stop, label: &str) -> Stop {
    let named = |error: Error| error.during(format!("copying {label}"));
    match stop {
        Stop::Asked => Stop::Asked,
        Stop::StartOver(error) => Stop::StartOver(named(error)),
        Stop::Failed(error) => Stop::Failed(named(error)),
    }
}

enum Outcome {
    Done,
    Blocked,
}

/// Reads one chunk in a short transaction under the coordinator's snapshot.
async fn copy_chunk(
    run: &Run,
    session: &Session,
    chunk: &mut Chunk,
    encoder: &mut Encoder,
) -> Result<(), Fault> {
    let state = run.table(chunk.table);
    let table = &state.table;
    let (schema, name) = (table.schema.as_str(), table.name.as_str());
    let pins = local_pins(session, &run.session);
    let begin =
        format!("{}{}", begin_with_snapshot(&run.snapshot, &pins), lock_nowait(schema, name));
    let copy = copy_out(schema, name, &table.columns, &chunk.part, &run.encoding);
    // Joined futures travel in one round trip.
    let (begun, prepared) = tokio::join!(session.simple(&begin), session.prepare_copy(&copy));
    let rows = begun.map_err(|error| cannot_begin(error, &table.label()))?;
    expect_oid(&rows, table.oid, &table.label())?;
    let prepared = prepared.map_err(|error| classify(error, &table.label()))?;
    let stream = session.copy_out_prepared(&prepared).await;
    let stream = stream.map_err(|error| classify(error, &table.label()))?;
    copy_rows(run, stream, chunk, encoder).await?;
    // Within the transaction: behind a pooler it would stay in a server process of others.
    drop(prepared);
    let end = format!("{}COMMIT;", oid_of(schema, name));
    let rows = session.simple(&end).await.map_err(|error| classify(error, &table.label()))?;
    expect_oid(&rows, table.oid, &table.label()).map_err(Fault::from)
}

/// Reads one chunk in the coordinator's own transaction: it holds the lock and never waits.
pub async fn copy_deferred(
    run: &Run,
    control: &Session,
    chunk: &mut Chunk,
    encoder: &mut Encoder,
) -> Result<(), Stop> {
    let state = run.table(chunk.table);
    let table = &state.table;
    let (schema, name) = (table.schema.as_str(), table.name.as_str());
    let stop = |fault: Fault| match fault {
        Fault::Stop(stop) => stop,
        // Its transaction holds the snapshot: a fault in it is the end of the snapshot.
        Fault::Lost(error) => {
            Stop::StartOver(error.into_error("the connection that holds the snapshot is lost"))
        }
        // Not the table's lock, which it holds: an index's.
        Fault::Blocked => Stop::Failed(
            Error::new(Exit::Busy, format!("no lock on an index of {} in time", table.label()))
                .next("run the backup again when the REINDEX or ALTER INDEX on it is done"),
        ),
        Fault::Unreachable(error) => Stop::Failed(error),
    };
    encoder.restart().map_err(compress_failed)?;
    let result = async {
        let label = table.label();
        let check = oid_of(schema, name);
        let rows = control.simple(&check).await.map_err(|error| classify(error, &label))?;
        expect_oid(&rows, table.oid, &label)?;
        let copy = copy_out(schema, name, &table.columns, &chunk.part, &run.encoding);
        let stream = control.copy_out(&copy).await.map_err(|error| classify(error, &label))?;
        copy_rows(run, stream, chunk, encoder).await?;
        let rows = control.simple(&check).await.map_err(|error| classify(error, &label))?;
        expect_oid(&rows, table.oid, &label).map_err(Fault::from)
    };
    result.await.map_err(|fault| during(stop(fault), &table.label()))?;
    let finished = run.finish_chunk(chunk, encoder).await;
    Ok(finished.map_err(|error| error.during(format!("copying {}", table.label())))?)
}

/// The name must still mean the table: a lock on a table does not stop its schema from being
/// renamed and another table from taking its place.
fn expect_oid(rows: &[Vec<Option<String>>], oid: u32, label: &str) -> Result<(), Stop> {
    let found = rows.last().and_then(|row| row.first()?.as_ref());
    if found.and_then(|text| text.parse().ok()) == Some(oid) {
        return Ok(());
    }
    Err(Stop::StartOver(
        Error::new(Exit::Unavailable, format!("{label} is no longer the table it was"))
            .because("it, or its schema, was renamed or replaced while the backup ran")
            .next("run the backup again when no migration runs"),
    ))
}

/// Sends a stream of rows on as frames, after those that are stored already.
async fn copy_rows(
    run: &Run,
    mut stream: CopyOut,
    chunk: &mut Chunk,
    encoder: &mut Encoder,
) -> Result<(), Fault> {
    let label = run.table(chunk.table).table.label();
    let stored = chunk.shipped;
    let mut skipped = RowSum::default();
    let mut meter = run.meter();
    // A whole table may be dead rows for an hour; some pages are not.
    let limit = matches!(chunk.part, Part::Pages(..)).then_some(SILENCE);
    while let Some(row) = next_row(&mut stream, limit, &label).await? {
        let row = row.map_err(|error| classify(error, &label))?;
        if meter.add(row.len()) {
            meter.settle().await;
        }
        if skipped.rows < stored.rows {
            skipped.add(&row);
            if skipped.rows == stored.rows && skipped != stored {
                return Err(unstable(&label));
            }
            continue;
        }
        if row.last() != Some(&b'\n') {
            return Err(Error::bug(format!("{label}: the server sent half a row")).into());
        }
        if encoder.is_full_before(row.len()) {
            ship(run, chunk, encoder).await?;
        }
        encoder.push_row(&row).map_err(compress_failed)?;
    }
    meter.settle().await;
    if skipped != stored {
        return Err(unstable(&label));
    }
    ship(run, chunk, encoder).await.map_err(Fault::from)
}

/// The next row; a time limit is set only when it is not there yet, for a timer costs more than
/// a row.
async fn next_row(
    stream: &mut CopyOut,
    limit: Option<Duration>,
    label: &str,
) -> Result<Option<Result<bytes::Bytes, QueryError>>, Fault> {
    if let Some(row) = stream.next().now_or_never() {
        return Ok(row);
    }
    let Some(limit) = limit else { return Ok(stream.next().await) };
    tokio::time::timeout(limit, stream.next()).await.map_err(|_| {
        let minutes = limit.as_secs() / 60;
        Fault::Stop(Stop::Failed(
            Error::new(Exit::Unavailable, format!("the server sends nothing of {label}"))
                .because(format!("{minutes} minutes without a byte"))
                .next("look for what it waits for in pg_stat_activity, or check the network"),
        ))
    })
}

async fn ship(run: &Run, chunk: &mut Chunk, encoder: &mut Encoder) -> Result<(), Error> {
    if let Some(frame) = encoder.finish().map_err(compress_failed)? {
        run.append(chunk.table, &frame).await?;
        chunk.shipped.merge(frame.sum);
        run.progress.frame_done(frame.raw, frame.sum.rows);
    }
    encoder.restart().map_err(compress_failed)
}

fn unstable(label: &str) -> Fault {
    Fault::Stop(Stop::StartOver(Error::new(
        Exit::Unavailable,
        format!("{label}: a second reading under the same snapshot gave other rows"),
    )))
}

/// What it means that a reader's transaction could not be opened. By code alone: the words are
/// in the server's language.
pub fn cannot_begin(error: QueryError, label: &str) -> Fault {
    match error.sqlstate() {
        // The snapshot's owner is gone: 42704 from PostgreSQL 17 on.
        Some("22023" | "55000" | "42704") if !error.is_lost() => Fault::Stop(Stop::StartOver(
            error.into_error("the exported snapshot is gone").during(format!("copying {label}")),
        )),
        _ => classify(error, label),
    }
}

/// What a failed statement of a chunk means.
pub fn classify(error: QueryError, label: &str) -> Fault {
    if error.is_lost() {
        return Fault::Lost(error);
    }
    let during = |failure: Error| failure.during(format!("copying {label}"));
    match error.sqlstate() {
        // LOCK .. NOWAIT was refused.
        Some("55P03") => Fault::Blocked,
        // The table or its schema was renamed or dropped in the gaps that locks leave.
        Some("42P01" | "3F000" | "42703") => {
            Fault::Stop(Stop::StartOver(during(error.into_error(format!("{label} is gone")))))
        }
        // More than 1 GB as text: the row as a whole (54000, with other words in each version), or
        // one value in it, for which the server has no code of its own.
        Some(code @ ("54000" | "XX000"))
            if code == "54000" || error.message().contains("invalid memory alloc request") =>
        {
            Fault::Stop(Stop::Failed(during(
                error
                    .into_error(format!("a row of {label} is too large"))
                    .next("a row of more than 1 GB as text cannot leave the server by COPY: split it, or leave the table out with --exclude-table-data"),
            )))
        }
        Some("40001") => Fault::Stop(Stop::StartOver(during(
            error
                .into_error(format!("the standby ended the reading of {label}"))
                .next("set hot_standby_feedback = on, or raise max_standby_streaming_delay, on the standby"),
        ))),
        _ => Fault::Stop(Stop::Failed(during(error.into_error(format!("cannot read {label}"))))),
    }
}
