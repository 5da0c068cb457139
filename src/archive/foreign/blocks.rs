//! Custom format behind its table of contents: block after block, one for each entry with data.
//!
//! Source: `_StartData`, `_StartLO`, `_EndLOs`, `_skipData` of pg_backup_custom.c. Compressed
//! bytes are not expanded here: pg_restore does that.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read};

use super::Fault;
use crate::archive::toc::Toc;

const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

/// Reads the blocks to the end of the input; gives the number of their bytes.
///
/// # Errors
/// [`Fault::Cut`] when it ends within a block, or an entry's block is not there.
pub fn check(toc: &Toc, input: &mut impl Read) -> Result<u64, Fault> {
    let mut missing: HashSet<i32> =
        toc.entries.iter().filter(|entry| entry.has_data).map(|entry| entry.id).collect();
    let mut blocks = Blocks { input, bytes: 0 };
    while let Some(kind) = blocks.kind()? {
        let id = blocks.int()?;
        if !missing.remove(&id) {
            let what = format!("a block of data belongs to no entry of it ({id})");
            return Err(Fault::Malformed(what));
        }
        match kind {
            DATA => blocks.skip_chunks()?,
            LARGE_OBJECTS => {
                while blocks.int()? != 0 {
                    blocks.skip_chunks()?;
                }
            }
            other => return Err(Fault::Malformed(format!("a block of unknown kind {other}"))),
        }
    }
    let lacking = toc.entries.iter().find(|entry| missing.contains(&entry.id));
    match lacking {
        None => Ok(blocks.bytes),
        Some(entry) => {
            Err(Fault::cut(format!("the data of {} entries, {}, ..", missing.len(), entry.label())))
        }
    }
}

struct Blocks<'a, R> {
    input: &'a mut R,
    bytes: u64,
}

impl<R: Read> Blocks<'_, R> {
    /// The kind of the next block; `None` at the end of the input.
    fn kind(&mut self) -> Result<Option<u8>, Fault> {
        let mut byte = [0];
        loop {
            return match self.input.read(&mut byte) {
                Ok(0) => Ok(None),
                Ok(_) => {
                    self.bytes += 1;
                    Ok(Some(byte[0]))
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error.into()),
            };
        }
    }

    fn int(&mut self) -> Result<i32, Fault> {
        let mut bytes = [0; 5];
        self.input.read_exact(&mut bytes)?;
        self.bytes += 5;
        let [sign, a, b, c, d] = bytes;
        let value = i32::try_from(u32::from_le_bytes([a, b, c, d]));
        match (sign, value) {
            (0, Ok(value)) => Ok(value),
            (1, Ok(value)) => Ok(-value),
            // Oids have no sign.
            (0, Err(_)) => Ok(i32::MAX),
            _ => Err(Fault::Malformed("a number within its data is none".into())),
        }
    }

    /// Chunks with their lengths, up to one without bytes.
    fn skip_chunks(&mut self) -> Result<(), Fault> {
        loop {
            let length = u64::try_from(self.int()?)
                .map_err(|_| Fault::Malformed("a chunk of its data has no length".into()))?;
            if length == 0 {
                return Ok(());
            }
            let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
            self.bytes += skipped;
            if skipped < length {
                return Err(Fault::cut("it ends within the data of a table"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::{entry, toc};

    /// A table's block, and one with two large objects.
    fn blocks() -> Vec<u8> {
        let int = |value: u8| [0, value, 0, 0, 0];
        let mut bytes = vec![DATA];
        bytes.extend(int(7));
        bytes.extend(int(3));
        bytes.extend(b"abc");
        bytes.extend(int(0));
        bytes.push(LARGE_OBJECTS);
        bytes.extend(int(9));
        for oid in [40, 41] {
            bytes.extend(int(oid));
            bytes.extend(int(2));
            bytes.extend(b"xy");
            bytes.extend(int(0));
        }
        bytes.extend(int(0));
        bytes
    }

    #[test]
    fn every_cut_is_found() {
        let entries =
            vec![entry(7, "TABLE DATA", "s", "t", ""), entry(9, "BLOBS", "", "BLOBS", "")];
        let toc = toc("15.1", entries);
        let whole = blocks();
        assert_eq!(check(&toc, &mut &whole[..]).unwrap(), whole.len() as u64);
        for end in 0..whole.len() {
            let fault = check(&toc, &mut &whole[..end]).unwrap_err();
            assert!(matches!(fault, Fault::Cut(_)), "cut at {end}: {fault}");
        }
        let mut more = whole;
        more.push(0);
        assert!(check(&toc, &mut &more[..]).is_err());
    }
}
