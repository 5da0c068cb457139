//! What the checks of a server found.

use serde::{Deserialize, Serialize};

use super::Report;
use super::forecast::Forecast;
use super::health::Health;
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

/// How one check ended, from what says least to the worst. What could not be seen is never healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Not about this server; the check says why.
    NotApplicable,
    Healthy,
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
    /// Whether small numbers are the bad ones.
    #[serde(default)]
    pub below: bool,
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
    /// Milliseconds that the answers to its statements took, by the clock of the machine that
    /// asked: one that other checks ask too counts for each; null where none was sent.
    pub milliseconds: Option<f64>,
}

impl Checked {
    /// The findings that count: neither ignored nor in the baseline.
    pub fn counted(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.excused.is_none())
    }

    /// The findings that do not count.
    pub fn excused(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.excused.is_some())
    }

    /// What could not be seen: of an unknown check, and of one that found something nevertheless.
    pub fn unseen(&self) -> Option<&str> {
        self.reason.as_deref().filter(|_| self.status != Status::NotApplicable)
    }
}

/// Whether a name (an id or a family) is about the check with this id.
pub fn covers(name: &str, id: &str) -> bool {
    id == name || id.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
}

/// From which weight on findings make the run fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    #[default]
    Warning,
    Critical,
}

/// What makes a run fail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    pub fail_on: FailOn,
    /// Ids or families that may be unknown.
    pub allowed: Vec<String>,
}

impl Gate {
    /// The part of a check in the exit code.
    pub fn exit(&self, check: &Checked) -> Exit {
        match check.status {
            Status::Warning if self.fail_on == FailOn::Critical => Exit::Good,
            Status::Unknown if self.allowed.iter().any(|name| covers(name, &check.id)) => {
                Exit::Good
            }
            status => status.exit(),
        }
    }

    /// The worst of them.
    pub fn outcome(&self, checks: &[Checked]) -> Exit {
        checks.iter().fold(Exit::Good, |worst, check| worst.worst(self.exit(check)))
    }
}

/// How many checks ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub checks: usize,
    pub healthy: usize,
    pub info: usize,
    pub warnings: usize,
    pub critical: usize,
    pub unknown: usize,
    pub not_applicable: usize,
    /// Findings that are ignored or stand in the baseline.
    pub excused: usize,
}

impl Counts {
    fn add(&mut self, check: &Checked) {
        self.checks += 1;
        self.excused += check.excused().count();
        *match check.status {
            Status::Healthy => &mut self.healthy,
            Status::Info => &mut self.info,
            Status::Warning => &mut self.warnings,
            Status::Critical => &mut self.critical,
            Status::Unknown => &mut self.unknown,
            Status::NotApplicable => &mut self.not_applicable,
        } += 1;
    }
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
    /// The name in pgtend.toml; with `/database` behind it where all databases are looked at.
    pub target: Option<String>,
    pub tags: Vec<String>,
    pub environment: Option<String>,
    /// `db.example.com:5432/app`, as it was asked for.
    #[serde(default)]
    pub place: String,
    /// None where it could not be reached.
    pub server: Option<Looked>,
    /// When the facts were taken.
    pub at: jiff::Timestamp,
    pub checks: Vec<Checked>,
    /// Whether a deployment can begin, when that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// The checklist of `--profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checklist: Option<Checklist>,
    /// Why the whole server could not be judged.
    pub failed: Option<String>,
    /// Good, warning, critical or unknown, after `--fail-on` and `--allow-unknown`.
    #[serde(skip_deserializing, default = "unknown", serialize_with = "code")]
    pub outcome: Exit,
    /// What health endpoints of applications have.
    #[serde(default)]
    pub health: Option<Health>,
}

/// A checklist of the guides, with verdicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checklist {
    /// `production`, `staging` or `development`.
    pub profile: String,
    pub lines: Vec<ChecklistLine>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChecklistLine {
    /// The guide that it is from: `001`.
    pub guide: String,
    pub says: String,
    /// The checks that answer it.
    pub ids: Vec<String>,
    /// The worst of them; none where nobody can tell.
    pub status: Option<Status>,
    /// What the worst of them says.
    pub why: String,
}

impl ServerChecks {
    /// Its name in pgtend.toml, else where it is.
    pub fn name(&self) -> &str {
        self.target.as_deref().unwrap_or(&self.place)
    }

    /// How its checks ended.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.checks.iter().for_each(|check| counts.add(check));
        counts
    }
}

const fn unknown() -> Exit {
    Exit::Unknown
}

fn code<S: serde::Serializer>(exit: &Exit, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(exit.code())
}

/// What `pgtend check` answers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CheckReport {
    pub servers: Vec<ServerChecks>,
    /// What was asked for beside the checks: notes for people.
    pub notes: Vec<String>,
    /// What made the servers' outcomes.
    #[serde(skip)]
    pub gate: Gate,
    /// Whether the page shows what is healthy too.
    #[serde(skip)]
    pub all: bool,
}

impl Report for CheckReport {
    fn outcome(&self) -> Exit {
        self.servers.iter().fold(Exit::Good, |worst, server| worst.worst(server.outcome))
    }
}
