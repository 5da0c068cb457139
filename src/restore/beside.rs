//! One table under another name (`--as`), beside the one that is there.
//!
//! For comparing rows and copying some back: columns with their defaults, NOT NULL, checks, the
//! primary key and the rows. All else stays with the original: the names of indexes are taken in
//! its schema, a second trigger or identity would do what nobody asked for, and rights are left
//! to the operator, so that nobody reads the copy who could not read the table.

use std::collections::BTreeSet;

use super::belonging::Belonging;
use super::names::typed_table;
use super::parts::{Narrowed, needed, only};
use super::plan::{Plan, Weight};
use super::statement::{altered, find_bare, identifier, parenthesis, qualified};
use super::words::split;
use crate::error::{Error, Result};
use crate::sql::quote_qualified;

/// Narrows a plan to one table under another name; `schema` is its own when there is none.
///
/// Errors (usage): no ordinary table, one that inherits, the name that it has already, or a
/// definition that pgtend cannot rewrite with certainty.
pub fn narrow(plan: &mut Plan, table: usize, schema: Option<&str>, name: &str) -> Result<Narrowed> {
    let belonging = Belonging::new(plan);
    let entry = plan.entry(table);
    let old = (entry.schema().to_owned(), entry.name().to_owned());
    let new = (schema.unwrap_or(entry.schema()).to_owned(), name.to_owned());
    if old == new {
        return Err(refused(&old, "that is the name that it has").next("give another name"));
    }
    if name.is_empty() {
        return Err(Error::usage("--as has no name"));
    }
    if entry.kind() != "TABLE" {
        let kind = entry.kind().to_lowercase();
        return Err(refused(&old, &format!("it is a {kind}, not a table")));
    }
    if belonging.has_partitions(table) {
        return Err(refused(&old, "it is partitioned").next("restore its partitions one by one"));
    }
    let renamed = definition(entry.definition(), &old, &new)?;
    let mut wanted = BTreeSet::from([table]);
    set(plan, table, &new.0, &new.1, renamed);
    // What drops it must not drop the original.
    plan.toc.entries[table].drop = Some(format!("DROP TABLE {};\n", quoted(&new)).into_bytes());
    for index in 0..plan.toc.entries.len() {
        if index == table || belonging.owner(index) != Some(table) {
            continue;
        }
        if plan.entry(index).is_table_data() {
            rename_rows(plan, index, &old, &new)?;
            wanted.insert(index);
        } else if let Some(text) = constraint(plan, index, &old, &new) {
            let tag = plan.entry(index).name().replacen(&old.1, &new.1, 1);
            set(plan, index, &new.0, &tag, text);
            plan.toc.entries[index].drop = None;
            wanted.insert(index);
        }
    }
    let chain = |index: &usize| belonging.chain(*index).any(|at| at == table);
    let left: Vec<usize> =
        (0..plan.toc.entries.len()).filter(|i| chain(i) && !wanted.contains(i)).collect();
    let mut needed = needed(plan, &belonging, &wanted);
    schemas(plan, &old, &new, &wanted, &mut needed);
    only(plan, &wanted);
    for index in left {
        let reason = reason(plan.entry(index).kind(), &typed_table(&old.0, &old.1));
        plan.want(index);
        plan.leave_out(index, Weight::Needless, reason);
    }
    Ok(Narrowed { chosen: vec![table], needed, ..Narrowed::default() })
}

/// The new schema is needed, and the old one only where something else needs it.
fn schemas(
    plan: &Plan,
    old: &(String, String),
    new: &(String, String),
    wanted: &BTreeSet<usize>,
    needed: &mut Vec<usize>,
) {
    let find =
        |name: &str| plan.toc.entries.iter().position(|e| e.kind() == "SCHEMA" && e.name() == name);
    if old.0 == new.0 {
        return;
    }
    if let Some(index) = find(&old.0) {
        let used = needed.iter().any(|need| {
            !wanted.contains(need) && plan.needs_of(plan.entry(*need)).any(|at| at == index)
        });
        if !used {
            needed.retain(|need| *need != index);
        }
    }
    needed.extend(find(&new.0));
    needed.sort_unstable();
    needed.dedup();
}

fn refused(table: &(String, String), why: &str) -> Error {
    let name = typed_table(&table.0, &table.1);
    Error::usage(format!("{name} cannot be restored --as another table")).because(why)
}

fn quoted(name: &(String, String)) -> String {
    quote_qualified(&name.0, &name.1)
}

fn set(plan: &mut Plan, index: usize, schema: &str, tag: &str, definition: String) {
    let entry = &mut plan.toc.entries[index];
    entry.namespace = Some(schema.as_bytes().to_vec());
    entry.tag = Some(tag.as_bytes().to_vec());
    entry.defn = Some(definition.into_bytes());
}

/// The CREATE TABLE and what pg_dump says of single columns behind it, under another name.
fn definition(text: &str, old: &(String, String), new: &(String, String)) -> Result<String> {
    let unknown = || refused(old, "pgtend does not know the form of its definition");
    let statements = split(text);
    let (create, rest) = statements.split_first().ok_or_else(unknown)?;
    let starts = ["CREATE TABLE ", "CREATE UNLOGGED TABLE "];
    let start = starts.iter().find(|start| create.starts_with(**start)).ok_or_else(unknown)?;
    let (name, body) = qualified(&create[start.len()..]).ok_or_else(unknown)?;
    if name != *old {
        return Err(unknown());
    }
    // Behind the columns, and behind the type of a typed table.
    let columns = find_bare(body, |c| c == '(').map_or("", |at| &body[at..]);
    let behind = parenthesis(columns).map_or("", |(_, behind)| behind).trim_start();
    if behind.starts_with("INHERITS (") {
        return Err(refused(old, "it inherits columns from another table")
            .next("restore it under its own name into another database, and copy from there"));
    }
    if behind.starts_with("PARTITION BY ") {
        return Err(refused(old, "it is partitioned").next("restore its partitions one by one"));
    }
    let mut renamed = format!("{start}{}{body};\n", quoted(new));
    for statement in rest {
        let (name, change) = altered(statement).ok_or_else(unknown)?;
        if name != *old {
            return Err(unknown());
        }
        // The others (replica identity, forced row security) are of no use without the rest.
        if change.starts_with(" ALTER COLUMN ") {
            renamed.push_str(&format!("ALTER TABLE ONLY {}{change};\n", quoted(new)));
        }
    }
    Ok(renamed)
}

/// A check, a NOT NULL or the primary key under the new table's name.
fn constraint(
    plan: &Plan,
    index: usize,
    old: &(String, String),
    new: &(String, String),
) -> Option<String> {
    let entry = plan.entry(index);
    if !matches!(entry.kind(), "CONSTRAINT" | "CHECK CONSTRAINT") {
        return None;
    }
    // Behind it: CLUSTER ON and REPLICA IDENTITY by the old index's name.
    let first = *split(entry.definition()).first()?;
    let (name, change) = altered(first)?;
    let (_, kind) = identifier(change.trim_start().strip_prefix("ADD CONSTRAINT ")?)?;
    let kind = kind.trim_start();
    if name != *old {
        return None;
    }
    let table = quoted(new);
    if kind.starts_with("PRIMARY KEY (") {
        // Without a name the server finds a free one for the index.
        return Some(format!("ALTER TABLE ONLY {table}\n    ADD {kind};\n"));
    }
    let no_index = kind.starts_with("CHECK (") || kind.starts_with("NOT NULL ");
    no_index.then(|| format!("ALTER TABLE {table}{change};\n"))
}

fn rename_rows(
    plan: &mut Plan,
    index: usize,
    old: &(String, String),
    new: &(String, String),
) -> Result<()> {
    let entry = &mut plan.toc.entries[index];
    let copy = entry.copy.as_deref().and_then(|copy| std::str::from_utf8(copy).ok());
    // The name may be that of a partition's root, through which it was to be loaded.
    let rest = copy.and_then(|copy| qualified(copy.strip_prefix("COPY ")?)).map(|(_, rest)| rest);
    let Some(rest) = rest.filter(|rest| rest.starts_with(' ')) else {
        return Err(refused(old, "its rows are not in COPY's form (pg_dump --inserts?)"));
    };
    entry.copy = Some(format!("COPY {}{rest}", quoted(new)).into_bytes());
    set(plan, index, &new.0, &new.1, String::new());
    Ok(())
}

/// Why something stays with the original.
fn reason(kind: &str, old: &str) -> String {
    match kind {
        "SEQUENCE" | "SEQUENCE SET" | "SEQUENCE OWNED BY" | "DEFAULT" => {
            format!("numbers stay the matter of {old}")
        }
        "INDEX" | "INDEX ATTACH" | "CONSTRAINT" | "STATISTICS" => {
            format!("its name is that of a thing of {old}: make what you need")
        }
        "ACL" | "POLICY" | "ROW SECURITY" => {
            "only the owner may use a table that is restored beside another".to_owned()
        }
        _ => format!("it stays with {old}: --as restores columns, checks, primary key and rows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(schema: &str, name: &str) -> (String, String) {
        (schema.to_owned(), name.to_owned())
    }

    #[test]
    fn the_name_is_changed_where_it_is_the_tables() {
        let old = pair("s", "a\"(b");
        let text = "CREATE UNLOGGED TABLE s.\"a\"\"(b\" (\n    x integer DEFAULT f('s.\"a\"\"(b\"; '),\n    \
            CONSTRAINT c CHECK ((x > 1))\n)\nWITH (fillfactor='90');\n\
            ALTER TABLE ONLY s.\"a\"\"(b\" ALTER COLUMN x SET STATISTICS 5;\n\n\n\
            ALTER TABLE ONLY s.\"a\"\"(b\" REPLICA IDENTITY FULL;\n";
        let made = definition(text, &old, &pair("S", "b")).unwrap();
        assert_eq!(
            made,
            "CREATE UNLOGGED TABLE \"S\".\"b\" (\n    x integer DEFAULT f('s.\"a\"\"(b\"; '),\n    \
             CONSTRAINT c CHECK ((x > 1))\n)\nWITH (fillfactor='90');\n\
             ALTER TABLE ONLY \"S\".\"b\" ALTER COLUMN x SET STATISTICS 5;\n"
        );
        let typed = "CREATE TABLE s.t OF s.pair (\n    x NOT NULL\n);\n";
        let made = definition(typed, &pair("s", "t"), &pair("s", "u")).unwrap();
        assert_eq!(made, "CREATE TABLE \"s\".\"u\" OF s.pair (\n    x NOT NULL\n);\n");
    }

    #[test]
    fn what_is_more_than_a_table_is_refused() {
        let refuses = |text: &str| {
            definition(text, &pair("s", "t"), &pair("s", "u")).unwrap_err().to_string()
        };
        let inherits = refuses("CREATE TABLE s.t (\n    a text DEFAULT ')'\n)\nINHERITS (s.p);\n");
        assert!(inherits.ends_with("it inherits columns from another table"), "{inherits}");
        let none = refuses("CREATE TABLE s.t (\n)\nINHERITS (s.p);\n");
        assert!(none.ends_with("it inherits columns from another table"), "{none}");
        assert!(
            refuses("CREATE TABLE s.t (\n    a date\n)\nPARTITION BY RANGE (a);\n")
                .ends_with("partitioned")
        );
        assert!(refuses("CREATE TABLE s.other (a int);\n").contains("does not know the form"));
        assert!(refuses("SELECT 1;\nCREATE TABLE s.t (a int);\n").contains("the form"));
    }
}
