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
use std::io::{self, Read};

use super::toc::{Toc, TocError};

/// Bytes of the largest table of contents that is read: some two million objects.
const TOC_LIMIT: u64 = 1 << 30;

/// Why bytes are not a whole file of pg_dump.
#[derive(Debug)]
pub enum Fault {
    /// They could not be read.
    Io(io::Error),
    /// They end before the file does.
    Cut(String),
    /// They are not what pg_dump writes.
    Malformed(String),
    /// They may well be whole: of a version, or written in a way, that pgtend does not know.
    Unsupported(String),
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
            Self::Malformed(what) | Self::Unsupported(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::cut("it ends in the middle");
        }
        // One of a decompressor's, which went through a reader.
        error.downcast().unwrap_or_else(Self::Io)
    }
}

impl From<TocError> for Fault {
    fn from(error: TocError) -> Self {
        match error {
            TocError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::cut("its table of contents ends too early")
            }
            TocError::Io(error) => error.into(),
            TocError::Malformed(what) => Self::Malformed(what),
            version @ TocError::Version(..) => Self::Unsupported(version.to_string()),
        }
    }
}

/// Reads a table of contents, and nothing behind it.
///
/// # Errors
/// [`Fault::Unsupported`] for one of a version that pgtend does not know, or of more than 1 GiB.
pub fn read_toc(input: &mut impl Read) -> Result<Toc, Fault> {
    read_toc_within(TOC_LIMIT, input)
}

fn read_toc_within(limit: u64, input: &mut impl Read) -> Result<Toc, Fault> {
    let mut limited = input.take(limit);
    let read = Toc::read(&mut limited);
    match read.map_err(Fault::from) {
        Err(Fault::Cut(_)) if limited.limit() == 0 => Err(Fault::Unsupported(format!(
            "its table of contents has more than {limit} bytes, the most that pgtend reads"
        ))),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::{entry, toc};

    fn bytes() -> Vec<u8> {
        let mut toc = toc("15.1", vec![entry(7, "TABLE", "s", "t", &"x".repeat(500))]);
        toc.name_files();
        toc.to_directory()
    }

    #[test]
    fn a_table_of_contents_is_read_up_to_a_limit() {
        let bytes = bytes();
        assert!(read_toc(&mut &bytes[..]).is_ok());
        assert!(read_toc_within(bytes.len() as u64, &mut &bytes[..]).is_ok());
        let more = read_toc_within(bytes.len() as u64 - 1, &mut &bytes[..]).unwrap_err();
        assert!(matches!(&more, Fault::Unsupported(what) if what.contains("more than")), "{more}");
        let cut = read_toc(&mut &bytes[..bytes.len() - 1]).unwrap_err();
        assert!(matches!(cut, Fault::Cut(_)), "{cut}");
    }

    #[test]
    fn versions_that_are_not_known_are_not_damaged() {
        for minor in [13, 99] {
            let mut bytes = bytes();
            bytes[6] = minor;
            let unknown = read_toc(&mut &bytes[..]).unwrap_err();
            let Fault::Unsupported(what) = &unknown else { panic!("{unknown:?}") };
            assert!(what.contains(&format!("1.{minor}")), "{what}");
        }
    }
}
