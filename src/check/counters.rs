//! What has been counted of the connected database, for checks that compare two samples.

use serde::Deserialize;

use super::look::Look;
use super::question::Question;
use super::rate::{Pair, RESET};
use super::verdict::Silence;
use crate::sql;

/// The counters of the connected database: one row.
pub const COUNTERS: Question = Question::of(
    "database_counters",
    &[(130_000, sql::CHECK_DATABASE_COUNTERS), (140_000, sql::CHECK_DATABASE_COUNTERS_14)],
)
.compared();

/// What was counted since the statistics were reset.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Counters {
    pub xact_commit: f64,
    pub xact_rollback: f64,
    pub blks_read: f64,
    pub blks_hit: f64,
    pub temp_files: f64,
    pub temp_bytes: f64,
    pub deadlocks: f64,
    pub conflicts: f64,
    /// None where the data has no checksums.
    pub checksum_failures: Option<f64>,
    /// Epoch.
    pub checksum_last_failure: Option<f64>,
    /// None before PostgreSQL 14, as those that follow.
    pub sessions: Option<f64>,
    pub sessions_abandoned: Option<f64>,
    pub sessions_fatal: Option<f64>,
    pub sessions_killed: Option<f64>,
    /// Epoch; None where nobody has reset them, from 15 on.
    pub stats_reset: Option<f64>,
    /// Epoch of the server's start.
    pub server_start: f64,
}

impl Counters {
    /// All that only grow.
    fn all(&self) -> [f64; 12] {
        [
            self.xact_commit,
            self.xact_rollback,
            self.blks_read,
            self.blks_hit,
            self.temp_files,
            self.temp_bytes,
            self.deadlocks,
            self.conflicts,
            self.sessions.unwrap_or_default(),
            self.sessions_abandoned.unwrap_or_default(),
            self.sessions_fatal.unwrap_or_default(),
            self.sessions_killed.unwrap_or_default(),
        ]
    }
}

/// Two samples of one database.
#[derive(Debug, Clone)]
pub struct Between {
    pub before: Counters,
    pub now: Counters,
    /// From one to the other.
    pub seconds: f64,
}

impl Between {
    /// The two samples.
    ///
    /// # Errors
    /// Not applicable with one sample, unknown where counting began anew in between.
    pub fn of(look: &Look<'_>) -> Result<Self, Silence> {
        let pair = Pair::<Counters>::of(look, &COUNTERS, |one| one.stats_reset)?;
        let Pair { before, now, seconds } = pair;
        // A crash resets them without a word: then they are smaller than they were.
        let mut counted = before.all().into_iter().zip(now.all());
        if counted.any(|(before, now)| now < before) {
            return Err(Silence::unknown(RESET));
        }
        Ok(Self { before, now, seconds })
    }

    /// By how much a counter grew.
    pub fn grown(&self, counter: impl Fn(&Counters) -> f64) -> f64 {
        counter(&self.now) - counter(&self.before)
    }
}
