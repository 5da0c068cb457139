//! Files of settings, read up to a limit: a device or the wrong file must not fill the memory.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Above this a file is none of settings; bytes.
pub(super) const SETTINGS: u64 = 1 << 20;
/// The same for a password file, which tools may write.
pub(super) const PASSFILE: u64 = 16 << 20;

/// An open file with what it is: whoever swaps the path afterwards changes nothing.
pub(super) struct Opened {
    file: File,
    pub metadata: Metadata,
}

/// Opens a file to read it.
pub(super) fn open(path: &Path) -> io::Result<Opened> {
    let file = File::open(path)?;
    Ok(Opened { metadata: file.metadata()?, file })
}

/// The same for one that has to be a regular file: a pipe that nobody writes is not waited for.
pub(super) fn open_at_once(path: &Path) -> io::Result<Opened> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    Ok(Opened { metadata: file.metadata()?, file })
}

impl Opened {
    /// All of it; more than `limit` bytes are an error.
    pub fn read(self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            let size = format!("it is larger than {} MiB", limit >> 20);
            return Err(io::Error::new(ErrorKind::FileTooLarge, size));
        }
        Ok(bytes)
    }
}

/// A whole file of settings as bytes.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    open(path)?.read(SETTINGS)
}
