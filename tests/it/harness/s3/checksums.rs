//! Checksums as S3 has them: claimed in headers or trailers, verified, and returned.

use std::collections::BTreeMap;

use openssl::base64;
use openssl::hash::{MessageDigest, hash};
use s3s::checksum::ChecksumHasher;
use s3s::dto::StreamingBlob;
use s3s::stream::ByteStream as _;
use s3s::{S3Result, TrailingHeaders, s3_error};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use xxhash_rust::xxh3::xxh3_128;

/// Lower-case names of what S3 can check.
pub const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// Base64 of each checksum that is known, by its name in [`ALGORITHMS`].
pub type Sums = BTreeMap<&'static str, String>;

/// The checksums of anything of s3s that has the five fields.
macro_rules! sums_in {
    ($from:expr) => {
        [
            ("crc32", &$from.checksum_crc32),
            ("crc32c", &$from.checksum_crc32c),
            ("crc64nvme", &$from.checksum_crc64nvme),
            ("sha1", &$from.checksum_sha1),
            ("sha256", &$from.checksum_sha256),
        ]
        .into_iter()
        .filter_map(|(name, sum)| Some((name, sum.clone()?)))
        .collect::<Sums>()
    };
}
pub(super) use sums_in;

/// Sets the five fields of an answer.
macro_rules! set_sums {
    ($to:expr, $sums:expr) => {
        $to.checksum_crc32 = $sums.get("crc32").cloned();
        $to.checksum_crc32c = $sums.get("crc32c").cloned();
        $to.checksum_crc64nvme = $sums.get("crc64nvme").cloned();
        $to.checksum_sha1 = $sums.get("sha1").cloned();
        $to.checksum_sha256 = $sums.get("sha256").cloned();
    };
}
pub(super) use set_sums;

/// A body that came whole, with the checksums that were claimed and are right.
pub struct Received {
    pub bytes: Bytes,
    /// 128 bits in hex that tell the content. Not its MD5: in a bucket with SSE-KMS it is not
    /// either, and nobody may rely on it.
    pub etag: String,
    pub sums: Sums,
}

/// Reads a body to its end; a checksum that is claimed and wrong is BadDigest.
pub async fn receive(
    body: Option<StreamingBlob>,
    mut claimed: Sums,
    md5: Option<&str>,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let mut body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
    let mut bytes = BytesMut::with_capacity(body.remaining_length().exact().unwrap_or(0));
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| s3_error!(IncompleteBody, "{error}"))?;
        bytes.extend_from_slice(&piece);
    }
    let bytes = bytes.freeze();
    if let Some(trailers) = trailers.and_then(|trailers| trailers.take()) {
        for name in ALGORITHMS {
            let Some(value) = trailers.get(format!("x-amz-checksum-{name}")) else { continue };
            claimed.insert(name, value.to_str().expect("base64").to_owned());
        }
    }
    let etag = etag_of_whole(&bytes);
    let digest = || base64::encode_block(&hash(MessageDigest::md5(), &bytes).unwrap());
    if md5.is_some_and(|claimed| claimed != digest()) {
        return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match"));
    }
    for (name, claimed) in &claimed {
        if sum(name, &bytes) != *claimed {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                name.to_uppercase()
            ));
        }
    }
    Ok(Received { bytes, etag, sums: claimed })
}

/// One checksum of some bytes, in base64.
pub fn sum(name: &str, bytes: &[u8]) -> String {
    sum_of_all(name, std::iter::once(bytes))
}

/// One checksum of bytes that come in pieces.
pub fn sum_of_all<'a>(name: &str, pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hasher = ChecksumHasher::default();
    match name {
        "crc32" => hasher.crc32 = Some(Default::default()),
        "crc32c" => hasher.crc32c = Some(Default::default()),
        "crc64nvme" => hasher.crc64nvme = Some(Default::default()),
        "sha1" => hasher.sha1 = Some(Default::default()),
        "sha256" => hasher.sha256 = Some(Default::default()),
        _ => panic!("no checksum of S3: {name}"),
    }
    pieces.for_each(|piece| hasher.update(piece));
    let sums = hasher.finalize();
    sums_in!(sums).remove(name).expect("the one asked for")
}

/// The checksum of the parts' checksums, as in `<base64>-<parts>`.
pub fn composite(name: &str, parts: &[&String]) -> String {
    let raw: Vec<u8> =
        parts.iter().flat_map(|sum| base64::decode_block(sum).expect("base64")).collect();
    format!("{}-{}", sum(name, &raw), parts.len())
}

/// The ETag of an object that was uploaded in parts.
pub fn etag_of_parts<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    let mut raw = Vec::new();
    let mut count = 0;
    for etag in parts {
        let digits = etag.as_bytes().chunks(2);
        raw.extend(digits.map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).expect("an ETag is hex")
        }));
        count += 1;
    }
    let digest = hash(MessageDigest::md5(), &raw).unwrap();
    format!("{}-{count}", hex(&digest))
}

/// The ETag of an object that came in one piece.
pub fn etag_of_whole(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
