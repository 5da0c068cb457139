//! What is wrapped around a file: gzip and zstd, also one in the other.

use std::fmt;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Its bytes, from the first on. Their end is the true end: a cut compression is an error,
    /// and one that does not expand an error with a [`Fault`] in it.
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
    let failed = Arc::new(AtomicBool::new(false));
    let watched = Watched { inner: bytes, failed: Arc::clone(&failed) };
    let buffered = BufReader::with_capacity(256 << 10, watched);
    let inner: Box<dyn Read + Send> = match wrapping {
        Wrapping::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Wrapping::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    };
    let expanded = Expanded { inner, wrapping, failed };
    Ok(Box::new(BufReader::with_capacity(256 << 10, expanded)))
}

/// Remembers whether what is to be expanded could not be read.
struct Watched {
    inner: Box<dyn Read + Send>,
    failed: Arc<AtomicBool>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        let failed = read.as_ref().is_err_and(|error| error.kind() != ErrorKind::Interrupted);
        self.failed.fetch_or(failed, Ordering::Relaxed);
        read
    }
}

/// Tells what does not expand from what could not be read: both come as errors of a decompressor.
struct Expanded {
    inner: Box<dyn Read + Send>,
    wrapping: Wrapping,
    failed: Arc<AtomicBool>,
}

impl Read for Expanded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::Interrupted => error,
            _ if self.failed.load(Ordering::Relaxed) => error,
            _ => io::Error::new(ErrorKind::InvalidData, self.fault(&error)),
        })
    }
}

impl Expanded {
    fn fault(&self, error: &io::Error) -> Fault {
        let text = error.to_string();
        // Written with `zstd --ultra` or `--long`.
        if text.contains("requires too much memory") {
            let what = "its zstd compression has a window of more than 128 MiB: expand it first \
                        (zstd -d --long=31)";
            return Fault::Unsupported(what.into());
        }
        Fault::Malformed(format!("its {} compression is damaged: {text}", self.wrapping.name()))
    }
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
    fn bytes_that_do_not_expand_are_damaged() {
        let mut zstd = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        zstd.include_checksum(true).unwrap();
        zstd.write_all(PLAIN).unwrap();
        for whole in [gzip(PLAIN), zstd.finish().unwrap(), gzip(&gzip(PLAIN))] {
            // Header, data, sum.
            for at in [3, whole.len() / 2, whole.len() - 2] {
                let mut bytes = whole.clone();
                bytes[at] ^= 0xff;
                let fault = read(&bytes).unwrap_err();
                assert!(!matches!(fault, Fault::Io(_)), "{at} of {}: {fault:?}", whole.len());
            }
            let mut bytes = whole.clone();
            *bytes.last_mut().unwrap() ^= 1;
            let fault = read(&bytes).unwrap_err();
            let damaged = |what: &str| what.contains("compression is damaged");
            assert!(matches!(&fault, Fault::Malformed(what) if damaged(what)), "{fault:?}");
        }
    }

    /// Gives some bytes, and fails then.
    struct Failing(Cursor<Vec<u8>>);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                read => Ok(read),
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_damaged() {
        for whole in [gzip(PLAIN), gzip(&gzip(PLAIN)), zstd::stream::encode_all(PLAIN, 1).unwrap()]
        {
            let cut = whole[..whole.len() - 9].to_vec();
            let fault = match unwrap(Box::new(Failing(Cursor::new(cut)))) {
                Err((fault, _)) => fault,
                Ok(mut found) => found.bytes.read_to_end(&mut Vec::new()).unwrap_err().into(),
            };
            let disk = |error: &io::Error| error.to_string() == "the disk is gone";
            assert!(matches!(&fault, Fault::Io(error) if disk(error)), "{fault:?}");
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
