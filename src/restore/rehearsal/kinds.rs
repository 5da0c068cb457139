//! What not every role may create, and functions in languages that are not there.

use crate::archive::toc::Entry;
use crate::restore::words::{Word, after_first, words};

use super::Rehearsal;

/// Kinds that only a superuser may create, and how they are called.
const SUPERUSER_ONLY: [(&str, &str); 10] = [
    ("ACCESS METHOD", "access methods"),
    ("EVENT TRIGGER", "event triggers"),
    ("FOREIGN DATA WRAPPER", "foreign-data wrappers"),
    ("OPERATOR CLASS", "operator classes"),
    ("OPERATOR FAMILY", "operator families"),
    ("PROCEDURAL LANGUAGE", "languages"),
    ("PUBLICATION TABLES IN SCHEMA", "publications of whole schemas"),
    ("SHELL TYPE", "base types"),
    ("TEXT SEARCH PARSER", "text search parsers"),
    ("TEXT SEARCH TEMPLATE", "text search templates"),
];

/// The superuser's kinds that the admins of some services may create.
const LENT: [&str; 3] = ["EVENT TRIGGER", "PUBLICATION TABLES IN SCHEMA", "PUBLICATION"];

impl Rehearsal<'_> {
    pub(super) fn kinds(&mut self) {
        for index in self.all_planned() {
            if let Some(reason) = self.why_no_object(index) {
                let need = format!("needs {}: {reason}", self.plan.toc.entries[index].label());
                self.leave_out(index, &reason, &need);
            }
        }
        self.user_mappings();
    }

    /// Why an entry's object cannot be made here; `None` when nothing speaks against it.
    fn why_no_object(&self, index: usize) -> Option<String> {
        let entry = &self.plan.toc.entries[index];
        if matches!(entry.kind(), "FUNCTION" | "PROCEDURE" | "AGGREGATE") {
            return self.why_no_function(index);
        }
        // Statistics move with pg_restore_relation_stats(), which came with 18.
        if entry.kind() == "STATISTICS DATA" && self.facts.major() < 18 {
            return Some("the target knows no import of statistics: ANALYZE makes them".to_owned());
        }
        if self.facts.superuser {
            return None;
        }
        let lent = self.facts.provider.is_some_and(|p| p.lends_replication());
        if lent && LENT.contains(&entry.kind()) {
            return None;
        }
        if let Some(what) = only_for_superusers(entry) {
            return Some(format!("only a superuser may create {what}"));
        }
        match entry.kind() {
            "SUBSCRIPTION" if !self.facts.may_subscribe && !lent => {
                Some(if self.facts.major() < 16 {
                    "only a superuser may create subscriptions".to_owned()
                } else {
                    format!("role {} is no member of pg_create_subscription", self.role())
                })
            }
            "PUBLICATION" | "SUBSCRIPTION" if !self.facts.may_create => {
                Some(format!("role {} lacks CREATE on the database", self.role()))
            }
            "CAST" | "TRANSFORM" if !self.has_own_type(entry) => {
                Some("only the owner of one of its types may create it".to_owned())
            }
            "SERVER" => self.why_no_server(entry),
            _ => None,
        }
    }

    /// Whether one of the types that an entry is about comes with it.
    fn has_own_type(&self, entry: &Entry) -> bool {
        entry.dependencies().filter_map(|id| self.plan.index_of(id)).any(|other| {
            let kind = self.plan.toc.entries[other].kind();
            let types = ["TYPE", "DOMAIN", "TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE"];
            self.plan.is_planned(other) && types.contains(&kind)
        })
    }

    fn why_no_server(&self, entry: &Entry) -> Option<String> {
        let wrapper = after_first(entry.definition(), "WRAPPER")?.next()?.name()?.into_owned();
        let closed = self.facts.wrappers.get(&wrapper) == Some(&false);
        closed.then(|| {
            let role = self.role();
            format!("role {role} lacks USAGE on the foreign-data wrapper {wrapper}")
        })
    }

    fn why_no_function(&self, index: usize) -> Option<String> {
        let entry = &self.plan.toc.entries[index];
        if entry.kind() == "AGGREGATE" {
            let internal = !self.facts.superuser && has_internal_state(entry.definition());
            return internal
                .then(|| "only a superuser may create aggregates over internal state".to_owned());
        }
        let function = Function::of(entry.definition())?;
        match self.facts.languages.get(&function.language) {
            None if self.of_planned_extension(index) || self.makes_language(&function.language) => {
            }
            None => return Some(format!("language {} does not exist here", function.language)),
            Some(true) => {}
            Some(false) => {
                let role = self.role();
                let language = function.language;
                return Some(format!("role {role} may not write functions in language {language}"));
            }
        }
        if self.facts.superuser {
            return None;
        }
        if let Some(option) = function.superuser_option {
            return Some(format!("only a superuser may create functions with {option}"));
        }
        let open = |name: &&String| self.facts.settings.get(*name) == Some(&true);
        let closed = function.settings.iter().find(|name| !open(name))?;
        // Admins of services are lent some of them; which, nobody can ask.
        (self.facts.provider.is_none())
            .then(|| format!("role {} may not set {closed}", self.role()))
    }

    fn makes_language(&self, language: &str) -> bool {
        let names = |index: &usize| self.plan.toc.entries[*index].name() == language;
        self.planned(&["PROCEDURAL LANGUAGE", "EXTENSION"]).iter().any(names)
    }

    /// pg_dump notes no dependency of a user mapping on its server.
    fn user_mappings(&mut self) {
        for index in self.planned(&["USER MAPPING"]) {
            let Some(server) = after_first(self.plan.toc.entries[index].definition(), "SERVER")
                .and_then(|mut words| Some(words.next()?.name()?.into_owned()))
            else {
                continue;
            };
            let mut entries = self.plan.toc.entries.iter().enumerate();
            let found = entries.find(|(_, e)| e.kind() == "SERVER" && e.name() == server);
            if let Some((at, _)) = found
                && !self.plan.is_planned(at)
            {
                let reason = format!("needs server {server}, which is left out");
                self.leave_out(index, &reason, &reason);
            }
        }
    }
}

/// What an entry is, if only a superuser may create it.
fn only_for_superusers(entry: &Entry) -> Option<&'static str> {
    let kind = entry.kind();
    if let Some((_, what)) = SUPERUSER_ONLY.iter().find(|(name, _)| *name == kind) {
        return Some(what);
    }
    let mut all = words(entry.definition());
    match kind {
        "TYPE" => {
            // A base type has its options where others have AS.
            let first = all.find(|word| *word == Word::Sign('(') || word.is("AS"))?;
            (first == Word::Sign('(')).then_some("base types")
        }
        "PUBLICATION" => {
            let kind = after_first(entry.definition(), "FOR")?.next()?;
            kind.is("ALL").then_some("publications of all tables")
        }
        "CAST" => {
            let how = after_first(entry.definition(), "WITHOUT")?.next()?;
            how.is("FUNCTION").then_some("casts without a function")
        }
        _ => None,
    }
}

fn has_internal_state(definition: &str) -> bool {
    let mut all = words(definition);
    while let Some(word) = all.next() {
        if word.is("STYPE") || word.is("MSTYPE") {
            let mut value = all.clone();
            if value.next() == Some(Word::Sign('='))
                && value.next().is_some_and(|word| word.is("internal"))
            {
                return true;
            }
        }
    }
    false
}

/// The head of a function.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    language: String,
    /// LEAKPROOF or SUPPORT.
    superuser_option: Option<&'static str>,
    /// Names in lower case of what it sets.
    settings: Vec<String>,
}

impl Function {
    /// Reads `CREATE FUNCTION .. LANGUAGE x .. AS`; `None` when there is no LANGUAGE.
    fn of(definition: &str) -> Option<Self> {
        let mut all = words(definition);
        let (mut depth, mut before) = (0_u32, Word::Sign(' '));
        for word in all.by_ref() {
            match word {
                Word::Sign('(') => depth += 1,
                Word::Sign(')') => depth = depth.saturating_sub(1),
                // Not a name behind a schema.
                _ if depth == 0 && word.is("LANGUAGE") && before != Word::Sign('.') => break,
                _ => {}
            }
            before = word;
        }
        let language = all.next()?.name()?.into_owned();
        let mut function = Self { language, superuser_option: None, settings: Vec::new() };
        while let Some(word) = all.next() {
            if ["AS", "BEGIN", "RETURN"].iter().any(|end| word.is(end)) {
                break;
            } else if word.is("LEAKPROOF") {
                function.superuser_option = Some("LEAKPROOF");
            } else if word.is("SUPPORT") {
                function.superuser_option = Some("SUPPORT");
            } else if word.is("SET") {
                let name = all.next().and_then(|word| Some(word.name()?.to_lowercase()));
                function.settings.extend(name);
            }
        }
        Some(function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::entry;

    #[test]
    fn the_head_of_a_function_is_read() {
        let head = "CREATE FUNCTION app.language(\"LANGUAGE c\" integer DEFAULT 3, OUT x integer) \
                    RETURNS app.language\n    LANGUAGE plpgsql IMMUTABLE LEAKPROOF\n    \
                    SET search_path TO ''\n    SET \"TimeZone\" TO 'UTC'\n    \
                    AS $_$ SET work_mem; LANGUAGE c $_$;";
        let expected = Function {
            language: "plpgsql".into(),
            superuser_option: Some("LEAKPROOF"),
            settings: vec!["search_path".into(), "timezone".into()],
        };
        assert_eq!(Function::of(head), Some(expected));
        let body = "CREATE PROCEDURE p()\n LANGUAGE sql\n BEGIN ATOMIC\n SET a = 1;\nEND;";
        assert!(Function::of(body).is_some_and(|function| function.settings.is_empty()));
        assert_eq!(Function::of("-- nothing"), None);
    }

    #[test]
    fn what_only_superusers_may_create_is_told_from_the_rest() {
        let what = |kind, definition| only_for_superusers(&entry(1, kind, "s", "n", definition));
        let cases = [
            ("TYPE", "CREATE TYPE a.bt (\n    INPUT = a.i\n);", true),
            ("TYPE", "CREATE TYPE a.pair AS (\n x integer\n);", false),
            ("TYPE", "CREATE TYPE a.\"(\" AS ENUM (\n 'x'\n);", false),
            ("PUBLICATION", "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'x');", true),
            ("PUBLICATION", "CREATE PUBLICATION p WITH (publish = 'x');", false),
            ("CAST", "CREATE CAST (integer AS a.b) WITHOUT FUNCTION;", true),
            ("CAST", "CREATE CAST (integer AS a.b) WITH INOUT;", false),
            ("EVENT TRIGGER", "", true),
            ("TABLE", "", false),
        ];
        for (kind, definition, expected) in cases {
            assert_eq!(what(kind, definition).is_some(), expected, "{definition}");
        }
    }

    #[test]
    fn internal_state_is_seen() {
        assert!(has_internal_state(
            "CREATE AGGREGATE a(int) (\n SFUNC = f,\n STYPE = internal\n);"
        ));
        assert!(!has_internal_state(
            "CREATE AGGREGATE a(internal) (\n SFUNC = f,\n STYPE = int8\n);"
        ));
    }
}
