//! A postgres process under a watchdog: it cannot outlive the tests, however they end.
//!
//! The watchdog is a small shell process that reads commands from a pipe. When our end of the pipe
//! closes - a drop, a panic, `kill -9`, the end of the process with statics never dropped - it
//! stops the server at once and removes its folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use super::command;
use super::tools::ServerUser;

/// Its arguments: the folder to remove, the log, then the command that is the server.
const WATCHDOG: &str = r#"
folder=$1 log=$2; shift 2
start() { "$@" </dev/null >>"$log" 2>&1 & pid=$!; echo "$pid"; }
stop() { kill -QUIT "$pid" 2>/dev/null; wait "$pid"; }
start "$@"
while read -r word; do
    case $word in
        stop) stop; echo stopped ;;
        start) start "$@" ;;
    esac
done
stop
rm -rf "$folder"
"#;

const START_LIMIT: Duration = command::LIMIT;

/// A running (or stopped) postmaster.
#[derive(Debug)]
pub struct Server {
    data: PathBuf,
    watchdog: Child,
    pipes: Mutex<Pipes>,
}

#[derive(Debug)]
struct Pipes {
    /// `None` only while it is dropped.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pid: u32,
}

impl Server {
    /// Starts `postgres` on a folder that initdb or pg_basebackup made, and waits until it answers;
    /// `Err` with the log if it ends instead.
    ///
    /// From now on `folder`, which holds all of it, belongs to the watchdog.
    pub fn start(folder: &Path, program: &Path, data: &Path, log: &Path) -> Result<Self, String> {
        let mut watchdog = Command::new("/bin/sh");
        watchdog.arg("-c").arg(WATCHDOG).arg("pgtend-watchdog").arg(folder).arg(log);
        if let Some(user) = ServerUser::needed() {
            watchdog.args(user.prefix());
        }
        watchdog.arg(program).arg("-D").arg(data);
        // Ctrl-C in the terminal is for the tests; it must not end the watchdog before its work.
        watchdog.process_group(0).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        watchdog.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir("/");
        let mut watchdog = watchdog
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("/bin/sh can be run");
        let commands = watchdog.stdin.take();
        let mut answers = BufReader::new(watchdog.stdout.take().unwrap());
        let pid = read_pid(&mut answers);
        let pipes = Mutex::new(Pipes { commands, answers, pid });
        let server = Self { data: data.to_owned(), watchdog, pipes };
        server.wait_until_ready(pid).map_err(|what| {
            format!("{what}:\n{}", fs::read_to_string(log).unwrap_or_else(|e| e.to_string()))
        })?;
        Ok(server)
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> u32 {
        self.pipes.lock().unwrap().pid
    }

    /// Stops it as a crash would: no checkpoint, clients cut off.
    pub fn stop_immediate(&self) {
        let mut pipes = self.pipes.lock().unwrap();
        assert_eq!(pipes.ask("stop"), "stopped");
    }

    /// Starts it again, and does not wait until it answers.
    pub fn start_soon(&self) -> u32 {
        let mut pipes = self.pipes.lock().unwrap();
        pipes.pid = pipes.ask("start").parse().expect("the watchdog answers with a pid");
        pipes.pid
    }

    /// Starts it again after [`Self::stop_immediate`]; it recovers first.
    pub fn start_again(&self) {
        let pid = self.start_soon();
        self.wait_until_ready(pid).expect("the server starts again");
    }

    /// As pg_ctl does it: the last line of postmaster.pid tells.
    fn wait_until_ready(&self, pid: u32) -> Result<(), String> {
        let file = self.data.join("postmaster.pid");
        let first_line = format!("{pid}\n");
        command::until(START_LIMIT, || {
            if has_ended(pid) {
                return Some(Err("the server ended while it started".into()));
            }
            let text = fs::read_to_string(&file).ok()?;
            let ready = text.starts_with(&first_line) && text.trim_end().ends_with("\nready");
            ready.then_some(Ok(()))
        })
        .unwrap_or_else(|| Err(format!("the server did not start within {START_LIMIT:?}")))
    }
}

impl Pipes {
    fn ask(&mut self, word: &str) -> String {
        let commands = self.commands.as_mut().expect("the server is in use");
        writeln!(commands, "{word}").expect("the watchdog listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the watchdog answers");
        answer.trim_end().to_owned()
    }
}

fn read_pid(answers: &mut BufReader<ChildStdout>) -> u32 {
    let mut line = String::new();
    answers.read_line(&mut line).expect("the watchdog answers");
    line.trim_end().parse().expect("the watchdog tells the server's pid")
}

/// Gone, or a zombie that its parent has not waited for.
pub fn has_ended(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/status"))
        .map_or(true, |status| status.contains("\nState:\tZ"))
}

/// A temporary folder that goes with this process, however that ends: for what lies in statics,
/// which are never dropped.
#[expect(clippy::zombie_processes, reason = "it ends after us, so we cannot wait for it")]
pub fn folder_until_exit(prefix: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap().keep();
    let mut watchdog = Command::new("/bin/sh")
        .args(["-c", r#"read -r _; rm -rf "$1""#, "pgtend-watchdog"])
        .arg(&folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("/bin/sh can be run");
    // Our end of the pipe is closed by the end of the process and by nothing else.
    std::mem::forget(watchdog.stdin.take());
    folder
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pipes) = self.pipes.get_mut() {
            pipes.commands = None;
        }
        // A watchdog that does not end must not hang the tests: it is told of, and left.
        if command::wait(&mut self.watchdog, Duration::from_secs(20)).is_none() {
            eprintln!("the watchdog {} of a test server does not end", self.watchdog.id());
        }
    }
}
