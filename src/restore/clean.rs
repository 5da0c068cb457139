//! The drop pass of `--clean`: what the plan makes is dropped first, where it is there.
//!
//! As pg_restore --clean --if-exists does (pg_backup_archiver.c, `RestoreArchive`), with the
//! differences that one transaction asks for: nothing may fail because it is not there, and what
//! can only be dropped with its parent (an index that is attached to a partitioned one) is left
//! to that. Nothing is dropped with CASCADE that pg_dump does not say so of (base types).

use super::belonging::{Belonging, named_owner};
use super::parts::attached_index;
use super::plan::{Fate, Plan, Step};
use super::statement::{Qualified, altered, qualified};
use super::words::split;
use crate::archive::toc::Entry;
use crate::sql::{quote_literal, quote_qualified};

/// A statement of the drop pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// The entry whose object it drops.
    pub index: usize,
    /// One or more statements, each closed by a semicolon; no error when the object is not there.
    pub sql: String,
}

/// What drops the objects of all planned entries, last first, for one transaction.
///
/// `stays` names what is not ours to drop (an extension that was there before). The database
/// itself and schema public are never dropped. A subscription that is there raises an error:
/// dropping it here would leave its slot at the publisher for ever.
pub fn statements(plan: &Plan, stays: impl Fn(&Entry) -> bool) -> Vec<Drop> {
    let belonging = Belonging::new(plan);
    let attached = attached(plan);
    let mut drops = Vec::new();
    for (index, entry) in plan.toc.entries.iter().enumerate().rev() {
        let ours = matches!(plan.fate(index), Fate::Planned(step) if *step != Step::Database)
            && !(entry.kind() == "SCHEMA" && entry.name() == "public");
        if !ours || attached.contains(&index) || stays(entry) {
            continue;
        }
        let sql = drop_of(entry, &belonging, plan, index);
        if !sql.is_empty() {
            drops.push(Drop { index, sql });
        }
    }
    drops
}

/// Indexes and constraints of partitions that go with those of the partitioned table.
fn attached(plan: &Plan) -> Vec<usize> {
    let attaching = plan.toc.entries.iter().filter(|entry| entry.kind() == "INDEX ATTACH");
    attaching.filter_map(|entry| attached_index(plan, entry)).collect()
}

fn drop_of(entry: &Entry, belonging: &Belonging, plan: &Plan, index: usize) -> String {
    match entry.kind() {
        "BLOB" => entry.oid().map_or_else(String::new, |oid| unlink(&oid.to_string())),
        "BLOB METADATA" => {
            let oids: Vec<&str> = entry.definition().split_whitespace().collect();
            unlink(&oids.join(","))
        }
        "SUBSCRIPTION" => refuse_subscription(entry.name()),
        "DEFAULT" => {
            let owner = belonging.owner(index).map(|at| plan.entry(at));
            drop_default(entry, owner)
        }
        _ => {
            let view = dummy_view(entry);
            let of_domain = entry.drop_statement().starts_with("ALTER DOMAIN ");
            let parts = split(entry.drop_statement());
            let parts = parts.into_iter().map(|statement| match &view {
                Some(view) => when(&is_view(view), statement),
                None if of_domain => drop_of_domain(statement),
                None => if_exists(statement, entry.kind()) + ";\n",
            });
            parts.collect()
        }
    }
}

/// Large objects have no IF EXISTS.
fn unlink(oids: &str) -> String {
    if oids.is_empty() {
        return String::new();
    }
    format!(
        "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata \
         WHERE oid = ANY ('{{{oids}}}'::pg_catalog.oid[]);\n"
    )
}

/// A statement of pg_dump's with IF EXISTS where that kind of statement has it.
fn if_exists(statement: &str, kind: &str) -> String {
    for start in ["ALTER TABLE ", "ALTER FOREIGN TABLE "] {
        let Some(rest) = statement.strip_prefix(start) else { continue };
        let rest = rest.strip_prefix("IF EXISTS ").unwrap_or(rest);
        let only = if rest.starts_with("ONLY ") { "ONLY " } else { "" };
        let Some((_, change)) = qualified(&rest[only.len()..]) else { break };
        let name = &rest[..rest.len() - change.len()];
        let change = match change.strip_prefix(" DROP CONSTRAINT ") {
            Some(constraint) => {
                let constraint = constraint.strip_prefix("IF EXISTS ").unwrap_or(constraint);
                format!(" DROP CONSTRAINT IF EXISTS {constraint}")
            }
            None => change.to_owned(),
        };
        return format!("{start}IF EXISTS {name}{change}");
    }
    let drop = format!("DROP {kind} ");
    match statement.strip_prefix(&drop) {
        Some(rest) if !rest.starts_with("IF EXISTS ") => format!("{drop}IF EXISTS {rest}"),
        // Whatever it is: an error of it undoes the whole pass.
        _ => statement.to_owned(),
    }
}

/// The view that `CREATE OR REPLACE VIEW` makes independent of what it looks at.
fn dummy_view(entry: &Entry) -> Option<Qualified> {
    entry.drop_statement().strip_prefix("CREATE OR REPLACE VIEW ").and_then(qualified).map(|v| v.0)
}

fn is_view(view: &Qualified) -> String {
    format!("SELECT FROM pg_catalog.pg_class WHERE oid = {} AND relkind = 'v'", oid_of(view))
}

fn oid_of(name: &Qualified) -> String {
    let name = quote_literal(&quote_qualified(&name.0, &name.1));
    format!("pg_catalog.to_regclass({name})")
}

/// The column may be gone, or be an identity by now.
fn drop_default(entry: &Entry, owner: Option<&Entry>) -> String {
    let statements = split(entry.drop_statement());
    let (Some(table), [statement]) = (named_owner(entry), &statements[..]) else {
        return String::new();
    };
    // The tag is `table column`.
    let column = owner
        .and_then(|owner| entry.name().strip_prefix(owner.name())?.strip_prefix(' '))
        .map(quote_literal);
    let Some(column) = column else { return String::new() };
    let there = format!(
        "SELECT FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attname = {column} \
         AND atthasdef AND attgenerated = '' AND NOT attisdropped",
        oid_of(&table)
    );
    when(&there, statement)
}

/// `ALTER DOMAIN` has no IF EXISTS for the domain.
fn drop_of_domain(statement: &str) -> String {
    let Some((domain, _)) = altered(statement) else { return String::new() };
    let name = quote_literal(&quote_qualified(&domain.0, &domain.1));
    let there = format!(
        "SELECT FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype({name}) AND typtype = 'd'"
    );
    when(&there, &statement.replacen(" DROP CONSTRAINT ", " DROP CONSTRAINT IF EXISTS ", 1))
}

fn refuse_subscription(name: &str) -> String {
    let name = quote_literal(name);
    let message =
        format!("'subscription % is there: drop it first, with its slot at the publisher', {name}");
    let there = format!(
        "SELECT FROM pg_catalog.pg_subscription WHERE subname = {name} AND subdbid = \
         (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    );
    block(&there, &format!("RAISE EXCEPTION {message};"))
}

/// Runs a statement only when a query has a row.
fn when(there: &str, statement: &str) -> String {
    block(there, &format!("EXECUTE {};", quote_literal(statement)))
}

fn block(there: &str, action: &str) -> String {
    let body = format!("BEGIN IF EXISTS ({there}) THEN {action} END IF; END");
    format!("DO {};\n", quote_literal(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_exists_stands_where_each_statement_has_it() {
        for (kind, statement, wanted) in [
            ("TABLE", "DROP TABLE s.t", "DROP TABLE IF EXISTS s.t"),
            ("TYPE", "DROP TYPE s.t CASCADE", "DROP TYPE IF EXISTS s.t CASCADE"),
            ("CAST", "DROP CAST (s.a AS text)", "DROP CAST IF EXISTS (s.a AS text)"),
            (
                "USER MAPPING",
                "DROP USER MAPPING FOR r SERVER s",
                "DROP USER MAPPING IF EXISTS FOR r SERVER s",
            ),
            (
                "MATERIALIZED VIEW",
                "DROP MATERIALIZED VIEW s.v",
                "DROP MATERIALIZED VIEW IF EXISTS s.v",
            ),
            ("RULE", "DROP RULE r ON s.t", "DROP RULE IF EXISTS r ON s.t"),
            (
                "FK CONSTRAINT",
                "ALTER TABLE ONLY s.\" DROP CONSTRAINT x\" DROP CONSTRAINT c",
                "ALTER TABLE IF EXISTS ONLY s.\" DROP CONSTRAINT x\" DROP CONSTRAINT IF EXISTS c",
            ),
            (
                "CHECK CONSTRAINT",
                "ALTER TABLE s.t DROP CONSTRAINT c",
                "ALTER TABLE IF EXISTS s.t DROP CONSTRAINT IF EXISTS c",
            ),
            ("TABLE", "DROP TABLE IF EXISTS s.t", "DROP TABLE IF EXISTS s.t"),
        ] {
            assert_eq!(if_exists(statement, kind), wanted);
        }
    }

    #[test]
    fn what_has_no_if_exists_asks_first() {
        let sql = drop_of_domain("ALTER DOMAIN s.\"d'\" DROP CONSTRAINT c");
        assert!(sql.starts_with("DO 'BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_type"), "{sql}");
        assert!(sql.contains("DROP CONSTRAINT IF EXISTS c"), "{sql}");
        assert_eq!(unlink(""), "");
        assert!(unlink("1,2").contains("ANY ('{1,2}'::pg_catalog.oid[])"));
    }
}
