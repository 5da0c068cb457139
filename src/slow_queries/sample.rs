//! A sample of the counters, and the file that keeps one.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::kept::{self, Form};

/// The first field of the file; another form gets another number.
const SCHEMA: &str = "pgtend/statements/1";

/// A file that is larger is no sample: 20,000 statements of 25 kB.
const LARGEST: u64 = 512 << 20;

/// What `pg_stat_statements` had counted at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    pub schema: String,
    /// The version that took it.
    pub pgtend: String,
    /// By the server's clock.
    pub at: Timestamp,
    /// Of the server, as text.
    pub system_identifier: String,
    pub version_number: u32,
    pub extension_version: String,
    /// From 1.9 on.
    pub reset: Option<Timestamp>,
    /// From 1.9 on.
    pub dealloc: Option<i64>,
    /// Statements that the server keeps.
    pub entries: i64,
    /// Of those that were asked for: all, and those whose id and text are hidden.
    pub chosen: i64,
    pub hidden: i64,
    pub calls: i64,
    pub total_ms: f64,
    /// Whether there were more than were read.
    pub cut: bool,
    /// The most time first.
    pub statements: Vec<Counters>,
}

impl Sample {
    /// An empty one of this version.
    pub fn new(at: Timestamp, system_identifier: u64, version_number: u32) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            pgtend: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            system_identifier: system_identifier.to_string(),
            version_number,
            extension_version: String::new(),
            reset: None,
            dealloc: None,
            entries: 0,
            chosen: 0,
            hidden: 0,
            calls: 0,
            total_ms: 0.0,
            cut: false,
            statements: Vec::new(),
        }
    }
}

/// The counters of one statement; times in milliseconds, see `pg_stat_statements`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// None where it is hidden.
    pub query_id: Option<String>,
    pub user: String,
    pub database: Option<String>,
    pub toplevel: Option<bool>,
    pub query: Option<String>,
    pub calls: i64,
    pub rows: i64,
    pub total_ms: f64,
    pub min_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub stddev_ms: Option<f64>,
    pub plans: i64,
    pub plan_ms: f64,
    pub shared_hit: i64,
    pub shared_read: i64,
    pub shared_dirtied: i64,
    pub shared_written: i64,
    pub temp_read: i64,
    pub temp_written: i64,
    pub read_ms: f64,
    pub write_ms: f64,
    pub local_io_ms: Option<f64>,
    pub temp_io_ms: Option<f64>,
    pub wal_records: i64,
    pub wal_bytes: i64,
    pub parallel_workers: Option<i64>,
    pub since: Option<Timestamp>,
}

impl Counters {
    /// Milliseconds for each call.
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    pub fn mean_ms(&self) -> f64 {
        if self.calls > 0 { self.total_ms / self.calls as f64 } else { 0.0 }
    }

    /// The sum with (`sign` 1) or the difference to (-1) another one's counters. Least, most
    /// and deviation of the result are not known.
    #[must_use]
    pub fn combined(&self, other: &Self, sign: i8) -> Self {
        let count = |a: i64, b: i64| a.saturating_add(i64::from(sign).saturating_mul(b));
        let time = |a: f64, b: f64| f64::from(sign).mul_add(b, a).max(0.0);
        let both = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| time(a, b));
        Self {
            query_id: self.query_id.clone(),
            user: self.user.clone(),
            database: self.database.clone(),
            toplevel: self.toplevel,
            query: self.query.clone(),
            calls: count(self.calls, other.calls),
            rows: count(self.rows, other.rows),
            total_ms: time(self.total_ms, other.total_ms),
            min_ms: None,
            max_ms: None,
            stddev_ms: None,
            plans: count(self.plans, other.plans),
            plan_ms: time(self.plan_ms, other.plan_ms),
            shared_hit: count(self.shared_hit, other.shared_hit),
            shared_read: count(self.shared_read, other.shared_read),
            shared_dirtied: count(self.shared_dirtied, other.shared_dirtied),
            shared_written: count(self.shared_written, other.shared_written),
            temp_read: count(self.temp_read, other.temp_read),
            temp_written: count(self.temp_written, other.temp_written),
            read_ms: time(self.read_ms, other.read_ms),
            write_ms: time(self.write_ms, other.write_ms),
            local_io_ms: both(self.local_io_ms, other.local_io_ms),
            temp_io_ms: both(self.temp_io_ms, other.temp_io_ms),
            wal_records: count(self.wal_records, other.wal_records),
            wal_bytes: count(self.wal_bytes, other.wal_bytes),
            parallel_workers: self
                .parallel_workers
                .zip(other.parallel_workers)
                .map(|(a, b)| count(a, b)),
            since: self.since,
        }
    }
}

/// The file that keeps one.
const FORM: Form = Form {
    schema: SCHEMA,
    what: "sample",
    made_by: "pgtend slow-queries --save FILE",
    largest: LARGEST,
};

/// Reads a sample; see [`kept::load`].
pub fn load(path: &Path) -> Result<Sample> {
    kept::load(path, &FORM)
}

/// Saves a sample; see [`kept::save`].
pub fn save(sample: &Sample, path: &Path) -> Result<()> {
    kept::save(sample, path, &FORM)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::exit::Exit;

    fn sample() -> Sample {
        let mut sample = Sample::new("2026-11-22T05:00:00Z".parse().unwrap(), u64::MAX, 170_002);
        sample.statements.push(Counters { calls: 3, total_ms: 1.5, ..Counters::default() });
        sample
    }

    #[test]
    fn a_sample_is_read_back_and_replaced_but_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before.json");
        save(&sample(), &path).unwrap();
        save(&sample(), &path).unwrap();
        let read = load(&path).unwrap();
        assert_eq!(read.statements, sample().statements);
        assert_eq!(read.system_identifier, u64::MAX.to_string());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for text in ["{}", "precious", "{\"schema\":\"pgtend/1\"}", "\u{0}"] {
            fs::write(&path, text).unwrap();
            assert_eq!(save(&sample(), &path).unwrap_err().exit(), Exit::Usage, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(load(&path).unwrap_err().exit(), Exit::Usage);
        }
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(save(&sample(), &path).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn a_newer_form_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("newer.json");
        fs::write(&path, "{\"schema\": \"pgtend/statements/2\"}").unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.causes()[0].contains("pgtend/statements/2"), "{error}");
    }
}
