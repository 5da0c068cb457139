//! `pgtend backup` and its actions, a file each.

mod all;
mod copy;
mod export;
mod filters;
mod labels;
mod limits;
mod list;
mod outcome;
mod prune;
mod published;
mod retention_flags;
mod run;
mod seal_flags;
mod story;
mod story_flags;

use clap::Subcommand;

use super::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{Labels, Secret};
use labels::LabelFilter;
use list::{list, show};
use run::{RunArgs, back_up};

pub use run::standard;

const AFTER_HELP: &str = "\
Examples:
  pgtend backup --repo /var/backups/pg -d app
  pgtend backup -h db.example.com -U backup -d app -r /mnt/pg -j 4 -N scratch
  pgtend backup -h db.example.com -U backup --all-databases --exclude-database 'scratch_*'
  pgtend backup -r /var/backups/pg -d app --keep-daily 7 --keep-weekly 4 --keep-monthly 12
  pgtend backup list -r /var/backups/pg
  pgtend verify-backup latest:app -r /var/backups/pg --level content

With a --keep- flag, or keep_* in pgtend.toml, a successful backup removes older ones of the same
database that no rule keeps. The rule is the consent: nobody is asked. See backup prune --help.";

/// Back up a database: parallel, consistent, readable by stock pg_restore
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once")]
enum Action {
    /// Back up a database (the same as `backup` alone)
    Run(RunArgs),
    /// List the backups of a repository
    List(LabelFilter),
    /// Show all that is known of one backup
    Show {
        /// Id of the backup or the start of it, latest, or latest:DATABASE
        #[arg(value_name = "ID")]
        id: String,
    },
    Copy(copy::Args),
    Export(export::Args),
    Prune(prune::PruneArgs),
}

impl Args {
    /// The ping's URL.
    pub fn ping(&self) -> Option<Secret> {
        self.of_run().story.ping.clone()
    }

    /// Flags that have a default in `[backup]`, by the name that they have there.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let mut given = self.of_run().given();
        let rules = match &self.action {
            Some(Action::Prune(args)) => args.rules(),
            _ => self.of_run().rules(),
        };
        given.extend(rules.values().into_iter().filter_map(|(name, value)| Some((name, value?))));
        given
    }

    /// `--label`.
    pub fn labels(&self) -> Result<Labels> {
        self.of_run().labels()
    }

    const fn of_run(&self) -> &RunArgs {
        match &self.action {
            Some(Action::Run(args)) => args,
            _ => &self.run,
        }
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let run_untouched = args.run == RunArgs::untouched();
    match args.action {
        None => back_up(context, args.run).await,
        Some(Action::Run(run)) if run_untouched => back_up(context, run).await,
        Some(Action::List(filter)) if run_untouched => list(context, &filter).await,
        Some(Action::Show { id }) if run_untouched => show(context, &id).await,
        Some(Action::Prune(args)) if run_untouched => prune::run(context, args).await,
        Some(Action::Copy(args)) if run_untouched => copy::run(context, args).await,
        Some(Action::Export(args)) if run_untouched => export::run(context, args).await,
        Some(_) => Err(Error::usage("flags of a backup stand before another action")
            .next("put them behind it, or leave them out: pgtend backup list --repo DIR")),
    }
}
