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
    Question { name: "duplicate_indexes", variants: &[(130_000, sql::CHECK_DUPLICATE_INDEXES)] };

const PREFIXES: Question =
    Question { name: "prefix_indexes", variants: &[(130_000, sql::CHECK_PREFIX_INDEXES)] };

#[derive(Deserialize)]
struct Duplicate {
    index: String,
    stays: String,
    table: String,
    bytes: f64,
    /// Quoted, where dropping the index means to drop a constraint.
    constraint: Option<String>,
}

#[derive(Deserialize)]
struct Prefix {
    index: String,
    covered_by: String,
    table: String,
    bytes: f64,
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
            None => format!("DROP INDEX CONCURRENTLY {};", row.index),
        };
        verdict.find(Level::Warning, row.index, says).with_value(row.bytes).with_remedy(remedy);
    }
    if look.is_cut(&DUPLICATES) {
        verdict.unseen = Some("there are more duplicates than are read".to_owned());
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
            .with_remedy(format!("DROP INDEX CONCURRENTLY {};", row.index));
    }
    Ok(verdict)
}
