//! What is said on standard error: lines for people, or one JSON object in each line. Whoever
//! says something says it here.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::output::LogForm;
use crate::render::printable;
use crate::settings::masked;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For an operator who wants to know all.
    Debug,
    /// For whoever watches.
    Info,
    /// Nobody should miss it.
    Warn,
    /// The run has failed.
    Error,
}

/// A line of a JSON log.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    level: Level,
    event: &'static str,
    message: &'a str,
    more: Map<String, Value>,
}

/// As it is written: these first, and in this order.
#[derive(Serialize)]
struct Object<'a> {
    ts: jiff::Timestamp,
    level: Level,
    event: &'static str,
    message: String,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

impl<'a> Line<'a> {
    /// A line about something that happened; `event` is a name for programs.
    pub fn new(level: Level, event: &'static str, message: &'a str) -> Self {
        Self { level, event, message, more: Map::new() }
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Adds values.
    #[must_use]
    pub fn with_all(mut self, values: Map<String, Value>) -> Self {
        self.more.extend(values);
        self
    }

    fn json(&self) -> String {
        let object = Object {
            ts: jiff::Timestamp::now(),
            level: self.level,
            event: self.event,
            message: masked(self.message),
            more: &self.more,
        };
        let text = serde_json::to_string(&object).unwrap_or_else(|error| {
            // Texts and numbers can be written; if not, that is what is said.
            format!("{{\"level\":\"error\",\"event\":\"bug\",\"message\":\"{error}\"}}")
        });
        // JSON escapes control characters below a blank only; others move cursors too.
        text.chars().fold(String::with_capacity(text.len()), |mut text, c| {
            match c.is_control() {
                true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
                false => text.push(c),
            }
            text
        })
    }
}

/// Says a line in the form that was asked for: as `text`, which has its end, or as a JSON object.
pub(super) fn tell(form: LogForm, line: &Line<'_>, text: impl FnOnce() -> String) {
    match form {
        LogForm::Text => say(&text()),
        LogForm::Json => say(&(line.json() + "\n")),
    }
}

/// A note for people.
pub(super) fn note_text(text: &str) -> String {
    format!("note: {}\n", printable(&masked(text)))
}

/// Writes to stderr, with escape sequences of our own: what else there may be in names is made
/// printable before. When stderr is closed there is nobody left to tell.
pub(super) fn say(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).unwrap_or(());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_without_secrets_and_control_characters() {
        let line = Line::new(Level::Warn, "warning", "a\n\u{9b}2J of pg://u:hunter2@h/d")
            .with("database", "a\tb")
            .with("exit", 1);
        let text = line.json();
        assert!(!text.chars().any(char::is_control) && !text.contains("hunter2"), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["message"], "a\n\u{9b}2J of pg://u:***@h/d");
        assert_eq!((&value["level"], &value["event"]), (&"warn".into(), &"warning".into()));
        assert_eq!((&value["database"], &value["exit"]), (&"a\tb".into(), &1.into()));
        assert!(text.starts_with("{\"ts\":\"2"), "{text}");
    }
}
