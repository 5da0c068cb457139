//! How much indexes are used.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::size::{LARGEST_INDEXES, LargeIndex};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

const DAY: f64 = 86_400.0;

pub const UNUSED: Check = Check {
    id: "idx.unused",
    kind: Kind::Runtime,
    title: "large indexes that no query uses",
    why: "Every write maintains the index and it takes memory, room and time of each VACUUM. Not \
          looked at are indexes that keep rows unique, carry a replica identity or help a foreign \
          key. Only this server's uses are counted: a standby's queries may use the index too, \
          and what runs once a year may need it.",
    remedy: "Look at the same check on every standby, then DROP INDEX CONCURRENTLY; keep the \
             statement that makes it again.",
    limits: &[
        LimitSpec::warn_above("bytes of the index", Unit::Bytes, 100e6),
        LimitSpec::warn_above(
            "time since its last use (counted from PostgreSQL 16)",
            Unit::Seconds,
            90.0 * DAY,
        )
        .named("idle"),
        LimitSpec::warn_above(
            "time for which uses have to be counted before anything is said",
            Unit::Seconds,
            30.0 * DAY,
        )
        .named("counted"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&UNUSED_INDEXES],
    judge: unused,
};

pub const SEQSCAN_HEAVY: Check = Check {
    id: "idx.seqscan_heavy",
    kind: Kind::Runtime,
    title: "large tables that are read from end to end",
    why: "A table of many rows that is often read whole may lack an index; it may also be what \
          reports have to do.",
    remedy: "Find the statements (pgtend slow-queries --like TABLE) and what they filter by.",
    limits: &[
        LimitSpec {
            below: true,
            ..LimitSpec::warn_above(
                "reads that used an index; it is advice, and only worth knowing",
                Unit::Percent,
                95.0,
            )
        },
        LimitSpec::warn_above("rows below which nothing is said", Unit::Count, 10_000.0)
            .named("rows"),
        LimitSpec::warn_above(
            "reads of the whole, below which nothing is said",
            Unit::Count,
            100.0,
        )
        .named("scans"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&SCANS],
    judge: seqscan_heavy,
};

pub const USAGE: Check = Check {
    id: "idx.usage",
    kind: Kind::Runtime,
    title: "how often indexes are used",
    why: "Worth knowing before an index is dropped or made: the ten largest indexes with their \
          uses, and how many have none. It has no limits.",
    remedy: "Nothing has to be done; idx.unused says which large ones nobody uses.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&LARGEST_INDEXES, &USE],
    judge: usage,
};

const UNUSED_INDEXES: Question = Question::of(
    "unused_indexes",
    &[(130_000, sql::CHECK_UNUSED_INDEXES), (160_000, sql::CHECK_UNUSED_INDEXES_16)],
)
.may_be_cut();

const SCANS: Question =
    Question::of("sequential_scans", &[(130_000, sql::CHECK_SEQUENTIAL_SCANS)]).may_be_cut();

const USE: Question = Question::of("index_use", &[(130_000, sql::CHECK_INDEX_USE)]);

/// One row has no index: it says for how long uses are counted.
#[derive(Deserialize)]
struct Unused {
    index: Option<String>,
    table: Option<String>,
    bytes: Option<f64>,
    scans: Option<f64>,
    /// Seconds since the last use.
    idle: Option<f64>,
    /// Seconds.
    counted: Option<f64>,
}

#[derive(Deserialize)]
struct Scanned {
    table: String,
    rows: f64,
    sequential: f64,
    by_index: f64,
}

#[derive(Deserialize)]
struct Use {
    by_index: f64,
    sequential: f64,
    indexes: f64,
    without_use: f64,
}

fn unused(look: &Look<'_>) -> Judged {
    let rows: Vec<Unused> = look.rows(&UNUSED_INDEXES)?;
    let counted = rows.iter().find_map(|row| row.counted);
    let counted =
        counted.ok_or_else(|| Silence::unknown("since when uses are counted is not known"))?;
    let since = words::time(counted);
    if !look.is_enough("counted", "", counted) {
        return Err(Silence::not_applicable(format!(
            "uses are counted only since {since}: that says nothing of an index"
        )));
    }
    let mut verdict = look.verdict().saying(format!("every large index was used within {since}"));
    let smallest = rows.last().and_then(|row| row.bytes);
    for row in rows {
        let (Some(index), Some(table), Some(bytes)) = (row.index, row.table, row.bytes) else {
            continue;
        };
        let Some(level) = look.level("", &index, bytes, None) else { continue };
        let size = words::bytes(bytes);
        let says = match row.idle {
            _ if row.scans == Some(0.0) => {
                format!("nobody used {index} ({size}) of {table} within {since}")
            }
            Some(idle) if look.level("idle", &index, idle, None).is_some() => {
                format!("{index} ({size}) of {table} was last used {} ago", words::time(idle))
            }
            _ => continue,
        };
        let says = format!("{says}; what standbys use is not counted here");
        verdict
            .find(level, &index, says)
            .with_value(bytes)
            .with_remedy(format!("DROP INDEX CONCURRENTLY {index};"));
    }
    // The largest come first: those that were not read are no larger.
    if smallest.is_some_and(|bytes| look.level("", "", bytes, None).is_some()) {
        verdict.unseen = look.cut(&UNUSED_INDEXES);
    }
    Ok(verdict)
}

fn seqscan_heavy(look: &Look<'_>) -> Judged {
    let rows: Vec<Scanned> = look.rows(&SCANS)?;
    let mut verdict = look.verdict().saying("large tables are mostly read by an index");
    for row in rows {
        let share = 100.0 * row.by_index / (row.by_index + row.sequential).max(1.0);
        let large = look.is_enough("rows", &row.table, row.rows)
            && look.is_enough("scans", &row.table, row.sequential);
        let level = super::advice(look, "", &row.table, share).filter(|_| large);
        let Some(level) = level else { continue };
        let says = format!(
            "{} ({}) was read from end to end {}, {share:.0}% of its reads used an index",
            row.table,
            words::amount(row.rows, "row"),
            words::amount(row.sequential, "time"),
        );
        verdict.find(level, &row.table, says).with_value(share);
    }
    Ok(verdict)
}

fn usage(look: &Look<'_>) -> Judged {
    let indexes: Vec<LargeIndex> = look.rows(&LARGEST_INDEXES)?;
    let used: Use = look.row(&USE)?;
    let share = 100.0 * used.by_index / (used.by_index + used.sequential).max(1.0);
    let mut verdict = look.verdict().saying(format!(
        "{share:.0}% of reads used an index; {} of {} had no use",
        words::count(used.without_use),
        words::amount_of(used.indexes, "index", "indexes"),
    ));
    verdict.measure("reads by an index", share, Unit::Percent);
    verdict.measure("indexes without use", used.without_use, Unit::Count);
    for index in indexes {
        let last = index.used_ago.map(|ago| format!(", the last {} ago", words::time(ago)));
        let says = format!(
            "{} ({}) of {} was used {}{}",
            index.name,
            words::bytes(index.bytes),
            index.table,
            words::amount(index.scans, "time"),
            last.unwrap_or_default(),
        );
        verdict.find(Level::Info, &index.name, says).with_value(index.scans);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    fn judged(counted: Value, scans: f64, idle: Value) -> Judged {
        let rows = [
            json!({"counted": counted}),
            json!({"index": "public.i", "table": "public.t", "bytes": 2e8, "scans": scans,
                   "idle": idle}),
        ];
        Sample::of("unused_indexes", &rows).judged(&UNUSED)
    }

    #[test]
    fn an_index_is_unused_when_uses_were_counted_long_enough() {
        let says = |judged: Judged| judged.unwrap().findings.pop().map(|found| found.says);
        let judgement = judged(json!(29.0 * DAY), 0.0, Value::Null);
        assert!(matches!(judgement, Err(Silence::NotApplicable(_))), "{judgement:?}");
        let judgement = judged(Value::Null, 0.0, Value::Null);
        assert!(matches!(judgement, Err(Silence::Unknown(_))), "{judgement:?}");
        let never = says(judged(json!(31.0 * DAY), 0.0, Value::Null)).unwrap();
        assert!(never.starts_with("nobody used public.i (190.7 MiB) of public.t within 31 days"));
        let lately = judged(json!(200.0 * DAY), 7.0, json!(89.0 * DAY));
        assert_eq!(says(lately), None);
        let once = says(judged(json!(200.0 * DAY), 7.0, json!(91.0 * DAY))).unwrap();
        assert!(once.contains("was last used 91 days ago"), "{once}");
    }

    #[test]
    fn how_long_uses_are_counted_need_not_matter() {
        let rows = [
            json!({"counted": DAY}),
            json!({"index": "public.i", "table": "public.t", "bytes": 2e8, "scans": 0.0}),
        ];
        let sample = Sample::of("unused_indexes", &rows);
        assert!(matches!(sample.judged(&UNUSED), Err(Silence::NotApplicable(_))));
        let sample = sample.limited(&UNUSED, "idx.unused/counted", Some("off"), None);
        assert_eq!(sample.judged(&UNUSED).unwrap().findings.len(), 1);
    }

    #[test]
    fn indexes_that_were_not_read_are_unseen_where_they_could_be_large() {
        let unseen = |indexes: usize, bytes: f64| {
            let index = json!({"index": "public.i", "table": "public.t", "bytes": bytes,
                               "scans": 7.0, "idle": 2.0 * DAY});
            let mut rows = vec![json!({"counted": 200.0 * DAY})];
            rows.resize(indexes + 1, index);
            let verdict = Sample::of("unused_indexes", &rows).judged(&UNUSED).unwrap();
            verdict.unseen.is_some()
        };
        assert!(unseen(1000, 1e8));
        assert!(!unseen(1000, 9e7));
        assert!(!unseen(999, 1e8));
    }
}
