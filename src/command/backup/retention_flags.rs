//! The rules of retention on the command line.

use std::time::Duration;

use clap::value_parser;

use crate::backup::retention::Policy;
use crate::report::prune::Rule;
use crate::settings::{Retention, quantity};

/// Which backups of a database stay. A backup's time is its snapshot's, in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Retention (what no rule keeps goes; after a backup without asking)")]
pub struct RetentionFlags {
    /// Keep the newest N backups of the database
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_last: Option<u32>,

    /// Keep the newest of each of the last N hours that have one
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_hourly: Option<u32>,

    /// Keep the newest of each of the last N days
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_daily: Option<u32>,

    /// Keep the newest of each of the last N weeks (Monday to Sunday)
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_weekly: Option<u32>,

    /// Keep the newest of each of the last N months
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_monthly: Option<u32>,

    /// Keep the newest of each of the last N years
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_yearly: Option<u32>,

    /// Keep all that are at most this much older than the newest (30d)
    #[arg(long, value_name = "TIME", value_parser = time)]
    keep_within: Option<Duration>,

    /// Keep the newest N verified backups, whatever the rules say (default: 1)
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep_proven: Option<u32>,

    /// Keep the newest N complete backups, whatever the rules say (default: 3)
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    min_keep: Option<u32>,
}

fn time(text: &str) -> Result<Duration, String> {
    let time = quantity::duration(text)?;
    if time.is_zero() { Err("it is a time, like 30d".into()) } else { Ok(time) }
}

impl RetentionFlags {
    /// What was given.
    pub fn given(&self) -> Retention {
        Retention {
            last: self.keep_last,
            hourly: self.keep_hourly,
            daily: self.keep_daily,
            weekly: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
            within: self.keep_within,
            proven: self.keep_proven,
            min_keep: self.min_keep,
        }
    }
}

/// The policy that flags and settings ask for, and how a report shows it; without a rule none.
pub fn policy(given: &Retention) -> (Option<Policy>, Vec<Rule>) {
    let Some(policy) = Policy::new(given) else { return (None, Vec::new()) };
    let guards = Retention {
        proven: Some(policy.proven),
        min_keep: Some(policy.min_keep),
        ..Retention::default()
    };
    let values = given.or(&guards).values();
    let rule = |(name, value): (_, Option<String>)| Some(Rule { name, value: value? });
    (Some(policy), values.into_iter().filter_map(rule).collect())
}
