//! Facts from files, and into them.

use std::path::PathBuf;
use std::time::Duration;

use super::together;
use crate::check::{self, Facts};
use crate::error::{Error, Result};
use crate::settings::quantity;

/// Facts from files, and into them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Samples")]
#[group(skip)]
pub struct Samples {
    /// Take two samples that far apart: what is counted is judged by its rate
    #[arg(long, value_name = "TIME", value_parser = quantity::interval, conflicts_with_all = ["from", "state"])]
    pub interval: Option<Duration>,
    /// Compare with the sample that the last run left in this file, and leave this run's there
    /// (not with --from)
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Save what was seen, for --from and for others
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Judge what was saved; no server is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = together::NOT_WITH_FROM)]
    from: Option<PathBuf>,
}

/// What was seen, now and earlier.
#[derive(Debug)]
pub struct Seen {
    pub facts: Facts,
    pub previous: Option<Facts>,
}

impl Samples {
    /// What `--from` names.
    pub fn from(&self) -> Result<Option<Seen>> {
        let Some(path) = &self.from else { return Ok(None) };
        self.seen(check::load(path)?, self.earlier()?).map(Some)
    }

    /// What the last run left: read before anybody is asked.
    pub fn earlier(&self) -> Result<Option<Facts>> {
        self.state.as_deref().map_or(Ok(None), check::earlier)
    }

    /// Both together, when they are of one database.
    pub fn seen(&self, facts: Facts, previous: Option<Facts>) -> Result<Seen> {
        if let (Some(previous), Some(path)) = (&previous, &self.state) {
            check::same_server(&facts, previous, path)?;
        }
        Ok(Seen { facts, previous })
    }

    /// Whether facts of a file are judged.
    pub const fn are_saved(&self) -> bool {
        self.from.is_some()
    }

    /// The flag that keeps facts in a file.
    pub const fn file(&self) -> Option<&'static str> {
        match (&self.state, &self.save) {
            (Some(_), _) => Some("--state"),
            (_, Some(_)) => Some("--save"),
            _ => None,
        }
    }

    /// A file holds the facts of one server.
    ///
    /// # Errors
    /// Usage, when there is one.
    pub fn for_one(&self) -> Result<()> {
        let Some(flag) = self.file() else { return Ok(()) };
        Err(Error::usage(format!("{flag} and several targets do not go together"))
            .because("the file holds what was seen of one server")
            .next("run it for each target, with a file of its own"))
    }

    /// Writes what is to be kept.
    pub fn keep(&self, facts: &Facts) -> Result<()> {
        [&self.state, &self.save]
            .into_iter()
            .flatten()
            .try_for_each(|path| check::save(facts, path))
    }
}
