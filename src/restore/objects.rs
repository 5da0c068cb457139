//! Objects by stock pg_restore: from a folder that holds nothing but toc.dat, one `-L` list for
//! each step. Every error that it reports is counted and told.

use std::path::Path;
use std::process::ExitStatus;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use crate::conn::{ChildConnection, Session};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{ChildGuard, Process, Programs, command};
use crate::settings::Environment;

/// The first version that knows `transaction_timeout`, which pg_restore sets from 17 on whatever
/// the server is (reference/backup-experiments.md, E10).
const TRANSACTION_TIMEOUT_SINCE: u32 = 17;
const SETS_TRANSACTION_TIMEOUT: &str = "SET transaction_timeout = 0;";

/// Entries that are made in one transaction at most: each table takes several locks.
const TOGETHER: usize = 4000;

/// An error that pg_restore went on after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Number of the entry in the plan; `None` when it belongs to none.
    pub entry: Option<usize>,
    /// The server's words.
    pub message: String,
    /// The statement.
    pub statement: String,
}

/// pg_restore, aimed at one database.
#[derive(Debug, Clone)]
pub struct Objects<'a> {
    /// Where pg_restore is.
    pub programs: Programs,
    /// The database.
    pub connection: ChildConnection,
    /// PATH and the like.
    pub environment: &'a Environment,
    /// The server's major version.
    pub server_major: u32,
    /// `--no-owner` and the like.
    pub flags: Vec<String>,
    /// Stops it.
    pub cancel: CancellationToken,
}

/// What every session of a restore needs: a database may be set to be read-only.
pub const WRITES: &str = "default_transaction_read_only=off";

impl Objects<'_> {
    /// The same, with commits that wait for the disk.
    pub fn durable(&self, control: &Session) -> Self {
        let mut connection = control.child();
        connection.add_options(&[WRITES]);
        Self { connection, ..self.clone() }
    }

    /// Makes the objects of some entries; returns what failed.
    ///
    /// # Errors
    /// pg_restore could not be run, lost its connection or said what pgtend does not understand.
    pub async fn make(&self, plan: &Plan, entries: &[usize], jobs: usize) -> Result<Vec<Failure>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut jobs_flag = Vec::new();
        if jobs > 1 {
            jobs_flag.push(format!("--jobs={jobs}"));
        }
        let (status, lines) = self.run(plan, entries, &jobs_flag).await?;
        self.judge(status, lines, plan, entries, jobs)
    }

    /// What failed, of what pg_restore said at its end.
    pub(super) fn judge(
        &self,
        status: ExitStatus,
        lines: Vec<String>,
        plan: &Plan,
        entries: &[usize],
        jobs: usize,
    ) -> Result<Vec<Failure>> {
        let said = Said::read(&lines, plan, entries);
        // With --jobs it counts one more for each failed entry (parseWorkerResponse and
        // mark_restore_job_done both do), and not what failed while a worker started. More than
        // was seen here it must not be.
        let seen = said.failures.len() * if jobs > 1 { 2 } else { 1 };
        let understood = status.success() && said.failures.is_empty()
            || status.code() == Some(1) && said.ignored.is_some_and(|ignored| ignored <= seen);
        if !understood {
            return Err(not_understood(&self.programs.path("pg_restore"), status, lines));
        }
        let mut failures = said.failures;
        failures.retain(|failure| !self.is_harmless(failure));
        Ok(failures)
    }

    /// The same, tried in one transaction: a fifth faster where there are many. When something
    /// fails all of it is undone, and made again one by one.
    pub async fn make_together(&self, plan: &Plan, entries: &[usize]) -> Result<Vec<Failure>> {
        // Its own harmless error would end the transaction.
        let harmless = self.server_major < TRANSACTION_TIMEOUT_SINCE
            && self.programs.major >= TRANSACTION_TIMEOUT_SINCE;
        if !entries.is_empty() && entries.len() <= TOGETHER && !harmless {
            let (status, _) = self.run(plan, entries, &["--single-transaction".into()]).await?;
            if status.success() {
                return Ok(Vec::new());
            }
        }
        self.make(plan, entries, 1).await
    }

    /// Runs pg_restore on a list; its status and the lines of its stderr.
    async fn run(
        &self,
        plan: &Plan,
        entries: &[usize],
        flags: &[String],
    ) -> Result<(ExitStatus, Vec<String>)> {
        let folder = folder(&plan.toc.to_directory(), &plan.list(entries)).map_err(|error| {
            Error::new(Exit::Io, "cannot write a temporary folder for pg_restore")
                .caused_by(&error)
                .next("free space there, or set TMPDIR to another folder")
        })?;
        let program = self.programs.path("pg_restore");
        let connection = self.connection.for_now().await?;
        let mut command = command(&program, &connection, self.environment)?;
        command.arg("-Fd").args(&self.flags).args(flags);
        command.arg("-L").arg(folder.path().join("list")).arg(folder.path());
        let guard = ChildGuard::default();
        let (done, ended) = tokio::sync::oneshot::channel();
        let mut process = Process::start(command, &program, &guard)?;
        // It is waited for on a thread: the sessions of this one must go on being served.
        let thread = std::thread::Builder::new().name("pg_restore".into()).spawn(move || {
            let status = process.wait();
            done.send((status, process.lines())).unwrap_or(());
        });
        thread.map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
        let _terminated = Terminated(guard);
        let (status, lines) = tokio::select! {
            ended = ended => ended.map_err(|error| Error::bug("pg_restore's end").caused_by(&error))?,
            () = self.cancel.cancelled() => return Err(super::stopped()),
        };
        let status = status.map_err(|error| {
            Error::bug(format!("cannot wait for {}", program.display())).caused_by(&error)
        })?;
        Ok((status, lines))
    }

    fn is_harmless(&self, failure: &Failure) -> bool {
        failure.statement == SETS_TRANSACTION_TIMEOUT
            && self.server_major < TRANSACTION_TIMEOUT_SINCE
    }
}

fn not_understood(program: &Path, status: ExitStatus, lines: Vec<String>) -> Error {
    let what = format!("{} failed ({status})", program.display());
    // Its last words say why it gave up.
    let skipped = lines.len().saturating_sub(20);
    lines.into_iter().skip(skipped).fold(Error::new(Exit::Unavailable, what), Error::because)
}

/// Ends a program when this is dropped.
#[derive(Debug)]
pub(super) struct Terminated(pub ChildGuard);

impl Drop for Terminated {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

/// What the names of folders for pg_restore start with; the number of their process follows.
const FOLDER: &str = "pgtend-restore-";

pub(super) fn folder(toc: &[u8], list: &str) -> std::io::Result<TempDir> {
    // 0700: the table of contents may hold passwords of user mappings.
    let prefix = format!("{FOLDER}{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
    std::fs::write(folder.path().join("toc.dat"), toc)?;
    std::fs::write(folder.path().join("list"), list)?;
    Ok(folder)
}

/// Removes folders of runs that were killed. What belongs to others or cannot be read stays.
pub fn remove_left_over_folders() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.split('-').next());
        let Some(process) = owner.and_then(|number| number.parse::<u32>().ok()) else { continue };
        let is_gone = !Path::new(&format!("/proc/{process}")).exists();
        if is_gone && Path::new("/proc/self").exists() {
            // Another user's is not ours to remove, and one that is gone is what was wanted.
            std::fs::remove_dir_all(entry.path()).unwrap_or(());
        }
    }
}

/// pg_restore's stderr.
#[derive(Debug, Default)]
struct Said {
    failures: Vec<Failure>,
    /// The number of errors that it says it went on after.
    ignored: Option<usize>,
}

impl Said {
    /// Source: `warn_or_exit_horribly` and `ahlog` of pg_backup_archiver.c: the entry is named
    /// before the first of its errors, the statement after each.
    fn read(lines: &[String], plan: &Plan, entries: &[usize]) -> Self {
        let mut said = Self::default();
        let mut entry = None;
        let mut open = false;
        let mut in_statement = false;
        for line in lines {
            if let Some(message) = line.strip_prefix("pg_restore: ") {
                (open, in_statement) = (false, false);
                if let Some(number) = message.strip_prefix("from TOC entry ") {
                    let id = number.split(';').next().and_then(|id| id.parse().ok());
                    entry = id.and_then(|id| plan.index_of(id));
                } else if let Some(message) = message.strip_prefix("error: ") {
                    let of_query = message.strip_prefix("could not execute query: ");
                    let of_copy = message.starts_with("COPY failed for table ").then_some(message);
                    let Some(message) = of_query.or(of_copy) else { continue };
                    let message = message.strip_prefix("ERROR:").unwrap_or(message).trim();
                    said.failures.push(Failure {
                        entry,
                        message: message.into(),
                        statement: String::new(),
                    });
                    open = true;
                } else if let Some(number) =
                    message.strip_prefix("warning: errors ignored on restore: ")
                {
                    said.ignored = number.trim().parse().ok();
                } else if message.starts_with("while ") {
                    entry = None;
                }
                continue;
            }
            let Some(failure) = said.failures.last_mut().filter(|_| open) else { continue };
            if let Some(statement) = line.strip_prefix("Command was: ") {
                failure.statement = statement.trim_end().to_owned();
                in_statement = true;
            } else if !in_statement && !line.trim().is_empty() {
                failure.message.push_str(": ");
                failure.message.push_str(line.trim());
            }
        }
        for failure in &mut said.failures {
            failure.entry = owner_of(failure, plan, entries);
        }
        said
    }
}

/// The entry that a failed statement is of. Several workers write to one stderr, so the entry
/// named last may be another worker's.
fn owner_of(failure: &Failure, plan: &Plan, entries: &[usize]) -> Option<usize> {
    let statement = failure.statement.as_str();
    let holds = |index: &usize| {
        !statement.is_empty() && plan.toc.entries[*index].definition().contains(statement)
    };
    match failure.entry {
        Some(index) if holds(&index) => Some(index),
        named => entries.iter().copied().find(holds).or(named).or_else(|| {
            // Workers name the table alone; two of one name cannot be told apart.
            let (_, rest) = failure.message.split_once("COPY failed for table \"")?;
            let (table, _) = rest.split_once("\": ")?;
            let is_named = |index: &&usize| {
                let entry = &plan.toc.entries[**index];
                entry.is_table_data() && entry.name() == table
            };
            let mut found = entries.iter().filter(is_named);
            found.next().copied().filter(|_| found.next().is_none())
        }),
    }
}
