//! Where a file of pg_dump lies.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::Reading;
use super::whole::Watched;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::{Reader, Store, Version};

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

/// A folder's table of contents.
pub(super) const TOC: &str = "toc.dat";
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

    /// Whether it is a dump in directory format.
    pub const fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_) | Self::Objects(..))
    }

    /// Which state of it is there: of every file of a folder, by name; of a folder in a store that
    /// of its toc.dat. It waits, as [`open`](Self::open).
    pub(super) fn version(&self, cancel: &CancellationToken) -> Result<Vec<(String, Version)>> {
        let of_file = |path: &Path| {
            let metadata = fs::metadata(path);
            metadata.map(|metadata| Version::of(&metadata)).map_err(|error| failed(path, &error))
        };
        match self {
            Self::File(path) => Ok(vec![(self.name(), of_file(path)?)]),
            Self::Folder(path) => {
                let mut files = Vec::new();
                for entry in fs::read_dir(path).map_err(|error| failed(path, &error))? {
                    let entry = entry.map_err(|error| failed(path, &error))?;
                    let name = entry.file_name().to_string_lossy().into_owned();
                    files.push((name, of_file(&entry.path())?));
                }
                files.sort_by(|a, b| a.0.cmp(&b.0));
                Ok(files)
            }
            Self::Object(store, key) => self.stored(store, key, cancel),
            Self::Objects(store, folder) => self.stored(store, &format!("{folder}{TOC}"), cancel),
        }
    }

    fn stored(
        &self,
        store: &Store,
        key: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<(String, Version)>> {
        let runtime = runtime()?;
        let reader = wait(&runtime, cancel, store.open_object(key))?.ok_or_else(|| self.gone())?;
        let name = key.rsplit('/').next().unwrap_or(key).to_owned();
        let version = reader.version()?;
        // What it asked for ahead ends within its runtime.
        runtime.block_on(async { drop(reader) });
        Ok(vec![(name, version)])
    }

    /// Its bytes, from the first on; not for folders. Not on a thread of the runtime: it waits.
    pub(super) fn open(&self, cancel: &CancellationToken) -> Result<Box<dyn Read + Send>> {
        match self {
            Self::File(path) | Self::Folder(path) => {
                let file = File::open(path).map_err(|error| failed(path, &error))?;
                Ok(Box::new(file))
            }
            Self::Object(store, key) | Self::Objects(store, key) => {
                let runtime = runtime()?;
                let reader = wait(&runtime, cancel, store.open_object(key))?;
                let reader = reader.ok_or_else(|| self.gone())?;
                let cancel = cancel.clone();
                Ok(Box::new(Stored { reader, runtime, cancel, held: Vec::new(), at: 0 }))
            }
        }
    }

    fn gone(&self) -> Error {
        Error::new(Exit::Io, format!("{} is not there", self.label()))
    }

    /// Copies the objects of a folder to this machine: pg_restore reads a folder's files in an
    /// order of its own.
    pub(super) fn fetch(&self, reading: &Reading) -> Result<TempDir> {
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
        let temporary = reading.environment.temporary_folder();
        let copy =
            tempfile::Builder::new().prefix(&prefix).tempdir_in(temporary).map_err(failed)?;
        let listed = wait(&runtime()?, &reading.cancel, store.objects(folder))?;
        for object in &listed {
            let place = Self::Object(store.clone(), format!("{folder}{}", object.name));
            let mut from = Watched::new(&place, reading, &Arc::default())?;
            let mut to = File::create_new(copy.path().join(&object.name)).map_err(failed)?;
            io::copy(&mut from, &mut to).map_err(failed)?;
        }
        Ok(copy)
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot open {}", path.display())).caused_by(error)
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot start a thread's runtime").caused_by(&error))
}

/// Waits for a store, unless the run is stopped.
fn wait<T>(
    runtime: &Runtime,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(crate::restore::stopped()),
            done = work => done,
        }
    })
}

/// An object of a store for who waits while reading.
struct Stored {
    reader: Reader,
    runtime: Runtime,
    cancel: CancellationToken,
    held: Vec<u8>,
    at: usize,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.held.len() {
            self.held.resize(PIECE, 0);
            let read = self.reader.read_full(&mut self.held);
            let read = wait(&self.runtime, &self.cancel, read).map_err(io::Error::other)?;
            self.held.truncate(read);
            self.at = 0;
        }
        let given = buffer.len().min(self.held.len() - self.at);
        buffer[..given].copy_from_slice(&self.held[self.at..self.at + given]);
        self.at += given;
        Ok(given)
    }
}
