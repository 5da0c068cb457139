//! Sealed objects: each is one age file (<https://age-encryption.org/v1>), binary, so that stock
//! `age -d` opens it without pgtend.
//!
//! An age file is a header with the file's key, wrapped for each recipient, and then pieces of
//! 64 KiB, each with a tag of 16 bytes: so the place of every byte within is known, and a reader
//! can begin anywhere. A tag that fits proves that the bytes are those that were sealed; anybody
//! who knows a recipient can seal others.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age::stream::{StreamReader, StreamWriter};
use age::x25519;

/// What a sealed object's name ends with.
pub const SUFFIX: &str = ".age";
/// Bytes of a piece before it is sealed.
pub const PIECE: u64 = 64 << 10;
/// Bytes of a sealed piece.
pub const SEALED_PIECE: u64 = PIECE + 16;
/// A header is read from at most so many bytes: room for 300 recipients and more.
pub const HEADER_LIMIT: u64 = 64 << 10;
/// Recipients of one backup; each costs every object a hundred bytes and a tenth of a
/// millisecond.
const RECIPIENTS: usize = 100;

/// Why something cannot be sealed or opened. None of them repeats a line of an identity file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealError {
    /// What was given is no key of the kind that is needed here.
    Key(String),
    /// No identity opens it.
    NoIdentity,
    /// Not what was sealed, or not sealed at all.
    Damaged(String),
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentity => f.write_str("no identity that was given opens it"),
            Self::Key(what) | Self::Damaged(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for SealError {}

/// Who can open what is sealed: public keys.
#[derive(Clone)]
pub struct Recipients(Arc<[x25519::Recipient]>);

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl PartialEq for Recipients {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Recipients {
    /// Reads keys like `age1..`, at least one; one that comes twice counts once.
    pub fn new<S: AsRef<str>>(keys: impl IntoIterator<Item = S>) -> Result<Self, SealError> {
        let mut recipients: Vec<x25519::Recipient> = Vec::new();
        for key in keys {
            let key = key.as_ref().trim();
            let recipient = key.parse().map_err(|_| SealError::Key(no_recipient(key)))?;
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
        match recipients.len() {
            0 => Err(SealError::Key("no recipient is named".into())),
            1..=RECIPIENTS => Ok(Self(recipients.into())),
            more => Err(SealError::Key(format!("{more} recipients; {RECIPIENTS} are the limit"))),
        }
    }

    /// Reads a file with a key a line; empty lines and those that start with `#` are passed over.
    pub fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    /// The keys as text.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

fn no_recipient(key: &str) -> String {
    if key.to_uppercase().starts_with("AGE-SECRET-KEY-") {
        // Never repeated: whoever reads the log could open every backup.
        return "an identity (AGE-SECRET-KEY-..) was given as a recipient: it is the secret half"
            .into();
    }
    let shown: String = key.chars().take(80).collect();
    if key.starts_with("ssh-") || key.starts_with("age1") && key.len() > 100 {
        return format!(
            "'{shown}' is a kind of recipient that pgtend does not know: age1.. of age-keygen"
        );
    }
    format!("'{shown}' is no recipient: they look like age1.. and have 62 characters")
}

/// The secret keys that open what is sealed; none by default. Never shown.
#[derive(Clone, Default)]
pub struct Identities(Arc<[x25519::Identity]>);

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} identities", self.0.len())
    }
}

impl Identities {
    /// Reads the texts of identity files, as age-keygen writes them.
    pub fn new<S: AsRef<str>>(files: impl IntoIterator<Item = S>) -> Result<Self, SealError> {
        let mut identities = Vec::new();
        for file in files {
            let before = identities.len();
            for (line, number) in file.as_ref().lines().zip(1..) {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                identities
                    .push(line.parse().map_err(|_| SealError::Key(no_identity(line, number)))?);
            }
            if identities.len() == before {
                return Err(SealError::Key("it holds no identity".into()));
            }
        }
        Ok(Self(identities.into()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The recipients that they belong to.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
    }
}

fn no_identity(line: &str, number: usize) -> String {
    let why = if line.starts_with("age1") {
        "a recipient, the public half; its identity looks like AGE-SECRET-KEY-1.."
    } else if line.starts_with("-----BEGIN") || line.starts_with("age-encryption.org") {
        "not an identity of age-keygen: one that is itself encrypted, or of ssh, is not read"
    } else {
        "no identity: they look like AGE-SECRET-KEY-1.."
    };
    format!("line {number} is {why}")
}

/// Bytes that a writer of age's hands over, for us to take away.
#[derive(Debug, Clone, Default)]
struct Tray(Arc<Mutex<Vec<u8>>>);

impl Tray {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Tray {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Seals one object.
pub struct Sealer {
    writer: StreamWriter<Tray>,
    tray: Tray,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A new file key, wrapped for the recipients.
    pub fn new(recipients: &Recipients) -> io::Result<Self> {
        let list = recipients.0.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(list).map_err(io::Error::other)?;
        let tray = Tray::default();
        Ok(Self { writer: encryptor.wrap_output(tray.clone())?, tray })
    }

    /// Takes bytes of the object and gives those that are to be stored by now; some stay back
    /// until their piece is full.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.writer.write_all(bytes)?;
        Ok(std::mem::take(&mut self.tray.bytes()))
    }

    /// The last bytes.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        let tray = self.writer.finish()?;
        let bytes = std::mem::take(&mut *tray.bytes());
        Ok(bytes)
    }
}

/// What one sealed object would be; for small ones.
pub fn seal(recipients: &Recipients, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut sealer = Sealer::new(recipients)?;
    let mut sealed = sealer.push(bytes)?;
    sealed.extend(sealer.finish()?);
    Ok(sealed)
}

/// Opens a whole object.
pub fn open(sealed: &[u8], identities: &Identities) -> Result<Vec<u8>, SealError> {
    let decryptor = age::Decryptor::new_buffered(sealed).map_err(of_age)?;
    let list = identities.0.iter().map(|identity| identity as &dyn age::Identity);
    let mut bytes = Vec::new();
    let mut reader = decryptor.decrypt(list).map_err(of_age)?;
    reader.read_to_end(&mut bytes).map_err(|error| SealError::Damaged(error.to_string()))?;
    Ok(bytes)
}

fn of_age(error: age::DecryptError) -> SealError {
    match error {
        age::DecryptError::NoMatchingKeys => SealError::NoIdentity,
        error => SealError::Damaged(format!("it does not open: {error}")),
    }
}

/// Where age's reader finds the bytes that we hold.
#[derive(Debug, Clone, Default)]
struct Slot(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    taken: usize,
    /// Where age believes to be.
    position: u64,
}

impl Slot {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, bytes: &[u8]) {
        let mut held = self.held();
        held.bytes.clear();
        held.bytes.extend_from_slice(bytes);
        held.taken = 0;
    }
}

impl Read for Slot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut held = self.held();
        let length = (&held.bytes[held.taken..]).read(buffer)?;
        held.taken += length;
        held.position += length as u64;
        Ok(length)
    }
}

impl Seek for Slot {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut held = self.held();
        held.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(0) => held.position,
            // Asked for by nothing that we ask age for.
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok(held.position)
    }
}

/// Opens an object piece by piece, in any order.
pub struct Opener {
    reader: StreamReader<Slot>,
    slot: Slot,
    header: u64,
    /// The piece that age would read next, when that is known.
    next: Option<u64>,
    /// Whether the one piece of an empty object was opened: age does not open it again.
    empty: bool,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opener {{ header: {} }}", self.header)
    }
}

impl Opener {
    /// Reads the header, from the object's first bytes: all of it, or [`HEADER_LIMIT`].
    pub fn new(start: &[u8], identities: &Identities) -> Result<Self, SealError> {
        let slot = Slot::default();
        slot.put(start);
        let decryptor = age::Decryptor::new(slot.clone()).map_err(of_age)?;
        let list = identities.0.iter().map(|identity| identity as &dyn age::Identity);
        let reader = decryptor.decrypt(list).map_err(of_age)?;
        let header = slot.held().taken as u64;
        // The pieces begin at 0.
        slot.held().position = 0;
        Ok(Self { reader, slot, header, next: Some(0), empty: false })
    }

    /// Bytes before the first piece.
    pub const fn header(&self) -> u64 {
        self.header
    }

    /// Bytes within, for an object of so many; `None` when no object can have so many.
    pub fn content(&self, stored: u64) -> Option<u64> {
        let sealed = stored.checked_sub(self.header)?;
        sealed.checked_sub(sealed.div_ceil(SEALED_PIECE) * (SEALED_PIECE - PIECE))
    }

    /// Opens the piece of this number. `sealed` is all of it, `last` whether the object ends
    /// with it: one that was cut is found out.
    pub fn piece(&mut self, number: u64, sealed: &[u8], last: bool) -> Result<Vec<u8>, SealError> {
        let damaged =
            |error: io::Error| SealError::Damaged(format!("a piece does not open: {error}"));
        let content = sealed.len().saturating_sub(16);
        if self.empty && content == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; content];
        self.slot.put(sealed);
        if self.next != Some(number) {
            self.turn_to(number, content).map_err(damaged)?;
        }
        self.next = None;
        self.reader.read_exact(&mut bytes).map_err(damaged)?;
        if last {
            // Nothing follows: age knows whether something should. (The one piece of an empty
            // object is still to be read.)
            if content > 0 {
                self.slot.put(&[]);
            }
            let more = self.reader.read(&mut [0; 1]).map_err(damaged)?;
            if more > 0 {
                return Err(SealError::Damaged("a piece is longer than its place".into()));
            }
            self.empty = content == 0;
        } else if content as u64 == PIECE {
            self.next = Some(number + 1);
        }
        Ok(bytes)
    }

    /// Has age read this piece next, which lies in the slot.
    fn turn_to(&mut self, number: u64, content: usize) -> io::Result<()> {
        let start = number.saturating_mul(PIECE);
        if content > 0 {
            // Not its first byte: there age would look for the object's end, which we do not hold.
            self.reader.seek(SeekFrom::Start(start + 1))?;
        }
        self.reader.seek(SeekFrom::Start(start)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> (Recipients, Identities, String) {
        use age::secrecy::ExposeSecret;
        let identity = x25519::Identity::generate();
        let text = identity.to_string().expose_secret().to_owned();
        let recipients = Recipients::new([identity.to_public().to_string()]).unwrap();
        (recipients, Identities::new([format!("# a comment\n\n{text}\n")]).unwrap(), text)
    }

    fn sample(length: u64) -> Vec<u8> {
        (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    /// The sealed piece of a number, and whether it is the last.
    fn piece_of<'a>(sealed: &'a [u8], opener: &Opener, number: u64) -> (&'a [u8], bool) {
        let start = usize::try_from(opener.header() + number * SEALED_PIECE).unwrap();
        let end = (start + usize::try_from(SEALED_PIECE).unwrap()).min(sealed.len());
        (&sealed[start..end], end == sealed.len())
    }

    #[test]
    fn what_is_sealed_is_opened_in_any_order() {
        let (recipients, identities, _) = keys();
        for length in [0, 1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17] {
            let bytes = sample(length);
            let mut sealer = Sealer::new(&recipients).unwrap();
            let mut sealed = Vec::new();
            for part in bytes.chunks(10_001) {
                sealed.extend(sealer.push(part).unwrap());
            }
            sealed.extend(sealer.finish().unwrap());
            assert!(open(&sealed, &identities).unwrap() == bytes, "{length}");
            let mut opener = Opener::new(&sealed, &identities).unwrap();
            assert_eq!(opener.content(sealed.len() as u64), Some(length));
            let pieces = length.div_ceil(PIECE).max(1);
            let forth = 0..pieces;
            for number in forth.clone().chain(forth.clone().rev()).chain([0, pieces - 1, 0]) {
                let (piece, last) = piece_of(&sealed, &opener, number);
                let start = usize::try_from(number * PIECE).unwrap();
                let end = (start + usize::try_from(PIECE).unwrap()).min(bytes.len());
                let opened = opener.piece(number, piece, last).unwrap();
                assert!(opened == bytes[start..end], "piece {number} of {length}");
            }
        }
    }

    #[test]
    fn a_cut_and_a_flip_are_found() {
        let (recipients, identities, _) = keys();
        let sealed = seal(&recipients, &sample(2 * PIECE)).unwrap();
        let opener = || Opener::new(&sealed, &identities).unwrap();
        let (first, _) = piece_of(&sealed, &opener(), 0);
        let (second, _) = piece_of(&sealed, &opener(), 1);
        // The first piece as if the object ended there; the pieces exchanged; a bit flipped.
        assert!(opener().piece(0, first, true).is_err());
        assert!(opener().piece(1, first, false).is_err());
        let mut flipped = second.to_vec();
        flipped[1000] ^= 1;
        assert!(opener().piece(1, &flipped, true).is_err());
        assert!(opener().piece(1, second, true).is_ok());
        assert!(matches!(open(&sealed[1..], &identities), Err(SealError::Damaged(_))));
        assert!(matches!(open(&[], &identities), Err(SealError::Damaged(_))));
    }

    #[test]
    fn only_who_has_the_identity_opens_it() {
        let (recipients, _, _) = keys();
        let (_, other, _) = keys();
        let sealed = seal(&recipients, b"x").unwrap();
        assert_eq!(open(&sealed, &other).unwrap_err(), SealError::NoIdentity);
        assert!(matches!(Opener::new(&sealed, &other), Err(SealError::NoIdentity)));
        assert_eq!(open(&sealed, &Identities::default()).unwrap_err(), SealError::NoIdentity);
    }

    #[test]
    fn keys_that_are_none_are_told_and_secret_ones_never_repeated() {
        let (recipients, identities, secret) = keys();
        assert_eq!(identities.recipients(), recipients.names());
        let twice = [recipients.names(), recipients.names()].concat();
        assert_eq!(Recipients::new(twice).unwrap(), recipients);
        for wrong in ["", "age1xyz", "ssh-ed25519 AAAA", secret.as_str()] {
            let error = Recipients::new([wrong]).unwrap_err().to_string();
            assert!(!error.contains(&secret), "{error}");
        }
        assert!(Recipients::new([""; 0]).is_err());
        let upside_down = Identities::new([recipients.names().join("\n")]).unwrap_err();
        assert!(upside_down.to_string().contains("public half"), "{upside_down}");
        for wrong in ["", "# nothing\n", &secret[1..]] {
            let error = Identities::new([wrong]).unwrap_err().to_string();
            assert!(!error.contains(&secret[20..]), "{error}");
        }
        assert_eq!(format!("{identities:?}"), "1 identities");
    }
}
