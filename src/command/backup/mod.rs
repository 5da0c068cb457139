//! `pgtend backup`, `backup list` and `backup show`.

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;

use super::{Context, with_progress};
use crate::archive::frame::Compression;
use crate::archive::manifest::ManifestError;
use crate::backup::{self, catalog, chunks};
use crate::cli::connect::ReadFrom;
use crate::conn::{Routed, SessionOptions, Taken};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::backup::{List, Show};
use crate::settings::{BackupDefaults, Target, ask_password, quantity};

const AFTER_HELP: &str = "\
Examples:
  pgtend backup --repo /var/backups/pg -d app
  pgtend backup -h db.example.com -U backup -d app -r /mnt/pg -j 4 -N scratch
  pgtend backup list -r /var/backups/pg
  pgtend verify-backup latest:app -r /var/backups/pg --level content";

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
    List,
    /// Show all that is known of one backup
    Show {
        /// Id of the backup or the start of it, latest, or latest:DATABASE
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
struct RunArgs {
    /// Number of parallel readers (default: as many as processors, at most 4)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,

    /// Compression of data files: zstd[:LEVEL], gzip[:LEVEL] or none (default: zstd:2)
    #[arg(long, value_name = "METHOD")]
    compress: Option<Compression>,

    /// Size of the part of a table that is read at once (default: 64MiB)
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    chunk: Option<u64>,

    /// Folder of the cluster in the repository (default: the target's name, or host and port)
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// Let this server take over a cluster's folder from another one
    #[arg(long)]
    new_cluster: bool,

    /// Leave roles and tablespaces out
    #[arg(long)]
    no_globals: bool,

    /// Longest wait for a lock on a table
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = quantity::duration)]
    lock_wait: Duration,

    /// Give up when the snapshot gets older than this
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    max_snapshot_age: Option<Duration>,

    /// Wait for a snapshot that stands in a serial order of all transactions
    #[arg(long)]
    serializable_deferrable: bool,

    /// Accept a pooler that may be in transaction mode: other clients may get pg_dump's settings
    #[arg(long)]
    allow_pooler: bool,

    /// Show what would be read and written, and stop before the first byte
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    filters: Filters,
}

/// pg_dump's own filters, passed on to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Filters (as pg_dump knows them)")]
struct Filters {
    /// Back up only these schemas
    #[arg(short = 'n', long, value_name = "PATTERN")]
    schema: Vec<String>,

    /// Leave these schemas out
    #[arg(short = 'N', long, value_name = "PATTERN")]
    exclude_schema: Vec<String>,

    /// Back up only these tables
    #[arg(short = 't', long, value_name = "PATTERN")]
    table: Vec<String>,

    /// Leave these tables out
    #[arg(short = 'T', long, value_name = "PATTERN")]
    exclude_table: Vec<String>,

    /// Leave the rows of these tables out
    #[arg(long, value_name = "PATTERN")]
    exclude_table_data: Vec<String>,

    /// Back up only these extensions
    #[arg(short = 'e', long, value_name = "PATTERN")]
    extension: Vec<String>,

    /// Leave all rows out
    #[arg(short = 's', long)]
    schema_only: bool,

    /// Leave large objects out
    #[arg(long, conflicts_with = "large_objects")]
    no_large_objects: bool,

    /// Include large objects in spite of other filters
    #[arg(short = 'b', long)]
    large_objects: bool,

    /// Leave the rows of unlogged tables out
    #[arg(long)]
    no_unlogged_table_data: bool,

    /// Leave owners out
    #[arg(short = 'O', long)]
    no_owner: bool,

    /// Leave rights out
    #[arg(short = 'x', long)]
    no_privileges: bool,

    /// Role to become after the login
    #[arg(long, value_name = "NAME")]
    role: Option<String>,

    /// pg_dump's format: refused, with what pgtend does instead
    #[arg(short = 'F', hide = true, value_name = "FORMAT")]
    dump_format: Option<String>,

    /// pg_dump's file: refused, with what pgtend does instead
    #[arg(short = 'f', long = "file", hide = true, value_name = "FILE")]
    dump_file: Option<String>,

    /// pg_dump's compression: refused, with what pgtend does instead
    #[arg(short = 'Z', hide = true, value_name = "LEVEL")]
    dump_compress: Option<String>,
}

impl Filters {
    fn refuse_pg_dump_habits(&self) -> Result<()> {
        let habit = |flag: &str, why: &str, next: &str| {
            Err(Error::usage(format!("{flag} is pg_dump's")).because(why).next(next))
        };
        if self.dump_format.is_some() {
            return habit(
                "-F",
                "a backup is always a directory-format archive with a manifest beside it",
                "leave -F out; restore it with pg_restore -Fd, or copy the folder",
            );
        }
        if self.dump_file.is_some() {
            return habit(
                "-f",
                "a backup goes into a folder of its own in a repository",
                "give the repository instead: --repo DIR",
            );
        }
        if self.dump_compress.is_some() {
            return habit(
                "-Z",
                "pgtend compresses itself",
                "give --compress zstd:2, gzip:6 or none",
            );
        }
        Ok(())
    }

    /// As pg_dump's arguments, in long forms that versions 13 to 18 know.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (flag, patterns) in [
            ("--schema", &self.schema),
            ("--exclude-schema", &self.exclude_schema),
            ("--table", &self.table),
            ("--exclude-table", &self.exclude_table),
            ("--exclude-table-data", &self.exclude_table_data),
            ("--extension", &self.extension),
        ] {
            arguments.extend(patterns.iter().map(|pattern| format!("{flag}={pattern}")));
        }
        for (flag, given) in [
            ("--schema-only", self.schema_only),
            // --large-objects came with 16; the older spelling works everywhere.
            ("--no-blobs", self.no_large_objects),
            ("--blobs", self.large_objects),
            ("--no-unlogged-table-data", self.no_unlogged_table_data),
            ("--no-owner", self.no_owner),
            ("--no-privileges", self.no_privileges),
        ] {
            arguments.extend(given.then(|| flag.to_owned()));
        }
        arguments
    }
}

impl Args {
    /// Flags that have a default in `[backup]`, by the name that they have there.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let args = match &self.action {
            Some(Action::Run(args)) => args,
            _ => &self.run,
        };
        let flags = [
            ("jobs", args.jobs.map(|jobs| jobs.to_string())),
            ("compress", args.compress.map(|compress| compress.to_string())),
            ("chunk", args.chunk.map(quantity::written_bytes)),
        ];
        flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What a backup is made with when neither a flag nor `[backup]` says otherwise.
pub fn standard() -> BackupDefaults {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    BackupDefaults {
        jobs: Some(processors.min(4)),
        compress: Some(Compression::DEFAULT.to_string()),
        chunk: Some(chunks::CHUNK_BYTES),
        max_age: None,
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    match args.action {
        None => back_up(context, args.run).await,
        Some(Action::Run(run)) if args.run == RunArgs::untouched() => back_up(context, run).await,
        Some(Action::List) if args.run == RunArgs::untouched() => list(context).await,
        Some(Action::Show { id }) if args.run == RunArgs::untouched() => show(context, &id).await,
        Some(_) => Err(Error::usage("flags of a backup stand before another action")
            .next("put them behind it, or leave them out: pgtend backup list --repo DIR")),
    }
}

impl RunArgs {
    /// As it is when nothing is given.
    fn untouched() -> Self {
        Self { lock_wait: Duration::from_secs(60), ..Self::default() }
    }
}

async fn back_up(context: &Context, args: RunArgs) -> Result<Exit> {
    args.filters.refuse_pg_dump_habits()?;
    if args.lock_wait.is_zero() {
        return Err(Error::usage(
            "--lock-wait 0 would wait for ever, with the application behind it",
        )
        .next("give a short time: --lock-wait 1s"));
    }
    let defaults = &context.settings.backup;
    let compress = match (args.compress, &defaults.compress) {
        (Some(compress), _) => compress,
        (None, Some(text)) => text.parse().map_err(|error: String| {
            Error::usage(format!("compress = \"{text}\" in pgtend.toml")).because(error)
        })?,
        (None, None) => Compression::DEFAULT,
    };
    let store = context.store()?;
    let (target, elsewhere) = source(context).await?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let progress = Arc::new(Progress::default());
    let request = backup::Request {
        target,
        environment: context.settings.environment().clone(),
        store,
        cluster: args.cluster.or(elsewhere),
        new_cluster: args.new_cluster,
        jobs: args.jobs.map(usize::from).or(defaults.jobs).unwrap_or(processors.min(4)),
        compress,
        chunk: args.chunk.or(defaults.chunk).unwrap_or(chunks::CHUNK_BYTES),
        filters: args.filters.arguments(),
        role: args.filters.role,
        lock_wait: args.lock_wait,
        max_snapshot_age: args.max_snapshot_age,
        serializable_deferrable: args.serializable_deferrable,
        globals: !args.no_globals,
        allow_pooler: args.allow_pooler,
        dry_run: args.dry_run,
        progress: Arc::clone(&progress),
        cancel: context.signals.cancel.clone(),
    };
    let report = with_progress(context, &progress, backup::run(&request)).await?;
    for warning in &report.warnings {
        context.ui.warning(warning);
    }
    let exit = context.answer(request.target.name.as_deref(), &report)?;
    if !report.dry_run {
        context.ui.note(&format!(
            "next: pgtend verify-backup {} --repo {} --level content",
            report.id, report.repository
        ));
    }
    Ok(exit)
}

/// The server to read from, and the cluster's folder when that is not the server that is backed
/// up: a replica's backups lie where the primary's do.
async fn source(context: &Context) -> Result<(Target, Option<String>)> {
    let target = context.target()?;
    if matches!(context.connect.read_from, None | Some(ReadFrom::Primary)) {
        return Ok((target, None));
    }
    let options = SessionOptions {
        application: "pgtend/backup".into(),
        read_only: true,
        retry: true,
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::default()
    };
    let routed = tokio::select! {
        routed = context.route(&target, &options) => routed?,
        () = context.signals.cancel.cancelled() => {
            return Err(Error::new(context.signals.exit(), "the backup was stopped")
                .because("nothing was published"));
        }
    };
    let Routed { session, choice } = routed;
    let from = Target { name: target.name.clone(), ..session.same_server() };
    let folder = match choice.taken {
        Taken::Primary | Taken::Fallback => None,
        Taken::Replica | Taken::Backup => target.name.or_else(|| {
            let host = target.hosts.first()?;
            let socket = host.socket().is_some();
            Some(catalog::folder_name(host.tls_name(), host.port, socket))
        }),
    };
    Ok((from, folder))
}

async fn list(context: &Context) -> Result<Exit> {
    let store = context.existing_store().await?;
    let mut backups = Vec::new();
    for found in catalog::all(&store).await? {
        backups.push(found.listed(&store).await?);
    }
    context.answer(None, &List { repository: store.location(), backups })
}

async fn show(context: &Context, id: &str) -> Result<Exit> {
    let store = context.existing_store().await?;
    let found = catalog::resolve(&store, id).await?;
    let manifest = match found.manifest(&store).await? {
        None => {
            return Err(Error::new(Exit::Critical, format!("backup {} is incomplete", found.id))
                .because("it has no manifest: it is still running, or was broken off"));
        }
        Some(Err(error @ ManifestError::Newer(_))) => {
            return Err(Error::usage("cannot show this backup").caused_by(&error));
        }
        Some(Err(error)) => {
            return Err(Error::new(Exit::Critical, format!("backup {} is damaged", found.id))
                .caused_by(&error));
        }
        Some(Ok(mut manifest)) => {
            manifest.objects.iter_mut().for_each(|object| object.frames.clear());
            manifest
        }
    };
    let backup = found.listed(&store).await?;
    context.answer(None, &Show { backup, manifest })
}
