//! The report of `verify-backup --self-test`.

use serde::Serialize;

use super::Report;
use super::verify::Level;
use crate::exit::Exit;

/// Faults that were put into a copy of a backup, and whether the verifier noticed.
#[derive(Debug, Clone, Serialize)]
pub struct SelfTest {
    /// The backup's id.
    pub id: String,
    /// Folder of its cluster.
    pub cluster: String,
    /// Its database.
    pub database: String,
    /// The repository.
    pub repository: String,
    /// Objects that were copied.
    pub objects: u64,
    /// Objects of the backup.
    pub of_objects: u64,
    /// Stored bytes that were copied.
    pub bytes: u64,
    /// Stored bytes of the backup.
    pub of_bytes: u64,
    /// The faults.
    pub faults: Vec<Tried>,
    /// What this backup has nothing for, and what a self-test does not try.
    pub not_tried: Vec<String>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// What was done.
    pub fault: String,
    /// To which object.
    pub object: String,
    /// The level that must notice it.
    pub level: Level,
    /// Whether it did.
    pub noticed: bool,
    /// In its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Report for SelfTest {
    fn outcome(&self) -> Exit {
        let all = !self.faults.is_empty() && self.faults.iter().all(|fault| fault.noticed);
        if all { Exit::Good } else { Exit::Critical }
    }
}
