//! The report of `verify-backup`.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::exit::Exit;

/// How deep a verification looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The record, and the objects' names and sizes.
    Manifest,
    /// Every stored byte.
    Content,
}

impl Level {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Content => "content",
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
        }
    }

    /// What it does not show.
    pub const fn does_not_prove(self) -> &'static str {
        match self {
            Self::Manifest => {
                "that the objects' bytes are unchanged (--level content), nor that they restore"
            }
            Self::Content => "that it restores into a server",
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
    /// Why no record of this result could be left in the store, where one was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<String>,
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
    /// Never finished.
    Incomplete,
}

impl Report for Verification {
    fn outcome(&self) -> Exit {
        if self.backups.is_empty() {
            return Exit::Unknown;
        }
        if !self.backups.iter().all(|backup| backup.passed) {
            return Exit::Critical;
        }
        let unrecorded = self.backups.iter().any(|backup| backup.unrecorded.is_some());
        if unrecorded { Exit::Io } else { Exit::Good }
    }
}
