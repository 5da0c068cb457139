//! Plain SQL by psql: in one transaction that we end, in psql's restricted mode, with nothing
//! that our own scan does not know.
//!
//! psql does not end the transaction: if the file breaks off on its way, so does the transaction.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use xxhash_rust::xxh3::Xxh3Default;

use super::load::{ANOTHER, Ended, Feeding, reading};
use super::{Dump, on_thread};
use crate::archive::foreign::script::Scanner;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{self, ChildGuard, Process};
use crate::restore::Request;
use crate::restore::objects::{Failure, Objects, Terminated};

/// Servers before this version do not know `transaction_timeout`.
const TRANSACTION_TIMEOUT_SINCE: u32 = 17;
/// What psql exits with after an error of the script.
const SCRIPT_FAILED: i32 = 3;

/// How far a script has come: its one COMMIT decides whether all of it is there, or nothing.
#[derive(Debug, Default)]
pub struct Commit(AtomicU8);

impl Commit {
    const NONE: u8 = 0;
    const SENT: u8 = 1;
    const DONE: u8 = 2;

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Release);
    }

    /// Whether it was committed; `None` when that is not known.
    pub fn is_done(&self) -> Option<bool> {
        match self.0.load(Ordering::Acquire) {
            Self::NONE => Some(false),
            Self::DONE => Some(true),
            _ => None,
        }
    }
}

impl Objects<'_> {
    /// Runs all of a script; what failed is one error, after which nothing of it is there.
    pub(super) async fn run_script(
        &self,
        dump: &Arc<Dump>,
        request: &Request,
    ) -> Result<Vec<Failure>> {
        let program = self.programs.path("psql");
        if !program.is_file() {
            return Err(Error::new(Exit::Unavailable, format!("no psql in {}", program.display()))
                .next("install the package of the client programs"));
        }
        let connection = self.connection.for_now().await?;
        let (mut command, key) = program::fed(&program, &connection, self.environment)?;
        // No psqlrc, no history, no pager; `-f -` numbers the lines.
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-P", "pager=off"]);
        // Of the operator's environment psql would take these.
        for name in ["PSQLRC", "PSQL_PAGER", "PAGER", "PSQL_EDITOR", "EDITOR", "VISUAL", "SHELL"] {
            command.env_remove(name);
        }
        // The scanner takes a script's own key out: one that a script knows would be none.
        command.args(["-c", &format!("\\restrict {}", key_word())]);
        // What the scanner takes for a string psql must take for one.
        command.args(["-c", "SET standard_conforming_strings = on"]);
        command.args(["-c", "BEGIN", "-f", "-"]);
        // What a script prints is nobody's answer.
        command.stdout(std::process::Stdio::null());
        let guard = ChildGuard::default();
        let _terminated = Terminated(guard.clone());
        let process = Process::start(command, &program, &guard)?;
        let feeding = Feeding { dump: Arc::clone(dump), reading: reading(request) };
        let old = self.server_major < TRANSACTION_TIMEOUT_SINCE;
        let ended = on_thread("psql", &self.cancel, &guard, move || {
            let ended = feeding.feed(process, |feeding, to| feeding.script(to, old));
            drop(key);
            ended
        });
        let Ended { status, lines, fault } = ended.await??;
        if status.success() && fault.is_none() {
            dump.commit.set(Commit::DONE);
            return Ok(Vec::new());
        }
        if self.cancel.is_cancelled() {
            return Err(crate::restore::stopped());
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let error = lines.iter().position(|line| is_error(line));
        if lines.iter().any(|line| line.contains("invalid command \\restrict")) {
            return Err(Error::new(Exit::Unavailable, format!("{} is too old", program.display()))
                .because("it has no restricted mode: a script could run programs on this machine")
                .next("install the newest minor version (18, 17.6, 16.10, 15.14, 14.19, 13.22 or later)"));
        }
        match error {
            Some(at) if status.code() == Some(SCRIPT_FAILED) => {
                dump.commit.set(Commit::NONE);
                Ok(vec![failure(&lines[at..], &dump.name)])
            }
            _ => {
                let what = format!("{} failed ({status})", program.display());
                let skipped = lines.len().saturating_sub(20);
                Err(lines
                    .into_iter()
                    .skip(skipped)
                    .fold(Error::new(Exit::Unavailable, what), Error::because))
            }
        }
    }
}

/// `psql:<stdin>:12: ERROR:  relation "t" already exists`
fn is_error(line: &str) -> bool {
    line.contains(" ERROR:  ") || line.contains(" FATAL:  ") || line.contains(" error: ")
}

/// The first error of a script, with its line in the file.
fn failure(lines: &[String], name: &str) -> Failure {
    let first = lines.first().map_or("", String::as_str);
    let (line, message) = first
        .strip_prefix("psql:<stdin>:")
        .and_then(|rest| rest.split_once(": "))
        .unwrap_or(("?", first));
    let message = message.strip_prefix("ERROR:").unwrap_or(message).trim();
    let details = lines.iter().skip(1).take_while(|line| {
        ["DETAIL:", "HINT:", "CONTEXT:"].iter().any(|word| line.starts_with(word))
    });
    let details: String = details.map(|line| format!(": {}", line.trim())).collect();
    Failure {
        entry: None,
        message: format!("line {line} of {name}: {message}{details}; all of it was rolled back"),
        statement: String::new(),
    }
}

/// A word that a script cannot know.
fn key_word() -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

impl Feeding {
    /// Writes what psql may read of a script, and its COMMIT once all of it is what was read
    /// before.
    fn script(&self, to: &mut dyn Write, old_server: bool) -> Result<()> {
        let mut from = self.open()?;
        let mut scanner = Scanner::new(old_server);
        let mut hash = Xxh3Default::new();
        let (mut buffer, mut out) = (vec![0; 256 << 10], Vec::new());
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.changed(&error)),
            };
            hash.update(&buffer[..read]);
            let passed = scanner.feed(&buffer[..read], &mut out);
            passed.map_err(|fault| self.other(&fault.to_string()))?;
            if to.write_all(&out).is_err() {
                // psql has given up: it says why.
                return Ok(());
            }
            out.clear();
        }
        scanner.finish().map_err(|fault| self.other(&fault.to_string()))?;
        if hash.digest() != self.dump.fingerprint {
            return Err(self.other(ANOTHER));
        }
        self.dump.commit.set(Commit::SENT);
        // A psql that is gone says why itself.
        to.write_all(b"\nCOMMIT;\n").or(Ok(()))
    }

    fn other(&self, why: &str) -> Error {
        self.another(why).because("all of it was rolled back")
    }
}
