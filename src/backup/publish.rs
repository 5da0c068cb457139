//! From frames to objects: the last step of a row's way.
//!
//! Readers append whole frames to a table's object in whatever order they finish them. The
//! object is closed by whoever finishes its last chunk.

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::archive::frame::{self, Checksum, FRAME_BYTES, Frame};
use crate::archive::manifest::{self, Kind, Object};
use crate::archive::rowhash::RowSum;
use crate::archive::seal::{self, Recipients, Sealer};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::{Store, Writer};

/// Bytes that gather before they are made durable.
const SYNC_BYTES: u64 = 32 << 20;

/// An object that several readers write to.
#[derive(Debug)]
pub struct Sink {
    name: String,
    kind: Kind,
    /// Whether it is an age file.
    is_sealed: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    writer: Option<Writer>,
    sha: Sha256,
    /// Bytes in the store.
    bytes: u64,
    /// Bytes of the content: the same, unless it is sealed.
    content: u64,
    sealer: Option<Sealer>,
    raw: u64,
    sum: RowSum,
    frames: Vec<manifest::Frame>,
    /// Of the last frame, while pieces may still join it.
    open: Option<Checksum>,
    /// Bytes since the last call for a sync.
    unsynced: u64,
}

impl Sink {
    /// Starts the object `name` in `folder`, sealed to `recipients` if there are some.
    pub async fn create(
        store: &Store,
        folder: &str,
        name: &str,
        kind: Kind,
        recipients: Option<&Recipients>,
    ) -> Result<Self> {
        let name = stored_name(name, recipients);
        let sealer = recipients.map(Sealer::new).transpose().map_err(seal_failed)?;
        let writer = store.create(&format!("{folder}{name}")).await?;
        Ok(Self {
            name,
            kind,
            is_sealed: sealer.is_some(),
            state: Mutex::new(State {
                writer: Some(writer),
                sha: Sha256::new(),
                bytes: 0,
                content: 0,
                sealer,
                raw: 0,
                sum: RowSum::default(),
                frames: Vec::new(),
                open: None,
                unsynced: 0,
            }),
        })
    }

    /// Stores one frame; true when so much has gathered that it should be made durable.
    pub async fn append(&self, frame: &Frame<'_>) -> Result<bool> {
        // Outside the lock: other readers need not wait for it.
        let checksum = if frame.joins { 0 } else { frame::checksum(frame.stored) };
        let mut state = self.state.lock().await;
        let state = &mut *state;
        let sealed = match &mut state.sealer {
            Some(sealer) => Some(sealer.push(frame.stored).map_err(seal_failed)?),
            None => None,
        };
        let length = frame.stored.len() as u64;
        state.store(sealed.as_deref().unwrap_or(frame.stored), &self.name).await?;
        state.add_to_record(frame, checksum);
        state.content += length;
        state.raw += frame.raw;
        state.sum.merge(frame.sum);
        state.unsynced += length;
        if state.unsynced < SYNC_BYTES {
            return Ok(false);
        }
        state.unsynced = 0;
        Ok(true)
    }

    /// Makes durable what is stored so far. Nobody who appends has to wait for it.
    pub async fn sync(&self) -> Result<()> {
        let so_far = self.state.lock().await.writer.as_ref().map(Writer::so_far).transpose()?;
        match so_far {
            Some(so_far) => so_far.sync().await,
            // Closed meanwhile.
            None => Ok(()),
        }
    }

    /// Says that no frame will come any more: the rest goes on its way.
    pub async fn seal(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        state.end_content(&self.name).await?;
        match state.writer.as_mut() {
            Some(writer) => writer.seal().await,
            None => Ok(()),
        }
    }

    /// Makes the object durable and describes it, with the rows in it. The store must have taken
    /// as many bytes as were written; that it has them is seen in a listing before the record is
    /// published.
    pub async fn finish(&self) -> Result<(Object, RowSum)> {
        let mut state = self.state.lock().await;
        state.end_content(&self.name).await?;
        let writer = state
            .writer
            .take()
            .ok_or_else(|| Error::bug(format!("{} is closed twice", self.name)))?;
        let reported = writer.finish().await?;
        if reported != state.bytes {
            return Err(Error::new(Exit::Io, format!("{} is not whole in the store", self.name))
                .because(format!(
                    "{} bytes were written, the store took {reported}",
                    state.bytes
                )));
        }
        let object = Object {
            name: self.name.clone(),
            kind: self.kind,
            bytes: state.bytes,
            raw_bytes: state.raw,
            content_bytes: self.is_sealed.then_some(state.content),
            sha256: manifest::hex(&std::mem::take(&mut state.sha).finalize()),
            entry: None,
            table: None,
            frames: std::mem::take(&mut state.frames),
        };
        Ok((object, state.sum))
    }
}

impl State {
    /// Stores the end of an age file, once.
    async fn end_content(&mut self, name: &str) -> Result<()> {
        let Some(sealer) = self.sealer.take() else { return Ok(()) };
        let end = sealer.finish().map_err(seal_failed)?;
        self.store(&end, name).await
    }

    async fn store(&mut self, bytes: &[u8], name: &str) -> Result<()> {
        let writer = self.writer.as_mut();
        let writer = writer.ok_or_else(|| Error::bug(format!("{name} is already closed")))?;
        writer.append(bytes).await?;
        self.sha.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Notes where a frame lies, or that it made the last one longer.
    fn add_to_record(&mut self, frame: &Frame<'_>, checksum: u64) {
        let length = frame.stored.len() as u64;
        if !frame.joins {
            self.open = None;
        }
        if let (Some(open), Some(last)) = (&mut self.open, self.frames.last_mut())
            && last.length() + length <= FRAME_BYTES as u64
        {
            open.update(frame.stored);
            last.extend(length, frame.raw, frame.sum.rows, open.value());
            return;
        }
        let mut checksum = checksum;
        if frame.joins {
            let mut open = Checksum::default();
            open.update(frame.stored);
            checksum = open.value();
            self.open = Some(open);
        }
        self.frames.push(manifest::Frame(
            self.content,
            length,
            frame.raw,
            frame.sum.rows,
            checksum,
        ));
    }
}

/// What an object is called in the store.
pub fn stored_name(name: &str, recipients: Option<&Recipients>) -> String {
    format!("{name}{}", if recipients.is_some() { seal::SUFFIX } else { "" })
}

fn seal_failed(error: std::io::Error) -> Error {
    Error::new(Exit::Bug, "cannot seal an object").caused_by(&error)
}

/// Stores an object of one piece, uncompressed.
pub async fn store_whole(
    store: &Store,
    folder: &str,
    name: &str,
    kind: Kind,
    bytes: &[u8],
    recipients: Option<&Recipients>,
) -> Result<Object> {
    let sink = Sink::create(store, folder, name, kind, recipients).await?;
    if !bytes.is_empty() {
        let raw = bytes.len() as u64;
        let frame = Frame { stored: bytes, raw, sum: RowSum::default(), joins: false };
        sink.append(&frame).await?;
    }
    Ok(sink.finish().await?.0)
}
