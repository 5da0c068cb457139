//! Roles and tablespaces of the cluster, as pg_dumpall writes them. They stand outside the
//! snapshot: they belong to no database. Passwords stay out (only a superuser could read them).

use std::process::Command;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::Request;
use super::publish::Sink;
use super::run::compress_failed;
use crate::archive::frame::{Compression, Encoder};
use crate::archive::manifest::{Kind, Object};
use crate::conn::ChildConnection;
use crate::error::{Error, Result};
use crate::program::{ChildGuard, Programs, command, run_to_end};

/// Bytes that kept text is given on in.
const PIECE: usize = 1 << 20;
/// Bytes of the largest text that is kept for the next database.
const KEPT_LIMIT: usize = 64 << 20;

/// Whether roles and tablespaces are stored.
#[derive(Debug, Clone, Default)]
pub enum Globals {
    /// Not at all.
    LeaveOut,
    /// As they are found.
    #[default]
    Read,
    /// As the first of several backups of one server found them.
    Once(Arc<Kept>),
}

/// What pg_dumpall wrote, once it was read.
#[derive(Debug, Default)]
pub struct Kept(OnceLock<Text>);

#[derive(Debug)]
struct Text {
    bytes: Vec<u8>,
    lines: Vec<String>,
}

/// Why there are no globals.
#[derive(Debug)]
pub enum NoGlobals {
    /// pg_dumpall, or its login, does not do: a backup without them is still one.
    NotRead(Error),
    /// The store, or we ourselves; or the run was stopped.
    NotStored(Error),
}

/// Stores the globals; returns the object and what pg_dumpall said.
///
/// pg_dumpall is read on a thread that may block. When this is dropped, or asked to stop, the
/// program is ended and the thread waited for: it writes to a folder that may be removed.
pub async fn store(
    request: &Request,
    programs: &Programs,
    connection: ChildConnection,
    database: &str,
    folder: &str,
) -> Result<(Object, Vec<String>), NoGlobals> {
    let program = programs.path("pg_dumpall");
    let connection = connection.for_now().await.map_err(NoGlobals::NotRead)?;
    let command = command(&program, &connection, &request.environment);
    let mut command = command.map_err(NoGlobals::NotRead)?;
    command.args(["--globals-only", "--no-role-passwords"]);
    // Else it connects to postgres or template1, where a backup's role may have no business. A
    // name that looks like a connection string would be taken for one.
    if !database.contains('=') && !database.contains("://") {
        command.arg(format!("--database={database}"));
    }
    let compress = request.compress;
    let recipients = request.recipients.as_ref();
    let name = name(compress);
    let sink = Sink::create(&request.store, folder, &name, Kind::Globals, recipients).await;
    let sink = sink.map_err(NoGlobals::NotStored)?;
    let guard = ChildGuard::default();
    let source = Source { command, guard: guard.clone(), globals: request.globals.clone() };
    let stop = request.cancel.child_token();
    let told = stop.clone();
    let (done, result) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("globals".into()).spawn(move || {
        // The receiver is gone only when the run is being stopped.
        done.send(copy(source, &sink, compress, &told)).unwrap_or(());
    });
    let bug = |what: &str, error: &(dyn std::error::Error + 'static)| {
        NoGlobals::NotStored(Error::bug(what).caused_by(error))
    };
    let thread = thread.map_err(|error| bug("cannot start a thread", &error))?;
    let _ended = Ended { guard, stop, thread: Some(thread) };
    tokio::select! {
        result = result => result.map_err(|error| bug("storing the globals", &error))?,
        () = request.cancel.cancelled() => Err(NoGlobals::NotStored(super::stopped())),
    }
}

/// The object's name.
pub fn name(compress: Compression) -> String {
    format!("globals.sql{}", compress.suffix())
}

struct Ended {
    guard: ChildGuard,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.stop.cancel();
        self.guard.terminate();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or(());
        }
    }
}

/// Where the text comes from.
struct Source {
    command: Command,
    guard: ChildGuard,
    globals: Globals,
}

impl Source {
    /// Gives all of the text to `take`; returns what pg_dumpall said.
    fn read(self, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Vec<String>> {
        let Globals::Once(kept) = &self.globals else {
            return run_to_end(self.command, &self.guard, take);
        };
        if let Some(text) = kept.0.get() {
            text.bytes.chunks(PIECE).try_for_each(take)?;
            return Ok(text.lines.clone());
        }
        let mut bytes = Some(Vec::new());
        let lines = run_to_end(self.command, &self.guard, &mut |piece| {
            match &mut bytes {
                Some(all) if all.len() + piece.len() <= KEPT_LIMIT => all.extend_from_slice(piece),
                _ => bytes = None,
            }
            take(piece)
        })?;
        if let Some(bytes) = bytes {
            kept.0.get_or_init(|| Text { bytes, lines: lines.clone() });
        }
        Ok(lines)
    }
}

fn copy(
    source: Source,
    sink: &Sink,
    compress: Compression,
    stop: &CancellationToken,
) -> Result<(Object, Vec<String>), NoGlobals> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        NoGlobals::NotStored(Error::bug("cannot store the globals").caused_by(&error))
    })?;
    let encoder = Encoder::new(compress).map_err(compress_failed);
    let mut encoder = encoder.map_err(NoGlobals::NotStored)?;
    let mut kept = true;
    let lines = source.read(&mut |bytes| {
        let mut store = || {
            if encoder.is_full_before(bytes.len()) {
                let frame = encoder.finish_even_empty().map_err(compress_failed)?;
                runtime.block_on(unless_stopped(stop, sink.append(&frame)))?;
                encoder.restart().map_err(compress_failed)?;
            }
            encoder.push_bytes(bytes).map_err(compress_failed)
        };
        store().inspect_err(|_| kept = false)
    });
    // Whose error it is that ended the reading.
    let lines = lines.map_err(if kept { NoGlobals::NotRead } else { NoGlobals::NotStored })?;
    let mut end = || {
        let frame = encoder.finish_even_empty().map_err(compress_failed)?;
        runtime.block_on(unless_stopped(stop, sink.append(&frame)))?;
        runtime.block_on(unless_stopped(stop, sink.finish()))
    };
    let (object, _) = end().map_err(NoGlobals::NotStored)?;
    Ok((object, lines))
}

/// A store far away may take its time: who waits for this thread must not wait for the store.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(super::stopped()),
        result = work => result,
    }
}
