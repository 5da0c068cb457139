//! What checks need to see, and what a role sees of it.

use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// What `pgtend check --explain-permissions` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionsReport {
    pub role: String,
    pub superuser: bool,
    /// `15.8`
    pub version: String,
    pub checks: Vec<Permitted>,
    /// What lets the role see all that it does not: each statement once, for a superuser to run.
    pub grants: Vec<String>,
}

/// What one check needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permitted {
    pub id: String,
    /// What it is, and whether the role has it; empty where a login is enough.
    pub needs: Vec<Needed>,
    /// Whether the role sees all that it needs.
    pub seen: bool,
    /// The oldest major version that it is for, where this server is older.
    pub since: Option<u32>,
}

/// One thing that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// `what other roles' sessions do`
    pub what: String,
    pub seen: bool,
}

impl Report for PermissionsReport {
    fn outcome(&self) -> Exit {
        match self.checks.iter().all(|check| check.seen) {
            true => Exit::Good,
            false => Exit::Unknown,
        }
    }
}
