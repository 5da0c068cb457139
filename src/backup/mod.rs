//! backup: a parallel, consistent copy of a database that stock pg_restore reads.
//!
//! pg_dump writes the plan, pgtend moves the bytes. `coordinator` locks, exports a snapshot
//! and takes pg_dump's table of contents; [`chunks`] cuts the tables; `reader`s copy chunks
//! under the snapshot into `publish`'s objects; the manifest, written last, makes the folder
//! a backup. [`catalog`] finds backups again; [`copy`] puts one into another repository, too.

pub mod all;
mod attempt;
mod canaries;
pub mod catalog;
pub mod chunks;
mod claim;
mod closer;
mod coordinator;
mod copier;
pub mod copy;
mod copying;
pub mod databases;
pub mod drift;
mod dump;
pub mod globals;
mod head_start;
pub mod history;
pub mod in_use;
mod large_objects;
mod lock;
pub mod objects;
mod opened;
pub mod pace;
mod pattern;
pub mod preflight;
pub mod prune;
mod publish;
mod reader;
mod record;
mod remove;
pub mod retention;
mod run;
pub mod statements;
pub mod table;
pub mod tell;
mod work;

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use coordinator::Coordinator;
use globals::Globals;
use head_start::Ground;
use opened::Opened;
use pace::Pace;
use run::Stop;
use work::Work;

use crate::archive::frame::Compression;
use crate::archive::seal::Recipients;
use crate::conn::{Server, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::backup::Backup;
use crate::settings::{Environment, Labels, Target};
use crate::store::Store;

/// How often everything may start over when the snapshot is lost.
const RUNS: u32 = 3;
/// How long a run that was asked to stop may take to end by itself.
const GRACE: Duration = Duration::from_secs(10);
/// The same for one that is publishing: Kubernetes kills 30 s after its signal.
const LAST_ANSWER: Duration = Duration::from_secs(25);
/// The reason, for programs, of a run that ended before the store said whether the backup is
/// published.
pub const IN_DOUBT: &str = "in-doubt";

/// What to back up, where to, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The database.
    pub target: Target,
    /// PATH and the like, for child processes.
    pub environment: Environment,
    /// The repository.
    pub store: Store,
    /// Folder of the cluster, where the operator named one.
    pub cluster: Option<String>,
    /// Whether another server may take over the cluster's folder.
    pub new_cluster: bool,
    /// Parallel readers.
    pub jobs: usize,
    /// Compression of data files.
    pub compress: Compression,
    /// Who will be able to open the backup; everybody who reads the store, when `None`.
    pub recipients: Option<Recipients>,
    /// Bytes of a chunk, about.
    pub chunk: u64,
    /// Filters, passed on to pg_dump.
    pub filters: Vec<String>,
    /// Role to become, as pg_dump's `--role`.
    pub role: Option<String>,
    /// How fast it may be read.
    pub pace: Option<Arc<Pace>>,
    /// What the operator tells it apart by.
    pub labels: Labels,
    /// Longest wait for another backup of the database to end; none is an error at once.
    pub retry_lock: Option<Duration>,
    /// Longest wait for a lock on a table.
    pub lock_wait: Duration,
    /// Longest life of the snapshot.
    pub max_snapshot_age: Option<Duration>,
    /// Whether the snapshot must be one of a serial order.
    pub serializable_deferrable: bool,
    /// Whether roles and tablespaces are stored too.
    pub globals: Globals,
    /// Whether a pooler in between is accepted.
    pub allow_pooler: bool,
    /// Whether to stop before the first byte is written.
    pub dry_run: bool,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the run.
    pub cancel: CancellationToken,
}

impl Request {
    fn dump_arguments(&self) -> Vec<String> {
        let role = self.role.iter().map(|role| format!("--role={role}"));
        self.filters.iter().cloned().chain(role).collect()
    }
}

/// Makes a backup; starts over when the snapshot is lost, a bounded number of times.
///
/// Without success nothing is published and nothing stays in the store; save for an error with the
/// reason [`IN_DOUBT`], which leaves a whole backup or one without its record.
pub async fn run(request: &Request) -> Result<Backup> {
    let mut lost = None;
    run_until_done(request, &mut lost).await.map_err(|error| {
        let again = lost.map(|lost| format!(", in a new start after {lost}")).unwrap_or_default();
        match request.progress.place() {
            None => error,
            Some(place) => error.during(format!("{place}{again}")),
        }
    })
}

/// `lost` becomes what the run was doing when it last had to start over.
async fn run_until_done(request: &Request, lost: &mut Option<String>) -> Result<Backup> {
    let options = SessionOptions {
        application: "pgtend/backup".into(),
        read_only: true,
        only_reads: false,
        retry: true,
        settings: statements::pins_and_role(request.role.as_deref()),
        prompt: Some(crate::settings::ask_password),
        tell: Some(request.progress.listener()),
    };
    for number in 1.. {
        let made = OnceCell::new();
        let result = tokio::select! {
            result = attempt(request, &options, number > 1, &made) => result,
            () = out_of_patience(request) => Err(Stop::Asked),
        };
        let doubt = request.progress.in_doubt();
        // A record that may still come to be there: what it lists must stay.
        if result.is_err() && doubt.is_none() {
            clean_up(request, made.get()).await;
        }
        request.store.notes().into_iter().for_each(|note| request.progress.note(note));
        match result {
            Ok(report) => return Ok(report),
            Err(Stop::Asked) => {
                return Err(doubt.map_or_else(stopped, |id| in_doubt(request, &id)));
            }
            Err(Stop::StartOver(error)) if number < RUNS => {
                let phase = error.phase().map(str::to_owned);
                *lost = phase.or_else(|| request.progress.place());
                request.progress.note(format!("{error}; starting over"));
            }
            Err(Stop::StartOver(error)) => {
                return Err(
                    error.because(format!("that happened {RUNS} times; nothing was published"))
                );
            }
            Err(Stop::Failed(error)) => return Err(error),
        }
    }
    Err(Error::bug("a backup ended without a result"))
}

/// The encoding that rows leave the server in. An SQL_ASCII database cannot convert: its bytes
/// stay what they are.
fn text_encoding(server: &Server) -> &'static str {
    if server.encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" }
}

fn stopped() -> Error {
    Error::new(Exit::Interrupted, "the backup was stopped").because("nothing was published")
}

/// Ends some time after the run was asked to stop. Every step ends by itself then; this is the bound
/// for one that cannot.
async fn out_of_patience(request: &Request) {
    request.cancel.cancelled().await;
    tokio::time::sleep(GRACE).await;
    if request.progress.in_doubt().is_some() {
        tokio::time::sleep(LAST_ANSWER.saturating_sub(GRACE)).await;
    }
}

fn in_doubt(request: &Request, id: &str) -> Error {
    let place = request.store.location();
    Error::new(Exit::Interrupted, "the backup was stopped while it was being published")
        .because(format!("it is not known whether backup {id} is complete"))
        .because(format!("{place} did not answer within {} s", LAST_ANSWER.as_secs()))
        .next(format!("see whether it is: pgtend backup list --repo {place}"))
        .reason(IN_DOUBT)
}

/// One run; `made` is the folder that it made.
async fn attempt(
    request: &Request,
    options: &SessionOptions,
    again: bool,
    made: &OnceCell<String>,
) -> Result<Backup, Stop> {
    let clock = Instant::now();
    let started = jiff::Timestamp::now();
    let opened = Opened::connect(request, options, again).await?;
    // A backup begins when it is its turn: the one that was waited for is older, by its id too.
    let (clock, started) = (clock + opened.waited, started + opened.waited);
    let server = opened.session.server();
    let cluster = catalog::cluster_folder(request, &opened.session);
    let place = catalog::Place::new(&cluster, &server.database, started);
    let system = server.system_identifier.to_string();
    if !request.new_cluster
        && let Some(other) = catalog::other_cluster(&request.store, &place.parent, &system).await?
    {
        return Err(other
            .next("give this server another name: --cluster NAME")
            .next("or, if it took the other's place (a new major version, a restored copy): --new-cluster")
            .into());
    }
    let (jobs, few) = opened.room.jobs(request.jobs)?;
    let has_room = opened.room.fits_beside(jobs);
    let ground = Ground { request, options, place: &place, jobs, has_room, made };
    let mut coordinator = Coordinator::plan(opened, request, options, &ground).await?;
    if request.cancel.is_cancelled() {
        return Err(Stop::Asked);
    }
    coordinator.warnings.extend(few);
    let ahead = coordinator.ahead.take();
    let work = Work { request, coordinator, ground: &ground, clock, started };
    if request.dry_run {
        return Ok(work.plan());
    }
    ground.make().await?;
    work.copy_and_publish(ahead).await
}

/// Removes what a run left in the store when it ended without a backup, in whatever way.
async fn clean_up(request: &Request, made: Option<&String>) {
    let Some(folder) = made else { return };
    let removed = tokio::time::timeout(GRACE, request.store.remove_folder(folder)).await;
    // What stays has no manifest: it is listed as incomplete.
    let why = match removed {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the store did not answer within {} s", GRACE.as_secs()),
    };
    request.progress.note(format!("what was stored so far could not be removed: {why}"));
}
