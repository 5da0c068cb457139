//! The service file, judged by psql.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Cell, compare, expect_a_mix};
use crate::harness::{Cluster, ClusterSpec};

fn server() -> Cluster {
    let cluster = ClusterSpec::default()
        .hba("host all secured all scram-sha-256\nhost all all all trust")
        .start();
    cluster.psql(
        "postgres",
        "CREATE ROLE app LOGIN; CREATE ROLE other LOGIN; CREATE ROLE secured LOGIN PASSWORD 'secret'",
    );
    for name in ["one", "two"] {
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
    }
    cluster
}

/// A service that works, with more lines.
fn group(cluster: &Cluster, name: &str, more: &str) -> String {
    format!("[{name}]\nhost=127.0.0.1\nport={}\nuser=app\ndbname=one\n{more}\n", cluster.port())
}

fn home(text: &[u8]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".pg_service.conf"), text).unwrap();
    home
}

#[test]
fn what_a_service_file_can_say() {
    let cluster = server();
    let port = cluster.port();
    let good = group(&cluster, "s", "");
    let long = "x".repeat(900);
    let texts: Vec<(&str, Vec<u8>)> = [
        ("good", good.clone()),
        ("comments", format!("# top\n\n{good}# end\n")),
        ("comment after a value", group(&cluster, "s", "application_name=x # y")),
        (
            "blanks before a line",
            format!("  [s]\n   host=127.0.0.1\n\tport={port}\n user=app\ndbname=one\n"),
        ),
        (
            "blanks after a line",
            format!("[s]  \nhost=127.0.0.1  \nport={port}\t\nuser=app \ndbname=one \n"),
        ),
        ("blanks around =", format!("[s]\nhost = 127.0.0.1\nport={port}\nuser=app\ndbname=one\n")),
        ("blank after =", format!("[s]\nhost=127.0.0.1\nport= {port}\nuser=app\ndbname=one\n")),
        ("blank in the dbname", group(&cluster, "s", "").replace("dbname=one", "dbname= one")),
        ("CRLF", good.replace('\n', "\r\n")),
        ("no last end of line", good.trim_end().to_owned()),
        ("quotes", group(&cluster, "s", "").replace("dbname=one", "dbname='one'")),
        ("unknown key", group(&cluster, "s", "hosst=x")),
        ("no =", group(&cluster, "s", "nonsense")),
        ("empty value", group(&cluster, "s", "sslmode=")),
        ("empty port", good.replace(&format!("port={port}"), "port=")),
        ("nested", group(&cluster, "s", "service=t") + &group(&cluster, "t", "")),
        ("servicefile inside", group(&cluster, "s", "servicefile=/x")),
        ("ldap", "[s]\nldap://nowhere.invalid/x\n".to_owned()),
        ("ldap, then values", format!("[s]\nldapx\n{}", &good[4..])),
        ("ldap in another", format!("[t]\nldap://x\n{good}")),
        ("fault in another before", format!("[t]\nnonsense\n{good}")),
        ("fault in another after", format!("{good}[t]\nnonsense\n")),
        ("first wins", group(&cluster, "s", "dbname=two\nuser=other")),
        ("group twice", group(&cluster, "s", "") + "[s]\ndbname=two\n"),
        ("two groups", group(&cluster, "t", "").replace("one", "two") + &good),
        ("longer name", group(&cluster, "sx", "").replace("one", "two") + &good),
        ("only a longer name", group(&cluster, "sx", "")),
        ("text after ]", good.replace("[s]", "[s] more")),
        ("no ]", good.replace("[s]", "[s")),
        ("blank in []", good.replace("[s]", "[ s]")),
        ("capitals", good.replace("[s]", "[S]")),
        ("capital key", good.replace("user=", "USER=")),
        ("empty", String::new()),
        ("values before any group", format!("host=/nowhere\n{good}")),
        ("requiressl", group(&cluster, "s", "requiressl=1")),
        ("sslmode", group(&cluster, "s", "sslmode=require")),
        ("sslmode wrong", group(&cluster, "s", "sslmode=x")),
        ("bad port", good.replace(&format!("port={port}"), "port=x")),
        ("options", group(&cluster, "s", "options=-c role=other")),
        ("password", group(&cluster, "s", "password=secret").replace("user=app", "user=secured")),
        ("wrong password", group(&cluster, "s", "password=x").replace("user=app", "user=secured")),
        ("a long value", group(&cluster, "s", &format!("application_name={long}"))),
        (
            "a line of 1100",
            group(&cluster, "s", &format!("application_name={long}{}", "y".repeat(200))),
        ),
        ("a comment of 1100", group(&cluster, "s", &format!("#{long}{}", "y".repeat(200)))),
        ("byte order mark", format!("\u{feff}{good}")),
    ]
    .into_iter()
    .map(|(name, text)| (name, text.into_bytes()))
    .chain([("Latin-1 in a comment", [b"# caf\xe9\n", good.as_bytes()].concat())])
    .collect();
    let homes: Vec<TempDir> = texts.iter().map(|(_, text)| home(text)).collect();
    let mut cells = Vec::new();
    for ((name, _), home) in texts.iter().zip(&homes) {
        for (way, conninfo) in [
            ("key=value", "service=s"),
            ("URI", "postgresql:///?service=s"),
            ("database given", "service=s dbname=two"),
            ("user given", "service=s user=other"),
        ] {
            cells.push(Cell::new(format!("{name}, {way}"), conninfo).home(home.path()));
        }
        cells.push(
            Cell::new(format!("{name}, PGSERVICE"), "").env("PGSERVICE", "s").home(home.path()),
        );
    }
    expect_a_mix(&compare(&cells));
}

#[test]
fn which_service_file_is_read() {
    let cluster = server();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    // Each file says by its database which it is; `only` stands in the system's file alone.
    write("home/.pg_service.conf", &group(&cluster, "s", ""));
    write(
        "system/pg_service.conf",
        &(group(&cluster, "s", "").replace("one", "two") + &group(&cluster, "only", "user=x")),
    );
    let named = write("named", &group(&cluster, "s", "").replace("one", "postgres"));
    let path = |name: &str| folder.path().join(name);
    let mut cells = Vec::new();
    for home in [path("home"), path("nohome")] {
        fs::create_dir_all(&home).unwrap();
        for system in [path("system"), path("nowhere")] {
            for file in [None, Some(named.clone()), Some(path("nowhere")), Some(path("home"))] {
                for service in ["s", "only", "none", ""] {
                    let name = format!("{home:?}, {system:?}, {file:?}, service {service:?}");
                    let mut cell = Cell::new(name, format!("service='{service}'"))
                        .home(&home)
                        .env("PGSYSCONFDIR", system.display());
                    if let Some(file) = &file {
                        cell = cell.env("PGSERVICEFILE", file.display());
                        let there = system == path("system") && ["s", "only"].contains(&service);
                        if *file == path("home") && there {
                            cell = cell.differs("a folder that was named as the file is told of");
                        }
                    }
                    cells.push(cell);
                }
            }
        }
    }
    expect_a_mix(&compare(&cells));
}

#[test]
fn a_service_stands_between_keywords_and_environment() {
    let cluster = server();
    let home = home(
        (group(&cluster, "s", "sslmode=disable")
            + &group(&cluster, "bare", "").replace("user=app\n", ""))
            .as_bytes(),
    );
    let mut cells = Vec::new();
    for service in ["s", "bare"] {
        for (name, value) in [
            ("PGUSER", "other"),
            ("PGDATABASE", "two"),
            ("PGSSLMODE", "require"),
            ("PGSSLMODE", "x"),
            ("PGOPTIONS", "-c role=other"),
            ("PGPORT", "1"),
            ("PGCONNECT_TIMEOUT", "x"),
        ] {
            for more in ["", "user=other", "dbname=two", "sslmode=prefer", "user=''", "dbname=''"] {
                cells.push(
                    Cell::new(
                        format!("{service}, {name}={value}, {more}"),
                        format!("service={service} {more}"),
                    )
                    .env(name, value)
                    .env("PGUSER2", "unused")
                    .home(home.path()),
                );
            }
        }
    }
    expect_a_mix(&compare(&cells));
}
