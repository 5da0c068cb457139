//! What is wrapped around a file: gzip and zstd, also one in the other.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::Fault;
use super::kind::{HEAD, Kind, Sniffed, Wrapping, sniff};

/// Compressions around one file at most.
const DEPTH: usize = 3;

/// A file without what was wrapped around it.
pub struct Unwrapped {
    /// What it is.
    pub kind: Kind,
    /// What was around it, from the outside in.
    pub wrappings: Vec<Wrapping>,
    /// Its bytes, from the first on. Their end is the true end: a cut compression is an error.
    pub bytes: Box<dyn Read + Send>,
}

impl fmt::Debug for Unwrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unwrapped")
            .field("kind", &self.kind)
            .field("wrappings", &self.wrappings)
            .finish_non_exhaustive()
    }
}

/// Looks at the first bytes, inside of compressions too.
///
/// # Errors
/// [`Fault::Malformed`] for what is no file of pg_dump, with what it is; the second part is what
/// helps then.
pub fn unwrap(input: Box<dyn Read + Send>) -> Result<Unwrapped, (Fault, Option<&'static str>)> {
    let plainly = |fault: Fault| (fault, None);
    let mut bytes = input;
    let mut wrappings = Vec::new();
    loop {
        let mut head = Vec::new();
        let read = bytes.by_ref().take(HEAD as u64).read_to_end(&mut head);
        read.map_err(|error| plainly(error.into()))?;
        let sniffed = sniff(&head);
        let whole: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(bytes));
        match sniffed {
            Sniffed::Dump(kind) => return Ok(Unwrapped { kind, wrappings, bytes: whole }),
            Sniffed::Wrapped(wrapping) if wrappings.len() < DEPTH => {
                wrappings.push(wrapping);
                bytes = expand(wrapping, whole).map_err(|error| plainly(error.into()))?;
            }
            Sniffed::Wrapped(_) => {
                let what = format!("it is compressed more than {DEPTH} times");
                return Err(plainly(Fault::Malformed(what)));
            }
            Sniffed::Other(what, help) => {
                let inside = if wrappings.is_empty() { "it is" } else { "what is in it is" };
                return Err((Fault::Malformed(format!("{inside} {what}")), help));
            }
        }
    }
}

fn expand(wrapping: Wrapping, bytes: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let buffered = BufReader::with_capacity(256 << 10, bytes);
    let expanded: Box<dyn Read + Send> = match wrapping {
        Wrapping::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Wrapping::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    };
    Ok(Box::new(BufReader::with_capacity(256 << 10, expanded)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PLAIN: &[u8] = b"--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Unwrapped, Vec<u8>), Fault> {
        let mut found =
            unwrap(Box::new(Cursor::new(bytes.to_vec()))).map_err(|(fault, _)| fault)?;
        let mut all = Vec::new();
        found.bytes.read_to_end(&mut all)?;
        Ok((found, all))
    }

    #[test]
    fn compressions_are_seen_through() {
        let zstd = zstd::stream::encode_all(PLAIN, 1).unwrap();
        for (bytes, wrappings) in [
            (PLAIN.to_vec(), vec![]),
            (gzip(PLAIN), vec![Wrapping::Gzip]),
            (gzip(&zstd), vec![Wrapping::Gzip, Wrapping::Zstd]),
            (zstd, vec![Wrapping::Zstd]),
        ] {
            let (found, all) = read(&bytes).unwrap();
            assert_eq!((found.kind, found.wrappings), (Kind::Plain, wrappings));
            assert_eq!(all, PLAIN);
        }
    }

    #[test]
    fn a_cut_compression_is_an_error_wherever_it_is_cut() {
        for whole in [gzip(PLAIN), zstd::stream::encode_all(PLAIN, 1).unwrap()] {
            for end in 0..whole.len() {
                assert!(read(&whole[..end]).is_err(), "cut at {end}");
            }
        }
    }

    #[test]
    fn it_has_a_bottom() {
        let mut bytes = PLAIN.to_vec();
        for _ in 0..5 {
            bytes = gzip(&bytes);
        }
        assert!(read(&bytes).unwrap_err().to_string().contains("more than 3 times"));
    }
}
