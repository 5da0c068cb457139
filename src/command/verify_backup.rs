//! `pgtend verify-backup`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::canary_flags::CanaryArgs;
use super::dump::{dump_at, only_of_backups};
use super::{Context, backup_at, with_progress};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::verify::Level;
use crate::settings::{ConnectArgs, quantity};
use crate::verify::compare::AssertionFile;
use crate::verify::rotation::Share;
use crate::verify::scratch::Place;
use crate::verify::{self, self_test, trial};

const AFTER_HELP: &str = "\
Levels:
  manifest  the record is intact, every object is there with its size, toc.dat fits; reads
            metadata only. Does not prove that the objects' bytes are unchanged
  content   every byte is read: digests, checksums, expansion, row counts and row hashes.
            Does not prove that it restores into a server
  restore   content, and then a trial: restored into a database that is thrown away, rows and
            hashes of every table recomputed from the restored tables, sequences, large objects,
            indexes and constraints compared, amcheck where there; measures the recovery time.
            Does not prove that the application works with it, nor settings of the cluster

A trial needs the programs of a server (postgres, initdb) of the source's version or newer, or
another server (--scratch URL). It runs code of the backup: the server of its own has no TCP, an
empty environment, as root another user, and namespaces of its own where the system lets it.

A file of --assert holds SQL statements. Each runs in a read-only transaction; it fails on an
error, and when the first column of one of its rows is false or NULL. A row's other columns are
shown. Names without a schema are looked for in public:
  SELECT count(*) > 1000, count(*) FROM orders;
  SELECT max(created) > now() - interval '2 days', max(created) FROM orders;

A file of pg_dump, of any format and compression, here or in S3, is known by its bytes. It has no
record: manifest shows that it is whole, content that pg_restore can expand all of it, restore that
it restores without an error; none of them that its rows are those of the source.

Exit 0: all passed. 2: something is missing or damaged, or older than --max-age. 3: not damaged,
but not proved (another major version writes values differently; an object was left out). 1: all
passed, and a table looks unlike the backups before: it shrank, stands still or is gone.

Examples:
  pgtend verify-backup latest --max-age 26h
  pgtend verify-backup latest --level restore --tables auto/7 --max-proof-age 8d";

/// Verify what is stored of a backup, down to every byte and row
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Ids of backups or their starts, latest, latest:DATABASE, a backup's folder, or a file of
    /// pg_dump (any format, also in S3)
    #[arg(value_name = "ID", required_unless_present_any = ["since", "show_settings", "show_server"])]
    names: Vec<String>,

    /// How deep to look: manifest, content or restore
    #[arg(long, value_name = "LEVEL", default_value = "content", value_parser = level)]
    level: Level,

    /// Fail when a backup's snapshot is older than this (for one: 26h)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    max_age: Option<Duration>,

    /// Look at a part of the tables only: 2/7, or auto/7 for those whose proof is longest ago
    #[arg(long, value_name = "n/t|auto/t", help_heading = "Rotation")]
    tables: Option<Share>,

    /// Fail when the last proof of a table, in any backup of the database, is longer ago (for
    /// one: 7d)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration, help_heading = "Rotation")]
    max_proof_age: Option<Duration>,

    /// Verify every backup that is not older than this (for one: 7d)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    since: Option<Duration>,

    /// Where to restore at level restore: local (a server of its own) or a server's URL
    #[arg(long, value_name = "URL|local", default_value = "local", help_heading = "Trial")]
    scratch: String,

    /// Folder for the files of a local trial, or the copy of a self-test (default: TMPDIR)
    #[arg(long, value_name = "DIR", help_heading = "Trial")]
    scratch_dir: Option<PathBuf>,

    /// User of this machine that a local trial's server runs as, when root runs it
    /// (default: postgres, else nobody)
    #[arg(long, value_name = "NAME", help_heading = "Trial")]
    scratch_user: Option<String>,

    /// File with SQL statements that must hold in the restored database (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Trial")]
    assert: Vec<PathBuf>,

    /// Put faults into a copy of the backup, and show that each is noticed
    #[arg(long, conflicts_with_all = ["since", "tables", "max_proof_age", "max_age"])]
    self_test: bool,

    /// Leave no record of the result in the repository
    #[arg(long)]
    no_record: bool,

    /// Number of parallel threads that expand and hash (default: the processors)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,

    #[command(flatten)]
    canaries: CanaryArgs,
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "manifest" => Ok(Level::Manifest),
        "content" => Ok(Level::Content),
        "restore" => Ok(Level::Restore),
        _ => Err("expected manifest, content or restore".into()),
    }
}

impl Args {
    /// Flags that have a default in `[backup]`, by the name that they have there.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        self.max_age.map(|age| ("max_age", quantity::written_duration(age))).into_iter().collect()
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let progress = Arc::new(Progress::default());
    let dump = match args.names.as_slice() {
        [name] => dump_at(context, name).await?,
        _ => None,
    };
    if dump.is_some() {
        only_of_backups(&[
            ("--since", args.since.is_some()),
            ("--tables", args.tables.is_some()),
            ("--max-proof-age", args.max_proof_age.is_some()),
            ("--self-test", args.self_test),
        ])?;
    }
    let of_path = match args.names.as_slice() {
        [name] if dump.is_none() => backup_at(context, name)?,
        _ => None,
    };
    let (store, names) = match of_path {
        Some((store, id)) => (store, vec![id]),
        // Nothing is read from there.
        None if dump.is_some() => (context.store_at("/")?, vec![]),
        None => (context.existing_store().await?, args.names.clone()),
    };
    refuse_half_meant(&args)?;
    let trial = trial_options(context, &args)?;
    let request = verify::Request {
        store,
        identities: context.identities()?,
        names,
        since: args.since,
        level: args.level,
        max_age: args.max_age.or(context.settings.backup.max_age),
        share: args.tables,
        max_proof_age: args.max_proof_age,
        canaries: args.canaries.limits(),
        record: !args.no_record,
        jobs: args.jobs.map_or(processors, usize::from),
        trial,
        environment: context.settings.environment().clone(),
        progress: Arc::clone(&progress),
        cancel: context.signals.cancel.clone(),
    };
    if let Some(place) = dump {
        let work = verify::foreign::run(&request, place);
        let report = with_progress(context, &progress, work).await?;
        return context.answer(context.connect.target.as_deref(), &report);
    }
    if args.self_test {
        let environment = context.settings.environment();
        let folder = args.scratch_dir.as_deref().unwrap_or(environment.temporary_folder());
        let folder = environment.folder().join(folder);
        let request = self_test::Request { verify: request, folder };
        let report = with_progress(context, &progress, self_test::run(&request)).await?;
        return context.answer(context.connect.target.as_deref(), &report);
    }
    let report = with_progress(context, &progress, verify::run(&request)).await?;
    for backup in &report.backups {
        for warning in backup.canaries.iter().flat_map(|canaries| &canaries.warnings) {
            let table = warning.table.as_ref().map_or("", String::as_str);
            let space = if table.is_empty() { "" } else { " " };
            context.ui.warning(&format!("{}: {table}{space}{}", backup.id, warning.what));
        }
        if let Some(error) = &backup.unrecorded {
            context.ui.warning(&format!("no record of this verification could be left: {error}"));
            context.ui.warning("verify without leaving one: --no-record");
        }
    }
    context.answer(context.connect.target.as_deref(), &report)
}

/// Flags that do not go together.
fn refuse_half_meant(args: &Args) -> Result<()> {
    if args.tables.is_some() && args.level == Level::Manifest {
        return Err(Error::usage("--tables is about rows, which --level manifest does not read")
            .next("add --level content or --level restore"));
    }
    if args.self_test && args.level == Level::Restore {
        return Err(Error::usage("--self-test is about the levels manifest and content")
            .because("what level restore compares is in a server, not in the copy")
            .next("leave --level restore out"));
    }
    if args.tables.is_some() && !args.assert.is_empty() {
        return Err(Error::usage("--assert needs all rows, --tables loads some")
            .next("leave one of them out"));
    }
    Ok(())
}

/// Where and how a backup is tried.
fn trial_options(context: &Context, args: &Args) -> Result<trial::Options> {
    let local = args.scratch == "local";
    let of_trial = !local
        || args.scratch_dir.is_some()
        || args.scratch_user.is_some()
        || !args.assert.is_empty();
    let of_copy = args.self_test && local && args.scratch_user.is_none() && args.assert.is_empty();
    if of_trial && args.level != Level::Restore && !of_copy {
        return Err(
            Error::usage("--scratch and --assert are about a trial").next("add --level restore")
        );
    }
    let place = if local {
        Place::Local { folder: args.scratch_dir.clone(), user: args.scratch_user.clone() }
    } else {
        if args.scratch_dir.is_some() || args.scratch_user.is_some() {
            return Err(Error::usage("--scratch-dir and --scratch-user are for --scratch local"));
        }
        let url = ConnectArgs { url: Some(args.scratch.clone()), ..ConnectArgs::default() };
        let resolved = context.settings.target(&url)?;
        resolved.notes.iter().for_each(|note| context.ui.note(note));
        Place::Server(Box::new(resolved.target))
    };
    let assertions = args.assert.iter().map(|path| AssertionFile::read(path));
    Ok(trial::Options { place, assertions: assertions.collect::<Result<_>>()? })
}
