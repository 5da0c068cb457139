//! Frames: the independent compressed pieces that a data file is made of.
//!
//! A frame holds whole rows, so frames of one table may stand in any order, be written by
//! several readers and be loaded by several writers. Concatenated zstd frames or gzip members
//! are one valid stream: stock pg_restore and unzstd read the file as a whole.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};
use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, InBuffer, OutBuffer, ResetDirective};

use super::rowhash::RowSum;

/// Raw bytes after which a frame is closed. One row may be longer: it is then a frame alone.
pub const FRAME_BYTES: usize = 4 << 20;
/// Without compression a frame is handed on in pieces of this size, which are still in the
/// processor's cache when they are digested and written; the record joins them again.
const PIECE_BYTES: usize = 256 << 10;
/// Rows are handed to gzip, and taken from every decoder, in blocks of this size: one call per
/// row would cost more than hashing it.
const BLOCK_BYTES: usize = 128 << 10;
/// What COPY text of an archive ends with: pg_dump's terminator line and two empty lines.
pub const COPY_END: &[u8] = b"\\.\n\n\n";

/// Of zstd, when nobody says.
const DEFAULT_LEVEL: i32 = 2;

/// How data files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Compression {
    /// zstd at a level from 1 to 19, with content checksums.
    Zstd(i32),
    /// gzip at a level from 1 to 9: readable by every pg_restore, ten times slower.
    Gzip(u32),
    /// As the server sends it.
    None,
}

impl Compression {
    /// Within 1% of gzip's size, at nine times its speed (reference/performance.md, B).
    pub const DEFAULT: Self = Self::Zstd(DEFAULT_LEVEL);

    /// What a data file's name ends with.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Zstd(_) => ".zst",
            Self::Gzip(_) => ".gz",
            Self::None => "",
        }
    }

    /// The compression of a stored object, by its name; within the seal of one that has one.
    pub fn of_name(name: &str) -> Self {
        let name = name.strip_suffix(super::seal::SUFFIX).unwrap_or(name);
        if name.ends_with(".zst") {
            Self::DEFAULT
        } else if name.ends_with(".gz") {
            Self::Gzip(6)
        } else {
            Self::None
        }
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level)),
            None => (text, None),
        };
        let level = |default: u32, highest: u32| match level {
            None => Ok(default),
            Some(level) => level
                .parse()
                .ok()
                .filter(|level| (1..=highest).contains(level))
                .ok_or_else(|| format!("{name} has the levels 1 to {highest}, not '{level}'")),
        };
        match name {
            "zstd" => Ok(Self::Zstd(i32::try_from(level(2, 19)?).unwrap_or(2))),
            "gzip" => Ok(Self::Gzip(level(6, 9)?)),
            "none" if text == "none" => Ok(Self::None),
            _ => Err("expected zstd[:LEVEL], gzip[:LEVEL] or none".into()),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zstd(level) => write!(f, "zstd:{level}"),
            Self::Gzip(level) => write!(f, "gzip:{level}"),
            Self::None => f.write_str("none"),
        }
    }
}

impl TryFrom<String> for Compression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Compression> for String {
    fn from(compression: Compression) -> Self {
        compression.to_string()
    }
}

/// A finished frame, still in its encoder's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The bytes to store.
    pub stored: &'a [u8],
    /// Bytes before compression.
    pub raw: u64,
    /// The rows in it.
    pub sum: RowSum,
    /// Whether it and the frame before it are one frame too (uncompressed bytes are).
    pub joins: bool,
}

/// The checksum of a frame's stored bytes: xxh3-64.
pub fn checksum(stored: &[u8]) -> u64 {
    xxh3_64(stored)
}

/// [`checksum`] of bytes that come in pieces.
#[derive(Default)]
pub struct Checksum(Xxh3);

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}

impl Checksum {
    /// Adds the next bytes.
    pub fn update(&mut self, stored: &[u8]) {
        self.0.update(stored);
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.digest()
    }
}

/// Turns rows or bytes into frames, one after the other, with its buffers reused.
pub struct Encoder {
    codec: Codec,
    /// Raw bytes not yet handed to the compressor (unused without compression). zstd gets a
    /// whole frame at once: fed in pieces it copies them into a ring, and where that wraps it
    /// is slower by half.
    block: Vec<u8>,
    /// Whether part of the frame, a huge row, was fed to the compressor already.
    fed: bool,
    out: Vec<u8>,
    raw: u64,
    sum: RowSum,
}

#[expect(clippy::large_enum_variant, reason = "one a reader, never moved")]
enum Codec {
    Zstd(CCtx<'static>),
    Gzip(u32, Option<GzEncoder<Vec<u8>>>),
    None,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder {{ raw: {}, rows: {} }}", self.raw, self.sum.rows)
    }
}

impl Encoder {
    /// An encoder with empty buffers.
    pub fn new(compression: Compression) -> io::Result<Self> {
        let codec = match compression {
            Compression::None => Codec::None,
            Compression::Gzip(level) => Codec::Gzip(level, None),
            Compression::Zstd(level) => {
                let mut context =
                    CCtx::try_create().ok_or_else(|| io::Error::other("zstd: out of memory"))?;
                context.set_parameter(CParameter::CompressionLevel(level)).map_err(zstd_error)?;
                // pg_dump's own frames carry none: half of all flipped bits restore unnoticed.
                context.set_parameter(CParameter::ChecksumFlag(true)).map_err(zstd_error)?;
                if level == DEFAULT_LEVEL {
                    // On COPY text a seventh faster than the level as it is, for the same size.
                    let window = CParameter::WindowLog(FRAME_BYTES.ilog2());
                    context.set_parameter(window).map_err(zstd_error)?;
                    context.set_parameter(CParameter::MinMatch(7)).map_err(zstd_error)?;
                }
                Codec::Zstd(context)
            }
        };
        Ok(Self {
            codec,
            block: Vec::with_capacity(BLOCK_BYTES),
            fed: false,
            out: Vec::new(),
            raw: 0,
            sum: RowSum::default(),
        })
    }

    /// Adds one row: COPY text with its newline.
    #[inline]
    pub fn push_row(&mut self, row: &[u8]) -> io::Result<()> {
        self.sum.add(row);
        self.push_bytes(row)
    }

    /// Adds bytes that are not rows (a terminator, a large object).
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.raw += bytes.len() as u64;
        if matches!(self.codec, Codec::None) {
            self.out.extend_from_slice(bytes);
            return Ok(());
        }
        let limit = if matches!(self.codec, Codec::Zstd(_)) { FRAME_BYTES } else { BLOCK_BYTES };
        if self.block.len() + bytes.len() > limit {
            self.compress_block()?;
            if bytes.len() > limit {
                return self.compress(bytes);
            }
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the frame should be finished before `next` more bytes are added.
    #[inline]
    pub fn is_full_before(&self, next: usize) -> bool {
        let limit = if matches!(self.codec, Codec::None) { PIECE_BYTES } else { FRAME_BYTES };
        self.raw > 0 && self.raw + next as u64 > limit as u64
    }

    /// Closes the frame; `None` when nothing was added.
    pub fn finish(&mut self) -> io::Result<Option<Frame<'_>>> {
        if self.raw == 0 { Ok(None) } else { self.finish_even_empty().map(Some) }
    }

    /// Closes the frame, though nothing may be in it: an empty file is no zstd or gzip file.
    pub fn finish_even_empty(&mut self) -> io::Result<Frame<'_>> {
        match &mut self.codec {
            Codec::Zstd(context) if !self.fed => {
                self.out.reserve(zstd_safe::compress_bound(self.block.len()));
                context.compress2(&mut self.out, &self.block).map_err(zstd_error)?;
                self.block.clear();
                return Ok(self.frame());
            }
            _ => self.compress_block()?,
        }
        match &mut self.codec {
            Codec::None => {}
            Codec::Gzip(level, encoder) => {
                let encoder = encoder.take().unwrap_or_else(|| {
                    let out = std::mem::take(&mut self.out);
                    GzEncoder::new(out, flate2::Compression::new(*level))
                });
                self.out = encoder.finish()?;
            }
            Codec::Zstd(context) => loop {
                self.out.reserve(CCtx::out_size());
                let filled = self.out.len();
                let mut output = OutBuffer::around_pos(&mut self.out, filled);
                let left = context.end_stream(&mut output).map_err(zstd_error)?;
                if left == 0 {
                    break;
                }
            },
        }
        Ok(self.frame())
    }

    fn frame(&self) -> Frame<'_> {
        let joins = matches!(self.codec, Codec::None);
        Frame { stored: &self.out, raw: self.raw, sum: self.sum, joins }
    }

    /// Forgets the frame in the making, or the one just finished, and starts the next.
    pub fn restart(&mut self) -> io::Result<()> {
        self.block.clear();
        self.fed = false;
        self.out.clear();
        // A single huge row must not keep its memory for the rest of the run.
        if self.out.capacity() > 4 * FRAME_BYTES {
            self.out.shrink_to(FRAME_BYTES);
        }
        self.raw = 0;
        self.sum = RowSum::default();
        match &mut self.codec {
            Codec::Zstd(context) => {
                context.reset(ResetDirective::SessionOnly).map_err(zstd_error)?;
            }
            Codec::Gzip(_, encoder) => *encoder = None,
            Codec::None => {}
        }
        Ok(())
    }

    fn compress_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        let result = self.compress(&block);
        self.block = block;
        self.block.clear();
        result
    }

    fn compress(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.fed = true;
        match &mut self.codec {
            Codec::None => self.out.extend_from_slice(bytes),
            Codec::Gzip(level, encoder) => {
                let out = &mut self.out;
                let level = flate2::Compression::new(*level);
                encoder
                    .get_or_insert_with(|| GzEncoder::new(std::mem::take(out), level))
                    .write_all(bytes)?;
            }
            Codec::Zstd(context) => {
                let mut input = InBuffer::around(bytes);
                while input.pos() < bytes.len() {
                    self.out.reserve(CCtx::out_size());
                    let filled = self.out.len();
                    let mut output = OutBuffer::around_pos(&mut self.out, filled);
                    context.compress_stream(&mut output, &mut input).map_err(zstd_error)?;
                }
            }
        }
        Ok(())
    }
}

fn zstd_error(code: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, zstd_safe::get_error_name(code))
}

/// Expands frames block by block, with its buffers reused.
#[derive(Default)]
pub struct Decoder {
    zstd: Option<DCtx<'static>>,
    block: Vec<u8>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// Hands the raw bytes of one whole frame to `sink`, block by block, and returns their
    /// number. Bytes behind the frame's end, a frame that is cut and a checksum that does not
    /// fit are errors, and so are more than `limit` raw bytes: `sink` never sees them, for a few
    /// stored bytes can expand to any number.
    pub fn decode(
        &mut self,
        compression: Compression,
        stored: &[u8],
        limit: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<u64> {
        match compression {
            Compression::None => {
                let raw = within(limit, stored.len() as u64)?;
                sink(stored);
                Ok(raw)
            }
            Compression::Gzip(_) => self.decode_gzip(stored, limit, sink),
            Compression::Zstd(_) => self.decode_zstd(stored, limit, sink),
        }
    }

    fn decode_gzip(
        &mut self,
        stored: &[u8],
        limit: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<u64> {
        let mut decoder = flate2::bufread::GzDecoder::new(stored);
        self.block.resize(BLOCK_BYTES, 0);
        let mut raw = 0;
        loop {
            let read = decoder.read(&mut self.block)?;
            if read == 0 {
                break;
            }
            raw = within(limit, raw + read as u64)?;
            sink(&self.block[..read]);
        }
        if decoder.into_inner().is_empty() { Ok(raw) } else { Err(trailing()) }
    }

    fn decode_zstd(
        &mut self,
        stored: &[u8],
        limit: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<u64> {
        let context = match &mut self.zstd {
            Some(context) => context,
            empty => empty
                .insert(DCtx::try_create().ok_or_else(|| io::Error::other("zstd: out of memory"))?),
        };
        context.reset(ResetDirective::SessionOnly).map_err(zstd_error)?;
        let mut input = InBuffer::around(stored);
        let mut raw = 0;
        loop {
            self.block.clear();
            self.block.reserve(BLOCK_BYTES);
            let mut output = OutBuffer::around(&mut self.block);
            let hint = context.decompress_stream(&mut output, &mut input).map_err(zstd_error)?;
            let produced = self.block.len();
            raw = within(limit, raw + produced as u64)?;
            sink(&self.block);
            if hint == 0 {
                break;
            }
            if produced == 0 && input.pos() == stored.len() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the frame is cut"));
            }
        }
        if input.pos() == stored.len() { Ok(raw) } else { Err(trailing()) }
    }
}

fn within(limit: u64, raw: u64) -> io::Result<u64> {
    if raw <= limit {
        return Ok(raw);
    }
    let what = format!("it expands to more than the {limit} bytes that went in");
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

fn trailing() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bytes behind the end of the frame")
}

/// Counts and hashes the rows in blocks that may end anywhere.
#[derive(Debug, Default)]
pub struct RowCounter {
    sum: RowSum,
    carry: Vec<u8>,
}

impl RowCounter {
    /// Adds the next block.
    pub fn push(&mut self, mut block: &[u8]) {
        if !self.carry.is_empty() {
            let end = memchr::memchr(b'\n', block).map_or(block.len(), |end| end + 1);
            let (head, rest) = block.split_at(end);
            self.carry.extend_from_slice(head);
            if !self.carry.ends_with(b"\n") {
                return;
            }
            self.sum.add(&self.carry);
            self.carry.clear();
            block = rest;
        }
        let whole = memchr::memrchr(b'\n', block).map_or(0, |end| end + 1);
        let (rows, tail) = block.split_at(whole);
        self.sum.add_lines(rows);
        self.carry.extend_from_slice(tail);
    }

    /// The rows of all blocks; `None` when the last one has no newline.
    pub fn finish(&mut self) -> Option<RowSum> {
        let whole = self.carry.is_empty();
        self.carry.clear();
        let sum = std::mem::take(&mut self.sum);
        whole.then_some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 3] = [Compression::Zstd(2), Compression::Gzip(1), Compression::None];

    fn rows() -> Vec<Vec<u8>> {
        (0..5000)
            .map(|number| format!("{number}\t{}\n", "x".repeat(number % 300)).into_bytes())
            .chain([[b"z".repeat(BLOCK_BYTES * 3), b"\n".to_vec()].concat()])
            .chain([[b"huge".repeat(FRAME_BYTES / 3), b"\n".to_vec()].concat()])
            .chain([b"last\n".to_vec()])
            .collect()
    }

    #[test]
    fn frames_expand_to_the_rows_that_went_in() {
        for compression in ALL {
            let mut encoder = Encoder::new(compression).unwrap();
            for _ in 0..2 {
                let mut raw = Vec::new();
                for row in rows() {
                    encoder.push_row(&row).unwrap();
                    raw.extend_from_slice(&row);
                }
                let frame = encoder.finish().unwrap().unwrap();
                let mut counter = RowCounter::default();
                let mut out = Vec::new();
                let length = Decoder::default()
                    .decode(compression, frame.stored, frame.raw, &mut |block| {
                        counter.push(block);
                        out.extend_from_slice(block);
                    })
                    .unwrap();
                assert_eq!(length, frame.raw);
                assert_eq!(out, raw, "{compression}");
                assert_eq!(counter.finish(), Some(frame.sum));
                encoder.restart().unwrap();
            }
        }
    }

    #[test]
    fn a_restart_forgets_the_frame_in_the_making() {
        for compression in ALL {
            let mut encoder = Encoder::new(compression).unwrap();
            encoder.push_row(&[b"lost".repeat(FRAME_BYTES), b"\n".to_vec()].concat()).unwrap();
            encoder.restart().unwrap();
            assert!(encoder.finish().unwrap().is_none());
            encoder.push_row(b"kept\n").unwrap();
            let frame = encoder.finish().unwrap().unwrap();
            let mut out = Vec::new();
            Decoder::default()
                .decode(compression, frame.stored, frame.raw, &mut |block| {
                    out.extend_from_slice(block);
                })
                .unwrap();
            assert_eq!(out, b"kept\n");
        }
    }

    #[test]
    fn a_checksum_of_pieces_is_that_of_the_whole() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut pieces = Checksum::default();
        bytes.chunks(7777).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.value(), checksum(&bytes));
    }

    #[test]
    fn a_frame_that_expands_to_more_than_it_should_is_stopped() {
        for compression in ALL {
            let mut encoder = Encoder::new(compression).unwrap();
            encoder.push_bytes(&vec![b'x'; 64 << 20]).unwrap();
            let frame = encoder.finish().unwrap().unwrap();
            let (stored, raw) = (frame.stored, frame.raw);
            for limit in [0, 1 << 20, raw - 1] {
                let mut seen = 0;
                let result = Decoder::default()
                    .decode(compression, stored, limit, &mut |block| seen += block.len() as u64);
                assert!(result.is_err(), "{compression}: {limit}");
                assert!(seen <= limit, "{compression}: {seen} bytes of at most {limit}");
            }
            let length = Decoder::default().decode(compression, stored, raw, &mut |_| ());
            assert_eq!(length.unwrap(), raw, "{compression}");
        }
    }

    #[test]
    fn an_empty_frame_is_a_frame() {
        for compression in ALL {
            let mut encoder = Encoder::new(compression).unwrap();
            let frame = encoder.finish_even_empty().unwrap();
            assert_eq!(frame.stored.is_empty(), compression == Compression::None);
            let raw = Decoder::default()
                .decode(compression, frame.stored, frame.raw, &mut |_| ())
                .unwrap();
            assert_eq!(raw, 0, "{compression}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_compressed_frame_is_noticed_or_harmless() {
        for compression in [Compression::Zstd(2), Compression::Gzip(1)] {
            let mut encoder = Encoder::new(compression).unwrap();
            let mut raw = Vec::new();
            for number in 0..200 {
                let row = format!("{number}\tvalue {}\n", number * 7).into_bytes();
                encoder.push_row(&row).unwrap();
                raw.extend_from_slice(&row);
            }
            let stored = encoder.finish().unwrap().unwrap().stored.to_vec();
            for bit in 0..stored.len() * 8 {
                let mut damaged = stored.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let mut out = Vec::new();
                let result =
                    Decoder::default().decode(compression, &damaged, u64::MAX, &mut |block| {
                        out.extend_from_slice(block);
                    });
                // gzip's header has bits without meaning (time, system); the data must be right.
                assert!(result.is_err() || out == raw, "{compression}: bit {bit}");
                assert_ne!(checksum(&damaged), checksum(&stored));
            }
            for end in 0..stored.len() {
                assert!(
                    Decoder::default()
                        .decode(compression, &stored[..end], u64::MAX, &mut |_| ())
                        .is_err(),
                    "{compression}: cut at {end}"
                );
            }
            let longer = [&stored[..], b"x"].concat();
            assert!(
                Decoder::default().decode(compression, &longer, u64::MAX, &mut |_| ()).is_err()
            );
        }
    }

    #[test]
    fn compression_is_parsed_as_it_is_written() {
        for (text, expected) in
            [("zstd", "zstd:2"), ("zstd:19", "zstd:19"), ("gzip", "gzip:6"), ("none", "none")]
        {
            assert_eq!(text.parse::<Compression>().unwrap().to_string(), expected);
        }
        for wrong in ["zstd:0", "zstd:20", "gzip:10", "none:1", "lz4", "zstd:", ""] {
            assert!(wrong.parse::<Compression>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_are_counted_wherever_blocks_are_cut() {
        let data = b"a\nbb\n\nccc\n";
        let mut whole = RowSum::default();
        whole.add_lines(data);
        for first in 0..=data.len() {
            for second in first..=data.len() {
                let mut counter = RowCounter::default();
                counter.push(&data[..first]);
                counter.push(&data[first..second]);
                counter.push(&data[second..]);
                assert_eq!(counter.finish(), Some(whole));
            }
        }
        let mut counter = RowCounter::default();
        counter.push(b"a\nno newline");
        assert_eq!(counter.finish(), None);
    }
}
