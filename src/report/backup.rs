//! Reports of `backup`, `backup list` and `backup show`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::copy::Copied;
use super::prune::Prune;
use super::{Failure, Report};
use crate::archive::manifest::{Manifest, Totals};
use crate::exit::Exit;
use crate::report::verify::{Coverage, Level};

/// What a backup did, or with `--dry-run` would do.
#[derive(Debug, Clone, Serialize)]
pub struct Backup {
    /// Its id; the one it would not get again with `--dry-run`.
    pub id: String,
    /// Folder of the cluster in the repository.
    pub cluster: String,
    /// The database.
    pub database: String,
    /// The repository.
    pub repository: String,
    /// The backup's folder in it.
    pub folder: String,
    /// Whether the backup is complete and published.
    pub published: bool,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Sums; with `--dry-run` rows and stored bytes are not known and 0.
    pub totals: Totals,
    /// When the snapshot was taken (UTC).
    pub snapshot_taken: jiff::Timestamp,
    /// Write-ahead log position of the snapshot.
    pub snapshot_lsn: String,
    /// How long it was held.
    pub snapshot_held_seconds: f64,
    /// Parallel readers.
    pub jobs: usize,
    /// Compression of data files.
    pub compress: String,
    /// From start to end.
    pub seconds: f64,
    /// Version of pg_dump.
    pub pg_dump: String,
    /// What its operator tells it apart by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What the operator must know; a copy that failed too.
    pub warnings: Vec<String>,
    /// Its copies in other repositories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copied>,
    /// The plan's largest tables, with `--dry-run`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<PlannedTable>,
    /// Estimated seconds, with `--dry-run`: a guess from the size alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_seconds: Option<f64>,
    /// What the rules of retention let go, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned: Option<Prune>,
}

/// A table as a dry run lists it.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTable {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Bytes on the source, TOAST included.
    pub bytes: u64,
    /// Parts that would be read one by one.
    pub chunks: u64,
}

impl Report for Backup {
    fn outcome(&self) -> Exit {
        if self.warnings.is_empty() { Exit::Good } else { Exit::Warning }
    }
}

/// What became of every database of a server (`--all-databases`).
#[derive(Debug, Clone, Serialize)]
pub struct All {
    /// The server, as connected.
    pub server: String,
    /// The repository.
    pub repository: String,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Each database that was to be backed up, by name.
    pub databases: Vec<OfDatabase>,
    /// Those that were left out.
    pub left_out: Vec<LeftOut>,
    /// What went wrong beside the backups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The verdict: the worst of them.
    #[serde(skip)]
    pub exit: Exit,
}

impl Report for All {
    fn outcome(&self) -> Exit {
        self.exit
    }
}

/// What became of one of several databases.
#[derive(Debug, Clone, Serialize)]
pub struct OfDatabase {
    /// Its name.
    pub database: String,
    /// What became of it.
    pub outcome: Became,
    /// The exit code that a run for it alone would have had.
    pub exit: u8,
    /// Its backup, or with `--dry-run` the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// What became of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It has a new backup.
    Published,
    /// It would be backed up.
    Planned,
    /// It has no new backup.
    Failed,
    /// The run was stopped in the middle of it.
    Stopped,
    /// The run was stopped before.
    NotStarted,
}

/// A database that was not to be backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub database: String,
    /// Why.
    pub reason: String,
}

/// The state of a backup's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has a manifest whose digest fits.
    Complete,
    /// It has no manifest: it is running, or was broken off.
    Incomplete,
    /// Its manifest cannot be used.
    Damaged,
}

/// A backup in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Folder of the cluster.
    pub cluster: String,
    /// The database.
    pub database: String,
    /// Its state.
    pub state: State,
    /// When its snapshot was taken (UTC), for a complete one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<jiff::Timestamp>,
    /// Sums of a complete one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// What its operator tells it apart by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The best that was proved of all of it, or the newest failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Proof>,
    /// The newest proof of some of its tables, which is none of the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partly: Option<PartProof>,
    /// Why it is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A proof on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Level.
    pub level: Level,
    /// Whether it held.
    pub passed: bool,
    /// When (UTC).
    pub at: jiff::Timestamp,
}

/// A proof of some tables on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartProof {
    /// Level.
    pub level: Level,
    /// Which part: `2/7`.
    pub share: String,
    /// When (UTC).
    pub at: jiff::Timestamp,
}

/// The backups of a repository, newest last.
#[derive(Debug, Clone, Serialize)]
pub struct List {
    /// The repository.
    pub repository: String,
    /// Its backups.
    pub backups: Vec<Listed>,
}

impl Report for List {
    /// A list is an answer whatever it shows; damaged records are told.
    fn outcome(&self) -> Exit {
        let damaged = self.backups.iter().any(|backup| backup.state == State::Damaged);
        if damaged { Exit::Warning } else { Exit::Good }
    }
}

/// One backup with all that is known of it.
#[derive(Debug, Clone, Serialize)]
pub struct Show {
    /// As in the list.
    pub backup: Listed,
    /// How long ago each of its tables was proven, in this or another backup of the database.
    pub coverage: Coverage,
    /// Its record, with objects but without their frames.
    pub manifest: Manifest,
}

impl Report for Show {
    fn outcome(&self) -> Exit {
        Exit::Good
    }
}
