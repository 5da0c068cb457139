//! Objects of a backup as readers see them: what is inside, sealed or not.
//!
//! Offsets are those of the content, which is what frames tell; a sealed object's pieces lie at
//! known places, so one can begin anywhere in it.

use sha2::{Digest, Sha256};

use crate::archive::manifest::{Object, hex};
use crate::archive::seal::{
    self, HEADER_LIMIT, Identities, Opener, PIECE, SEALED_PIECE, SealError,
};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::{self, Store};

/// Sealed pieces that are read from the store at once.
const AT_ONCE: u64 = 16;

/// An object that is being read.
#[derive(Debug)]
pub struct Reader {
    inner: store::Reader,
    sealed: Option<Sealed>,
    /// Of every stored byte, while they are read one after the other.
    watch: Option<Sha256>,
    /// Stored bytes that were read.
    read: u64,
}

/// What is known of a sealed object.
#[derive(Debug)]
struct Sealed {
    name: String,
    opener: Opener,
    /// Stored bytes of the object.
    stored: u64,
    /// Bytes within.
    content: u64,
    /// Where the next byte is taken from, within.
    position: u64,
    /// Number and bytes of the piece that was opened last.
    piece: Option<(u64, Vec<u8>)>,
    /// Stored bytes that were read ahead, and where they lie in the object.
    ahead: Vec<u8>,
    ahead_at: u64,
}

impl Reader {
    /// Opens an object of the backup in `folder`; `None` when it is not there. With `identities`
    /// a sealed one is read as what is inside it, without them as it is stored.
    pub async fn open(
        store: &Store,
        folder: &str,
        object: &Object,
        identities: &Identities,
    ) -> Result<Option<Self>> {
        let Some(inner) = store.open_object(&format!("{folder}{}", object.name)).await? else {
            return Ok(None);
        };
        let mut reader = Self { inner, sealed: None, watch: None, read: 0 };
        if object.is_sealed() && !identities.is_empty() {
            reader.unseal(object, identities).await?;
        }
        Ok(Some(reader))
    }

    async fn unseal(&mut self, object: &Object, identities: &Identities) -> Result<()> {
        let stored = self.inner.bytes()?;
        let mut ahead = vec![0; usize::try_from(stored.min(HEADER_LIMIT)).unwrap_or(0)];
        let length = self.inner.read_full(&mut ahead).await?;
        ahead.truncate(length);
        self.read += length as u64;
        let opener = Opener::new(&ahead, identities).map_err(|error| unopened(object, &error))?;
        let content = opener
            .content(stored)
            .ok_or_else(|| unopened(object, &SealError::Damaged("it is cut".into())))?;
        self.sealed = Some(Sealed {
            name: object.name.clone(),
            opener,
            stored,
            content,
            position: 0,
            piece: None,
            ahead,
            ahead_at: 0,
        });
        Ok(())
    }

    /// Takes the digest of what is stored, of an object that is read from its start to its end.
    pub fn watch(&mut self) {
        let mut sha = Sha256::new();
        // What the header was looked for in.
        if let Some(sealed) = &self.sealed {
            sha.update(&sealed.ahead);
        }
        self.watch = Some(sha);
    }

    /// SHA-256 of the stored bytes, once all were read; and how many they are.
    pub fn digest(&mut self) -> (String, u64) {
        (self.watch.take().map_or_else(String::new, |sha| hex(&sha.finalize())), self.read)
    }

    /// Bytes of what is inside.
    pub fn bytes(&self) -> Result<u64> {
        match &self.sealed {
            Some(sealed) => Ok(sealed.content),
            None => self.inner.bytes(),
        }
    }

    /// Goes on reading at byte `offset` of what is inside.
    pub async fn seek(&mut self, offset: u64) -> Result<()> {
        match &mut self.sealed {
            Some(sealed) => {
                sealed.position = offset;
                Ok(())
            }
            None => self.inner.seek(offset).await,
        }
    }

    /// Fills `buffer` as far as the content reaches; returns how far that was.
    pub async fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(sealed) = &mut self.sealed else {
            let length = self.inner.read_full(buffer).await?;
            self.read += length as u64;
            if let Some(sha) = &mut self.watch {
                sha.update(&buffer[..length]);
            }
            return Ok(length);
        };
        let mut filled = 0;
        loop {
            let number = sealed.position / PIECE;
            if sealed.piece.as_ref().is_none_or(|(have, _)| *have != number) {
                // Also of an empty object: its one piece proves that it is empty.
                if number > 0 && sealed.position >= sealed.content {
                    return Ok(filled);
                }
                let from = &mut Stored {
                    inner: &mut self.inner,
                    watch: self.watch.as_mut(),
                    read: &mut self.read,
                };
                sealed.turn_to(number, from).await?;
            }
            let start = usize::try_from(sealed.position % PIECE).unwrap_or(0);
            let piece = sealed.piece.as_ref().map_or(&[][..], |(_, bytes)| bytes.as_slice());
            let rest = piece.get(start..).unwrap_or(&[]);
            let length = rest.len().min(buffer.len() - filled);
            buffer[filled..filled + length].copy_from_slice(&rest[..length]);
            filled += length;
            sealed.position += length as u64;
            if filled == buffer.len() || length == 0 {
                return Ok(filled);
            }
        }
    }
}

/// The stored bytes, and what is noted of those that are read.
struct Stored<'a> {
    inner: &'a mut store::Reader,
    watch: Option<&'a mut Sha256>,
    read: &'a mut u64,
}

impl Sealed {
    /// Opens this piece.
    async fn turn_to(&mut self, number: u64, from: &mut Stored<'_>) -> Result<()> {
        let start = self.opener.header() + number * SEALED_PIECE;
        let end = (start + SEALED_PIECE).min(self.stored);
        self.load(start, end, from).await?;
        let cut = || SealError::Damaged("it is cut".into());
        let range = |at: u64| usize::try_from(at - self.ahead_at).unwrap_or(usize::MAX);
        let sealed = self.ahead.get(range(start)..range(end)).ok_or_else(cut);
        let opened = sealed
            .and_then(|sealed| self.opener.piece(number, sealed, end == self.stored))
            .map_err(|error| damaged(&self.name, number * PIECE, &error))?;
        self.piece = Some((number, opened));
        Ok(())
    }

    /// Has these stored bytes ahead, as far as they are there.
    async fn load(&mut self, start: u64, end: u64, from: &mut Stored<'_>) -> Result<()> {
        let ahead_end = self.ahead_at + self.ahead.len() as u64;
        if start >= self.ahead_at && end <= ahead_end {
            return Ok(());
        }
        if start < self.ahead_at || start > ahead_end {
            from.inner.seek(start).await?;
            self.ahead.clear();
        } else {
            // Read on where the last call ended: no byte is read twice.
            self.ahead.drain(..usize::try_from(start - self.ahead_at).unwrap_or(0));
        }
        self.ahead_at = start;
        let have = self.ahead.len();
        let wanted = (AT_ONCE * SEALED_PIECE).min(self.stored - start);
        self.ahead.resize(usize::try_from(wanted).unwrap_or(0).max(have), 0);
        let length = from.inner.read_full(&mut self.ahead[have..]).await?;
        self.ahead.truncate(have + length);
        *from.read += length as u64;
        if let Some(sha) = &mut from.watch {
            sha.update(&self.ahead[have..]);
        }
        Ok(())
    }
}

/// What is inside a whole object that was read as it is stored.
pub fn opened(
    object: &Object,
    stored: Vec<u8>,
    identities: &Identities,
) -> Result<Vec<u8>, SealError> {
    if object.is_sealed() { seal::open(&stored, identities) } else { Ok(stored) }
}

/// Why a sealed object does not open, though the backup's record did.
fn unopened(object: &Object, error: &SealError) -> Error {
    damaged(&object.name, 0, error)
}

fn damaged(name: &str, at: u64, error: &SealError) -> Error {
    Error::new(Exit::Critical, format!("the backup is damaged: {name}"))
        .because(format!("at byte {at} of what is sealed: {error}"))
        .next("see what else is: pgtend verify-backup --level content")
        .next("or restore another backup")
}
