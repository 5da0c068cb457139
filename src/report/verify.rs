//! The report of `verify-backup`.

use serde::{Deserialize, Serialize};

use super::Report;
use super::restore::{DumpFile, LeftOut, Phase};
use crate::exit::Exit;

/// How deep a verification looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The record, and the objects' names and sizes.
    Manifest,
    /// Every stored byte.
    Content,
    /// A trial: restored, and compared with what was restored.
    Restore,
}

impl Level {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Content => "content",
            Self::Restore => "restore",
        }
    }

    /// What a verification of this level shows when it passes.
    pub const fn proves(self) -> &'static str {
        match self {
            Self::Manifest => {
                "the record is intact, every object is there with its size, and the table of \
                 contents fits the record"
            }
            Self::Content => {
                "every stored byte is the one that was written, it expands, and the rows in it \
                 have the counts and hashes that were taken while they were read"
            }
            Self::Restore => {
                "every stored byte is the one that was written, it restores, and what came back \
                 has the rows, sequences, large objects, indexes and constraints of the source"
            }
        }
    }

    /// The same of a sealed backup, when nobody gave an identity for it.
    pub const fn proves_of_sealed(self) -> &'static str {
        match self {
            Self::Manifest => {
                "the header is intact, every object is there with its size, and the sealed record \
                 and table of contents are those that were written; what is in them was not seen"
            }
            Self::Content | Self::Restore => {
                "every stored byte is the one that was written; what is sealed in them was not seen"
            }
        }
    }

    /// What it does not show.
    pub const fn does_not_prove(self) -> &'static str {
        match self {
            Self::Manifest => {
                "that the objects' bytes are unchanged (--level content), nor that they restore"
            }
            Self::Content => "that it restores into a server (--level restore)",
            Self::Restore => {
                "passwords, settings and tablespaces of the cluster, nor that the application \
                 works with it (what must hold of its data: --assert)"
            }
        }
    }
}

impl Level {
    /// What a verification of a file of pg_dump shows when it passes; `folder`: it is one in
    /// directory format.
    pub const fn proves_of_dump(self, folder: bool) -> &'static str {
        match self {
            Self::Manifest if folder => {
                "its table of contents can be read, its files are there, and those that are not \
                 compressed do not end too early"
            }
            Self::Manifest => {
                "it is a file of pg_dump, what it holds can be read, and it does not end too early"
            }
            Self::Content => {
                "it can be read and expanded from its first byte to its last, as a restore does"
            }
            Self::Restore => {
                "it restores into a server without an error, and every object of its table of \
                 contents is there (plain SQL has none: every statement ran)"
            }
        }
    }

    /// What it does not show.
    pub const fn does_not_prove_of_dump(self, folder: bool) -> &'static str {
        match self {
            Self::Manifest if folder => {
                "that the compressed files do not end too early and expand (--level content), nor \
                 that it restores; pg_dump records no digests and no row counts to compare with"
            }
            Self::Manifest => {
                "that what is compressed in it expands (--level content), nor that it restores; \
                 pg_dump records no digests and no row counts to compare with"
            }
            Self::Content => {
                "that no bit has changed: pg_dump records no digests and no row counts, and only \
                 gzip notices by itself; nor that it restores (--level restore)"
            }
            Self::Restore => {
                "that the rows are those of the source: pg_dump records no digests and no row \
                 counts to compare with (what must hold of its data: --assert)"
            }
        }
    }
}

/// A verification of some backups.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// The repository or path.
    pub repository: String,
    /// The level.
    pub level: Level,
    /// What it proves.
    pub proves: &'static str,
    /// What it does not.
    pub does_not_prove: &'static str,
    /// One result a backup.
    pub backups: Vec<Verified>,
}

/// The result for one backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    /// Its id.
    pub id: String,
    /// Folder of the cluster.
    pub cluster: String,
    /// The database.
    pub database: String,
    /// When its snapshot was taken (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<jiff::Timestamp>,
    /// The level.
    pub level: Level,
    /// Whether everything held.
    pub passed: bool,
    /// What did not.
    pub problems: Vec<Problem>,
    /// Objects looked at.
    pub objects: u64,
    /// Tables whose rows were counted and hashed.
    pub tables: u64,
    /// Rows counted and hashed.
    pub rows: u64,
    /// Bytes read from the store.
    pub bytes: u64,
    /// Bytes after expanding.
    pub raw_bytes: u64,
    /// From start to end.
    pub seconds: f64,
    /// What the trial restore showed, at level restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// What this level should have looked at and could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// What was verified, when it is a file of pg_dump: it has no record to compare with, and its
    /// `id` is its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dump: Option<DumpFile>,
    /// Which tables were looked at, where not all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// How it looks beside the backups before it, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canaries: Option<Canaries>,
    /// When each table was proven last, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Why no record of this result could be left in the store, where one was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<String>,
}

/// A backup beside the ones before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canaries {
    /// Ids of the backups that it was compared with, the oldest first; none: nothing is known.
    pub compared_with: Vec<String>,
    /// Its tables; partitions count as the table that they are of.
    pub tables: u64,
    /// Those whose newest time is known.
    pub newest_known: u64,
    /// Those whose largest id is known.
    pub ids_known: u64,
    /// What an operator should look at.
    pub warnings: Vec<CanaryWarning>,
    /// Warnings that are not listed.
    pub more_warnings: u64,
}

/// Something that a backup has less of than the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryWarning {
    /// What kind.
    pub kind: CanaryKind,
    /// The table, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What is unusual.
    pub what: String,
}

/// What a canary tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryKind {
    /// Many rows are gone.
    Shrunk,
    /// No row at all is left.
    Empty,
    /// A table is gone.
    Gone,
    /// No new row for longer than ever before.
    StandsStill,
    /// The largest id fell.
    WentBack,
    /// Another database has the name.
    Other,
}

impl CanaryKind {
    /// What it says of a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shrunk => "shrank",
            Self::Empty => "is empty",
            Self::Gone => "is gone",
            Self::StandsStill => "stands still",
            Self::WentBack => "went back",
            Self::Other => "is of another database",
        }
    }
}

/// The tables of a rotating verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which part: `2/7`, or `auto/7`.
    pub share: String,
    /// Its tables; all large objects count as one.
    pub tables: u64,
    /// Tables of the backup.
    pub of_tables: u64,
    /// Raw bytes of the part.
    pub raw_bytes: u64,
    /// Raw bytes of the backup.
    pub of_raw_bytes: u64,
    /// Tables of the part that are in it because the last runs have not covered them.
    pub overdue: u64,
    /// Foreign keys and materialised views that cannot be tried without the other tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_tried: Vec<String>,
}

/// When the tables of a backup were proven last, in it or in another backup of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The level that counts, or a higher one.
    pub level: Level,
    /// The moment that ages are told for (UTC).
    pub at: jiff::Timestamp,
    /// Tables of the backup; all large objects count as one.
    pub tables: u64,
    /// Those that some run on record has proven.
    pub proven: u64,
    /// The one whose proof is longest ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<ProvenTable>,
    /// Names of some that no run on record has proven.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
}

/// A table, and when it was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenTable {
    /// Its name.
    pub table: String,
    /// When (UTC).
    pub proven: jiff::Timestamp,
}

/// A restore for the sake of proof, and what was compared then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The server that it was restored into.
    pub scratch: String,
    /// Major version of pg_restore.
    pub pg_restore: u32,
    /// Objects of the table of contents.
    pub objects: u64,
    /// Those that were restored.
    pub restored: u64,
    /// Those that were left out, with the reason.
    pub left_out: Vec<LeftOut>,
    /// How long the restore took, the measured recovery time: from the first object to the last
    /// index, statistics gathered.
    pub restore_seconds: f64,
    /// Its parts.
    pub phases: Vec<Phase>,
    /// How long the comparison took.
    pub compare_seconds: f64,
    /// Tables whose restored rows were counted and hashed.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Sequences that were compared.
    pub sequences: u64,
    /// Large objects that were compared, byte for byte.
    pub large_objects: u64,
    /// Tables, views, indexes, constraints, triggers .. that the archive names and the restored
    /// database has.
    pub objects_found: u64,
    /// Btree indexes that amcheck found whole; missing where it is not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexes_checked: Option<u64>,
    /// Tables that amcheck found whole; missing where it is not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heaps_checked: Option<u64>,
    /// Assertions that ran.
    pub assertions: u64,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad: damage, or a limit passed.
    pub kind: ProblemKind,
    /// The object, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The table, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The record itself cannot be used.
    Manifest,
    /// An object is not there.
    Missing,
    /// An object has another size.
    Size,
    /// Bytes are not those that were written.
    Damaged,
    /// The store does not give an object's bytes.
    Unreadable,
    /// Rows are not those that were read.
    Rows,
    /// The table of contents and the record do not agree.
    Contents,
    /// Older than `--max-age`.
    TooOld,
    /// Not proven within `--max-proof-age`.
    NotProven,
    /// Never finished.
    Incomplete,
    /// An object did not restore.
    Restore,
    /// A sequence is not where it was.
    Sequence,
    /// A large object is not what it was.
    LargeObject,
    /// An index or a constraint is not in force.
    Invalid,
    /// amcheck found an index or a table broken.
    Corrupt,
    /// An assertion of the operator's does not hold.
    Assertion,
    /// Could not be judged: no damage, and no proof.
    Unknown,
}

impl ProblemKind {
    /// Whether something is wrong with the backup itself: what could not be judged, and what only
    /// time has done, is not.
    pub const fn is_damage(self) -> bool {
        !matches!(self, Self::Unknown | Self::TooOld | Self::NotProven)
    }
}

impl Report for Verification {
    fn outcome(&self) -> Exit {
        if self.backups.is_empty() {
            return Exit::Unknown;
        }
        let damaged = |problem: &Problem| problem.kind != ProblemKind::Unknown;
        if self.backups.iter().any(|backup| backup.problems.iter().any(damaged)) {
            return Exit::Critical;
        }
        if !self.backups.iter().all(|backup| backup.passed) {
            return Exit::Unknown;
        }
        let unrecorded = self.backups.iter().any(|backup| backup.unrecorded.is_some());
        let warned = |backup: &Verified| {
            backup.canaries.as_ref().is_some_and(|canaries| !canaries.warnings.is_empty())
        };
        match (unrecorded, self.backups.iter().any(warned)) {
            (true, _) => Exit::Io,
            (false, true) => Exit::Warning,
            (false, false) => Exit::Good,
        }
    }
}
