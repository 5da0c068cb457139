//! What can happen to a backup, one fault at a time.

use super::copy::Copy;
use crate::archive::manifest::{self, Frame, Kind, Manifest, Object};
use crate::archive::rowhash::RowHash;
use crate::error::{Error, Result};
use crate::report::verify::Level;

/// Stored bytes of the largest object that faults are put into.
const LARGEST: u64 = 16 << 20;
/// Bytes of the smallest: smaller ones have no middle.
const SMALLEST: u64 = 16;

/// A fault, and the level that claims to notice it.
pub struct Fault {
    /// For the report: `a bit flipped`.
    pub what: String,
    /// The object that it is in.
    pub object: String,
    /// The level.
    pub level: Level,
    how: How,
}

enum How {
    Remove,
    /// Only so many bytes stay.
    Cut(usize),
    /// Its first half stays.
    Half,
    /// It stands there twice, one behind the other.
    Double,
    /// This bit of its bits, counted round.
    Flip(u64),
    /// The second half is zeros.
    Zero,
    /// Its first two frames change places.
    Frames(usize, usize),
    /// It and another change places.
    Swap(String),
    /// The record says something else, and its digest fits.
    Record(Edit),
}

enum Edit {
    /// Another backup's id.
    Id,
    /// An object is not in it.
    Forget(usize),
    /// A table has one row more.
    Rows(usize),
    /// A table and one of its frames have one row more.
    FrameRows(usize),
    /// A table's rows have another hash.
    Hash(usize),
    /// An object's bytes have another digest.
    Digest(usize),
}

impl Fault {
    fn new(what: &str, object: &str, level: Level, how: How) -> Self {
        Self { what: what.into(), object: object.into(), level, how }
    }

    /// Names of what it changes.
    pub fn touches(&self) -> Vec<String> {
        let mut names = vec![self.object.clone()];
        if let How::Swap(other) = &self.how {
            names.push(other.clone());
        }
        names
    }

    /// Puts it into the copy.
    pub fn put_in(&self, copy: &Copy) -> Result<()> {
        let bytes = copy.read(&self.object)?.ok_or_else(|| gone(&self.object))?;
        let changed = match &self.how {
            How::Remove => return copy.remove(&self.object),
            How::Cut(length) => bytes[..bytes.len().min(*length)].to_vec(),
            How::Half => bytes[..bytes.len() / 2].to_vec(),
            How::Double => [&bytes[..], &bytes[..]].concat(),
            How::Flip(bit) => flipped(bytes, *bit),
            How::Zero => {
                let mut bytes = bytes;
                let middle = bytes.len() / 2;
                bytes[middle..].fill(0);
                bytes
            }
            How::Frames(first, second) => {
                let (one, rest) = bytes.split_at(*first);
                let (two, rest) = rest.split_at(*second);
                [two, one, rest].concat()
            }
            How::Swap(other) => {
                let others = copy.read(other)?.ok_or_else(|| gone(other))?;
                copy.write(other, &bytes)?;
                others
            }
            How::Record(edit) => edit.made(&copy.record)?,
        };
        copy.write(&self.object, &changed)
    }
}

fn gone(name: &str) -> Error {
    Error::bug(format!("{name} is not in the copy"))
}

fn flipped(mut bytes: Vec<u8>, bit: u64) -> Vec<u8> {
    let bits = (bytes.len() as u64).saturating_mul(8).max(1);
    let bit = bit % bits;
    if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| bytes.get_mut(at)) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}

impl Edit {
    fn made(&self, record: &Manifest) -> Result<Vec<u8>> {
        let mut record = record.clone();
        let objects = &mut record.objects;
        match self {
            Self::Id => record.id = record.id.replace('0', "1"),
            Self::Forget(at) => drop(objects.remove(*at)),
            Self::Rows(at) | Self::FrameRows(at) => {
                if let Some(table) = &mut objects[*at].table {
                    table.rows += 1;
                }
                if matches!(self, Self::FrameRows(_)) {
                    let frames = &mut objects[*at].frames;
                    if let Some(frame) = frames.iter_mut().find(|frame| frame.rows() > 0) {
                        *frame = Frame(frame.0, frame.1, frame.2, frame.3 + 1, frame.4);
                    }
                }
            }
            Self::Hash(at) => {
                if let Some(table) = &mut objects[*at].table {
                    table.row_hash = RowHash(table.row_hash.0 ^ 1);
                }
            }
            Self::Digest(at) => {
                let digest = &mut objects[*at].sha256;
                let first = if digest.starts_with('0') { "1" } else { "0" };
                digest.replace_range(..1, first);
            }
        }
        record.to_bytes().map_err(|error| Error::bug("cannot write a record").caused_by(&error))
    }
}

/// Every fault that this copy has something for.
pub fn all(copy: &Copy) -> Vec<Fault> {
    let mut faults = of_record(copy);
    for at in tables(copy) {
        faults.extend(of_table(&copy.record.objects[at]));
    }
    for kind in [Kind::Globals, Kind::LargeObject, Kind::LargeObjectList] {
        let of_kind = |object: &&Object| object.kind == kind && object.bytes > 0;
        let mut usable = copy.record.objects.iter().filter(of_kind);
        if let Some(object) = usable.find(|object| is_usable(copy, object)) {
            let (name, bit) = (object.name.as_str(), position(object, 1));
            faults.push(Fault::new("removed", name, Level::Manifest, How::Remove));
            faults.push(Fault::new("a bit flipped", name, Level::Content, How::Flip(bit)));
        }
    }
    faults.extend(swaps(copy));
    faults.sort_by_key(|fault| fault.level);
    faults
}

/// What a self-test of this copy says nothing about.
pub fn not_tried(copy: &Copy, highest: Level) -> Vec<String> {
    let mut told = Vec::new();
    let others = copy.record.objects.len() - copy.copied.len();
    if others > 0 {
        told.push(format!("{others} objects that are too large to copy: holes stood for them"));
    }
    if tables(copy).is_empty() {
        told.push("rows: no table that has any is small enough".to_owned());
    }
    if highest < Level::Content {
        told.push("level content".to_owned());
    }
    told.push("level restore: what it compares is in a server".to_owned());
    told
}

fn is_usable(copy: &Copy, object: &Object) -> bool {
    copy.copied.contains(&object.name) && object.bytes <= LARGEST
}

/// Numbers of up to three tables: the smallest, one between, the largest.
fn tables(copy: &Copy) -> Vec<usize> {
    let objects = &copy.record.objects;
    let mut usable: Vec<usize> = (0..objects.len())
        .filter(|at| {
            let object = &objects[*at];
            object.table.as_ref().is_some_and(|table| table.rows > 0)
                && object.bytes >= SMALLEST
                && is_usable(copy, object)
        })
        .collect();
    usable.sort_by_key(|at| objects[*at].bytes);
    let mut some = Vec::new();
    for at in [0, usable.len() / 2, usable.len().saturating_sub(1)] {
        if let Some(at) = usable.get(at)
            && !some.contains(at)
        {
            some.push(*at);
        }
    }
    some
}

/// A bit of an object, another one for each number: the same in every run, for it comes from the
/// object's digest.
fn position(object: &Object, number: usize) -> u64 {
    let digits = object.sha256.get(number * 12..number * 12 + 12).unwrap_or("0");
    u64::from_str_radix(digits, 16).unwrap_or(0)
}

fn of_record(copy: &Copy) -> Vec<Fault> {
    let level = Level::Manifest;
    let edit = |what: &str, edit| Fault::new(what, manifest::NAME, level, How::Record(edit));
    let record = |what: &str, how| Fault::new(what, manifest::NAME, level, how);
    let mut faults = vec![
        record("removed", How::Remove),
        record("emptied", How::Cut(0)),
        record("cut", How::Half),
        record("doubled", How::Double),
        record("a bit flipped", How::Flip(1001)),
        edit("another backup's id", Edit::Id),
    ];
    if let Some(toc) = copy.record.objects.iter().find(|object| object.kind == Kind::Toc) {
        let toc_fault = |what: &str, how| Fault::new(what, &toc.name, level, how);
        faults.push(toc_fault("removed", How::Remove));
        faults.push(toc_fault("cut", How::Half));
        faults.push(toc_fault("doubled", How::Double));
        for number in 0..3 {
            faults.push(toc_fault("a bit flipped", How::Flip(position(toc, number))));
        }
    }
    if let Some(at) = tables(copy).first() {
        faults.push(edit("a table left out, digest fits", Edit::Forget(*at)));
        faults.push(edit("one row more, digest fits", Edit::Rows(*at)));
        for (what, edit) in [
            ("one row more in table and frame, digest fits", Edit::FrameRows(*at)),
            ("another row hash, digest fits", Edit::Hash(*at)),
            ("another SHA-256, digest fits", Edit::Digest(*at)),
        ] {
            faults.push(Fault::new(what, manifest::NAME, Level::Content, How::Record(edit)));
        }
    }
    faults
}

fn of_table(object: &Object) -> Vec<Fault> {
    let name = object.name.as_str();
    let length = usize::try_from(object.bytes).unwrap_or(0);
    let stored = |what: &str, how| Fault::new(what, name, Level::Manifest, how);
    let read = |what: &str, how| Fault::new(what, name, Level::Content, how);
    let mut faults = vec![
        stored("removed", How::Remove),
        stored("cut by one byte", How::Cut(length - 1)),
        stored("emptied", How::Cut(0)),
        stored("doubled", How::Double),
        read("second half is zeros", How::Zero),
    ];
    faults.extend((0..5).map(|number| read("a bit flipped", How::Flip(position(object, number)))));
    if let [first, second, ..] = &object.frames[..] {
        let lengths =
            usize::try_from(first.length()).ok().zip(usize::try_from(second.length()).ok());
        faults.extend(lengths.map(|(a, b)| read("two frames exchanged", How::Frames(a, b))));
    }
    faults
}

/// Two tables' objects exchanged: of one size, and of two.
fn swaps(copy: &Copy) -> Vec<Fault> {
    let usable: Vec<&Object> = copy
        .record
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Table && object.bytes > 0 && is_usable(copy, object))
        .collect();
    let pair = |same_size: bool| {
        usable.iter().enumerate().find_map(|(at, one)| {
            let fits = |other: &&&Object| {
                (one.bytes == other.bytes) == same_size && one.sha256 != other.sha256
            };
            Some((*one, *usable[at + 1..].iter().find(fits)?))
        })
    };
    let swap = |what: &str, level, (one, other): (&Object, &Object)| {
        Fault::new(what, &one.name, level, How::Swap(other.name.clone()))
    };
    let same = pair(true).map(|two| swap("exchanged with one of its size", Level::Content, two));
    let other = pair(false).map(|two| swap("exchanged with another", Level::Manifest, two));
    same.into_iter().chain(other).collect()
}
