//! The report of `backup copy`.

use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// A copy of a backup in another repository.
#[derive(Debug, Clone, Serialize)]
pub struct Copied {
    /// The backup's id, which the copy has too.
    pub id: String,
    /// Folder of the cluster in both repositories.
    pub cluster: String,
    /// The database.
    pub database: String,
    /// The repository that was read.
    pub from: String,
    /// The repository that has the copy.
    pub to: String,
    /// The backup's folder in it.
    pub folder: String,
    /// Whether the copy was there before, whole; then nothing was read but names and sizes.
    pub already_there: bool,
    /// Objects that were copied, the record not counted.
    pub objects: u64,
    /// Their bytes; each object's SHA-256 was checked on the way.
    pub bytes: u64,
    /// Verification records that were copied.
    pub verifications: u64,
    /// What went wrong once the copy was complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// From start to end.
    pub seconds: f64,
}

impl Report for Copied {
    fn outcome(&self) -> Exit {
        if self.warnings.is_empty() { Exit::Good } else { Exit::Warning }
    }
}
