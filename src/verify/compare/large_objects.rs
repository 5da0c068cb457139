//! Every large object of the archive against the restored one, byte for byte, and none more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Comparison;
use crate::archive::frame::Checksum;
use crate::backup::preflight;
use crate::conn::{QueryError, Session, Type, get};
use crate::error::{Error, Result};
use crate::report::verify::{Problem, ProblemKind};
use crate::sql;

/// Bytes read of each large object at first: most are smaller.
const HEAD_BYTES: i32 = 256 << 10;
/// Large objects whose heads are read in one round trip.
const HEADS: usize = 16;
/// Bytes of one further piece.
const PIECE_BYTES: i32 = 1 << 20;
/// Problems that are told of large objects; more say nothing new.
const TOLD: usize = 20;

/// Some bytes of a large object, as the backup has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// How many.
    pub bytes: u64,
    /// Their checksum.
    pub checksum: u64,
}

/// The large objects of a backup by oid, each in pieces without gaps.
pub type LargeObjects = BTreeMap<u32, Vec<Piece>>;

impl Comparison<'_> {
    /// Compares large objects with those that were read from the store.
    ///
    /// # Errors
    /// Exit 69 when a connection is lost; 130 when stopped.
    pub async fn large_objects(&mut self, stored: &LargeObjects) -> Result<()> {
        self.counts.large_objects = stored.len() as u64;
        let rows = self.session.rows(sql::LARGE_OBJECTS.text, &[]).await;
        let mut found = BTreeSet::new();
        for row in &rows.map_err(preflight::catalog)? {
            found.insert(get::<u32>(row, "oid")?);
        }
        let mut wrong: Vec<(u32, String)> = Vec::new();
        for oid in stored.keys().filter(|oid| !found.contains(oid)) {
            wrong.push((*oid, "it is missing".into()));
        }
        for oid in found.iter().filter(|oid| !stored.contains_key(oid)) {
            wrong.push((*oid, "the backup has none of that number".into()));
        }
        let progress = Arc::clone(self.inputs.progress);
        let there: Vec<u32> = stored.keys().copied().filter(|oid| found.contains(oid)).collect();
        if !there.is_empty() {
            progress.phase("comparing large objects");
            progress.plan(stored.values().flatten().map(|piece| piece.bytes).sum(), 0);
        }
        let groups: Vec<Vec<u32>> = there.chunks(HEADS).map(<[u32]>::to_vec).collect();
        let shared: Arc<HashMap<u32, Vec<Piece>>> =
            Arc::new(stored.iter().map(|(oid, pieces)| (*oid, pieces.clone())).collect());
        let work = async move |session: &Session, oids: Vec<u32>| {
            compare_group(session, &oids, &shared, &progress).await
        };
        self.pool().run(groups, work, |more| wrong.extend(more)).await?;
        wrong.sort_unstable();
        let more = wrong.len().saturating_sub(TOLD);
        for (oid, what) in wrong.into_iter().take(TOLD) {
            self.problems.push(Problem {
                kind: ProblemKind::LargeObject,
                object: Some(format!("blob_{oid}.dat")),
                table: None,
                what: format!("large object {oid}: {what}"),
            });
        }
        if more > 0 {
            let what = format!("and {more} more large objects");
            self.add(ProblemKind::LargeObject, None, what);
        }
        Ok(())
    }
}

/// What differs of some large objects that are all there.
async fn compare_group(
    session: &Session,
    oids: &[u32],
    stored: &HashMap<u32, Vec<Piece>>,
    progress: &crate::report::Progress,
) -> Result<Vec<(u32, String)>> {
    let failed = |error: QueryError| error.into_error("cannot read the restored large objects");
    let parameters: [(&(dyn crate::conn::ToSql + Sync), Type); 2] =
        [(&oids, Type::OID_ARRAY), (&HEAD_BYTES, Type::INT4)];
    let heads = session.rows(sql::LARGE_OBJECT_HEADS.text, &parameters).await.map_err(failed)?;
    let mut wrong = Vec::new();
    for row in &heads {
        let oid: u32 = get(row, "oid")?;
        let head: &[u8] = get(row, "head")?;
        let pieces = stored.get(&oid).ok_or_else(|| Error::bug("a large object of no backup"))?;
        let mut walk = Walk::new(pieces);
        walk.push(head);
        let mut next = i64::from(HEAD_BYTES);
        // A head that is not full is the whole object.
        let mut more = head.len() >= usize::try_from(HEAD_BYTES).unwrap_or(0);
        while more && walk.wrong.is_none() {
            let parameters: [(&(dyn crate::conn::ToSql + Sync), Type); 3] =
                [(&oid, Type::OID), (&next, Type::INT8), (&PIECE_BYTES, Type::INT4)];
            let rows = session.rows(sql::LARGE_OBJECT_PART.text, &parameters).await;
            let rows = rows.map_err(failed)?;
            let row = rows.first().ok_or_else(|| Error::bug("lo_get gave no row"))?;
            let part: &[u8] = get(row, "part")?;
            walk.push(part);
            next += i64::from(PIECE_BYTES);
            more = part.len() >= usize::try_from(PIECE_BYTES).unwrap_or(0);
        }
        wrong.extend(walk.finish().map(|what| (oid, what)));
        progress.chunk_done(pieces.iter().map(|piece| piece.bytes).sum());
    }
    Ok(wrong)
}

/// Follows the bytes of a restored large object along the pieces of the stored one.
struct Walk<'a> {
    pieces: std::slice::Iter<'a, Piece>,
    current: Option<(Piece, u64, Checksum)>,
    seen: u64,
    wrong: Option<String>,
    total: u64,
}

impl<'a> Walk<'a> {
    fn new(pieces: &'a [Piece]) -> Self {
        let total = pieces.iter().map(|piece| piece.bytes).sum();
        Self { pieces: pieces.iter(), current: None, seen: 0, wrong: None, total }
    }

    fn push(&mut self, mut bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        while !bytes.is_empty() && self.wrong.is_none() {
            let Some((piece, left, mut checksum)) = self.current.take().or_else(|| {
                // An empty one has an empty piece, which no byte belongs to.
                let piece = *self.pieces.by_ref().find(|piece| piece.bytes > 0)?;
                Some((piece, piece.bytes, Checksum::default()))
            }) else {
                self.wrong = Some(format!("it has more than {} bytes", self.total));
                return;
            };
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let (now, rest) = bytes.split_at(take);
            checksum.update(now);
            bytes = rest;
            let left = left - take as u64;
            if left > 0 {
                self.current = Some((piece, left, checksum));
            } else if checksum.value() != piece.checksum {
                let end = self.seen - bytes.len() as u64;
                self.wrong =
                    Some(format!("its bytes differ between {} and {end}", end - piece.bytes));
            }
        }
    }

    fn finish(self) -> Option<String> {
        if self.wrong.is_none() && self.seen < self.total {
            return Some(format!("it has only {} of {} bytes", self.seen, self.total));
        }
        self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::frame::checksum;

    fn pieces(parts: &[&[u8]]) -> Vec<Piece> {
        parts.iter().map(|p| Piece { bytes: p.len() as u64, checksum: checksum(p) }).collect()
    }

    fn walk(stored: &[&[u8]], found: &[&[u8]]) -> Option<String> {
        let pieces = pieces(stored);
        let mut walk = Walk::new(&pieces);
        found.iter().for_each(|part| walk.push(part));
        walk.finish()
    }

    #[test]
    fn bytes_are_equal_however_they_are_cut() {
        for found in [&[&b"abcdef"[..]][..], &[b"a", b"bcde", b"f"], &[b"ab", b"", b"cdef"]] {
            assert_eq!(walk(&[b"abc", b"def"], found), None);
        }
        assert_eq!(walk(&[b""], &[]), None);
        assert_eq!(walk(&[], &[b""]), None);
    }

    #[test]
    fn other_bytes_and_other_lengths_are_told_with_their_place() {
        let told = |found: &[&[u8]]| walk(&[b"abc", b"def"], found).unwrap();
        assert_eq!(told(&[b"abcdeX"]), "its bytes differ between 3 and 6");
        assert_eq!(told(&[b"abcde"]), "it has only 5 of 6 bytes");
        assert_eq!(told(&[b"abcdefg"]), "it has more than 6 bytes");
        assert_eq!(walk(&[b""], &[b"x"]).unwrap(), "it has more than 0 bytes");
    }
}
