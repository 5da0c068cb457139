//! Flags for the comparison of a backup with the ones before it.

use std::time::Duration;

use crate::backup::drift::Limits;
use crate::settings::quantity;

/// What is worth a warning.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Canaries")]
pub struct CanaryArgs {
    /// Warn when a table has lost so many percent of its rows (default: 50)
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    canary_shrink: Option<u8>,

    /// Warn when a table that used to grow stands still for so long (default: 3d)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    canary_still: Option<Duration>,

    /// Do not compare with the backups before
    #[arg(long, conflicts_with_all = ["canary_shrink", "canary_still"])]
    no_canaries: bool,
}

impl CanaryArgs {
    /// None with `--no-canaries`.
    pub fn limits(&self) -> Option<Limits> {
        let standard = Limits::default();
        (!self.no_canaries).then(|| Limits {
            shrink: self.canary_shrink.unwrap_or(standard.shrink),
            still: self.canary_still.unwrap_or(standard.still),
        })
    }
}
