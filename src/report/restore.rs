//! The report of `restore`.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::exit::Exit;

/// What a restore did, or with `--dry-run` would do.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// Id of the backup.
    pub id: String,
    /// The database that was backed up.
    pub source: String,
    /// When the backup's snapshot was taken (UTC); missing for a file that has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<jiff::Timestamp>,
    /// The server.
    pub address: String,
    /// The database that now holds it; while it is incomplete, the one that was to.
    pub database: String,
    /// Whether nothing was to be done.
    pub dry_run: bool,
    /// Whether everything that was planned is there and equal to the backup.
    pub complete: bool,
    /// Objects of the archive that the operator asked for.
    pub objects: u64,
    /// Those that were restored (with `--dry-run`: would be).
    pub restored: u64,
    /// Those that were left out, with the reason.
    pub left_out: Vec<LeftOut>,
    /// Those that failed.
    pub failed: Vec<Failed>,
    /// Foreign keys that are there but not checked, with the statement that checks them.
    pub not_validated: Vec<NotValidated>,
    /// Tables whose rows were loaded.
    pub tables: u64,
    /// Rows that were loaded and compared with the backup's record.
    pub rows: u64,
    /// Bytes of rows and large objects.
    pub raw_bytes: u64,
    /// Large objects that were written.
    pub large_objects: u64,
    /// Connections that were lost and opened again.
    pub sessions_lost: u64,
    /// Parallel sessions.
    pub jobs: usize,
    /// Major version of pg_restore.
    pub pg_restore: u32,
    /// The parts of the run, in order.
    pub phases: Vec<Phase>,
    /// From start to end.
    pub seconds: f64,
    /// What the operator should know.
    pub notes: Vec<String>,
    /// The name that the replaced database has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The database that holds what was restored of an incomplete one, beside the untouched target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_as: Option<String>,
    /// What was restored, when it is a file of pg_dump: `rows` are then not counted, and nothing
    /// was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dump: Option<DumpFile>,
}

/// A file of pg_dump or pg_dumpall, not of pgtend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpFile {
    /// `custom`, `tar`, `directory`, `plain` or `pg_dumpall`.
    pub format: String,
    /// What is compressed around it, from the outside in: `gzip`, `zstd`.
    pub compressed: Vec<String>,
    /// Where its time is from: `archive header (taken as UTC)`, `modification time of the file`;
    /// missing where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_from: Option<String>,
    /// Version of pg_dump.
    pub pg_dump: String,
    /// Version of the server that was dumped.
    pub server: String,
    /// Bytes of the file, or of the folder's files.
    pub bytes: u64,
}

/// An object that was not restored on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// `EXTENSION pg_cron`
    pub object: String,
    /// Why.
    pub reason: String,
    /// Whether the target lacks it now.
    pub missing: bool,
}

/// An object that could not be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// `TABLE public.orders`; empty when it is about none.
    pub object: String,
    /// The server's words.
    pub error: String,
    /// The statement, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
}

/// A foreign key that came back without being checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotValidated {
    /// `public.items items_order_id_fkey`
    pub constraint: String,
    /// What checks it.
    pub statement: String,
}

/// A part of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// What was done.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
}

impl Report for Restored {
    fn outcome(&self) -> Exit {
        if !self.failed.is_empty() || !(self.complete || self.dry_run) {
            Exit::Critical
        } else if self.left_out.iter().any(|left| left.missing) {
            Exit::Warning
        } else {
            Exit::Good
        }
    }
}
