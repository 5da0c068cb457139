//! What the operator knows of the data, as SQL: statements that must hold in the restored
//! database.

use std::path::{Path, PathBuf};

use super::Comparison;
use crate::conn::{self, SessionOptions};
use crate::error::{Error, Result};
use crate::report::verify::ProblemKind;

/// A file of assertions, read and cut into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionFile {
    path: PathBuf,
    statements: Vec<String>,
}

impl AssertionFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Usage: it cannot be read, is not UTF-8, or holds no statement.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::usage(format!("cannot read the assertions in {}", path.display()))
                .caused_by(&error)
        })?;
        let statements = split(&text);
        if statements.is_empty() {
            return Err(Error::usage(format!("no statement in {}", path.display())));
        }
        Ok(Self { path: path.to_owned(), statements })
    }
}

impl Comparison<'_> {
    /// Runs every statement in a read-only transaction of its own. It fails on an error, and when
    /// the first column of one of its rows is false or NULL.
    ///
    /// # Errors
    /// Exit 69 when the connection is lost.
    pub async fn assertions(&mut self, files: &[AssertionFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        self.inputs.progress.phase("running assertions");
        let mut options =
            SessionOptions { application: "pgtend/verify".into(), ..self.options.clone() };
        // Whoever writes an assertion writes names as the application does.
        for (_, value) in options.settings.iter_mut().filter(|(name, _)| name == "search_path") {
            *value = "public".into();
        }
        let session = conn::connect(&self.session.same_server(), &options).await?;
        let lost = |error: conn::QueryError| error.into_error("the connection was lost");
        for file in files {
            for (number, statement) in file.statements.iter().enumerate() {
                session.batch("BEGIN READ ONLY").await.map_err(lost)?;
                let result = match session.simple(statement).await {
                    Err(error) if error.is_lost() => return Err(lost(error)),
                    result => result,
                };
                session.batch("ROLLBACK").await.map_err(lost)?;
                self.counts.assertions += 1;
                let why = match result {
                    Err(error) => Some(error.to_string()),
                    Ok(rows) => rows.iter().find_map(|row| broken(row)),
                };
                if let Some(why) = why {
                    let (number, path) = (number + 1, file.path.display());
                    let line = first_line(statement);
                    let what = format!("assertion {number} of {path} failed: {line} ({why})");
                    self.add(ProblemKind::Assertion, None, what);
                }
            }
        }
        Ok(())
    }
}

/// Why a row says no; `None` when it does not.
fn broken(row: &[Option<String>]) -> Option<String> {
    let (first, more) = row.split_first()?;
    let verdict = match first.as_deref() {
        None => "NULL",
        Some("f" | "false") => "false",
        Some(_) => return None,
    };
    let more: Vec<&str> = more.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
    Some(if more.is_empty() {
        verdict.to_owned()
    } else {
        format!("{verdict}: {}", more.join(", "))
    })
}

fn first_line(statement: &str) -> String {
    let line = statement.lines().next().unwrap_or_default();
    let mut text: String = line.chars().take(120).collect();
    if text.len() < statement.len() {
        text.push_str(" ..");
    }
    text
}

/// Cuts SQL at each `;` outside quotes, dollar quotes and comments. Comments before a statement
/// are left out.
fn split(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    // Whether the statement has begun, and whether the word before a quote is E.
    let mut begun = false;
    while at < bytes.len() {
        let rest = &text[at..];
        let skipped = if rest.starts_with("--") {
            Some(rest.find('\n').map_or(rest.len(), |end| end + 1))
        } else if rest.starts_with("/*") {
            Some(comment(rest))
        } else {
            None
        };
        if let Some(length) = skipped {
            at += length;
            if !begun {
                start = at;
            }
            continue;
        }
        let byte = bytes[at];
        if byte == b';' {
            let statement = text[start..at].trim();
            statements.extend((!statement.is_empty()).then(|| statement.to_owned()));
            at += 1;
            (start, begun) = (at, false);
            continue;
        }
        begun |= !byte.is_ascii_whitespace();
        at += match byte {
            b'\'' => quoted(rest, '\'', escapes(&text[start..at])),
            b'"' => quoted(rest, '"', false),
            b'$' if !in_word(&text[start..at]) => dollar_quoted(rest),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    let last = text[start..].trim();
    statements.extend((begun && !last.is_empty()).then(|| last.to_owned()));
    statements
}

fn in_word(before: &str) -> bool {
    before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Whether the string that begins here is E'..'.
fn escapes(before: &str) -> bool {
    before.strip_suffix(['e', 'E']).is_some_and(|before| !in_word(before))
}

/// Bytes of a comment, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Bytes of a quoted string or name; a doubled quote goes on as another string.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if escapes && c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Bytes of `$tag$..$tag$`; one byte where it is none.
fn dollar_quoted(text: &str) -> usize {
    let tag_end = text[1..].find('$').map(|end| end + 2);
    let Some(tag) = tag_end.map(|end| &text[..end]).filter(|tag| {
        tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_')
            && !tag[1..].starts_with(|c: char| c.is_ascii_digit())
    }) else {
        return 1;
    };
    text[tag.len()..].find(tag).map_or(text.len(), |end| end + 2 * tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        let cases: [(&str, &[&str]); 9] = [
            ("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]),
            ("-- a; b\nSELECT ';' ; /* ; /* ; */ ; */ SELECT 2;;", &["SELECT ';'", "SELECT 2"]),
            ("SELECT \"a;b\", 'it''s;';", &["SELECT \"a;b\", 'it''s;'"]),
            (r"SELECT E'a\';b', e'\\'; SELECT 2", &[r"SELECT E'a\';b', e'\\'", "SELECT 2"]),
            (r"SELECT 'a\'; SELECT 2", &[r"SELECT 'a\'", "SELECT 2"]),
            ("SELECT $$a;b$$, $x$;$$;$x$; SELECT $1", &["SELECT $$a;b$$, $x$;$$;$x$", "SELECT $1"]),
            ("SELECT a$b;c$d", &["SELECT a$b", "c$d"]),
            ("  \n -- only words\n /* and more */ ", &[]),
            ("SELECT 'é;ü' -- end;\n, 2; ü", &["SELECT 'é;ü' -- end;\n, 2", "ü"]),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), expected, "{text}");
        }
        // Never a panic, wherever it is cut.
        let text = "SELECT E'a\\', $x$ é $x$, /* ü /* */ */ \"b\" -- ö\n;";
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            split(&text[..end]);
        }
    }

    #[test]
    fn false_and_null_are_broken_and_all_else_holds() {
        let row = |values: &[Option<&str>]| -> Vec<Option<String>> {
            values.iter().map(|value| value.map(str::to_owned)).collect()
        };
        assert_eq!(broken(&row(&[Some("t")])), None);
        assert_eq!(broken(&row(&[Some("0")])), None);
        assert_eq!(broken(&[]), None);
        assert_eq!(broken(&row(&[None])), Some("NULL".into()));
        assert_eq!(broken(&row(&[Some("f"), Some("7"), None])), Some("false: 7, NULL".into()));
    }

    #[test]
    fn only_the_first_line_is_shown() {
        assert_eq!(first_line("SELECT 1"), "SELECT 1");
        assert_eq!(first_line("SELECT\n 1"), "SELECT ..");
    }
}
