//! `pgtend verify-backup`.

use std::sync::Arc;
use std::time::Duration;

use super::{Context, backup_at, with_progress};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::verify::Level;
use crate::settings::quantity;
use crate::verify;

const AFTER_HELP: &str = "\
Levels:
  manifest  the record is intact, every object is there with its size, toc.dat fits; reads
            metadata only. Does not prove that the objects' bytes are unchanged
  content   every byte is read: digests, checksums, expansion, row counts and row hashes.
            Does not prove that it restores into a server

Exit 0: all passed. 2: something is missing or damaged, or older than --max-age.";

/// Verify what is stored of a backup, down to every byte and row
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Ids of backups or their starts, latest, latest:DATABASE, or a backup's folder
    #[arg(value_name = "ID", required_unless_present = "since")]
    names: Vec<String>,

    /// How deep to look: manifest or content
    #[arg(long, value_name = "LEVEL", default_value = "content", value_parser = level)]
    level: Level,

    /// Fail when a backup's snapshot is older than this (for one: 26h)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    max_age: Option<Duration>,

    /// Verify every backup that is not older than this (for one: 7d)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    since: Option<Duration>,

    /// Leave no record of the result in the repository
    #[arg(long)]
    no_record: bool,

    /// Number of parallel threads that expand and hash (default: the processors)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "manifest" => Ok(Level::Manifest),
        "content" => Ok(Level::Content),
        _ => Err("expected manifest or content".into()),
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let progress = Arc::new(Progress::default());
    let of_path = match args.names.as_slice() {
        [name] => backup_at(name)?,
        _ => None,
    };
    let (store, names) = match of_path {
        Some((store, id)) => (store, vec![id]),
        None => (context.existing_store()?, args.names),
    };
    let request = verify::Request {
        store,
        names,
        since: args.since,
        level: args.level,
        max_age: args.max_age.or(context.settings.backup.max_age),
        record: !args.no_record,
        jobs: args.jobs.map_or(processors, usize::from),
        progress: Arc::clone(&progress),
    };
    let work = async {
        tokio::select! {
            biased;
            () = context.signals.cancel.cancelled() => {
                Err(Error::new(Exit::Interrupted, "the verification was stopped")
                    .because("nothing is proved"))
            }
            report = verify::run(&request) => report,
        }
    };
    let report = with_progress(context, &progress, work).await?;
    for backup in &report.backups {
        if let Some(error) = &backup.unrecorded {
            context.ui.warning(&format!("no record of this verification could be left: {error}"));
            context.ui.warning("verify without leaving one: --no-record");
        }
    }
    context.answer(context.connect.target.as_deref(), &report)
}
