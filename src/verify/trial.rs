//! Level restore: the proof of a backup is a database.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::compare::{AssertionFile, Comparison, Inputs, LargeObjects};
use super::scratch::{Place, Scratch};
use super::{Request, stopped, unless_stopped};
use crate::archive::manifest::{Kind, Manifest, Object};
use crate::backup::catalog::Found;
use crate::consent::Consent;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::restore::{LeftOut, Restored};
use crate::report::verify::{Problem, ProblemKind, Trial, Verified};
use crate::restore::foreign::Dump;
use crate::restore::plan::{Fate, Plan};
use crate::restore::{self, Mode, Source, some_rows};

/// How long a restore that was asked to stop may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// What the server says then; one of our own speaks English.
const DISK_FULL: &str = "No space left on device";

fn disk_full() -> Error {
    Error::new(Exit::Io, "the scratch server has no more room")
        .next("free space there, or give another folder: --scratch-dir DIR")
        .next("or another server: --scratch URL")
}

/// Where a backup is tried, and what must hold then.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where.
    pub place: Place,
    /// What must hold in the restored database.
    pub assertions: Vec<AssertionFile>,
}

/// The part of a backup that is tried.
#[derive(Debug)]
pub struct PartOf {
    /// pg_dump's numbers of the entries that are loaded.
    rows: BTreeSet<i32>,
    has_large_objects: bool,
    raw_bytes: u64,
}

impl PartOf {
    /// All that a record, cut to a part, still names.
    pub fn new(record: &Manifest) -> Self {
        let lists = |object: &&Object| object.kind == Kind::LargeObjectList;
        Self {
            rows: record.objects.iter().filter_map(|object| object.entry).collect(),
            has_large_objects: record.objects.iter().any(|object| lists(&object)),
            raw_bytes: record.objects.iter().map(|object| object.raw_bytes).sum(),
        }
    }
}

/// Restores, compares and adds what is wrong to `result`. Whatever happens, nothing stays.
///
/// # Errors
/// There was no trial: no server, no room, a lost connection, or it was stopped.
pub async fn check(
    request: &Request,
    found: &Found,
    part: Option<&PartOf>,
    large_objects: &LargeObjects,
    result: &mut Verified,
) -> Result<()> {
    let source = Source::open(&request.store, found.clone()).await?;
    tried(request, &source, Input::Backup(large_objects, part), result).await
}

/// The same for a file of pg_dump: it restores without an error, or not.
///
/// # Errors
/// As those of [`check`].
pub async fn check_dump(request: &Request, dump: &Arc<Dump>, result: &mut Verified) -> Result<()> {
    let source = dump.as_source(&request.store);
    tried(request, &source, Input::Dump(dump), result).await
}

/// What is tried.
#[derive(Clone, Copy)]
enum Input<'a> {
    Backup(&'a LargeObjects, Option<&'a PartOf>),
    Dump(&'a Arc<Dump>),
}

impl<'a> Input<'a> {
    /// Of a backup the tables that are tried, where not all are.
    fn part(self) -> Option<&'a PartOf> {
        match self {
            Self::Backup(_, part) => part,
            Self::Dump(_) => None,
        }
    }

    fn dump(self) -> Option<&'a Arc<Dump>> {
        match self {
            Self::Dump(dump) => Some(dump),
            Self::Backup(..) => None,
        }
    }
}

async fn tried(
    request: &Request,
    source: &Source,
    input: Input<'_>,
    result: &mut Verified,
) -> Result<()> {
    let raw_bytes = input.part().map_or(source.manifest.totals.raw_bytes, |part| part.raw_bytes);
    let scratch = start(request, source, raw_bytes).await?;
    let tried = try_it(request, source, &scratch, input, result).await;
    let log = scratch.log();
    if let Err(error) = scratch.end().await {
        request.progress.note(error.to_string());
        error.next_steps().iter().for_each(|step| request.progress.note(step));
    }
    match tried {
        Err(error) if error.to_string().contains(DISK_FULL) && error.exit() != Exit::Io => {
            Err(error.causes().iter().cloned().fold(disk_full(), Error::because))
        }
        // A server that has ended says why.
        Err(error) if error.exit() == Exit::Unavailable => {
            let last = log.as_deref().unwrap_or("").lines().rev().take(3).collect::<Vec<_>>();
            Err(last.into_iter().rev().fold(error, |error, line| error.because(line)))
        }
        tried => tried,
    }
}

async fn start(request: &Request, source: &Source, raw_bytes: u64) -> Result<Scratch> {
    let toc = &source.toc;
    let database = toc.entries.iter().find(|entry| entry.kind() == "DATABASE");
    let definition = database.map_or("", |entry| entry.definition());
    let starting = Scratch::start(
        &request.trial.place,
        &request.environment,
        &source.manifest,
        raw_bytes,
        definition,
        request.jobs,
        &request.progress,
    );
    match request.trial.place {
        Place::Local { .. } => unless_stopped(request, starting).await,
        // Never left in the middle: a database would stay.
        Place::Server(_) => starting.await,
    }
}

async fn try_it(
    request: &Request,
    source: &Source,
    scratch: &Scratch,
    input: Input<'_>,
    result: &mut Verified,
) -> Result<()> {
    let dump = input.dump();
    if let Scratch::Local(local) = scratch {
        // Without them owners, rights and policies would not be tried.
        let prepared = async {
            let named = dump.map_or_else(|| source.toc.clone(), |dump| dump.toc_with_roles());
            local.create_roles(&Plan::new(named), &request.progress).await?;
            local.create_tablespaces(&tablespaces(source)).await
        };
        unless_stopped(request, prepared).await?;
    }
    let (restored, left_out) = restore(request, source, input, scratch).await?;
    // The backup cannot help that.
    if let Some(failed) = restored.failed.iter().find(|failed| failed.error.contains(DISK_FULL)) {
        return Err(disk_full().because(failed.error.clone()));
    }
    for failed in &restored.failed {
        let colon = if failed.object.is_empty() { "" } else { ": " };
        let what = format!("{}{colon}{}", failed.object, failed.error);
        result.problems.push(problem(ProblemKind::Restore, what));
    }
    for left in restored.left_out.iter().filter(|left| left.missing) {
        let what = format!("{} could not be tried: {}", left.object, left.reason);
        result.problems.push(problem(ProblemKind::Unknown, what));
    }
    let clock = Instant::now();
    let target = scratch.target();
    let inputs = Inputs {
        target: &target,
        manifest: &source.manifest,
        toc: &source.toc,
        left_out: &left_out,
        jobs: request.jobs,
        progress: &request.progress,
        cancel: &request.cancel,
    };
    let comparison = unless_stopped(request, compare(request, inputs, input)).await?;
    let Comparison { problems, counts, .. } = comparison;
    result.problems.extend(problems);
    // What belongs to the database itself has no place in one to throw away.
    let (left_out, needless): (Vec<_>, Vec<_>) =
        restored.left_out.into_iter().partition(|left| left.missing);
    if let Some(part) = &mut result.part {
        let not_tried = needless.iter().filter(|left| left.reason.starts_with(some_rows::REASON));
        let told = |left: &LeftOut| {
            format!("{} ({})", left.object, &left.reason[some_rows::REASON.len()..])
        };
        part.not_tried = not_tried.map(told).collect();
    }
    result.trial = Some(Trial {
        scratch: scratch.label(),
        pg_restore: restored.pg_restore,
        objects: restored.objects.saturating_sub(needless.len() as u64),
        restored: restored.restored,
        left_out,
        restore_seconds: restored.seconds,
        phases: restored.phases,
        compare_seconds: clock.elapsed().as_secs_f64(),
        tables: counts.tables,
        rows: counts.rows,
        sequences: counts.sequences,
        large_objects: counts.large_objects,
        objects_found: counts.objects,
        indexes_checked: counts.indexes_checked,
        heaps_checked: counts.heaps_checked,
        assertions: counts.assertions,
        notes: restored.notes,
    });
    Ok(())
}

/// Names of the tablespaces that objects lie in, but for the server's own.
fn tablespaces(source: &Source) -> BTreeSet<String> {
    let names = source.toc.entries.iter().map(|entry| entry.tablespace_name());
    names.filter(|name| !name.is_empty() && !name.starts_with("pg_")).map(str::to_owned).collect()
}

fn problem(kind: ProblemKind, what: String) -> Problem {
    Problem { kind, object: None, table: None, what }
}

/// Restores; gives the report and pg_dump's numbers of what was left out.
async fn restore(
    request: &Request,
    source: &Source,
    input: Input<'_>,
    scratch: &Scratch,
) -> Result<(Restored, HashSet<i32>)> {
    let target = scratch.target();
    let restore = restore::Request {
        into: target.database.clone(),
        target,
        mode: Mode::Existing,
        environment: request.environment.clone(),
        store: request.store.clone(),
        backup: source.found.clone(),
        dump: input.dump().cloned(),
        jobs: request.jobs,
        parts: restore::Parts {
            rows: input.part().map(|part| part.rows.clone()),
            ..restore::Parts::default()
        },
        globals: false,
        clean: false,
        overwrite_source: false,
        no_owner: false,
        no_privileges: false,
        role: None,
        // An application has use for a database only once it has statistics.
        analyze: true,
        progress: Arc::clone(&request.progress),
        cancel: request.cancel.child_token(),
    };
    let prepared = unless_stopped(request, restore::prepare(&restore)).await?;
    let plan = &prepared.plan;
    let left_out = plan.toc.entries.iter().enumerate();
    let left_out = left_out.filter(|(index, _)| matches!(plan.fate(*index), Fate::LeftOut(_)));
    let left_out = left_out.map(|(_, entry)| entry.id).collect();
    let consent = Consent::for_own_database();
    let restored = tokio::select! {
        restored = restore::run(&restore, prepared, &consent) => restored,
        () = async {
            request.cancel.cancelled().await;
            tokio::time::sleep(GRACE).await;
        } => Err(stopped()),
    };
    match restored {
        Err(error) if error.exit() == Exit::Interrupted => Err(stopped()),
        restored => Ok((restored?, left_out)),
    }
}

async fn compare<'a>(
    request: &Request,
    inputs: Inputs<'a>,
    input: Input<'_>,
) -> Result<Comparison<'a>> {
    let mut comparison = Comparison::start(inputs).await?;
    // A file of pg_dump has no record of rows and of large objects' bytes.
    if input.dump().is_none() {
        comparison.rows().await?;
    }
    comparison.sequences().await?;
    if let Input::Backup(large_objects, part) = input
        // Where they are not loaded there are empty ones.
        && part.is_none_or(|part| part.has_large_objects)
    {
        comparison.large_objects(large_objects).await?;
    }
    // A script has no list of what it makes.
    if !input.dump().is_some_and(|dump| dump.is_script()) {
        comparison.structure().await?;
    }
    comparison.amcheck().await?;
    comparison.assertions(&request.trial.assertions).await?;
    Ok(comparison)
}
