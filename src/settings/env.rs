//! The process's environment, read once: nobody else looks at it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variables, the folder and the user that the process was started with.
///
/// A variable that is set but empty counts as unset, save in [`Environment::written`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    folder: PathBuf,
    account: Option<Account>,
}

/// The operating system's user.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    name: String,
    home: PathBuf,
}

impl Environment {
    /// Takes the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the sole reader of the process environment")]
    pub fn capture() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            folder: PathBuf::new(),
            account: Account::of_this_process(),
        }
    }

    /// Builds one from a list, with no user and the given folder; for tests.
    pub fn from_list<'a>(
        folder: &Path,
        list: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self {
            variables: list.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            folder: folder.to_owned(),
            account: None,
        }
    }

    /// The same with one more variable, of any bytes; for tests.
    #[cfg(test)]
    pub fn with(mut self, name: &str, value: OsString) -> Self {
        self.variables.insert(name.into(), value);
        self
    }

    /// A variable's text; `None` when it is unset or empty. One that is not UTF-8 has stopped the
    /// run before, when it matters ([`super::Settings::load`]).
    pub fn text(&self, name: &str) -> Option<&str> {
        self.path(name).and_then(Path::to_str)
    }

    /// A variable that holds a path; `None` when it is unset or empty.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.variables.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(Path::new)
    }

    /// A variable's text, even when that is nothing.
    pub fn written(&self, name: &str) -> Option<&str> {
        self.variables.get(OsStr::new(name)).and_then(|value| value.to_str())
    }

    /// All variables, for child processes; the caller removes what they must not see.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The variables for a command of the operator's: all but those that hold a password, which
    /// it has no business with. Credentials of a cloud stay.
    pub fn without_passwords(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables().filter(|(name, _)| {
            let name = name.to_string_lossy().to_ascii_uppercase();
            let known = super::variables::find(&name).map(|found| found.known.kind);
            let secret = known == Some(super::variables::Kind::Secret);
            let words = ["PASSWORD", "PASSWD", "PGTEND_PING"];
            !secret && !words.iter().any(|word| name.contains(word))
        })
    }

    /// The current folder as a prefix for relative paths (empty in a real process).
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `HOME`, else the home folder of the operating system's account.
    pub fn home(&self) -> Option<&Path> {
        self.path("HOME").or_else(|| self.account.as_ref().map(|account| account.home.as_path()))
    }

    /// The operating system's user name; `USER` or `LOGNAME` when the account is not a local one.
    pub fn user(&self) -> Option<&str> {
        self.account
            .as_ref()
            .map(|account| account.name.as_str())
            .or_else(|| self.text("USER"))
            .or_else(|| self.text("LOGNAME"))
    }

    /// `PATH`: where programs are looked for.
    pub fn program_path(&self) -> Option<&OsStr> {
        self.path("PATH").map(Path::as_os_str)
    }

    /// `TMPDIR`, else /tmp: where files go that nobody keeps.
    pub fn temporary_folder(&self) -> &Path {
        self.path("TMPDIR").unwrap_or(Path::new("/tmp"))
    }

    /// `PGTEND_PG_BINDIR`: the folder with `pg_dump` and its kin.
    pub fn pg_bindir(&self) -> Option<&Path> {
        self.path("PGTEND_PG_BINDIR")
    }

    /// Whether `NO_COLOR` is set to something (<https://no-color.org>).
    pub fn no_color(&self) -> bool {
        self.path("NO_COLOR").is_some()
    }

    /// `COLUMNS`: the width to print for, when it is a number above zero.
    pub fn columns(&self) -> Option<u16> {
        self.text("COLUMNS").and_then(|text| text.parse().ok()).filter(|width| *width > 0)
    }
}

impl fmt::Debug for Environment {
    // Values hold passwords: names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("folder", &self.folder)
            .field("account", &self.account)
            .finish()
    }
}

impl Account {
    /// The effective user's line of `/etc/passwd`, as libpq asks `getpwuid`.
    fn of_this_process() -> Option<Self> {
        let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
        Self::find(&passwd, rustix::process::geteuid().as_raw())
    }

    fn find(passwd: &str, uid: u32) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, id, _, _, home, ..] = fields[..] else { return None };
            (id.parse() == Ok(uid)).then(|| Self { name: name.to_owned(), home: home.into() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(list: &[(&str, &str)]) -> Environment {
        Environment::from_list(Path::new("/nowhere"), list.iter().copied())
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let env = environment(&[("PGHOST", ""), ("NO_COLOR", ""), ("COLUMNS", "0")]);
        assert_eq!(env.text("PGHOST"), None);
        assert_eq!((env.written("PGHOST"), env.written("GONE")), (Some(""), None));
        assert!(!env.no_color());
        assert_eq!(env.columns(), None);
    }

    #[test]
    fn debug_shows_names_only() {
        let env = environment(&[("PGPASSWORD", "hunter2")]);
        let shown = format!("{env:?}");
        assert!(shown.contains("PGPASSWORD") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_command_gets_no_password() {
        let env = environment(&[
            ("PATH", "/bin"),
            ("PGHOST", "h"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("PGPASSWORD", "hunter2"),
            ("DATABASE_URL", "postgresql://u:hunter2@h/d"),
            ("DB_DATABASE_PASSWORD", "hunter2"),
            ("MYSQL_PASSWD", "hunter2"),
            ("PGTEND_PING", "https://hunter2"),
        ]);
        let left: Vec<_> = env.without_passwords().map(|(name, _)| name).collect();
        assert_eq!(left, ["AWS_SECRET_ACCESS_KEY", "PATH", "PGHOST"]);
    }

    #[test]
    fn the_account_comes_from_passwd() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\npostgres:x:104:110::/var/lib/postgresql:/bin/sh\n";
        let account = Account::find(passwd, 104).unwrap();
        assert_eq!(
            (account.name.as_str(), account.home.as_path()),
            ("postgres", Path::new("/var/lib/postgresql"))
        );
        assert_eq!(Account::find(passwd, 1), None);
    }
}
