//! What was seen of a server, as it was told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// `rds`, `aurora`, `cloudsql`, `azure`, `supabase`; none where PostgreSQL is self-hosted.
    pub provider: Option<String>,
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
    /// Milliseconds for each question's answer, by the server's clock where it is known.
    pub milliseconds: BTreeMap<String, f64>,
    /// Facts that are not the server's own (the application's settings, the repository's
    /// backups, files), by name.
    #[serde(default)]
    pub beside: BTreeMap<String, Value>,
}
