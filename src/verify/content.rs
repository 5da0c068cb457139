//! Level content: reads every stored byte, once.
//!
//! One thread an object reads and digests, frame by frame; others expand frames and count and
//! hash the rows in them, so that one dominant table keeps all of them busy.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};

use super::Request;
use super::compare::{LargeObjects, Piece};
use super::manifest::about;
use crate::archive::frame::{self, COPY_END, Checksum, Compression, Decoder, RowCounter};
use crate::archive::manifest::{Frame, Kind, Manifest, Object, is_object_name};
use crate::archive::rowhash::RowSum;
use crate::backup::catalog::Found;
use crate::backup::objects::Reader;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::verify::{Problem, ProblemKind, Verified};
use crate::store::AT_ONCE;

/// Bytes that are read in one piece where a record has no frames (or impossible ones).
const PIECE: usize = 1 << 20;
/// Problems that one object may add; more say nothing new.
const PROBLEMS: usize = 5;

/// What the expanding threads share.
struct Shared {
    manifest: Manifest,
    states: Vec<Mutex<State>>,
}

/// What is known of one object so far.
#[derive(Default)]
struct State {
    sum: RowSum,
    raw: u64,
    list: Vec<u8>,
    /// Raw bytes and their checksum of each frame of a large object, by the frame's number.
    pieces: Vec<(usize, Piece)>,
    problems: Vec<String>,
}

/// One frame on its way to be expanded.
struct Job {
    object: usize,
    frame: usize,
    stored: Vec<u8>,
}

/// Adds what is wrong to `result`; gives the large objects for a comparison with restored ones.
pub async fn check(
    request: &Request,
    found: &Found,
    manifest: Manifest,
    result: &mut Verified,
) -> Result<LargeObjects> {
    let total: u64 = manifest.objects.iter().map(|object| object.bytes).sum();
    let tables = manifest.objects.iter().filter(|object| object.kind == Kind::Table).count();
    request.progress.phase("reading every byte");
    request.progress.plan(total, tables as u64);
    let states = manifest.objects.iter().map(|_| Mutex::default()).collect();
    let shared = Arc::new(Shared { manifest, states });
    // Two frames a thread on their way: the bound of what is held in memory.
    let (sender, receiver) = sync_channel(request.jobs * 2);
    let receiver = Arc::new(Mutex::new(receiver));
    let mut threads = Vec::new();
    for number in 0..request.jobs {
        let (shared, receiver) = (Arc::clone(&shared), Arc::clone(&receiver));
        let progress = Arc::clone(&request.progress);
        let thread = std::thread::Builder::new()
            .name(format!("expand-{number}"))
            .spawn(move || expand(&shared, &receiver, &progress))
            .map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
        threads.push(thread);
    }
    // Else nobody would notice when all of them have ended.
    drop(receiver);
    let read = read_objects(request, found, &shared, &sender, result).await;
    drop(sender);
    for thread in threads {
        thread.join().map_err(|_| Error::bug("a verifying thread panicked"))?;
    }
    read?;
    let mut large_objects = LargeObjects::new();
    for (object, state) in shared.manifest.objects.iter().zip(&shared.states) {
        let mut state = std::mem::take(&mut *lock(state));
        judge(object, &state, &shared.manifest, result);
        if let Some(oid) = object.large_object() {
            state.pieces.sort_unstable_by_key(|(number, _)| *number);
            large_objects.insert(oid, state.pieces.into_iter().map(|(_, piece)| piece).collect());
        }
    }
    Ok(large_objects)
}

/// Reads the objects that are there; digests them and sends their frames on.
async fn read_objects(
    request: &Request,
    found: &Found,
    shared: &Shared,
    sender: &SyncSender<Job>,
    result: &mut Verified,
) -> Result<()> {
    let objects = shared.manifest.objects.iter().enumerate();
    // Others were told by the level before, and are never opened.
    let opening = objects.filter(|(_, object)| is_object_name(&object.name)).map(
        |(index, object)| async move {
            let identities = &found.identities;
            let opened = Reader::open(&request.store, &found.folder, object, identities).await;
            (index, object, opened)
        },
    );
    let mut opened = stream::iter(opening).buffered(AT_ONCE);
    while let Some((index, object, opened)) = opened.next().await {
        let digest = match opened {
            // A missing one was told by the level before.
            Ok(None) => continue,
            Ok(Some(reader)) => read_object(reader, index, object, sender, result).await,
            Err(error) => Err(error),
        };
        request.progress.chunk_done(object.bytes);
        // One object that cannot be read hides nothing of the others.
        let digest = match digest {
            Ok(digest) => digest,
            Err(error) if error.exit() == Exit::Io => {
                result.problems.push(about(
                    ProblemKind::Unreadable,
                    Some(object),
                    error.to_string(),
                ));
                continue;
            }
            // What is sealed does not open.
            Err(error) if error.exit() == Exit::Critical => {
                let what = error.causes().join(": ");
                result.problems.push(about(ProblemKind::Damaged, Some(object), what));
                continue;
            }
            Err(error) => return Err(error),
        };
        let told = result.problems.iter().any(|problem| {
            problem.object.as_ref() == Some(&object.name) && problem.kind != ProblemKind::Contents
        });
        if digest != object.sha256 && !told {
            let what = "its bytes are not those that were written (SHA-256)".into();
            result.problems.push(about(ProblemKind::Damaged, Some(object), what));
        }
    }
    Ok(())
}

async fn read_object(
    mut reader: Reader,
    index: usize,
    object: &Object,
    sender: &SyncSender<Job>,
    result: &mut Verified,
) -> Result<String> {
    reader.watch();
    let bytes = reader.bytes()?;
    for (number, frame) in object.frames.iter().enumerate() {
        // A directory's reads never wait: here whoever stops the run gets a turn.
        tokio::task::yield_now().await;
        // The record may promise more than there is.
        if frame.offset().saturating_add(frame.length()) > bytes {
            break;
        }
        let mut stored = vec![0; usize::try_from(frame.length()).unwrap_or(0)];
        let read = reader.read_full(&mut stored).await?;
        if read < stored.len() {
            break;
        }
        let job = Job { object: index, frame: number, stored };
        sender.send(job).map_err(|_| Error::bug("the verifying threads have ended"))?;
    }
    // Bytes behind the last frame: there should be none.
    let mut rest = vec![0; PIECE];
    loop {
        tokio::task::yield_now().await;
        if reader.read_full(&mut rest).await? == 0 {
            let (digest, bytes) = reader.digest();
            result.bytes += bytes;
            return Ok(digest);
        }
    }
}

fn expand(shared: &Shared, receiver: &Mutex<Receiver<Job>>, progress: &crate::report::Progress) {
    let mut decoder = Decoder::default();
    loop {
        let job = lock(receiver).recv();
        let Ok(job) = job else { return };
        let object = &shared.manifest.objects[job.object];
        let frame = &object.frames[job.frame];
        let last = job.frame + 1 == object.frames.len();
        let checked = check_frame(object, frame, last, &job.stored, &mut decoder);
        let mut state = lock(&shared.states[job.object]);
        match checked {
            Ok(checked) => {
                progress.frame_done(checked.raw, checked.sum.rows);
                state.sum.merge(checked.sum);
                state.raw += checked.raw;
                state.list.extend(checked.bytes);
                state.pieces.extend(checked.piece.map(|piece| (job.frame, piece)));
            }
            Err(what) => state.problems.push(format!("frame at byte {}: {what}", frame.offset())),
        }
    }
}

/// What a frame held.
struct Checked {
    sum: RowSum,
    raw: u64,
    /// The bytes themselves, for small lists.
    bytes: Vec<u8>,
    /// The bytes' checksum, for large objects.
    piece: Option<Piece>,
}

fn check_frame(
    object: &Object,
    frame: &Frame,
    last: bool,
    stored: &[u8],
    decoder: &mut Decoder,
) -> Result<Checked, String> {
    if frame::checksum(stored) != frame.checksum() {
        return Err("its checksum does not fit".into());
    }
    let terminator = last && object.kind == Kind::Table;
    let keep = terminator || object.kind == Kind::LargeObjectList;
    let rows = object.kind == Kind::Table && !terminator;
    let mut counter = RowCounter::default();
    let mut bytes = Vec::new();
    let mut checksum = (object.kind == Kind::LargeObject).then(Checksum::default);
    let compression = Compression::of_name(&object.name);
    let raw = decoder
        .decode(compression, stored, frame.raw_length(), &mut |block| {
            if rows {
                counter.push(block);
            } else if let Some(checksum) = &mut checksum {
                checksum.update(block);
            } else if keep {
                bytes.extend_from_slice(block);
            }
        })
        .map_err(|error| format!("it does not expand: {error}"))?;
    if raw != frame.raw_length() {
        return Err(format!("it expands to {raw} bytes, {} went in", frame.raw_length()));
    }
    if terminator && bytes != COPY_END {
        return Err("the end of the table's rows is not where it should be".into());
    }
    let sum = counter.finish().ok_or("its last row is cut")?;
    if sum.rows != frame.rows() {
        return Err(format!("it holds {} rows, {} went in", sum.rows, frame.rows()));
    }
    if terminator {
        bytes.clear();
    }
    let piece = checksum.map(|checksum| Piece { bytes: raw, checksum: checksum.value() });
    Ok(Checked { sum, raw, bytes, piece })
}

/// Compares what was read with the record.
fn judge(object: &Object, state: &State, manifest: &Manifest, result: &mut Verified) {
    result.raw_bytes += state.raw;
    result.rows += state.sum.rows;
    let told = result.problems.iter().any(|problem| problem.object.as_ref() == Some(&object.name));
    let shown = state.problems.iter().take(PROBLEMS);
    let mut found: Vec<Problem> =
        shown.map(|what| about(ProblemKind::Damaged, Some(object), what.clone())).collect();
    let more = state.problems.len().saturating_sub(PROBLEMS);
    if more > 0 {
        found.push(about(ProblemKind::Damaged, Some(object), format!("and {more} more frames")));
    }
    if let Some(table) = &object.table {
        result.tables += 1;
        if (state.sum.rows, state.sum.hash) != (table.rows, table.row_hash)
            && !told
            && found.is_empty()
        {
            found.push(about(
                ProblemKind::Rows,
                Some(object),
                format!(
                    "it holds {} rows with hash {}, {} with hash {} were read from the server",
                    state.sum.rows, state.sum.hash, table.rows, table.row_hash
                ),
            ));
        }
    }
    if object.kind == Kind::LargeObjectList && !told && found.is_empty() {
        found.extend(missing_large_objects(object, &state.list, manifest));
    }
    result.problems.extend(found);
}

/// Every large object that a list names must be an object of the backup.
fn missing_large_objects(object: &Object, list: &[u8], manifest: &Manifest) -> Option<Problem> {
    let names: std::collections::HashSet<&str> = manifest
        .objects
        .iter()
        .filter(|object| object.kind == Kind::LargeObject)
        .map(|object| object.name.split(".dat").next().unwrap_or(""))
        .collect();
    let text = String::from_utf8_lossy(list);
    let missing = text.lines().find(|line| {
        let file = line.split(' ').nth(1).unwrap_or("");
        !names.contains(file.strip_suffix(".dat").unwrap_or(""))
    })?;
    Some(about(ProblemKind::Contents, Some(object), format!("'{missing}' has no object")))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
