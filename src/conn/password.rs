//! A command that prints a password.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{PasswordCommand, Secret};

/// How long a command may take: it may ask a person for a fingerprint or a code.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes of output: who prints more prints no password.
const MOST: u64 = 64 << 10;

/// Runs the command with `sh -c`; the first line that it prints is the password. Its standard
/// input is empty, what it says on standard error goes to ours, its environment is ours.
///
/// Dropped before the end (Ctrl-C), it kills the command.
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
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    // With a terminal it stays in our group: it may have to ask there, and Ctrl-C reaches it.
    // Without one, a group of its own is what all of it can be killed by.
    let alone = std::fs::File::open("/dev/tty").is_err();
    if alone {
        shell.process_group(0);
    }
    let mut child = shell.spawn()?;
    let group = Group::of(&child, alone);
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST + 1).read_to_end(&mut output).await?;
    }
    if output.len() as u64 > MOST {
        child.start_kill()?;
        return Ok((ExitStatus::default(), output));
    }
    let status = child.wait().await?;
    drop(group.ended());
    Ok((status, output))
}

/// A process group that is killed when it is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child, own: bool) -> Self {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        Self(pid.filter(|_| own))
    }

    fn ended(mut self) -> Self {
        self.0 = None;
        self
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may just have ended.
            kill_process_group(group, Signal::KILL).unwrap_or(());
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
        ] {
            assert_eq!(of(command).await.unwrap().expose(), password, "{command}");
        }
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
