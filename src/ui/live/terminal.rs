//! The terminal that a live page has for itself: on its other screen, without a cursor, every key
//! at once. It is given back whatever ends the page: a key, a signal, an error, a panic.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize,
    tcsetattr,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::key::{self, Key};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ui::ready::watched;

/// The other screen; no cursor; a line that is too long is cut, not wrapped.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// How the terminal was, while a live page has it: one process has one terminal, and whoever
/// ends the process must be able to give it back.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub rows: usize,
    pub columns: u16,
}

/// Whether standard input and output are a terminal that can be drawn on.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Gives the terminal back, if a live page has it.
pub fn leave() {
    let Some(modes) = before().take() else { return };
    // A terminal that is gone needs nothing any more.
    write(LEAVE).unwrap_or(());
    // What was typed since is the shell's.
    tcsetattr(io::stdin(), OptionalActions::Now, &modes).unwrap_or(());
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The terminal, until it is dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    /// Readiness alone: no thread sits in a read that would eat the shell's first key.
    input: AsyncFd<io::Stdin>,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Exit 74, when it cannot be used so.
    pub fn enter() -> Result<Self> {
        leave_on_panic();
        let input = watched(io::stdin(), Interest::READABLE).map_err(|error| failed(&error))?;
        let terminal = Self { input };
        terminal.take()?;
        Ok(terminal)
    }

    /// Takes it again, after somebody else had it.
    pub fn take(&self) -> Result<()> {
        let now = tcgetattr(io::stdin()).map_err(|error| failed(&error.into()))?;
        let modes = before().get_or_insert(now).clone();
        let mut raw = modes;
        // Ctrl-C, Ctrl-Z and Ctrl-S come as keys; lines are written as ever.
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        raw.local_modes -= LocalModes::IEXTEN;
        raw.input_modes -= InputModes::IXON | InputModes::ICRNL;
        // A read returns what there is.
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)
            .map_err(|error| failed(&error.into()))?;
        self.write(ENTER)
    }

    /// Gives it back and stops, as Ctrl-Z does; returns when the operator goes on.
    pub fn suspend(&self) -> Result<()> {
        leave();
        kill_current_process_group(Signal::TSTP).map_err(|error| failed(&error.into()))?;
        self.take()
    }

    /// Its size now; that of the oldest terminals when it does not say.
    pub fn size(&self) -> Size {
        let size = tcgetwinsize(io::stdout()).ok().map(|size| (size.ws_row, size.ws_col));
        let (rows, columns) = size.filter(|(rows, _)| *rows > 0).unwrap_or((24, 80));
        Size { rows: usize::from(rows), columns }
    }

    /// Draws.
    pub fn write(&self, text: &str) -> Result<()> {
        write(text)
            .map_err(|error| Error::new(Exit::Io, "cannot write to the terminal").caused_by(&error))
    }

    /// Waits for keys; none when the terminal is gone.
    pub async fn keys(&self) -> Result<Vec<Key>> {
        let mut bytes = [0; 256];
        loop {
            let mut ready = self.input.readable().await.map_err(|error| failed(&error))?;
            let gone = ready.ready().is_read_closed();
            match rustix::io::read(io::stdin(), &mut bytes) {
                Ok(0) if gone => return Ok(Vec::new()),
                Ok(0) => ready.clear_ready(),
                Ok(read) => {
                    let keys = key::keys(&bytes[..read]);
                    if !keys.is_empty() {
                        return Ok(keys);
                    }
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => ready.clear_ready(),
                // A terminal that hung up.
                Err(rustix::io::Errno::IO) => return Ok(Vec::new()),
                Err(error) => return Err(failed(&error.into())),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn failed(error: &io::Error) -> Error {
    Error::new(Exit::Io, "cannot use the terminal").caused_by(error)
}

/// What a panic says must not be lost with the other screen.
fn leave_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            hook(panic);
        }));
    });
}
