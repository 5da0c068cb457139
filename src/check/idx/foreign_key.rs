//! Foreign keys without an index.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const FK_MISSING: Check = Check {
    id: "idx.fk_missing",
    kind: Kind::Static,
    title: "foreign keys whose columns no index begins with",
    why: "Each row that is deleted from the referenced table (or whose key changes) has to look \
          for rows that refer to it: without an index it reads the whole referring table, under \
          a lock. It weighs where that table is large, or rows are deleted.",
    remedy: "Make an index on the columns of the key.",
    limits: &[LimitSpec::warn_above("bytes of the referring table", Unit::Bytes, 100e6)],
    needs: &[],
    since: 130_000,
    asks: &[&KEYS],
    judge: fk_missing,
};

const KEYS: Question =
    Question::of("foreign_keys_without_index", &[(130_000, sql::CHECK_FOREIGN_KEYS_WITHOUT_INDEX)]);

#[derive(Deserialize)]
struct Key {
    table: String,
    name: String,
    parent: String,
    partitioned: bool,
    bytes: f64,
    /// Rows deleted from the referenced table since statistics began.
    parent_deletes: f64,
    /// Quoted, with commas.
    columns: String,
}

fn fk_missing(look: &Look<'_>) -> Judged {
    let rows: Vec<Key> = look.rows(&KEYS)?;
    let mut verdict = look.verdict().saying("every foreign key has an index");
    for row in rows {
        let object = format!("{}.{}", row.table, row.name);
        let deleted = (row.parent_deletes > 0.0).then_some(Level::Warning);
        let large = look.level("", &object, row.bytes, None);
        let level = large.max(deleted).unwrap_or(Level::Info);
        let mut says = format!(
            "no index of {} ({}) begins with ({}), which refers to {}",
            row.table,
            words::bytes(row.bytes),
            row.columns,
            row.parent,
        );
        if deleted.is_some() {
            let rows = words::amount(row.parent_deletes, "row");
            says = format!("{says}, where {rows} were deleted");
        }
        let concurrently = if row.partitioned { "" } else { " CONCURRENTLY" };
        verdict
            .find(level, object, says)
            .with_value(row.bytes)
            .with_remedy(format!("CREATE INDEX{concurrently} ON {} ({});", row.table, row.columns));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn a_key_weighs_by_its_table_and_by_what_is_deleted() {
        let found = |bytes: f64, deletes: f64, partitioned: bool| {
            let row = json!({"table": "public.child", "name": "fk", "parent": "public.parent",
                             "partitioned": partitioned, "bytes": bytes,
                             "parent_deletes": deletes, "columns": "a, \"B\""});
            let sample = Sample::of("foreign_keys_without_index", &[row]);
            let finding = sample.judged(&FK_MISSING).unwrap().findings.remove(0);
            (finding.level, finding.remedy.unwrap())
        };
        let (level, remedy) = found(1e6, 0.0, false);
        assert_eq!(level, Level::Info);
        assert_eq!(remedy, "CREATE INDEX CONCURRENTLY ON public.child (a, \"B\");");
        assert_eq!(found(1e8, 0.0, false).0, Level::Warning);
        assert_eq!(found(1e6, 3.0, false).0, Level::Warning);
        assert_eq!(found(0.0, 0.0, true).1, "CREATE INDEX ON public.child (a, \"B\");");
    }
}
