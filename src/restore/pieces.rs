//! Which rows one transaction loads: whole tables, and parts of those that are too large for one
//! session's share of the work.

use std::ops::Range;

use crate::archive::manifest::{Kind, Manifest, Object};

/// Raw bytes of a part, about: enough to make a transaction's round trips vanish.
const PIECE_BYTES: u64 = 64 << 20;
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
    /// Whether it is the whole table, so that its pages can be written frozen.
    pub whole: bool,
}

/// Raw bytes of some frames.
pub fn raw_bytes(object: &Object, frames: &Range<usize>) -> u64 {
    object.frames[frames.clone()].iter().map(|frame| frame.raw_length()).sum()
}

/// Cuts one table. `share` is what each session would have to load if all had the same.
pub fn cut(manifest: &Manifest, object: usize, share: u64) -> Vec<Piece> {
    let table = &manifest.objects[object];
    // The last frame is COPY's end alone.
    let frames = 0..table.frames.len().saturating_sub(1);
    if table.table.as_ref().is_none_or(|table| table.rows == 0) {
        return Vec::new();
    }
    let via_root = table.table.as_ref().is_some_and(|table| table.via_root);
    // A partition's rows that go through the root may belong to another partition.
    if table.raw_bytes <= share.max(PIECE_BYTES) || via_root {
        return vec![Piece { object, frames, whole: !via_root }];
    }
    let mut pieces = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for frame in frames.clone() {
        bytes += table.frames[frame].raw_length();
        if bytes >= PIECE_BYTES || frame + 1 == frames.end {
            pieces.push(Piece { object, frames: start..frame + 1, whole: false });
            (start, bytes) = (frame + 1, 0);
        }
    }
    if let [only] = pieces.as_mut_slice() {
        only.whole = true;
    }
    pieces
}

/// Groups of large objects.
pub fn large_objects(manifest: &Manifest) -> Vec<Work> {
    let is_one = |object: &usize| manifest.objects[*object].kind == Kind::LargeObject;
    let all: Vec<usize> = (0..manifest.objects.len()).filter(is_one).collect();
    all.chunks(GROUP).map(|group| Work::LargeObjects(group.to_vec())).collect()
}
