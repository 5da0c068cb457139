//! Files of pg_dump and pg_dumpall in every format, from this machine or from a store.
//!
//! [`Dump::read`] reads one from its first byte to its last before anything is done with it: the
//! one way to tell a whole file from a cut one, for `pg_restore --list` passes both. [`place`] is
//! where it lies, `whole` how it is read, `folder` the same for directory format; `load` and
//! `script` bring its rows into a database, by stock pg_restore and psql.

mod folder;
mod load;
pub mod place;
mod record;
mod script;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use super::{Mode, Request, honest};
use crate::archive::foreign::Fault;
use crate::archive::foreign::kind::{Kind, Wrapping};
use crate::archive::foreign::script::Facts;
use crate::archive::manifest::Manifest;
use crate::archive::toc::Toc;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::ChildGuard;
use crate::report::Progress;
use crate::report::restore::DumpFile;
use crate::settings::Environment;
use crate::store::Version;

pub use place::Place;
use script::Commit;

/// How the time of a file is known.
mod place_time {
    use super::place::TOC;
    use super::{Place, Toc, Version};

    /// The header has the clock of pg_dump's machine, without its zone.
    const HEADER: &str = "header of the archive, taken as UTC";
    const FILE: &str = "modification time of the file";
    const OBJECT: &str = "time of the object in the store";

    /// A file was not made after it was written last.
    pub fn of(
        toc: &Toc,
        place: &Place,
        version: &[(String, Version)],
    ) -> Option<(jiff::Timestamp, &'static str)> {
        let header = toc.created().and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok());
        let (name, from) = match place {
            Place::File(_) => (None, FILE),
            Place::Folder(_) => (Some(TOC), FILE),
            Place::Object(..) | Place::Objects(..) => (None, OBJECT),
        };
        let written = version.iter().find(|(file, _)| name.is_none_or(|name| file == name));
        let written = written.and_then(|(_, version)| version.modified);
        let written = written.and_then(|at| jiff::Timestamp::try_from(at).ok());
        match (header.map(|at| at.timestamp()), written) {
            (Some(header), Some(written)) if written < header => Some((written, from)),
            (Some(header), _) => Some((header, HEADER)),
            (None, written) => written.map(|written| (written, from)),
        }
    }
}

/// How a file is read, and with what.
#[derive(Debug, Clone)]
pub struct Reading {
    /// PATH and the like, for pg_restore.
    pub environment: Environment,
    /// Whether pg_restore reads it too, and expands all of it.
    pub deep: bool,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops it.
    pub cancel: CancellationToken,
}

/// A file that was read from its first byte to its last.
#[derive(Debug)]
pub struct Dump {
    /// Where it is; for one in directory format of a store, where its copy is.
    place: Place,
    /// What the operator called it.
    pub label: String,
    /// Its last part.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What is around it, from the outside in.
    pub wrappings: Vec<Wrapping>,
    /// Its table of contents; for a script an empty one.
    pub toc: Toc,
    /// What a script says of itself.
    pub script: Option<Facts>,
    /// Bytes as they are stored.
    pub bytes: u64,
    /// Bytes without what is around them.
    pub raw_bytes: u64,
    /// Which state of it was read.
    version: Vec<(String, Version)>,
    /// Fingerprint of the raw bytes; of a folder none.
    fingerprint: u64,
    /// How far a script has come in a database.
    pub(super) commit: Commit,
    /// When it was made, and how that is known.
    pub time: Option<(jiff::Timestamp, &'static str)>,
    /// Holds the copy.
    _copy: Option<TempDir>,
}

/// Why there is no [`Dump`].
#[derive(Debug)]
pub enum Trouble {
    /// The file is damaged, none of pg_dump, or not known: why, and what helps.
    Damaged(Fault, Option<&'static str>),
    /// It could not be read.
    Failed(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Damaged(fault, None)
    }
}

impl Trouble {
    /// The error of a restore: nothing was done yet.
    pub fn into_error(self, label: &str) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Damaged(Fault::Io(fault), _) => unreadable(label, &fault),
            Self::Damaged(Fault::Unsupported(what), _) => {
                Error::new(Exit::Refused, format!("{label} cannot be restored by this pgtend"))
                    .because(what)
                    .next(
                        "nothing was changed; it may be whole: restore it with pg_restore or psql",
                    )
            }
            Self::Damaged(fault, help) => {
                let error = Error::new(Exit::Critical, format!("{label} cannot be restored"))
                    .because(fault.to_string());
                let error = help.into_iter().fold(error, Error::next);
                error.next("nothing was changed; restore another backup")
            }
        }
    }
}

fn unreadable(label: &str, fault: &std::io::Error) -> Error {
    match fault.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        // An error of the store that went through a reader.
        Some(inner) => {
            let same = Error::new(inner.exit(), inner.what());
            let same = inner.causes().iter().cloned().fold(same, Error::because);
            inner.next_steps().iter().cloned().fold(same, Error::next)
        }
        None => Error::new(Exit::Io, format!("cannot read {label}")).caused_by(fault),
    }
}

impl Dump {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// What is wrong with it, or why it could not be read.
    pub async fn read(place: Place, reading: &Reading) -> std::result::Result<Self, Trouble> {
        reading.progress.phase("reading the file to its end");
        let guard = ChildGuard::default();
        let _terminated = super::objects::Terminated(guard.clone());
        let (own, watched) = (reading.clone(), guard.clone());
        let read =
            on_thread("dump", &reading.cancel, &watched, move || whole::read(place, &own, &guard));
        let read = read.await;
        if reading.cancel.is_cancelled() {
            return Err(super::stopped().because("nothing was changed").into());
        }
        read?
    }

    /// Whether it is SQL for psql.
    pub const fn is_script(&self) -> bool {
        self.kind.is_script()
    }

    /// For reports.
    pub fn facts(&self) -> DumpFile {
        DumpFile {
            format: self.kind.id().into(),
            compressed: self.wrappings.iter().map(|around| around.name().to_owned()).collect(),
            time_from: self.time.map(|(_, from)| from.to_owned()),
            pg_dump: self.toc.dump_version(),
            server: self.toc.server_version(),
            bytes: self.bytes,
        }
    }

    /// A path that pg_restore can go back and forth in; `None` for what comes as a stream.
    fn seekable(&self) -> Option<&PathBuf> {
        match &self.place {
            Place::Folder(path) => Some(path),
            Place::File(path) if self.wrappings.is_empty() => Some(path),
            _ => None,
        }
    }

    /// What the operator should know before.
    pub(super) fn notes(&self, request: &Request) -> Vec<String> {
        let mut notes = Vec::new();
        if request.mode != Mode::Create {
            notes.push(format!(
                "{} does not say which server it is of: whether {} is the database that was \
                 dumped cannot be told",
                self.name, request.into
            ));
        }
        if self.is_script() {
            notes.push(
                "plain SQL runs as it is, in one transaction: roles, extensions and tablespaces \
                 that this server lacks end it"
                    .into(),
            );
        } else if request.jobs > 1 && self.seekable().is_none() {
            notes.push("its rows are loaded by one session: it comes as a stream".into());
        } else if request.jobs > 1 && self.kind == Kind::Tar {
            notes.push("its rows are loaded by one session: tar format has no more".into());
        }
        notes
    }

    /// An error for what cannot be restored as the operator wants it.
    pub fn refuse(&self, request: &Request) -> Result<()> {
        let refused = |what: &str| {
            Error::new(Exit::Refused, format!("cannot restore {}: {what}", self.label))
        };
        if self.kind == Kind::Cluster {
            return Err(refused("it is a dump of a whole cluster (pg_dumpall)")
                .because("it makes roles and databases of its own, whatever --into says")
                .next("look at what it does; then, on a server that is to become that cluster:")
                .next("psql -X -v ON_ERROR_STOP=1 -d postgres -f FILE"));
        }
        if let Some(line) = self.script.as_ref().and_then(|facts| facts.other_database) {
            return Err(refused("it makes a database of its own (pg_dump -C)")
                .because(format!("line {line} is about another database than --into"))
                .next("dump again without -C (--create), best in custom format: -Fc")
                .next("or run it yourself: psql -X -v ON_ERROR_STOP=1 -d postgres -f FILE"));
        }
        if !self.is_script() {
            if request.clean
                && let Some(complaint) = honest::complaint_of_drops(&self.toc)
            {
                return Err(Error::new(
                    Exit::Critical,
                    format!("{} is not what it says", self.label),
                )
                .because(complaint));
            }
            if self.toc.entries.iter().any(|entry| !entry.has_utf8_names()) {
                return Err(
                    refused("names in it are not UTF-8").next("restore it with pg_restore itself")
                );
            }
            if request.parts.rename.is_some() {
                return Err(Error::usage("--as is for backups of pgtend")
                    .because("pg_restore loads rows into tables of their own names only")
                    .next("restore the table into another database: --create --into NAME"));
            }
            return Ok(());
        }
        let given = [
            ("--clean", request.clean),
            ("--table", !request.parts.tables.is_empty()),
            ("--schema", !request.parts.schemas.is_empty()),
            ("--no-owner", request.no_owner),
            ("--no-privileges", request.no_privileges),
            ("--role", request.role.is_some()),
        ];
        if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
            let why = match *flag {
                "--clean" => "a plain dump drops what it was made to drop (pg_dump --clean)",
                _ => "plain SQL runs as a whole and as it is",
            };
            return Err(Error::usage(format!("{flag} is not for plain SQL"))
                .because(why)
                .next("restore all of it beside what is there: --create or --swap")
                .next("or dump in custom format (-Fc), of which parts can be restored"));
        }
        Ok(())
    }
}

impl Request {
    /// The moment that the backup shows; `None` for a file that has no time.
    pub(super) fn taken(&self, manifest: &Manifest) -> Option<jiff::Timestamp> {
        match &self.dump {
            None => Some(manifest.snapshot.taken),
            Some(dump) => dump.time.map(|(time, _)| time),
        }
    }

    /// Objects that the operator asked for, and those of them that are planned.
    pub(super) fn counts(&self, plan: &Plan) -> (u64, u64) {
        match self.dump.as_ref().and_then(|dump| dump.script.as_ref()) {
            Some(facts) => (facts.objects, facts.objects),
            None => {
                let (asked, planned) = plan.counts();
                (asked as u64, planned as u64)
            }
        }
    }
}

/// How long a thread may take to end once the run is stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does blocking work on a thread of its own. When the run is stopped the work's program is ended,
/// and the thread is waited for: a temporary copy goes with it.
async fn on_thread<T: Send + 'static>(
    name: &str,
    cancel: &CancellationToken,
    guard: &ChildGuard,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (sender, mut done) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        // Nobody listens any more after a signal.
        sender.send(work()).unwrap_or(());
    });
    thread.map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
    let ended = tokio::select! {
        biased;
        ended = &mut done => ended,
        () = cancel.cancelled() => {
            guard.terminate();
            tokio::time::timeout(PATIENCE, done).await.map_err(|_| super::stopped())?
        }
    };
    ended.map_err(|error| Error::bug("a thread's end").caused_by(&error))
}
