//! Btree indexes, by an estimate.

use serde::Deserialize;

use super::{GIB, SHARE};
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

pub const INDEX: Check = Check {
    id: "bloat.index",
    kind: Kind::Runtime,
    title: "room in btree indexes that their entries do not need, by an estimate",
    why: "An index whose entries come and go keeps half-empty pages: each lookup reads more of \
          them. The estimate comes from the planner's statistics; other kinds than btree are not \
          estimated.",
    remedy: "REINDEX INDEX CONCURRENTLY: it needs the room of a second index while it works, and \
             nobody waits for it.",
    limits: &[
        SHARE,
        LimitSpec::above("bytes that are not needed", Unit::Bytes, 500e6, 5.0 * GIB).named("bytes"),
    ],
    needs: &[Need::AllData],
    since: 130_000,
    asks: &[&WIDTHS],
    judge: index,
};

const WIDTHS: Question =
    Question::of("index_widths", &[(130_000, sql::CHECK_INDEX_WIDTHS)]).may_be_cut();

#[derive(Deserialize)]
struct Width {
    index: String,
    table: String,
    bytes: f64,
    block_size: f64,
    rows: f64,
    fillfactor: f64,
    width: f64,
    nulls: bool,
    unseen: u32,
    /// Different keys, where equal ones share an entry.
    different: Option<f64>,
}

/// Rows that one shared entry names at most: it takes a third of a page at most, and less when
/// it is built by inserts.
const MOST_SHARED: f64 = 400.0;

impl Width {
    /// Bytes of the pages that the entries need (source: PostgreSQL manual, 67.4 and 73.6; the
    /// layout of `nbtree`): of each page a header of 24, 16 at its end and an entry for its highest
    /// key; of each entry 4 that point to it and a header of 8, or of 16 with a bitmap of nulls; a
    /// shared entry has 6 for each of its rows. Inner pages are few: one in a hundred.
    fn needed(&self) -> f64 {
        if self.rows <= 0.0 {
            return self.block_size;
        }
        let key = if self.nulls { 16.0 } else { 8.0 } + super::aligned(self.width);
        let entry = 4.0 + key;
        let room = (self.block_size - 40.0 - entry) * self.fillfactor / 100.0;
        let alike = self.different.map_or(1.0, |different| self.rows / different.max(1.0));
        let pages = if alike > 1.5 {
            let shared = alike.min(MOST_SHARED);
            let whole = super::aligned(key + 6.0 * shared) + 4.0;
            super::pages(self.rows, whole.min(entry * shared) / shared, room, self.block_size)
        } else {
            super::pages(self.rows, entry, room, self.block_size)
        };
        self.block_size + pages * 1.01
    }
}

fn index(look: &Look<'_>) -> Judged {
    let rows: Vec<Width> = look.rows(&WIDTHS)?;
    let mut verdict = look.verdict().saying("no btree index is much larger than its entries");
    let mut unseen = Vec::new();
    for row in &rows {
        if row.unseen > 0 && row.rows > 0.0 {
            if super::matters(look, &row.index, row.bytes) {
                unseen.push(row.index.as_str());
            }
            continue;
        }
        let needed = row.needed();
        let Some(level) = super::level(look, &row.index, row.bytes, needed) else { continue };
        let share = super::percent(row.bytes - needed, row.bytes);
        let says = format!(
            "{} of {} has {}, of which its entries need {} ({share:.0}% bloat, by an estimate)",
            row.index,
            row.table,
            words::bytes(row.bytes),
            words::bytes(needed),
        );
        verdict
            .find(level, &row.index, says)
            .with_value(share)
            .with_remedy(format!("REINDEX INDEX CONCURRENTLY {};", row.index));
    }
    verdict.unseen = super::unseen(&unseen);
    let smallest = rows.last().filter(|_| look.is_cut(&WIDTHS));
    if smallest.is_some_and(|row| super::matters(look, &row.index, row.bytes)) {
        let cut = "only the largest 1,000 indexes are looked at".to_owned();
        verdict.unseen = Some(verdict.unseen.map_or(cut.clone(), |why| format!("{why}; {cut}")));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(different: Option<f64>, nulls: bool) -> Width {
        Width {
            index: "i".into(),
            table: "t".into(),
            bytes: 1e9,
            block_size: 8192.0,
            rows: 1e6,
            fillfactor: 90.0,
            width: 4.0,
            nulls,
            unseen: 0,
            different,
        }
    }

    /// `CREATE INDEX` over a million of integers: 22,487,040 bytes where all are different,
    /// 6,979,584 where there are 100 (PostgreSQL 15).
    #[test]
    fn fresh_indexes_need_about_what_they_have() {
        for (different, true_size) in [(1e6, 22_487_040.0), (100.0, 6_979_584.0)] {
            let needed = width(Some(different), false).needed();
            assert!((needed / true_size - 1.0).abs() < 0.1, "{different}: {needed}");
        }
        let each = width(None, false).needed();
        assert!((each - width(Some(1e6), false).needed()).abs() < 1.0);
        assert!(width(None, true).needed() > each);
    }
}
