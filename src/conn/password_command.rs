//! A command that prints a password.

use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_current_process_group, kill_process_group,
    waitid,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{PasswordCommand, Secret};

/// How long a command may take: it may ask a person for a fingerprint or a code.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes of output: who prints more prints no password.
const MOST: u64 = 64 << 10;
/// How long output is waited for that the shell wrote before its end.
const GRACE: Duration = Duration::from_millis(200);
/// How long a signal to ourselves may take.
const HEARD: Duration = Duration::from_secs(5);
/// Waits for a line, then runs the command with an empty standard input.
const GATE: &str = r#"read -r PGTEND_GATE && exec sh -c "$0" </dev/null"#;

/// Runs the command with `sh -c`; the first line that it prints is the password. Its standard
/// input is empty, what it says on standard error goes to ours, its environment is ours.
///
/// On a terminal it can ask there: the terminal is its own until it ends. Dropped before the end
/// (Ctrl-C), it kills the command and all that it started.
///
/// # Errors
/// Exit 69 when it fails, prints nothing, or takes longer than a minute; never with what it
/// printed.
pub(super) async fn run(command: &PasswordCommand) -> Result<Secret> {
    let failed = |cause: String| {
        Error::new(Exit::Unavailable, format!("the password_command of {} failed", command.origin))
            .because(cause)
            .next("run the command by hand: its first line of output has to be the password")
    };
    let finished = match tokio::time::timeout(LIMIT, output_of(&command.command)).await {
        Ok(finished) => finished.map_err(|error| failed(format!("it cannot be run: {error}")))?,
        Err(_) => return Err(failed(format!("it did not end within {} s", LIMIT.as_secs()))),
    };
    let (status, output) = finished;
    if !status.success() {
        return Err(failed(format!("it ended with {status}")));
    }
    if output.len() as u64 > MOST {
        return Err(failed(format!("it printed more than {} KiB", MOST >> 10)));
    }
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(failed("its first line of output is empty".to_owned())),
        Ok(line) => Ok(Secret::new(line)),
        Err(_) => Err(failed("what it printed is not UTF-8".to_owned())),
    }
}

async fn output_of(command: &str) -> io::Result<(ExitStatus, Vec<u8>)> {
    // One at a time: there is one terminal to ask on.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    let mut lent = Lent::of_ours();
    let mut shell = Command::new("sh");
    match lent {
        // It begins when the terminal is its own: asking before that would stop it.
        Some(_) => shell.args(["-c", GATE, command]).stdin(Stdio::piped()),
        None => shell.args(["-c", command]).stdin(Stdio::null()),
    };
    // A group of its own is what all of it can be killed by.
    shell.process_group(0).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = shell.spawn()?;
    let group = Group::of(&child)?;
    if let Some(lent) = &mut lent {
        lent.give(group.id)?;
    }
    if let Some(mut gate) = child.stdin.take() {
        gate.write_all(b"\n").await?;
    }
    let mut output = Vec::new();
    let stdout = child.stdout.take();
    let status = tokio::select! {
        ended = wait(&mut child, stdout, &mut output) => ended?,
        stopped = Lent::suspend_with(lent.as_ref(), group.id) => return Err(stopped),
    };
    if output.len() as u64 > MOST {
        return Ok((status, output));
    }
    group.let_go();
    // Taken back before anything else happens.
    let had_terminal = lent.take().is_some();
    if let Some(signal) = status.signal().and_then(Signal::from_named_raw)
        && had_terminal
        && matches!(signal, Signal::INT | Signal::QUIT)
    {
        // Ctrl-C reached the command alone, and was meant for all of us, a script around us too.
        kill_current_process_group(signal)?;
        tokio::time::sleep(HEARD).await;
    }
    Ok((status, output))
}

/// Reads until the shell has ended: what it leaves behind may hold its output open for long.
async fn wait(
    child: &mut Child,
    stdout: Option<ChildStdout>,
    output: &mut Vec<u8>,
) -> io::Result<ExitStatus> {
    let reading = async {
        let Some(mut stdout) = stdout else { return Ok(false) };
        while output.len() as u64 <= MOST && stdout.read_buf(output).await? > 0 {}
        Ok::<bool, io::Error>(output.len() as u64 > MOST)
    };
    tokio::pin!(reading);
    tokio::select! {
        too_much = &mut reading => {
            if too_much? { Ok(ExitStatus::default()) } else { child.wait().await }
        }
        status = child.wait() => {
            if let Ok(read) = tokio::time::timeout(GRACE, reading).await {
                read?;
            }
            status
        }
    }
}

/// A process group that is killed when it is dropped.
struct Group {
    id: Pid,
    kill: bool,
}

impl Group {
    fn of(child: &Child) -> io::Result<Self> {
        let id = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("the shell has no number"))?;
        Ok(Self { id, kill: true })
    }

    fn let_go(mut self) {
        self.kill = false;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.kill {
            // It may just have ended.
            kill_process_group(self.id, Signal::KILL).unwrap_or(());
        }
    }
}

/// The terminal, lent to a command; taken back when this is dropped.
struct Lent {
    terminal: File,
    ours: Pid,
    to: Option<Pid>,
}

impl Lent {
    /// `None` without a terminal, or in the background of one.
    fn of_ours() -> Option<Self> {
        let Ok(terminal) = File::options().read(true).write(true).open("/dev/tty") else {
            return None;
        };
        let ours = getpgrp();
        let in_front = tcgetpgrp(&terminal).is_ok_and(|front| front == ours);
        in_front.then_some(Self { terminal, ours, to: None })
    }

    fn give(&mut self, group: Pid) -> io::Result<()> {
        self.to = Some(group);
        self.hand(group)
    }

    fn hand(&self, group: Pid) -> io::Result<()> {
        // Who is in the background is stopped for this, unless the signal is held back.
        let mut held = SigSet::empty();
        held.add(nix::sys::signal::Signal::SIGTTOU);
        let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let handed = tcsetpgrp(&self.terminal, group);
        before.thread_set_mask()?;
        Ok(handed?)
    }

    /// Ctrl-Z stops the command alone: stops all of us, and goes on with it afterwards. Ends
    /// with an error only.
    async fn suspend_with(lent: Option<&Self>, group: Pid) -> io::Error {
        let Some(lent) = lent else { return std::future::pending().await };
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        let suspend = async || -> io::Result<()> {
            lent.hand(lent.ours)?;
            kill_current_process_group(Signal::TSTP)?;
            // The signal may be another thread's to take.
            tokio::time::sleep(GRACE).await;
            if tcgetpgrp(&lent.terminal)? == lent.ours {
                lent.hand(group)?;
            }
            Ok(kill_process_group(group, Signal::CONT)?)
        };
        loop {
            tokio::time::sleep(GRACE).await;
            match waitid(WaitId::Pid(group), stopped) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    if let Err(error) = suspend().await {
                        return error;
                    }
                }
                // It has just ended, which the other side of this hears.
                Err(_) => return std::future::pending().await,
            }
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Somebody else may have it by now: the shell that we were stopped in.
        let theirs = tcgetpgrp(&self.terminal).is_ok_and(|front| Some(front) != self.to);
        if self.to.is_some() && !theirs {
            // A terminal that is gone needs nothing any more.
            self.hand(self.ours).unwrap_or(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Origin;

    async fn of(command: &str) -> Result<Secret> {
        let origin = Origin::Flag("a test");
        run(&PasswordCommand { command: command.to_owned(), origin }).await
    }

    #[tokio::test]
    async fn the_first_line_is_the_password() {
        for (command, password) in [
            ("echo hunter2", "hunter2"),
            ("printf 'a b\\r\\nlogin: me\\n'", "a b"),
            ("printf x", "x"),
            ("read line; echo \"$line!\"", "!"),
            ("test -n \"$PATH\" && echo $((1 + 1))", "2"),
            ("echo x; exec >&-; sleep 0.3", "x"),
        ] {
            assert_eq!(of(command).await.unwrap().expose(), password, "{command}");
        }
    }

    /// As an agent does that a command starts.
    #[tokio::test]
    async fn what_it_leaves_behind_is_not_waited_for() {
        let clock = std::time::Instant::now();
        assert_eq!(of("echo hunter2; (sleep 55 &)").await.unwrap().expose(), "hunter2");
        assert!(clock.elapsed() < Duration::from_secs(20), "{:?}", clock.elapsed());
    }

    #[tokio::test]
    async fn a_command_that_fails_is_told_without_its_output() {
        for (command, cause) in [
            ("echo hunter2; exit 3", "it ended with exit status: 3"),
            ("echo hunter2; kill -9 $$", "it ended with signal: 9 (SIGKILL)"),
            ("true", "its first line of output is empty"),
            ("echo; echo hunter2", "its first line of output is empty"),
            ("printf 'hunter2\\377'", "what it printed is not UTF-8"),
            ("yes hunter2", "it printed more than 64 KiB"),
        ] {
            let error = of(command).await.unwrap_err();
            assert_eq!(error.what(), "the password_command of a test failed");
            assert_eq!(error.causes(), [cause], "{command}");
            assert_eq!(error.exit(), Exit::Unavailable);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
