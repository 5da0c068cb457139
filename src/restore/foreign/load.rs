//! Rows of an archive, by stock pg_restore: from the file itself where it can go back and forth
//! in it, else from a stream that we write.

use std::io::{self, Read, Write};
use std::process::ExitStatus;

use xxhash_rust::xxh3::Xxh3Default;

use super::{Dump, Reading, on_thread, whole};
use crate::archive::foreign::kind::Kind;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{self, ChildGuard, Process};
use crate::restore::Request;
use crate::restore::objects::{Failure, Objects, Terminated, folder};
use crate::restore::plan::Plan;

/// What a program that was fed left behind.
pub struct Ended {
    pub status: ExitStatus,
    pub lines: Vec<String>,
    /// What went wrong with the feeding, other than that the program took no more.
    pub fault: Option<Error>,
}

/// Why a second reading does not count.
pub const ANOTHER: &str = "it is another file than a moment ago";

impl Objects<'_> {
    /// Loads the rows and large objects of some entries; for a script runs all of it. Returns
    /// what failed.
    pub(in crate::restore) async fn load_dump(
        &self,
        plan: &Plan,
        entries: &[usize],
        dump: &std::sync::Arc<Dump>,
        request: &Request,
    ) -> Result<Vec<Failure>> {
        if dump.is_script() {
            return self.run_script(dump, request).await;
        }
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let list = folder(b"", &plan.list(entries)).map_err(|error| {
            Error::new(Exit::Io, "cannot write a temporary file for pg_restore").caused_by(&error)
        })?;
        let program = self.programs.path("pg_restore");
        let connection = self.connection.for_now().await?;
        let (mut command, key) = program::fed(&program, &connection, self.environment)?;
        command.arg(match dump.kind {
            Kind::Tar => "-Ft",
            Kind::Directory => "-Fd",
            _ => "-Fc",
        });
        command.args(&self.flags).arg("-L").arg(list.path().join("list"));
        let mut jobs = 1;
        if let Some(path) = dump.seekable() {
            if request.jobs > 1 && dump.kind != Kind::Tar {
                jobs = request.jobs;
                command.arg(format!("--jobs={jobs}"));
            }
            command.arg(path);
        }
        let guard = ChildGuard::default();
        let _terminated = Terminated(guard.clone());
        let process = Process::start(command, &program, &guard)?;
        let feeding = Feeding { dump: std::sync::Arc::clone(dump), reading: reading(request) };
        let streamed = dump.seekable().is_none();
        let ended = on_thread("pg_restore", &self.cancel, &guard, move || {
            let ended = feeding.feed(process, |feeding, to| match streamed {
                true => feeding.all(to).and_then(|()| feeding.unchanged()),
                false => Ok(()),
            });
            drop(key);
            // pg_restore has read it by itself, or no more of it than it wanted.
            ended.and_then(|ended| feeding.unchanged().map(|()| ended))
        });
        let ended = ended.await?;
        if self.cancel.is_cancelled() {
            return Err(crate::restore::stopped());
        }
        let ended = ended?;
        if let Some(fault) = ended.fault {
            return Err(fault);
        }
        self.judge(ended.status, ended.lines, plan, entries, jobs)
    }
}

/// How a file is read once more, for a restore.
pub fn reading(request: &Request) -> Reading {
    Reading {
        environment: request.environment.clone(),
        deep: false,
        progress: std::sync::Arc::clone(&request.progress),
        cancel: request.cancel.clone(),
    }
}

/// A file on its way into a program.
pub struct Feeding {
    pub dump: std::sync::Arc<Dump>,
    pub reading: Reading,
}

impl Feeding {
    /// Writes to a program and waits for its end. One that cannot be fed to its end is killed
    /// before it can take the end of its input for that of the file.
    pub fn feed(
        &self,
        mut process: Process,
        write: impl FnOnce(&Self, &mut dyn Write) -> Result<()>,
    ) -> Result<Ended> {
        let mut fault = None;
        if let Some(mut to) = process.stdin() {
            if let Err(error) = write(self, &mut to) {
                process.kill();
                fault = Some(error);
            }
            drop(to);
        }
        let status = process
            .wait()
            .map_err(|error| Error::bug("cannot wait for a program").caused_by(&error))?;
        Ok(Ended { status, lines: process.lines(), fault })
    }

    /// All bytes of an archive, and nothing but those that were read before.
    fn all(&self, to: &mut dyn Write) -> Result<()> {
        let mut from = self.open()?;
        let mut hash = Xxh3Default::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.changed(&error)),
            };
            hash.update(&buffer[..read]);
            // It has what it wants, or has given up: its end tells which.
            if to.write_all(&buffer[..read]).is_err() {
                return Ok(());
            }
        }
        if hash.digest() == self.dump.fingerprint { Ok(()) } else { Err(self.another(ANOTHER)) }
    }

    /// An error unless what is there is what was read before.
    fn unchanged(&self) -> Result<()> {
        let now = self.dump.place.version(&self.reading.cancel)?;
        if now == self.dump.version { Ok(()) } else { Err(self.another(ANOTHER)) }
    }

    /// An error for a file that was exchanged or written to.
    pub fn another(&self, why: &str) -> Error {
        Error::new(Exit::Io, format!("{} changed while it was restored", self.dump.label))
            .because(why)
    }

    /// The file's bytes once more.
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        let opened = whole::open(&self.dump.place, &self.reading, &std::sync::Arc::default());
        Ok(opened.map_err(|trouble| trouble.into_error(&self.dump.label))?.bytes)
    }

    /// An error for a file that could be read a moment ago.
    pub fn changed(&self, error: &io::Error) -> Error {
        super::unreadable(&self.dump.label, error)
    }
}
