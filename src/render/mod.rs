//! Reports as bytes: text for people, JSON for programs.
//!
//! Numbers are in human units on the page and raw in JSON.

mod backup;
mod blocking;
mod check;
pub mod checks;
mod connections;
mod copy;
pub mod ended;
mod export;
mod exposition;
mod forecast;
mod grid;
pub mod metrics;
mod party;
mod permissions;
mod pgbouncer;
mod plugin;
mod prune;
mod restore;
mod self_test;
mod server;
mod settings;
mod sheet;
mod slow_queries;
pub mod story;
mod table_locks;
mod units;
mod verify;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::report::{Failure, Report};
use crate::settings::masked;

pub use exposition::{Metric, exposition};
pub use plugin::{Performance, Plugin, plugin};
pub use sheet::{Sheet, csv, markdown};
pub use units::{amount, bytes, count, duration, rate};

/// What the page can show.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Columns.
    pub width: u16,
}

/// A report that people read.
pub trait Text {
    /// Lines, each with its end.
    fn text(&self, page: &Page) -> String;

    /// The same as tables of raw values, for csv and markdown; none where a report has none.
    fn sheets(&self) -> Vec<Sheet> {
        Vec::new()
    }

    /// The same as the line of a monitoring plugin.
    fn plugin(&self) -> Option<Plugin> {
        None
    }

    /// The same as metrics.
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    /// The same as results of tests: JUnit's XML.
    ///
    /// # Errors
    /// A bug, when it cannot be written; a report without tests.
    fn junit(&self) -> Result<String> {
        Err(Error::bug("this report has no tests"))
    }

    /// The same in the interchange format of code scanners.
    ///
    /// # Errors
    /// A bug, when it cannot be written; a report without findings.
    fn sarif(&self) -> Result<String> {
        Err(Error::bug("this report has no findings"))
    }

    /// The same as workflow commands of GitHub's runners.
    fn annotations(&self) -> String {
        String::new()
    }
}

/// One JSON document: what, by whom, of which server, when, and the report.
#[derive(Debug, Serialize)]
struct Document<'a, R: ?Sized> {
    schema: &'static str,
    pgtend: &'static str,
    command: &'a str,
    target: Option<&'a str>,
    at: jiff::Timestamp,
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a R>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// Schema of every document; additive changes keep the number.
const SCHEMA: &str = "pgtend/1";

/// A report as a JSON document.
pub fn json<R: Report>(
    command: &str,
    target: Option<&str>,
    report: &R,
) -> serde_json::Result<String> {
    line(&Document {
        schema: SCHEMA,
        pgtend: env!("CARGO_PKG_VERSION"),
        command,
        target,
        at: jiff::Timestamp::now(),
        exit: report.outcome().code(),
        report: Some(report),
        error: None,
    })
}

/// A failure as a JSON document. No password of a connection string is in it, wherever it stood.
pub fn json_error(
    command: &str,
    target: Option<&str>,
    error: &Error,
) -> serde_json::Result<String> {
    line(&Document::<()> {
        schema: SCHEMA,
        pgtend: env!("CARGO_PKG_VERSION"),
        command,
        target: target.map(masked).as_deref(),
        at: jiff::Timestamp::now(),
        exit: error.exit().code(),
        report: None,
        error: Some(Failure::of(error)),
    })
}

/// A document as one line, so that others can follow it (ndjson). Strings of JSON hold no line
/// ends, so what is left out is the space around them.
pub fn one_line(document: &str) -> String {
    let lines: Vec<&str> = document.lines().map(str::trim_start).collect();
    lines.concat() + "\n"
}

/// A failure's parts, for a line of a log; without its own words, which are the line's message.
pub fn failure_fields(error: &Error) -> serde_json::Result<serde_json::Map<String, Value>> {
    let Value::Object(mut fields) = serde_json::to_value(Failure::of(error))? else {
        return Ok(serde_json::Map::new());
    };
    fields.remove("what");
    fields.insert("exit".into(), error.exit().code().into());
    Ok(fields)
}

fn line<T: Serialize>(document: &T) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}

/// Text with its control characters written out: a name must not move the cursor, erase what was
/// said or colour it.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| -> Box<dyn Iterator<Item = char>> {
            if c.is_control() { Box::new(c.escape_default()) } else { Box::new(std::iter::once(c)) }
        })
        .collect()
}

/// The same for text of several lines, which stay lines.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// A failure for people: what, while doing what, why, what to do, and the exit code.
pub fn error_text(error: &Error) -> String {
    let mut text = format!("error: {}\n", printable(error.what()));
    let mut add = |label: &str, line: &str| {
        for (number, line) in line.lines().enumerate() {
            let label = if number == 0 { label } else { "" };
            text.push_str(&format!("  {label:<6} {}\n", printable(line)));
        }
    };
    if let Some(phase) = error.phase() {
        add("while:", phase);
    }
    for cause in error.causes() {
        add("cause:", cause);
    }
    for step in error.next_steps() {
        add("next:", step);
    }
    for fact in error.other_facts() {
        add("also:", fact);
    }
    add("exit:", &error.exit().code().to_string());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn control_characters_of_names_are_written_out() {
        assert_eq!(printable("a\r\x1b[2K\n\u{9b}é"), "a\\r\\u{1b}[2K\\n\\u{9b}é");
        assert_eq!(printable_lines("a\x1b\nb\r\n"), "a\\u{1b}\nb\\r\n");
        let error = Error::usage("no database a\nerror: b\x1b[2K").because("x\ny\r");
        assert_eq!(
            error_text(&error),
            "error: no database a\\nerror: b\\u{1b}[2K\n  cause: x\n         y\\r\n  exit:  64\n"
        );
    }

    #[test]
    fn a_document_on_one_line_is_the_same() {
        let many = json_error("backup", Some("a  b"), &Error::usage("no\n  x")).unwrap();
        let one = one_line(&many);
        assert_eq!(one.lines().count(), 1);
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&one), value(&many));
    }

    #[test]
    fn an_error_tells_phase_cause_next_step_and_exit_code() {
        let error = Error::new(Exit::Unavailable, "cannot read public.t")
            .because("connection reset")
            .next("run it again")
            .also("yesterday's stands")
            .during("copying public.t");
        assert_eq!(
            error_text(&error),
            "error: cannot read public.t\n  while: copying public.t\n  cause: connection reset\n  \
             next:  run it again\n  also:  yesterday's stands\n  exit:  69\n"
        );
        let json: Value =
            serde_json::from_str(&json_error("backup", None, &error).unwrap()).unwrap();
        assert_eq!(json["error"]["next"][0], "run it again");
        assert_eq!(json["error"]["also"][0], "yesterday's stands");
        assert_eq!(json["exit"], 69);
    }
}
