//! What the operator says must be there.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::Level;
use crate::sql;

pub const EXPECTED: Check = Check {
    id: "schema.expected",
    kind: Kind::Static,
    title: "objects that must be there",
    why: "A restore that was not whole, or a migration that did not run, shows as an error of the \
          application hours later. A list of what it needs shows it now.",
    remedy: "Run the migrations that make it, or restore it; the list is the file that expected \
             in [check.schema] of pgtend.toml names, a line for each: \"table public.orders\", \
             \"column public.orders.id bigint\", \"function public.f(integer)\", \"extension \
             pg_trgm\".",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&OBJECTS],
    judge: expected,
};

const OBJECTS: Question = Question::of("objects", &[(130_000, sql::CHECK_OBJECTS)])
    .wanted(|settings| settings.schema_expected.is_some());

/// Where the lines of the file stand in the facts.
pub const LINES: &str = "schema.expected";

#[derive(Deserialize)]
struct Objects {
    kind: String,
    names: Vec<String>,
}

fn expected(look: &Look<'_>) -> Judged {
    let Some(lines) = look.facts.beside.get(LINES) else {
        return Err(Silence::not_applicable("pgtend.toml has no [check.schema] expected"));
    };
    let lines: Vec<String> = Vec::deserialize(lines)
        .map_err(|error| Silence::unknown(format!("the expected objects: {error}")))?;
    let rows: Vec<Objects> = look.rows(&OBJECTS)?;
    let there = There::of(rows);
    #[expect(clippy::cast_precision_loss, reason = "it is shown")]
    let wanted = lines.len() as f64;
    let mut verdict = look.verdict().saying(format!(
        "{} {} there",
        words::amount(wanted, "expected object"),
        if lines.len() == 1 { "is" } else { "are" }
    ));
    for line in lines {
        match there.missing(&line) {
            Missing::No => {}
            Missing::Gone => {
                verdict.find(Level::Critical, &line, format!("{line} is expected and not there"));
            }
            Missing::Other(is) => {
                verdict.find(Level::Critical, &line, format!("{line} is expected, it is {is}"));
            }
        }
    }
    Ok(verdict)
}

/// The kinds that a line can begin with.
pub const KINDS: [&str; 8] =
    ["table", "index", "function", "extension", "view", "sequence", "column", "schema"];

/// All that is there: by kind, the names with what they are.
struct There(BTreeMap<String, BTreeMap<String, String>>);

#[derive(Debug, PartialEq)]
enum Missing {
    No,
    Gone,
    /// It is there, as something else.
    Other(String),
}

impl There {
    fn of(rows: Vec<Objects>) -> Self {
        let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for Objects { kind, names } in rows {
            let named = all.entry(kind.clone()).or_default();
            for name in names {
                let (name, what) = split(&kind, &name);
                named.insert(name, what);
            }
        }
        Self(all)
    }

    /// Whether the object of a line of the file is there.
    fn missing(&self, line: &str) -> Missing {
        let (kind, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (mut name, what) = split(kind, rest.trim());
        if !matches!(kind, "extension" | "schema") && !name.contains('.') {
            name = format!("public.{name}");
        }
        let Some(all) = self.0.get(kind) else { return Missing::Gone };
        match all.get(&name) {
            // One of several functions of a name is enough where no arguments are given.
            None if kind == "function" && !name.contains('(') => {
                let start = format!("{name}(");
                match all.keys().any(|known| known.starts_with(&start)) {
                    true => Missing::No,
                    false => Missing::Gone,
                }
            }
            None => Missing::Gone,
            Some(is) if !what.is_empty() && *is != what => Missing::Other(is.clone()),
            Some(_) => Missing::No,
        }
    }
}

/// The name of an object and what it is: `public.orders.id` and `bigint`.
fn split(kind: &str, text: &str) -> (String, String) {
    match kind {
        "column" => {
            let mut quoted = false;
            let end = text.find(|c: char| {
                quoted ^= c == '"';
                !quoted && c.is_whitespace()
            });
            let (name, what) = text.split_at(end.unwrap_or(text.len()));
            (unquoted(name), full_type(what.trim()))
        }
        "function" => match text.split_once('(') {
            Some((name, arguments)) => {
                let arguments = arguments.trim_end_matches(')').split(',').map(str::trim);
                let arguments: Vec<String> = arguments.map(full_type).collect();
                (format!("{}({})", unquoted(name.trim()), arguments.join(",")), String::new())
            }
            None => (unquoted(text), String::new()),
        },
        _ => (unquoted(text), String::new()),
    }
}

/// Without the quotes that a name does not need: PostgreSQL quotes key words too.
fn unquoted(name: &str) -> String {
    let mut text = String::new();
    let mut parts = name.split('"');
    text.push_str(parts.next().unwrap_or_default());
    let mut quoted = true;
    for part in parts {
        let is_plain = !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        match quoted && !is_plain {
            true => text.extend(["\"", part, "\""]),
            false => text.push_str(part),
        }
        quoted = !quoted;
    }
    text
}

/// The name that PostgreSQL shows for a type; brackets stay where they are.
fn full_type(written: &str) -> String {
    let words: Vec<&str> = written.split_whitespace().collect();
    let written = words.join(" ");
    let end = written.find(['(', '[']).unwrap_or(written.len());
    let (name, rest) = written.split_at(end);
    let full = match name.trim() {
        "int" | "int4" | "serial" => "integer",
        "int8" | "bigserial" => "bigint",
        "int2" | "smallserial" => "smallint",
        "bool" => "boolean",
        "float8" => "double precision",
        "float4" => "real",
        "decimal" => "numeric",
        "varchar" => "character varying",
        "char" => "character",
        "timestamptz" => "timestamp with time zone",
        "timestamp" if rest.is_empty() => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" if rest.is_empty() => "time without time zone",
        other => other,
    };
    format!("{full}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_there_however_it_is_written() {
        let rows = |kind: &str, names: &[&str]| Objects {
            kind: kind.into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let there = There::of(vec![
            rows("table", &["public.orders", "public.\"user\"", "app.\"Odd t\""]),
            rows(
                "column",
                &["public.orders.id bigint", "app.\"Odd t\".\"A b\" character varying(9)"],
            ),
            rows("function", &["public.f(integer,timestamp with time zone)", "public.g()"]),
            rows("extension", &["plpgsql", "\"uuid-ossp\""]),
        ]);
        for line in [
            "table public.orders",
            "table orders",
            "table public.user",
            "table \"public\".\"orders\"",
            "table app.\"Odd t\"",
            "column public.orders.id",
            "column public.orders.id int8",
            "column app.\"Odd t\".\"A b\"  varchar(9)",
            "function public.f(int4, timestamptz)",
            "function f",
            "function g()",
            "extension \"uuid-ossp\"",
        ] {
            assert_eq!(there.missing(line), Missing::No, "{line}");
        }
        for line in
            ["table app.orders", "view public.orders", "function f(integer)", "extension hstore"]
        {
            assert_eq!(there.missing(line), Missing::Gone, "{line}");
        }
        let other = Missing::Other("bigint".into());
        assert_eq!(there.missing("column public.orders.id integer"), other);
    }
}
