//! A repository in a directory of this machine (or a mounted one).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Listed, Version};
use crate::error::{Error, Result};
use crate::exit::Exit;

#[derive(Debug, Clone)]
pub(super) struct Directory {
    root: PathBuf,
}

pub(super) struct Listing {
    pub folders: Vec<String>,
    pub objects: Vec<Listed>,
}

/// An object that is being written.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    bytes: u64,
}

/// What an object that is being written holds so far.
#[derive(Debug)]
pub struct SoFar {
    file: File,
    path: PathBuf,
}

/// An object that is being read.
#[derive(Debug)]
pub struct Reader {
    file: File,
    path: PathBuf,
}

/// An input or output fault at a path, with what helps against the common ones.
fn fault(doing: &str, path: &Path, error: &io::Error) -> Error {
    let failure =
        Error::new(Exit::Io, format!("cannot {doing} {}", path.display())).caused_by(error);
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            failure.next("free space there, or give another --repo")
        }
        ErrorKind::FileTooLarge => failure
            .next("raise the limit on the size of a file (ulimit -f), or give another --repo"),
        ErrorKind::PermissionDenied => failure.next(format!(
            "run as a user that may, or give it the right: it needs read, write and search on {}",
            path.parent().unwrap_or(path).display()
        )),
        ErrorKind::ReadOnlyFilesystem => {
            failure.next("remount it for writing, or give another --repo")
        }
        ErrorKind::NotADirectory => failure.next("give a directory as --repo"),
        _ => failure,
    }
}

impl Directory {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The root without symbolic links, as far as it exists.
    pub fn real(&self) -> PathBuf {
        let root = std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone());
        let existing = root.ancestors().find_map(|path| Some((path, path.canonicalize().ok()?)));
        let Some((path, real)) = existing else { return root };
        // Joined with nothing it would end with a `/`.
        root.strip_prefix(path)
            .map_or(real.clone(), |rest| real.components().chain(rest.components()).collect())
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    pub fn list(&self, folder: &str) -> Result<Listing> {
        let path = self.path(folder);
        let failed = |error: &io::Error| fault("list", &path, error);
        let mut listing = Listing { folders: Vec::new(), objects: Vec::new() };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(listing),
            Err(error) => return Err(failed(&error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed(&error))?;
            // Names that are not UTF-8 are none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Nor are hidden names, nor what a file system puts at its root for root alone.
            if name.starts_with('.') || name == "lost+found" {
                continue;
            }
            let metadata = match fs::metadata(entry.path()) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(fault("look at", &entry.path(), &error)),
            };
            if metadata.is_dir() {
                listing.folders.push(name);
            } else {
                listing.objects.push(Listed { name, bytes: metadata.len() });
            }
        }
        listing.folders.sort();
        listing.objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listing)
    }

    pub fn changed(&self, folder: &str) -> Result<Option<SystemTime>> {
        let path = self.path(folder);
        let objects = self.list(folder)?.objects;
        let files = objects.iter().map(|object| written(&path.join(&object.name)));
        let newest = files.collect::<Result<Vec<_>>>()?.into_iter().flatten().max();
        newest.map_or_else(|| written(&path), |newest| Ok(Some(newest)))
    }

    pub fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(reader) = self.open(key)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = reader.file.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| fault("read", &reader.path, &error))?;
        if bytes.len() as u64 > limit {
            return Err(Error::new(Exit::Io, format!("cannot read {}", reader.path.display()))
                .because(format!(
                    "it has more than {limit} bytes, no object of pgtend's there has"
                )));
        }
        Ok(Some(bytes))
    }

    pub fn open(&self, key: &str) -> Result<Option<Reader>> {
        let path = self.path(key);
        match File::open(&path) {
            Ok(file) => Ok(Some(Reader { file, path })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault("open", &path, &error)),
        }
    }

    pub fn create_folder(&self, folder: &str) -> Result<()> {
        let path = self.path(folder);
        let mut builder = fs::DirBuilder::new();
        // Backups hold everything the database holds: nobody else reads them by default.
        builder.mode(0o700);
        if let Some(parent) = path.parent() {
            let made = builder.recursive(true).create(parent);
            made.map_err(|error| fault("make the directory", parent, &error))?;
        }
        let made = builder.recursive(false).create(&path);
        made.map_err(|error| fault("make the directory", &path, &error))
    }

    pub fn ensure_folder(&self, folder: &str) -> Result<()> {
        let path = self.path(folder);
        let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(&path);
        made.map_err(|error| fault("make the directory", &path, &error))
    }

    pub fn create(&self, key: &str) -> Result<Writer> {
        let path = self.path(key);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match file {
            Ok(file) => Ok(Writer { file, path, bytes: 0 }),
            Err(error) => Err(fault("create", &path, &error)),
        }
    }

    pub fn publish(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(key);
        let temporary = path.with_extension("json.tmp");
        let result = (|| {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            super::rename_new(&temporary, &path)
        })();
        if result.is_err() {
            // It may never have been made.
            fs::remove_file(&temporary).unwrap_or(());
        }
        result.map_err(|error: io::Error| fault("publish", &path, &error))?;
        path.parent().map_or(Ok(()), sync_directory)
    }

    pub fn sync_folder(&self, folder: &str) -> Result<()> {
        let path = self.path(folder);
        // The folder's own name stands in its parent, and so on up to the repository's.
        for directory in path.ancestors().take_while(|path| path.starts_with(&self.root)) {
            sync_directory(directory)?;
        }
        Ok(())
    }

    pub fn remove(&self, key: &str) -> Result<()> {
        let path = self.path(key);
        removed(fs::remove_file(&path), &path)
    }

    pub fn remove_folder(&self, folder: &str) -> Result<()> {
        self.clear_folder(folder, |_| false)?;
        let path = self.path(folder);
        removed(fs::remove_dir(&path), &path)
    }

    pub fn remove_empty_folder(&self, folder: &str) -> Result<()> {
        let path = self.path(folder);
        match fs::remove_dir(&path) {
            Err(error)
                if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) =>
            {
                Err(fault("remove", &path, &error))
            }
            _ => Ok(()),
        }
    }

    pub fn clear_folder(&self, folder: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
        let path = self.path(folder);
        let mut objects = self.list(folder)?.objects;
        objects.retain(|object| !keep(&object.name));
        // What makes the rest count goes first: broken off here, nothing looks complete.
        objects.sort_by_key(|object| !object.name.ends_with(".json"));
        for object in objects {
            let file = path.join(object.name);
            removed(fs::remove_file(&file), &file)?;
        }
        Ok(())
    }

    pub fn free_bytes(&self) -> Option<u64> {
        let existing = self.root.ancestors().find(|path| path.exists())?;
        let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
        let stat = rustix::fs::statvfs(existing).ok()?;
        stat.f_bavail.checked_mul(stat.f_frsize)
    }
}

/// What is gone is removed: another run may have been quicker.
fn removed(result: io::Result<()>, path: &Path) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(fault("remove", path, &error)),
        _ => Ok(()),
    }
}

/// When a file was written last; one that is gone was not.
fn written(path: &Path) -> Result<Option<SystemTime>> {
    match fs::metadata(path).and_then(|metadata| metadata.modified()) {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault("look at", path, &error)),
    }
}

fn sync_directory(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    match File::open(path).and_then(|directory| directory.sync_all()) {
        // Some network file systems cannot sync a directory; they order names themselves.
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(fault("sync", path, &error))
        }
        _ => Ok(()),
    }
}

impl Writer {
    /// Adds bytes at the object's end.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| fault("write", &self.path, &error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// A second handle, to make durable what is there while more is added.
    pub fn so_far(&self) -> Result<SoFar> {
        let file = self.file.try_clone().map_err(|error| fault("sync", &self.path, &error))?;
        Ok(SoFar { file, path: self.path.clone() })
    }

    /// Makes the object durable, and returns the size that the store reports.
    pub async fn finish(self) -> Result<u64> {
        self.file.sync_all().map_err(|error| fault("sync", &self.path, &error))?;
        let metadata =
            self.file.metadata().map_err(|error| fault("look at", &self.path, &error))?;
        Ok(metadata.len())
    }
}

impl SoFar {
    /// Makes it durable.
    pub async fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| fault("sync", &self.path, &error))
    }
}

impl Reader {
    /// Bytes of the object.
    pub fn bytes(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        metadata.map(|m| m.len()).map_err(|error| fault("look at", &self.path, &error))
    }

    /// Which state of it is read.
    pub fn version(&self) -> Result<Version> {
        let metadata = self.file.metadata();
        metadata.map(|m| Version::of(&m)).map_err(|error| fault("look at", &self.path, &error))
    }

    /// Goes on reading at byte `offset`.
    pub async fn seek(&mut self, offset: u64) -> Result<()> {
        let moved = self.file.seek(SeekFrom::Start(offset));
        moved.map(drop).map_err(|error| fault("read", &self.path, &error))
    }

    /// Fills `buffer` as far as the object reaches; returns how far that was.
    pub async fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault("read", &self.path, &error)),
            }
        }
        Ok(filled)
    }
}
