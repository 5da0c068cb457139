//! `pgtend backup [run]`: backs up a database.

use std::sync::Arc;
use std::time::Duration;

use super::all::{AllFlags, MadeAll, back_up_all};
use super::copy::{self, CopyFlags};
use super::filters::Filters;
use super::labels::LabelFlags;
use super::limits::LimitFlags;
use super::outcome;
use super::published;
use super::retention_flags::RetentionFlags;
use super::seal_flags::SealFlags;
use super::story::{self, Teller};
use super::story_flags::StoryFlags;
use crate::archive::frame::Compression;
use crate::backup::globals::Globals;
use crate::backup::{self, catalog, chunks, retention};
use crate::cli::connect::ReadFrom;
use crate::command::{Context, with_progress};
use crate::conn::{Routed, SessionOptions, Taken};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::backup::Backup;
use crate::settings::{BackupDefaults, Labels, Retention, Target, ask_password, quantity};

#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub(super) struct RunArgs {
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
    pub(super) cluster: Option<String>,

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
    pub(super) dry_run: bool,

    #[command(flatten)]
    labels: LabelFlags,

    #[command(flatten)]
    limits: LimitFlags,

    #[command(flatten)]
    pub(super) all: AllFlags,

    #[command(flatten)]
    seal: SealFlags,

    #[command(flatten)]
    copies: CopyFlags,

    #[command(flatten)]
    pub(super) story: StoryFlags,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    retention: RetentionFlags,
}

impl RunArgs {
    /// As it is when nothing is given.
    pub(super) fn untouched() -> Self {
        Self { lock_wait: Duration::from_secs(60), ..Self::default() }
    }

    /// `--keep-last` and its like.
    pub(super) fn rules(&self) -> Retention {
        self.retention.given()
    }

    /// `--label`.
    pub(super) fn labels(&self) -> Result<Labels> {
        self.labels.given()
    }

    /// Flags that have a default in `[backup]`, by the name that they have there.
    pub(super) fn given(&self) -> Vec<(&'static str, String)> {
        let flags = [
            ("jobs", self.jobs.map(|jobs| jobs.to_string())),
            ("compress", self.compress.map(|compress| compress.to_string())),
            ("chunk", self.chunk.map(quantity::written_bytes)),
            ("rate_limit", self.limits.rate_limit.map(quantity::written_rate)),
        ];
        let flags = flags.into_iter().chain(self.story.given());
        flags.filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What a backup is made with when neither a flag nor `[backup]` says otherwise.
pub fn standard() -> BackupDefaults {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    BackupDefaults {
        jobs: Some(processors.min(4)),
        compress: Some(Compression::DEFAULT.to_string()),
        chunk: Some(chunks::CHUNK_BYTES),
        hook_timeout: Some(story::HOOK_TIMEOUT),
        retention: Retention {
            proven: Some(retention::PROVEN),
            min_keep: Some(retention::MIN_KEEP),
            ..Retention::default()
        },
        ..BackupDefaults::default()
    }
}

/// What was made.
enum Made {
    One(Box<Backup>),
    All(MadeAll),
}

/// Backs up, and tells everybody how it went.
pub(super) async fn back_up(context: &Context, args: RunArgs) -> Result<Exit> {
    let mut teller = Teller::new(context, &args)?;
    let (name, dry_run) = (teller.name(), args.dry_run);
    let made = match teller.begin().await {
        Ok(()) => make(context, args).await,
        Err(error) => Err(error),
    };
    let outcome = match made {
        Ok(Made::All(made)) => {
            let (made, warnings) = teller.tell_all(made).await;
            return outcome::tell_all(context, name.as_deref(), made, dry_run, warnings);
        }
        Ok(Made::One(backup)) => Ok(*backup),
        Err(error) => Err(error),
    };
    let report = teller.tell(outcome).await?;
    for warning in &report.warnings {
        context.ui.warning(warning);
    }
    let exit = context.answer(name.as_deref(), &report)?;
    if !report.dry_run {
        context.ui.note(&format!(
            "next: pgtend verify-backup {} --repo {} --level content",
            report.id, report.repository
        ));
    }
    Ok(exit)
}

/// Makes the backup, or several.
async fn make(context: &Context, args: RunArgs) -> Result<Made> {
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
    let copies = args.copies.stores(context, &store)?;
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
        recipients: args.seal.recipients(&defaults.recipients)?,
        chunk: args.chunk.or(defaults.chunk).unwrap_or(chunks::CHUNK_BYTES),
        filters: args.filters.arguments(),
        role: args.filters.role,
        lock_wait: args.lock_wait,
        max_snapshot_age: args.max_snapshot_age,
        serializable_deferrable: args.serializable_deferrable,
        pace: args.limits.pace(defaults),
        labels: args.labels.over(defaults.labels.clone())?,
        retry_lock: args.limits.retry_lock,
        globals: if args.no_globals { Globals::LeaveOut } else { Globals::Read },
        allow_pooler: args.allow_pooler,
        dry_run: args.dry_run,
        progress: Arc::clone(&progress),
        cancel: context.signals.cancel.clone(),
    };
    let rules = args.retention.given().or(&defaults.retention);
    if args.all.all_databases {
        let mut all = back_up_all(context, &request, &args.all).await?;
        for backup in all.outcomes.iter_mut().filter_map(|one| one.result.as_mut().ok()) {
            copy::to_all(context, &request, &copies, backup).await;
            published::follow(context, &request.store, &rules, backup).await;
        }
        return Ok(Made::All(all));
    }
    progress.about(&request.target.database);
    let mut one = with_progress(context, &progress, backup::run(&request)).await?;
    copy::to_all(context, &request, &copies, &mut one).await;
    published::follow(context, &request.store, &rules, &mut one).await;
    Ok(Made::One(Box::new(one)))
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
