//! Sizes: worth knowing, without limits.

use serde::Deserialize;

use super::look::Look;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use super::words;
use crate::report::check::{Level, Unit};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "size.database",
        kind: Kind::Runtime,
        title: "sizes of the databases",
        why: "Worth knowing: how much a backup has to read, and how it grows from run to run. It \
              has no limits. Databases that this role may not measure are not in it.",
        remedy: "Nothing has to be done.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&DATABASES],
        judge: database,
    },
    Check {
        id: "size.tables",
        kind: Kind::Runtime,
        title: "the ten largest tables with their indexes and TOAST",
        why: "Worth knowing before a migration rewrites one of them. It has no limits. They are \
              found by what the last VACUUM or ANALYZE wrote down, and measured unless somebody \
              locks them.",
        remedy: "Nothing has to be done.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&TABLES],
        judge: tables,
    },
    Check {
        id: "size.indexes",
        kind: Kind::Runtime,
        title: "the ten largest indexes",
        why: "Worth knowing where room is wanted: large indexes are the first that can be made \
              smaller (bloat.index) or dropped (idx.unused). It has no limits.",
        remedy: "Nothing has to be done.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&LARGEST_INDEXES],
        judge: indexes,
    },
];

const DATABASES: Question =
    Question::of("largest_databases", &[(130_000, sql::CHECK_LARGEST_DATABASES)]).may_be_cut();

const TABLES: Question = Question::of("largest_tables", &[(130_000, sql::CHECK_LARGEST_TABLES)]);

pub const LARGEST_INDEXES: Question = Question::of(
    "largest_indexes",
    &[(130_000, sql::CHECK_LARGEST_INDEXES), (160_000, sql::CHECK_LARGEST_INDEXES_16)],
);

#[derive(Deserialize)]
struct LargeDatabase {
    database: String,
    bytes: f64,
}

#[derive(Deserialize)]
struct LargeTable {
    name: String,
    rows: f64,
    bytes: f64,
}

/// One of the ten largest indexes.
#[derive(Deserialize)]
pub struct LargeIndex {
    pub name: String,
    pub table: String,
    pub bytes: f64,
    pub scans: f64,
    /// Seconds since the last use; counted from 16.
    pub used_ago: Option<f64>,
}

fn database(look: &Look<'_>) -> Judged {
    let rows: Vec<LargeDatabase> = look.rows(&DATABASES)?;
    let mut verdict = look.verdict();
    for row in rows {
        let says = format!("{} has {}", row.database, words::bytes(row.bytes));
        verdict.measure(&row.database, row.bytes, Unit::Bytes);
        verdict.find(Level::Info, &row.database, says).with_value(row.bytes);
    }
    Ok(verdict)
}

fn tables(look: &Look<'_>) -> Judged {
    let rows: Vec<LargeTable> = look.rows(&TABLES)?;
    let mut verdict = look.verdict().saying("there is no table");
    for row in rows {
        let says = format!(
            "{} has {} in about {}",
            row.name,
            words::bytes(row.bytes),
            words::amount(row.rows, "row"),
        );
        verdict.measure(&row.name, row.bytes, Unit::Bytes);
        verdict.find(Level::Info, &row.name, says).with_value(row.bytes);
    }
    Ok(verdict)
}

fn indexes(look: &Look<'_>) -> Judged {
    let rows: Vec<LargeIndex> = look.rows(&LARGEST_INDEXES)?;
    let mut verdict = look.verdict().saying("there is no index");
    for row in rows {
        let says = format!("{} of {} has {}", row.name, row.table, words::bytes(row.bytes));
        verdict.measure(&row.name, row.bytes, Unit::Bytes);
        verdict.find(Level::Info, &row.name, says).with_value(row.bytes);
    }
    Ok(verdict)
}
