//! Copies of a backup in another repository: every object as it is stored, its digest checked on
//! the way, the record last.
//!
//! A copy has the id and the folder of what it copies, so that names, retention and proofs mean
//! the same in both repositories.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::catalog::{self, Found, RECORD_LIMIT, VERIFICATIONS};
use super::claim::{self, Claim};
use super::copier::copy_objects;
use super::in_use::Mark;
use crate::archive::manifest::{self, Manifest, ManifestError, Object, is_object_name};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::copy::Copied;
use crate::store::{Listed, Store};

/// What to copy, and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository with the backup.
    pub from: Store,
    /// The other one.
    pub to: Store,
    /// The backup.
    pub found: Found,
    /// Whether its server may take over the cluster's folder from another one.
    pub new_cluster: bool,
    /// Objects that are copied at once.
    pub jobs: usize,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the run.
    pub cancel: CancellationToken,
}

/// What the other repository has of the backup.
enum There {
    Whole,
    /// No record, but maybe these: of a copy that runs, or was broken off.
    Objects(Vec<Listed>),
}

/// Refuses a copy from a repository into itself.
pub fn refuse_itself(from: &Store, to: &Store) -> Result<()> {
    if !from.is_same(to) {
        return Ok(());
    }
    Err(Error::usage(format!("{} is where the backup is", to.location()))
        .next("name another repository for the copy"))
}

/// Copies a backup; one that is there already is left alone.
///
/// # Errors
/// The backup is incomplete or damaged (critical), another one has its name over there or the
/// folder there is another server's (refused), another run is copying it (busy), one of the stores
/// fails, or the run was stopped. What was copied is removed then.
pub async fn run(request: &Request) -> Result<Copied> {
    let copied = copy(request).await;
    let notes = [&request.from, &request.to].map(Store::notes);
    notes.into_iter().flatten().for_each(|note| request.progress.note(note));
    copied
}

async fn copy(request: &Request) -> Result<Copied> {
    let clock = Instant::now();
    let found = &request.found;
    refuse_itself(&request.from, &request.to)?;
    let (record, bytes) = unless_stopped(request, read_record(request)).await?;
    let mut copied = Copied {
        id: found.id.clone(),
        cluster: found.cluster.clone(),
        database: found.database.clone(),
        from: request.from.location(),
        to: request.to.location(),
        folder: found.folder.clone(),
        already_there: !unless_stopped(request, is_wanted(request, &record, &bytes)).await?,
        objects: 0,
        bytes: 0,
        verifications: 0,
        warnings: Vec::new(),
        seconds: 0.0,
    };
    if !copied.already_there {
        let mark = Mark::set(&request.from, found, "backup-copy").await;
        let written = write(request, &record, &bytes).await;
        mark.lift().await;
        copied.already_there = !written?;
    }
    if !copied.already_there {
        copied.objects = record.objects.len() as u64;
        copied.bytes = record.objects.iter().map(|object| object.bytes).sum();
    }
    if let Err(error) = copy_verifications(request, &mut copied.verifications).await {
        copied.warnings.push(format!("its verification records are not all there: {error}"));
    }
    copied.seconds = clock.elapsed().as_secs_f64();
    Ok(copied)
}

pub(super) fn stopped() -> Error {
    Error::new(Exit::Interrupted, "the copy was stopped").because("nothing was published")
}

/// Does `work` until the run is stopped.
async fn unless_stopped<T>(request: &Request, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = request.cancel.cancelled() => Err(stopped()),
        result = work => result,
    }
}

pub(super) fn damaged(request: &Request, what: impl Into<String>) -> Error {
    Error::new(Exit::Critical, format!("backup {} is damaged", request.found.id))
        .because(what)
        .next(format!(
            "see what else is: pgtend verify-backup {} --repo {}",
            request.found.id,
            request.from.location()
        ))
}

/// The backup's record, and its bytes as they are stored.
async fn read_record(request: &Request) -> Result<(Manifest, Vec<u8>)> {
    let key = format!("{}{}", request.found.folder, manifest::NAME);
    let Some(bytes) = request.from.read(&key, manifest::LIMIT).await? else {
        let what = format!("backup {} is incomplete", request.found.id);
        return Err(Error::new(Exit::Critical, what)
            .because("it has no manifest: it is still running, or was broken off")
            .next("see what is complete: pgtend backup list"));
    };
    let record = match Manifest::from_bytes(&bytes) {
        Ok(record) => record,
        Err(error @ ManifestError::Newer(_)) => {
            return Err(Error::usage("cannot copy this backup").caused_by(&error));
        }
        Err(error) => return Err(damaged(request, error.to_string())),
    };
    match record.objects.iter().find(|object| !is_object_name(&object.name)) {
        Some(object) => Err(damaged(request, format!("'{}' is no object's name", object.name))),
        None => Ok((record, bytes)),
    }
}

/// Whether the other repository lacks the backup, and may have it.
async fn is_wanted(request: &Request, record: &Manifest, bytes: &[u8]) -> Result<bool> {
    let There::Objects(objects) = look(request, record, bytes).await? else { return Ok(false) };
    let living = claim::living(objects.iter().map(|object| object.name.as_str()));
    claim::refuse_living(living, &copy_of(request))?;
    let (to, system) = (&request.to, &record.source.system_identifier);
    if !request.new_cluster
        && let Some(other) = catalog::other_cluster(to, request.found.parent(), system).await?
    {
        return Err(other
            .because(format!("{} would hold backups of both", to.location()))
            .next("copy it into a repository of its own")
            .next("or name its server when it is backed up: pgtend backup --cluster NAME")
            .next("or, if it took the other's place (a new major version, a restored copy): --new-cluster"));
    }
    Ok(true)
}

fn copy_of(request: &Request) -> String {
    format!("backup {} in {}", request.found.id, request.to.location())
}

/// What the other repository has under the backup's name.
async fn look(request: &Request, record: &Manifest, bytes: &[u8]) -> Result<There> {
    let (to, found) = (&request.to, &request.found);
    let there = to.read(&format!("{}{}", found.folder, manifest::NAME), manifest::LIMIT).await?;
    let objects = to.objects(&found.folder).await?;
    let Some(there) = there else { return Ok(There::Objects(objects)) };
    if there != bytes {
        let what = format!("{} is not the same backup", copy_of(request));
        return Err(Error::new(Exit::Refused, what).because("their records differ").next(format!(
            "see whether it is whole: pgtend verify-backup {} --repo {}",
            found.id,
            to.location()
        )));
    }
    match lacking(record, &objects) {
        None => Ok(There::Whole),
        Some(object) => Err(Error::new(Exit::Critical, format!("{} is damaged", copy_of(request)))
            .because(format!("{} is not there with its size", object.name))
            .next("remove its folder there, and copy again")),
    }
}

/// An object of the record that is not among those listed, with its size.
fn lacking<'r>(record: &'r Manifest, listed: &[Listed]) -> Option<&'r Object> {
    let sizes: HashMap<&str, u64> = listed.iter().map(|o| (o.name.as_str(), o.bytes)).collect();
    record.objects.iter().find(|object| sizes.get(object.name.as_str()) != Some(&object.bytes))
}

/// Writes the copy, under a sign that says so; false when another run has made it meanwhile. What
/// is written is removed if it fails.
async fn write(request: &Request, record: &Manifest, bytes: &[u8]) -> Result<bool> {
    let claim = take(request).await?;
    let written = tokio::select! {
        written = write_alone(request, &claim, record, bytes) => written,
        never = claim.renew() => match never {},
    };
    match written {
        Err(error) => Err(undo(request, claim, error).await),
        Ok(written) => {
            if let Err(error) = claim.lift().await {
                // The copy is whole: it harms nothing.
                request.progress.note(format!("the sign of the copy is still there: {error}"));
            }
            Ok(written)
        }
    }
}

/// Takes the backup's folder over there for this run, with what may be in it.
async fn take(request: &Request) -> Result<Claim<'_>> {
    let (to, folder) = (&request.to, request.found.folder.as_str());
    to.ensure_folder(folder).await?;
    let error = match Claim::set(to, folder).await {
        Err(error) => error,
        Ok(claim) => match unless_stopped(request, claim.alone(&copy_of(request))).await {
            Ok(()) => return Ok(claim),
            Err(error) => let_go(claim, error).await,
        },
    };
    // Whoever is at work in it has a sign there.
    to.remove_empty_folder(folder).await.unwrap_or(());
    Err(error)
}

async fn let_go(claim: Claim<'_>, error: Error) -> Error {
    match claim.lift().await {
        Ok(()) => error,
        Err(left) => error.because(format!("and the sign of this run is still there: {left}")),
    }
}

/// Writes the copy; false when it is there by now.
async fn write_alone(
    request: &Request,
    claim: &Claim<'_>,
    record: &Manifest,
    bytes: &[u8],
) -> Result<bool> {
    let again = unless_stopped(request, look(request, record, bytes)).await?;
    let There::Objects(objects) = again else { return Ok(false) };
    if objects.iter().any(|object| !may_live(&object.name)) {
        let id = &request.found.id;
        request.progress.note(format!("removing what a copy of {id} left that was broken off"));
        request.to.clear_folder(&request.found.folder, may_live).await?;
    }
    copy_and_publish(request, claim, record, bytes).await?;
    Ok(true)
}

/// Whether an object is a living sign, or becomes one; ours is one, too.
fn may_live(name: &str) -> bool {
    claim::living([name.strip_suffix(".tmp").unwrap_or(name)]).is_some()
}

/// Removes what a copy that failed has written, unless it may be another run's by now.
async fn undo(request: &Request, claim: Claim<'_>, error: Error) -> Error {
    let (to, folder) = (&request.to, request.found.folder.as_str());
    let removed = async {
        let objects = to.objects(folder).await?;
        if objects.iter().any(|object| object.name == manifest::NAME) {
            return Ok(Some("another run has published the copy meanwhile"));
        }
        if claim.has_others(&objects) || !claim.is_in(&objects) {
            return Ok(Some("what was copied was not removed: another run is at work there"));
        }
        // The sign goes last: until then the folder is this run's.
        to.clear_folder(folder, may_live).await?;
        Ok::<_, Error>(None)
    };
    let error = match removed.await {
        Ok(None) => error,
        Ok(Some(why)) => error.because(why),
        Err(left) => error.because(format!("and what was copied is still there: {left}")),
    };
    let error = let_go(claim, error).await;
    to.remove_empty_folder(folder).await.unwrap_or(());
    error
}

async fn copy_and_publish(
    request: &Request,
    claim: &Claim<'_>,
    record: &Manifest,
    bytes: &[u8],
) -> Result<()> {
    let (to, folder) = (&request.to, &request.found.folder);
    copy_objects(request, record).await?;
    request.progress.phase("publishing");
    let listed = to.objects(folder).await?;
    if let Some(object) = lacking(record, &listed) {
        return Err(Error::new(
            Exit::Io,
            format!("{} is not whole in {}", object.name, to.location()),
        )
        .because("something else changed the copy's folder while it was written"));
    }
    if !claim.is_in(&listed) {
        return Err(Error::new(Exit::Busy, format!("{} was taken over", copy_of(request)))
            .because("another run took this one for dead, and removed its sign")
            .next("copy again: what is whole by then is left alone"));
    }
    to.sync_folder(folder).await?;
    if request.cancel.is_cancelled() {
        return Err(stopped());
    }
    to.publish(&format!("{folder}{}", manifest::NAME), bytes).await
}

/// Copies the verification records that the other repository lacks, and counts them.
async fn copy_verifications(request: &Request, copied: &mut u64) -> Result<()> {
    let folder = format!("{}{VERIFICATIONS}", request.found.folder);
    let work = async {
        let mut missing = request.from.objects(&folder).await?;
        let there = request.to.objects(&folder).await?;
        missing.retain(|record| !there.iter().any(|other| other.name == record.name));
        if missing.is_empty() {
            return Ok(());
        }
        request.to.ensure_folder(&folder).await?;
        for record in missing {
            let key = format!("{folder}{}", record.name);
            if let Some(bytes) = request.from.read(&key, RECORD_LIMIT).await? {
                request.to.publish(&key, &bytes).await?;
                *copied += 1;
            }
        }
        Ok(())
    };
    tokio::select! {
        biased;
        () = request.cancel.cancelled() => {
            Err(Error::new(Exit::Interrupted, "the run was stopped"))
        }
        done = work => done,
    }
}
