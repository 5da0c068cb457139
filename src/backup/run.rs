//! What the readers of one backup share: the plan, the queue, and what is done.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

use super::chunks::Chunk;
use super::closer::{self, Close};
use super::pace::{Meter, Pace};
use super::publish::Sink;
use super::table::Table;
use crate::archive::frame::{COPY_END, Compression, Encoder, Frame};
use crate::archive::manifest::{self, Kind, Object};
use crate::archive::seal::Recipients;
use crate::conn::SessionOptions;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::settings::Target;
use crate::store::Store;

/// A piece of work for one reader.
#[derive(Debug)]
pub enum Job {
    /// Part of a table.
    Chunk(Chunk),
    /// Some large objects.
    LargeObjects(LargeObjects),
}

/// Some large objects of one entry.
#[derive(Debug)]
pub struct LargeObjects {
    /// pg_dump's number of the `BLOBS` entry.
    pub entry: i32,
    /// Their oids.
    pub oids: Vec<u32>,
}

/// What a reader tells the coordinator.
#[derive(Debug)]
pub enum Event {
    /// This chunk would wait behind somebody's lock; only the coordinator can read it.
    Deferred(Chunk),
    /// A reader has lost its connection, and tries again.
    Lost,
    /// A reader has ended.
    Ended(Result<(), Stop>),
}

/// Why a reader ended early.
#[derive(Debug)]
pub enum Stop {
    /// The run is being stopped.
    Asked,
    /// The snapshot is gone or the tables changed under it: everything must start over.
    StartOver(Error),
    /// The backup has failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A table in the making.
#[derive(Debug)]
pub struct TableState {
    /// The table.
    pub table: Table,
    chunks: u32,
    left: AtomicU32,
    deferred: AtomicBool,
    sink: OnceCell<Sink>,
}

/// What the readers of one backup share.
#[derive(Debug)]
pub struct Run {
    start: Start,
    /// The tables, as chunks number them.
    pub tables: Vec<TableState>,
    /// Chunks that were read again after a lost connection.
    pub retried: AtomicU64,
    queue: Mutex<VecDeque<Job>>,
    objects: Mutex<Vec<Object>>,
    events: mpsc::UnboundedSender<Event>,
    closer: mpsc::Sender<Close>,
}

/// What comes out of a run: news for the coordinator, and objects for the closer.
#[derive(Debug)]
pub struct Outputs {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub to_close: mpsc::Receiver<Close>,
}

/// What the caller gave is the run's own.
impl std::ops::Deref for Run {
    type Target = Start;

    fn deref(&self) -> &Start {
        &self.start
    }
}

/// The parts of [`Run`] that a caller gives.
#[derive(Debug)]
pub struct Start {
    /// Where to connect.
    pub target: Target,
    /// How.
    pub session: SessionOptions,
    /// The exported snapshot.
    pub snapshot: String,
    /// Encoding of the COPY text.
    pub encoding: String,
    /// How frames are compressed.
    pub compress: Compression,
    /// Who objects are sealed to, if anybody.
    pub recipients: Option<Recipients>,
    /// Where they go.
    pub store: Store,
    /// The backup's folder in the store, with its `/`.
    pub folder: String,
    /// How fast they may read.
    pub pace: Option<Arc<Pace>>,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the readers.
    pub stop: CancellationToken,
}

impl Run {
    /// Puts the plan in place.
    pub fn new(
        start: Start,
        tables: Vec<Table>,
        chunks: VecDeque<Chunk>,
        large_objects: Vec<LargeObjects>,
    ) -> (Arc<Self>, Outputs) {
        let mut counts = vec![0_u32; tables.len()];
        for chunk in &chunks {
            counts[chunk.table] += 1;
        }
        let tables = tables
            .into_iter()
            .zip(counts)
            .map(|(table, chunks)| TableState {
                table,
                chunks,
                left: AtomicU32::new(chunks),
                deferred: AtomicBool::new(false),
                sink: OnceCell::new(),
            })
            .collect();
        let queue = chunks
            .into_iter()
            .map(Job::Chunk)
            .chain(large_objects.into_iter().map(Job::LargeObjects))
            .collect();
        let (events, received) = mpsc::unbounded_channel();
        let (closer, to_close) = mpsc::channel(closer::QUEUE);
        let run = Self {
            start,
            tables,
            retried: AtomicU64::new(0),
            queue: Mutex::new(queue),
            objects: Mutex::new(Vec::new()),
            events,
            closer,
        };
        (Arc::new(run), Outputs { events: received, to_close })
    }

    /// The next piece of work; chunks of tables that only the coordinator can read go to it.
    pub fn next_job(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            match queue.pop_front()? {
                Job::Chunk(chunk) if self.tables[chunk.table].deferred.load(Ordering::Relaxed) => {
                    self.send(Event::Deferred(chunk));
                }
                job => return Some(job),
            }
        }
    }

    /// Leaves this chunk and the rest of its table to the coordinator.
    pub fn defer(&self, chunk: Chunk) {
        self.tables[chunk.table].deferred.store(true, Ordering::Relaxed);
        self.send(Event::Deferred(chunk));
    }

    /// Tells the coordinator.
    pub fn send(&self, event: Event) {
        // The coordinator drops its end only after the readers were stopped.
        if self.events.send(event).is_err() {
            self.stop.cancel();
        }
    }

    /// Counts what a reader reads.
    pub fn meter(&self) -> Meter<'_> {
        Meter::new(self.pace.as_deref())
    }

    /// The object that a table's frames go to.
    pub async fn sink(&self, table: usize) -> Result<&Sink> {
        let state = &self.tables[table];
        let name = format!("{}.dat{}", state.table.entry, self.compress.suffix());
        state.sink.get_or_try_init(|| self.create(&name, Kind::Table)).await
    }

    /// Starts an object of the backup.
    pub async fn create(&self, name: &str, kind: Kind) -> Result<Sink> {
        Sink::create(&self.store, &self.folder, name, kind, self.recipients.as_ref()).await
    }

    /// Stores a frame of a table. What has gathered is made durable now and then, so that
    /// little is left to do at the end.
    pub async fn append(&self, table: usize, frame: &Frame<'_>) -> Result<()> {
        if self.sink(table).await?.append(frame).await? {
            // A full queue means that the disk is busy as it is.
            self.closer.try_send(Close::SoFar(table)).unwrap_or(());
        }
        Ok(())
    }

    /// Counts a chunk as stored; after the last one of a table the closer gets its object.
    pub async fn finish_chunk(&self, chunk: &Chunk, encoder: &mut Encoder) -> Result<()> {
        self.progress.chunk_done(chunk.weight);
        let state = &self.tables[chunk.table];
        if state.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return Ok(());
        }
        encoder.push_bytes(COPY_END).map_err(compress_failed)?;
        if let Some(mut frame) = encoder.finish().map_err(compress_failed)? {
            // A frame of its own: it holds no rows.
            frame.joins = false;
            self.sink(chunk.table).await?.append(&frame).await?;
        }
        encoder.restart().map_err(compress_failed)?;
        self.sink(chunk.table).await?.seal().await?;
        if self.closer.send(Close::Table(chunk.table)).await.is_err() {
            // The closer has failed, and tells why.
            self.stop.cancelled().await;
        }
        Ok(())
    }

    /// Makes a table's object durable and adds it to the finished ones.
    pub async fn close_table(&self, table: usize) -> Result<()> {
        let state = &self.tables[table];
        let sink = self.sink(table).await?;
        let (mut object, sum) = sink.finish().await?;
        let table = &state.table;
        object.entry = Some(table.entry);
        object.table = Some(manifest::Table {
            schema: table.schema.clone(),
            name: table.name.clone(),
            oid: table.oid,
            columns: table.columns.clone(),
            rows: sum.rows,
            row_hash: sum.hash,
            chunks: state.chunks,
            via_root: table.via_root,
            canary: None,
        });
        self.add_object(object);
        self.progress.table_done();
        Ok(())
    }

    /// Adds a finished object.
    pub fn add_object(&self, object: Object) {
        self.progress.stored(object.bytes);
        lock(&self.objects).push(object);
    }

    /// Takes the finished objects.
    pub fn take_objects(&self) -> Vec<Object> {
        std::mem::take(&mut lock(&self.objects))
    }
}

/// A fault of the compressor: out of memory, or a bug.
pub fn compress_failed(error: std::io::Error) -> Error {
    Error::new(Exit::Bug, "cannot compress a frame").caused_by(&error)
}

/// A thread that panicked has left whole values behind: every change under these locks is one
/// step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
