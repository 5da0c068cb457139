//! `pgtend connections`: who holds what, who blocks whom, and how to end it.

mod blocking;
mod end;
mod live;
mod overview;
mod pools;

use clap::Subcommand;

use super::Context;
use crate::cli::output::Format;
use crate::cli::watch::WatchFlags;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::ended::How;

/// Show who is connected, what they hold, and who blocks whom
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Show who blocks whom, and the line that ends it; of one table: who holds it and who waits
    #[arg(long, value_name = "TABLE", num_args = 0..=1)]
    blocking: Option<Option<String>>,
    #[command(flatten)]
    pools: pools::PoolsArgs,
    #[command(flatten)]
    watch: WatchFlags,
    #[command(flatten)]
    overview: overview::Args,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Cancel the statement that sessions run
    Cancel(end::Args),
    /// End sessions
    Terminate(end::Args),
}

impl Args {
    /// The forms of the answer.
    pub const fn formats(&self) -> &'static [Format] {
        match (&self.what, &self.blocking) {
            (None, None) if self.pools.pgbouncer.is_some() => &pools::FORMATS,
            (None, None) => &overview::FORMATS,
            (None, Some(_)) => &blocking::FORMATS,
            (Some(_), _) => &end::FORMATS,
        }
    }
}

/// What a signal does to a look.
const STOPPED: &str = "the look at the connections was stopped";

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let watch = args.watch.watch;
    if watch.is_some() && args.pools.pgbouncer.is_some() {
        return Err(Error::usage("--watch and --pgbouncer do not go together")
            .because("a pooler's pools are shown once")
            .next("watch (procps) runs a command again and again"));
    }
    let page = match (&args.blocking, &args.pools.pgbouncer) {
        (Some(_), _) => Some("--blocking"),
        (None, Some(_)) => Some("--pgbouncer"),
        (None, None) => None,
    };
    if let (Some(page), Some(flag)) = (page, args.overview.given()) {
        return Err(Error::usage(format!("{flag} has no effect with {page}"))
            .next("leave one of the two out: nothing is judged or chosen there"));
    }
    match (args.what, args.blocking) {
        (None, None) if args.pools.pgbouncer.is_some() => pools::run(context, args.pools).await,
        (None, None) => overview::run(context, args.overview, watch).await,
        (None, Some(table)) => blocking::run(context, table.as_deref(), watch).await,
        (Some(What::Cancel(args)), _) => end::run(context, args, How::Cancel).await,
        (Some(What::Terminate(args)), _) => end::run(context, args, How::Terminate).await,
    }
}
