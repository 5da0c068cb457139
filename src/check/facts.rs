//! What was seen of a server, as it was told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::verdict::Silence;
use crate::conn::Flavour;
use crate::report::check::Looked;

/// The first field of a file with facts.
pub const SCHEMA: &str = "pgtend/facts/1";

/// What a role can see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// `current_user`.
    pub role: String,
    pub superuser: bool,
    /// `pg_read_all_stats`.
    pub stats: bool,
    /// `pg_read_all_settings`.
    pub settings: bool,
    /// `pg_read_all_data`; before 14 whether it may read every table and sequence.
    pub all_data: bool,
    pub wal_dir: bool,
    pub hba_rules: bool,
    pub passwords: bool,
    /// The provider that two signs speak for; none where PostgreSQL is self-hosted.
    pub provider: Option<Flavour>,
    /// The provider of the only sign there is.
    #[serde(default)]
    pub perhaps: Option<Flavour>,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// JSON objects, one for each row.
    Rows(Vec<Value>),
    /// The question could not be answered: the reason, and SQLSTATE where the server gave one.
    Failed { why: String, state: Option<String> },
    /// The server is older than the question.
    TooOld,
}

impl Answer {
    /// Its rows.
    ///
    /// # Errors
    /// Unknown where it could not be had, not applicable where the server is too old.
    pub fn rows(&self) -> Result<&[Value], Silence> {
        match self {
            Self::Rows(rows) => Ok(rows),
            Self::Failed { why, .. } => Err(Silence::unknown(why)),
            Self::TooOld => {
                Err(Silence::not_applicable("this version of PostgreSQL does not tell it"))
            }
        }
    }
}

/// Everything that was seen of one server at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    pub schema: String,
    /// The version that took them.
    pub pgtend: String,
    /// By the server's clock.
    pub at: Timestamp,
    pub server: Looked,
    /// As text: it does not fit a JSON number.
    pub system_identifier: String,
    pub sight: Sight,
    /// The end of the life of the server's certificate, in a session with TLS.
    pub certificate_expiry: Option<Timestamp>,
    pub encrypted: bool,
    /// By the names of the questions.
    pub answers: BTreeMap<String, Answer>,
    /// Milliseconds from the answer before to each question's answer, by the clock of the machine
    /// that asked; 0 for the first, which has the way in it.
    pub milliseconds: BTreeMap<String, f64>,
    /// Facts that are not the server's own (the application's settings, the repository's
    /// backups, files), by name.
    #[serde(default)]
    pub beside: BTreeMap<String, Value>,
}

impl Facts {
    /// Whether both are of the same database of the same server.
    pub fn is_of_same(&self, other: &Self) -> bool {
        self.system_identifier == other.system_identifier
            && self.server.database == other.server.database
    }
}
