//! What S3 checks bytes with when they come in.

use crc_fast::CrcAlgorithm;
use sha2::{Digest, Sha256};

/// How bytes are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Crc64Nvme,
    Crc32,
    Sha256,
    /// The signature alone covers them.
    None,
}

/// The checksum of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Crc64Nvme(u64),
    Crc32(u32),
    Sha256([u8; 32]),
    None,
}

const CRC64: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;
const CRC32: CrcAlgorithm = CrcAlgorithm::Crc32IsoHdlc;

impl Sum {
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        match algorithm {
            Algorithm::Crc64Nvme => Self::Crc64Nvme(crc_fast::checksum(CRC64, bytes)),
            Algorithm::Crc32 => Self::Crc32(low(crc_fast::checksum(CRC32, bytes))),
            Algorithm::Sha256 => Self::Sha256(Sha256::digest(bytes).into()),
            Algorithm::None => Self::None,
        }
    }

    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Crc64Nvme(_) => Algorithm::Crc64Nvme,
            Self::Crc32(_) => Algorithm::Crc32,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::None => Algorithm::None,
        }
    }

    /// That of these bytes followed by `length` more with the checksum `next`; `None` where only
    /// the bytes themselves could tell.
    pub fn followed_by(self, next: Self, length: u64) -> Self {
        match (self, next) {
            (Self::Crc64Nvme(a), Self::Crc64Nvme(b)) => {
                Self::Crc64Nvme(crc_fast::checksum_combine(CRC64, a, b, length))
            }
            (Self::Crc32(a), Self::Crc32(b)) => Self::Crc32(low(crc_fast::checksum_combine(
                CRC32,
                u64::from(a),
                u64::from(b),
                length,
            ))),
            _ => Self::None,
        }
    }

    /// As a header has it.
    pub fn text(&self) -> Option<String> {
        let encode = |bytes: &[u8]| Some(aws_smithy_types::base64::encode(bytes));
        match self {
            Self::Crc64Nvme(sum) => encode(&sum.to_be_bytes()),
            Self::Crc32(sum) => encode(&sum.to_be_bytes()),
            Self::Sha256(sum) => encode(sum),
            Self::None => None,
        }
    }
}

/// The lower half, where a CRC of 32 bits stands.
fn low(sum: u64) -> u32 {
    u32::try_from(sum & u64::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        let text = |algorithm| Sum::of(algorithm, b"123456789").text();
        // The check values of the catalogue of CRCs: ae8b14860a799888 and cbf43926.
        assert_eq!(text(Algorithm::Crc64Nvme).as_deref(), Some("rosUhgp5mIg="));
        assert_eq!(text(Algorithm::Crc32).as_deref(), Some("y/Q5Jg=="));
        assert_eq!(text(Algorithm::None), None);
    }

    #[test]
    fn parts_combine_to_the_whole() {
        for algorithm in [Algorithm::Crc64Nvme, Algorithm::Crc32] {
            let part = |bytes| Sum::of(algorithm, bytes);
            let whole = part(b"12345").followed_by(part(b"6789"), 4);
            assert_eq!(whole, part(b"123456789"));
        }
    }
}
