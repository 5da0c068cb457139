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

const UNUSED_INDEXES: Question = Question {
    name: "unused_indexes",
    variants: &[(130_000, sql::CHECK_UNUSED_INDEXES), (160_000, sql::CHECK_UNUSED_INDEXES_16)],
};

const SCANS: Question =
    Question { name: "sequential_scans", variants: &[(130_000, sql::CHECK_SEQUENTIAL_SCANS)] };

const USE: Question = Question { name: "index_use", variants: &[(130_000, sql::CHECK_INDEX_USE)] };

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
    if look.level("counted", "", counted, None).is_none() {
        return Err(Silence::not_applicable(format!(
            "uses are counted only since {since}: that says nothing of an index"
        )));
    }
    let mut verdict = look.verdict().saying(format!("every large index was used within {since}"));
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
    Ok(verdict)
}

fn seqscan_heavy(look: &Look<'_>) -> Judged {
    let rows: Vec<Scanned> = look.rows(&SCANS)?;
    let mut verdict = look.verdict().saying("large tables are mostly read by an index");
    for row in rows {
        let share = 100.0 * row.by_index / (row.by_index + row.sequential).max(1.0);
        let large = look.level("rows", &row.table, row.rows, None).is_some()
            && look.level("scans", &row.table, row.sequential, None).is_some();
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
        words::amount(used.indexes, "index").replace("indexs", "indexes"),
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
