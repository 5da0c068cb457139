//! `pgtend restore`.

use std::sync::Arc;

use super::dump::{dump_at, only_of_backups};
use super::{Context, backup_at, with_progress, with_signal};
use crate::backup::catalog;
use crate::backup::in_use::Mark;
use crate::cli::connect::ReadFrom;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::restore::foreign::{Dump, Place, Reading};
use crate::restore::names::Name;
use crate::restore::{self, Mode, Parts};
use crate::settings::Origin;
use crate::ui::consent::{self, Answers};

const AFTER_HELP: &str = "\
Examples:
  pgtend restore latest:app -r /var/backups/pg --into app_copy --create --yes
  pgtend restore 20261120T095421Z-1a2b3c -r /mnt/pg -h db2 -U admin --into app -j 4
  pgtend restore latest:app -r /mnt/pg --into app --swap --confirm app
  pgtend restore /backups/app.sql.gz --into app_copy --create --yes    (a file of pg_dump)

Exit 0: everything is there and equal to the backup. 1: the target lacks what is listed.
2: something failed. 77: refused, nothing was done.";

/// Where nothing is run there is no need to say what on.
pub(super) const SHOWN: [&str; 2] = ["show_settings", "show_server"];

/// Restore a backup into a database, and compare it with the backup's record
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Id of the backup or the start of it, latest, latest:DATABASE, a backup's folder, or a file
    /// of pg_dump (any format, also in S3)
    #[arg(value_name = "ID", required_unless_present_any = SHOWN)]
    name: Option<String>,

    /// Database to restore into
    #[arg(long, value_name = "DATABASE", required_unless_present_any = SHOWN)]
    into: Option<String>,

    /// Create the database; it gets its name once all of it is there
    #[arg(short = 'C', long, conflicts_with_all = ["clean", "swap"])]
    create: bool,

    /// Replace the database at the end of a complete restore; keep the old one under another name
    #[arg(long, conflicts_with = "clean")]
    swap: bool,

    /// Drop first what the backup has too; other objects of the database stay
    #[arg(short, long)]
    clean: bool,

    /// Do nothing: accepted for habit's sake, --clean never minds what is not there
    #[arg(long, requires = "clean")]
    if_exists: bool,

    /// Restore only this table, view or sequence (name or schema.name; repeatable), with its
    /// indexes, constraints, rights and so on
    #[arg(short, long, value_name = "NAME", conflicts_with = "swap")]
    table: Vec<String>,

    /// Restore only what is in this schema (repeatable)
    #[arg(short = 'n', long, value_name = "NAME", conflicts_with_all = ["swap", "table"])]
    schema: Vec<String>,

    /// Restore the one table under another name, beside the one that is there
    #[arg(long = "as", value_name = "NAME", requires = "table", conflicts_with = "clean")]
    rename: Option<String>,

    /// With latest: take the newest backup that is not younger than this (2026-11-20T09:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<jiff::Timestamp>,

    /// Allow to overwrite the database that was backed up
    #[arg(long)]
    overwrite_source: bool,

    /// Number of parallel sessions (default: as many as processors, at most 4)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,

    /// Create roles of the backup that the server lacks, without passwords
    #[arg(long)]
    globals: bool,

    /// Leave owners out: everything belongs to the role that restores
    #[arg(short = 'O', long)]
    no_owner: bool,

    /// Leave rights out
    #[arg(short = 'x', long)]
    no_privileges: bool,

    /// Role to become after the login
    #[arg(long, value_name = "NAME")]
    role: Option<String>,

    /// Do not gather statistics for the planner at the end
    #[arg(long)]
    no_analyze: bool,

    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Answer y to the question whether to go on
    #[arg(short, long)]
    yes: bool,

    /// Name of the database that may be replaced, as if it were typed
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

fn time(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse().map_err(|_| "expected a time with its zone, like 2026-11-20T09:00:00Z".into())
}

/// Reads a file of pg_dump to its end, before anything else.
async fn read_dump(context: &Context, place: Place, progress: &Arc<Progress>) -> Result<Dump> {
    let reading = Reading {
        environment: context.settings.environment().clone(),
        deep: true,
        progress: Arc::clone(progress),
        cancel: context.signals.cancel.clone(),
    };
    let label = place.label();
    let read =
        async { Dump::read(place, &reading).await.map_err(|trouble| trouble.into_error(&label)) };
    with_progress(context, progress, read).await
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    if !matches!(context.connect.read_from, None | Some(ReadFrom::Primary)) {
        return Err(Error::usage("--read-from is for what only reads")
            .because("restore writes, and a replica takes no writes")
            .next("leave it out, and name the server with --host, --url or --target"));
    }
    // Without them nothing is run.
    let (name, into) = (args.name.unwrap_or_default(), args.into.unwrap_or_default());
    let progress = Arc::new(Progress::default());
    let dump = match dump_at(context, &name).await? {
        None => None,
        Some(place) => {
            only_of_backups(&[
                ("--at", args.at.is_some()),
                ("--globals", args.globals),
                ("--overwrite-source", args.overwrite_source),
            ])?;
            Some(Arc::new(read_dump(context, place, &progress).await?))
        }
    };
    let (store, backup) = match &dump {
        // Nothing is read from there.
        Some(dump) => (context.store_at("/")?, dump.found()),
        None => {
            let (store, name) = match backup_at(context, &name)? {
                Some((store, id)) => (store, id),
                None => (context.existing_store().await?, name),
            };
            let backup = catalog::resolve_at(&store, &name, args.at).await?;
            (store, backup.opened_by(context.identities()?))
        }
    };
    let mode = match (args.create, args.swap) {
        (true, _) => Mode::Create,
        (_, true) => Mode::Swap,
        _ => Mode::Existing,
    };
    let mut target = context.target()?;
    if mode == Mode::Existing {
        target.database.clone_from(&into);
    } else if target.origin("dbname") == Origin::Default || target.database == into {
        // While the database is made and gets its name, the session has to be in another one.
        let other = if into == "postgres" { "template1" } else { "postgres" };
        other.clone_into(&mut target.database);
    }
    if into.is_empty() {
        return Err(Error::usage("--into needs the name of a database"));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let request = restore::Request {
        target,
        into,
        mode,
        environment: context.settings.environment().clone(),
        store,
        backup,
        dump,
        jobs: args.jobs.map_or(processors.min(4), usize::from),
        parts: Parts {
            tables: args.table,
            schemas: args.schema,
            rename: args
                .rename
                .map(|name| Name::table(&name).map(Name::into_written))
                .transpose()?,
            rows: None,
        },
        globals: args.globals,
        clean: args.clean,
        overwrite_source: args.overwrite_source,
        no_owner: args.no_owner,
        no_privileges: args.no_privileges,
        role: args.role,
        analyze: !args.no_analyze,
        progress: Arc::clone(&progress),
        cancel: context.signals.cancel.clone(),
    };
    let prepare = async {
        tokio::select! {
            biased;
            () = context.signals.cancel.cancelled() => {
                Err(restore::stopped().because("nothing was changed"))
            }
            prepared = restore::prepare(&request) => prepared,
        }
    };
    let prepared = with_progress(context, &progress, prepare).await?;
    let target = request.target.name.as_deref();
    if args.dry_run {
        return context.answer(target, &prepared.report(&request));
    }
    let answers = Answers { yes: args.yes, confirm: args.confirm };
    let cancel = &context.signals.cancel;
    let asked = consent::ask(&context.ui, &answers, &prepared.danger, &prepared.summary, cancel);
    let consent = asked.await.map_err(|error| with_signal(context, error))?;
    let mark = match &request.dump {
        // No backup of ours, and its store is the whole machine.
        Some(_) => None,
        None => Some(Mark::set(&request.store, &request.backup, "restore").await),
    };
    let work = restore::run(&request, prepared, &consent);
    let report = with_progress(context, &progress, work).await;
    if let Some(mark) = mark {
        mark.lift().await;
    }
    let report = report?;
    let exit = context.answer(target, &report)?;
    if let Some(previous) = &report.previous {
        context.ui.note(&format!(
            "next: look at {}, then drop the old one: DROP DATABASE {};",
            report.database,
            crate::sql::quote_name(previous)
        ));
    }
    Ok(exit)
}
