//! Asking for a password on the terminal.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::pin::Pin;

use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::secret::Secret;

/// A question that waits for its answer.
pub type Asked = Pin<Box<dyn Future<Output = io::Result<Option<Secret>>> + Send>>;

/// Asks on the controlling terminal, without an echo. `None` when neither standard input nor
/// standard error is a terminal, so that nobody can be waited for; an empty secret when nothing
/// was typed.
///
/// Dropped before the answer (Ctrl-C), it leaves the terminal as it was.
pub fn ask_password(question: String) -> Asked {
    Box::pin(async move {
        // A redirected input leaves the operator at the terminal; cron has neither.
        if !(io::stdin().is_terminal() || io::stderr().is_terminal()) {
            return Ok(None);
        }
        let mut terminal = match OpenOptions::new().read(true).write(true).open("/dev/tty") {
            // A terminal that is not ours.
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                return Ok(None);
            }
            opened => opened?,
        };
        // First: it throws away what was typed before it.
        let mut silence = Silence::over(terminal.try_clone()?)?;
        write!(terminal, "{question}")?;
        terminal.flush()?;
        let (sender, answer) = tokio::sync::oneshot::channel();
        // On a thread, which nothing waits for after a signal: a read cannot be taken back.
        let read = move || {
            let mut line = String::new();
            let read = BufReader::new(&terminal).read_line(&mut line);
            sender.send(read.map(|_| line)).unwrap_or(());
        };
        std::thread::Builder::new().name("password".into()).spawn(read)?;
        let line = answer.await.map_err(|_| io::Error::other("the reading thread has ended"))?;
        let line = line?;
        // Ctrl-D ends the answer, and not its line.
        silence.answered = line.ends_with('\n');
        drop(silence);
        Ok(Some(Secret::new(line.strip_suffix('\n').unwrap_or(&line))))
    })
}

/// No echo on a terminal, until it is dropped.
struct Silence {
    terminal: File,
    before: Termios,
    answered: bool,
}

impl Silence {
    fn over(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before, answered: false })
    }
}

impl Drop for Silence {
    // A terminal that is gone needs nothing any more.
    fn drop(&mut self) {
        tcsetattr(&self.terminal, OptionalActions::Flush, &self.before).unwrap_or(());
        if !self.answered {
            // The question's line has no end yet.
            self.terminal.write_all(b"\n").unwrap_or(());
        }
    }
}
