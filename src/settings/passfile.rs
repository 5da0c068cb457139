//! The password file, with libpq's rules.
//!
//! Source: `passwordFromFile` of `fe-connect.c`, and "The Password File" of the manual.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::bounded;
use super::secret::Secret;

/// A password file's lines with their numbers, from 1; it may hold none.
#[derive(Debug, Default)]
pub(super) struct Passfile {
    lines: Vec<(usize, Secret)>,
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
        let opened = match bounded::open_at_once(path) {
            Ok(opened) => opened,
            Err(error) => {
                let missing = [ErrorKind::NotFound, ErrorKind::NotADirectory];
                let silent = missing.contains(&error.kind());
                let warning = format!("password file {}: {error}: ignored", path.display());
                return (Self::default(), (!silent).then_some(warning));
            }
        };
        let metadata = &opened.metadata;
        let warning = if !metadata.is_file() {
            format!("password file {} is not a regular file: ignored", path.display())
        } else if metadata.mode() & 0o077 != 0 {
            format!(
                "password file {path} can be read by others: ignored; run chmod 0600 {path}",
                path = path.display()
            )
        } else {
            match opened.read(bounded::PASSFILE) {
                // A line that is not UTF-8 must not take the others with it.
                Ok(bytes) => return (Self::parse(&String::from_utf8_lossy(&bytes)), None),
                Err(error) => format!("password file {}: {error}: ignored", path.display()),
            }
        };
        (Self::default(), Some(warning))
    }

    pub fn parse(text: &str) -> Self {
        let lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let lines = (1..).zip(lines).filter(|(_, line)| !line.starts_with('#'));
        Self { lines: lines.map(|(number, line)| (number, Secret::new(line))).collect() }
    }

    /// The first line that matches: its number, from 1, and its password.
    pub fn find(&self, key: Key<'_>) -> Option<(usize, Secret)> {
        let port = key.port.to_string();
        let wanted = [key.host, &port, key.database, key.user];
        self.lines.iter().find_map(|(number, line)| {
            let password = wanted.iter().try_fold(line.expose(), |rest, text| after(rest, text))?;
            Some((*number, Secret::new(unescaped(password))))
        })
    }
}

/// What follows a field that is `*` or `wanted`. The field ends where `wanted` does, so that a
/// colon in it may go without its backslash: `::1:5432:..`
fn after<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut rest = line.chars();
    for expected in wanted.chars() {
        let found = match rest.next()? {
            '\\' => rest.next()?,
            found => found,
        };
        if found != expected {
            return None;
        }
    }
    rest.as_str().strip_prefix(':')
}

/// The text up to the next colon that is not escaped, without its escapes.
fn unescaped(text: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => break,
            // One at the very end stands for itself.
            '\\' => value.push(chars.next().unwrap_or(c)),
            c => value.push(c),
        }
    }
    value
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

    /// Found by comparing with psql.
    #[test]
    fn a_colon_may_stand_as_it_is() {
        assert_eq!(find("::1:5432:a:b:c:u:p", "::1", 5432, "a:b:c", "u").as_deref(), Some("1 p"));
        assert_eq!(find("a:5432:d:u:p", "a:5432", 5432, "d", "u"), None);
    }

    #[test]
    fn a_backslash_at_the_end_stands_for_itself() {
        assert_eq!(find("*:*:*:*:p\\", "h", 1, "d", "u").as_deref(), Some("1 p\\"));
    }

    #[test]
    fn a_line_that_is_not_utf_8_does_not_take_the_others_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        std::fs::write(&path, b"# caf\xe9\n*:*:*:*:p\r\r\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let (file, warning) = Passfile::read(&path);
        assert_eq!(warning, None);
        let key = Key { host: "h", port: 1, database: "d", user: "u" };
        assert_eq!(file.find(key).unwrap().1.expose(), "p");
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
        assert_eq!(mode(0o600), (2, false));
        assert_eq!(mode(0o400), (2, false));
        assert_eq!(mode(0o640), (0, true));
        assert_eq!(mode(0o604), (0, true));
        assert!(Passfile::read(folder.path()).1.is_some());
        assert_eq!(Passfile::read(Path::new("/nowhere/pgpass")).1, None);
        assert_eq!(Passfile::read(Path::new("/dev/null/.pgpass")).1, None);
        assert!(Passfile::read(Path::new("/dev/zero")).1.is_some());
    }

    #[test]
    fn a_file_that_is_too_large_is_ignored_with_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        let file = std::fs::File::create(&path).unwrap();
        file.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
        file.set_len(bounded::PASSFILE + 1).unwrap();
        let warning = Passfile::read(&path).1.unwrap();
        assert!(warning.contains("larger than 16 MiB"), "{warning}");
        // Not even the folder can be looked into.
        let own = folder.path().join("loop");
        std::os::unix::fs::symlink(&own, &own).unwrap();
        assert!(Passfile::read(&own).1.is_some());
    }
}
