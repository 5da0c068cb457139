//! A restore of a file is as careful as one of a backup.

use super::files::{Files, load_little, restore};
use crate::harness::{Cluster, compare};
use crate::restore_right::Made;

#[test]
fn a_database_with_something_in_it_is_left_alone_unless_that_is_wanted() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("safe");
    load_little(&db);
    let files = Files::new();
    let file = files.dump(15, &db, &["-Fc"], "dump");
    let target = cluster.create_db("target");
    target.psql("CREATE TABLE t (mine int); INSERT INTO t VALUES (1)");
    let name = target.name();
    restore(cluster, &file, &["--into", name, "--yes"]).run().expect_code(77);
    // --clean takes the name, not a yes.
    restore(cluster, &file, &["--into", name, "--clean", "--yes"]).run().expect_code(77);
    assert_eq!(target.psql("SELECT mine FROM t"), "1");
    let run = restore(cluster, &file, &["--into", name, "--clean", "--confirm", name]);
    let output = run.run().expect_code(0);
    assert!(output.stderr.contains("cannot be told"), "{}", output.stderr);
    compare::assert_equal(cluster, db.name(), cluster, name);
}

#[test]
fn it_takes_the_place_of_a_database_at_the_end() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("safe");
    load_little(&db);
    let files = Files::new();
    let plain = files.dump(15, &db, &["-Fp"], "dump");
    let place = Made::new(cluster, "place");
    restore(cluster, &plain, &["--into", &place.name, "--create", "--yes"]).run().expect_code(0);
    cluster.psql(&place.name, "DROP TABLE u");
    let run =
        restore(cluster, &plain, &["--into", &place.name, "--swap", "--confirm", &place.name]);
    let report = run.run().expect_code(0).json()["report"].take();
    compare::assert_equal(cluster, db.name(), cluster, &place.name);
    let previous = report["previous"].as_str().unwrap();
    cluster.psql("postgres", &format!("DROP DATABASE {previous}"));
}

#[test]
fn parts_of_an_archive_come_back_and_a_script_has_none() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("parts");
    load_little(&db);
    let files = Files::new();
    let file = files.dump(15, &db, &["-Fc"], "dump");
    let target = cluster.create_db("target");
    let name = target.name();
    // The foreign key of the other table is left out, and told.
    restore(cluster, &file, &["--into", name, "--table", "t", "--yes"]).run().expect_code(1);
    assert_eq!(target.psql("SELECT count(*), max(id), nextval('t_id_seq') FROM t"), "700|700|701");
    assert_eq!(target.psql("SELECT to_regclass('u') IS NULL"), "t");
    let refused = |arguments: &[&str], code: i32, word: &str| {
        let output = restore(cluster, &file, arguments).run().expect_code(code);
        assert!(output.stderr.contains(word), "{}", output.stderr);
    };
    refused(&["--into", name, "--table", "t", "--as", "t2", "--yes"], 64, "--as");
    refused(&["--into", name, "--globals", "--yes"], 64, "--globals");
    refused(&["--into", name, "--at", "2026-11-20T09:00:00Z", "--yes"], 64, "--at");
    let plain = files.dump(15, &db, &["-Fp"], "plain");
    for flag in ["--table=t", "--schema=public", "--clean", "--no-owner", "--no-privileges"] {
        let output = restore(cluster, &plain, &["--into", name, "--yes", flag]).run();
        let output = output.expect_code(64);
        assert!(output.stderr.contains("plain SQL"), "{}", output.stderr);
    }
    let own = files.dump(15, &db, &["-Fp", "-C"], "own");
    let output = restore(cluster, &own, &["--into", name, "--yes"]).run().expect_code(77);
    assert!(output.stderr.contains("pg_dump -C"), "{}", output.stderr);
}

#[test]
fn a_dry_run_reads_everything_and_changes_nothing() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("dry");
    load_little(&db);
    let (files, target) = (Files::new(), cluster.create_db("target"));
    for format in ["-Fc", "-Fp"] {
        let file = files.dump(15, &db, &[format], format);
        let run = restore(cluster, &file, &["--into", target.name(), "--dry-run"]);
        let report = run.run().expect_code(0).json()["report"].take();
        assert_eq!(report["dry_run"], true);
        assert!(report["objects"].as_u64() >= Some(6), "{report}");
    }
    assert_eq!(target.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}
