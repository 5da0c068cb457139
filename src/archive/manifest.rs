//! `manifest.json`: the record that makes a folder of objects a backup.
//!
//! It is written last and only once; without it there is no backup. Its last line is a SHA-256
//! over every byte before it, so damage to the record itself is noticed too.
//!
//! The record of a sealed backup is a header, with which one can list, prune and digest it; what
//! is private (tables, rows, frames, filters, addresses, warnings) stands in a whole record of its
//! own, which is a sealed object of the backup: [`SEALED_RECORD`].
//!
//! History of [`FORMAT`]:
//! 1. first version; the whole record of every backup that is not sealed is still of this one. Added
//!    since, and missing in older records: `canary` of a table, `labels`.
//! 2. header and sealed record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::frame::{Compression, FRAME_BYTES};
use super::rowhash::RowHash;
use super::seal::{self, Identities, SealError};

/// The version of a record that is whole. Newer ones are refused, never guessed.
pub const FORMAT: u32 = 1;
/// The version of a sealed backup's record, the newest that is known.
pub const SEALED_FORMAT: u32 = 2;
/// The name of the whole record of a sealed backup.
pub const SEALED_RECORD: &str = "record.json.age";
/// The record's name in a backup's folder.
pub const NAME: &str = "manifest.json";
/// Bytes of the largest record that is written and read: 4 million large objects, 50 TB.
pub const LIMIT: u64 = 1 << 30;

/// Raw bytes of the largest frame: a row of COPY text, which a server sends in one message of at
/// most 1 GiB, and what a frame held before it.
const FRAME_LIMIT: u64 = (1 << 30) + FRAME_BYTES as u64;

const DIGEST_KEY: &str = ",\n  \"digest\": \"sha256:";
const DIGEST_END: &str = "\"\n}\n";

/// All that is known of a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// `<UTC start>-<random>`, the folder's name.
    pub id: String,
    /// Version of pgtend that wrote it.
    pub pgtend: String,
    /// When it started and ended (UTC).
    pub started: jiff::Timestamp,
    /// When the last object was stored (UTC).
    pub finished: jiff::Timestamp,
    /// The server.
    pub source: Source,
    /// The database.
    pub database: Database,
    /// The snapshot that every row was read under.
    pub snapshot: Snapshot,
    /// How it was made.
    pub options: Options,
    /// What the operator tells it apart by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What the operator was told.
    pub warnings: Vec<String>,
    /// Sums over `objects`.
    pub totals: Totals,
    /// Every stored object but this record, in the order of the table of contents.
    pub objects: Vec<Object>,
    /// Who can open it: keys as `age1..`. Empty when it is not sealed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// Whether this is the header of a sealed backup: what is private is missing.
    #[serde(skip)]
    pub hidden: bool,
}

/// The server that was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// Folder name of the cluster in the repository.
    pub cluster: String,
    /// `host:port` or socket, as connected.
    pub address: String,
    /// `pg_control_system().system_identifier`; replicas share it with their primary.
    pub system_identifier: String,
    /// `server_version`.
    pub version: String,
    /// `server_version_num`.
    pub version_num: u32,
    /// Whether it was a standby.
    pub in_recovery: bool,
    /// Version of the pg_dump that wrote the table of contents.
    pub pg_dump: String,
}

/// The database that was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its oid on the source.
    pub oid: u32,
    /// The server's encoding for it.
    pub encoding: String,
    /// The encoding of the COPY text in this backup.
    pub text_encoding: String,
    /// Settings that decide how values look as text, as they were pinned (lc_monetary: as found).
    pub settings: Vec<(String, String)>,
    /// Extensions with their versions: the same value may have another text in another version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<(String, String)>,
}

/// The moment that the backup shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken, by the server's clock (UTC).
    pub taken: jiff::Timestamp,
    /// Write-ahead log position at that moment (replay position on a standby).
    pub lsn: String,
    /// How long it was held, in seconds: so long vacuum could not remove newer dead rows.
    pub held_seconds: f64,
    /// Oldest transaction id that it could see (`pg_snapshot_xmin`).
    pub xmin: String,
}

/// How the backup was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// Parallel readers.
    pub jobs: usize,
    /// Compression of data files.
    pub compress: Compression,
    /// Bytes of a table that one chunk reads, about.
    pub chunk: u64,
    /// Filters that were passed to pg_dump.
    pub filters: Vec<String>,
}

/// Sums over the objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Entries of the table of contents.
    pub entries: u64,
    /// Tables with a data file.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Large objects.
    pub large_objects: u64,
    /// Stored objects, this record not counted.
    pub objects: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Bytes in the store.
    pub bytes: u64,
    /// Parts of tables that were read, and how many of them had to be read again.
    pub chunks: u64,
    /// Chunks that were read again after a lost connection.
    pub retried_chunks: u64,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `toc.dat`.
    Toc,
    /// A table's rows.
    Table,
    /// The list of large objects of one group.
    LargeObjectList,
    /// One large object.
    LargeObject,
    /// Roles and tablespaces of the cluster, as SQL.
    Globals,
    /// The whole record of a sealed backup.
    Record,
}

/// One stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name in the backup's folder.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes in the store.
    pub bytes: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Bytes of what is inside a sealed object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_bytes: Option<u64>,
    /// SHA-256 of the stored bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// pg_dump's number of the entry it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<i32>,
    /// The table, for [`Kind::Table`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// The pieces it is made of, without gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
}

impl Object {
    /// Whether it is an age file.
    pub fn is_sealed(&self) -> bool {
        self.name.ends_with(seal::SUFFIX)
    }

    /// Bytes that its frames make up.
    pub fn framed_bytes(&self) -> u64 {
        self.content_bytes.unwrap_or(self.bytes)
    }

    /// What everybody may know of it.
    fn bare(&self) -> Self {
        Self {
            name: self.name.clone(),
            kind: self.kind,
            bytes: self.bytes,
            raw_bytes: self.raw_bytes,
            content_bytes: self.content_bytes,
            sha256: self.sha256.clone(),
            entry: self.entry,
            table: None,
            frames: Vec::new(),
        }
    }

    /// The oid of a large object: its name is `blob_16839.dat.zst`.
    pub fn large_object(&self) -> Option<u32> {
        let name = self.name.strip_prefix("blob_").filter(|_| self.kind == Kind::LargeObject)?;
        name.split('.').next()?.parse().ok()
    }

    /// Whether its frames lie within it, one behind the other, each of a size that it can have.
    fn is_possible(&self) -> bool {
        let (mut end, mut raw, mut rows) = (0_u64, 0_u64, 0_u64);
        self.frames.iter().all(|frame| {
            let in_order = frame.offset() >= end;
            let sums = (
                frame.offset().checked_add(frame.length()),
                raw.checked_add(frame.raw_length()),
                rows.checked_add(frame.rows()),
            );
            let (Some(next), Some(all_raw), Some(all_rows)) = sums else { return false };
            (end, raw, rows) = (next, all_raw, all_rows);
            // What does not shrink grows by less than a hundredth.
            let length_limit = FRAME_LIMIT + FRAME_LIMIT / 100;
            in_order
                && end <= self.bytes
                && frame.raw_length() <= FRAME_LIMIT
                && frame.length() <= length_limit
        })
    }
}

/// A table's rows, as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// oid on the source.
    pub oid: u32,
    /// Columns in the order of the COPY text.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: u64,
    /// Sum of their hashes.
    pub row_hash: RowHash,
    /// Parts that it was read in.
    pub chunks: u32,
    /// Whether its rows are loaded through the root of its partition tree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub via_root: bool,
    /// What its newest row looks like, as far as an index tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

/// What a table's newest row looks like, for comparison with other backups. What is missing is
/// not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The partitioned table that it is a partition of, quoted where it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The newest time that is not in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<NewestTime>,
    /// The largest value of the primary key's one column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_id: Option<LargestId>,
}

/// The largest time in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestTime {
    /// The column.
    pub column: String,
    /// Its largest value; one without a time zone is taken as UTC.
    pub at: jiff::Timestamp,
}

/// The largest number in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargestId {
    /// The column.
    pub column: String,
    /// Its largest value.
    pub value: i64,
}

/// A frame's place: `[offset, length, raw length, rows, xxh3-64 of the stored bytes]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame(pub u64, pub u64, pub u64, pub u64, #[serde(with = "hex64")] pub u64);

impl Frame {
    /// Where it starts in the object.
    pub const fn offset(&self) -> u64 {
        self.0
    }

    /// Stored bytes.
    pub const fn length(&self) -> u64 {
        self.1
    }

    /// Bytes before compression.
    pub const fn raw_length(&self) -> u64 {
        self.2
    }

    /// Rows.
    pub const fn rows(&self) -> u64 {
        self.3
    }

    /// Makes it longer by bytes that follow it.
    pub const fn extend(&mut self, length: u64, raw: u64, rows: u64, checksum: u64) {
        self.1 += length;
        self.2 += raw;
        self.3 += rows;
        self.4 = checksum;
    }

    /// [`super::frame::checksum`] of the stored bytes.
    pub const fn checksum(&self) -> u64 {
        self.4
    }
}

mod hex64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// Why bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestError {
    /// The bytes are not those that were written.
    Damaged(String),
    /// Written by a newer pgtend.
    Newer(u32),
}

impl std::fmt::Display for ManifestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged(how) => write!(f, "{NAME} is damaged: {how}"),
            Self::Newer(format) => write!(
                f,
                "{NAME} has format {format}, this pgtend knows {SEALED_FORMAT}: a newer pgtend wrote \
                 it"
            ),
        }
    }
}

impl std::error::Error for ManifestError {}

/// Why the whole record of a sealed backup is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnsealError {
    /// No identity opens it.
    NoIdentity,
    /// It is damaged, or does not belong to the header.
    Damaged(ManifestError),
}

impl Manifest {
    /// The record's bytes with its digest.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        // One object a line: readable, greppable, and not three lines a frame.
        let head = serde_json::to_value(self.head())?;
        let mut text = b"{\n".to_vec();
        for (key, value) in head.as_object().into_iter().flatten().filter(|(k, _)| *k != "objects")
        {
            text.extend(format!("  {}: {value},\n", serde_json::to_string(key)?).bytes());
        }
        text.extend_from_slice(b"  \"objects\": [");
        for (number, object) in self.objects.iter().enumerate() {
            text.extend_from_slice(if number == 0 { b"\n    " } else { b",\n    " });
            serde_json::to_writer(&mut text, object)?;
        }
        text.extend_from_slice(b"\n  ]");
        let digest = hex(&Sha256::digest(&text));
        text.extend(format!("{DIGEST_KEY}{digest}{DIGEST_END}").bytes());
        Ok(text)
    }

    /// Everything but the objects.
    fn head(&self) -> Self {
        Self {
            format: self.format,
            id: self.id.clone(),
            pgtend: self.pgtend.clone(),
            started: self.started,
            finished: self.finished,
            source: self.source.clone(),
            database: self.database.clone(),
            snapshot: self.snapshot.clone(),
            options: self.options.clone(),
            labels: self.labels.clone(),
            warnings: self.warnings.clone(),
            totals: self.totals.clone(),
            objects: Vec::new(),
            recipients: self.recipients.clone(),
            hidden: false,
        }
    }

    /// The header of a sealed backup, whose whole record is this object; everything that it does
    /// not name here stays private.
    pub fn header(&self, record: Object) -> Self {
        let mut objects = vec![record];
        objects.extend(self.objects.iter().map(Object::bare));
        Self {
            format: SEALED_FORMAT,
            source: Source { address: String::new(), ..self.source.clone() },
            database: Database {
                settings: Vec::new(),
                extensions: Vec::new(),
                ..self.database.clone()
            },
            options: Options { filters: Vec::new(), ..self.options.clone() },
            warnings: Vec::new(),
            objects,
            hidden: true,
            ..self.head()
        }
    }

    /// The object with the whole record, in a header.
    pub fn sealed_record(&self) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind == Kind::Record)
    }

    /// The whole record that belongs to this header; `stored` are the bytes of its object.
    pub fn unseal(&self, stored: &[u8], identities: &Identities) -> Result<Self, UnsealError> {
        let damaged = |how: &str| {
            UnsealError::Damaged(ManifestError::Damaged(format!("{SEALED_RECORD}: {how}")))
        };
        let object = self.sealed_record().ok_or_else(|| damaged("the header does not name it"))?;
        if hex(&Sha256::digest(stored)) != object.sha256 {
            return Err(damaged("its bytes are not those that were written (SHA-256)"));
        }
        let bytes = seal::open(stored, identities).map_err(|error| match error {
            SealError::NoIdentity => UnsealError::NoIdentity,
            error => damaged(&error.to_string()),
        })?;
        let mut whole = Self::from_bytes(&bytes).map_err(|error| damaged(&error.to_string()))?;
        let bare: Vec<Object> = whole.objects.iter().map(Object::bare).collect();
        let rest = self.objects.iter().filter(|object| object.kind != Kind::Record);
        // Whoever can write to the store could exchange one of them.
        if whole.id != self.id || whole.snapshot.taken != self.snapshot.taken || !rest.eq(&bare) {
            return Err(damaged("it is not what the header was made of"));
        }
        whole.objects.insert(0, object.clone());
        Ok(whole)
    }

    /// Reads a record and checks its digest: every changed bit is [`ManifestError::Damaged`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let damaged = |how: &str| ManifestError::Damaged(how.into());
        let tail_length = DIGEST_KEY.len() + 64 + DIGEST_END.len();
        let split = bytes.len().checked_sub(tail_length).ok_or_else(|| damaged("it is cut"))?;
        let (body, tail) = bytes.split_at(split);
        let expected = format!("{DIGEST_KEY}{}{DIGEST_END}", hex(&Sha256::digest(body)));
        if tail != expected.as_bytes() {
            let cut = !tail.ends_with(DIGEST_END.as_bytes());
            return Err(damaged(if cut {
                "its end is missing or changed"
            } else {
                "its own digest does not fit"
            }));
        }
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let parse = |error: serde_json::Error| ManifestError::Damaged(error.to_string());
        let version: Version = serde_json::from_slice(bytes).map_err(parse)?;
        if !(FORMAT..=SEALED_FORMAT).contains(&version.format) {
            return Err(ManifestError::Newer(version.format));
        }
        let mut manifest: Self = serde_json::from_slice(bytes).map_err(parse)?;
        manifest.hidden = version.format == SEALED_FORMAT;
        match manifest.impossible() {
            Some(how) => Err(ManifestError::Damaged(how)),
            None => Ok(manifest),
        }
    }

    /// What no writer puts into a record: its digest is no signature, and memory is asked for by
    /// its numbers.
    fn impossible(&self) -> Option<String> {
        let wrong = self.objects.iter().find(|object| !object.is_possible());
        if let Some(object) = wrong {
            return Some(format!("the frames of {} cannot be", object.name));
        }
        let sum = |of: fn(&Object) -> u64| {
            self.objects.iter().try_fold(0_u64, |sum, object| sum.checked_add(of(object)))
        };
        let sums = [
            sum(|object| object.bytes),
            sum(|object| object.raw_bytes),
            sum(|object| object.table.as_ref().map_or(0, |table| table.rows)),
        ];
        sums.contains(&None).then(|| "its sizes cannot be".to_owned())
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        if write!(text, "{byte:02x}").is_err() {
            text.clear();
        }
        text
    })
}

/// Whether `name` is one that a backup's folder may hold. Nothing else is ever read.
pub fn is_object_name(name: &str) -> bool {
    if name == SEALED_RECORD {
        return true;
    }
    let name = name.strip_suffix(seal::SUFFIX).unwrap_or(name);
    let stem = name.strip_suffix(".zst").or_else(|| name.strip_suffix(".gz")).unwrap_or(name);
    let number = |text: &str| {
        !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit())
    };
    if matches!(stem, "toc.dat" | "blobs.toc" | "globals.sql") {
        return true;
    }
    if let Some(rest) = stem.strip_suffix(".dat") {
        return number(rest) || rest.strip_prefix("blob_").is_some_and(number);
    }
    stem.strip_prefix("blobs_").and_then(|rest| rest.strip_suffix(".toc")).is_some_and(number)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A record of one table.
    pub fn sample() -> Manifest {
        let time: jiff::Timestamp = "2026-11-20T09:54:21Z".parse().unwrap();
        Manifest {
            format: FORMAT,
            id: "20261120T095421Z-1a2b3c".into(),
            pgtend: "0.1.0".into(),
            started: time,
            finished: time,
            source: Source {
                cluster: "db-5432".into(),
                address: "db:5432".into(),
                system_identifier: "7440000000000000001".into(),
                version: "15.18".into(),
                version_num: 150_018,
                in_recovery: false,
                pg_dump: "15.18".into(),
            },
            database: Database {
                name: "app".into(),
                oid: 5,
                encoding: "UTF8".into(),
                text_encoding: "UTF8".into(),
                settings: vec![("TimeZone".into(), "UTC".into())],
                extensions: vec![("hstore".into(), "1.8".into())],
            },
            snapshot: Snapshot {
                taken: time,
                lsn: "0/16B3748".into(),
                held_seconds: 1.5,
                xmin: "740".into(),
            },
            options: Options {
                jobs: 2,
                compress: Compression::DEFAULT,
                chunk: 64 << 20,
                filters: vec![],
            },
            labels: [("team".to_owned(), "shop".to_owned())].into(),
            warnings: vec![],
            totals: Totals::default(),
            objects: vec![Object {
                name: "3357.dat.zst".into(),
                kind: Kind::Table,
                bytes: 10,
                raw_bytes: 20,
                content_bytes: None,
                sha256: "00".repeat(32),
                entry: Some(3357),
                table: Some(Table {
                    schema: "public".into(),
                    name: "we\"ird\n".into(),
                    oid: 16_384,
                    columns: vec!["a".into()],
                    rows: 1,
                    row_hash: RowHash(5),
                    chunks: 1,
                    via_root: false,
                    canary: None,
                }),
                frames: vec![Frame(0, 10, 20, 1, u64::MAX)],
            }],
            recipients: vec![],
            hidden: false,
        }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        let manifest = sample();
        let bytes = manifest.to_bytes().unwrap();
        let again = Manifest::from_bytes(&bytes).unwrap();
        assert_eq!(again.objects, manifest.objects);
        assert_eq!(again.labels["team"], "shop");
        assert_eq!(again.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn a_record_without_labels_is_what_it_was_before_there_were_any() {
        let mut manifest = sample();
        manifest.labels.clear();
        let bytes = manifest.to_bytes().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("labels"));
        assert!(Manifest::from_bytes(&bytes).unwrap().labels.is_empty());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_damage() {
        let bytes = sample().to_bytes().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::from_bytes(&damaged).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(Manifest::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn frames_that_cannot_be_are_damage() {
        let read = |frames: Vec<Frame>| {
            let mut manifest = sample();
            manifest.objects[0].bytes = 1 << 50;
            manifest.objects[0].frames = frames;
            Manifest::from_bytes(&manifest.to_bytes().unwrap()).map(drop)
        };
        let gib = 1 << 30;
        assert_eq!(read(vec![Frame(0, 10, 20, 1, 0), Frame(10, gib, gib, 1, 0)]), Ok(()));
        for (what, frames) in [
            ("long", vec![Frame(0, 1 << 46, 20, 1, 0)]),
            ("expands to much", vec![Frame(0, 10, 1 << 46, 1, 0)]),
            ("behind the end", vec![Frame(1 << 50, 1, 20, 1, 0)]),
            ("beyond all numbers", vec![Frame(u64::MAX, 10, 20, 1, 0)]),
            ("out of order", vec![Frame(10, 10, 20, 1, 0), Frame(0, 10, 20, 1, 0)]),
            ("overlapping", vec![Frame(0, 10, 20, 1, 0), Frame(9, 10, 20, 1, 0)]),
            ("rows", vec![Frame(0, 1, 2, u64::MAX, 0), Frame(1, 1, 2, 1, 0)]),
        ] {
            let error = read(frames).unwrap_err();
            assert!(error.to_string().contains("3357.dat.zst cannot be"), "{what}: {error}");
        }
        let mut manifest = sample();
        manifest.objects[0].bytes = u64::MAX;
        manifest.objects.push(manifest.objects[0].clone());
        let error = Manifest::from_bytes(&manifest.to_bytes().unwrap()).unwrap_err();
        assert!(error.to_string().contains("sizes cannot be"), "{error}");
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let mut manifest = sample();
        manifest.format = 3;
        let bytes = manifest.to_bytes().unwrap();
        assert_eq!(Manifest::from_bytes(&bytes).unwrap_err(), ManifestError::Newer(3));
    }

    /// A sealed backup: its whole record, its header, the stored bytes of the record, and who
    /// opens them.
    fn sealed() -> (Manifest, Manifest, Vec<u8>, Identities) {
        use age::secrecy::ExposeSecret;
        let identity = age::x25519::Identity::generate();
        let recipients = seal::Recipients::new([identity.to_public().to_string()]).unwrap();
        let whole = Manifest { recipients: recipients.names(), ..sample() };
        let stored = seal::seal(&recipients, &whole.to_bytes().unwrap()).unwrap();
        let record = Object {
            name: SEALED_RECORD.into(),
            kind: Kind::Record,
            bytes: stored.len() as u64,
            sha256: hex(&Sha256::digest(&stored)),
            ..whole.objects[0].bare()
        };
        let header = whole.header(record).to_bytes().unwrap();
        let identities = Identities::new([identity.to_string().expose_secret()]).unwrap();
        (whole, Manifest::from_bytes(&header).unwrap(), stored, identities)
    }

    #[test]
    fn a_header_keeps_what_is_private_and_the_identity_brings_it_back() {
        let (whole, header, stored, identities) = sealed();
        assert!(header.hidden && header.format == SEALED_FORMAT);
        assert_eq!(header.totals, whole.totals);
        let text = String::from_utf8(header.to_bytes().unwrap()).unwrap();
        for private in ["we\\\"ird", "db:5432", "TimeZone", "hstore", "ffffffff"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
        let opened = header.unseal(&stored, &identities).unwrap();
        assert!(!opened.hidden);
        assert_eq!(opened.objects[1..], whole.objects);
        assert_eq!(opened.objects[0], *header.sealed_record().unwrap());
        let none = header.unseal(&stored, &Identities::default()).unwrap_err();
        assert_eq!(none, UnsealError::NoIdentity);
    }

    #[test]
    fn a_record_of_another_header_is_damage() {
        let (_, header, stored, identities) = sealed();
        let mut other = header.clone();
        other.objects[1].bytes += 1;
        let mut flipped = stored.clone();
        flipped[300] ^= 1;
        for (header, stored) in [(&other, &stored), (&header, &flipped)] {
            let error = header.unseal(stored, &identities).unwrap_err();
            assert!(matches!(error, UnsealError::Damaged(_)), "{error:?}");
        }
    }

    #[test]
    fn only_names_of_objects_are_names_of_objects() {
        for name in [
            "toc.dat",
            "1.dat",
            "3357.dat.zst",
            "3357.dat.gz",
            "blobs.toc",
            "blobs_12.toc",
            "blob_16839.dat.zst",
            "globals.sql.zst",
            "toc.dat.age",
            "blob_16839.dat.zst.age",
            "record.json.age",
        ] {
            assert!(is_object_name(name), "{name}");
        }
        for name in [
            "",
            ".dat",
            "manifest.json",
            "../1.dat",
            "1.dat/..",
            "a.dat",
            "blob_.dat",
            "blobs_1.dat",
            "1.toc",
            "12345678901.dat",
            "toc.dat.tmp",
            "record.json",
            "toc.dat.age.age",
            "manifest.json.age",
        ] {
            assert!(!is_object_name(name), "{name}");
        }
    }
}
