//! `.env` files: a small reader of our own.
//!
//! `NAME=VALUE`, with `export ` before it or not. `#` begins a comment at the start of a line
//! and after a blank, inside a word it is part of the value. `${NAME}` and `${NAME:-default}`
//! stand for another variable, of an earlier line or of the process; nothing else is expanded:
//! `pa$word` stays what it is. In single quotes nothing has a meaning but `\'` and `\\`; in
//! double quotes a backslash escapes as in C, and `\$` is a dollar sign. Both may have several
//! lines.
//!
//! Where it differs from python-dotenv, it is so that a value is never another than meant: what
//! a reference stands for and nobody defined is not known, instead of empty; a line that cannot
//! be read is an error, instead of left out; `${A:-b}` is b when A is empty, as in a shell, and
//! the shell's other forms are errors; nothing is expanded in single quotes; `\$` is an escape.
//! Errors name the line, never what stands there.

use std::collections::BTreeMap;

/// A variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// From 1: where it starts.
    pub line: usize,
    /// Its value, or the name that it refers to and that nobody defined.
    pub value: Result<String, String>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1.
    pub line: usize,
    pub cause: String,
}

/// Reads a file; a later line replaces an earlier one of the same name. `outside` gives the
/// process's own variables.
pub(super) fn parse(
    text: &str,
    outside: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, Entry>, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader { rest: &text, line: 1, outside, entries: BTreeMap::new() };
    while !reader.rest.is_empty() {
        let line = reader.line;
        reader.statement().map_err(|cause| Fault { line, cause: cause.to_owned() })?;
    }
    Ok(reader.entries)
}

type Parsed<T> = Result<T, &'static str>;

/// A value in the making.
#[derive(Default)]
struct Value {
    text: String,
    /// The first name in it that nobody defined.
    undefined: Option<String>,
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    outside: &'a dyn Fn(&str) -> Option<String>,
    entries: BTreeMap<String, Entry>,
}

impl<'a> Reader<'a> {
    /// A line, or several when a quoted value has them.
    fn statement(&mut self) -> Parsed<()> {
        self.blanks();
        if self.rest.is_empty() || self.rest.starts_with(['\n', '#']) {
            self.end_of_line();
            return Ok(());
        }
        let line = self.line;
        if let Some(rest) = self.rest.strip_prefix("export")
            && rest.starts_with(is_blank)
        {
            self.rest = rest;
            self.blanks();
        }
        let name = self.name()?.to_owned();
        self.blanks();
        self.rest = self.rest.strip_prefix('=').ok_or("there is no '=' after the name")?;
        let apart = self.rest.starts_with(is_blank);
        self.blanks();
        let value = match self.rest.chars().next() {
            Some('\'') => self.quoted('\'')?,
            Some('"') => self.quoted('"')?,
            Some('#') if apart => Value::default(),
            _ => self.plain()?,
        };
        self.blanks();
        if !(self.rest.is_empty() || self.rest.starts_with(['\n', '#'])) {
            return Err("something follows the closing quote");
        }
        self.end_of_line();
        let value = value.undefined.map_or(Ok(value.text), Err);
        self.entries.insert(name, Entry { line, value });
        Ok(())
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    /// Goes on behind the line's end.
    fn end_of_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.line += 1;
    }

    fn name(&mut self) -> Parsed<&'a str> {
        // Some applications write dots and dashes; a reference has neither.
        let other = |c: char| !is_name(c) && c != '.' && c != '-';
        let end = self.rest.find(other).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("it does not begin with a variable's name");
        }
        self.rest = rest;
        Ok(name)
    }

    /// A value up to the line's end, or up to a comment.
    fn plain(&mut self) -> Parsed<Value> {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let (mut text, rest) = self.rest.split_at(end);
        let comment =
            text.char_indices().find(|(at, c)| *c == '#' && text[..*at].ends_with(is_blank));
        if let Some((at, _)) = comment {
            text = &text[..at];
        }
        text = text.trim_end_matches(is_blank);
        let mut value = Value::default();
        while let Some(at) = text.find("${") {
            value.text.push_str(&text[..at]);
            text = self.reference(&text[at..], &mut value)?;
        }
        value.text.push_str(text);
        self.rest = rest;
        Ok(value)
    }

    /// A value up to the closing quote.
    fn quoted(&mut self, quote: char) -> Parsed<Value> {
        let mut value = Value::default();
        let mut text = &self.rest[1..];
        loop {
            let mut chars = text.chars();
            let c = chars.next().ok_or("a quoted value has no closing quote")?;
            match c {
                '\\' => {
                    let escaped = chars.next().ok_or("a quoted value has no closing quote")?;
                    unescape(quote, escaped, &mut value.text);
                    self.line += usize::from(escaped == '\n');
                }
                '$' if quote == '"' && text.starts_with("${") => {
                    text = self.reference(text, &mut value)?;
                    continue;
                }
                c if c == quote => {
                    self.rest = chars.as_str();
                    return Ok(value);
                }
                c => {
                    value.text.push(c);
                    self.line += usize::from(c == '\n');
                }
            }
            text = chars.as_str();
        }
    }

    /// `${NAME}` or `${NAME:-default}` at the start of `text`; returns what follows.
    fn reference<'t>(&self, text: &'t str, value: &mut Value) -> Parsed<&'t str> {
        let inner = &text[2..];
        let end = inner.find(|c: char| !is_name(c)).unwrap_or(inner.len());
        let (name, after) = inner.split_at(end);
        // A password may well have these characters in it.
        if name.is_empty() || !after.starts_with(['}', ':', '-', '+', '?', '=']) {
            value.text.push_str("${");
            return Ok(inner);
        }
        let (default, rest) = match after.strip_prefix('}') {
            Some(rest) => (None, rest),
            None => {
                let default = after
                    .strip_prefix(":-")
                    .ok_or("of the shell's forms only ${NAME} and ${NAME:-default} are known")?;
                let (default, rest) =
                    default.split_once('}').ok_or("a \"${\" has no closing '}'")?;
                if default.contains("${") || default.contains('\n') {
                    return Err("the default in ${NAME:-default} is plain text in one line");
                }
                (Some(default), rest)
            }
        };
        let known = match self.entries.get(name).map(|entry| &entry.value) {
            Some(Err(undefined)) if default.is_none() => Err(undefined.clone()),
            Some(Ok(text)) if !text.is_empty() || default.is_none() => Ok(text.clone()),
            Some(_) => Err(name.to_owned()),
            None => (self.outside)(name).ok_or_else(|| name.to_owned()),
        };
        match (known, default) {
            (Ok(text), _) => value.text.push_str(&text),
            (Err(_), Some(default)) => value.text.push_str(default),
            (Err(undefined), None) => {
                value.undefined.get_or_insert(undefined);
            }
        }
        Ok(rest)
    }
}

/// What a backslash and a character stand for.
fn unescape(quote: char, escaped: char, text: &mut String) {
    let meaning = match (quote, escaped) {
        (_, '\\' | '\'') => escaped,
        ('"', '"' | '$') => escaped,
        ('"', 'n') => '\n',
        ('"', 'r') => '\r',
        ('"', 't') => '\t',
        ('"', 'a') => '\x07',
        ('"', 'b') => '\x08',
        ('"', 'f') => '\x0c',
        ('"', 'v') => '\x0b',
        _ => {
            text.push('\\');
            escaped
        }
    };
    text.push(meaning);
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0b' | '\x0c')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
#[path = "dotenv_tests.rs"]
mod tests;
