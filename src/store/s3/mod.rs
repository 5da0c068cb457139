//! A repository in S3, or in what speaks its protocol.
//!
//! Every request runs on one [background](background) thread. A [writer] sends what it is given
//! while more is still being read; a [reader] asks for what comes next before it is asked.

mod background;
mod parts;
mod reader;
mod request;
mod writer;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub use background::settle;
pub use reader::Reader;
use tokio::sync::{Notify, OnceCell, OwnedSemaphorePermit, Semaphore};
pub use writer::Writer;

use background::Background;

use super::Listed;
use super::dir::Listing;
use super::url::S3Place;
use crate::aws::s3::{Bucket, Upload};
use crate::aws::{Algorithm, Failed, Sum};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{S3Checksum, S3Settings};

/// Bytes that may be on their way to the server, for each request of `--s3-uploads`: memory that is
/// taken beside what gathers.
const FOR_EACH: usize = 3 << 20;
/// The same for all of them, at least.
const FOR_FEW: usize = 48 << 20;
/// Larger parts are sent one at a time.
const IN_TWOS: usize = 256 << 20;
/// Keys of one request to delete.
const AT_ONCE: usize = 1_000;
/// How long what was being written may take to end, before a folder is removed: less than whoever
/// removes it waits.
const QUIET: Duration = Duration::from_secs(3);

/// A repository.
#[derive(Debug, Clone)]
pub struct Remote(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    place: S3Place,
    settings: S3Settings,
    bucket: OnceCell<Bucket>,
    background: Arc<Background>,
    /// Requests that send objects.
    requests: Arc<Semaphore>,
    /// Their bytes.
    bytes: Arc<Semaphore>,
    algorithm: Mutex<Algorithm>,
    /// What the operator should know, once.
    notes: Mutex<Vec<String>>,
    writers: Mutex<usize>,
    fewer: Notify,
}

/// The right to have so many bytes on their way.
#[derive(Debug)]
pub struct Room {
    _request: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Remote {
    /// Nothing is asked yet.
    pub fn new(place: S3Place, settings: &S3Settings) -> Result<Self> {
        let algorithm = match settings.checksum {
            S3Checksum::Auto | S3Checksum::Crc64Nvme => Algorithm::Crc64Nvme,
            S3Checksum::Crc32 => Algorithm::Crc32,
            S3Checksum::Sha256 => Algorithm::Sha256,
            S3Checksum::None => Algorithm::None,
        };
        Ok(Self(Arc::new(Inner {
            place,
            settings: settings.clone(),
            bucket: OnceCell::new(),
            background: Background::start()?,
            requests: Arc::new(Semaphore::new(settings.uploads.max(1))),
            bytes: Arc::new(Semaphore::new(on_the_way(settings.uploads))),
            algorithm: Mutex::new(algorithm),
            notes: Mutex::new(Vec::new()),
            writers: Mutex::new(0),
            fewer: Notify::new(),
        })))
    }

    pub fn location(&self) -> String {
        self.0.place.address("").trim_end_matches('/').to_owned()
    }

    /// What the operator should know since the last call.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.0.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a request on the background's thread.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let task = self.0.background.spawn(work(Arc::clone(&self.0)));
        // Who does not wait for the answer any more does not want the request either.
        let guard = AbortOnDrop(task.abort_handle());
        let result = task.await.map_err(|error| Error::bug("a request's task").caused_by(&error));
        drop(guard);
        result?
    }

    /// An error when a key starts with the folder's name already.
    pub async fn must_be_new(&self, folder: &str) -> Result<()> {
        let found = self.list(folder).await?;
        if found.folders.is_empty() && found.objects.is_empty() {
            return Ok(());
        }
        Err(Error::new(Exit::Io, format!("{} is not new", self.0.place.address(folder)))
            .because("there are objects in it"))
    }

    /// Gives up uploads in a folder in which nobody writes any more: one is left when the answer
    /// to its beginning was lost.
    pub async fn sweep(&self, folder: &str) -> Result<()> {
        let folder = folder.to_owned();
        self.run(async move |inner| {
            inner.give_up_uploads_in(&folder).await;
            Ok(())
        })
        .await
    }

    pub async fn list(&self, folder: &str) -> Result<Listing> {
        let folder = folder.to_owned();
        self.run(async move |inner| inner.list(&folder).await).await
    }

    /// With parts of uploads that are not finished.
    pub async fn changed(&self, folder: &str) -> Result<Option<SystemTime>> {
        let folder = folder.to_owned();
        self.run(async move |inner| {
            let changed = inner.bucket().await?.changed(&inner.folder(&folder)).await;
            changed.map_err(|failed| inner.cannot("look at", &folder, failed))
        })
        .await
    }

    pub async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(mut reader) = self.open(key).await? else { return Ok(None) };
        if reader.bytes() > limit {
            return Err(Error::new(Exit::Io, format!("cannot read {}", self.0.place.address(key)))
                .because(format!(
                    "it has more than {limit} bytes, no object of pgtend's there has"
                )));
        }
        let length = usize::try_from(reader.bytes()).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        reader.read_full(&mut bytes).await?;
        Ok(Some(bytes))
    }

    pub async fn open(&self, key: &str) -> Result<Option<Reader>> {
        Reader::open(self, key).await
    }

    pub fn create(&self, key: &str) -> Writer {
        Writer::new(self, key)
    }

    /// Stores an object whole, where there is none yet.
    pub async fn publish(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let mut writer = self.create(key);
        writer.read_back();
        writer.append(bytes).await?;
        writer.finish().await.map(drop)
    }

    pub async fn remove(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.run(async move |inner| {
            let full = inner.full(&key);
            let deleted = inner.bucket().await?.delete(&full).await;
            deleted.map_err(|failed| inner.cannot("remove", &key, failed))
        })
        .await
    }

    pub async fn remove_all(&self, folder: &str, names: &[String]) -> Result<()> {
        let (folder, names) = (folder.to_owned(), names.to_vec());
        self.run(async move |inner| {
            let mut first = Ok(());
            for names in names.chunks(AT_ONCE) {
                first = first.and(inner.delete_all(&folder, names).await);
            }
            first
        })
        .await
    }

    pub async fn remove_folder(&self, folder: &str) -> Result<()> {
        self.clear_folder(folder, |_| false).await
    }

    pub async fn clear_folder(&self, folder: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
        self.quiet().await;
        // Objects first: an upload that hangs keeps none of them. Then again: one that ended
        // before it could be given up is an object now.
        let removed = self.remove_objects(folder, &keep).await;
        let prefix = folder.to_owned();
        self.run(async move |inner| {
            inner.give_up_uploads_in(&prefix).await;
            Ok(())
        })
        .await?;
        removed?;
        self.remove_objects(folder, &keep).await
    }

    async fn remove_objects(&self, folder: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
        let names = self.list(folder).await?.objects.into_iter().map(|object| object.name);
        let names = names.filter(|name| !keep(name));
        // What makes the rest count goes first: broken off here, nothing looks complete.
        let (first, rest): (Vec<_>, Vec<_>) = names.partition(|name| name.ends_with(".json"));
        self.remove_all(folder, &first).await?;
        self.remove_all(folder, &rest).await
    }

    /// Waits until nothing is being written any more, for a bounded time.
    async fn quiet(&self) {
        let inner = &self.0;
        let quiet = async {
            loop {
                let fewer = inner.fewer.notified();
                if *inner.writers.lock().unwrap_or_else(PoisonError::into_inner) == 0 {
                    return;
                }
                fewer.await;
            }
        };
        // What goes on beyond that is listed as incomplete, and cleaned by prune.
        tokio::time::timeout(QUIET, quiet).await.unwrap_or(());
    }

    /// Uploads below a folder that were neither completed nor aborted.
    pub async fn stale_uploads(&self, folder: &str) -> Result<Vec<Upload>> {
        let folder = folder.to_owned();
        self.run(async move |inner| {
            let found = inner.bucket().await?.uploads(&inner.folder(&folder)).await;
            let mut found = found
                .map_err(|failed| inner.cannot("list unfinished uploads of", &folder, failed))?;
            for upload in &mut found {
                upload.key = upload.key.split_off(inner.place.prefix.len().min(upload.key.len()));
            }
            Ok(found)
        })
        .await
    }

    /// Gives such an upload up.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<()> {
        let upload = upload.clone();
        self.run(async move |inner| {
            let key = inner.full(&upload.key);
            let aborted = inner.bucket().await?.abort(&key, &upload.id).await;
            aborted.map_err(|failed| inner.cannot("abort the upload of", &upload.key, failed))
        })
        .await
    }
}

#[derive(Debug)]
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Inner {
    async fn bucket(&self) -> Result<&Bucket> {
        self.bucket.get_or_try_init(|| Bucket::open(&self.place.bucket, &self.settings)).await
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.place.prefix)
    }

    /// The prefix of the keys in a folder, with its `/`: without it, those of `x-other` would be
    /// in `x`.
    fn folder(&self, folder: &str) -> String {
        let folder = folder.trim_end_matches('/');
        let slash = if folder.is_empty() { "" } else { "/" };
        format!("{}{folder}{slash}", self.place.prefix)
    }

    fn cannot(&self, doing: &str, key: &str, failed: Failed) -> Error {
        failed.into_error(format!("cannot {doing} {}", self.place.address(key)))
    }

    /// What it means that an object could not be read: a store that does not answer is not there,
    /// which says nothing of what it holds.
    fn unread(&self, key: &str, failed: Failed) -> Error {
        let away = failed.is_ambiguous();
        let error = self.cannot("read", key, failed);
        if away { error.with_exit(Exit::Unavailable) } else { error }
    }

    fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn algorithm(&self) -> Algorithm {
        *self.algorithm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on without checksums when the server does not know the one that was not asked for;
    /// false when there is nothing to try.
    fn fall_back(&self, used: Algorithm, failed: &Failed) -> bool {
        let auto = self.settings.checksum == S3Checksum::Auto && self.settings.lock.is_none();
        if !auto || used == Algorithm::None || !failed.is_unknown_to_server() {
            return false;
        }
        let mut algorithm = self.algorithm.lock().unwrap_or_else(PoisonError::into_inner);
        if *algorithm != Algorithm::None {
            *algorithm = Algorithm::None;
            drop(algorithm);
            let code = failed.code.as_deref().unwrap_or("no code");
            self.note(format!(
                "the server refused an upload with a CRC64NVME checksum ({code}): going on without, \
                 its signature alone is checked (--s3-checksum none says so beforehand)"
            ));
        }
        true
    }

    async fn room(&self, bytes: usize) -> Result<Room> {
        let closed = |_| Error::bug("the store is closed");
        let bytes = share(bytes, on_the_way(self.settings.uploads));
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.map_err(closed)?;
        let request = Arc::clone(&self.requests).acquire_owned().await.map_err(closed)?;
        Ok(Room { _request: request, _bytes: bytes })
    }

    async fn list(&self, folder: &str) -> Result<Listing> {
        let bucket = self.bucket().await?;
        let prefix = self.folder(folder);
        let mut listing = Listing { folders: Vec::new(), objects: Vec::new() };
        let mut next = None;
        loop {
            let page = bucket.list(&prefix, next).await;
            let page = page.map_err(|failed| self.cannot("list", folder, failed))?;
            let name = |key: &str| key.strip_prefix(&prefix).map(str::to_owned);
            let folders = page.folders.iter().filter_map(|key| name(key));
            listing.folders.extend(
                folders
                    .map(|name| name.trim_end_matches('/').to_owned())
                    // Hidden names are none of ours, as in a directory.
                    .filter(|name| !name.is_empty() && !name.starts_with('.')),
            );
            let objects = page.objects.iter().filter_map(|(key, bytes)| Some((name(key)?, *bytes)));
            listing.objects.extend(
                objects
                    // The folder itself, as consoles make it.
                    .filter(|(name, _)| !name.is_empty() && !name.starts_with('.'))
                    .map(|(name, bytes)| Listed { name, bytes }),
            );
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        listing.folders.sort();
        listing.objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listing)
    }

    /// Deletes objects of a folder, [`AT_ONCE`] at most.
    async fn delete_all(&self, folder: &str, names: &[String]) -> Result<()> {
        let bucket = self.bucket().await?;
        let prefix = self.folder(folder);
        let keys: Vec<String> = names.iter().map(|name| format!("{prefix}{name}")).collect();
        match bucket.delete_all(&keys).await {
            Ok(stay) if stay.is_empty() => Ok(()),
            Ok(stay) => {
                let mut error = Error::new(
                    Exit::Io,
                    format!(
                        "cannot remove {} of {} objects in {}",
                        stay.len(),
                        keys.len(),
                        self.place.address(folder)
                    ),
                );
                for (key, why) in stay.iter().take(3) {
                    error = error.because(format!("{key}: {why}"));
                }
                Err(error.next("let the policy allow s3:DeleteObject; a locked object stays"))
            }
            // Some servers know no other way than one by one.
            Err(failed) if failed.is_unknown_to_server() || failed.is(&["MissingContentMD5"]) => {
                for key in keys {
                    let deleted = bucket.delete(&key).await;
                    deleted.map_err(|failed| {
                        failed.into_error(format!("cannot remove s3://{}/{key}", self.place.bucket))
                    })?;
                }
                Ok(())
            }
            Err(failed) => Err(self.cannot("remove", folder, failed)),
        }
    }

    /// Gives up all uploads of keys in a folder. What cannot be listed or given up stays, and
    /// prune finds it.
    async fn give_up_uploads_in(&self, folder: &str) {
        self.give_up(&self.folder(folder), |_| true).await;
    }

    /// Gives up all uploads of one key.
    async fn give_up_uploads_of(&self, key: &str) {
        let full = self.full(key);
        self.give_up(&full, |key| key == full).await;
    }

    async fn give_up(&self, prefix: &str, of: impl Fn(&str) -> bool) {
        let Ok(bucket) = self.bucket().await else { return };
        let Ok(found) = bucket.uploads(prefix).await else { return };
        for upload in found.iter().filter(|upload| of(&upload.key)) {
            bucket.abort(&upload.key, &upload.id).await.unwrap_or(());
        }
    }
}

/// Bytes that may be on their way at once.
fn on_the_way(uploads: usize) -> usize {
    (uploads * FOR_EACH).max(FOR_FEW)
}

/// What a part takes of them: never more than half, so that two are on their way while the third
/// gathers, and other objects have their turn; but all of it beyond [`IN_TWOS`].
fn share(bytes: usize, all: usize) -> usize {
    if bytes > IN_TWOS { all } else { bytes.min(all / 2) }
}

/// What an object should be, to tell it from another one.
#[derive(Debug, Clone)]
struct Expected {
    bytes: u64,
    sum: Sum,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts of this size that may be on their way at once.
    fn at_once(mebibytes: usize, uploads: usize) -> usize {
        let all = on_the_way(uploads);
        (all / share(mebibytes << 20, all)).min(uploads)
    }

    #[test]
    fn parts_go_side_by_side_up_to_a_bound() {
        let sizes = [8, 16, 32, 64, 256, 512, 4096];
        assert_eq!(sizes.map(|size| at_once(size, 16)), [6, 3, 2, 2, 2, 1, 1]);
        assert_eq!(sizes.map(|size| at_once(size, 64)), [24, 12, 6, 3, 2, 1, 1]);
        assert_eq!(sizes.map(|size| at_once(size, 1)), [1; 7]);
    }
}
