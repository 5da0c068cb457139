//! Where backups live: objects by key, in folders whose names end with `/`.
//!
//! A key is relative to the repository, its parts joined by `/` and already encoded (see
//! [`encode_part`]). An object appears under its key at once or not at all only when it is
//! [published](Store::publish); others may be seen half-written, which is why a backup counts
//! from the moment its manifest is published.

mod dir;
mod name;
mod s3;
mod url;

use std::path::Path;
use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

pub use crate::aws::s3::Upload;
use crate::error::{Error, Result};
use crate::settings::S3Settings;
pub use name::rename_new;
use url::Place;

/// How many small things are worth asking a store for at once: in S3 each is a round trip.
pub const AT_ONCE: usize = 16;

/// A repository.
#[derive(Debug, Clone)]
pub struct Store(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Dir(dir::Directory),
    S3(s3::Remote),
}

/// An object as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name within the folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// One state of an object; another object, or the same after a change, has another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// When it was written last; `None` where the store does not tell.
    pub modified: Option<SystemTime>,
    /// What tells it from others: ETag and size, or device, inode, time and size.
    mark: String,
}

impl Version {
    /// Of a file.
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        let (device, inode, bytes) = (metadata.dev(), metadata.ino(), metadata.len());
        Self {
            modified: metadata.modified().ok(),
            mark: format!("{device} {inode} {seconds}.{nanoseconds} {bytes}"),
        }
    }
}

impl Store {
    /// Opens the repository at `location`, a directory or `s3://bucket/prefix`. It need not exist
    /// before the first [`create`](Self::create), save for the bucket.
    pub fn open(location: &str, s3: &S3Settings) -> Result<Self> {
        Ok(Self(match Place::parse(location)? {
            Place::Directory(path) => Backend::Dir(dir::Directory::new(Path::new(&path))),
            Place::S3(place) => Backend::S3(s3::Remote::new(place, s3)?),
        }))
    }

    /// A repository in this directory of the machine.
    pub fn directory(path: &Path) -> Self {
        Self(Backend::Dir(dir::Directory::new(path)))
    }

    /// An error unless the repository is there.
    pub async fn must_exist(&self) -> Result<()> {
        let missing = || {
            Error::usage(format!("there is no repository at {}", self.location())).next(
                "check --repo, PGTEND_REPO or repo in pgtend.toml; the first backup makes the \
                 folder",
            )
        };
        match &self.0 {
            Backend::Dir(dir) => {
                dir.root().metadata().map(drop).map_err(|error| missing().caused_by(&error))
            }
            Backend::S3(remote) => {
                let found = remote.list("").await?;
                match found.folders.is_empty() && found.objects.is_empty() {
                    true => Err(missing().because("no object's key starts so")),
                    false => Ok(()),
                }
            }
        }
    }

    /// What the operator called it.
    pub fn location(&self) -> String {
        match &self.0 {
            Backend::Dir(dir) => dir.root().display().to_string(),
            Backend::S3(remote) => remote.location(),
        }
    }

    /// Whether the other one is the same place, however it is written; of directories that are
    /// not there yet, as far as that can be told.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Backend::Dir(one), Backend::Dir(other)) => one.real() == other.real(),
            _ => self.location() == other.location(),
        }
    }

    /// What the operator should know of the store since the last call.
    pub fn notes(&self) -> Vec<String> {
        match &self.0 {
            Backend::Dir(_) => Vec::new(),
            Backend::S3(remote) => remote.notes(),
        }
    }

    /// Names of the folders in `folder`, sorted. A folder that does not exist has none.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>> {
        Ok(self.list(folder).await?.folders)
    }

    /// The objects in `folder`, sorted by name. A folder that does not exist has none.
    pub async fn objects(&self, folder: &str) -> Result<Vec<Listed>> {
        Ok(self.list(folder).await?.objects)
    }

    async fn list(&self, folder: &str) -> Result<dir::Listing> {
        match &self.0 {
            Backend::Dir(dir) => dir.list(folder),
            Backend::S3(remote) => remote.list(folder).await,
        }
    }

    /// The whole object, if it is there; one of more than `limit` bytes is an error.
    pub async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        match &self.0 {
            Backend::Dir(dir) => dir.read(key, limit),
            Backend::S3(remote) => remote.read(key, limit).await,
        }
    }

    /// Reads an object from its start.
    pub async fn open_object(&self, key: &str) -> Result<Option<Reader>> {
        Ok(match &self.0 {
            Backend::Dir(dir) => dir.open(key)?.map(Reader::Dir),
            Backend::S3(remote) => {
                remote.open(key).await?.map(|reader| Reader::S3(Box::new(reader)))
            }
        })
    }

    /// When something in `folder` was last written; of an empty one when it was made. `None` where
    /// the store cannot tell.
    pub async fn changed(&self, folder: &str) -> Result<Option<jiff::Timestamp>> {
        let changed = match &self.0 {
            Backend::Dir(dir) => dir.changed(folder)?,
            Backend::S3(remote) => remote.changed(folder).await?,
        };
        // A time that no calendar has tells nothing.
        Ok(changed.and_then(|changed| jiff::Timestamp::try_from(changed).ok()))
    }

    /// Makes a folder that must be new; with those it stands in. S3 has no folders: there must
    /// be no object whose key starts so.
    pub async fn create_folder(&self, folder: &str) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.create_folder(folder),
            Backend::S3(remote) => remote.must_be_new(folder).await,
        }
    }

    /// Makes a folder unless it is there.
    pub async fn ensure_folder(&self, folder: &str) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.ensure_folder(folder),
            Backend::S3(_) => Ok(()),
        }
    }

    /// Writes a new object piece by piece.
    pub async fn create(&self, key: &str) -> Result<Writer> {
        Ok(match &self.0 {
            Backend::Dir(dir) => Writer::Dir(dir.create(key)?),
            Backend::S3(remote) => Writer::S3(Box::new(remote.create(key))),
        })
    }

    /// Makes a new object appear whole and durable; one that exists is left alone and is an
    /// error.
    pub async fn publish(&self, key: &str, bytes: &[u8]) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.publish(key, bytes),
            Backend::S3(remote) => remote.publish(key, bytes).await,
        }
    }

    /// Makes the names in `folder` durable. In S3 they are; uploads in it that lost their way are
    /// given up.
    pub async fn sync_folder(&self, folder: &str) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.sync_folder(folder),
            Backend::S3(remote) => remote.sweep(folder).await,
        }
    }

    /// Removes one object, if it is there.
    pub async fn remove(&self, key: &str) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.remove(key),
            Backend::S3(remote) => remote.remove(key).await,
        }
    }

    /// Removes these objects of a folder, those that are there. What cannot be removed stops
    /// nothing else; the first fault is the error.
    pub async fn remove_all(&self, folder: &str, names: &[String]) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => {
                let removed = names.iter().map(|name| dir.remove(&format!("{folder}{name}")));
                removed.fold(Ok(()), Result::and)
            }
            Backend::S3(remote) => remote.remove_all(folder, names).await,
        }
    }

    /// Removes a folder and the objects in it (not those in folders below: it has none).
    pub async fn remove_folder(&self, folder: &str) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.remove_folder(folder),
            Backend::S3(remote) => remote.remove_folder(folder).await,
        }
    }

    /// Removes the objects in a folder, save those whose names `keep` has.
    pub async fn clear_folder(&self, folder: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.clear_folder(folder, keep),
            Backend::S3(remote) => remote.clear_folder(folder, keep).await,
        }
    }

    /// Removes a folder in which there is nothing; else it stays.
    pub async fn remove_empty_folder(&self, folder: &str) -> Result<()> {
        match &self.0 {
            Backend::Dir(dir) => dir.remove_empty_folder(folder),
            Backend::S3(_) => Ok(()),
        }
    }

    /// Whether requests go to it, which it may obey after their sender is gone.
    pub fn is_remote(&self) -> bool {
        matches!(self.0, Backend::S3(_))
    }

    /// Bytes that can still be written, where the store can tell.
    pub fn free_bytes(&self) -> Option<u64> {
        match &self.0 {
            Backend::Dir(dir) => dir.free_bytes(),
            Backend::S3(_) => None,
        }
    }

    /// Uploads below `folder` that were neither completed nor aborted: they cost money, and no
    /// listing shows them. A directory has none.
    pub async fn stale_uploads(&self, folder: &str) -> Result<Vec<Upload>> {
        match &self.0 {
            Backend::Dir(_) => Ok(Vec::new()),
            Backend::S3(remote) => remote.stale_uploads(folder).await,
        }
    }

    /// Gives such an upload up.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<()> {
        match &self.0 {
            Backend::Dir(_) => Ok(()),
            Backend::S3(remote) => remote.abort_upload(upload).await,
        }
    }
}

/// Waits until no upload of this process is under way any more, stored or given up; false when
/// `limit` passed before. It blocks: for the end of the process.
pub fn settle(limit: Duration) -> bool {
    s3::settle(limit)
}

/// An object that is being written. Dropped before its end, it is given up; what a directory has
/// of it stays.
#[derive(Debug)]
pub enum Writer {
    Dir(dir::Writer),
    S3(Box<s3::Writer>),
}

impl Writer {
    /// Adds bytes at the object's end.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Dir(writer) => writer.append(bytes).await,
            Self::S3(writer) => writer.append(bytes).await,
        }
    }

    /// Says that no more bytes will come, so that the rest goes on its way while the caller does
    /// something else. [`Self::finish`] does it too.
    pub async fn seal(&mut self) -> Result<()> {
        match self {
            Self::Dir(_) => Ok(()),
            Self::S3(writer) => writer.seal().await,
        }
    }

    /// A second handle, to make durable what is there while more is added.
    pub fn so_far(&self) -> Result<SoFar> {
        match self {
            Self::Dir(writer) => writer.so_far().map(Some).map(SoFar),
            Self::S3(_) => Ok(SoFar(None)),
        }
    }

    /// Makes the object durable, and returns its size: a directory's as the file system reports it,
    /// in S3 the sum of what the server has acknowledged. What is there in the end, a
    /// [listing](Store::objects) tells.
    pub async fn finish(self) -> Result<u64> {
        match self {
            Self::Dir(writer) => writer.finish().await,
            Self::S3(writer) => writer.finish().await,
        }
    }
}

/// What an object that is being written holds so far; nothing to make durable in S3.
#[derive(Debug)]
pub struct SoFar(Option<dir::SoFar>);

impl SoFar {
    /// Makes it durable.
    pub async fn sync(&self) -> Result<()> {
        match &self.0 {
            Some(so_far) => so_far.sync().await,
            None => Ok(()),
        }
    }
}

/// An object that is being read.
#[derive(Debug)]
pub enum Reader {
    Dir(dir::Reader),
    S3(Box<s3::Reader>),
}

impl Reader {
    /// Bytes of the object.
    pub fn bytes(&self) -> Result<u64> {
        match self {
            Self::Dir(reader) => reader.bytes(),
            Self::S3(reader) => Ok(reader.bytes()),
        }
    }

    /// Which state of the object is read.
    pub fn version(&self) -> Result<Version> {
        match self {
            Self::Dir(reader) => reader.version(),
            Self::S3(reader) => Ok(reader.version()),
        }
    }

    /// Goes on reading at byte `offset`.
    pub async fn seek(&mut self, offset: u64) -> Result<()> {
        match self {
            Self::Dir(reader) => reader.seek(offset).await,
            Self::S3(reader) => {
                reader.seek(offset);
                Ok(())
            }
        }
    }

    /// Fills `buffer` as far as the object reaches; returns how far that was.
    pub async fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Dir(reader) => reader.read_full(buffer).await,
            Self::S3(reader) => reader.read_full(buffer).await,
        }
    }
}

/// The repository that holds the backup at `address` (`s3://bucket/prefix/cluster/database/ID`),
/// and the name of its folder; `None` when it is no address in S3 or has not so many parts.
pub fn repository_of(address: &str) -> Result<Option<(String, String)>> {
    let Place::S3(place) = Place::parse(address)? else { return Ok(None) };
    Ok(place.up(3).map(|(repository, id)| (repository.address(""), id)))
}

/// What may not stand in a part of a key as it is.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b'/')
    .add(b'\\')
    .add(b'%')
    .add(b' ')
    .add(b'"')
    .add(b'?')
    .add(b'#')
    .add(b'*')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'|');
/// A file name has at most 255 bytes on common file systems.
const LONGEST_PART: usize = 200;

/// A name as one part of a key: never empty, never `.` or `..`, never with a `/`. A name too
/// long for a file system is cut and closed with a hash of the whole.
pub fn encode_part(name: &str) -> String {
    let mut part = utf8_percent_encode(name, UNSAFE).to_string();
    if part.is_empty() {
        part.push_str("%00");
    }
    if part.starts_with('.') {
        part.replace_range(..1, "%2E");
    }
    if part.len() > LONGEST_PART {
        let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
        let cut = (0..=LONGEST_PART).rev().find(|end| part.is_char_boundary(*end)).unwrap_or(0);
        part.truncate(cut);
        part.push_str(&format!("~{hash:016x}"));
    }
    part
}

/// The name that [`encode_part`] made a part of, for showing.
pub fn decode_part(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        for name in ["..", ".", "", "../x", "a/b", "a\nb", "a\\b", "%2e%2e", "ü", " "] {
            let part = encode_part(name);
            assert!(!part.contains(['/', '\n', '\\']), "{part}");
            assert!(!part.is_empty() && !part.starts_with('.'), "{part}");
            if !name.is_empty() {
                assert_eq!(decode_part(&part), name);
            }
        }
    }

    #[test]
    fn long_names_stay_apart() {
        let (a, b) = (encode_part(&"é".repeat(300)), encode_part(&"é".repeat(301)));
        assert!(a.len() <= 255 && a != b);
    }
}
