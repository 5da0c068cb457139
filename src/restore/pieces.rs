//! Which rows one transaction loads: whole tables, and parts of those that are too large for one
//! session's share of the work.

use std::ops::Range;

use crate::archive::manifest::{Kind, Manifest, Object};

/// Raw bytes of a part, about: enough to make a transaction's round trips vanish.
const PIECE_BYTES: u64 = 32 << 20;
/// Raw bytes from which on freezing a table pays: it has to be truncated before, which makes new
/// files for it, its TOAST table and its indexes, and looks through all shared buffers (measured:
/// with 500 small tables a tenth of the server's time).
const FREEZE_BYTES: u64 = 8 << 20;
/// Large objects that one loader takes at a time.
const GROUP: usize = 256;

/// What one loader does at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Rows of a table: some frames of its object.
    Rows(Piece),
    /// Large objects: numbers of their objects in the manifest.
    LargeObjects(Vec<usize>),
}

/// Frames of one table that are loaded in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Number of the object in the manifest.
    pub object: usize,
    /// Frames of the object, without the one with COPY's end.
    pub frames: Range<usize>,
    /// Whether it is all rows of a new table, and its pages are written frozen.
    pub frozen: bool,
}

/// Raw bytes of some frames.
pub fn raw_bytes(object: &Object, frames: &Range<usize>) -> u64 {
    object.frames[frames.clone()].iter().map(|frame| frame.raw_length()).sum()
}

/// Cuts one table. `share` is what each session would have to load if all had the same; `is_new`
/// says that nobody else's rows are in it.
pub fn cut(manifest: &Manifest, object: usize, share: u64, is_new: bool) -> Vec<Piece> {
    let table = &manifest.objects[object];
    // The last frame is COPY's end alone.
    let frames = 0..table.frames.len().saturating_sub(1);
    if table.table.as_ref().is_none_or(|table| table.rows == 0) {
        return Vec::new();
    }
    let via_root = table.table.as_ref().is_some_and(|table| table.via_root);
    // A partition's rows that go through the root may belong to another partition.
    if table.raw_bytes <= share.max(PIECE_BYTES) || via_root {
        let frozen = is_new && !via_root && table.raw_bytes >= FREEZE_BYTES;
        return vec![Piece { object, frames, frozen }];
    }
    let mut pieces = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for frame in frames.clone() {
        bytes += table.frames[frame].raw_length();
        if bytes >= PIECE_BYTES || frame + 1 == frames.end {
            pieces.push(Piece { object, frames: start..frame + 1, frozen: false });
            (start, bytes) = (frame + 1, 0);
        }
    }
    if let [only] = pieces.as_mut_slice() {
        only.frozen = is_new;
    }
    pieces
}

/// Groups of large objects.
pub fn large_objects(manifest: &Manifest) -> Vec<Work> {
    let is_one = |object: &usize| manifest.objects[*object].kind == Kind::LargeObject;
    let all: Vec<usize> = (0..manifest.objects.len()).filter(is_one).collect();
    all.chunks(GROUP).map(|group| Work::LargeObjects(group.to_vec())).collect()
}
