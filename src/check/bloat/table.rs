//! Tables, by an estimate.

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

pub const TABLE: Check = Check {
    id: "bloat.table",
    kind: Kind::Runtime,
    title: "room in tables that their rows do not need, by an estimate",
    why: "Room that dead rows left is used again, but never given back: scans read it, memory \
          holds it, backups copy what it made of the indexes. The estimate comes from the \
          planner's statistics; what is stored out of line (TOAST) is not in it.",
    remedy: "See first why it grew (vac.overdue, act.xmin_horizon). pg_repack writes the table \
             anew while it is used; VACUUM FULL does too, but nobody can even read it meanwhile.",
    limits: &[
        SHARE,
        LimitSpec::above("bytes that are not needed", Unit::Bytes, GIB, 5.0 * GIB).named("bytes"),
    ],
    needs: &[Need::AllData],
    since: 130_000,
    asks: &[&WIDTHS],
    judge: table,
};

const WIDTHS: Question =
    Question::of("table_widths", &[(130_000, sql::CHECK_TABLE_WIDTHS)]).may_be_cut();

#[derive(Deserialize)]
struct Width {
    table: String,
    bytes: f64,
    block_size: f64,
    rows: f64,
    /// 10 to 100.
    fillfactor: f64,
    columns: f64,
    /// Bytes of an average row's values.
    width: f64,
    nulls: bool,
    /// Columns without statistics that we see.
    unseen: u32,
}

impl Width {
    /// Bytes of the pages that the rows need (source: PostgreSQL manual, 73.6, the layout of
    /// pages): a header of 24 in each page; of each row, 4 that point to it and a header of 23
    /// with a bit for each column where one is null.
    fn needed(&self) -> f64 {
        if self.rows <= 0.0 {
            return 0.0;
        }
        let bitmap = if self.nulls { (self.columns / 8.0).ceil() } else { 0.0 };
        let row = 4.0 + super::aligned(23.0 + bitmap) + super::aligned(self.width);
        let room = (self.block_size - 24.0) * self.fillfactor / 100.0;
        super::pages(self.rows, row, room, self.block_size)
    }
}

fn table(look: &Look<'_>) -> Judged {
    let rows: Vec<Width> = look.rows(&WIDTHS)?;
    let mut verdict = look.verdict().saying("no table is much larger than its rows");
    let mut unseen = Vec::new();
    for row in &rows {
        if row.unseen > 0 && row.rows > 0.0 {
            if super::matters(look, &row.table, row.bytes) {
                unseen.push(row.table.as_str());
            }
            continue;
        }
        let needed = row.needed();
        let Some(level) = super::level(look, &row.table, row.bytes, needed) else { continue };
        let share = super::percent(row.bytes - needed, row.bytes);
        let says = format!(
            "{} has {}, of which its rows need {} ({share:.0}% bloat, by an estimate)",
            row.table,
            words::bytes(row.bytes),
            words::bytes(needed),
        );
        verdict
            .find(level, &row.table, says)
            .with_value(share)
            .with_remedy(format!("pg_repack --table='{}'", row.table));
    }
    verdict.unseen = super::unseen(&unseen);
    // The smallest of those that were read: what was not read is smaller still.
    let smallest = rows.last().filter(|_| look.is_cut(&WIDTHS));
    if smallest.is_some_and(|row| super::matters(look, &row.table, row.bytes)) {
        let cut = "only the largest 1,000 tables are looked at".to_owned();
        verdict.unseen = Some(verdict.unseen.map_or(cut.clone(), |why| format!("{why}; {cut}")));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::report::check::Level;

    #[test]
    fn both_limits_have_to_be_passed() {
        let level = |bytes: f64, rows: f64, unseen: u32| {
            let row = json!({"table": "public.t", "bytes": bytes, "block_size": 8192.0,
                             "rows": rows, "fillfactor": 100.0, "columns": 2.0, "width": 100.0,
                             "nulls": false, "unseen": unseen});
            let verdict = Sample::of("table_widths", &[row]).judged(&TABLE).unwrap();
            (verdict.findings.first().map(|found| found.level), verdict.unseen)
        };
        // 132 bytes each, 61 in a page.
        assert_eq!(level(2.0 * GIB, 5e6, 0).0, Some(Level::Warning));
        assert_eq!(
            level(2.0 * GIB, 1e6, 0).0,
            Some(Level::Warning),
            "more of it, and no more bytes"
        );
        assert_eq!(level(2.0 * GIB, 9e6, 0).0, None, "less than a half");
        assert_eq!(level(0.9 * GIB, 1e5, 0).0, None, "less than a GiB");
        assert_eq!(level(9.0 * GIB, 1e7, 0).0, Some(Level::Critical));
        assert_eq!(level(9.0 * GIB, 0.0, 2), (Some(Level::Critical), None), "empty is empty");
        let (none, unseen) = level(9.0 * GIB, 1e7, 1);
        assert_eq!(none, None);
        assert!(unseen.unwrap().starts_with("the statistics of public.t are not there"));
        assert_eq!(level(0.9 * GIB, 1e7, 1), (None, None), "too small to matter");
    }

    #[test]
    fn rows_need_what_the_layout_of_pages_says() {
        // Two int4: 24 + 8 + 4 = 36 each, 226 in a page.
        let width = |rows, nulls| Width {
            table: "t".into(),
            bytes: 1e9,
            block_size: 8192.0,
            rows,
            fillfactor: 100.0,
            columns: 9.0,
            width: 8.0,
            nulls,
            unseen: 0,
        };
        assert!((width(226.0, false).needed() - 8192.0).abs() < 1e-9);
        assert!((width(227.0, false).needed() - 2.0 * 8192.0).abs() < 1e-9);
        assert!((width(204.0, true).needed() - 2.0 * 8192.0).abs() < 1e-9, "a bitmap of two bytes");
        assert!(width(0.0, false).needed().abs() < 1e-9);
    }
}
