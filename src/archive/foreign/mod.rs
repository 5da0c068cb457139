//! Files that pg_dump and pg_dumpall write, known by their bytes and never by their name: what
//! they are ([`kind`]), what is wrapped around them ([`unwrap`]), and whether they are whole
//! ([`blocks`] for custom, [`tar`], [`script`] for plain SQL). Pure: bytes in, facts out.

pub mod blocks;
pub mod kind;
pub mod script;
mod statement;
pub mod tar;
pub mod unwrap;

use std::fmt;
use std::io;

use super::toc::TocError;

/// Why bytes are not a whole file of pg_dump.
#[derive(Debug)]
pub enum Fault {
    /// They could not be read.
    Io(io::Error),
    /// They end before the file does.
    Cut(String),
    /// They are not what pg_dump writes.
    Malformed(String),
}

impl Fault {
    /// An input that ended where more was to come.
    pub fn cut(what: impl Into<String>) -> Self {
        Self::Cut(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Cut(what) => write!(f, "it is cut: {what}"),
            Self::Malformed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::cut("it ends in the middle");
        }
        Self::Io(error)
    }
}

impl From<TocError> for Fault {
    fn from(error: TocError) -> Self {
        match error {
            TocError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::cut("its table of contents ends too early")
            }
            TocError::Io(error) => Self::Io(error),
            other => Self::Malformed(other.to_string()),
        }
    }
}
