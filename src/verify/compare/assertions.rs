//! What the operator knows of the data, as SQL: statements that must hold in the restored
//! database.

use std::path::{Path, PathBuf};

use super::Comparison;
use crate::conn::{self, SessionOptions};
use crate::error::{Error, Result};
use crate::report::verify::ProblemKind;
use crate::restore::words::split;

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
        let statements: Vec<String> = split(&text).into_iter().map(str::to_owned).collect();
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
