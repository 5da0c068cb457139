//! Whether pending migrations can run now.

use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// Whether a deployment can begin, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Go {
    Go,
    /// It cannot be told.
    Unknown,
    /// What is in the way passes by itself.
    Wait,
    /// What is in the way does not pass by itself.
    NoGo,
}

impl Go {
    /// As it is written for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::Unknown => "UNKNOWN",
            Self::Wait => "WAIT",
            Self::NoGo => "NO-GO",
        }
    }

    /// Its part in the exit code.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Go => Exit::Good,
            Self::Unknown => Exit::Unknown,
            Self::Wait | Self::NoGo => Exit::Critical,
        }
    }
}

/// One statement of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In one line, without the values in it.
    pub statement: String,
    /// `ALTER TABLE`
    pub kind: String,
    /// The strongest lock that it takes: `ACCESS EXCLUSIVE`.
    pub lock: Option<String>,
    /// Whether a table is written anew.
    pub rewrite: bool,
    /// Whether a table is read from end to end.
    pub scan: bool,
    /// Whether it may run in a transaction block.
    pub transaction: bool,
    /// The table with that lock; none where it is not there yet.
    pub table: Option<String>,
    /// Its size with its partitions, without indexes.
    pub bytes: Option<u64>,
    pub verdict: Go,
    /// Why; what is worth knowing where it can go.
    pub reason: String,
    /// Processes that are in the way.
    pub pids: Vec<i32>,
}

/// Whether a deployment can begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    pub verdict: Go,
    /// Checks that say so, worst first: `dep.dump_running: ..`.
    pub reasons: Vec<String>,
    /// The pending statements in their order; none where no migrations were given.
    pub steps: Vec<Step>,
    /// Deploy checks that were not asked for.
    pub unasked: Vec<String>,
    /// What was not read.
    pub notes: Vec<String>,
}
