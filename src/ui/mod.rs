//! The door to the terminal: the answer on stdout, talk on stderr. What is said holds no password
//! of a connection string, wherever the operator put it.

pub mod consent;
pub mod live;
mod log;
mod progress;
mod ready;

use std::io::{self, ErrorKind, IsTerminal, Write};

pub use log::{Level, Line};
pub use progress::{Display, watch};
pub use ready::reader_gone;

use log::{note_text, say, tell};

use crate::cli::output::LogForm;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::{self, Page, printable, printable_lines};
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
    log: LogForm,
}

impl Ui {
    /// `no_color` and `columns` are the environment's wishes.
    pub fn new(talk: Talk, no_color: bool, columns: Option<u16>) -> Self {
        let color = !no_color && io::stderr().is_terminal();
        Self { talk, color, columns, log: LogForm::Text }
    }

    /// The same with another form of what is said.
    #[must_use]
    pub fn with_log(self, log: LogForm) -> Self {
        Self { log, ..self }
    }

    /// The page that stdout is.
    pub fn page(&self) -> Page {
        let terminal = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col);
        let width = terminal.filter(|width| *width > 0).or(self.columns).unwrap_or(100);
        Page { width: width.max(40) }
    }

    /// How progress is shown.
    pub fn display(&self) -> Display {
        Display { talk: self.talk, color: self.color, log: self.log }
    }

    /// Whether all is to be said.
    pub fn is_verbose(&self) -> bool {
        self.talk >= Talk::Verbose
    }

    /// Whether what stands on a page may have colour and the like.
    pub fn has_color(&self) -> bool {
        self.color
    }

    /// Prints the answer. A reader that has gone away wanted no more: that is no error.
    pub fn answer(&self, text: &str) -> Result<()> {
        self.part_of_answer(text).map(|_| ())
    }

    /// Prints a part of the answer; false when the reader has gone away and wants no more.
    pub fn part_of_answer(&self, text: &str) -> Result<bool> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => {
                Err(Error::new(Exit::Io, "cannot write to standard output").caused_by(&error))
            }
            Ok(()) => Ok(true),
        }
    }

    /// A line for whoever watches.
    pub fn note(&self, text: &str) {
        if self.talk >= Talk::Normal {
            self.always_note(text);
        }
    }

    /// A line for who wants to know all.
    pub fn detail(&self, text: &str) {
        if self.talk >= Talk::Verbose {
            tell(self.log, &Line::new(Level::Debug, "detail", text), || note_text(text));
        }
    }

    /// A line for who is asked something, however little talk was asked for.
    fn always_note(&self, text: &str) {
        tell(self.log, &Line::new(Level::Info, "note", text), || note_text(text));
    }

    /// A line for whoever watches, with values for programs; people are told `line`'s message.
    pub fn event(&self, line: &Line<'_>, text: &str) {
        if self.talk >= Talk::Normal {
            tell(self.log, line, || format!("{}\n", printable(&masked(text))));
        }
    }

    /// Whether what is said is read by programs.
    pub fn logs_json(&self) -> bool {
        self.log == LogForm::Json
    }

    /// A line that nobody should miss.
    pub fn warning(&self, text: &str) {
        tell(self.log, &Line::new(Level::Warn, "warning", text), || {
            let label = if self.color { "\x1b[33mwarning:\x1b[0m" } else { "warning:" };
            format!("{label} {}\n", printable(&masked(text)))
        });
    }

    /// A failure, with all that is known of it.
    pub fn error(&self, error: &Error) {
        let fields = render::failure_fields(error).unwrap_or_default();
        let line = Line::new(Level::Error, "failure", error.what()).with_all(fields);
        tell(self.log, &line, || self.colored(&render::error_text(error)));
    }

    /// The lines of a failure that has no parts.
    pub fn failure(&self, text: &str) {
        let message = text.trim_end().trim_start_matches("error: ");
        tell(self.log, &Line::new(Level::Error, "failure", message), || self.colored(text));
    }

    fn colored(&self, text: &str) -> String {
        let text = &masked(text);
        match text.strip_prefix("error:").filter(|_| self.color) {
            Some(rest) => format!("\x1b[31merror:\x1b[0m{}", printable_lines(rest)),
            None => printable_lines(text),
        }
    }
}
