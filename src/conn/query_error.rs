//! A statement that failed.

use std::fmt;

use crate::error::Error;
use crate::exit::Exit;

/// The server refused a statement, or the connection was lost.
pub struct QueryError {
    error: tokio_postgres::Error,
    /// What ended the connection, which tokio-postgres tells to nobody who waits.
    fate: Option<String>,
}

impl QueryError {
    pub(super) fn new(error: tokio_postgres::Error, fate: Option<String>) -> Self {
        Self { error, fate }
    }

    /// Whether the connection is gone: it broke, or the server ended it (57P01, 57P02, 57P05,
    /// class 08). A new session may help.
    pub fn is_lost(&self) -> bool {
        if self.error.is_closed() || self.source_is::<std::io::Error>() {
            return true;
        }
        self.sqlstate().is_some_and(|state| {
            matches!(state, "57P01" | "57P02" | "57P05") || state.starts_with("08")
        })
    }

    /// The five characters of the server's error code; `None` when the server said nothing.
    pub fn sqlstate(&self) -> Option<&str> {
        self.error.code().map(tokio_postgres::error::SqlState::code)
    }

    /// The server's message, or what happened to the connection.
    pub fn message(&self) -> String {
        match self.error.as_db_error() {
            Some(error) => error.message().to_owned(),
            None => match &self.fate {
                Some(fate) => format!("{}: {fate}", chain(&self.error)),
                None => chain(&self.error),
            },
        }
    }

    /// An error of a run: `what` names what could not be done. Exit 77 for a missing privilege
    /// (42501), 75 for a lock or slot that others hold (55P03, 55006), 69 for all else.
    pub fn into_error(self, what: impl Into<String>) -> Error {
        let exit = match self.sqlstate() {
            Some("42501") => Exit::Refused,
            Some("55P03" | "55006") => Exit::Busy,
            _ => Exit::Unavailable,
        };
        let mut error = Error::new(exit, what).because(self.message());
        if let Some(database) = self.error.as_db_error() {
            for more in [database.detail(), database.hint()].into_iter().flatten() {
                error = error.because(more);
            }
        }
        error
    }

    fn source_is<E: std::error::Error + 'static>(&self) -> bool {
        std::error::Error::source(&self.error).is_some_and(|source| source.is::<E>())
    }
}

/// An error with its causes; tokio-postgres leaves them out of its own text.
pub(super) fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl From<tokio_postgres::Error> for QueryError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::new(error, None)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        if let Some(error) = self.error.as_db_error() {
            for more in [error.detail(), error.hint()].into_iter().flatten() {
                write!(f, ": {more}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.sqlstate().unwrap_or("no SQLSTATE"))
    }
}

impl std::error::Error for QueryError {}
