//! The files of a folder of migrations: what is one, in which order, and which part of it goes
//! forward.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A file as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// From the folder on: `20240101_users/migration.sql`.
    pub path: String,
    /// None for what is no SQL.
    pub text: Option<String>,
}

/// Whose way of naming it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `V1_2__users.sql`, `R__views.sql`.
    Flyway,
    /// `20240101_users/migration.sql`.
    Prisma,
    /// `20240101_users.sql`, `.up.sql`, `20240101_users/up.sql`: sqlx, dbmate, goose, diesel.
    Numbered,
    /// Any names.
    Plain,
}

/// A file of which something goes forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    pub path: String,
    /// As version tables have it: `1.2`, `20240101`, `20240101_users`.
    pub version: Option<String>,
    /// With blank lines for what does not go forward: the lines keep their numbers.
    pub text: String,
}

/// The files that go forward, in their order, and what has to be told of the others.
pub fn forward(sources: &[Source]) -> (Layout, Vec<Forward>, Vec<String>) {
    let sql: Vec<(&str, &str)> = sources
        .iter()
        .filter_map(|source| Some((source.path.as_str(), source.text.as_deref()?)))
        .collect();
    let layout = layout(&sql);
    let mut files: Vec<Forward> = sql
        .iter()
        .filter(|(path, _)| goes_forward(path))
        .map(|(path, text)| Forward {
            path: (*path).to_owned(),
            version: version(layout, path),
            text: up(text),
        })
        .collect();
    files.sort_by(|a, b| order(layout, a, b));
    (layout, files, others(sources))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folder(path: &str) -> Option<&str> {
    path.rsplit('/').nth(1)
}

fn layout(files: &[(&str, &str)]) -> Layout {
    let all = |is: fn(&str) -> bool| !files.is_empty() && files.iter().all(|(path, _)| is(path));
    if all(|path| is_flyway(name(path))) {
        Layout::Flyway
    } else if all(|path| name(path) == "migration.sql") {
        Layout::Prisma
    } else if all(|path| number(path).is_some()) {
        Layout::Numbered
    } else {
        Layout::Plain
    }
}

fn is_flyway(name: &str) -> bool {
    let Some((head, _)) = name.split_once("__") else { return false };
    let (kind, version) = head.split_at(head.len().min(1));
    match kind {
        "R" => version.is_empty(),
        "V" | "U" | "B" => {
            !version.is_empty() && version.chars().all(|c| c.is_ascii_digit() || "._".contains(c))
        }
        _ => false,
    }
}

/// The digits that a file's name (`20240101_users.sql`) or its folder's (diesel) begins with.
fn number(path: &str) -> Option<&str> {
    let own = match name(path) {
        "up.sql" | "down.sql" => folder(path)?,
        name => name,
    };
    let end = own.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(own.len());
    Some(own[..end].trim_end_matches('-')).filter(|number| !number.is_empty())
}

fn goes_forward(path: &str) -> bool {
    let name = name(path);
    let is_undo = name.starts_with('U') && is_flyway(name);
    !(name.ends_with(".down.sql") || name == "down.sql" || is_undo)
}

fn version(layout: Layout, path: &str) -> Option<String> {
    match layout {
        Layout::Flyway => {
            let (head, _) = name(path).split_once("__")?;
            let version = head.get(1..).filter(|version| !version.is_empty())?;
            Some(plain(&version.replace('_', ".")))
        }
        Layout::Prisma => folder(path).map(str::to_owned),
        Layout::Numbered => number(path).map(plain),
        Layout::Plain => None,
    }
}

/// A version without what does not count in it: `001` is 1.
pub fn plain(version: &str) -> String {
    let parts = version.split('.').map(|part| match part.trim_start_matches('0') {
        "" => "0",
        part => part,
    });
    parts.map(|part| part.replace('-', "")).collect::<Vec<_>>().join(".")
}

fn order(layout: Layout, a: &Forward, b: &Forward) -> Ordering {
    let numbers = |file: &Forward| -> Option<Vec<u64>> {
        file.version.as_ref()?.split('.').map(|part| part.parse().ok()).collect()
    };
    match layout {
        // What has no version (R__) comes last.
        Layout::Flyway | Layout::Numbered => {
            let (one, other) = (numbers(a), numbers(b));
            (one.is_none(), one).cmp(&(other.is_none(), other)).then_with(|| a.path.cmp(&b.path))
        }
        Layout::Prisma | Layout::Plain => a.path.cmp(&b.path),
    }
}

/// Marks of the sections that go forward and back: dbmate, goose, sql-migrate.
const UP: [&str; 3] = ["migrate:up", "+goose up", "+migrate up"];
const DOWN: [&str; 3] = ["migrate:down", "+goose down", "+migrate down"];

/// The text with blank lines for the sections that go back.
fn up(text: &str) -> String {
    let mark = |line: &str, marks: [&str; 3]| {
        let rest =
            line.trim_start().strip_prefix("--").map(|rest| rest.trim().to_ascii_lowercase());
        rest.is_some_and(|rest| marks.iter().any(|mark| rest.starts_with(mark)))
    };
    let mut kept = String::with_capacity(text.len());
    let mut goes_back = false;
    for line in text.split_inclusive('\n') {
        if mark(line, DOWN) {
            goes_back = true;
        } else if mark(line, UP) {
            goes_back = false;
        }
        if goes_back {
            kept.push_str(if line.ends_with('\n') { "\n" } else { "" });
        } else {
            kept.push_str(line);
        }
    }
    kept
}

/// What has to be told of files that are no SQL.
fn others(sources: &[Source]) -> Vec<String> {
    const KNOWN: [&str; 6] = [".py", ".rb", ".xml", ".yaml", ".js", ".ts"];
    let mut notes = Vec::new();
    let mut note = |ends: &[&str], hint: &str| {
        let is_known = |path: &str| KNOWN.iter().any(|ending| path.ends_with(ending));
        let ending = |source: &&Source| {
            let path = source.path.as_str();
            // None of them: those that no tool is known for.
            let fits = match ends {
                [] => !is_known(path),
                ends => ends.iter().any(|ending| path.ends_with(ending)),
            };
            source.text.is_none() && fits
        };
        let files: Vec<&Source> = sources.iter().filter(ending).collect();
        if let Some(first) = files.first() {
            let count = files.len();
            notes.push(format!(
                "{count} files like {} are not SQL and were not read: {hint}",
                first.path
            ));
        }
    };
    note(
        &[".py"],
        "\"alembic upgrade --sql head\" or \"manage.py sqlmigrate APP NAME\" writes them as SQL",
    );
    note(&[".rb"], "\"rails db:migrate\" in a copy with its log writes them as SQL");
    note(&[".xml", ".yaml"], "\"liquibase update-sql\" writes them as SQL");
    note(&[".js", ".ts"], "they are code: let the tool write its SQL into files");
    note(&[], "their names are those of migrations, and their form is not known");
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path and version.
    type Found = (String, Option<String>);

    fn ordered(paths: &[&str]) -> (Layout, Vec<Found>, Vec<String>) {
        let source = |path: &&str| Source {
            path: (*path).to_owned(),
            text: path.ends_with(".sql").then(String::new),
        };
        let sources: Vec<Source> = paths.iter().map(source).collect();
        let (layout, files, notes) = forward(&sources);
        (layout, files.into_iter().map(|file| (file.path, file.version)).collect(), notes)
    }

    fn paths(found: &[Found]) -> Vec<&str> {
        found.iter().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn each_tools_files_are_found_in_their_order() {
        let (layout, files, _) =
            ordered(&["V10__c.sql", "V2__b.sql", "R__v.sql", "U2__b.sql", "V1_1__a.sql"]);
        assert_eq!(layout, Layout::Flyway);
        assert_eq!(paths(&files), ["V1_1__a.sql", "V2__b.sql", "V10__c.sql", "R__v.sql"]);
        assert_eq!(files[0].1.as_deref(), Some("1.1"));
        let (layout, files, _) = ordered(&["10_b.up.sql", "10_b.down.sql", "0009_a.sql"]);
        assert_eq!(layout, Layout::Numbered);
        assert_eq!(paths(&files), ["0009_a.sql", "10_b.up.sql"]);
        assert_eq!(files[0].1.as_deref(), Some("9"));
        let (layout, files, _) = ordered(&["2024-01-02-1_b/up.sql", "2024-01-02-1_b/down.sql"]);
        assert_eq!(layout, Layout::Numbered);
        assert_eq!(files, [("2024-01-02-1_b/up.sql".to_owned(), Some("202401021".to_owned()))]);
        let (layout, files, _) = ordered(&["20240102_b/migration.sql", "20240101_a/migration.sql"]);
        assert_eq!(layout, Layout::Prisma);
        assert_eq!(files[0].1.as_deref(), Some("20240101_a"));
        let (layout, files, notes) = ordered(&["b.sql", "a.sql", "1_x.py"]);
        assert_eq!(layout, Layout::Plain);
        assert_eq!(paths(&files), ["a.sql", "b.sql"]);
        assert!(notes[0].contains("alembic upgrade --sql"), "{notes:?}");
    }

    #[test]
    fn what_goes_back_is_left_out_and_lines_keep_their_numbers() {
        let text = "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;\n";
        assert_eq!(up(text), "-- migrate:up\nCREATE TABLE a ();\n\n\n");
        assert_eq!(up("SELECT 1;\n"), "SELECT 1;\n");
        assert_eq!(up("-- +goose Down\nx\n-- +goose Up\ny"), "\n\n-- +goose Up\ny");
    }
}
