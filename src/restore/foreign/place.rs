//! Where a file of pg_dump lies.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::archive::seal::Identities;
use crate::backup::catalog::Found;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::{Reader, Store};

/// Where it lies.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of this machine.
    File(PathBuf),
    /// A folder of this machine with a toc.dat.
    Folder(PathBuf),
    /// An object of a store.
    Object(Store, String),
    /// Objects of a store in a folder, whose name ends with `/`, with a toc.dat.
    Objects(Store, String),
}

/// Bytes that are read from a store at once.
const PIECE: usize = 1 << 20;

impl Place {
    /// For people.
    pub fn label(&self) -> String {
        match self {
            Self::File(path) | Self::Folder(path) => path.display().to_string(),
            Self::Object(store, key) | Self::Objects(store, key) => {
                format!("{}/{}", store.location().trim_end_matches('/'), key.trim_end_matches('/'))
            }
        }
    }

    /// Its last part.
    pub fn name(&self) -> String {
        let label = self.label();
        label.trim_end_matches('/').rsplit('/').next().unwrap_or(&label).to_owned()
    }

    /// Where a backup of pgtend would lie, for reports.
    pub fn found(&self) -> Found {
        let (cluster, database, folder) = (String::new(), String::new(), String::new());
        Found { id: self.name(), cluster, database, folder, identities: Identities::default() }
    }

    /// When it was written last, where that is known.
    pub fn modified(&self) -> Option<jiff::Timestamp> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Folder(path) => path.join("toc.dat"),
            _ => return None,
        };
        jiff::Timestamp::try_from(fs::metadata(path).ok()?.modified().ok()?).ok()
    }

    /// Its bytes, from the first on; not for folders. Not on a thread of the runtime: it waits.
    pub(super) fn open(&self) -> Result<Box<dyn Read + Send>> {
        match self {
            Self::File(path) | Self::Folder(path) => {
                let file = File::open(path).map_err(|error| {
                    Error::new(Exit::Io, format!("cannot open {}", path.display()))
                        .caused_by(&error)
                })?;
                Ok(Box::new(file))
            }
            Self::Object(store, key) | Self::Objects(store, key) => {
                let runtime = runtime()?;
                let reader = runtime.block_on(store.open_object(key))?;
                let reader = reader.ok_or_else(|| self.gone())?;
                Ok(Box::new(Stored { reader, runtime, held: Vec::new(), at: 0 }))
            }
        }
    }

    fn gone(&self) -> Error {
        Error::new(Exit::Io, format!("{} is not there", self.label()))
    }

    /// Copies the objects of a folder to this machine: pg_restore reads a folder's files in an
    /// order of its own.
    pub(super) fn fetch(&self, temporary: &std::path::Path) -> Result<(TempDir, u64)> {
        let Self::Objects(store, folder) = self else {
            return Err(Error::bug("only folders of a store are copied"));
        };
        let prefix = format!("pgtend-restore-{}-", std::process::id());
        let failed = |error: io::Error| {
            Error::new(Exit::Io, format!("cannot copy {} to this machine", self.label()))
                .because("directory format is read from files: a temporary copy is needed")
                .caused_by(&error)
                .next("free space there, or set TMPDIR to another folder")
                .next("or keep dumps in custom format (pg_dump -Fc), which needs no copy")
        };
        let copy =
            tempfile::Builder::new().prefix(&prefix).tempdir_in(temporary).map_err(failed)?;
        let runtime = runtime()?;
        let listed = runtime.block_on(store.objects(folder))?;
        let mut bytes = 0;
        for object in &listed {
            let key = format!("{folder}{}", object.name);
            let mut from = Self::Object(store.clone(), key).open()?;
            let mut to = File::create_new(copy.path().join(&object.name)).map_err(failed)?;
            bytes += io::copy(&mut from, &mut to).map_err(failed)?;
        }
        Ok((copy, bytes))
    }
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot start a thread's runtime").caused_by(&error))
}

/// An object of a store for who waits while reading.
struct Stored {
    reader: Reader,
    runtime: Runtime,
    held: Vec<u8>,
    at: usize,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.held.len() {
            self.held.resize(PIECE, 0);
            let read = self.runtime.block_on(self.reader.read_full(&mut self.held));
            let read = read.map_err(io::Error::other)?;
            self.held.truncate(read);
            self.at = 0;
        }
        let given = buffer.len().min(self.held.len() - self.at);
        buffer[..given].copy_from_slice(&self.held[self.at..self.at + given]);
        self.at += given;
        Ok(given)
    }
}
