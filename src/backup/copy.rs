//! Copies of a backup in another repository: every object as it is stored, its digest checked on
//! the way, the record last.
//!
//! A copy has the id and the folder of what it copies, so that names, retention and proofs mean
//! the same in both repositories.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::catalog::{Found, RECORD_LIMIT, VERIFICATIONS};
use super::claim::{self, Claim};
use crate::archive::manifest::{self, Manifest, ManifestError, Object, hex, is_object_name};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::copy::Copied;
use crate::store::Store;
use crate::worker;

/// Bytes that one worker holds at a time.
const PIECE: usize = 1 << 20;

/// What to copy, and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository with the backup.
    pub from: Store,
    /// The other one.
    pub to: Store,
    /// The backup.
    pub found: Found,
    /// Objects that are copied at once.
    pub jobs: usize,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the run.
    pub cancel: CancellationToken,
}

/// What the other repository has of the backup.
enum There {
    Nothing,
    /// Objects without a record, of a copy that was broken off.
    Leftovers,
    Whole,
}

/// Copies a backup; one that is there already is left alone.
///
/// # Errors
/// The backup is incomplete or damaged (critical), another one has its name over there (refused),
/// one of the stores fails, or the run was stopped. What was copied is removed then.
pub async fn run(request: &Request) -> Result<Copied> {
    let clock = Instant::now();
    let found = &request.found;
    let (record, bytes) = unless_stopped(request, read_record(request)).await?;
    let there = unless_stopped(request, look(request, &record, &bytes)).await?;
    let mut copied = Copied {
        id: found.id.clone(),
        cluster: found.cluster.clone(),
        database: found.database.clone(),
        from: request.from.location(),
        to: request.to.location(),
        folder: found.folder.clone(),
        already_there: matches!(there, There::Whole),
        objects: 0,
        bytes: 0,
        verifications: 0,
        seconds: 0.0,
    };
    if !copied.already_there {
        if matches!(there, There::Leftovers) {
            request
                .progress
                .note(format!("removing what a copy of {} left that was broken off", found.id));
            request.to.remove_folder(&found.folder).await?;
        }
        write(request, &record, &bytes).await?;
        copied.objects = record.objects.len() as u64;
        copied.bytes = record.objects.iter().map(|object| object.bytes).sum();
    }
    copied.verifications = copy_verifications(request).await?;
    copied.seconds = clock.elapsed().as_secs_f64();
    Ok(copied)
}

fn stopped() -> Error {
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

fn damaged(request: &Request, what: impl Into<String>) -> Error {
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

/// What the other repository has under the backup's name.
async fn look(request: &Request, record: &Manifest, bytes: &[u8]) -> Result<There> {
    let (to, found) = (&request.to, &request.found);
    let there = to.read(&format!("{}{}", found.folder, manifest::NAME), manifest::LIMIT).await?;
    let objects = to.objects(&found.folder).await?;
    let of_backup = format!("backup {} in {}", found.id, to.location());
    let Some(there) = there else {
        claim::refuse_living(objects.iter().map(|object| object.name.as_str()), &of_backup)?;
        return Ok(if objects.is_empty() && !folder_exists(to, found).await? {
            There::Nothing
        } else {
            There::Leftovers
        });
    };
    if there != bytes {
        return Err(Error::new(Exit::Refused, format!("{of_backup} is not the same backup"))
            .because("their records differ")
            .next(format!(
                "see whether it is whole: pgtend verify-backup {} --repo {}",
                found.id,
                to.location()
            )));
    }
    let sizes: HashMap<&str, u64> = objects.iter().map(|o| (o.name.as_str(), o.bytes)).collect();
    let lacking = record.objects.iter().find(|o| sizes.get(o.name.as_str()) != Some(&o.bytes));
    match lacking {
        None => Ok(There::Whole),
        Some(object) => Err(Error::new(Exit::Critical, format!("{of_backup} is damaged"))
            .because(format!("{} is not there with its size", object.name))
            .next("remove its folder there, and copy again")),
    }
}

/// Whether the folder is there, though it may be empty: a directory has such.
async fn folder_exists(store: &Store, found: &Found) -> Result<bool> {
    let parent =
        found.folder.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
    Ok(store.folders(&format!("{parent}/")).await?.contains(&found.id))
}

/// Writes the copy, under a sign that says so; what is written is removed if it fails.
async fn write(request: &Request, record: &Manifest, bytes: &[u8]) -> Result<()> {
    let (to, folder) = (&request.to, request.found.folder.as_str());
    to.create_folder(folder).await?;
    let written = async {
        let mut claim = Claim::set(to, folder).await?;
        tokio::select! {
            written = copy_and_publish(request, record, bytes) => written?,
            never = claim.renew() => match never {},
        }
        Ok::<_, Error>(claim)
    };
    match written.await {
        Err(error) => Err(undo(request, error).await),
        Ok(claim) => {
            if let Err(error) = claim.lift().await {
                // The copy is whole: it harms nothing.
                request.progress.note(format!("the sign of the copy is still there: {error}"));
            }
            Ok(())
        }
    }
}

/// Removes a copy that failed, unless another run has made it whole meanwhile.
async fn undo(request: &Request, error: Error) -> Error {
    let (to, folder) = (&request.to, request.found.folder.as_str());
    let removed = match to.open_object(&format!("{folder}{}", manifest::NAME)).await {
        Ok(Some(_)) => return error.because("another run has published the copy meanwhile"),
        Ok(None) => to.remove_folder(folder).await,
        Err(unseen) => Err(unseen),
    };
    match removed {
        Ok(()) => error,
        Err(left) => error.because(format!("and what was copied is still there: {left}")),
    }
}

async fn copy_and_publish(request: &Request, record: &Manifest, bytes: &[u8]) -> Result<()> {
    let (to, folder) = (&request.to, &request.found.folder);
    copy_objects(request, record).await?;
    request.progress.phase("publishing");
    let listed: HashMap<String, u64> =
        to.objects(folder).await?.into_iter().map(|o| (o.name, o.bytes)).collect();
    if let Some(object) = record.objects.iter().find(|o| listed.get(&o.name) != Some(&o.bytes)) {
        return Err(Error::new(
            Exit::Io,
            format!("{} is not whole in {}", object.name, to.location()),
        )
        .because("something else changed the copy's folder while it was written"));
    }
    to.sync_folder(folder).await?;
    if request.cancel.is_cancelled() {
        return Err(stopped());
    }
    to.publish(&format!("{folder}{}", manifest::NAME), bytes).await
}

/// The objects that are still to be copied, for all workers.
struct Queue {
    request: Request,
    objects: Mutex<VecDeque<Object>>,
    stop: CancellationToken,
}

/// Copies every object, several at once; when it returns, no worker runs any more.
async fn copy_objects(request: &Request, record: &Manifest) -> Result<()> {
    request.progress.phase("copying objects");
    request.progress.plan(record.objects.iter().map(|object| object.bytes).sum(), 0);
    let mut objects = record.objects.clone();
    // The largest first: no worker is left alone with it at the end.
    objects.sort_by_key(|object| std::cmp::Reverse(object.bytes));
    let jobs = request.jobs.min(objects.len());
    let queue = Arc::new(Queue {
        request: request.clone(),
        objects: Mutex::new(objects.into()),
        stop: request.cancel.child_token(),
    });
    let mut ends = Vec::new();
    for number in 0..jobs {
        let (done, ended) = tokio::sync::oneshot::channel();
        let mine = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name(format!("copier-{number}"));
        let started = thread.spawn(move || {
            let work = worker::until_stopped(&mine.stop, copy_until_empty(&mine));
            let result = work.and_then(|done| done.ok_or_else(stopped));
            if result.is_err() {
                mine.stop.cancel();
            }
            // Whoever waits is there until all have ended.
            done.send(result).unwrap_or(());
        });
        if let Err(error) = started {
            queue.stop.cancel();
            return Err(Error::bug("cannot start a thread").caused_by(&error));
        }
        ends.push(ended);
    }
    let mut failure: Option<Error> = None;
    for end in ends {
        let result = end.await.unwrap_or_else(|_| Err(Error::bug("a copying thread panicked")));
        if let Err(error) = result
            && failure.as_ref().is_none_or(|known| known.exit() == Exit::Interrupted)
        {
            // The first one stopped the others, which is all that they have to tell.
            failure = Some(error);
        }
    }
    failure.map_or(Ok(()), Err)
}

async fn copy_until_empty(queue: &Queue) -> Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let next = queue.objects.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(object) = next else { return Ok(()) };
        copy_object(&queue.request, &object, &mut piece).await?;
    }
}

async fn copy_object(request: &Request, object: &Object, piece: &mut [u8]) -> Result<()> {
    let key = format!("{}{}", request.found.folder, object.name);
    let Some(mut reader) = request.from.open_object(&key).await? else {
        return Err(damaged(request, format!("{} is not in the store", object.name)));
    };
    let mut writer = request.to.create(&key).await?;
    let mut sha = Sha256::new();
    let mut bytes = 0;
    loop {
        // A directory's calls never wait: here whoever stops the run gets a turn.
        tokio::task::yield_now().await;
        let read = reader.read_full(piece).await?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > object.bytes {
            break;
        }
        sha.update(&piece[..read]);
        writer.append(&piece[..read]).await?;
        request.progress.chunk_done(read as u64);
        request.progress.stored(read as u64);
    }
    if bytes != object.bytes || hex(&sha.finalize()) != object.sha256 {
        let what =
            format!("the bytes of {} are not those that were written (SHA-256)", object.name);
        return Err(damaged(request, what));
    }
    let reported = writer.finish().await?;
    if reported != object.bytes {
        return Err(Error::new(
            Exit::Io,
            format!("{} is not whole in {}", object.name, request.to.location()),
        )
        .because(format!("{} bytes were written, the store has {reported}", object.bytes)));
    }
    Ok(())
}

/// Copies the verification records that the other repository lacks; returns how many.
async fn copy_verifications(request: &Request) -> Result<u64> {
    let folder = format!("{}{VERIFICATIONS}", request.found.folder);
    let mut missing = request.from.objects(&folder).await?;
    let there = request.to.objects(&folder).await?;
    missing.retain(|record| !there.iter().any(|other| other.name == record.name));
    if missing.is_empty() {
        return Ok(0);
    }
    request.to.ensure_folder(&folder).await?;
    let mut copied = 0;
    for record in missing {
        let key = format!("{folder}{}", record.name);
        if let Some(bytes) = request.from.read(&key, RECORD_LIMIT).await? {
            request.to.publish(&key, &bytes).await?;
            copied += 1;
        }
    }
    Ok(copied)
}
