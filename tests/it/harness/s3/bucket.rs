//! What the bucket holds: objects, and uploads that are not complete.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::SystemTime;

use bytes::Bytes;

use super::checksums::Sums;

#[derive(Debug, Default)]
pub struct Bucket {
    pub objects: BTreeMap<String, Object>,
    /// By upload id; ids grow, so this is the order they were begun in.
    pub uploads: BTreeMap<String, Upload>,
    /// Keys that nobody may delete.
    pub locked: BTreeSet<String>,
    /// Listings give so many entries at once, however many are asked for.
    pub page: usize,
    pub uploads_begun: u64,
}

#[derive(Clone, Debug)]
pub struct Object {
    /// In the order of the parts that it was uploaded in.
    pub pieces: Vec<Bytes>,
    pub etag: String,
    /// Of the whole object, or composed of the parts' sums.
    pub sums: Sums,
    pub composite: bool,
    pub parts: Option<i32>,
    pub modified: SystemTime,
    pub kept: Kept,
}

/// What a request says about how an object is kept; it comes back with the object.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub encryption: Option<String>,
    pub kms_key: Option<String>,
    pub storage_class: Option<String>,
}

#[derive(Debug)]
pub struct Upload {
    pub key: String,
    /// Lower-case name of the checksum that the upload was begun with.
    pub algorithm: Option<String>,
    pub composite: bool,
    pub parts: BTreeMap<i32, Part>,
    pub begun: SystemTime,
    pub kept: Kept,
}

#[derive(Clone, Debug)]
pub struct Part {
    pub bytes: Bytes,
    pub etag: String,
    pub sums: Sums,
    pub modified: SystemTime,
}

impl Object {
    pub fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    /// The bytes of a range, as slices of what is held.
    pub fn slices(&self, range: Range<u64>) -> Vec<Bytes> {
        let mut slices = Vec::new();
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.len() as u64;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                let inside = |at: u64| usize::try_from(at - start).expect("a piece is in memory");
                slices.push(piece.slice(inside(from)..inside(to)));
            }
            start = end;
        }
        slices
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// An entry of a listing with a delimiter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    Key(String),
    Prefix(String),
}

impl Entry {
    pub fn name(&self) -> &str {
        match self {
            Self::Key(name) | Self::Prefix(name) => name,
        }
    }
}

/// The entries after `marker`, sorted by name; those that share a prefix up to the delimiter are
/// one.
pub fn entries<'a>(
    keys: impl Iterator<Item = &'a String>,
    prefix: &str,
    delimiter: Option<&str>,
    marker: &str,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for key in keys.filter(|key| key.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        let end = delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        let entry = match end {
            Some(end) => Entry::Prefix(key[..prefix.len() + end].to_owned()),
            None => Entry::Key(key.clone()),
        };
        if entry.name() > marker && entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}
