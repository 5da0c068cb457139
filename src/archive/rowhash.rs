//! The fingerprint of a set of rows.
//!
//! Each row of COPY text, with its newline, is hashed by xxh3-128; a table's fingerprint is the
//! sum of its rows' hashes modulo 2^128. A sum does not depend on the order, so parallel
//! readers need not agree on one, and it counts doubled rows (an exclusive-or would not).
//! It guards against accidents, not against an attacker: digests of objects are SHA-256.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// How many rows, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowSum {
    /// Rows added.
    pub rows: u64,
    /// Sum of their hashes modulo 2^128.
    pub hash: RowHash,
}

impl RowSum {
    /// Adds one row: its COPY text with the newline.
    #[inline]
    pub fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        self.hash.0 = self.hash.0.wrapping_add(xxh3_128(row));
    }

    /// Adds the rows of another part of the same table.
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.hash.0 = self.hash.0.wrapping_add(other.hash.0);
    }

    /// Adds every row of `block`, which ends at the end of a row.
    pub fn add_lines(&mut self, mut block: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', block) {
            let (row, rest) = block.split_at(end + 1);
            self.add(row);
            block = rest;
        }
    }
}

/// The sum of row hashes, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowHash(pub u128);

impl fmt::Display for RowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for RowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for RowHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 {
            return Err(format!("a row hash has 32 hexadecimal digits, not {}", text.len()));
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|error| error.to_string())
    }
}

impl TryFrom<String> for RowHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RowHash> for String {
    fn from(hash: RowHash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[u8]]) -> RowSum {
        let mut sum = RowSum::default();
        for row in rows {
            sum.add(row);
        }
        sum
    }

    #[test]
    fn the_order_of_rows_does_not_matter_but_their_number_does() {
        assert_eq!(sum(&[b"a\n", b"b\n"]), sum(&[b"b\n", b"a\n"]));
        assert_ne!(sum(&[b"a\n", b"a\n"]).hash, sum(&[b"a\n"]).hash);
        assert_ne!(sum(&[b"a\n", b"a\n", b"b\n"]).hash, sum(&[b"b\n"]).hash);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let mut parts = sum(&[b"a\n"]);
        parts.merge(sum(&[b"b\n", b"\n"]));
        let mut whole = RowSum::default();
        whole.add_lines(b"\na\nb\n");
        assert_eq!(parts, whole);
        assert_eq!(whole.rows, 3);
    }

    #[test]
    fn a_hash_survives_its_text() {
        let hash = sum(&[b"row\n"]).hash;
        assert_eq!(hash.to_string().parse::<RowHash>(), Ok(hash));
        assert!("12".parse::<RowHash>().is_err());
    }
}
