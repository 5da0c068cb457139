//! Commands of the operator, before and after a backup.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::exit::Exit;

/// How long a command may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long output is waited for that was written before the end.
const GRACE: Duration = Duration::from_millis(200);
/// Bytes of the longest line that is passed on whole.
const LONGEST: usize = 8 << 10;
/// What a command exits with that wants to be tried again later (sysexits).
const TRY_LATER: i32 = 75;

/// The process group of the command that runs, for who must end it from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Group(Arc<Mutex<Option<Pid>>>);

impl Group {
    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills what runs, if anything does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.lock() {
            // It may just have ended.
            kill_process_group(group, signal).unwrap_or(());
        }
    }
}

/// Forgets a group at its end; kills it when the wait for it was given up.
struct Guard<'a> {
    group: &'a Group,
    ended: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.group.kill();
        }
        *self.group.lock() = None;
    }
}

/// A command for `/bin/sh -c`.
#[derive(Debug)]
pub struct Hook<'a> {
    /// `--before`, for messages.
    pub name: &'static str,
    pub command: &'a str,
    /// All that it has of one.
    pub environment: Vec<(OsString, OsString)>,
    pub limit: Duration,
    pub group: &'a Group,
}

impl Hook<'_> {
    /// Runs it to its end and passes on what it says, line by line. Its standard input is empty.
    /// With `stop`, and when its time is over, it is ended with all that it started.
    ///
    /// # Errors
    /// Exit 69 when it fails, 75 when it exits with that; [`Exit::Interrupted`] with `stop`.
    pub async fn run(&self, stop: &CancellationToken, said: &mut dyn FnMut(&str)) -> Result<()> {
        let failed = |exit: Exit, cause: String| {
            Err(Error::new(exit, format!("the command of {} failed", self.name)).because(cause))
        };
        let started = self.start();
        let (mut child, output) = match started {
            Ok(started) => started,
            Err(error) => return failed(Exit::Unavailable, format!("it cannot be run: {error}")),
        };
        let mut guard = Guard { group: self.group, ended: false };
        let ended = tokio::select! {
            ended = wait(&mut child, output, said) => Some(ended),
            () = stop.cancelled() => None,
            () = tokio::time::sleep(self.limit) => None,
        };
        let Some(status) = ended else {
            self.group.signal(Signal::TERM);
            // However that goes: the guard kills what is left of the group.
            drop(tokio::time::timeout(PATIENCE, child.wait()).await);
            drop(guard);
            if stop.is_cancelled() {
                return Err(Error::new(Exit::Interrupted, "the backup was stopped")
                    .because(format!("while the command of {} ran", self.name)));
            }
            let limit = crate::settings::quantity::written_duration(self.limit);
            return failed(
                Exit::Unavailable,
                format!("it did not end within {limit} and was killed"),
            );
        };
        guard.ended = true;
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) if status.code() == Some(TRY_LATER) => failed(Exit::Busy, words(status)),
            Ok(status) => failed(Exit::Unavailable, words(status)),
            Err(error) => failed(Exit::Unavailable, format!("it cannot be waited for: {error}")),
        }
    }

    fn start(&self) -> io::Result<(Child, pipe::Receiver)> {
        let (output, input) = io::pipe()?;
        let mut shell = Command::new("/bin/sh");
        shell.args([OsStr::new("-c"), OsStr::new(self.command)]);
        shell.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        // A group of its own is what all of it can be ended by.
        shell.process_group(0).kill_on_drop(true);
        // One pipe for both keeps the order of what is said.
        shell.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
        let child = shell.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        *self.group.lock() = pid;
        Ok((child, pipe::Receiver::from_owned_fd(output.into())?))
    }
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => format!("it ended with {status}"),
    }
}

/// Waits for the shell; what it leaves behind may hold its output open for long.
async fn wait(
    child: &mut Child,
    mut output: pipe::Receiver,
    said: &mut dyn FnMut(&str),
) -> io::Result<ExitStatus> {
    let mut lines = Lines::default();
    let status = {
        let reading = async {
            let mut piece = [0; 4096];
            loop {
                match output.read(&mut piece).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => lines.add(&piece[..read], said),
                }
            }
        };
        tokio::pin!(reading);
        tokio::select! {
            () = &mut reading => child.wait().await,
            status = child.wait() => {
                tokio::time::timeout(GRACE, reading).await.unwrap_or(());
                status
            }
        }
    };
    lines.end(said);
    status
}

/// Bytes as they come, told as lines.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn add(&mut self, bytes: &[u8], said: &mut dyn FnMut(&str)) {
        for byte in bytes {
            if *byte == b'\n' || self.0.len() >= LONGEST {
                self.tell(said);
            }
            if *byte != b'\n' {
                self.0.push(*byte);
            }
        }
    }

    fn tell(&mut self, said: &mut dyn FnMut(&str)) {
        said(String::from_utf8_lossy(&self.0).trim_end_matches('\r'));
        self.0.clear();
    }

    fn end(&mut self, said: &mut dyn FnMut(&str)) {
        if !self.0.is_empty() {
            self.tell(said);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn run(command: &str, limit: Duration, stop: &CancellationToken) -> (Result<()>, Vec<String>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let group = Group::default();
        let environment = vec![("WORD".into(), "value".into())];
        let hook = Hook { name: "--before", command, environment, limit, group: &group };
        let mut lines = Vec::new();
        let result =
            runtime.block_on(hook.run(stop, &mut |line: &str| lines.push(line.to_owned())));
        assert!(group.lock().is_none());
        (result, lines)
    }

    #[test]
    fn what_a_command_says_is_passed_on_in_order_and_its_end_is_told() {
        let stop = CancellationToken::new();
        let minute = Duration::from_secs(60);
        let (result, lines) = run(
            "echo a $WORD; echo b >&2; read x; echo \"c ${x-}${HOME-}\"; printf d",
            minute,
            &stop,
        );
        result.unwrap();
        assert_eq!(lines, ["a value", "b", "c ", "d"]);
        for (command, exit, words) in [
            ("exit 3", Exit::Unavailable, "it ended with exit code 3"),
            ("exit 75", Exit::Busy, "it ended with exit code 75"),
            ("kill -9 $$", Exit::Unavailable, "it was ended by signal 9"),
        ] {
            let error = run(command, minute, &stop).0.unwrap_err();
            assert_eq!((error.exit(), error.causes()), (exit, [words.to_owned()].as_slice()));
        }
        let long = run("head -c 20000 /dev/zero | tr '\\0' x", minute, &stop).1;
        assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [8192, 8192, 3616]);
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        // The shell and its child both ignore SIGTERM.
        let command =
            format!("trap '' TERM; sleep 600 & echo $! >{}; wait; sleep 600", pid.display());
        let stop = CancellationToken::new();
        let clock = Instant::now();
        let error = run(&command, Duration::from_secs(1), &stop).0.unwrap_err();
        assert_eq!(error.causes(), ["it did not end within 1s and was killed"]);
        assert!(clock.elapsed() < Duration::from_secs(30));
        let pid = std::fs::read_to_string(pid).unwrap();
        let status = std::path::PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        let gone = || std::fs::read_to_string(&status).is_ok_and(|s| !s.contains(") Z "));
        while gone() {
            assert!(clock.elapsed() < Duration::from_secs(60), "it still runs");
            std::thread::sleep(Duration::from_millis(10));
        }

        stop.cancel();
        let error = run("sleep 600", Duration::from_secs(600), &stop).0.unwrap_err();
        assert_eq!(error.exit(), Exit::Interrupted);
    }

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for() {
        let clock = Instant::now();
        let stop = CancellationToken::new();
        run("sleep 300 & echo done", Duration::from_secs(200), &stop).0.unwrap();
        assert!(clock.elapsed() < Duration::from_secs(100));
    }
}
