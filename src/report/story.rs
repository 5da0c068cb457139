//! How a run of `backup` ended: the one value that the result line, JSON, the exit code, metrics,
//! pings, hooks and the log are made of, so that they tell the same.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Report;
use crate::report::backup::Backup;

/// A run, of one database or of several.
#[derive(Debug)]
pub struct Story {
    /// The repository, without secrets; none when it is not known.
    pub repository: Option<String>,
    /// When it began.
    pub started: jiff::Timestamp,
    /// When the last backup ended.
    pub ended: jiff::Timestamp,
    /// What became of each database; never empty.
    pub runs: Vec<Run>,
    /// What went wrong beside the backups: a ping, a hook, the metrics file.
    pub warnings: Vec<String>,
}

/// What became of one database.
#[derive(Debug)]
pub struct Run {
    /// The database; none when the run failed before it was known.
    pub database: Option<String>,
    /// The folder of its cluster in the repository; what it would be when the run failed before.
    pub cluster: Option<String>,
    /// The backup, or why there is none.
    pub outcome: Result<Backup>,
    /// How long it took.
    pub seconds: f64,
    /// When it ended.
    pub ended: jiff::Timestamp,
}

impl Run {
    /// The exit code that this database asks for.
    pub fn exit(&self) -> Exit {
        match &self.outcome {
            Ok(backup) => backup.outcome(),
            Err(error) => error.exit(),
        }
    }

    /// Adds to a failure what else there is to know.
    pub fn add(&mut self, facts: impl IntoIterator<Item = String>) {
        if let Err(error) = &mut self.outcome {
            let told = std::mem::replace(error, Error::bug("a failure without words"));
            *error = facts.into_iter().fold(told, Error::also);
        }
    }
}

impl Story {
    /// The exit code of the whole: that of a stop, else the worst.
    pub fn exit(&self) -> Exit {
        let told = if self.warnings.is_empty() { Exit::Good } else { Exit::Warning };
        let exits = || self.runs.iter().map(Run::exit);
        let stop = exits().find(|exit| matches!(exit, Exit::Interrupted | Exit::Terminated));
        stop.unwrap_or_else(|| exits().fold(told, Exit::worst))
    }

    /// Whether every database has a published backup.
    pub fn succeeded(&self) -> bool {
        self.runs.iter().all(|run| run.outcome.is_ok())
    }

    /// The first failure.
    pub fn error(&self) -> Option<&Error> {
        self.runs.iter().find_map(|run| run.outcome.as_ref().err())
    }

    /// In one word, for hooks.
    pub fn result(&self) -> &'static str {
        match (self.succeeded(), self.exit()) {
            (false, _) => "failure",
            (true, Exit::Good) => "success",
            (true, _) => "warning",
        }
    }
}
