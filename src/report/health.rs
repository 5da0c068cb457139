//! The document that health endpoints of applications have, of one server.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is not known is null, and `reasons` says why, by the field's path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: String,
    pub timestamp: Timestamp,
    /// `postgresql`
    pub database_type: String,
    pub environment: Option<String>,
    pub circuit_breaker: Option<Breaker>,
    pub connections: Connections,
    pub performance: Performance,
    pub migration: Migration,
    pub backup: Backup,
    pub reasons: BTreeMap<String, String>,
}

/// Whether a server is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    /// `closed`, `open` or `half-open`.
    pub state: String,
    /// In a row.
    pub failures: u32,
    /// Seconds until the next try, while it is open.
    pub retry_in_seconds: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    /// Null where a standby was asked.
    pub primary: Option<Connection>,
    pub read_replicas: Vec<Connection>,
}

/// One server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// `db.example.com:5432`; of a replica its application_name, else its address.
    pub name: String,
    /// `connected`, `failed`, or what the primary says of a replica: `streaming`.
    pub status: String,
    pub version: Option<String>,
    /// From dialling to the first answer.
    pub response_time_ms: Option<f64>,
    pub lag_seconds: Option<f64>,
    pub lag_bytes: Option<f64>,
}

/// What pg_stat_statements has counted in this database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// Calls.
    pub total_queries: Option<f64>,
    /// Statements whose mean is over 100 ms.
    pub slow_queries: Option<f64>,
    pub average_ms: Option<f64>,
    pub failed_queries: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// Checks of the family, by their ids: their statuses.
    pub checks: BTreeMap<String, String>,
    /// Null: a check tells only what is missing.
    pub existing_tables: Option<Vec<String>>,
    /// Tables of `[check.schema] expected` that are not there; its other objects are findings of
    /// schema.expected alone.
    pub missing_tables: Option<Vec<String>>,
    /// Null: the checks of the family tell it in words.
    pub version: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    /// The worst of backup.age and backup.verified.
    pub status: Option<String>,
    pub age_seconds: Option<f64>,
    /// Since the last verification.
    pub verified_seconds: Option<f64>,
}
