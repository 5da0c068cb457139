//! Statements that take no parameters and are put together by plan, and the session settings
//! that decide how values look as text.

use crate::sql::{quote_literal, quote_name, quote_qualified};

/// Settings of every session that dumps, loads or compares rows. Without them the same row has
/// another text, and so another hash, on a server with another configuration.
pub const PINS: &[(&str, &str)] = &[
    ("search_path", ""),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("xmlbinary", "base64"),
    ("xmloption", "content"),
    ("row_security", "off"),
    ("synchronize_seqscans", "off"),
    ("check_function_bodies", "off"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("transaction_timeout", "0"),
    // A view that takes a table's name must not be read in its place.
    ("restrict_nonsystem_relation_kind", "view, foreign-table"),
    ("enable_tidscan", "on"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
];

/// [`PINS`] as a session's settings, and the role to become (`--role`).
pub fn pins_and_role(role: Option<&str>) -> Vec<(String, String)> {
    PINS.iter()
        .copied()
        .chain(role.map(|role| ("role", role)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Statements that pin a session's settings for one transaction alone. Behind a pooler a session
/// cannot be set up: its settings would stay on for other clients.
pub fn pin_locally(settings: &[(String, String)]) -> String {
    let one = |(name, value): &(String, String)| {
        let (name, value) = (quote_literal(name), quote_literal(value));
        format!(
            "SELECT pg_catalog.set_config({name}, {value}, true) \
             WHERE pg_catalog.current_setting({name}, true) IS NOT NULL;"
        )
    };
    settings.iter().map(one).collect()
}

/// Opens a reader's transaction under the coordinator's snapshot; `pins` as of [`pin_locally`].
pub fn begin_with_snapshot(snapshot: &str, pins: &str) -> String {
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {};{pins}",
        quote_literal(snapshot)
    )
}

/// Locks one table against rewriting, without waiting, and tells the oid behind its name.
pub fn lock_nowait(schema: &str, name: &str) -> String {
    format!(
        "LOCK TABLE ONLY {} IN ACCESS SHARE MODE NOWAIT; {}",
        quote_qualified(schema, name),
        oid_of(schema, name)
    )
}

/// The oid that a table's name means now.
pub fn oid_of(schema: &str, name: &str) -> String {
    format!(
        "SELECT pg_catalog.to_regclass({})::pg_catalog.oid;",
        quote_literal(&quote_qualified(schema, name))
    )
}

/// Locks many tables against rewriting.
pub fn lock_all<'a>(tables: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let names: Vec<String> = tables.map(|(schema, name)| quote_qualified(schema, name)).collect();
    format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", names.join(", ONLY "))
}

/// What of a table a statement reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Heap pages from the first to before the second; without a second to the end.
    Pages(u32, Option<u32>),
    /// Rows that an extension's author chose (`pg_extension_config_dump`), with the text that
    /// follows FROM as it stands in the catalog.
    Configuration(String),
}

/// Reads part of a table as COPY text in `encoding`.
///
/// Columns are named, for a table may have generated or dropped ones; none at all must be left
/// out, for `()` is no column list.
pub fn copy_out(
    schema: &str,
    name: &str,
    columns: &[String],
    part: &Part,
    encoding: &str,
) -> String {
    let table = quote_qualified(schema, name);
    let list: Vec<String> = columns.iter().map(|column| quote_name(column)).collect();
    let list = list.join(", ");
    let source = match part {
        Part::Whole if columns.is_empty() => table,
        // No SELECT: it would take a lock on every index too.
        Part::Whole => format!("{table} ({list})"),
        Part::Pages(from, to) => {
            let end = to.map_or_else(String::new, |to| format!(" AND ctid < '({to},0)'"));
            format!("(SELECT {list} FROM ONLY {table} WHERE ctid >= '({from},0)'{end})")
        }
        Part::Configuration(condition) => format!("(SELECT {list} FROM {table} {condition})"),
    };
    format!("COPY {source} TO STDOUT (ENCODING {})", quote_literal(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_reads_what_it_is_told_and_names_are_quoted() {
        let columns = ["a\"1 (".to_owned(), "b".to_owned()];
        let copy = |part: &Part, columns: &[String]| copy_out("s", "t", columns, part, "UTF8");
        assert_eq!(
            copy(&Part::Whole, &columns),
            "COPY \"s\".\"t\" (\"a\"\"1 (\", \"b\") TO STDOUT (ENCODING 'UTF8')"
        );
        assert_eq!(copy(&Part::Whole, &[]), "COPY \"s\".\"t\" TO STDOUT (ENCODING 'UTF8')");
        assert_eq!(
            copy(&Part::Pages(10, Some(20)), &columns[1..]),
            "COPY (SELECT \"b\" FROM ONLY \"s\".\"t\" WHERE ctid >= '(10,0)' AND ctid < '(20,0)') \
             TO STDOUT (ENCODING 'UTF8')"
        );
        assert!(
            copy(&Part::Pages(10, None), &[])
                .contains("(SELECT  FROM ONLY \"s\".\"t\" WHERE ctid >= '(10,0)')")
        );
        assert!(
            copy(&Part::Configuration("WHERE x > 1".into()), &columns[1..])
                .contains("(SELECT \"b\" FROM \"s\".\"t\" WHERE x > 1)")
        );
    }

    #[test]
    fn many_tables_are_locked_in_one_statement() {
        assert_eq!(
            lock_all([("a", "b"), ("c", "d")].into_iter()),
            "LOCK TABLE ONLY \"a\".\"b\", ONLY \"c\".\"d\" IN ACCESS SHARE MODE"
        );
    }
}
