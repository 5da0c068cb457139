//! Whether two databases hold the same, as design/backup.md judges it.
//!
//! A diff of two full dumps is wrong: rows come in another order, and rows of hash partitions on
//! enums move between the partitions. So: the schema as one and the same pg_dump prints it; the
//! number of rows and an order-independent hash per table; sequences; large objects.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::cluster::{Cluster, conninfo_quoted, hermetic};
use super::command;
use super::tools;

/// How much of a difference is shown.
const SHOWN_LINES: usize = 80;

/// Panics with a diff unless both databases hold the same.
#[track_caller]
pub fn assert_equal(a: &Cluster, db_a: &str, b: &Cluster, db_b: &str) {
    if let Some(difference) = difference(a, db_a, b, db_b) {
        panic!("{db_a} (-) and {db_b} (+) differ:\n{difference}");
    }
}

/// What differs, as a diff; `None` if nothing does.
pub fn difference(a: &Cluster, db_a: &str, b: &Cluster, db_b: &str) -> Option<String> {
    let newest = a.major().max(b.major());
    let of = |cluster: &Cluster, db: &str| {
        let mut text = schema(cluster, db, newest);
        text.push_str(&content(cluster, db));
        text
    };
    let (left, right) = (of(a, db_a), of(b, db_b));
    (left != right).then(|| diff(&left, &right))
}

/// The rows, sequences and large objects of a database, one line for each thing: equal content
/// gives equal text.
pub fn content(cluster: &Cluster, db: &str) -> String {
    // Only what the server's output functions look at; everything else is the server's default.
    let pinned = "SET search_path = pg_catalog; SET timezone = 'UTC'; SET datestyle = 'ISO';
        SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex';
        SET row_security = off; SET lc_monetary = 'C';\n";
    cluster.psql(db, &format!("{pinned}{}", include_str!("../data/content.sql"))) + "\n"
}

/// What `pg_dump -s` of this major prints, without what is not the database's.
fn schema(cluster: &Cluster, db: &str, major: u32) -> String {
    let mut dump = Command::new(tools::client_for(major).join("pg_dump"));
    dump.env_clear().envs(hermetic()).arg("-s").arg("-h").arg(cluster.socket_dir());
    dump.args(["-U", "postgres", "-p", &cluster.port().to_string(), "-d", &conninfo_quoted(db)]);
    let text = command::run(&mut dump, "").expect_success("pg_dump -s").stdout();
    let mut kept = String::new();
    for line in text.lines() {
        // A random key since the minor releases of August 2025, and the versions of both sides.
        let noise = ["\\restrict ", "\\unrestrict ", "-- Dumped from ", "-- Dumped by "];
        if !noise.iter().any(|start| line.starts_with(start)) {
            writeln!(kept, "{line}").unwrap();
        }
    }
    kept
}

fn diff(left: &str, right: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a", "b"].map(|name| folder.path().join(name));
    fs::write(&files[0], left).unwrap();
    fs::write(&files[1], right).unwrap();
    let text = command::run(Command::new("diff").arg("-U2").args(files), "").stdout();
    let total = text.lines().count();
    let mut shown: String =
        text.lines().skip(2).take(SHOWN_LINES).flat_map(|line| [line, "\n"]).collect();
    if total > SHOWN_LINES {
        writeln!(shown, ".. {} more lines", total - SHOWN_LINES).unwrap();
    }
    shown
}
