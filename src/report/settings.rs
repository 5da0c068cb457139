//! The report of `--show-settings`.

use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// What is in force. No secret is in it.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsReport {
    /// The pgtend.toml that was read.
    pub config: Option<String>,
    /// The target of pgtend.toml that is meant.
    pub target: Option<String>,
    /// What libpq's keywords are, in its order, defaults too.
    pub server: Vec<Setting>,
    /// What pgtend adds: the repository, where a password comes from, tags.
    pub pgtend: Vec<Setting>,
    /// What was given for the repository, where it is in S3.
    pub repository: Vec<Setting>,
    /// Of the target.
    pub tags: Vec<String>,
    pub replicas: Vec<OtherServer>,
    /// The server of `--read-from backup`.
    pub backup_server: Option<OtherServer>,
    /// What backups are made with, unless a flag says otherwise.
    pub backup: Vec<Setting>,
    /// What the application's settings say beyond the connection. Without effect on pgtend.
    pub application: Vec<Setting>,
    /// Variables that were seen and are not used; their values are not shown.
    pub unused: Vec<Unused>,
    /// What the operator should know about how the server was chosen.
    pub notes: Vec<String>,
}

/// One value.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    pub name: String,
    /// `***` for a secret; none when nothing is set and there is no default.
    pub value: Option<String>,
    /// For people: `--host`, `PGHOST`, `prod (pgtend.toml)`, `default`.
    pub origin: String,
    /// Nobody set it.
    pub default: bool,
    pub secret: bool,
    /// It does something; else it is read without effect.
    pub effect: bool,
    /// It names a file that does not exist.
    pub missing: bool,
}

/// A replica, or the server for backups.
#[derive(Debug, Clone, Serialize)]
pub struct OtherServer {
    /// `db.example.com:5432/app as app`.
    pub server: String,
    /// A connection string without secrets.
    pub url: String,
    /// How often a replica is taken, against the others' weights.
    pub weight: Option<u32>,
    /// What was given for it, and always user, dbname, host, port and sslmode.
    pub settings: Vec<Setting>,
}

/// A variable that is not used.
#[derive(Debug, Clone, Serialize)]
pub struct Unused {
    pub name: String,
    pub origin: String,
    pub why: String,
}

impl Report for SettingsReport {
    fn outcome(&self) -> Exit {
        Exit::Good
    }
}
