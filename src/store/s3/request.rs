//! Requests that make an object appear: what their answers mean, also when there is none.
//!
//! An answer that is lost, a timeout and a server's own fault say nothing about what was done:
//! a look at the object decides.

use std::time::Duration;

use bytes::Bytes;

use super::{Expected, Inner};
use crate::aws::s3::Stored;
use crate::aws::{Algorithm, Failed, Sum};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// Before the second try, doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// The longest of those pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// What a look showed.
enum Look {
    /// The object is there and is ours.
    Same,
    /// Something else is there.
    Other(String),
    Missing,
}

/// How an object is told from another one after a doubtful answer.
#[derive(Debug, Clone)]
pub enum Proof {
    /// By its size, and its checksum where the server tells it.
    Size(u64, Sum),
    /// By all its bytes.
    Bytes(Bytes),
}

/// A request that is tried again while it makes sense.
struct Tries<'a> {
    inner: &'a Inner,
    key: &'a str,
    number: u32,
    /// Whether an earlier try may have been obeyed.
    doubt: bool,
    /// Whether the server is told to refuse a key that is taken.
    once: bool,
}

impl<'a> Tries<'a> {
    fn new(inner: &'a Inner, key: &'a str) -> Self {
        Self { inner, key, number: 0, doubt: false, once: true }
    }

    /// After a failed try: true when the object is there, false when it is to be tried again.
    async fn after(&mut self, failed: Failed, proof: &Proof) -> Result<bool> {
        self.number += 1;
        let taken = failed.is_precondition() || failed.is(&["NoSuchUpload"]);
        if taken && !self.doubt {
            let what = failed.is_precondition();
            let error = self.inner.cannot("write", self.key, failed);
            return Err(if what { error.because("there is an object already") } else { error });
        }
        // Conditional writes are newer than many servers: without them a look beforehand serves.
        let no_conditions = self.once && failed.is(&["NotImplemented", "XNotImplemented"]);
        let doubtful = taken || failed.is_ambiguous();
        if !no_conditions && !doubtful && !failed.is_worth_another_try() {
            return Err(self.inner.cannot("write", self.key, failed));
        }
        if doubtful || no_conditions {
            self.doubt |= !no_conditions;
            match look(self.inner, self.key, proof).await? {
                Look::Same if self.doubt => return Ok(true),
                Look::Same => return Err(self.exists("there is an object already")),
                Look::Other(why) => return Err(self.exists(&why)),
                Look::Missing => {}
            }
        }
        if no_conditions {
            self.once = false;
            return Ok(false);
        }
        if self.number >= self.inner.settings.aws.attempts {
            return Err(self
                .inner
                .cannot("write", self.key, failed)
                .because(format!("{} tries, and the object is not there", self.number)));
        }
        tokio::time::sleep((FIRST_PAUSE * 2_u32.pow(self.number.min(8))).min(LONGEST_PAUSE)).await;
        Ok(false)
    }

    fn exists(&self, why: &str) -> Error {
        Error::new(Exit::Io, format!("cannot write {}", self.inner.place.address(self.key)))
            .because(why)
    }
}

async fn look(inner: &Inner, key: &str, proof: &Proof) -> Result<Look> {
    let unknown = |failed: Failed| {
        inner.cannot("find out whether the store has", key, failed).next(
            "let the policy allow s3:GetObject and s3:ListBucket: after a lost answer that tells \
             what was done",
        )
    };
    let bucket = inner.bucket().await?;
    let full = inner.full(key);
    let expected = match proof {
        Proof::Size(bytes, sum) => Expected { bytes: *bytes, sum: *sum },
        Proof::Bytes(bytes) => Expected { bytes: bytes.len() as u64, sum: Sum::None },
    };
    let Some(head) = bucket.head(&full).await.map_err(unknown)? else { return Ok(Look::Missing) };
    if head.bytes != expected.bytes {
        return Ok(Look::Other(format!(
            "another object is there, of {} bytes instead of {}",
            head.bytes, expected.bytes
        )));
    }
    let told = match expected.sum {
        Sum::Crc64Nvme(_) => head.crc64,
        Sum::Crc32(_) => head.crc32,
        Sum::Sha256(_) | Sum::None => None,
    };
    if told.is_some() && told != expected.sum.text() {
        return Ok(Look::Other("another object is there: its checksum is not ours".to_owned()));
    }
    if let Proof::Bytes(bytes) = proof {
        let there = super::reader::fetch(inner, key, None, 0, expected.bytes).await?;
        if there != bytes {
            return Ok(Look::Other("another object of the same size is there".to_owned()));
        }
    }
    Ok(Look::Same)
}

/// Stores an object of one piece under a key that must be free.
pub async fn put(inner: &Inner, key: &str, bytes: Bytes, sum: Sum, proof: Proof) -> Result<()> {
    let bucket = inner.bucket().await?;
    let full = inner.full(key);
    let (mut sum, mut tries) = (sum, Tries::new(inner, key));
    loop {
        let Err(failed) = bucket.put(&full, bytes.clone(), sum, tries.once).await else {
            return Ok(());
        };
        if inner.fall_back(sum.algorithm(), &failed) {
            sum = Sum::None;
        } else if tries.after(failed, &proof).await? {
            return Ok(());
        }
    }
}

/// Makes an object of its parts under a key that must be free.
pub async fn complete(
    inner: &Inner,
    key: &str,
    upload: &str,
    parts: &[Stored],
    whole: Sum,
) -> Result<()> {
    let bucket = inner.bucket().await?;
    let full = inner.full(key);
    let bytes = parts.iter().map(|part| part.bytes).sum();
    let proof = Proof::Size(bytes, whole);
    let mut tries = Tries::new(inner, key);
    loop {
        let Err(failed) = bucket.complete(&full, upload, parts, whole, tries.once).await else {
            return Ok(());
        };
        if tries.after(failed, &proof).await? {
            return Ok(());
        }
    }
}

/// Begins an upload; returns its id and what its parts are checked with.
pub async fn begin(inner: &Inner, key: &str) -> Result<(String, Algorithm)> {
    let bucket = inner.bucket().await?;
    let full = inner.full(key);
    loop {
        let algorithm = inner.algorithm();
        match bucket.begin(&full, algorithm).await {
            Ok(id) => return Ok((id, algorithm)),
            Err(failed) if inner.fall_back(algorithm, &failed) => {}
            Err(failed) => return Err(inner.cannot("write", key, failed)),
        }
    }
}
