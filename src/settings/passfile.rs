//! The password file, with libpq's rules.
//!
//! Source: `passwordFromFile` of `fe-connect.c`, and "The Password File" of the manual.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::secret::Secret;

/// A password file's lines; it may hold none.
#[derive(Debug, Default)]
pub(super) struct Passfile {
    lines: Vec<Line>,
}

/// `host:port:database:user:password` without its escapes.
#[derive(Debug)]
struct Line {
    number: usize,
    fields: [Field; 4],
    password: Secret,
}

#[derive(Debug, PartialEq, Eq)]
enum Field {
    Any,
    Exactly(String),
}

/// What a password is looked up by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    /// The host name, or the address when there is none, or `localhost` for the default socket.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

impl Passfile {
    /// Reads a password file. One that is missing is empty; one that others can read, or that
    /// is not a regular file, is empty too and gives a warning.
    pub fn read(path: &Path) -> (Self, Option<String>) {
        let Ok(metadata) = std::fs::metadata(path) else {
            return (Self::default(), None);
        };
        let warning = if !metadata.is_file() {
            format!("password file {} is not a regular file: ignored", path.display())
        } else if metadata.mode() & 0o077 != 0 {
            format!(
                "password file {path} can be read by others: ignored; run chmod 0600 {path}",
                path = path.display()
            )
        } else {
            match std::fs::read(path) {
                // A line that is not UTF-8 must not take the others with it.
                Ok(bytes) => return (Self::parse(&String::from_utf8_lossy(&bytes)), None),
                Err(error) => format!("password file {}: {error}: ignored", path.display()),
            }
        };
        (Self::default(), Some(warning))
    }

    fn parse(text: &str) -> Self {
        let lines = text.split('\n').map(|line| line.trim_end_matches('\r')).enumerate();
        Self { lines: lines.filter_map(|(at, line)| Line::parse(at + 1, line)).collect() }
    }

    /// The first line that matches: its number, from 1, and its password.
    pub fn find(&self, key: Key<'_>) -> Option<(usize, &Secret)> {
        let port = key.port.to_string();
        let wanted = [key.host, &port, key.database, key.user];
        self.lines
            .iter()
            .find(|line| line.fields.iter().zip(wanted).all(|(field, text)| field.matches(text)))
            .map(|line| (line.number, &line.password))
    }
}

impl Line {
    fn parse(number: usize, text: &str) -> Option<Self> {
        if text.starts_with('#') {
            return None;
        }
        let mut rest = Some(text);
        let mut next = || {
            let (value, after) = field(rest?);
            let raw = rest?;
            rest = after;
            Some((raw, value))
        };
        let mut pattern = || {
            let (raw, value) = next()?;
            let any = raw == "*" || raw.starts_with("*:");
            Some(if any { Field::Any } else { Field::Exactly(value) })
        };
        let fields = [pattern()?, pattern()?, pattern()?, pattern()?];
        let (_, password) = next()?;
        Some(Self { number, fields, password: Secret::new(password) })
    }
}

/// The text up to the next colon that is not escaped, and what follows that colon.
fn field(text: &str) -> (String, Option<&str>) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return (value, Some(&text[at + 1..])),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, None)
}

impl Field {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(value) => value == text,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn find(text: &str, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        Passfile::parse(text)
            .find(Key { host, port, database, user })
            .map(|(line, password)| format!("{line} {}", password.expose()))
    }

    #[test]
    fn the_first_line_that_matches_wins() {
        let text = "# a comment\nh:5432:db:u:one\n*:*:*:u:two\n*:*:*:*:three\n";
        assert_eq!(find(text, "h", 5432, "db", "u").as_deref(), Some("2 one"));
        assert_eq!(find(text, "h", 5433, "db", "u").as_deref(), Some("3 two"));
        assert_eq!(find(text, "h", 5432, "db", "v").as_deref(), Some("4 three"));
        assert_eq!(find("h:5432:db:u:one", "h", 5432, "other", "u"), None);
    }

    #[test]
    fn colons_and_backslashes_are_escaped() {
        let text = r"\:\:1:5432:a\\b:u:p\:w\\:rest";
        assert_eq!(find(text, "::1", 5432, r"a\b", "u").as_deref(), Some(r"1 p:w\"));
    }

    #[test]
    fn a_star_is_a_whole_field_only() {
        assert_eq!(find("h*:5432:db:u:p", "host", 5432, "db", "u"), None);
        assert_eq!(find(r"\*:5432:db:u:p", "host", 5432, "db", "u"), None);
    }

    #[test]
    fn spaces_belong_to_the_password() {
        assert_eq!(find("*:*:*:*: p ", "h", 1, "d", "u").as_deref(), Some("1  p "));
        assert_eq!(find(" # not a comment\n*:*:*:*:p", "h", 1, "d", "u").as_deref(), Some("2 p"));
        assert_eq!(find("*:*:*:*\n", "h", 1, "d", "u"), None);
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored_with_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        std::fs::write(&path, "*:*:*:*:p\n").unwrap();
        let mode = |mode| {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let (file, warning) = Passfile::read(&path);
            (file.lines.len(), warning.is_some())
        };
        assert_eq!(mode(0o600), (1, false));
        assert_eq!(mode(0o400), (1, false));
        assert_eq!(mode(0o640), (0, true));
        assert_eq!(mode(0o604), (0, true));
        assert!(Passfile::read(folder.path()).1.is_some());
        assert_eq!(Passfile::read(Path::new("/nowhere/pgpass")).1, None);
    }
}
