//! pg_dump: the plan of a backup.

use std::io::BufReader;
use std::path::Path;
use std::process::ChildStdout;
use std::time::Duration;

use crate::archive::toc::{Toc, TocError};
use crate::conn::ChildConnection;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{ChildGuard, Process, Programs, command};
use crate::settings::Environment;

/// Why there is no table of contents.
#[derive(Debug)]
pub enum DumpFault {
    /// A lock was not to be had in time.
    Waited(Error),
    /// Something was dropped or renamed after pg_dump had seen it.
    Changed(Error),
    /// No use in trying again.
    Failed(Error),
}

impl From<Error> for DumpFault {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A running pg_dump that has written its table of contents.
#[derive(Debug)]
pub struct Dump {
    process: Process,
    /// Held open: pg_dump keeps its locks while it waits to write on.
    stdout: BufReader<ChildStdout>,
    /// What it wrote.
    pub toc: Toc,
}

/// What to run pg_dump with.
#[derive(Debug, Clone)]
pub struct DumpOptions<'a> {
    /// The exported snapshot.
    pub snapshot: &'a str,
    /// Encoding of the archive.
    pub encoding: &'a str,
    /// Longest wait for a lock.
    pub lock_wait: Duration,
    /// Filters, as pg_dump knows them.
    pub filters: &'a [String],
}

impl Dump {
    /// Starts pg_dump and reads its table of contents; blocks until that is complete.
    ///
    /// Through `guard` it can be ended from outside.
    ///
    /// # Errors
    /// Told apart by what helps.
    pub fn start(
        programs: &Programs,
        connection: &ChildConnection,
        environment: &Environment,
        options: &DumpOptions<'_>,
        guard: &ChildGuard,
    ) -> Result<Self, DumpFault> {
        let program = programs.path("pg_dump");
        let mut command = command(&program, connection, environment)?;
        command
            .args(["-Fc", "-Z0"])
            .arg(format!("--snapshot={}", options.snapshot))
            .arg(format!("--encoding={}", options.encoding))
            .arg(format!("--lock-wait-timeout={}", options.lock_wait.as_millis()))
            .args(options.filters);
        let mut process = Process::start(command, &program, guard)?;
        let stdout = process.stdout().ok_or_else(|| Error::bug("pg_dump has no stdout"))?;
        let mut stdout = BufReader::new(stdout);
        match Toc::read(&mut stdout) {
            Ok(toc) => Ok(Self { process, stdout, toc }),
            Err(error) => Err(failed_early(&mut process, &program, &error)),
        }
    }

    /// Ends pg_dump; returns the table of contents and the lines it wrote to stderr.
    pub fn end(self) -> Result<(Toc, Vec<String>)> {
        let mut lines = self.process.end(self.stdout)?;
        lines.retain(|line| !line.contains("terminated by user"));
        // Its errors are its end, and one after the whole table of contents is about rows that
        // it began to copy itself.
        let end = lines.iter().position(|line| line.starts_with("pg_dump: error:"));
        lines.truncate(end.unwrap_or(lines.len()));
        Ok((self.toc, lines))
    }
}

/// What libpq says when the server has ended the session: its own words, in English.
const LOST: [&str; 7] = [
    "FATAL:",
    "PANIC:",
    "server closed the connection unexpectedly",
    "SSL connection has been closed unexpectedly",
    "could not receive data from server",
    "could not send data to server",
    "no connection to the server",
];

/// Lines that begin with a tab go on with the one before.
fn joined(lines: &[String]) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for line in lines {
        let words = line.split('\t').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        match causes.last_mut() {
            Some(last) if line.starts_with('\t') => {
                last.push(' ');
                last.push_str(&words);
            }
            _ => causes.push(words),
        }
    }
    causes
}

/// What it means that the table of contents could not be read.
fn failed_early(process: &mut Process, program: &Path, error: &TocError) -> DumpFault {
    // A cut table of contents means that the program has ended; another fault does not.
    if !matches!(error, TocError::Io(_)) {
        process.kill();
    }
    let status = process.wait();
    let lines = process.lines();
    let what = match (&status, error) {
        (Ok(status), TocError::Io(_)) => {
            format!(
                "{} ended before its table of contents was complete ({status})",
                program.display()
            )
        }
        _ => format!("cannot read the table of contents of {}", program.display()),
    };
    let mut failure = Error::new(Exit::Unavailable, what);
    if !matches!(error, TocError::Io(_)) {
        failure = failure.caused_by(error);
    }
    classify(failure, &lines)
}

/// What helps, out of what pg_dump said.
fn classify(mut failure: Error, lines: &[String]) -> DumpFault {
    for line in joined(lines) {
        failure = failure.because(line);
    }
    let text = lines.join("\n");
    // pg_dump's --lock-wait-timeout is a statement_timeout around its LOCK TABLE.
    if text.contains("due to statement timeout") || text.contains("due to lock timeout") {
        return DumpFault::Waited(
            failure
                .with_exit(Exit::Busy)
                .next("try again when the conflicting statement is done (a note may name it)")
                .next("or wait longer: --lock-wait 10m"),
        );
    }
    if text.contains("query_wait_timeout") {
        return DumpFault::Failed(failure.next(
            "a pooler is in between, and its pool is too small or its server does not answer: \
             raise the pool's size (PgBouncer: default_pool_size), or connect to the server itself",
        ));
    }
    if LOST.iter().any(|words| text.contains(words)) {
        return DumpFault::Failed(
            failure.next("look into the server's log, and a pooler's, at the time of this failure"),
        );
    }
    // Mostly something that was dropped or renamed after pg_dump had seen it. The server says
    // which in its own language, so only a missing right and memory are told by words.
    let final_words = ["permission denied for ", "out of shared memory"];
    if text.contains("query failed") && !final_words.iter().any(|words| text.contains(words)) {
        return DumpFault::Changed(failure);
    }
    DumpFault::Failed(if text.contains("permission denied for ") {
        failure
            .with_exit(Exit::Refused)
            .next("grant the role what is named above, or leave it out (-T, -N)")
    } else if text.contains("no matching tables") || text.contains("no matching schemas") {
        failure.next("correct the pattern after -t or -n: pg_dump's rules apply")
    } else if text.contains("out of shared memory") {
        failure.next("raise max_locks_per_transaction on the server")
    } else {
        failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> DumpFault {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        classify(Error::new(Exit::Unavailable, "pg_dump ended"), &lines)
    }

    #[test]
    fn a_lost_connection_is_no_change_of_the_schema() {
        let rest = "server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
pg_dump: detail: Query was: SET TRANSACTION SNAPSHOT '1'";
        for (said, step) in [
            ("pg_dump: error: query failed: FATAL:  query_wait_timeout\n", "default_pool_size"),
            (
                "pg_dump: error: query failed: FATAL:  terminating connection due to \
                 administrator command\n",
                "server's log",
            ),
            ("pg_dump: error: query failed: ", "server's log"),
        ] {
            let fault = of(&format!("{said}{rest}"));
            let DumpFault::Failed(error) = fault else { panic!("{said}: {fault:?}") };
            assert!(error.next_steps()[0].contains(step), "{error}");
            assert!(!error.to_string().contains(['\t', '\\']), "{error}");
            let whole = "server closed the connection unexpectedly This probably means the server \
                         terminated abnormally before or while processing the request.";
            assert!(error.causes().iter().any(|cause| cause.ends_with(whole)), "{error}");
        }
    }

    #[test]
    fn what_was_dropped_is_a_change_of_the_schema() {
        let fault = of("pg_dump: error: query failed: ERROR:  relation \"t\" does not exist
pg_dump: detail: Query was: LOCK TABLE public.t IN ACCESS SHARE MODE");
        assert!(matches!(fault, DumpFault::Changed(_)), "{fault:?}");
        let fault = of("pg_dump: error: query failed: ERROR:  permission denied for table t");
        assert!(matches!(fault, DumpFault::Failed(_)), "{fault:?}");
        let fault = of(
            "pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout",
        );
        assert!(matches!(fault, DumpFault::Waited(_)), "{fault:?}");
    }
}
