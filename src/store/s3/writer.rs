//! An object that is written piece by piece.
//!
//! Pieces gather to parts; a part goes to a task of the object's own on the background's thread,
//! and from there to the server while the next one gathers. An object of one part is put whole.
//! Whoever drops the writer before its end makes the task give the upload up.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use tokio::sync::{OnceCell, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::background::Open;
use super::request::{self, Proof};
use super::{Inner, Remote, Room, parts};
use crate::aws::s3::Stored;
use crate::aws::{Algorithm, Failed, Sum};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// An object that is being written.
#[derive(Debug)]
pub struct Writer {
    inner: Arc<Inner>,
    key: String,
    buffer: Vec<u8>,
    /// Of the part that gathers, from 1 on.
    number: u32,
    /// Whether a doubtful answer is settled by reading all of it back.
    read_back: bool,
    sealed: bool,
    task: Option<Task>,
    /// Why the object was given up: whoever else writes it is told the same.
    given_up: Option<Error>,
}

#[derive(Debug)]
struct Task {
    parts: mpsc::Sender<Part>,
    /// Tells the task when the writer is gone.
    _gone: DropGuard,
    stored: JoinHandle<Result<u64>>,
}

#[derive(Debug)]
struct Part {
    number: u32,
    bytes: Bytes,
    sum: Sum,
    last: bool,
    room: Room,
}

impl Writer {
    pub(super) fn new(remote: &Remote, key: &str) -> Self {
        Self {
            inner: Arc::clone(&remote.0),
            key: key.to_owned(),
            buffer: Vec::new(),
            number: 1,
            read_back: false,
            sealed: false,
            task: None,
            given_up: None,
        }
    }

    pub(super) fn read_back(&mut self) {
        self.read_back = true;
    }

    pub async fn append(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let size = self.part_size()?;
            let left = size.saturating_sub(self.buffer.len());
            if left == 0 {
                self.ship(false).await?;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(left));
            let needed = self.buffer.len() + now.len();
            if needed > self.buffer.capacity() {
                let wanted = needed.max(self.buffer.capacity() * 2).min(size);
                self.buffer.reserve_exact(wanted - self.buffer.len());
            }
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Sends the rest: no more will come.
    pub async fn seal(&mut self) -> Result<()> {
        if self.sealed {
            return Ok(());
        }
        self.ship(true).await?;
        self.sealed = true;
        Ok(())
    }

    /// Waits until the object is in the store; returns the bytes that the server acknowledged.
    pub async fn finish(mut self) -> Result<u64> {
        self.seal().await?;
        let task = self.task.as_mut().ok_or_else(|| Error::bug("an object without a task"))?;
        // The writer stays till the end: else the task gives the object up.
        let stored = (&mut task.stored).await;
        stored.map_err(|error| Error::bug("an upload's task").caused_by(&error))?
    }

    fn part_size(&self) -> Result<usize> {
        let size = parts::size(self.number).and_then(|size| usize::try_from(size).ok());
        size.ok_or_else(|| {
            Error::new(Exit::Io, format!("cannot write {}", self.inner.place.address(&self.key)))
                .because("an object in S3 may have 10,000 parts")
                .next("split the table, or leave it out with --exclude-table-data")
        })
    }

    async fn ship(&mut self, last: bool) -> Result<()> {
        if let Some(error) = &self.given_up {
            return Err(error.clone());
        }
        let room = self.inner.room(self.buffer.len()).await?;
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let sum = Sum::of(self.inner.algorithm(), &bytes);
        let part = Part { number: self.number, bytes, sum, last, room };
        self.number += 1;
        let task = self.task.get_or_insert_with(|| {
            let (parts, received) = mpsc::channel(1);
            let inner = Arc::clone(&self.inner);
            let (key, read_back) = (self.key.clone(), self.read_back);
            let background = Arc::clone(&self.inner.background);
            let counted = Counted::new(&self.inner);
            let gone = CancellationToken::new();
            let told = gone.clone();
            let stored = background.spawn(async move {
                let stored = store(&inner, &key, received, read_back, told).await;
                drop(counted);
                stored
            });
            Task { parts, _gone: gone.drop_guard(), stored }
        });
        if task.parts.send(part).await.is_ok() {
            return Ok(());
        }
        // It has ended before its time, and says why; once.
        let error = match (&mut task.stored).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) => Error::bug("an upload ended before its last part"),
            Err(error) => Error::bug("an upload's task").caused_by(&error),
        };
        self.task = None;
        self.given_up = Some(error.clone());
        Err(error)
    }
}

/// Counts a writer's task among those of its repository and of the process.
struct Counted {
    inner: Arc<Inner>,
    _open: Open,
}

impl Counted {
    fn new(inner: &Arc<Inner>) -> Self {
        *inner.writers.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self { inner: Arc::clone(inner), _open: Open::new() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.inner.writers.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.inner.fewer.notify_waiters();
    }
}

/// Nobody wants the object any more; nobody hears this either.
fn abandoned() -> Error {
    Error::new(Exit::Interrupted, "an upload was given up")
}

/// Stores an object from its parts; returns its bytes. When it fails, or `gone` says that nobody
/// wants it any more, nothing is left of an upload.
async fn store(
    inner: &Arc<Inner>,
    key: &str,
    mut parts: mpsc::Receiver<Part>,
    read_back: bool,
    gone: CancellationToken,
) -> Result<u64> {
    let first = parts.recv().await.ok_or_else(abandoned)?;
    if first.last {
        let length = first.bytes.len() as u64;
        let proof = match read_back {
            true => Proof::Bytes(first.bytes.clone()),
            false => Proof::Size(length, first.sum),
        };
        tokio::select! {
            stored = request::put(inner, key, first.bytes, first.sum, proof) => stored?,
            () = gone.cancelled() => return Err(abandoned()),
        }
        return Ok(length);
    }
    let begun = OnceCell::new();
    let stored = tokio::select! {
        stored = store_in_parts(inner, key, first, parts, &begun) => stored,
        () = gone.cancelled() => Err(abandoned()),
    };
    if stored.is_err() {
        // What was still being sent lets go when it is its turn.
        tokio::task::yield_now().await;
        give_up(inner, key, begun.get()).await;
    }
    stored
}

/// Gives an upload up. What cannot be given up now, prune finds.
async fn give_up(inner: &Inner, key: &str, upload: Option<&String>) {
    if let (Some(id), Ok(bucket)) = (upload, inner.bucket().await) {
        // A part that was on its way when the upload was aborted may land after it.
        for _ in 0..2 {
            bucket.abort(&inner.full(key), id).await.unwrap_or(());
        }
    }
    // One may have begun whose id was lost with its answer.
    inner.give_up_uploads_of(key).await;
}

/// Begins an upload, tells `begun` its id, sends the parts and completes it.
async fn store_in_parts(
    inner: &Arc<Inner>,
    key: &str,
    first: Part,
    parts: mpsc::Receiver<Part>,
    begun: &OnceCell<String>,
) -> Result<u64> {
    let (id, algorithm) = request::begin(inner, key).await?;
    let id = begun.get_or_init(async || id).await;
    let upload = Upload { inner, key, id, algorithm };
    let mut stored = upload.send_all(first, parts).await?;
    stored.sort_by_key(|part| part.number);
    let mut whole = None;
    for part in &stored {
        whole = Some(whole.map_or(part.sum, |whole: Sum| whole.followed_by(part.sum, part.bytes)));
    }
    request::complete(inner, key, id, &stored, whole.unwrap_or(Sum::None)).await?;
    Ok(stored.iter().map(|part| part.bytes).sum())
}

struct Upload<'a> {
    inner: &'a Arc<Inner>,
    key: &'a str,
    id: &'a str,
    algorithm: Algorithm,
}

impl Upload<'_> {
    async fn send_all(&self, first: Part, mut parts: mpsc::Receiver<Part>) -> Result<Vec<Stored>> {
        // Dropped with its tasks when one fails: what is still being sent would be a part of
        // nothing.
        let mut sending = JoinSet::new();
        let mut stored = Vec::new();
        let mut last = first.last;
        sending.spawn(self.send(first));
        while !(last && sending.is_empty()) {
            tokio::select! {
                Some(sent) = sending.join_next() => {
                    let sent = sent.map_err(|error| Error::bug("a part's task").caused_by(&error))?;
                    stored.push(sent.map_err(|failed| self.inner.cannot("write", self.key, failed))?);
                }
                part = parts.recv(), if !last => {
                    let part = part.ok_or_else(abandoned)?;
                    last = part.last;
                    sending.spawn(self.send(part));
                }
            }
        }
        Ok(stored)
    }

    fn send(&self, part: Part) -> impl Future<Output = Result<Stored, Failed>> + Send + 'static {
        let inner = Arc::clone(self.inner);
        let (key, id, algorithm) = (inner.full(self.key), self.id.to_owned(), self.algorithm);
        async move {
            let Part { number, bytes, sum, room, .. } = part;
            let same = sum.algorithm() == algorithm;
            let sum = if same { sum } else { Sum::of(algorithm, &bytes) };
            let number = i32::try_from(number).unwrap_or(i32::MAX);
            // It was opened to begin the upload.
            let Some(bucket) = inner.bucket.get() else { return Err(Failed::never_sent()) };
            let stored = bucket.part(&key, &id, number, bytes, sum).await;
            drop(room);
            stored
        }
    }
}
