//! What the readers of one backup share: the plan, the queue, and what is done.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{OnceCell, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::chunks::Chunk;
use super::closer::{self, Close};
use super::pace::{Meter, Pace};
use super::publish::Sink;
use super::table::Table;
use crate::archive::frame::{COPY_END, Compression, Encoder, Frame};
use crate::archive::manifest::{self, Kind, Object};
use crate::archive::seal::Recipients;
use crate::archive::toc::table_file;
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

/// What the readers of one backup share. Its plan may grow while they read.
#[derive(Debug)]
pub struct Run {
    start: Start,
    /// The tables, as chunks number them.
    tables: RwLock<Vec<Arc<TableState>>>,
    /// Chunks that were read again after a lost connection.
    pub retried: AtomicU64,
    queue: Mutex<VecDeque<Job>>,
    /// How many tables there are, once no more work can come.
    planned: watch::Sender<Option<usize>>,
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
    /// A run without any work yet.
    pub fn new(start: Start) -> (Arc<Self>, Outputs) {
        let (events, received) = mpsc::unbounded_channel();
        let (closer, to_close) = mpsc::channel(closer::QUEUE);
        let run = Self {
            start,
            tables: RwLock::default(),
            retried: AtomicU64::new(0),
            queue: Mutex::default(),
            planned: watch::Sender::new(None),
            objects: Mutex::default(),
            events,
            closer,
        };
        (Arc::new(run), Outputs { events: received, to_close })
    }

    /// Adds tables with their chunks, which number them from 0.
    pub fn add(&self, tables: &[Table], chunks: VecDeque<Chunk>) {
        let mut counts = vec![0_u32; tables.len()];
        for chunk in &chunks {
            counts[chunk.table] += 1;
        }
        let weight = chunks.iter().map(|chunk| chunk.weight).sum();
        self.progress.plan_more(weight, tables.len() as u64);
        let mut all = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.extend(tables.iter().zip(counts).map(|(table, chunks)| {
            Arc::new(TableState {
                table: table.clone(),
                chunks,
                left: AtomicU32::new(chunks),
                deferred: AtomicBool::new(false),
                sink: OnceCell::new(),
            })
        }));
        drop(all);
        let numbered = |chunk: Chunk| Chunk { table: before + chunk.table, ..chunk };
        lock(&self.queue).extend(chunks.into_iter().map(numbered).map(Job::Chunk));
        self.planned.send_replace(None);
    }

    /// Adds the last of the work.
    pub fn complete(&self, large_objects: Vec<LargeObjects>) {
        lock(&self.queue).extend(large_objects.into_iter().map(Job::LargeObjects));
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner).len();
        self.planned.send_replace(Some(tables));
    }

    /// How many tables there are, once it is known.
    pub fn planned(&self) -> watch::Receiver<Option<usize>> {
        self.planned.subscribe()
    }

    /// A table, as chunks number them.
    pub fn table(&self, number: usize) -> Arc<TableState> {
        Arc::clone(&self.tables.read().unwrap_or_else(PoisonError::into_inner)[number])
    }

    /// The next piece of work, waited for; `None` when all of it is taken.
    pub async fn next_job(&self) -> Option<Job> {
        let mut planned = self.planned();
        loop {
            // Before the look: what comes between the two is not missed.
            let is_all = planned.borrow_and_update().is_some();
            if let Some(job) = self.take_job() {
                return Some(job);
            }
            // The sender lives as long as the run.
            if is_all || planned.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Chunks of tables that only the coordinator can read go to it.
    fn take_job(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            match queue.pop_front()? {
                Job::Chunk(chunk) if self.table(chunk.table).deferred.load(Ordering::Relaxed) => {
                    self.send(Event::Deferred(chunk));
                }
                job => return Some(job),
            }
        }
    }

    /// Leaves this chunk and the rest of its table to the coordinator.
    pub fn defer(&self, chunk: Chunk) {
        self.table(chunk.table).deferred.store(true, Ordering::Relaxed);
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
    pub async fn sink<'a>(&self, state: &'a TableState) -> Result<&'a Sink> {
        let name = format!("{}{}", table_file(state.table.oid), self.compress.suffix());
        state.sink.get_or_try_init(|| self.create(&name, Kind::Table)).await
    }

    /// Starts an object of the backup.
    pub async fn create(&self, name: &str, kind: Kind) -> Result<Sink> {
        Sink::create(&self.store, &self.folder, name, kind, self.recipients.as_ref()).await
    }

    /// Stores a frame of a table. What has gathered is made durable now and then, so that
    /// little is left to do at the end.
    pub async fn append(&self, table: usize, frame: &Frame<'_>) -> Result<()> {
        if self.sink(&self.table(table)).await?.append(frame).await? {
            // A full queue means that the disk is busy as it is.
            self.closer.try_send(Close::SoFar(table)).unwrap_or(());
        }
        Ok(())
    }

    /// Counts a chunk as stored; after the last one of a table the closer gets its object.
    pub async fn finish_chunk(&self, chunk: &Chunk, encoder: &mut Encoder) -> Result<()> {
        self.progress.chunk_done(chunk.weight);
        let state = self.table(chunk.table);
        if state.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return Ok(());
        }
        encoder.push_bytes(COPY_END).map_err(compress_failed)?;
        if let Some(mut frame) = encoder.finish().map_err(compress_failed)? {
            // A frame of its own: it holds no rows.
            frame.joins = false;
            self.sink(&state).await?.append(&frame).await?;
        }
        encoder.restart().map_err(compress_failed)?;
        self.sink(&state).await?.seal().await?;
        if self.closer.send(Close::Table(chunk.table)).await.is_err() {
            // The closer has failed, and tells why.
            self.stop.cancelled().await;
        }
        Ok(())
    }

    /// Makes a table's object durable and adds it to the finished ones; its entry is not named.
    pub async fn close_table(&self, table: usize) -> Result<()> {
        let state = self.table(table);
        let (mut object, sum) = self.sink(&state).await?.finish().await?;
        let table = &state.table;
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
