//! What an entry makes or speaks of, as the target's catalog knows it.

use crate::archive::toc::Entry;

use super::plan::Plan;
use super::words::{Word, Words, after_first, words};

/// An object by its class in `sql/restore/existing.sql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `relation`, `type`, `function` ..
    pub class: &'static str,
    /// Its schema; empty for objects that have none.
    pub schema: String,
    /// Its name; of a function with the types of its arguments.
    pub name: String,
}

/// The class of the objects of one kind; `None` for parts of others (constraints, triggers,
/// comments) and for what cannot be named by its entry alone (operators and their classes).
fn class(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "TABLE" | "VIEW" | "MATERIALIZED VIEW" | "SEQUENCE" | "INDEX" | "FOREIGN TABLE" => {
            "relation"
        }
        "TYPE" | "SHELL TYPE" | "DOMAIN" => "type",
        "FUNCTION" | "PROCEDURE" | "AGGREGATE" => "function",
        "COLLATION" => "collation",
        "CONVERSION" => "conversion",
        "STATISTICS" => "statistics",
        "TEXT SEARCH PARSER" => "text search parser",
        "TEXT SEARCH TEMPLATE" => "text search template",
        "TEXT SEARCH DICTIONARY" => "text search dictionary",
        "TEXT SEARCH CONFIGURATION" => "text search configuration",
        "CAST" => "cast",
        "EVENT TRIGGER" => "event trigger",
        "PUBLICATION" => "publication",
        "SUBSCRIPTION" => "subscription",
        "FOREIGN DATA WRAPPER" => "wrapper",
        // The latter in the names of rights.
        "SERVER" | "FOREIGN SERVER" => "server",
        "PROCEDURAL LANGUAGE" | "LANGUAGE" => "language",
        "ACCESS METHOD" => "access method",
        _ => return None,
    })
}

/// The object that an entry makes.
pub fn made_by(entry: &Entry) -> Option<Object> {
    let class = class(entry.kind())?;
    Some(Object { class, schema: entry.schema().to_owned(), name: entry.name().to_owned() })
}

/// The large objects that an entry makes.
pub fn large_objects_made_by(entry: &Entry) -> Vec<&str> {
    match entry.kind() {
        "BLOB" => vec![entry.name()],
        "BLOB METADATA" => entry.definition().lines().collect(),
        _ => Vec::new(),
    }
}

/// The object that rights, a comment, a label or rows belong to, when the archive does not make
/// it itself: it is the server's own or an extension's.
pub fn foreign(plan: &Plan, entry: &Entry) -> Option<Object> {
    if entry.dependencies().any(|id| plan.index_of(id).is_some()) {
        return None;
    }
    named_by(entry)
}

/// What rights, a comment, a label or rows belong to.
fn named_by(entry: &Entry) -> Option<Object> {
    let schema = entry.schema().to_owned();
    let object =
        |class, name: &str| Object { class, schema: schema.clone(), name: name.to_owned() };
    match entry.kind() {
        "TABLE DATA" | "SEQUENCE SET" => Some(object("relation", entry.name())),
        "ACL" | "COMMENT" | "SECURITY LABEL" => {
            let tag = entry.name();
            if let Some(name) = tag.strip_prefix("SCHEMA ") {
                return Some(object("schema", name));
            }
            if tag.starts_with("COLUMN ") {
                return Some(object("relation", &table_of_column_rights(entry.definition())?));
            }
            // The longest kind first: `TEXT SEARCH PARSER` is not a `TEXT`.
            let mut ends: Vec<usize> = tag.match_indices(' ').map(|(at, _)| at).collect();
            ends.reverse();
            let found = ends.into_iter().find_map(|at| Some((class(&tag[..at])?, &tag[at + 1..])));
            found.map(|(class, name)| object(class, name))
        }
        _ => None,
    }
}

/// `t` of `GRANT SELECT(id) ON TABLE app.t TO reader`.
fn table_of_column_rights(definition: &str) -> Option<String> {
    let mut words = after_first(definition, "ON")?;
    if !words.next()?.is("TABLE") {
        return None;
    }
    Some(qualified(&mut words)?.1)
}

/// A name with or without a schema, from the front of `words`.
pub fn qualified(words: &mut Words<'_>) -> Option<(Option<String>, String)> {
    let first = words.next()?.name()?.into_owned();
    let mut ahead = words.clone();
    if ahead.next() != Some(Word::Sign('.')) {
        return Some((None, first));
    }
    let second = ahead.next()?.name()?.into_owned();
    *words = ahead;
    Some((Some(first), second))
}

/// Whether `definition` names something in `schema`: `schema.x`.
pub fn names_schema(definition: &str, schema: &str) -> bool {
    let mut before: Option<bool> = None;
    for word in words(definition) {
        if before == Some(true) && word == Word::Sign('.') {
            return true;
        }
        before = Some(word.name().is_some_and(|name| name == schema));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::{entry, toc};

    fn object(class: &'static str, schema: &str, name: &str) -> Option<Object> {
        Some(Object { class, schema: schema.into(), name: name.into() })
    }

    #[test]
    fn rights_of_others_objects_say_whose() {
        let tags = [
            ("ACL", "TABLE we ird", object("relation", "s", "we ird")),
            ("ACL", "FUNCTION f(integer, text)", object("function", "s", "f(integer, text)")),
            ("COMMENT", "TEXT SEARCH PARSER p", object("text search parser", "s", "p")),
            ("ACL", "FOREIGN DATA WRAPPER w x", object("wrapper", "s", "w x")),
            ("ACL", "SCHEMA public", object("schema", "s", "public")),
            ("COMMENT", "OPERATOR +", None),
        ];
        for (kind, tag, expected) in tags {
            assert_eq!(named_by(&entry(1, kind, "s", tag, "")), expected, "{tag}");
        }
        let column =
            entry(1, "ACL", "s", "COLUMN a.b.c", "GRANT SELECT(c) ON TABLE s.\"a.b\" TO x;");
        assert_eq!(named_by(&column), object("relation", "s", "a.b"));
    }

    #[test]
    fn objects_of_the_archive_are_not_foreign() {
        let plan = Plan::new(toc(
            "15.1",
            vec![
                entry(7, "TABLE", "s", "t", ""),
                entry(8, "ACL", "s", "TABLE t", "").depending_on(&[7]),
                entry(9, "ACL", "s", "TABLE u", "").depending_on(&[12]),
            ],
        ));
        assert_eq!(foreign(&plan, &plan.toc.entries[1]), None);
        assert_eq!(foreign(&plan, &plan.toc.entries[2]), object("relation", "s", "u"));
    }

    #[test]
    fn a_schema_is_named_by_what_stands_before_a_dot() {
        assert!(names_schema("CREATE TABLE app.t (h \"ext\".hstore)", "ext"));
        assert!(!names_schema("CREATE TABLE app.t (ext text DEFAULT 'ext.x')", "ext"));
    }
}
