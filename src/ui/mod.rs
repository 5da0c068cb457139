//! The door to the terminal: the answer on stdout, talk on stderr. What is said holds no password
//! of a connection string, wherever the operator put it.

pub mod consent;
mod progress;

use std::io::{self, ErrorKind, IsTerminal, Write};

pub use progress::{Display, watch};

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::{Page, printable, printable_lines};
use crate::settings::masked;

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Warnings and errors.
    Quiet,
    /// Notes and progress too.
    Normal,
    /// And what is being done.
    Verbose,
}

/// Where output goes and what it may look like.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    talk: Talk,
    color: bool,
    columns: Option<u16>,
}

impl Ui {
    /// `no_color` and `columns` are the environment's wishes.
    pub fn new(talk: Talk, no_color: bool, columns: Option<u16>) -> Self {
        Self { talk, color: !no_color && io::stderr().is_terminal(), columns }
    }

    /// The page that stdout is.
    pub fn page(&self) -> Page {
        let terminal = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col);
        let width = terminal.filter(|width| *width > 0).or(self.columns).unwrap_or(100);
        Page { width: width.max(40) }
    }

    /// How progress is shown.
    pub fn display(&self) -> Display {
        Display { talk: self.talk, color: self.color }
    }

    /// Prints the answer. A reader that has gone away wanted no more: that is no error.
    pub fn answer(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Error::new(Exit::Io, "cannot write to standard output").caused_by(&error))
            }
            _ => Ok(()),
        }
    }

    /// A line for whoever watches.
    pub fn note(&self, text: &str) {
        if self.talk >= Talk::Normal {
            note(text);
        }
    }

    /// A line for who wants to know all.
    pub fn detail(&self, text: &str) {
        if self.talk >= Talk::Verbose {
            note(text);
        }
    }

    /// A line that nobody should miss.
    pub fn warning(&self, text: &str) {
        let label = if self.color { "\x1b[33mwarning:\x1b[0m" } else { "warning:" };
        say(&format!("{label} {}\n", printable(&masked(text))));
    }

    /// The lines of a failure.
    pub fn failure(&self, text: &str) {
        let text = &masked(text);
        match text.strip_prefix("error:").filter(|_| self.color) {
            Some(rest) => say(&format!("\x1b[31merror:\x1b[0m{}", printable_lines(rest))),
            None => say(&printable_lines(text)),
        }
    }
}

fn note(text: &str) {
    say(&format!("note: {}\n", printable(&masked(text))));
}

/// Writes to stderr, with escape sequences of our own: what else there may be in names is made
/// printable before. When stderr is closed there is nobody left to tell.
fn say(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).unwrap_or(());
}
