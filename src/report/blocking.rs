//! The report of `connections --blocking`.

use serde::Serialize;

use super::Report;
use super::party::Party;
use crate::exit::Exit;

/// Who blocks whom, at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Blocking {
    /// Where it was looked: `db:5432`.
    pub server: String,
    /// Sessions that wait for a lock.
    pub waiting: usize,
    /// Those that wait for nobody, each with who waits behind it; most waiters first.
    pub roots: Vec<Node>,
    /// What could not be seen, with what would show it.
    pub unseen: Vec<String>,
}

/// A session in the tree. One that waits for several stands under the one that matters most: who
/// holds the lock before who only stands in the queue, the deepest first. `blocked_by` has all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Who it is.
    #[serde(flatten)]
    pub party: Party,
    /// What it waits for; null for a root.
    pub waits_for: Option<Wait>,
    /// Whom it waits for.
    pub blocked_by: Vec<Blocker>,
    /// Processes that wait for each other in a ring with this one: a deadlock, which the server
    /// ends after `deadlock_timeout`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deadlock: Vec<i32>,
    /// How many wait behind it, directly or not.
    pub waiting_behind: usize,
    /// How it is ended; of a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// Who waits for it.
    pub waiters: Vec<Self>,
}

/// A lock that is waited for. Source: `pg_locks`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Wait {
    /// `relation`, `transactionid`, `tuple` ..
    pub lock_type: String,
    /// `AccessExclusiveLock`.
    pub mode: String,
    /// `schema.table`; of a row's lock the table it is in. Null where it has none, or in another
    /// database.
    pub relation: Option<String>,
    /// Its oid, where the name is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation_oid: Option<i64>,
    /// The database that the relation is in.
    pub database: Option<String>,
    /// The transaction that is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The numbers of an advisory lock, or of another object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<(i64, i64)>,
    /// How long it has waited.
    pub waited_seconds: Option<f64>,
    /// Whether that is only the longest that it can be: the age of its statement, before
    /// PostgreSQL 14.
    pub waited_is_estimate: bool,
}

/// Who is in the way of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blocker {
    /// The process; null for a prepared transaction.
    pub pid: Option<i32>,
    /// The name of a prepared transaction; null where it could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<String>,
    /// What it holds of the lock: `AccessShareLock`; null for one that only stands in the queue
    /// before.
    pub held: Option<String>,
}

/// How a root is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The line for a shell, or a statement after the words where to run it; null where there is
    /// nothing to run.
    pub run: Option<String>,
    /// What else there is to know.
    pub note: Option<String>,
}

impl Report for Blocking {
    /// What is shown is no verdict; what is hidden is unknown.
    fn outcome(&self) -> Exit {
        if self.unseen.is_empty() { Exit::Good } else { Exit::Unknown }
    }
}
