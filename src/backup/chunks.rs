//! From tables to chunks: what one reader reads in one short transaction.

use std::collections::VecDeque;

use super::statements::Part;
use super::table::Table;
use crate::archive::rowhash::RowSum;

/// Bytes of a table that a chunk reads by default.
pub const CHUNK_BYTES: u64 = 64 << 20;
/// TID range scans came with this server version; before, each chunk would read the whole table.
const TID_RANGE_SCAN: u32 = 140_000;

/// Part of a table, with what is already stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Index of the table in the plan.
    pub table: usize,
    /// What to read.
    pub part: Part,
    /// Bytes on the source, about: for the order and the progress.
    pub weight: u64,
    /// Rows in frames that were already stored: a second reading skips them.
    pub shipped: RowSum,
}

/// Cuts tables into chunks of about `target` bytes, heaviest first.
pub fn cut(tables: &[Table], target: u64, block_bytes: u64, server: u32) -> VecDeque<Chunk> {
    let mut chunks: Vec<Chunk> = tables
        .iter()
        .enumerate()
        .flat_map(|(index, table)| cut_table(index, table, target, block_bytes, server))
        .collect();
    // Heaviest first, so that no reader starts a large chunk when the others are done; the
    // chunks of a table stay together, so that few objects are open at a time.
    chunks.sort_by(|a, b| {
        let size = |chunk: &Chunk| tables[chunk.table].bytes();
        size(b).cmp(&size(a)).then(a.table.cmp(&b.table)).then(b.weight.cmp(&a.weight))
    });
    chunks.into()
}

fn cut_table(index: usize, table: &Table, target: u64, block: u64, server: u32) -> Vec<Chunk> {
    let chunk = |part, weight| Chunk { table: index, part, weight, shipped: RowSum::default() };
    if let Some(condition) = &table.config_condition {
        return vec![chunk(Part::Configuration(condition.clone()), table.bytes())];
    }
    let pages = u32::try_from(table.heap_bytes / block.max(1)).unwrap_or(u32::MAX);
    // TOAST counts: a page of the heap may stand for many megabytes of values.
    let wanted = u32::try_from(table.bytes().div_ceil(target.max(1))).unwrap_or(u32::MAX);
    let count = wanted.min(pages);
    if count <= 1 || !table.is_heap || server < TID_RANGE_SCAN {
        return vec![chunk(Part::Whole, table.bytes())];
    }
    let start = |number: u32| {
        u32::try_from(u64::from(pages) * u64::from(number) / u64::from(count)).unwrap_or(u32::MAX)
    };
    (0..count)
        .map(|number| {
            // The last one has no end: pages that came after the count are read too.
            let end = (number + 1 < count).then(|| start(number + 1));
            chunk(Part::Pages(start(number), end), table.bytes() / u64::from(count))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(heap_bytes: u64, toast_bytes: u64) -> Table {
        Table {
            entry: 1,
            oid: 1,
            schema: "public".into(),
            name: "t".into(),
            columns: vec!["a".into()],
            heap_bytes,
            toast_bytes,
            is_heap: true,
            config_condition: None,
            via_root: false,
        }
    }

    fn parts(table: Table, target: u64, server: u32) -> Vec<Part> {
        cut(&[table], target, 8192, server).into_iter().map(|chunk| chunk.part).collect()
    }

    #[test]
    fn chunks_cover_every_page_once_and_the_last_has_no_end() {
        for pages in [2_u64, 3, 7, 100, 12_345] {
            let parts = parts(table(pages * 8192, 0), 5 * 8192, 150_000);
            let mut next = 0;
            for (number, part) in parts.iter().enumerate() {
                match part {
                    Part::Whole => assert_eq!(parts.len(), 1),
                    Part::Pages(from, to) => {
                        assert_eq!(*from, next);
                        assert_eq!(to.is_none(), number + 1 == parts.len());
                        next = to.unwrap_or(u32::MAX);
                        assert!(next > *from);
                    }
                    Part::Configuration(_) => unreachable!(),
                }
            }
        }
    }

    #[test]
    fn toast_makes_chunks_smaller_but_never_smaller_than_a_page() {
        assert_eq!(parts(table(80 * 8192, 800 << 20), 64 << 20, 150_000).len(), 13);
        assert_eq!(parts(table(8192, 800 << 20), 64 << 20, 150_000), [Part::Whole]);
        assert_eq!(parts(table(0, 0), 64 << 20, 150_000), [Part::Whole]);
    }

    #[test]
    fn servers_without_tid_range_scans_and_other_access_methods_get_whole_tables() {
        assert_eq!(parts(table(1 << 30, 0), 64 << 20, 130_000), [Part::Whole]);
        let mut columnar = table(1 << 30, 0);
        columnar.is_heap = false;
        assert_eq!(parts(columnar, 64 << 20, 150_000), [Part::Whole]);
    }

    #[test]
    fn configuration_tables_are_one_chunk_with_their_condition() {
        let mut config = table(1 << 30, 0);
        config.config_condition = Some("WHERE true".into());
        assert_eq!(parts(config, 64 << 20, 150_000), [Part::Configuration("WHERE true".into())]);
    }

    #[test]
    fn heavy_tables_come_first() {
        let mut order: Vec<usize> = cut(
            &[table(8192, 0), table(200 << 20, 0), table(90 << 20, 0)],
            64 << 20,
            8192,
            150_000,
        )
        .into_iter()
        .map(|chunk| chunk.table)
        .collect();
        order.dedup();
        assert_eq!(order, [1, 2, 0]);
    }
}
