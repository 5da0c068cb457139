//! A sample of the counters, and the file that keeps one.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::exit::Exit;

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

/// Reads a saved sample.
///
/// # Errors
/// Usage, when there is none or it is something else.
pub fn load(path: &Path) -> Result<Sample> {
    let failed = || Error::usage(format!("cannot read the sample {}", path.display()));
    let size = fs::metadata(path).map_err(|error| {
        let next = "make one: pgtend slow-queries --save FILE";
        failed().caused_by(&error).next(next)
    })?;
    if size.len() > LARGEST {
        return Err(failed().because("it is too large to be one"));
    }
    let text = fs::read_to_string(path).map_err(|error| failed().caused_by(&error))?;
    match schema_of(&text).as_deref() {
        Some(SCHEMA) => {}
        Some(other) if other.starts_with("pgtend/statements/") => {
            return Err(failed().because(format!("another pgtend wrote it: its form is {other}")));
        }
        _ => return Err(failed().because("it is no sample of pgtend slow-queries --save")),
    }
    serde_json::from_str(&text).map_err(|error| failed().caused_by(&error))
}

fn schema_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    serde_json::from_str::<Head>(text).ok().map(|head| head.schema)
}

/// Writes a sample under its name at once: nobody sees half of one. Only an earlier sample is
/// replaced. Texts of statements may hold secrets: the file is for its owner alone.
///
/// # Errors
/// Usage, when the file is something else; exit 74, when it cannot be written.
pub fn save(sample: &Sample, path: &Path) -> Result<()> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Error::new(Exit::Io, format!("cannot save the sample to {}", path.display()))
            .caused_by(error)
    };
    match fs::read_to_string(path) {
        Ok(text) if schema_of(&text).is_some_and(|one| one.starts_with("pgtend/statements/")) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Ok(_) => return Err(other(path)),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(other(path)),
        Err(error) => return Err(failed(&error)),
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let mut file = written.map_err(|error| failed(&error))?;
    let text = serde_json::to_vec(sample).map_err(|error| failed(&error))?;
    file.write_all(&text).map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

fn other(path: &Path) -> Error {
    Error::usage(format!("{} is there and is no sample of pgtend", path.display()))
        .because("it would be overwritten")
        .next("give --save the name of a new file, or of an earlier sample")
}

#[cfg(test)]
mod tests {
    use super::*;

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
