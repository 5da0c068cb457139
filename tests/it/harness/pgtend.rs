//! Running pgtend itself, in an environment that is the same everywhere.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::command;
use super::tools;

/// A run of pgtend to be: no configuration but what is given here, standard input closed.
#[derive(Debug)]
pub struct Pgtend {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    home: Arc<TempDir>,
    folder: Option<PathBuf>,
    client_major: u32,
    input: Option<Vec<u8>>,
    limit: Duration,
    runner: Vec<String>,
}

impl Default for Pgtend {
    fn default() -> Self {
        Self::new()
    }
}

impl Pgtend {
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("pgt-home").tempdir().unwrap();
        Self {
            arguments: Vec::new(),
            environment: Vec::new(),
            home: Arc::new(home),
            folder: None,
            client_major: 15,
            input: None,
            limit: Duration::from_secs(180),
            runner: Vec::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(self, argument: impl AsRef<OsStr>) -> Self {
        self.args([argument])
    }

    /// Sets a variable, over the hermetic ones too.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs in this folder instead of the empty home.
    #[must_use]
    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Puts the client programs of this major first on PATH (default 15).
    #[must_use]
    pub fn client(mut self, major: u32) -> Self {
        self.client_major = major;
        self
    }

    /// Gives it this on standard input.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Kills it and fails the test after this long (default 180 s).
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it by this program, whose last argument the path of pgtend becomes.
    #[must_use]
    pub fn by<S: Into<String>>(mut self, program: impl IntoIterator<Item = S>) -> Self {
        self.runner = program.into_iter().map(Into::into).collect();
        self
    }

    /// The home folder of the run, empty at first; gone with the last of this and its runs.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The bare command with its environment, for who runs it on a terminal of its own.
    pub fn command(&self) -> Command {
        let words = [self.runner.as_slice(), &[env!("CARGO_BIN_EXE_pgtend").to_owned()]].concat();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        let path = format!(
            "{}:/usr/sbin:/usr/bin:/sbin:/bin",
            tools::client_bindir(self.client_major).display()
        );
        command.args(&self.arguments).env_clear();
        command.env("PATH", path).env("HOME", self.home.path());
        command.envs([("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("COLUMNS", "100"), ("NO_COLOR", "1")]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.as_deref().unwrap_or(self.home.path()));
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts it.
    pub fn spawn(self) -> Running {
        let mut command = self.command();
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input.clone()) {
            // It may end without reading all of it.
            std::thread::spawn(move || stdin.write_all(&input).is_ok());
        }
        let said = Arc::new(Mutex::new(Vec::new()));
        let streams = Some([
            command::read_all(child.stdout.take().unwrap()),
            read_into(Arc::clone(&said), child.stderr.take().unwrap()),
        ]);
        Running { child, streams, said, limit: self.limit, peak_rss: 0, _home: self.home }
    }
}

/// Collects a stream to its end where it can be looked at before.
fn read_into(
    said: Arc<Mutex<Vec<u8>>>,
    mut stream: impl Read + Send + 'static,
) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        loop {
            match stream.read(&mut bytes).expect("a pipe can be read") {
                0 => return said.lock().unwrap().clone(),
                read => said.lock().unwrap().extend_from_slice(&bytes[..read]),
            }
        }
    })
}

/// A pgtend that runs; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// `None` once it has been waited for.
    streams: Option<[JoinHandle<Vec<u8>>; 2]>,
    /// Standard error up to now.
    said: Arc<Mutex<Vec<u8>>>,
    limit: Duration,
    peak_rss: u64,
    _home: Arc<TempDir>,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, as in `signal(Signal::INT)`; panics when it has ended.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("pgtend still runs");
    }

    /// Waits until it listens to this signal, which would just end it before.
    #[track_caller]
    pub fn until_it_catches(&self, signal: Signal) {
        let bit = 1_u64 << (signal.as_raw() - 1);
        let caught = command::until(self.limit, || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            (u64::from_str_radix(caught.trim(), 16).ok()? & bit != 0).then_some(())
        });
        assert!(caught.is_some(), "it has no handler of {signal:?}");
    }

    /// Lets it run for so long; gives how long that was if it has ended by then.
    pub fn run_for(&mut self, time: Duration) -> Option<Duration> {
        let clock = Instant::now();
        command::until(time, || self.has_ended().then(|| clock.elapsed()))
    }

    /// Waits until its standard error has these words; panics when it ends without them.
    #[track_caller]
    pub fn until_said(&mut self, words: &str) {
        let said =
            |said: &Mutex<Vec<u8>>| String::from_utf8_lossy(&said.lock().unwrap()).contains(words);
        let heard = command::until(self.limit, || {
            // Asked for in this order: its last words come before its end.
            let ended = self.child.try_wait().unwrap().is_some();
            (said(&self.said) || ended).then_some(ended)
        });
        let text = String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned();
        assert!(text.contains(words) && heard == Some(false), "not said: {words}\n{text}");
    }

    /// True once it has ended (it still has to be waited for).
    pub fn has_ended(&mut self) -> bool {
        self.watch_memory();
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end; kills it and panics when the time limit passes.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let limit = self.limit;
        let status = command::until(limit, || {
            self.watch_memory();
            self.child.try_wait().unwrap()
        });
        if status.is_none() {
            self.child.kill().unwrap();
        }
        let [stdout, stderr] = self.streams.take().expect("only wait takes them");
        let text = |bytes: JoinHandle<Vec<u8>>| {
            String::from_utf8(bytes.join().unwrap()).expect("pgtend prints UTF-8")
        };
        let (stdout, stderr) = (text(stdout), text(stderr));
        let Some(status) = status else {
            panic!("pgtend took longer than {limit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        };
        let signal = status.signal();
        let code = status.code().or(signal.map(|number| -number)).expect("one of both");
        Output { code, stdout, stderr, peak_rss: self.peak_rss }
    }

    /// The kernel keeps the high-water mark, so the last look before the end is enough.
    fn watch_memory(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let kilobytes = status.ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
        });
        self.peak_rss = self.peak_rss.max(kilobytes.unwrap_or(0) * 1024);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.streams.is_some() && self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Output {
    /// The exit code, or minus the number of the signal that killed it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// Bytes of memory at most, as last seen up to 20 ms before the end.
    pub peak_rss: u64,
}

impl Output {
    /// Panics with all it said unless the exit code is this one.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert!(
            self.code == code,
            "exit code {} instead of {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
            self.code
        );
        self
    }

    /// Standard output, which must be one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON: {error}\n{}\n{}", self.stdout, self.stderr))
    }
}
