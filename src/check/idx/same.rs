//! Indexes that do nothing that another one does not.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const DUPLICATE: Check = Check {
    id: "idx.duplicate",
    kind: Kind::Static,
    title: "indexes that are the same in all but name",
    why: "Every write maintains both, both take memory and room, and no query is faster for it.",
    remedy: "Drop the one that is named: the other one is of a constraint, or is the older.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&DUPLICATES],
    judge: duplicate,
};

pub const REDUNDANT_PREFIX: Check = Check {
    id: "idx.redundant_prefix",
    kind: Kind::Static,
    title: "indexes whose columns begin another index",
    why: "What an index on (a) answers, one on (a, b) answers too. The smaller one is a little \
          faster, but costs each write: it is worth it only where most queries use it.",
    remedy: "Look at the uses of both (idx.usage), then drop the shorter one.",
    limits: &[LimitSpec::warn_above(
        "bytes of the index; it is advice, whatever is passed here is only worth knowing",
        Unit::Bytes,
        0.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&PREFIXES],
    judge: redundant_prefix,
};

const DUPLICATES: Question =
    Question::of("duplicate_indexes", &[(130_000, sql::CHECK_DUPLICATE_INDEXES)]);

const PREFIXES: Question = Question::of("prefix_indexes", &[(130_000, sql::CHECK_PREFIX_INDEXES)]);

#[derive(Deserialize)]
struct Duplicate {
    index: String,
    stays: String,
    table: String,
    bytes: f64,
    /// Of a partitioned table, as a whole.
    #[serde(default)]
    partitioned: bool,
    /// Quoted, where dropping the index means to drop a constraint.
    constraint: Option<String>,
}

#[derive(Deserialize)]
struct Prefix {
    index: String,
    covered_by: String,
    table: String,
    bytes: f64,
    #[serde(default)]
    partitioned: bool,
}

/// A partitioned index cannot be dropped beside what others do.
fn dropped(index: &str, partitioned: bool) -> String {
    match partitioned {
        true => format!("DROP INDEX {index};  -- under an exclusive lock on all partitions"),
        false => format!("DROP INDEX CONCURRENTLY {index};"),
    }
}

fn duplicate(look: &Look<'_>) -> Judged {
    let rows: Vec<Duplicate> = look.rows(&DUPLICATES)?;
    let mut verdict = look.verdict().saying("no index is there twice");
    for row in rows {
        let says = format!(
            "{} ({}) of {} is the same as {}",
            row.index,
            words::bytes(row.bytes),
            row.table,
            row.stays
        );
        let remedy = match row.constraint {
            Some(name) => format!("ALTER TABLE {} DROP CONSTRAINT {name};", row.table),
            None => dropped(&row.index, row.partitioned),
        };
        verdict.find(Level::Warning, row.index, says).with_value(row.bytes).with_remedy(remedy);
    }
    Ok(verdict)
}

fn redundant_prefix(look: &Look<'_>) -> Judged {
    let rows: Vec<Prefix> = look.rows(&PREFIXES)?;
    let mut verdict = look.verdict().saying("no index only begins another one");
    for row in rows {
        let Some(level) = super::advice(look, "", &row.index, row.bytes) else { continue };
        let says = format!(
            "{} ({}) of {} has the first columns of {}",
            row.index,
            words::bytes(row.bytes),
            row.table,
            row.covered_by
        );
        verdict
            .find(level, &row.index, says)
            .with_value(row.bytes)
            .with_remedy(dropped(&row.index, row.partitioned));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn a_partitioned_index_is_not_dropped_concurrently() {
        for partitioned in [true, false] {
            let row = json!({"index": "public.i", "stays": "public.j", "covered_by": "public.j",
                             "table": "public.t", "bytes": 8192.0, "partitioned": partitioned,
                             "constraint": null});
            let rows = [row];
            let sample = Sample::of("duplicate_indexes", &rows).with("prefix_indexes", &rows);
            for check in [&DUPLICATE, &REDUNDANT_PREFIX] {
                let remedy = sample.judged(check).unwrap().findings.remove(0).remedy.unwrap();
                let concurrently = remedy.starts_with("DROP INDEX CONCURRENTLY public.i;");
                assert_eq!(concurrently, !partitioned, "{remedy}");
                assert!(remedy.starts_with("DROP INDEX "), "{remedy}");
            }
        }
    }
}
