//! The report of `--show-settings`.

use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// What is in force.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsReport {
    /// The pgtend.toml that was read.
    pub config: Option<String>,
    pub settings: Vec<Setting>,
    /// What the operator should know about how the server was chosen.
    pub notes: Vec<String>,
}

/// One value.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    pub name: String,
    /// Masked where it is a secret.
    pub value: String,
    /// For people: `--host`, `PGHOST`, `prod (pgtend.toml)`.
    pub origin: String,
}

impl Report for SettingsReport {
    fn outcome(&self) -> Exit {
        Exit::Good
    }
}
