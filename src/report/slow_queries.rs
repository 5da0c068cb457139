//! The report of `slow-queries`.

use jiff::Timestamp;
use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// Which statements take the time. The fields are the same for every version of the extension.
#[derive(Debug, Clone, Serialize)]
pub struct SlowQueriesReport {
    /// `pg_stat_statements`, or `pg_stat_activity` where the extension cannot be asked.
    pub source: &'static str,
    /// The database that was looked at; none for all.
    pub database: Option<String>,
    /// The role that was looked at; none for all.
    pub user: Option<String>,
    /// What the ranking is by.
    pub sort: &'static str,
    /// Milliseconds; statements with a smaller mean are left out.
    pub min_mean_ms: f64,
    pub min_calls: i64,
    /// Whether there were more statements than `--limit`.
    pub limit_reached: bool,
    /// The time between two samples; none for all that was counted since the last reset.
    pub period: Option<Period>,
    /// Of all statements in scope, those that are not shown too.
    pub total_ms: f64,
    pub calls: i64,
    pub statements: i64,
    /// Statements in scope that the thresholds and `--like` leave out.
    pub left_out: i64,
    /// Percent of the total time that those took; null where no time was counted.
    pub left_out_share: Option<f64>,
    pub queries: Vec<RankedQuery>,
    pub trust: Option<Trust>,
    pub comparison: Option<Comparison>,
    pub fail_mean: Option<FailMean>,
    pub plan: Option<Plan>,
    /// What runs now, where the extension cannot be asked.
    pub live: Vec<LiveStatement>,
    /// How to have the statistics on this server.
    pub enable: Vec<String>,
    /// The file that the sample was saved to.
    pub saved: Option<String>,
    /// What is good to know about the numbers.
    pub notes: Vec<String>,
    /// What could not be seen or judged, and what would help.
    pub unseen: Vec<String>,
}

/// A statement with its numbers. What the version or the settings do not count is null, and so
/// is what a difference of two samples cannot tell.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RankedQuery {
    /// A number of 64 bits, as text. Null where the role may not see it.
    pub query_id: Option<String>,
    pub user: String,
    /// Null for a database that is gone.
    pub database: Option<String>,
    /// Whether a client sent it; not so what a function runs. From 1.9 on.
    pub toplevel: Option<bool>,
    /// The whole text, with `$1` for constants. Null where the role may not see it.
    pub query: Option<String>,
    /// Percent of the time of all statements in scope.
    pub share: Option<f64>,
    pub calls: i64,
    pub total_ms: f64,
    pub mean_ms: f64,
    pub min_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub stddev_ms: Option<f64>,
    pub rows: i64,
    pub rows_per_call: f64,
    /// Percent of the blocks that were in shared_buffers; null without any.
    pub hit_percent: Option<f64>,
    pub shared_hit_blocks: i64,
    pub shared_read_blocks: i64,
    pub shared_dirtied_blocks: i64,
    pub shared_written_blocks: i64,
    /// All of the times below; null without track_io_timing.
    pub io_ms: Option<f64>,
    pub read_ms: Option<f64>,
    pub write_ms: Option<f64>,
    /// From 1.11 on.
    pub local_io_ms: Option<f64>,
    /// From 1.10 on.
    pub temp_io_ms: Option<f64>,
    /// Written to and read from temporary files.
    pub temp_bytes: i64,
    pub wal_bytes: i64,
    pub wal_records: i64,
    pub plans: i64,
    /// Null without track_planning.
    pub plan_ms: Option<f64>,
    /// Launched. From 1.12 on.
    pub parallel_workers: Option<i64>,
    /// Since when it is counted. From 1.11 on.
    pub since: Option<Timestamp>,
    /// In a comparison: the mean before, and how much longer it is now.
    pub before_mean_ms: Option<f64>,
    pub change_percent: Option<f64>,
    /// In a comparison: slower than the limit.
    pub slower: Option<bool>,
}

/// From one sample to the other.
#[derive(Debug, Clone, Serialize)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
    pub seconds: f64,
}

/// How far the ranking can be trusted.
#[derive(Debug, Clone, Serialize)]
pub struct Trust {
    pub extension_version: String,
    pub schema: String,
    /// When the statistics were reset. From 1.9 on.
    pub reset: Option<Timestamp>,
    /// How often statements were thrown out for new ones. From 1.9 on.
    pub dealloc: Option<i64>,
    /// Statements that are kept, of `max`.
    pub entries: i64,
    pub max: Option<i64>,
    pub track: Option<String>,
    pub track_utility: Option<bool>,
    pub track_planning: Option<bool>,
    pub track_io_timing: bool,
}

/// What came of `--compare`.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub file: String,
    /// Percent; none when nothing was to fail.
    pub limit_percent: Option<f64>,
    /// Statements that ran often enough before and since.
    pub judged: i64,
    /// Not judged: their mean is below the least one that counts.
    pub too_short: i64,
    /// Of these, those that are slower than the limit.
    pub slower: i64,
    /// Statements that the sample does not have.
    pub new: i64,
    /// Statements that have not run since.
    pub idle: i64,
    /// Statements that are no longer there.
    pub gone: i64,
    /// Statements that were matched by their text.
    pub by_text: i64,
}

/// What came of `--fail-mean`.
#[derive(Debug, Clone, Serialize)]
pub struct FailMean {
    pub limit_ms: f64,
    /// Statements with a longer mean.
    pub over: i64,
    /// The longest mean of all statements in scope; null without any.
    pub longest_ms: Option<f64>,
}

/// A generic plan.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub query_id: Option<String>,
    pub query: Option<String>,
    pub lines: Vec<String>,
    /// Why there is none.
    pub failed: Option<String>,
}

/// A statement that runs.
#[derive(Debug, Clone, Serialize)]
pub struct LiveStatement {
    pub pid: i32,
    pub user: Option<String>,
    pub database: Option<String>,
    pub application: Option<String>,
    pub seconds: Option<f64>,
    /// `Lock: transactionid`
    pub waits_for: Option<String>,
    pub query: Option<String>,
}

impl Report for SlowQueriesReport {
    fn outcome(&self) -> Exit {
        let slower = self.comparison.as_ref().is_some_and(|one| one.slower > 0);
        let over = self.fail_mean.as_ref().is_some_and(|one| one.over > 0);
        if slower || over {
            Exit::Critical
        } else if self.unseen.is_empty() {
            Exit::Good
        } else {
            Exit::Unknown
        }
    }
}
