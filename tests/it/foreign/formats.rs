//! Every format and compression comes back as the source was.

use std::fs;
use std::path::Path;

use super::files::{Files, client_program, gzip, load_little, restore, zstd};
use crate::harness::{Cluster, command, compare};
use crate::restore_right::Made;

/// Restores a file into a new database, which must equal the source.
#[track_caller]
fn comes_back(file: &Path, source: &str, client: u32, format: &str) {
    let cluster = Cluster::shared();
    let copy = Made::new(cluster, "copy");
    let run = restore(cluster, file, &["--into", &copy.name, "--create", "--yes", "-j2"]);
    let output = run.client(client).run().expect_code(0);
    let report = output.json()["report"].take();
    assert_eq!((&report["complete"], &report["dump"]["format"]), (&true.into(), &format.into()));
    assert_eq!(report["objects"], report["restored"], "{report}");
    assert!(report["objects"].as_u64() > Some(3), "{report}");
    assert_eq!(report["rows"], 0, "nothing is claimed of rows: {report}");
    compare::assert_equal(cluster, source, cluster, &copy.name);
}

#[test]
fn every_format_comes_back_with_all_that_is_hard_to_dump() {
    let db = Cluster::shared().create_db("formats");
    db.load_awkward();
    let files = Files::new();
    comes_back(&files.dump(15, &db, &["-Fc"], "custom"), db.name(), 15, "custom");
    comes_back(&files.dump(15, &db, &["-Ft"], "tar"), db.name(), 15, "tar");
    comes_back(&files.dump(15, &db, &["-Fd"], "directory"), db.name(), 15, "directory");
    comes_back(&files.dump(15, &db, &["-Fp"], "plain"), db.name(), 15, "plain");
}

#[test]
fn formats_of_18_come_back_on_an_older_server() {
    let db = Cluster::shared().create_db("newer");
    db.load_awkward();
    let files = Files::new();
    comes_back(&files.dump(18, &db, &["-Fc"], "custom"), db.name(), 18, "custom");
    comes_back(&files.dump(18, &db, &["-Fp"], "plain"), db.name(), 18, "plain");
    comes_back(&files.dump(18, &db, &["-Fd"], "directory"), db.name(), 18, "directory");
}

#[test]
fn names_say_nothing_and_compressions_are_seen_through() {
    let db = Cluster::shared().create_db("wrapped");
    load_little(&db);
    let files = Files::new();
    let read =
        |arguments: &[&str], name: &str| fs::read(files.dump(15, &db, arguments, name)).unwrap();
    let custom = read(&["-Fc", "-Z0"], "backup.tar.gz");
    comes_back(&files.path("backup.tar.gz"), db.name(), 15, "custom");
    comes_back(&files.write("a.sql", &gzip(&custom)), db.name(), 15, "custom");
    let tar = read(&["-Ft"], "b.dump");
    comes_back(&files.write("b.zip", &zstd(&gzip(&tar))), db.name(), 15, "tar");
    let plain = read(&["-Fp"], "c.dump");
    comes_back(&files.write("c.tar", &gzip(&plain)), db.name(), 15, "plain");
    comes_back(&files.write("d.custom", &zstd(&plain)), db.name(), 15, "plain");
    // Rows as INSERT.
    let inserts = files.dump(15, &db, &["-Fc", "--inserts"], "inserts");
    comes_back(&inserts, db.name(), 15, "custom");
    let inserts = files.dump(15, &db, &["-Fp", "--rows-per-insert=50"], "inserts.gz");
    comes_back(&inserts, db.name(), 15, "plain");
}

#[test]
fn columns_are_called_what_they_like() {
    let db = Cluster::shared().create_db("words");
    load_little(&db);
    db.psql(
        "CREATE TABLE jobs (id int, program text);
         CREATE TABLE program (stdin text, \"from\" text, \"/etc/passwd\" text, program text);
         INSERT INTO jobs VALUES (1, 'id');
         INSERT INTO program VALUES ('a', 'b', 'c', 'd')",
    );
    let files = Files::new();
    let plain = files.dump(15, &db, &["-Fp"], "plain");
    assert!(fs::read_to_string(&plain).unwrap().contains("COPY public.jobs (id, program) FROM"));
    comes_back(&plain, db.name(), 15, "plain");
}

/// Guide 004 of the operators' guides: `--format=custom` into a file called `.sql.gz`.
#[test]
fn a_custom_dump_that_is_called_sql_gz_restores() {
    let db = Cluster::shared().create_db("guide");
    load_little(&db);
    let files = Files::new();
    let file = files.path("halcytone_prod_20260930_020000.sql.gz");
    let mut dump = client_program(15, "pg_dump", db.cluster(), db.name());
    dump.args(["--format=custom", "--compress=9"]);
    dump.arg(format!("--file={}", file.display()));
    command::run(&mut dump, "").expect_success("pg_dump");
    comes_back(&file, db.name(), 15, "custom");
}
