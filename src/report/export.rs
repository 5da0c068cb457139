//! The report of `backup export`.

use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// A backup as one file in pg_dump's custom format.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The backup's id.
    pub id: String,
    /// The database.
    pub database: String,
    /// The file; none for standard output.
    pub file: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of rows and large objects in it, before compression.
    pub raw_bytes: u64,
    /// How they are compressed.
    pub compress: String,
    /// Tables with rows.
    pub tables: u64,
    /// Their rows; counts and hashes are those of the backup's record.
    pub rows: u64,
    /// Large objects.
    pub large_objects: u64,
    /// Whether the file says where each block is; `pg_restore -j` has to search otherwise.
    pub offsets: bool,
    /// From start to end.
    pub seconds: f64,
}

impl Report for Exported {
    fn outcome(&self) -> Exit {
        Exit::Good
    }
}
