//! What a run asks of a server that has other work, and of another run.

use std::sync::Arc;
use std::time::Duration;

use crate::backup::pace::Pace;
use crate::settings::{BackupDefaults, quantity};

/// How hard a run presses.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(super) struct LimitFlags {
    /// Most bytes of rows and large objects that all readers of a run together take from the
    /// server in a second, before compression (default: no limit)
    #[arg(long, value_name = "SIZE/s", value_parser = quantity::rate)]
    pub(super) rate_limit: Option<u64>,

    /// Longest wait for another backup of the same database to end (default: do not wait, exit 75)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    pub(super) retry_lock: Option<Duration>,
}

impl LimitFlags {
    /// One for all readers of the run, whatever it backs up.
    pub(super) fn pace(&self, defaults: &BackupDefaults) -> Option<Arc<Pace>> {
        self.rate_limit.or(defaults.rate_limit).map(|rate| Arc::new(Pace::new(rate)))
    }
}
