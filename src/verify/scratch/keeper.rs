//! The process between us and a server of our own, which outlives us for as long as it takes to
//! end that server and remove its files.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::exit::Exit;

const SCRIPT: &str = include_str!("keeper.sh");
/// The line that the script prints when the server has ended.
const ENDED: &str = "pgtend: the server has ended";
/// Programs that a server may start are found here; nothing else of our environment is there.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// The last lines of what the server says that are kept.
const LOG_LINES: usize = 200;
/// How long the end of a server may take (measured: 0.1 to 0.4 s).
const PATIENCE: Duration = Duration::from_secs(15);

/// A user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

/// How a server is kept apart from the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// In namespaces of its own for network, inter-process communication and processes.
    Namespaces,
    /// Not at all, but for its user.
    No,
}

/// What a keeper keeps.
#[derive(Debug)]
pub struct Kept<'a> {
    /// The user to run as; `None` is ourselves.
    pub user: Option<&'a User>,
    /// How it is kept apart.
    pub apart: Apart,
    /// The folder of `initdb` and `postgres`.
    pub programs: &'a Path,
    /// The folder of the server's files.
    pub folder: &'a Path,
    /// The folder of its socket.
    pub socket: &'a Path,
    /// Its settings, as `name=value`.
    pub settings: &'a [String],
}

/// A keeper that runs. When this is dropped, or this process ends in whatever way, the server
/// ends and its folders are removed.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
    pipe: Option<ChildStdin>,
    said: Arc<Mutex<Said>>,
    folders: [PathBuf; 2],
}

#[derive(Debug, Default)]
struct Said {
    lines: std::collections::VecDeque<String>,
    ended: bool,
}

impl Kept<'_> {
    /// Whether a server can be kept in namespaces of its own here.
    pub fn can_be_apart(user: Option<&User>) -> bool {
        let mut probe = in_namespaces(user);
        if let Some(user) = user {
            probe.args(["setpriv", &format!("--reuid={}", user.uid)]);
            probe.args([&format!("--regid={}", user.gid), "--clear-groups", "--no-new-privs"]);
            probe.arg("--");
        }
        probe.arg("true").env_clear().env("PATH", PATH).current_dir("/");
        probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let mut command = match self.apart {
            Apart::Namespaces => {
                let mut command = in_namespaces(self.user);
                command.arg("/bin/sh");
                command
            }
            Apart::No => Command::new("/bin/sh"),
        };
        command.arg("-c").arg(SCRIPT).arg("pgtend-keeper");
        match (self.user, self.apart) {
            // The keeper stays root, out of reach of what the server runs. Setting the user, even
            // to the same, drops the supplementary groups.
            (Some(user), Apart::Namespaces) => {
                command.args([user.uid.to_string(), user.gid.to_string()]).uid(0).gid(0);
            }
            (Some(user), Apart::No) => {
                command.args(["", ""]).uid(user.uid).gid(user.gid);
            }
            (None, _) => {
                command.args(["", ""]);
            }
        }
        command.arg(self.programs).arg(self.folder).arg(self.socket);
        for setting in self.settings {
            command.args(["-c", setting]);
        }
        // A terminal's Ctrl-C is for us alone.
        command.process_group(0).env_clear().current_dir("/");
        command.envs([("PATH", PATH), ("LC_ALL", "C"), ("TZ", "UTC")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Starts the keeper, which makes and starts the server. The folders are its to remove.
    pub fn start(&self) -> Result<Keeper> {
        let failed = |error: std::io::Error| {
            Error::new(Exit::Unavailable, "cannot start a server to throw away").caused_by(&error)
        };
        let mut child = self.command().spawn().map_err(failed)?;
        let pipe = child.stdin.take();
        let output = child.stdout.take();
        let said = Arc::new(Mutex::new(Said::default()));
        let keeper = Keeper {
            child,
            pipe,
            said: Arc::clone(&said),
            folders: [self.folder.to_owned(), self.socket.to_owned()],
        };
        let output = output.ok_or_else(|| Error::bug("a keeper without output"))?;
        std::thread::Builder::new()
            .name("scratch-log".into())
            .spawn(move || listen(BufReader::new(output), &said))
            .map_err(failed)?;
        Ok(keeper)
    }
}

/// `unshare` without a program: as root, or as ourselves in a user namespace.
fn in_namespaces(user: Option<&User>) -> Command {
    let mut command = Command::new("unshare");
    if user.is_none() {
        command.args(["--user", "--map-current-user"]);
    }
    command.args(["--net", "--ipc", "--pid", "--fork", "--kill-child"]);
    command
}

fn listen(mut output: impl BufRead, said: &Mutex<Said>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        // What cannot be read any more ends it as its end does.
        if !matches!(output.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            lock(said).ended = true;
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let mut said = lock(said);
        if text.trim_end() == ENDED {
            said.ended = true;
            continue;
        }
        if said.lines.len() == LOG_LINES {
            said.lines.pop_front();
        }
        said.lines.push_back(text.trim_end().chars().take(2000).collect());
    }
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// Whether the server has ended by itself, or never began.
    pub fn has_ended(&self) -> bool {
        lock(&self.said).ended
    }

    /// What the server said last.
    pub fn log(&self) -> String {
        let said = lock(&self.said);
        said.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                // Its namespace ends with it, and so does the server.
                self.child.kill().and_then(|()| self.child.wait().map(drop)).unwrap_or(());
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        for folder in self.folders.iter().filter(|folder| folder.exists()) {
            // Nobody is left to tell, and a folder of nobody's hurts nobody.
            std::fs::remove_dir_all(folder).unwrap_or(());
        }
    }
}
