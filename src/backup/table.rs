//! The tables of a backup: an archive entry, and the table on the server it speaks of.

use crate::archive::toc::{Entry, Toc};
use crate::conn::{Row, get};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// A table whose rows are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// pg_dump's number of its `TABLE DATA` entry.
    pub entry: i32,
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Columns with stored values, in attnum order.
    pub columns: Vec<String>,
    /// Bytes of its main fork.
    pub heap_bytes: u64,
    /// Bytes of its TOAST table.
    pub toast_bytes: u64,
    /// Whether its rows have a ctid of the heap's kind.
    pub is_heap: bool,
    /// For an extension's configuration table with a condition: the text after FROM.
    pub config_condition: Option<String>,
    /// Whether its rows are loaded through the root of its partition tree.
    pub via_root: bool,
}

/// A table as the catalog shows it now and under the snapshot.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The table (entry and via_root not yet known).
    pub table: Table,
    /// Whether an old snapshot still sees all its rows: nothing has replaced its files.
    pub same_files: bool,
    /// Whether row-level security hides rows from this role.
    pub rows_hidden: bool,
}

impl Table {
    /// Bytes on the source, TOAST included.
    pub fn bytes(&self) -> u64 {
        self.heap_bytes.saturating_add(self.toast_bytes)
    }

    /// `schema.name`, for people.
    pub fn label(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

impl Facts {
    /// From a row of `backup/tables.sql`.
    pub fn from_row(row: &Row) -> Result<Self> {
        let unsigned = |column: &str| -> Result<u64> {
            let bytes: Option<i64> = get(row, column)?;
            Ok(u64::try_from(bytes.unwrap_or(0)).unwrap_or(0))
        };
        let snapshot_filenode: u32 = get(row, "snapshot_filenode")?;
        let current_filenode: Option<u32> = get(row, "current_filenode")?;
        let condition: Option<String> = get(row, "config_condition")?;
        Ok(Self {
            table: Table {
                entry: 0,
                oid: get(row, "oid")?,
                schema: get(row, "schema")?,
                name: get(row, "name")?,
                columns: get(row, "columns")?,
                heap_bytes: unsigned("heap_bytes")?,
                toast_bytes: unsigned("toast_bytes")?,
                is_heap: get(row, "is_heap")?,
                config_condition: condition.filter(|text| !text.is_empty()),
                via_root: false,
            },
            same_files: Some(snapshot_filenode) == current_filenode,
            rows_hidden: get(row, "rows_hidden")?,
        })
    }
}

/// The table with this oid, of tables sorted by oid.
pub fn find(facts: &[Facts], oid: u32) -> Option<&Facts> {
    let index = facts.binary_search_by_key(&oid, |facts| facts.table.oid).ok()?;
    facts.get(index)
}

/// Joins the archive's `TABLE DATA` entries with the catalog's tables; every entry must find its
/// own, by oid, with the same name and the same columns.
pub fn join(toc: &Toc, facts: &[Facts]) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for entry in toc.entries.iter().filter(|entry| entry.is_table_data()) {
        let differs = |how: String| {
            Error::new(
                Exit::Unavailable,
                format!("cannot match {} with the catalog", entry.label()),
            )
            .because(how)
            .next("run the backup again: the table may have been changed in this moment")
        };
        let oid = entry.oid().ok_or_else(|| differs("the archive's entry has no oid".into()))?;
        let found =
            find(facts, oid).ok_or_else(|| differs(format!("no table has the oid {oid}")))?;
        let table = &found.table;
        if entry.namespace.as_deref() != Some(table.schema.as_bytes())
            || entry.tag.as_deref() != Some(table.name.as_bytes())
        {
            return Err(differs(format!("the table with oid {oid} is {}", table.label())));
        }
        let loads = copy_columns(entry)
            .ok_or_else(|| differs("its COPY statement is not of the known form".into()))?;
        let columns: Vec<&[u8]> = table.columns.iter().map(String::as_bytes).collect();
        if loads != columns {
            return Err(differs("the archive names other columns than the catalog".into()));
        }
        tables.push(Table { entry: entry.id, via_root: entry.loads_via_root(), ..table.clone() });
    }
    Ok(tables)
}

/// The columns that an entry's COPY statement loads: `COPY name (a, "b c") FROM stdin;`.
fn copy_columns(entry: &Entry) -> Option<Vec<Vec<u8>>> {
    let mut rest = entry.copy.as_deref()?.strip_prefix(b"COPY ")?;
    loop {
        (_, rest) = identifier(rest)?;
        match rest.strip_prefix(b".") {
            Some(after) => rest = after,
            None => break,
        }
    }
    rest = rest.trim_ascii_start();
    let mut columns = Vec::new();
    if let Some(list) = rest.strip_prefix(b"(") {
        rest = list;
        loop {
            let (column, after) = identifier(rest)?;
            columns.push(column);
            match after.split_first()? {
                (b',', after) => rest = after.trim_ascii_start(),
                (b')', after) => {
                    rest = after.trim_ascii_start();
                    break;
                }
                _ => return None,
            }
        }
    }
    rest.starts_with(b"FROM stdin").then_some(columns)
}

/// Splits off one identifier, quoted or plain.
fn identifier(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| b"., ()\n".contains(byte)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_vec(), &text[end..]));
    };
    let mut name = Vec::new();
    loop {
        let quote = memchr::memchr(b'"', rest)?;
        name.extend_from_slice(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix(b"\"") {
            Some(after) => {
                name.push(b'"');
                rest = after;
            }
            None => return Some((name, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_end_where_their_quotes_end() {
        let cases: [(&str, &str, &str); 4] = [
            ("plain.next", "plain", ".next"),
            ("\"a\"\"b (\".c", "a\"b (", ".c"),
            ("\"ta\nble\" (x)", "ta\nble", " (x)"),
            ("a)", "a", ")"),
        ];
        for (text, name, rest) in cases {
            assert_eq!(identifier(text.as_bytes()), Some((name.into(), rest.as_bytes())));
        }
        assert_eq!(identifier(b"\"open"), None);
        assert_eq!(identifier(b""), None);
    }
}
