//! verify-backup: what is still true of a backup.
//!
//! [`manifest`] looks at the record, names and sizes; [`content`] reads every byte; [`trial`]
//! restores into a database of [`scratch`] and has [`compare`] look at what came back. Each level
//! says what it does not prove. A file of pg_dump ([`foreign`]) has levels of the same names,
//! which show less: it has no record.

pub mod compare;
pub mod content;
pub mod coverage;
pub mod foreign;
pub mod manifest;
mod record;
pub mod rotation;
pub mod scratch;
pub mod self_test;
pub mod trial;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::archive::manifest::Manifest;
use crate::archive::seal::Identities;
use crate::backup::catalog::{self, Found};
use crate::backup::drift::{self, Limits};
use crate::backup::in_use::Mark;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::verify::{Level, Problem, ProblemKind, Verification, Verified};
use crate::settings::Environment;
use crate::store::Store;

use rotation::{Ledger, Share};

/// What to verify, and how deep.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository; for a path, its root.
    pub store: Store,
    /// What opens sealed backups; there may be none.
    pub identities: Identities,
    /// Ids, `latest`, `latest:DATABASE`; empty with `since`.
    pub names: Vec<String>,
    /// Every complete backup not older than this.
    pub since: Option<Duration>,
    /// The level.
    pub level: Level,
    /// The oldest that the newest named backup may be.
    pub max_age: Option<Duration>,
    /// Which part of the tables to look at; all without.
    pub share: Option<Share>,
    /// The longest that the proof of any table may be ago.
    pub max_proof_age: Option<Duration>,
    /// What of a comparison with the backups before is worth a warning; none is made without.
    pub canaries: Option<Limits>,
    /// Whether a record is left in the store.
    pub record: bool,
    /// Parallel readers.
    pub jobs: usize,
    /// Where and how a backup is tried, at level restore.
    pub trial: trial::Options,
    /// PATH and the like, for child processes.
    pub environment: Environment,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the run.
    pub cancel: CancellationToken,
}

/// Does `work` until the run is stopped.
async fn unless_stopped<T>(request: &Request, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = request.cancel.cancelled() => Err(stopped()),
        result = work => result,
    }
}

fn stopped() -> Error {
    Error::new(Exit::Interrupted, "the verification was stopped").because("nothing is proved")
}

/// Verifies some backups, one after the other; damage of one hides nothing of the others.
pub async fn run(request: &Request) -> Result<Verification> {
    let backups = unless_stopped(request, choose(request)).await?;
    let mut results = Vec::new();
    for (at, found) in backups.iter().enumerate() {
        // A limit on age is about the newest of a database: the others grow old by themselves.
        let newest = !backups[at + 1..]
            .iter()
            .any(|later| later.cluster == found.cluster && later.database == found.database);
        let limit = request.max_age.filter(|_| newest);
        results.push(marked(request, found, limit).await?);
    }
    // What is said of several must be true of each.
    let unseen = results.iter().any(|result| result.unseen.is_some());
    Ok(Verification {
        repository: request.store.location(),
        level: request.level,
        proves: match unseen {
            true => request.level.proves_of_sealed(),
            false => request.level.proves(),
        },
        does_not_prove: request.level.does_not_prove(),
        backups: results,
    })
}

async fn choose(request: &Request) -> Result<Vec<Found>> {
    let mut chosen = Vec::new();
    for name in &request.names {
        chosen.push(catalog::resolve(&request.store, name).await?);
    }
    if let Some(since) = request.since {
        let oldest = jiff::Timestamp::now()
            .checked_sub(since)
            .map_err(|error| Error::usage("--since reaches too far back").caused_by(&error))?;
        let oldest = oldest.strftime("%Y%m%dT%H%M%SZ").to_string();
        for found in catalog::all(&request.store).await? {
            // One that runs, or was broken off, is none yet.
            if found.id >= oldest && found.is_published(&request.store).await? {
                chosen.push(found);
            }
        }
        if chosen.is_empty() {
            let location = request.store.location();
            return Err(Error::new(
                Exit::Critical,
                format!("no backup in {location} is that young"),
            )
            .next("see what is there: pgtend backup list"));
        }
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen.dedup_by(|a, b| a.folder == b.folder);
    let opened = |found: Found| found.opened_by(request.identities.clone());
    Ok(chosen.into_iter().map(opened).collect())
}

impl Verified {
    /// Of a backup that nothing is known of yet.
    fn new(found: &Found, level: Level) -> Self {
        Self {
            id: found.id.clone(),
            cluster: found.cluster.clone(),
            database: found.database.clone(),
            taken: None,
            level,
            passed: false,
            problems: vec![],
            objects: 0,
            tables: 0,
            rows: 0,
            bytes: 0,
            raw_bytes: 0,
            seconds: 0.0,
            trial: None,
            unseen: None,
            part: None,
            canaries: None,
            coverage: None,
            dump: None,
            unrecorded: None,
        }
    }
}

/// One, while prune leaves it alone.
async fn marked(request: &Request, found: &Found, limit: Option<Duration>) -> Result<Verified> {
    if !request.record {
        return one(request, found, limit).await;
    }
    let mark = Mark::set(&request.store, found, "verify-backup").await;
    let result = one(request, found, limit).await;
    mark.lift().await;
    result
}

async fn one(request: &Request, found: &Found, limit: Option<Duration>) -> Result<Verified> {
    let clock = Instant::now();
    let mut result = Verified::new(found, request.level);
    let record = match unless_stopped(request, found.manifest(&request.store)).await {
        Err(error) if error.exit() == Exit::Io => Some(Err(error.to_string())),
        record => record?.map(|record| record.map_err(|error| error.to_string())),
    };
    match record {
        None => result.problems.push(Problem {
            kind: ProblemKind::Incomplete,
            object: None,
            table: None,
            what: "it has no manifest: it is still running, or was broken off".into(),
        }),
        Some(Err(error)) => result.problems.push(Problem {
            kind: ProblemKind::Manifest,
            object: Some(crate::archive::manifest::NAME.into()),
            table: None,
            what: error,
        }),
        Some(Ok(record)) => {
            result.taken = Some(record.snapshot.taken);
            let old = age_problem(&record, limit);
            let hidden = record.hidden;
            if let Some(limits) = &request.canaries {
                let compared = drift::look_back(&request.store, found, &record, limits);
                result.canaries = Some(unless_stopped(request, compared).await?);
            }
            let mut ledger = coverage::ledger(request, found).await?;
            let covered = look(request, found, &record, ledger.as_ref(), &mut result).await?;
            result.passed = result.problems.is_empty();
            result.seconds = clock.elapsed().as_secs_f64();
            let at = jiff::Timestamp::now();
            if let Some(ledger) = &mut ledger {
                ledger.add(at, &covered);
                let level = coverage::counted(request.level);
                result.coverage = Some(coverage::of(&record, level, ledger, at));
            }
            // What was found comes first; that it could not be written down comes beside it. An
            // age is no fault of the backup's, and stays out of its record.
            // What was only not seen is no failure on record either.
            let seen = !hidden || result.problems.iter().any(|p| p.kind != ProblemKind::Unknown);
            if request.record
                && (seen || result.passed)
                && let Err(error) =
                    record::leave(request, found, &record, (at, &result, covered)).await
            {
                result.unrecorded = Some(error.to_string());
            }
            let unproven = request.max_proof_age.zip(result.coverage.as_ref());
            result.problems.extend(unproven.and_then(|(age, of)| coverage::problem(of, age)));
            if hidden && request.max_proof_age.is_some() {
                result.problems.push(Problem {
                    kind: ProblemKind::Unknown,
                    object: None,
                    table: None,
                    what: "when its tables were proven is not known: it is sealed, and no \
                           identity was given"
                        .into(),
                });
            }
            result.problems.extend(old);
        }
    }
    result.passed = result.problems.is_empty();
    result.seconds = clock.elapsed().as_secs_f64();
    Ok(result)
}

/// Everything that the level asks for; gives the names of what it proved.
async fn look(
    request: &Request,
    found: &Found,
    record: &Manifest,
    ledger: Option<&Ledger>,
    result: &mut Verified,
) -> Result<Vec<String>> {
    let stored = manifest::check(&request.store, found, record, result);
    unless_stopped(request, stored).await?;
    if request.level < Level::Content {
        return Ok(Vec::new());
    }
    let hidden = record.hidden;
    let units = rotation::units(record);
    let chosen = request.share.zip(ledger).map(|(share, ledger)| {
        let chosen = rotation::choose(&units, share, ledger);
        result.part = Some(coverage::part(record, share, &units, &chosen));
        chosen.names
    });
    let mut wanted = record.clone();
    if let Some(names) = &chosen {
        wanted
            .objects
            .retain(|object| rotation::unit_of(object).is_none_or(|name| names.contains(&name)));
    }
    let looked_at = chosen.unwrap_or_else(|| units.into_iter().map(|unit| unit.name).collect());
    let parts = result.part.is_some().then(|| trial::PartOf::new(&wanted));
    let contents = content::check(request, found, wanted, result);
    let large_objects = unless_stopped(request, contents).await?;
    if hidden {
        // Every stored byte was digested, which is less than the level promises.
        result.problems.push(Problem {
            kind: ProblemKind::Unknown,
            object: None,
            table: None,
            what: "it is sealed: that every object has the bytes that were written (SHA-256) was \
                   checked, what is in them was not seen; give --identity FILE"
                .into(),
        });
        return Ok(Vec::new());
    }
    if request.level < Level::Restore {
        return Ok(rotation::proven(&looked_at, record, result));
    }
    if !result.problems.is_empty() {
        request.progress.note(format!("{} is damaged: it is not restored", found.id));
        return Ok(Vec::new());
    }
    trial::check(request, found, parts.as_ref(), &large_objects, result).await?;
    Ok(rotation::proven(&looked_at, record, result))
}

fn age_problem(record: &Manifest, limit: Option<Duration>) -> Option<Problem> {
    let limit = limit?;
    let age = jiff::Timestamp::now().duration_since(record.snapshot.taken);
    // A snapshot from the future (another clock) is as young as can be.
    let age = Duration::try_from(age).unwrap_or(Duration::ZERO);
    (age > limit).then(|| Problem {
        kind: ProblemKind::TooOld,
        object: None,
        table: None,
        what: format!(
            "its snapshot is {:.1} hours old, the limit is {:.1}",
            age.as_secs_f64() / 3600.0,
            limit.as_secs_f64() / 3600.0
        ),
    })
}
