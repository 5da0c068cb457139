//! The password file, judged by psql: who may read it, where it lies, and what its lines say.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Cell, compare, expect_a_mix};
use crate::harness::dice::Dice;
use crate::harness::{Cluster, ClusterSpec};

/// Users and databases that need a password: those with colons and backslashes too.
const USERS: [(&str, &str); 4] =
    [("app", "secret"), ("a:b", r"c:\d"), (r"back\slash", " padded "), ("ünï", "pässwörd")];

fn server() -> Cluster {
    let cluster = ClusterSpec::default()
        .hba("host all all all scram-sha-256\nlocal all all scram-sha-256")
        .start();
    for (user, password) in USERS {
        cluster.psql(
            "postgres",
            &format!("CREATE ROLE \"{user}\" LOGIN PASSWORD E'{}'", password.replace('\\', r"\\")),
        );
    }
    for database in ["a:b", r"back\slash"] {
        cluster.psql("postgres", &format!("CREATE DATABASE \"{database}\""));
    }
    cluster
}

fn file(folder: &TempDir, name: &str, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    path
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

#[test]
fn where_it_lies_and_who_may_read_it() {
    let cluster = server();
    let words = format!("host=127.0.0.1 port={} user=app dbname=postgres", cluster.port());
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = ("*:*:*:*:secret\n", "*:*:*:*:wrong\n");
    let homes = [Some(good), Some(bad), None].map(|text| {
        let home = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            file(&home, ".pgpass", text, 0o600);
        }
        home
    });
    let mut cells = Vec::new();
    for mode in [0o600, 0o400, 0o200, 0o700, 0o640, 0o644, 0o604, 0o660, 0o610, 0o601] {
        let path = file(&folder, &format!("mode{mode:o}"), good, mode);
        let conninfo = format!("{words} passfile={}", path.display());
        cells.push(Cell::new(format!("mode {mode:o}"), conninfo));
        let home = tempfile::tempdir_in(folder.path()).unwrap();
        file(&home, ".pgpass", good, mode);
        cells.push(Cell::new(format!("home, mode {mode:o}"), &words).home(&home.keep()));
    }
    let right = file(&folder, "right", good, 0o600);
    let link = folder.path().join("link");
    symlink(&right, &link).unwrap();
    let wrong = file(&folder, "wrong", bad, 0o600);
    let (right, wrong) = (right.display().to_string(), wrong.display().to_string());
    for (name, home) in ["right", "wrong", "no"].iter().zip(&homes) {
        for passfile in
            [None, Some(""), Some(&*right), Some(&*wrong), Some("/nowhere"), Some("/tmp")]
        {
            for variable in [None, Some(&*right), Some(&*wrong), Some("/nowhere")] {
                for more in ["", "password=secret", "password=wrong", "password=''"] {
                    let given = passfile.map_or(String::new(), |path| format!("passfile='{path}'"));
                    let mut cell = Cell::new(
                        format!(
                            "{name} file at home, {passfile:?}, PGPASSFILE {variable:?}, {more}"
                        ),
                        format!("{words} {given} {more}"),
                    );
                    if let Some(path) = variable {
                        cell = cell.env("PGPASSFILE", path);
                    }
                    cells.push(cell.home(home.path()));
                }
            }
        }
    }
    cells.push(Cell::new("a link", format!("{words} passfile={}", link.display())));
    for password in ["secret", "wrong"] {
        let cell = Cell::new(format!("PGPASSWORD {password}"), &words).home(homes[0].path());
        cells.push(cell.env("PGPASSWORD", password));
    }
    expect_a_mix(&compare(&cells));
}

#[test]
fn lines_that_are_easy_to_get_wrong() {
    let cluster = server();
    let port = cluster.port();
    let socket = cluster.socket_dir().display().to_string();
    let long = "x".repeat(20_000);
    let latin: &[u8] = b"# caf\xe9\n*:*:*:*:secret\n";
    let texts: Vec<(&str, Vec<u8>)> = [
        ("plain", "127.0.0.1:PORT:postgres:app:secret\n"),
        ("no end of line", "127.0.0.1:PORT:postgres:app:secret"),
        ("CRLF", "127.0.0.1:PORT:postgres:app:secret\r\n"),
        ("CR CR LF", "*:*:*:*:secret\r\r\n"),
        ("CR at the end", "*:*:*:*:secret\r"),
        ("a CR inside", "*:*:*:*:sec\rret\n"),
        ("trailing blank", "*:*:*:*:secret \n"),
        ("trailing tab", "*:*:*:*:secret\t\n"),
        ("leading blank", " 127.0.0.1:PORT:postgres:app:secret\n"),
        ("leading blank before a star", " *:*:*:*:secret\n"),
        ("comment", "#127.0.0.1:PORT:postgres:app:secret\n"),
        ("comment after blank", " #\n*:*:*:*:secret\n"),
        ("comment at the end", "*:*:*:*:secret # no\n"),
        ("a field more", "*:*:*:*:secret:more\n"),
        ("a field less", "*:*:*:secret\n"),
        ("empty lines", "\n\n\r\n*:*:*:*:secret\n"),
        ("first match wins", "*:*:*:*:wrong\n*:*:*:app:secret\n"),
        ("another first", "*:*:*:other:wrong\n*:*:*:app:secret\n"),
        ("empty password first", "*:*:*:*:\n*:*:*:app:secret\n"),
        ("star and more", "1*:*:*:*:secret\n"),
        ("escaped star", r"\*:*:*:*:secret"),
        ("double star", "**:*:*:*:secret\n"),
        ("escapes for nothing", r"127\.0\.0\.1:\*:postgres:app:secret"),
        ("escapes in letters", r"127\.0\.0\.1:*:post\gres:a\pp:se\cret"),
        ("backslash at the end", "*:*:*:*:secret\\\n"),
        ("backslash before CR", "*:*:*:*:secret\\\r\n"),
        ("backslash at the end of a field", "*:*:*:app\\:secret\n*:*:*:app:secret\n"),
        ("port with zeros", "*:0PORT:*:*:secret\n"),
        ("name for an address", "localhost:PORT:*:*:secret\n"),
        ("empty host", ":PORT:*:*:secret\n"),
        ("empty fields", "::::secret\n"),
        ("socket folder", "SOCKET:PORT:*:*:secret\n"),
        ("capitals", "*:*:POSTGRES:*:wrong\n*:*:*:APP:wrong\n*:*:*:*:secret\n"),
        ("a zero byte", "*:*:*:*:secret\0more\n"),
        ("a zero byte before", "# \0\n*:*:*:*:secret\n"),
        ("byte order mark", "\u{feff}*:*:*:*:secret\n"),
        ("byte order mark, then a line", "\u{feff}*:*:*:*:secret\n*:*:*:*:secret\n"),
    ]
    .into_iter()
    .map(|(name, text)| (name, text.as_bytes().to_vec()))
    .chain([
        ("Latin-1 in a comment", latin.to_vec()),
        ("a long comment", format!("#{long}\n*:*:*:*:secret\n").into_bytes()),
        ("a long line", format!("{long}:*:*:*:wrong\n*:*:*:*:secret\n").into_bytes()),
        ("a long password", format!("*:*:*:*:{long}\n*:*:*:*:secret\n").into_bytes()),
    ])
    .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut cells = Vec::new();
    for (at, (name, text)) in texts.iter().enumerate() {
        let text: Vec<u8> = match String::from_utf8(text.clone()) {
            Ok(text) => {
                text.replace("PORT", &port.to_string()).replace("SOCKET", &socket).into_bytes()
            }
            Err(bytes) => bytes.into_bytes(),
        };
        let path = file(&folder, &at.to_string(), text, 0o600);
        for place in
            ["host=127.0.0.1", "host=localhost", &format!("host={socket}"), "hostaddr=127.0.0.1"]
        {
            let words = format!("{place} port={port} user=app dbname=postgres");
            let conninfo = format!("{words} passfile={}", path.display());
            let mut cell = Cell::new(format!("{name}: {place}"), conninfo);
            if *name == "a zero byte before" {
                cell = cell.differs("a zero byte ends a line for C only");
            }
            cells.push(cell);
        }
    }
    expect_a_mix(&compare(&cells));
}

/// Made up files: some lines fit, some nearly, and the first that fits may be wrong.
#[test]
fn generated_password_files() {
    let cluster = server();
    let port = cluster.port();
    let socket = cluster.socket_dir().display().to_string();
    let mut dice = Dice::new(6);
    let folder = tempfile::tempdir().unwrap();
    let places = [
        "host=127.0.0.1".to_owned(),
        "host=localhost".to_owned(),
        "host=localhost hostaddr=127.0.0.1".to_owned(),
        "host=db.example.com hostaddr=127.0.0.1".to_owned(),
        "hostaddr=127.0.0.1".to_owned(),
        format!("host={socket}"),
        "host=127.0.0.1,localhost".to_owned(),
    ];
    let mut cells = Vec::new();
    for number in 0..200 {
        let mut text = String::new();
        for _ in 0..=dice.below(5) {
            text.push_str(&line(&mut dice, port, &socket));
            text.push_str(dice.pick(&["\n", "\n", "\n", "\r\n", "\n\n"]));
        }
        let path = file(&folder, &number.to_string(), &text, 0o600);
        for _ in 0..2 {
            let (user, _) = USERS[dice.below(USERS.len())];
            let database = dice.pick(&["postgres", "a:b", r"back\slash"]);
            let place = &places[dice.below(places.len())];
            cells.push(Cell::new(
                format!("{text:?}"),
                format!(
                    "{place} port={port} user={} dbname={} passfile={}",
                    quoted(user),
                    quoted(database),
                    path.display()
                ),
            ));
        }
    }
    expect_a_mix(&compare(&cells));
}

fn line(dice: &mut Dice, port: u16, socket: &str) -> String {
    let escape = |text: &str| text.replace('\\', r"\\").replace(':', r"\:");
    let hosts = ["*", "*", "127.0.0.1", "localhost", "db.example.com", socket, "other", ""];
    let own = port.to_string();
    let ports = ["*", "*", &own, &own, "5432"];
    let databases = ["*", "*", "postgres", "a:b", r"back\slash", "other"];
    let (user, password) = USERS[dice.below(USERS.len())];
    let users = ["*", user, user, "app"];
    // A field that is not escaped breaks the line: that happens too.
    let field = |text: &str, dice: &mut Dice| {
        if text == "*" || dice.one_in(12) { text.to_owned() } else { escape(text) }
    };
    let comment = if dice.one_in(15) { "#" } else { "" };
    let host = dice.pick(&hosts);
    let port = dice.pick(&ports);
    let database = dice.pick(&databases);
    let name = dice.pick(&users);
    let password = if dice.one_in(5) { "wrong" } else { password };
    format!(
        "{comment}{}:{}:{}:{}:{}",
        field(host, dice),
        field(port, dice),
        field(database, dice),
        field(name, dice),
        field(password, dice)
    )
}
