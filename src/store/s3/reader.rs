//! An object that is read from front to back, or from somewhere on.
//!
//! Pieces are asked for before they are wanted, each with a request of its own, so that one
//! slow connection does not set the pace. An answer that is cut off is asked for again from
//! where it ended, of the same object: its ETag must not have changed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use tokio::task::JoinHandle;

use super::{AbortOnDrop, Inner, Remote};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::Version;

/// Bytes of the first request: most objects are not larger.
const HEAD: u64 = 256 << 10;
/// Bytes of a piece.
const PIECE: u64 = 4 << 20;
/// Bytes of the smallest request.
const LEAST: u64 = 64 << 10;
/// Pieces that are asked for before they are wanted.
const AHEAD: usize = 3;
/// Before a cut answer is asked for again.
const PAUSE: Duration = Duration::from_millis(200);

/// An object that is being read.
#[derive(Debug)]
pub struct Reader {
    inner: Arc<Inner>,
    key: String,
    bytes: u64,
    etag: Option<String>,
    modified: Option<SystemTime>,
    /// The next byte to be handed out.
    at: u64,
    /// Bytes from there on.
    current: Bytes,
    /// Pieces behind those, in order.
    coming: VecDeque<Piece>,
    /// Pieces to ask for ahead: none after a jump, more as reading goes on.
    ahead: usize,
}

#[derive(Debug)]
struct Piece {
    from: u64,
    length: u64,
    bytes: JoinHandle<Result<Bytes>>,
    _abort: AbortOnDrop,
}

impl Reader {
    pub(super) async fn open(remote: &Remote, key: &str) -> Result<Option<Self>> {
        let name = key.to_owned();
        let opened = remote
            .run(async move |inner| {
                let full = inner.full(&name);
                let got = inner.bucket().await?.get(&full, 0, HEAD, None).await;
                let got = got.map_err(|failed| inner.unread(&name, failed))?;
                let Some(mut got) = got else { return Ok(None) };
                let (bytes, etag, modified) = (got.bytes, got.etag.clone(), got.modified);
                let mut head = BytesMut::new();
                while let Ok(Some(piece)) = got.next().await {
                    head.extend_from_slice(&piece);
                }
                // What is missing, or too much, is asked for properly.
                let wanted = bytes.min(HEAD);
                if head.len() as u64 != wanted {
                    head = fetch(&inner, &name, etag.as_deref(), 0, wanted).await?.into();
                }
                Ok(Some((bytes, etag, modified, head.freeze())))
            })
            .await?;
        Ok(opened.map(|(bytes, etag, modified, current)| Self {
            inner: Arc::clone(&remote.0),
            key: key.to_owned(),
            bytes,
            etag,
            modified,
            at: 0,
            current,
            coming: VecDeque::new(),
            ahead: 0,
        }))
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn version(&self) -> Version {
        let mark = format!("{} {}", self.etag.as_deref().unwrap_or("?"), self.bytes);
        Version { modified: self.modified, mark }
    }

    pub fn seek(&mut self, offset: u64) {
        let here = self.current.len() as u64;
        if offset < self.at {
            self.forget(offset);
        } else if offset - self.at <= here {
            self.current.advance(usize::try_from(offset - self.at).unwrap_or(0));
            self.at = offset;
        } else {
            // A short way ahead lies in what is coming: the pieces before it are let go.
            self.current.clear();
            self.at += here;
            while self.coming.front().is_some_and(|piece| piece.from + piece.length <= offset) {
                self.coming.pop_front();
            }
            match self.coming.front() {
                Some(piece) if piece.from <= offset => self.at = offset,
                _ => self.forget(offset),
            }
        }
    }

    fn forget(&mut self, offset: u64) {
        self.coming.clear();
        self.current.clear();
        self.ahead = 0;
        self.at = offset;
    }

    pub async fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && self.at < self.bytes {
            if self.current.is_empty() {
                self.next_piece((buffer.len() - filled) as u64).await?;
            }
            let now = self.current.len().min(buffer.len() - filled);
            buffer[filled..filled + now].copy_from_slice(&self.current[..now]);
            self.current.advance(now);
            filled += now;
            self.at += now as u64;
        }
        Ok(filled)
    }

    /// Waits for the next piece, and asks for those behind it.
    async fn next_piece(&mut self, wanted: u64) -> Result<()> {
        let mut next = self.coming.back().map_or(self.at, |piece| piece.from + piece.length);
        while self.coming.len() <= self.ahead && next < self.bytes {
            // After a jump no more than is wanted; who reads on gets whole pieces.
            let length = if self.ahead == 0 { wanted.clamp(LEAST, PIECE) } else { PIECE };
            let length = length.min(self.bytes - next);
            self.coming.push_back(self.ask(next, length));
            next += length;
        }
        self.ahead = (self.ahead + 1).min(AHEAD);
        let piece = self.coming.front_mut().ok_or_else(|| Error::bug("nothing to wait for"))?;
        let bytes = (&mut piece.bytes).await;
        let from = piece.from;
        self.coming.pop_front();
        let mut bytes = bytes.map_err(|error| Error::bug("a read's task").caused_by(&error))??;
        // A jump may have led into the middle of it.
        bytes.advance(usize::try_from(self.at - from).unwrap_or(0));
        self.current = bytes;
        Ok(())
    }

    fn ask(&self, from: u64, length: u64) -> Piece {
        let inner = Arc::clone(&self.inner);
        let (key, etag) = (self.key.clone(), self.etag.clone());
        let bytes = self
            .inner
            .background
            .spawn(async move { fetch(&inner, &key, etag.as_deref(), from, length).await });
        let abort = AbortOnDrop(bytes.abort_handle());
        Piece { from, length, bytes, _abort: abort }
    }
}

/// Reads `length` bytes of an object from `from` on: exactly those, or an error.
pub(super) async fn fetch(
    inner: &Inner,
    key: &str,
    etag: Option<&str>,
    from: u64,
    length: u64,
) -> Result<Bytes> {
    let bucket = inner.bucket().await?;
    let full = inner.full(key);
    let cannot = |why: String| {
        Error::new(Exit::Io, format!("cannot read {}", inner.place.address(key))).because(why)
    };
    let mut have = BytesMut::with_capacity(usize::try_from(length).unwrap_or(0));
    let mut vain = 0;
    while (have.len() as u64) < length {
        let start = from + have.len() as u64;
        let got = bucket.get(&full, start, length - have.len() as u64, etag).await;
        let got = got.map_err(|failed| {
            let changed = failed.is_precondition() || failed.is_beyond_end();
            let error = inner.unread(key, failed);
            if changed { error.because("it has changed while it was read") } else { error }
        })?;
        let mut got = got.ok_or_else(|| cannot("it is gone".to_owned()))?;
        if got.from != start {
            return Err(cannot(format!("the server sent bytes from {} on", got.from)));
        }
        let before = have.len();
        let cut = loop {
            match got.next().await {
                Ok(Some(piece)) => have.extend_from_slice(&piece),
                Ok(None) => break "the answer is too short".to_owned(),
                Err(why) => break why,
            }
        };
        if have.len() as u64 > length {
            return Err(cannot("the server sent more than it was asked for".to_owned()));
        }
        if (have.len() as u64) < length {
            // A few bytes with each answer would take days.
            let some = have.len() - before >= usize::try_from(LEAST).unwrap_or(usize::MAX);
            vain = if some { 0 } else { vain + 1 };
            if vain >= inner.settings.aws.attempts {
                let why = format!("{vain} answers one after another were cut off at once");
                return Err(cannot(cut).because(why).with_exit(Exit::Unavailable));
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(vain.min(6))).await;
        }
    }
    Ok(have.freeze())
}
