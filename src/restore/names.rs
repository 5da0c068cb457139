//! Names of tables and schemas as an operator types them.
//!
//! `table` or `schema.table`, each with quotes as SQL has them (`"We ird"."T"`; a quote within is
//! doubled). Without quotes a name is taken as it is written, so that `--table Orders` finds the
//! table "Orders"; only where that finds nothing is it folded to lower case, as SQL would. What
//! holds a dot or a quote needs quotes.

use std::collections::BTreeMap;

use super::belonging::is_relation;
use super::plan::Plan;
use crate::error::{Error, Result};

/// How many names a message lists.
const SHOWN: usize = 5;

/// A name as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    schema: Option<Part>,
    name: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    text: String,
    quoted: bool,
}

impl Part {
    fn is(&self, name: &str, fold: bool) -> bool {
        if fold && !self.quoted { name == self.text.to_lowercase() } else { name == self.text }
    }
}

impl Name {
    /// Reads `table` or `schema.table`.
    pub fn table(written: &str) -> Result<Self> {
        let (first, rest) = part(written).ok_or_else(|| unreadable(written))?;
        if rest.is_empty() {
            return Ok(Self { schema: None, name: first });
        }
        let second = rest.strip_prefix('.').and_then(part);
        match second {
            Some((name, "")) => Ok(Self { schema: Some(first), name }),
            _ => Err(unreadable(written)),
        }
    }

    /// Reads a schema's name; here a dot needs no quotes.
    pub fn schema(written: &str) -> Result<Self> {
        let name = if written.starts_with('"') {
            part(written).filter(|(_, rest)| rest.is_empty()).map(|(part, _)| part)
        } else {
            (!written.is_empty()).then(|| Part { text: written.to_owned(), quoted: false })
        };
        Ok(Self { schema: None, name: name.ok_or_else(|| unreadable(written))? })
    }

    /// The schema, where one was given, and the name, as they are written.
    pub fn into_written(self) -> (Option<String>, String) {
        (self.schema.map(|schema| schema.text), self.name.text)
    }

    fn is(&self, schema: &str, name: &str, fold: bool) -> bool {
        self.name.is(name, fold) && self.schema.as_ref().is_none_or(|part| part.is(schema, fold))
    }
}

/// One part of a name and what follows it.
fn part(text: &str) -> Option<(Part, &str)> {
    if text.starts_with('"') {
        let (name, rest) = super::statement::identifier(text)?;
        return (!name.is_empty()).then_some((Part { text: name, quoted: true }, rest));
    }
    let end = text.find(['.', '"']).unwrap_or(text.len());
    (end > 0).then(|| (Part { text: text[..end].to_owned(), quoted: false }, &text[end..]))
}

fn unreadable(written: &str) -> Error {
    Error::usage(format!("{written:?} is no name"))
        .next("give table or schema.table, a name with a dot or a quote as \"na.me\"")
}

/// A name in the form in which it can be typed.
fn typed(name: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '.' | '"' | '\'');
    if name.chars().all(plain) { name.to_owned() } else { crate::sql::quote_name(name) }
}

/// `schema.table` in the form in which it can be typed.
pub fn typed_table(schema: &str, name: &str) -> String {
    format!("{}.{}", typed(schema), typed(name))
}

/// The one relation of the backup that is meant by `written`: a table, view, materialised view,
/// sequence or foreign table.
pub fn find_table(plan: &Plan, written: &str) -> Result<usize> {
    let name = Name::table(written)?;
    let relations = || plan.toc.entries.iter().enumerate().filter(|(_, entry)| is_relation(entry));
    for fold in [false, true] {
        let found: Vec<_> =
            relations().filter(|(_, e)| name.is(e.schema(), e.name(), fold)).collect();
        match found[..] {
            [] => {}
            [(index, _)] => return Ok(index),
            _ => {
                let names = found.iter().map(|(_, e)| typed_table(e.schema(), e.name()));
                let mut names: Vec<String> = names.collect();
                names.sort();
                return Err(Error::usage(format!("the backup has several tables {written}"))
                    .because(list(&names))
                    .next(format!("give one of them with its schema: --table {}", names[0])));
            }
        }
    }
    let bare = name.schema.is_none();
    let known = relations().map(|(_, e)| {
        let full = typed_table(e.schema(), e.name());
        (if bare { e.name().to_owned() } else { full.clone() }, full)
    });
    Err(unknown("table, view or sequence", written, known.collect()))
}

/// The schema of the backup that is meant by `written`.
pub fn find_schema(plan: &Plan, written: &str) -> Result<String> {
    let name = Name::schema(written)?;
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in &plan.toc.entries {
        let schema = if entry.kind() == "SCHEMA" { entry.name() } else { entry.schema() };
        if !schema.is_empty() {
            known.insert(schema, schema);
        }
    }
    for fold in [false, true] {
        if let Some(schema) = known.keys().find(|schema| name.is("", schema, fold)) {
            return Ok((*schema).to_owned());
        }
    }
    let known = known.keys().map(|schema| ((*schema).to_owned(), typed(schema))).collect();
    Err(unknown("schema", written, known))
}

/// `known`: what to compare with, and what to show.
fn unknown(what: &str, written: &str, known: Vec<(String, String)>) -> Error {
    let error = Error::usage(format!("the backup has no {what} {written}"));
    let lower = written.to_lowercase();
    let mut near: Vec<(usize, String)> = known
        .iter()
        .map(|(name, shown)| {
            (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), shown.clone())
        })
        .filter(|(distance, shown)| *distance <= shown.chars().count().div_ceil(3))
        .collect();
    near.sort();
    let near: Vec<String> = near.into_iter().map(|(_, shown)| shown).collect();
    if !near.is_empty() {
        return error.because(format!("the nearest: {}", list(&near)));
    }
    let all: Vec<String> = known.into_iter().map(|(_, shown)| shown).collect();
    if all.is_empty() {
        return error.because(format!("it has no {what} at all"));
    }
    error.because(format!("it has {}", list(&all)))
}

fn list(names: &[String]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<(Option<String>, String)> {
        Name::table(text).ok().map(Name::into_written)
    }

    #[test]
    fn names_are_read_as_sql_quotes_them() {
        let is = |schema: Option<&str>, name: &str| Some((schema.map(str::to_owned), name.into()));
        assert_eq!(written("orders"), is(None, "orders"));
        assert_eq!(written("public.Orders"), is(Some("public"), "Orders"));
        assert_eq!(written("\"We ird\".\"a.\"\"b\""), is(Some("We ird"), "a.\"b"));
        assert_eq!(written("We ird.T"), is(Some("We ird"), "T"));
        assert_eq!(written("\"a.b\""), is(None, "a.b"));
        for wrong in ["", ".", "a.", ".a", "a.b.c", "\"a", "a\"b", "\"a\"b", "\"\""] {
            assert_eq!(written(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unquoted_names_fold_only_when_asked_to() {
        let name = Name::table("Shop.Orders").unwrap();
        assert!(name.is("Shop", "Orders", false) && !name.is("shop", "orders", false));
        assert!(name.is("shop", "orders", true));
        let name = Name::table("\"Shop\".Orders").unwrap();
        assert!(!name.is("shop", "orders", true) && name.is("Shop", "orders", true));
    }

    #[test]
    fn a_name_is_shown_as_it_can_be_typed() {
        assert_eq!(typed_table("shop", "Orders"), "shop.Orders");
        assert_eq!(typed_table("We ird", "a.\"b"), "\"We ird\".\"a.\"\"b\"");
    }
}
