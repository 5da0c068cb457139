//! Where backups live: objects by key, in folders whose names end with `/`.
//!
//! A key is relative to the repository, its parts joined by `/` and already encoded (see
//! [`encode_part`]). An object appears under its key at once or not at all only when it is
//! [published](Store::publish); others may be seen half-written, which is why a backup counts
//! from the moment its manifest is published.

mod dir;

use std::path::Path;

pub use dir::{Reader, SoFar, Writer};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::{Error, Result};

/// A repository.
#[derive(Debug, Clone)]
pub struct Store {
    dir: dir::Directory,
}

/// An object as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name within the folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Store {
    /// Opens the repository at `location`, a directory. It need not exist before the first
    /// [`create`](Self::create).
    pub fn open(location: &str) -> Result<Self> {
        if let Some((scheme, _)) = location.split_once("://") {
            return Err(Error::usage(format!("cannot use a {scheme}:// repository"))
                .because("this version of pgtend stores backups in a directory only")
                .next("give a directory: --repo /var/backups/pg"));
        }
        Ok(Self { dir: dir::Directory::new(Path::new(location)) })
    }

    /// An error unless the repository is there.
    pub fn must_exist(&self) -> Result<()> {
        self.dir.root().metadata().map(drop).map_err(|error| {
            Error::usage(format!("there is no repository at {}", self.location()))
                .caused_by(&error)
                .next(
                    "check --repo, PGTEND_REPO or repo in pgtend.toml; the first backup makes \
                     the folder",
                )
        })
    }

    /// What the operator called it.
    pub fn location(&self) -> String {
        self.dir.root().display().to_string()
    }

    /// Names of the folders in `folder`, sorted. A folder that does not exist has none.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>> {
        Ok(self.dir.list(folder)?.folders)
    }

    /// The objects in `folder`, sorted by name. A folder that does not exist has none.
    pub async fn objects(&self, folder: &str) -> Result<Vec<Listed>> {
        Ok(self.dir.list(folder)?.objects)
    }

    /// The whole object, if it is there; one of more than `limit` bytes is an error.
    pub async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        self.dir.read(key, limit)
    }

    /// Reads an object from its start.
    pub async fn open_object(&self, key: &str) -> Result<Option<Reader>> {
        self.dir.open(key)
    }

    /// When something in `folder` was last written, not counting folders below it; of an empty one
    /// when it was made. `None` where the store cannot tell.
    pub async fn changed(&self, folder: &str) -> Result<Option<jiff::Timestamp>> {
        self.dir.changed(folder)
    }

    /// Makes a folder that must be new; with those it stands in.
    pub async fn create_folder(&self, folder: &str) -> Result<()> {
        self.dir.create_folder(folder)
    }

    /// Makes a folder unless it is there.
    pub async fn ensure_folder(&self, folder: &str) -> Result<()> {
        self.dir.ensure_folder(folder)
    }

    /// Writes a new object piece by piece.
    pub async fn create(&self, key: &str) -> Result<Writer> {
        self.dir.create(key)
    }

    /// Makes a new object appear whole and durable; one that exists is left alone and is an
    /// error.
    pub async fn publish(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.dir.publish(key, bytes)
    }

    /// Makes the names in `folder` durable.
    pub async fn sync_folder(&self, folder: &str) -> Result<()> {
        self.dir.sync_folder(folder)
    }

    /// Removes one object, if it is there.
    pub async fn remove(&self, key: &str) -> Result<()> {
        self.dir.remove(key)
    }

    /// Removes a folder and the objects in it (not those in folders below: it has none).
    pub async fn remove_folder(&self, folder: &str) -> Result<()> {
        self.dir.remove_folder(folder)
    }

    /// Bytes that can still be written, where the store can tell.
    pub fn free_bytes(&self) -> Option<u64> {
        self.dir.free_bytes()
    }
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
