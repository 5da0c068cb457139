//! PostgreSQL's own client programs: finding the right ones and running them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process};

use crate::conn::ChildConnection;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::Environment;

/// How long a program may take to end after SIGTERM (measured: 3 to 5 ms).
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a program's stderr that are kept.
const STDERR_LIMIT: u64 = 4 << 20;

/// The folder with the client programs to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    folder: PathBuf,
    /// Their major version.
    pub major: u32,
}

impl Programs {
    /// Finds the programs to dump a server with: its own major version if installed, else the
    /// nearest newer one; never an older one, which may not know what the server has.
    pub fn find(environment: &Environment, server_major: u32) -> Result<Self> {
        Self::choose(environment, "pg_dump", server_major, server_major)
    }

    /// Finds the programs to restore with: never older than the pg_dump that wrote the archive,
    /// of the server's own major version if possible.
    pub fn find_for_restore(
        environment: &Environment,
        dump_major: u32,
        server_major: u32,
    ) -> Result<Self> {
        Self::choose(environment, "pg_restore", dump_major, server_major.max(dump_major))
    }

    /// Finds the programs of a server to throw away: the source's own major version if
    /// installed, else the nearest newer one.
    pub fn find_server(environment: &Environment, source_major: u32) -> Result<Self> {
        Self::choose(environment, "postgres", source_major, source_major)
    }

    /// The installed ones of version `wanted`, else the nearest from `oldest` on.
    fn choose(environment: &Environment, program: &str, oldest: u32, wanted: u32) -> Result<Self> {
        let mut found = Vec::new();
        for (folder, major) in candidates(environment) {
            let path = folder.join(program);
            if !path.is_file() || (program == "postgres" && !folder.join("initdb").is_file()) {
                continue;
            }
            let Some(major) = major.or_else(|| probe(&path)) else { continue };
            let programs = Self { folder, major };
            // No better one can follow; asking the others costs a process each.
            if major == wanted {
                return Ok(programs);
            }
            found.push(programs);
        }
        found.sort_by_key(|programs| programs.major);
        match found.iter().find(|programs| programs.major >= oldest) {
            Some(programs) => Ok(programs.clone()),
            None => Err(none_fits(program, oldest, &found, environment)),
        }
    }

    /// The path of one of them.
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

fn none_fits(program: &str, major: u32, found: &[Programs], environment: &Environment) -> Error {
    let error = Error::new(
        Exit::Unavailable,
        format!("no {program} of PostgreSQL {major} or newer is installed"),
    );
    let bindir = environment.pg_bindir().map(|folder| folder.display().to_string());
    let error = if found.is_empty() {
        let places = bindir.as_deref().unwrap_or("PATH or /usr/lib/postgresql/*/bin");
        error.because(format!("no {program} was found in {places}"))
    } else {
        let list: Vec<String> =
            found.iter().map(|p| format!("{} in {}", p.major, p.folder.display())).collect();
        error.because(format!("found only older ones: {}", list.join(", ")))
    };
    let only = bindir.map_or(String::new(), |folder| {
        format!(": it is {folder} now, and nothing else is looked at")
    });
    let packages = if program == "postgres" {
        [format!("postgresql-{major}"), format!("postgresql{major}-server")]
    } else {
        [format!("postgresql-client-{major}"), format!("postgresql{major}")]
    };
    error
        .next(format!(
            "install the package {} (Debian, Ubuntu) or {} (Red Hat, Amazon Linux)",
            packages[0], packages[1]
        ))
        .next(format!("or set PGTEND_PG_BINDIR to the folder that holds it{only}"))
}

/// Folders to look in, with the major version where the folder's name tells it.
fn candidates(environment: &Environment) -> Vec<(PathBuf, Option<u32>)> {
    if let Some(folder) = environment.pg_bindir() {
        return vec![(folder.to_owned(), None)];
    }
    let mut folders = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt", "pgsql-")] {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let major = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok());
            if major.is_some() {
                folders.push((entry.path().join("bin"), major));
            }
        }
    }
    // Debian's /usr/bin/pg_dump is a Perl wrapper around the folders above: look there last.
    let path = environment.program_path().unwrap_or_default();
    folders.extend(std::env::split_paths(path).map(|folder| (folder, None)));
    folders
}

/// Asks a program for its major version.
fn probe(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A program that talks to the server as we do: same address, same role, password by
/// environment, and no PG* variable of the operator's own.
pub fn command(
    program: &Path,
    connection: &ChildConnection,
    environment: &Environment,
) -> Result<Command> {
    let mut command = connected(program, connection, environment);
    if let Some(file) = key_file(program, connection)? {
        command.stdin(file).env("PGSERVICEFILE", "/dev/stdin").env("PGSERVICE", SERVICE);
    }
    Ok(command)
}

/// The same for a program that we write to ([`Process::stdin`]). The file, where there is one,
/// must be kept until the program has connected.
pub fn fed(
    program: &Path,
    connection: &ChildConnection,
    environment: &Environment,
) -> Result<(Command, Option<File>)> {
    let mut command = connected(program, connection, environment);
    command.stdin(Stdio::piped());
    let file = key_file(program, connection)?;
    if let Some(file) = &file {
        // Standard input is taken; our own descriptor is as private.
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        command.env("PGSERVICEFILE", path).env("PGSERVICE", SERVICE);
    }
    Ok((command, file))
}

/// A program that talks to no server; it is written to, and nothing of the operator's PG*
/// variables reaches it.
pub fn offline(program: &Path, environment: &Environment) -> Command {
    let mut command = without_variables(program, environment);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn without_variables(program: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(program);
    for (name, _) in environment.variables() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    // Messages are matched and kept: they must not depend on the operator's language.
    command.env("LC_ALL", "C");
    command
}

fn connected(program: &Path, connection: &ChildConnection, environment: &Environment) -> Command {
    let mut command = without_variables(program, environment);
    for (name, secret) in &connection.env {
        command.env(name, secret.expose());
    }
    command.arg("-w").arg("-d").arg(connection.dsn());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn key_file(program: &Path, connection: &ChildConnection) -> Result<Option<File>> {
    let Some(password) = &connection.key_password else { return Ok(None) };
    let file = service_file(password.expose());
    file.map(Some).map_err(|error| cannot_run(program, &error).because("its service file"))
}

/// The group of the service file that a child gets.
const SERVICE: &str = "pgtend";

/// A service file that never was on a disk; a child opens it as /dev/stdin, as often as it likes.
fn service_file(key_password: &str) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("pgtend-service", MemfdFlags::CLOEXEC)?);
    write!(file, "[{SERVICE}]\nsslpassword={key_password}\n")?;
    Ok(file)
}

/// A child process whose stderr is collected beside its run.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stderr: Option<std::thread::JoinHandle<Vec<u8>>>,
    guard: ChildGuard,
}

/// Ends a child process from another thread than the one that waits for it.
#[derive(Debug, Clone, Default)]
pub struct ChildGuard(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    pid: Option<u32>,
    ended: bool,
}

impl ChildGuard {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, pid: u32) {
        let mut watched = self.lock();
        watched.pid = Some(pid);
        if watched.ended {
            terminate(pid);
        }
    }

    /// Called before the number can be another process's.
    fn forget(&self) {
        self.lock().pid = None;
    }

    /// Ends the child, or the one that is about to be started.
    pub fn terminate(&self) {
        let mut watched = self.lock();
        watched.ended = true;
        watched.pid.iter().copied().for_each(terminate);
    }

    /// Ends one that does not end by itself: libpq's programs ask the server first, which may be
    /// silent.
    pub fn kill(&self) {
        self.lock().pid.iter().for_each(|pid| signal(*pid, Signal::KILL));
    }
}

impl Process {
    /// Starts a program that [`command`] made.
    pub fn start(mut command: Command, program: &Path, guard: &ChildGuard) -> Result<Self> {
        let mut child = command.spawn().map_err(|error| cannot_run(program, &error))?;
        guard.watch(child.id());
        let pipe = child.stderr.take();
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut pipe) = pipe {
                // What cannot be read is what the program could not write; the rest is drained.
                let read = pipe.by_ref().take(STDERR_LIMIT).read_to_end(&mut text);
                if read.is_ok() {
                    std::io::copy(&mut pipe, &mut std::io::sink()).unwrap_or(0);
                }
            }
            text
        });
        Ok(Self { child, stderr: Some(stderr), guard: guard.clone() })
    }

    /// What it writes; `None` when that was taken before.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Where it reads from, for a program of [`fed`] or [`offline`]; `None` when that was taken
    /// before.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait();
        self.guard.forget();
        status
    }

    /// The lines of its stderr, once it has ended.
    pub fn lines(&mut self) -> Vec<String> {
        let Some(thread) = self.stderr.take() else { return Vec::new() };
        match thread.join() {
            Ok(text) => String::from_utf8_lossy(&text).lines().map(str::to_owned).collect(),
            Err(_) => vec!["what it wrote to stderr was lost".to_owned()],
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Err(error) = self.child.kill() {
            // It has ended already, which is what was wanted.
            debug_assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        }
    }

    /// SIGTERM, some patience, SIGKILL; with the pipe closed, for it must not block on writing.
    pub fn end(mut self, stdout: impl Read) -> Result<Vec<String>> {
        terminate(self.child.id());
        drop(stdout);
        let start = Instant::now();
        let failed =
            |error: std::io::Error| Error::bug("cannot wait for a program").caused_by(&error);
        while self.child.try_wait().map_err(failed)?.is_none() {
            if start.elapsed() > PATIENCE {
                self.kill();
                self.wait().map_err(failed)?;
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.guard.forget();
        Ok(self.lines())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
            if let Err(error) = self.wait() {
                debug_assert!(false, "cannot reap a child: {error}");
            }
        }
    }
}

/// Sends SIGTERM to a process of ours.
fn terminate(pid: u32) {
    signal(pid, Signal::TERM);
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended in the meantime, which is what is wanted.
        kill_process(pid, signal).unwrap_or(());
    }
}

fn cannot_run(program: &Path, error: &std::io::Error) -> Error {
    Error::new(Exit::Unavailable, format!("cannot run {}", program.display())).caused_by(error)
}

/// Runs a program to its end and hands its output to `sink` piece by piece; returns the lines
/// of its stderr. A status other than 0 is an error.
pub fn run_to_end(
    command: Command,
    guard: &ChildGuard,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<Vec<String>> {
    let program = PathBuf::from(OsString::from(command.get_program()));
    let mut process = Process::start(command, &program, guard)?;
    let mut stdout =
        process.child.stdout.take().ok_or_else(|| Error::bug("a program without stdout"))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = stdout.read(&mut buffer).map_err(|error| cannot_run(&program, &error))?;
        if read == 0 {
            break;
        }
        sink(&buffer[..read])?;
    }
    let status = process.wait().map_err(|error| cannot_run(&program, &error))?;
    let lines = process.lines();
    if status.success() {
        return Ok(lines);
    }
    let failure = Error::new(Exit::Unavailable, format!("{} failed ({status})", program.display()));
    Err(lines.into_iter().fold(failure, Error::because))
}
