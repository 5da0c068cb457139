//! What the checks of a server found.

use serde::{Deserialize, Serialize};

use super::Report;
use super::forecast::Forecast;
use crate::exit::Exit;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Worth knowing; the verdict stays good.
    Info,
    Warning,
    Critical,
}

impl Level {
    /// As it is written in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How one check ended. What could not be seen is never healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Healthy,
    /// Not about this server; the check says why.
    NotApplicable,
    /// Findings that are only worth knowing.
    Info,
    Warning,
    Unknown,
    Critical,
}

impl Status {
    /// As it is written in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::NotApplicable => "not-applicable",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }

    /// Its part in the exit code.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Healthy | Self::NotApplicable | Self::Info => Exit::Good,
            Self::Warning => Exit::Warning,
            Self::Unknown => Exit::Unknown,
            Self::Critical => Exit::Critical,
        }
    }
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Count,
    /// 0 to 100.
    Percent,
    Bytes,
    Seconds,
    /// Of something in a second.
    PerSecond,
    /// Of something in an hour.
    PerHour,
    BytesPerHour,
}

/// A number that a check looked at, with its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// `used`; of one object: `public.orders`.
    pub name: String,
    pub value: f64,
    pub unit: Unit,
    pub warning: Option<f64>,
    pub critical: Option<f64>,
    /// The end of the scale: what can be used at most.
    pub most: Option<f64>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `idx.invalid:public.orders_pkey`: the same from run to run.
    pub key: String,
    /// What it is about: `public.orders_pkey`.
    pub object: String,
    pub level: Level,
    /// One sentence.
    pub says: String,
    /// What to do about this object: a statement or a command, where there is one.
    pub remedy: Option<String>,
    /// In the unit of the check's main limit.
    pub value: Option<f64>,
    /// Why it does not count, when it does not: it is ignored, or stands in the baseline.
    pub excused: Option<String>,
}

/// One check of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// `idx.invalid`
    pub id: String,
    /// `static`, `runtime`, `rate` or `deploy`.
    pub kind: String,
    /// What it looks at.
    pub title: String,
    pub status: Status,
    /// The verdict in one line.
    pub says: String,
    pub findings: Vec<Finding>,
    pub measures: Vec<Measure>,
    /// What could not be seen, or why it is not about this server.
    pub reason: Option<String>,
    /// What would let it be seen: `GRANT pg_monitor TO monitor`.
    pub grants: Vec<String>,
    /// What to do about such findings.
    pub remedy: String,
    /// Milliseconds that the server needed for its statements; null where none was sent.
    pub milliseconds: Option<f64>,
}

/// The server that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub version: String,
    pub version_number: u32,
    pub in_recovery: bool,
    /// `database_type` of the guides' health documents.
    pub database_type: String,
    /// Seconds from dialling to the first answer.
    pub connect_seconds: f64,
}

/// All checks of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerChecks {
    /// The name in pgtend.toml.
    pub target: Option<String>,
    pub tags: Vec<String>,
    pub environment: Option<String>,
    /// None where it could not be reached.
    pub server: Option<Looked>,
    /// When the facts were taken.
    pub at: jiff::Timestamp,
    pub checks: Vec<Checked>,
    /// Whether a deployment can begin, when that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// Why the whole server could not be judged.
    pub failed: Option<String>,
    /// Good, warning, critical or unknown, after `--fail-on` and `--allow-unknown`.
    #[serde(skip_deserializing, default = "unknown", serialize_with = "code")]
    pub outcome: Exit,
}

const fn unknown() -> Exit {
    Exit::Unknown
}

fn code<S: serde::Serializer>(exit: &Exit, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(exit.code())
}

/// What `pgtend check` answers.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    pub servers: Vec<ServerChecks>,
    /// What was asked for beside the checks: notes for people.
    pub notes: Vec<String>,
}

impl Report for CheckReport {
    fn outcome(&self) -> Exit {
        self.servers.iter().fold(Exit::Good, |worst, server| worst.worst(server.outcome))
    }
}
