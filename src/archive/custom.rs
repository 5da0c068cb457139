//! pg_dump's custom format: one file, the table of contents first, then a block of data for each
//! entry that has some. [`super::toc`] writes the table, this the blocks.
//!
//! Source: PostgreSQL's pg_backup_custom.c and compress_gzip.c. A block is a type byte, the
//! entry's number, and pieces with their lengths in front, closed by the length 0; a block of
//! large objects has each one's oid before its pieces, and ends with the oid 0. With gzip the
//! pieces of one table, or of one large object, are one zlib stream.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use flate2::write::ZlibEncoder;

/// The type byte of a table's data.
const DATA: u8 = 1;
/// The type byte of large objects.
const LARGE_OBJECTS: u8 = 3;
/// Bytes of the largest piece.
const PIECE_BYTES: usize = 128 << 10;

/// How the blocks are compressed. zstd is not among them: what reads archives before 1.15, and
/// many a build after it, has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Levels 1 to 9.
    Gzip(u32),
    /// As the rows are.
    None,
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "expected gzip[:LEVEL] with a level from 1 to 9, or none".to_owned();
        match text.split_once(':') {
            None if text == "gzip" => Ok(Self::Gzip(6)),
            None if text == "none" => Ok(Self::None),
            Some(("gzip", level)) => match level.parse() {
                Ok(level @ 1..=9) => Ok(Self::Gzip(level)),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip(level) => write!(f, "gzip:{level}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// An integer as an archive holds it: a byte for the sign, four for the number.
pub(super) fn int(value: i32) -> [u8; 5] {
    let [a, b, c, d] = value.unsigned_abs().to_le_bytes();
    [u8::from(value < 0), a, b, c, d]
}

/// Writes blocks: what is to be stored next gathers in [`out`](Self::out).
#[derive(Debug)]
pub struct Blocks {
    compression: Compression,
    /// The stream of the table or large object that is being written.
    gzip: Option<ZlibEncoder<Vec<u8>>>,
    /// Bytes for the file; the caller takes them away.
    pub out: Vec<u8>,
}

impl Blocks {
    /// Nothing is written yet.
    pub fn new(compression: Compression) -> Self {
        Self { compression, gzip: None, out: Vec::new() }
    }

    /// Begins the block of a table's entry.
    pub fn begin_table(&mut self, entry: i32) {
        self.out.push(DATA);
        self.out.extend(int(entry));
        self.begin_stream();
    }

    /// Begins the block of an entry with large objects.
    pub fn begin_large_objects(&mut self, entry: i32) {
        self.out.push(LARGE_OBJECTS);
        self.out.extend(int(entry));
    }

    /// Begins one large object.
    pub fn begin_large_object(&mut self, oid: u32) {
        // Large oids are negative numbers to pg_dump.
        self.out.extend(int(oid.cast_signed()));
        self.begin_stream();
    }

    fn begin_stream(&mut self) {
        if let Compression::Gzip(level) = self.compression {
            self.gzip = Some(ZlibEncoder::new(Vec::new(), flate2::Compression::new(level)));
        }
    }

    /// Adds bytes to the table or the large object.
    pub fn push(&mut self, raw: &[u8]) -> io::Result<()> {
        let Some(gzip) = &mut self.gzip else {
            pieces(raw, &mut self.out);
            return Ok(());
        };
        gzip.write_all(raw)?;
        if gzip.get_ref().len() >= PIECE_BYTES {
            pieces(gzip.get_ref(), &mut self.out);
            gzip.get_mut().clear();
        }
        Ok(())
    }

    /// Ends the table or the large object.
    pub fn end(&mut self) -> io::Result<()> {
        if let Some(gzip) = self.gzip.take() {
            // Though it may hold nothing: pg_restore wants the stream's own end.
            pieces(&gzip.finish()?, &mut self.out);
        }
        self.out.extend(int(0));
        Ok(())
    }

    /// Ends a block of large objects.
    pub fn end_large_objects(&mut self) {
        self.out.extend(int(0));
    }
}

fn pieces(bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(PIECE_BYTES) {
        // A piece is far below the limit of the number.
        out.extend(int(i32::try_from(piece.len()).unwrap_or(i32::MAX)));
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// The pieces at the front of `bytes`, joined, and what is behind their end.
    fn joined(mut bytes: &[u8]) -> (Vec<u8>, &[u8]) {
        let mut joined = Vec::new();
        loop {
            let (number, rest) = bytes.split_at(5);
            let length = u32::from_le_bytes(number[1..].try_into().unwrap()) as usize;
            let (piece, rest) = rest.split_at(length);
            bytes = rest;
            joined.extend_from_slice(piece);
            if length == 0 {
                return (joined, bytes);
            }
        }
    }

    #[test]
    fn a_block_holds_what_was_pushed() {
        let raw: Vec<u8> = (0..900_000_u32).flat_map(u32::to_le_bytes).collect();
        for (compression, raw) in [
            (Compression::None, &raw[..]),
            (Compression::None, &[]),
            (Compression::Gzip(1), &raw[..]),
            (Compression::Gzip(9), &[]),
        ] {
            let mut blocks = Blocks::new(compression);
            blocks.begin_table(3357);
            for part in raw.chunks(70_001) {
                blocks.push(part).unwrap();
            }
            blocks.end().unwrap();
            assert_eq!(blocks.out[..6], [1, 0, 0x1d, 0x0d, 0, 0]);
            let (stored, rest) = joined(&blocks.out[6..]);
            assert!(rest.is_empty());
            let mut expanded = Vec::new();
            match compression {
                Compression::None => expanded = stored,
                Compression::Gzip(_) => {
                    let mut decoder = flate2::read::ZlibDecoder::new(&stored[..]);
                    assert_eq!(decoder.read_to_end(&mut expanded).unwrap(), raw.len());
                }
            }
            assert!(expanded == raw);
        }
    }

    #[test]
    fn large_objects_have_their_oids() {
        let mut blocks = Blocks::new(Compression::None);
        blocks.begin_large_objects(8);
        blocks.begin_large_object(u32::MAX);
        blocks.push(b"x").unwrap();
        blocks.end().unwrap();
        blocks.end_large_objects();
        let expected: Vec<u8> =
            [&[3][..], &int(8), &[1, 1, 0, 0, 0], &int(1), b"x", &int(0), &int(0)].concat();
        assert_eq!(blocks.out, expected);
    }

    #[test]
    fn compressions_are_written_as_they_are_read() {
        for text in ["gzip:1", "gzip:9", "none"] {
            assert_eq!(text.parse::<Compression>().unwrap().to_string(), text);
        }
        for wrong in ["zstd", "gzip:0", "gzip:10", "gzip:", "none:1", ""] {
            assert!(wrong.parse::<Compression>().is_err(), "{wrong}");
        }
    }
}
