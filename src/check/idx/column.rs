//! Indexes whose columns an index of that kind helps little.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

/// Of a check that advises on indexes from this size on.
const SIZE: LimitSpec = LimitSpec::warn_above(
    "bytes of the index; it is advice, whatever is passed here is only worth knowing",
    Unit::Bytes,
    0.0,
);

pub const NULL_HEAVY: Check = Check {
    id: "idx.null_heavy",
    kind: Kind::Runtime,
    title: "indexes on a column that is mostly null",
    why: "Nulls stand in an index like values: where most rows have none, and nobody looks for \
          them, most of the index is of no use.",
    remedy: "Make a partial index (WHERE column IS NOT NULL) and drop this one.",
    limits: &[
        LimitSpec::warn_above("nulls in the column; it is advice", Unit::Percent, 50.0),
        LimitSpec::warn_above("bytes below which nothing is said", Unit::Bytes, 10e6)
            .named("bytes"),
    ],
    needs: &[Need::AllData],
    since: 130_000,
    asks: &[&NULLS],
    judge: null_heavy,
};

pub const BTREE_ON_ARRAY: Check = Check {
    id: "idx.btree_on_array",
    kind: Kind::Static,
    title: "btree indexes on arrays",
    why: "A btree compares whole arrays: it finds those that are equal, and nothing by what is in \
          them, which is what queries on arrays ask (@>, &&, ANY).",
    remedy: "Make a GIN index on the column instead, unless whole arrays are compared.",
    limits: &[SIZE],
    needs: &[],
    since: 130_000,
    asks: &[&KINDS],
    judge: btree_on_array,
};

pub const BOOLEAN: Check = Check {
    id: "idx.boolean",
    kind: Kind::Static,
    title: "btree indexes on nothing but a boolean",
    why: "A condition that half of the rows fulfil is faster without an index; where few fulfil \
          it, an index on those few is much smaller.",
    remedy: "Make a partial index on what is sorted or looked for, with the boolean as its \
             condition, and drop this one.",
    limits: &[SIZE],
    needs: &[],
    since: 130_000,
    asks: &[&KINDS],
    judge: boolean,
};

const NULLS: Question =
    Question::of("null_indexes", &[(130_000, sql::CHECK_NULL_INDEXES)]).may_be_cut();

const KINDS: Question = Question::of("column_kinds", &[(130_000, sql::CHECK_COLUMN_KINDS)]);

#[derive(Deserialize)]
struct Nulls {
    index: String,
    table: String,
    column: String,
    bytes: f64,
    /// Percent; none where the statistics are not there or not seen.
    nulls: Option<f64>,
}

#[derive(Deserialize)]
struct IndexKind {
    index: String,
    table: String,
    column: String,
    /// Else a boolean.
    array: bool,
    bytes: f64,
}

fn null_heavy(look: &Look<'_>) -> Judged {
    let rows: Vec<Nulls> = look.rows(&NULLS)?;
    let mut verdict = look.verdict().saying("no index is mostly on nulls");
    let smallest = rows.last().map(|row| row.bytes);
    for row in rows {
        if !look.is_enough("bytes", &row.index, row.bytes) {
            continue;
        }
        let Some(nulls) = row.nulls else {
            verdict.unseen = Some(format!(
                "the statistics of {}.{} are not there, or not to be seen by this role",
                row.table, row.column
            ));
            continue;
        };
        let Some(level) = super::advice(look, "", &row.index, nulls) else { continue };
        let says = format!(
            "{} ({}) is on {}, which is null in {nulls:.0}% of the rows of {}",
            row.index,
            words::bytes(row.bytes),
            row.column,
            row.table,
        );
        verdict.find(level, &row.index, says).with_value(nulls).with_remedy(format!(
            "CREATE INDEX CONCURRENTLY ON {} ({}) WHERE {} IS NOT NULL; DROP INDEX CONCURRENTLY {};",
            row.table, row.column, row.column, row.index
        ));
    }
    // The largest come first: those that were not read are no larger.
    if smallest.is_some_and(|bytes| look.is_enough("bytes", "", bytes)) {
        verdict.unseen = verdict.unseen.or_else(|| look.cut(&NULLS));
    }
    Ok(verdict)
}

fn btree_on_array(look: &Look<'_>) -> Judged {
    kinds(look, true, "no btree index is on an array", "begins with an array")
}

fn boolean(look: &Look<'_>) -> Judged {
    kinds(look, false, "no index is on nothing but a boolean", "is on nothing but a boolean")
}

fn kinds(look: &Look<'_>, array: bool, none: &str, what: &str) -> Judged {
    let rows: Vec<IndexKind> = look.rows(&KINDS)?;
    let mut verdict = look.verdict().saying(none);
    for row in rows.iter().filter(|row| row.array == array) {
        let Some(level) = super::advice(look, "", &row.index, row.bytes) else { continue };
        let says = format!(
            "{} ({}) of {} {what} ({})",
            row.index,
            words::bytes(row.bytes),
            row.table,
            row.column
        );
        verdict.find(level, &row.index, says).with_value(row.bytes);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn indexes_that_were_not_read_are_unseen_where_they_could_matter() {
        let unseen = |indexes: usize, bytes: f64| {
            let row = json!({"index": "public.i", "table": "public.t", "column": "c",
                             "bytes": bytes, "nulls": 0.0});
            let sample = Sample::of("null_indexes", &vec![row; indexes]);
            sample.judged(&NULL_HEAVY).unwrap().unseen.is_some()
        };
        assert!(unseen(1001, 1e7));
        assert!(!unseen(1001, 9e6));
        assert!(!unseen(1000, 1e7));
    }
}
