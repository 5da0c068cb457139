//! Whether a table of contents says of itself what it does: the statements that pgtend runs out
//! of it (`COPY`, and for `--clean` the drops) must be about the entry that the operator sees.
//!
//! A backup's digests are no signature. Forms as pg_dump 15 to 18 writes them.

use super::belonging::Belonging;
use super::plan::Plan;
use super::statement::{Qualified, altered, identifier, parenthesis, qualified};
use super::words::split;
use crate::archive::toc::{Entry, Toc};

/// Why a `toc.dat` is not what pg_dump writes; `None` when it may be.
pub fn complaint(toc: &Toc) -> Option<String> {
    if let Some(complaint) = complaint_of_drops(toc) {
        return Some(complaint);
    }
    let rows = toc.entries.iter().enumerate().filter(|(_, entry)| entry.is_table_data());
    let mut roots = None;
    for (index, entry) in rows {
        let own = match copied(entry.copy_statement()) {
            Some(target) if is(entry, &target) => true,
            Some(target) if entry.loads_via_root() => {
                roots.get_or_insert_with(|| Roots::new(toc)).has(index, &target)
            }
            _ => false,
        };
        if !own {
            return Some(told(entry, entry.copy_statement()));
        }
    }
    None
}

/// The same for the statements that drop alone.
pub fn complaint_of_drops(toc: &Toc) -> Option<String> {
    let entry = toc.entries.iter().find(|entry| !drops_itself(entry))?;
    Some(told(entry, entry.drop_statement()))
}

fn told(entry: &Entry, statement: &str) -> String {
    let start: String = statement.trim().chars().take(200).collect();
    format!("toc.dat is not what pg_dump writes: {} has the statement {start}", entry.label())
}

fn is(entry: &Entry, (schema, name): &Qualified) -> bool {
    entry.schema() == schema && entry.name() == name
}

/// The table of `COPY s.t (a, b) FROM stdin;` and nothing else.
fn copied(statement: &str) -> Option<Qualified> {
    let (table, rest) = qualified(statement.strip_prefix("COPY ")?)?;
    let rest = rest.trim_start();
    let rest = match parenthesis(rest) {
        Some((columns, rest)) if are_names(columns) => rest,
        Some(_) => return None,
        // A table without columns.
        None => rest,
    };
    (rest.trim() == "FROM stdin;").then_some(table)
}

fn are_names(list: &str) -> bool {
    let mut rest = list;
    while let Some((_, after)) = identifier(rest) {
        match after.strip_prefix(", ") {
            Some(next) => rest = next,
            None => return after.is_empty(),
        }
    }
    false
}

/// The partitioned tables above each entry's table.
struct Roots {
    plan: Plan,
    belonging: Belonging,
    attaches: bool,
}

impl Roots {
    fn new(toc: &Toc) -> Self {
        let plan = Plan::new(toc.clone());
        let belonging = Belonging::new(&plan);
        let attaches = toc.entries.iter().any(|entry| entry.kind() == "TABLE ATTACH");
        Self { plan, belonging, attaches }
    }

    /// Whether the rows of entry number `index` may be copied into `target`.
    fn has(&self, index: usize, target: &Qualified) -> bool {
        if !self.attaches {
            // Before 14 a partition was attached where it is made.
            let mut entries = self.plan.toc.entries.iter();
            return entries.any(|entry| {
                entry.kind() == "TABLE"
                    && is(entry, target)
                    && entry.definition().contains("PARTITION BY")
            });
        }
        let above = |table: &usize| self.belonging.root(*table);
        std::iter::successors(self.belonging.owner(index), above)
            .skip(1)
            .any(|root| is(self.plan.entry(root), target))
    }
}

/// Whether an entry's drop statement drops what the entry says that it is.
fn drops_itself(entry: &Entry) -> bool {
    let all = split(entry.drop_statement());
    let [statement] = all[..] else { return all.is_empty() };
    let kind = entry.kind();
    // Not used: pgtend drops these by itself, or never.
    if matches!(kind, "DATABASE" | "DATABASE PROPERTIES" | "BLOB" | "BLOB METADATA" | "BLOBS") {
        return true;
    }
    is_bare(statement) && drops(entry, kind, statement).unwrap_or(false)
}

/// Outside of double quotes there is nothing that could hide the end of a statement.
fn is_bare(statement: &str) -> bool {
    // A doubled quote ends one name and begins the next: the same here.
    let outside: Vec<&str> = statement.split('"').step_by(2).collect();
    let hides = |part: &&str| {
        part.contains(['\'', '$', ';', '\\']) || part.contains("--") || part.contains("/*")
    };
    statement.matches('"').count().is_multiple_of(2) && !outside.iter().any(hides)
}

fn drops(entry: &Entry, kind: &str, statement: &str) -> Option<bool> {
    match kind {
        "CONSTRAINT" | "CHECK CONSTRAINT" | "FK CONSTRAINT" | "DEFAULT" | "ROW SECURITY" => {
            return of_table(entry, statement);
        }
        "PUBLICATION TABLE" | "PUBLICATION TABLES IN SCHEMA" => {
            let (_, rest) = identifier(statement.strip_prefix("ALTER PUBLICATION ")?)?;
            return Some(rest.starts_with(" DROP TABLE"));
        }
        "RULE" if statement.starts_with("CREATE OR REPLACE VIEW ") => {
            let ((schema, view), _) =
                qualified(statement.strip_prefix("CREATE OR REPLACE VIEW ")?)?;
            let is_own = entry.name().strip_prefix(&view) == Some(" _RETURN");
            return Some(schema == entry.schema() && is_own);
        }
        _ => {}
    }
    let dropped = if kind == "SHELL TYPE" { "TYPE" } else { kind };
    let rest = statement.strip_prefix("DROP ")?.strip_prefix(dropped)?.strip_prefix(' ')?;
    let rest = rest.strip_prefix("IF EXISTS ").unwrap_or(rest);
    let of_this = |found: Qualified| is(entry, &found);
    Some(match kind {
        "TABLE"
        | "FOREIGN TABLE"
        | "VIEW"
        | "MATERIALIZED VIEW"
        | "SEQUENCE"
        | "INDEX"
        | "DOMAIN"
        | "COLLATION"
        | "CONVERSION"
        | "STATISTICS"
        | "TEXT SEARCH PARSER"
        | "TEXT SEARCH DICTIONARY"
        | "TEXT SEARCH TEMPLATE"
        | "TEXT SEARCH CONFIGURATION" => {
            let (found, rest) = qualified(rest)?;
            of_this(found) && rest.is_empty()
        }
        "TYPE" | "SHELL TYPE" => {
            let (found, rest) = qualified(rest)?;
            of_this(found) && matches!(rest, "" | " CASCADE")
        }
        "OPERATOR CLASS" | "OPERATOR FAMILY" => {
            let (found, rest) = qualified(rest)?;
            let (_, rest) = identifier(rest.strip_prefix(" USING ")?)?;
            of_this(found) && rest.is_empty()
        }
        "FUNCTION" | "PROCEDURE" | "AGGREGATE" => {
            let ((schema, name), rest) = qualified(rest)?;
            let (_, rest) = parenthesis(rest)?;
            // The tag has the arguments' types only.
            let is_own = entry.name().strip_prefix(&name)?.starts_with('(');
            schema == entry.schema() && is_own && rest.is_empty()
        }
        "OPERATOR" => {
            let (schema, rest) = identifier(rest)?;
            let rest = rest.strip_prefix('.')?.strip_prefix(entry.name())?;
            let (_, rest) = parenthesis(rest.strip_prefix(' ')?)?;
            schema == entry.schema() && rest.is_empty()
        }
        "TRIGGER" | "POLICY" | "RULE" => {
            let (name, rest) = identifier(rest)?;
            let ((schema, table), rest) = qualified(rest.strip_prefix(" ON ")?)?;
            schema == entry.schema() && entry.name() == format!("{table} {name}") && rest.is_empty()
        }
        "SCHEMA"
        | "EXTENSION"
        | "PROCEDURAL LANGUAGE"
        | "ACCESS METHOD"
        | "EVENT TRIGGER"
        | "FOREIGN DATA WRAPPER"
        | "SERVER"
        | "PUBLICATION"
        | "SUBSCRIPTION" => {
            let (name, rest) = identifier(rest)?;
            name == entry.name() && rest.is_empty()
        }
        // Casts, transforms, user mappings, and what later versions have: of this kind at least.
        _ => !rest.contains(','),
    })
}

/// `ALTER TABLE ONLY s.t DROP CONSTRAINT c` of `t c`, and the like.
fn of_table(entry: &Entry, statement: &str) -> Option<bool> {
    let ((schema, table), change) = altered(statement)?;
    if schema != entry.schema() {
        return Some(false);
    }
    if entry.kind() == "ROW SECURITY" {
        return Some(entry.name() == table && change == " DISABLE ROW LEVEL SECURITY");
    }
    let (name, rest) = match entry.kind() {
        "DEFAULT" => {
            let (column, rest) = identifier(change.strip_prefix(" ALTER COLUMN ")?)?;
            (column, rest.strip_prefix(" DROP DEFAULT")?)
        }
        _ => identifier(change.strip_prefix(" DROP CONSTRAINT ")?)?,
    };
    Some(entry.name() == format!("{table} {name}") && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::{entry, toc};

    fn complains(kind: &str, schema: &str, name: &str, drop: &str) -> bool {
        let mut entry = entry(1, kind, schema, name, "");
        entry.drop = Some(drop.into());
        complaint(&toc("18.0", vec![entry])).is_some()
    }

    #[test]
    fn what_pg_dump_drops_is_what_the_entry_says() {
        for (kind, schema, name, drop) in [
            ("TABLE", "s", "t", "DROP TABLE s.t;\n"),
            ("TABLE", "s;", "t\"; --", "DROP TABLE \"s;\".\"t\"\"; --\";\n"),
            ("TYPE", "s", "b", "DROP TYPE s.b CASCADE;\n"),
            ("SHELL TYPE", "s", "b", "DROP TYPE s.b;\n"),
            ("SCHEMA", "", "we ird", "DROP SCHEMA \"we ird\";\n"),
            ("SCHEMA", "", "public", "-- *not* dropping schema, since initdb creates it\n"),
            ("FUNCTION", "s", "f(integer, text)", "DROP FUNCTION s.f(a integer, b text);\n"),
            ("AGGREGATE", "s", "a(*)", "DROP AGGREGATE s.a(*);\n"),
            ("OPERATOR", "s", "+", "DROP OPERATOR s.+ (integer, integer);\n"),
            ("OPERATOR CLASS", "s", "o", "DROP OPERATOR CLASS s.o USING btree;\n"),
            ("CAST", "", "CAST (a AS b)", "DROP CAST (s.a AS s.b);\n"),
            ("TRIGGER", "s", "t x", "DROP TRIGGER x ON s.t;\n"),
            ("FK CONSTRAINT", "s", "t c", "ALTER TABLE ONLY s.t DROP CONSTRAINT c;\n"),
            ("CHECK CONSTRAINT", "s", "d c", "ALTER DOMAIN s.d DROP CONSTRAINT c;\n"),
            ("DEFAULT", "s", "t a", "ALTER TABLE ONLY s.t ALTER COLUMN a DROP DEFAULT;\n"),
            ("ROW SECURITY", "s", "t", "ALTER TABLE s.t DISABLE ROW LEVEL SECURITY;\n"),
            (
                "RULE",
                "s",
                "v _RETURN",
                "CREATE OR REPLACE VIEW s.v AS\nSELECT\n    NULL::integer AS \"it's\";\n",
            ),
            ("PUBLICATION TABLE", "s", "p t", "ALTER PUBLICATION p DROP TABLE ONLY s.t;\n"),
            ("BLOB", "", "12", "SELECT pg_catalog.lo_unlink('12');\n"),
            ("COMMENT", "s", "TABLE t", ""),
        ] {
            assert!(!complains(kind, schema, name, drop), "{kind}: {drop}");
        }
    }

    #[test]
    fn a_drop_of_something_else_is_a_complaint() {
        for (kind, schema, name, drop) in [
            ("TABLE", "s", "t", "DROP TABLE s.other;"),
            ("TABLE", "s", "t", "DROP TABLE other.t;"),
            ("TABLE", "s", "t", "DROP TABLE s.t, s.other;"),
            ("TABLE", "s", "t", "DROP TABLE s.t CASCADE;"),
            ("TABLE", "s", "t", "DROP TABLE s.t; DROP TABLE s.other;"),
            ("TABLE", "s", "t", "DROP SCHEMA s;"),
            ("TABLE", "s", "t", "DROP TABLE t;"),
            ("TABLE", "s", "t", "DELETE FROM s.other;"),
            ("SCHEMA", "", "a", "DROP SCHEMA b;"),
            ("VIEW", "s", "v", "DROP VIEW s.w;"),
            ("SEQUENCE", "s", "q", "DROP SEQUENCE s.r;"),
            ("INDEX", "s", "i", "DROP INDEX s.j;"),
            ("TYPE", "s", "b", "DROP TYPE s.c CASCADE;"),
            ("FUNCTION", "s", "f()", "DROP FUNCTION s.g();"),
            ("FUNCTION", "s", "f()", "DROP FUNCTION s.f() CASCADE;"),
            ("TRIGGER", "s", "t x", "DROP TRIGGER x ON s.u;"),
            ("FK CONSTRAINT", "s", "t c", "ALTER TABLE ONLY s.u DROP CONSTRAINT c;"),
            ("FK CONSTRAINT", "s", "t c", "ALTER TABLE ONLY s.t DROP CONSTRAINT c, DROP a;"),
            ("DEFAULT", "s", "t a", "ALTER TABLE s.t DROP COLUMN a;"),
            (
                "RULE",
                "s",
                "v _RETURN",
                "CREATE OR REPLACE VIEW s.v AS SELECT 1 /* ' */; DROP TABLE s.t; /* ' */",
            ),
            ("RULE", "s", "v _RETURN", "CREATE OR REPLACE VIEW s.w AS SELECT 1;"),
            ("COMMENT", "s", "TABLE t", "DROP TABLE s.t;"),
            ("NEW KIND", "", "x", "DO $$ BEGIN DROP TABLE s.t; END $$;"),
        ] {
            assert!(complains(kind, schema, name, drop), "{kind}: {drop}");
        }
    }

    fn rows(copy: &str) -> Entry {
        let mut rows = entry(2, "TABLE DATA", "s", "t", "").depending_on(&[1]);
        rows.copy = Some(copy.into());
        rows
    }

    #[test]
    fn rows_go_into_the_table_of_the_entry() {
        let complains = |copy: &str| complaint(&toc("18.0", vec![rows(copy)])).is_some();
        for copy in [
            "COPY s.t (a, \"b, c\", \"d)\"\"\") FROM stdin;\n",
            "COPY s.t  FROM stdin;\n",
            "COPY \"s\".\"t\" (a) FROM stdin;",
        ] {
            assert!(!complains(copy), "{copy}");
        }
        for copy in [
            "COPY s.other (a) FROM stdin;\n",
            "COPY other.t (a) FROM stdin;\n",
            "COPY t (a) FROM stdin;\n",
            "COPY s.t (a) FROM PROGRAM 'x' WITH (a) FROM stdin;\n",
            "COPY s.t () FROM stdin;\n",
            "COPY s.t (a) FROM stdin; DROP TABLE s.t; COPY s.t FROM stdin;\n",
            "TRUNCATE s.t;",
            "",
        ] {
            assert!(complains(copy), "{copy}");
        }
    }

    #[test]
    fn rows_go_into_the_root_of_their_partition_tree_where_they_are_to() {
        let table = |id, name| entry(id, "TABLE", "s", name, "");
        let attach = entry(4, "TABLE ATTACH", "s", "t", "").depending_on(&[1, 3]);
        let complains = |copy: &str, via_root: bool| {
            let mut rows = rows(copy);
            rows.defn = via_root.then(|| b"-- load via partition root s.root".to_vec());
            let entries =
                vec![table(1, "t"), table(3, "root"), table(5, "other"), attach.clone(), rows];
            complaint(&toc("18.0", entries)).is_some()
        };
        assert!(!complains("COPY s.root (a) FROM stdin;", true));
        assert!(complains("COPY s.root (a) FROM stdin;", false));
        assert!(complains("COPY s.other (a) FROM stdin;", true));
    }
}
