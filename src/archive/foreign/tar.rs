//! Tar format: its table of contents is the first member, and its end is marked.
//!
//! Source: `_tarWriteHeader` and `_CloseArchive` of pg_backup_tar.c: no extensions, sizes in octal
//! or, past 8 GiB, in base 256; two blocks of zeros at the end.

use std::collections::HashSet;
use std::io::{self, Read};

use super::{Fault, read_toc};
use crate::archive::toc::{Entry, Toc};

const BLOCK: usize = 512;

/// What a tar file holds.
#[derive(Debug)]
pub struct Contents {
    /// Its table of contents.
    pub toc: Toc,
    /// Its members.
    pub members: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// Reads a tar file from its first byte to its end.
///
/// # Errors
/// [`Fault::Cut`] when it ends before its end mark, or a data file is not there.
pub fn check(input: &mut impl Read) -> Result<Contents, Fault> {
    let mut tar = Tar { input, bytes: 0, members: 1 };
    let first = tar.header()?.ok_or_else(|| Fault::Malformed("a tar file of nothing".into()))?;
    if first.name != "toc.dat" {
        return Err(Fault::Malformed("its first member is not a table of contents".into()));
    }
    let mut member = tar.input.by_ref().take(first.length);
    let toc = read_toc(&mut member)?;
    let rest = member.limit();
    tar.bytes += first.length - rest;
    tar.skip(rest + first.padding())?;
    // No more names are kept than entries: a hostile file has as many members as it likes.
    let with_data = || toc.entries.iter().filter(|entry| entry.has_data);
    let mut missing: HashSet<String> = with_data().map(|entry| file_of(&toc, entry)).collect();
    while let Some(member) = tar.header()? {
        tar.members += 1;
        tar.skip(member.length + member.padding())?;
        missing.remove(&member.name);
    }
    // The first block of zeros was taken for a header that is none.
    let mut end = [0; BLOCK];
    tar.block(&mut end, "its end mark is not whole")?;
    if end != [0; BLOCK] {
        return Err(Fault::Malformed("its end mark is followed by something".into()));
    }
    for entry in with_data() {
        let file = file_of(&toc, entry);
        if missing.contains(&file) {
            return Err(Fault::cut(format!("{file}, the data of {}, is not there", entry.label())));
        }
    }
    Ok(Contents { toc, members: tar.members, bytes: tar.bytes })
}

/// The member with an entry's data.
fn file_of(toc: &Toc, entry: &Entry) -> String {
    // Of large objects the entry's name says nothing: `_StartLOs` of pg_backup_tar.c.
    match entry.is_large_objects() {
        true if toc.minor < 16 => "blobs.toc".into(),
        true => format!("blobs_{}.toc", entry.id),
        false => String::from_utf8_lossy(&entry.file).into_owned(),
    }
}

struct Tar<'a, R> {
    input: &'a mut R,
    bytes: u64,
    members: u64,
}

struct Member {
    name: String,
    length: u64,
}

impl Member {
    /// Bytes up to the next block.
    fn padding(&self) -> u64 {
        self.length.next_multiple_of(BLOCK as u64) - self.length
    }
}

impl<R: Read> Tar<'_, R> {
    /// The next member's header; `None` for a block of zeros.
    fn header(&mut self) -> Result<Option<Member>, Fault> {
        let mut block = [0; BLOCK];
        self.block(&mut block, "its end mark is not there")?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        let damaged = || Fault::Malformed("a member's header is damaged".into());
        // The sum of all bytes, those of the sum itself read as blanks.
        let sum: u64 = block[..148].iter().chain(&block[156..]).map(|b| u64::from(*b)).sum();
        if number(&block[148..156]) != Some(sum + 8 * u64::from(b' ')) {
            return Err(damaged());
        }
        let end = block[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
        let name = String::from_utf8_lossy(&block[..end]).into_owned();
        let length = number(&block[124..136]).filter(|length| *length < 1 << 60);
        Ok(Some(Member { name, length: length.ok_or_else(damaged)? }))
    }

    fn block(&mut self, block: &mut [u8; BLOCK], cut: &str) -> Result<(), Fault> {
        self.input.read_exact(block).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::cut(cut),
            _ => error.into(),
        })?;
        self.bytes += BLOCK as u64;
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        let skipped = io::copy(&mut self.input.by_ref().take(bytes), &mut io::sink())?;
        self.bytes += skipped;
        if skipped < bytes { Err(Fault::cut("it ends within a member")) } else { Ok(()) }
    }
}

/// A number of a header: octal digits, or with the first bit set in base 256.
fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let mut bytes = field.iter().skip(1);
        return bytes
            .try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    u64::from_str_radix(text, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::{entry, toc};

    fn member(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..136].copy_from_slice(format!("{:011o} ", bytes.len()).as_bytes());
        block[148..156].copy_from_slice(b"        ");
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.extend(bytes);
        block.resize(block.len().next_multiple_of(BLOCK), 0);
        block
    }

    #[test]
    fn every_cut_is_found() {
        let mut toc = toc("15.1", vec![entry(7, "TABLE DATA", "s", "t", "")]);
        toc.name_files();
        let mut whole = member("toc.dat", &toc.to_directory());
        whole.extend(member("7.dat", b"1\n\\.\n\n\n"));
        let without = whole.len() - 2 * BLOCK;
        whole.extend([0; 2 * BLOCK]);
        let contents = check(&mut &whole[..]).unwrap();
        assert_eq!((contents.members, contents.bytes), (2, whole.len() as u64));
        for end in 0..whole.len() {
            let fault = check(&mut &whole[..end]).unwrap_err();
            assert!(matches!(fault, Fault::Cut(_)), "cut at {end}: {fault}");
        }
        // A member that is left out.
        let mut lacking = whole[..without].to_vec();
        lacking.extend([0; 2 * BLOCK]);
        assert!(check(&mut &lacking[..]).unwrap_err().to_string().contains("7.dat"));
    }

    #[test]
    fn large_members_have_their_size_in_base_256() {
        let mut field = [0_u8; 12];
        field[0] = 0x80;
        field[7..].copy_from_slice(&[2, 0, 0, 0, 1]);
        assert_eq!(number(&field), Some((2 << 32) + 1));
        assert_eq!(number(b"00000000012 "), Some(10));
    }
}
