//! Roles and tablespaces of the cluster, as pg_dumpall writes them. They stand outside the
//! snapshot: they belong to no database. Passwords stay out (only a superuser could read them).

use std::process::Command;

use super::Request;
use super::publish::Sink;
use super::run::compress_failed;
use crate::archive::frame::{Compression, Encoder};
use crate::archive::manifest::{Kind, Object};
use crate::conn::ChildConnection;
use crate::error::{Error, Result};
use crate::program::{ChildGuard, Programs, command, run_to_end};

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
) -> Result<(Object, Vec<String>)> {
    let program = programs.path("pg_dumpall");
    let mut command = command(&program, &connection, &request.environment)?;
    command.args(["--globals-only", "--no-role-passwords"]);
    // Else it connects to postgres or template1, where a backup's role may have no business. A
    // name that looks like a connection string would be taken for one.
    if !database.contains('=') && !database.contains("://") {
        command.arg(format!("--database={database}"));
    }
    let compress = request.compress;
    let recipients = request.recipients.as_ref();
    let sink =
        Sink::create(&request.store, folder, &name(compress), Kind::Globals, recipients).await?;
    let guard = ChildGuard::default();
    let watched = guard.clone();
    let (done, result) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("globals".into()).spawn(move || {
        // The receiver is gone only when the run is being stopped.
        done.send(copy(command, &watched, &sink, compress)).unwrap_or(());
    });
    let thread = thread.map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
    let _ended = Ended { guard, thread: Some(thread) };
    tokio::select! {
        result = result => result.map_err(|error| Error::bug("storing the globals").caused_by(&error))?,
        () = request.cancel.cancelled() => Err(super::stopped()),
    }
}

/// The object's name.
pub fn name(compress: Compression) -> String {
    format!("globals.sql{}", compress.suffix())
}

struct Ended {
    guard: ChildGuard,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.guard.terminate();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or(());
        }
    }
}

fn copy(
    command: Command,
    guard: &ChildGuard,
    sink: &Sink,
    compress: Compression,
) -> Result<(Object, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot store the globals").caused_by(&error))?;
    let mut encoder = Encoder::new(compress).map_err(compress_failed)?;
    let lines = run_to_end(command, guard, &mut |bytes| {
        if encoder.is_full_before(bytes.len()) {
            let frame = encoder.finish_even_empty().map_err(compress_failed)?;
            runtime.block_on(sink.append(&frame))?;
            encoder.restart().map_err(compress_failed)?;
        }
        encoder.push_bytes(bytes).map_err(compress_failed)
    })?;
    let frame = encoder.finish_even_empty().map_err(compress_failed)?;
    runtime.block_on(sink.append(&frame))?;
    let (object, _) = runtime.block_on(sink.finish())?;
    Ok((object, lines))
}
