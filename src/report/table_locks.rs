//! The report of `connections --blocking TABLE`.

use serde::Serialize;

use super::Report;
use super::party::Party;
use crate::exit::Exit;

/// Who holds a lock of one table, and who waits for one.
#[derive(Debug, Clone, Serialize)]
pub struct TableLocks {
    /// Where it was looked: `db:5432`.
    pub server: String,
    /// The database.
    pub database: String,
    /// `schema.table`.
    pub table: String,
    /// Holders first, then who waits, the longest first.
    pub locks: Vec<TableLock>,
    /// What a migration would wait for.
    pub migrations: Vec<Migration>,
    /// What could not be seen, with what would show it.
    pub unseen: Vec<String>,
}

/// A lock of the table, or the wish for one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableLock {
    /// Whose.
    #[serde(flatten)]
    pub party: Party,
    /// `relation`, or a part of it: `tuple`, `extend` ..
    pub lock_type: String,
    /// `AccessShareLock`.
    pub mode: String,
    /// Whether it is held.
    pub granted: bool,
    /// How long it has been waited for.
    pub waited_seconds: Option<f64>,
    /// Whether that is only the longest that it can be, before PostgreSQL 14.
    pub waited_is_estimate: bool,
    /// Modes that wait while it is held.
    pub conflicts_with: Vec<&'static str>,
}

/// A kind of statement that changes tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Migration {
    /// `alter table, drop, truncate`.
    pub statements: &'static str,
    /// The lock that it takes.
    pub mode: &'static str,
    /// Who it would wait for: processes, and names of prepared transactions.
    pub waits_for: Vec<String>,
}

impl Report for TableLocks {
    fn outcome(&self) -> Exit {
        if self.unseen.is_empty() { Exit::Good } else { Exit::Unknown }
    }
}
