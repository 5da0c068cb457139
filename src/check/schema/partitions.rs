//! Tables that are partitioned by time: whether there is a partition for what comes.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

const DAY: f64 = 86_400.0;

pub const PARTITION_FUTURE: Check = Check {
    id: "schema.partition_future",
    kind: Kind::Runtime,
    title: "partitions for the days to come",
    why: "When the last partition by time ends, every INSERT fails at that moment, usually at \
          midnight; with a default partition the rows fall into that, and the partition that \
          should have had them can then only be made under a lock that scans it.",
    remedy: "Make the next partitions, and let a job (pg_partman) make them from now on; move the \
             rows out of the default partition.",
    limits: &[LimitSpec::below(
        "time that partitions cover from now on",
        Unit::Seconds,
        7.0 * DAY,
        DAY,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&PARTITIONS],
    judge: partition_future,
};

const PARTITIONS: Question =
    Question::of("time_partitions", &[(130_000, sql::CHECK_TIME_PARTITIONS)]);

#[derive(Deserialize)]
struct Partitioned {
    table: String,
    /// None for an expression.
    key_type: Option<String>,
    /// Of a table that is a partition itself.
    own_bound: Option<String>,
    default_partition: Option<String>,
    /// Of the default partition, with all below it.
    default_bytes: Option<f64>,
    bounds: Vec<String>,
}

fn partition_future(look: &Look<'_>) -> Judged {
    let rows: Vec<Partitioned> = look.rows(&PARTITIONS)?;
    let mut verdict = look.verdict().saying("no table is partitioned by time");
    let (mut seen, mut least, mut unread) = (0.0, f64::INFINITY, Vec::new());
    for row in &rows {
        let ranges: Option<Vec<Range>> = row.bounds.iter().map(|text| Range::read(text)).collect();
        let Some(ranges) = ranges else {
            // Bounds of an expression that are no times are not our concern.
            if row.key_type.is_some() {
                unread.push(row.table.as_str());
            }
            continue;
        };
        if row.key_type.is_none() && ranges.is_empty() {
            continue;
        }
        seen += 1.0;
        let table = row.table.as_str();
        if let Some((name, bytes)) = row.default_partition.as_ref().zip(row.default_bytes)
            && bytes > 0.0
        {
            let says = format!(
                "rows have fallen into {name}, the default partition of {table}: it has {}",
                words::bytes(bytes)
            );
            verdict.find(Level::Warning, name, says);
        }
        let own_end = row.own_bound.as_deref().and_then(Range::read).map(|range| range.to);
        let Some(left) = left(&ranges, look.facts.at, own_end) else { continue };
        least = least.min(left);
        verdict.measures.extend(look.measure("", table, left, None));
        let Some(level) = look.level("", table, left, None) else { continue };
        let then = match &row.default_partition {
            Some(name) => format!("its rows then fall into {name}"),
            None => "an INSERT fails then".to_owned(),
        };
        let says = match left > 0.0 {
            true => format!("{table} has partitions for {} more: {then}", words::time(left)),
            false => format!("{table} has no partition for now: {}", then.replace(" then", "")),
        };
        verdict.find(level, table, says).with_value(left);
    }
    if seen > 0.0 {
        verdict.says = match least.is_finite() {
            true => format!(
                "{} by time, covered for at least {}",
                words::amount(seen, "partitioned table"),
                words::time(least)
            ),
            false => format!("{} by time, covered", words::amount(seen, "partitioned table")),
        };
    }
    if !unread.is_empty() {
        verdict.unseen = Some(format!("the bounds of {} cannot be read", unread.join(", ")));
    }
    Ok(verdict)
}

/// Seconds from `now` on that the partitions cover without a gap; `None` when that is for ever,
/// or all that the table itself may have.
fn left(ranges: &[Range], now: Timestamp, own_end: Option<Edge>) -> Option<f64> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.from);
    let mut until = Edge::At(now);
    for range in ranges {
        if range.from <= until && range.to > until {
            until = range.to;
        }
    }
    if own_end.is_some_and(|end| end <= until) {
        return None;
    }
    match until {
        Edge::At(until) => Some(until.duration_since(now).as_secs_f64().max(0.0)),
        Edge::Never | Edge::Always => None,
    }
}

/// From the start on, up to but not with the end.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    from: Edge,
    to: Edge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    /// `MINVALUE`, `-infinity`
    Always,
    At(Timestamp),
    /// `MAXVALUE`, `infinity`
    Never,
}

impl Range {
    /// Reads `FOR VALUES FROM ('2026-01-01', 5) TO (MAXVALUE, MAXVALUE)`: the first column of
    /// each.
    fn read(text: &str) -> Option<Self> {
        let (from, to) = text.strip_prefix("FOR VALUES FROM (")?.split_once(") TO (")?;
        Some(Self { from: edge(from)?, to: edge(to)? })
    }
}

/// Times without a zone are taken as UTC: half a day more or less in seven days.
fn edge(list: &str) -> Option<Edge> {
    if list.starts_with("MINVALUE") {
        return Some(Edge::Always);
    }
    if list.starts_with("MAXVALUE") {
        return Some(Edge::Never);
    }
    let (text, _) = list.strip_prefix('\'')?.split_once('\'')?;
    match text {
        "-infinity" => return Some(Edge::Always),
        "infinity" => return Some(Edge::Never),
        // Numbers and words of an expression would else be read as dates: 20260101.
        _ if text.get(4..5).is_none_or(|dash| dash != "-") => return None,
        _ => {}
    }
    let zoned = text.parse::<Timestamp>().ok();
    let plain = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    zoned.or_else(plain).map(Edge::At)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn covered(bounds: &[&str], own: Option<&str>) -> Option<f64> {
        let ranges: Vec<Range> = bounds.iter().map(|text| Range::read(text).unwrap()).collect();
        let own = own.map(|text| Range::read(text).unwrap().to);
        left(&ranges, NOW.parse().unwrap(), own).map(|seconds| seconds / DAY)
    }

    #[test]
    fn what_is_covered_ends_at_the_first_gap() {
        let november = "FOR VALUES FROM ('2026-11-01') TO ('2026-12-01')";
        let december = "FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 02:00:00+02')";
        let later = "FOR VALUES FROM ('2027-02-01') TO ('2027-03-01')";
        let rest = "FOR VALUES FROM ('2026-12-01', 7) TO (MAXVALUE, MAXVALUE)";
        assert_eq!(covered(&[], None), Some(0.0));
        assert_eq!(covered(&[november], None), Some(8.5));
        assert_eq!(covered(&[later, december, november], None), Some(39.5));
        assert_eq!(covered(&[later], None), Some(0.0));
        assert_eq!(covered(&[rest, november], None), None);
        assert_eq!(covered(&["FOR VALUES FROM ('2026-01-01') TO ('infinity')"], None), None);
    }

    #[test]
    fn a_partition_needs_no_more_than_its_own_range() {
        let past = "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')";
        let year = "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')";
        let november = "FOR VALUES FROM ('2026-11-01') TO ('2026-12-01 00:00:00')";
        assert_eq!(covered(&[past], Some(past)), None);
        assert_eq!(covered(&[november], Some(year)), Some(8.5));
        assert_eq!(covered(&[year], Some(year)), None);
    }

    #[test]
    fn other_bounds_are_no_times() {
        for text in [
            "FOR VALUES FROM (1) TO (2)",
            "FOR VALUES FROM ('20260101') TO ('20260201')",
            "FOR VALUES FROM ('a') TO ('b')",
            "FOR VALUES IN ('2026-01-01')",
            "DEFAULT",
        ] {
            assert_eq!(Range::read(text), None, "{text}");
        }
    }
}
