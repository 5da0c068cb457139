//! The catalogue of the checks.

use serde::Serialize;

use super::Report;
use super::check::Unit;
use crate::exit::Exit;

/// Checks, in the order of the catalogue.
#[derive(Debug, Clone, Serialize)]
pub struct Catalogue {
    pub checks: Vec<ListedCheck>,
}

/// One check, with all its texts.
#[derive(Debug, Clone, Serialize)]
pub struct ListedCheck {
    /// `idx.invalid`
    pub id: &'static str,
    pub family: String,
    /// `static`, `runtime`, `rate` or `deploy`.
    pub kind: &'static str,
    pub title: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
    pub limits: Vec<ListedLimit>,
    pub needs: Vec<ListedNeed>,
    /// Oldest server: 130000.
    pub since: u32,
}

/// A limit that nobody has changed.
#[derive(Debug, Clone, Serialize)]
pub struct ListedLimit {
    /// Its name in `[check.limits]`: `conn.utilization`, `bloat.table/bytes`.
    pub place: String,
    /// What is compared.
    pub of: &'static str,
    pub unit: Unit,
    /// Whether small numbers are the bad ones.
    pub below: bool,
    /// As pgtend.toml takes it: `80%`, `5m`; null where there is none.
    pub warning: Option<String>,
    pub critical: Option<String>,
}

/// What a role must be allowed to see.
#[derive(Debug, Clone, Serialize)]
pub struct ListedNeed {
    pub what: &'static str,
    /// Statements that give it to a role named monitor.
    pub grants: Vec<String>,
}

impl Report for Catalogue {
    fn outcome(&self) -> Exit {
        Exit::Good
    }
}
