//! The objects of a backup on their way into another repository, several at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::copy::{Request, damaged, stopped};
use crate::archive::manifest::{Manifest, Object, hex};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::worker;

/// Bytes that one worker holds at a time.
const PIECE: usize = 1 << 20;

/// The objects that are still to be copied, for all workers.
struct Queue {
    request: Request,
    objects: Mutex<VecDeque<Object>>,
    stop: CancellationToken,
}

/// Copies every object, several at once; when it returns, no worker runs any more.
pub async fn copy_objects(request: &Request, record: &Manifest) -> Result<()> {
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

/// What it means that an object is not in the store.
async fn missing(request: &Request, object: &Object) -> Error {
    match request.found.is_published(&request.from).await {
        Ok(true) => damaged(request, format!("{} is not in the store", object.name)),
        Ok(false) => {
            let what = format!("backup {} was removed while it was copied", request.found.id);
            Error::new(Exit::Io, what).next("see what is there: pgtend backup list")
        }
        Err(error) => error,
    }
}

async fn copy_object(request: &Request, object: &Object, piece: &mut [u8]) -> Result<()> {
    let key = format!("{}{}", request.found.folder, object.name);
    let Some(mut reader) = request.from.open_object(&key).await? else {
        return Err(missing(request, object).await);
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
