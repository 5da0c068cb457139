//! The verifier put to the test, and nothing left behind.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::text;
use crate::backup_right::repo::Repo;
use crate::harness::Cluster;

/// Names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_fault_in_a_copy_is_noticed_and_the_backup_is_left_alone() {
    let db = Cluster::shared().create_db("self_test");
    db.psql(
        "CREATE TABLE frames (id int, v text);
         INSERT INTO frames SELECT 100000 + g, md5(g::text) FROM generate_series(1, 4000) g;
         CREATE TABLE same_1 (a text); INSERT INTO same_1 VALUES ('one, of a size');
         CREATE TABLE same_2 (a text); INSERT INTO same_2 VALUES ('two, of a size');
         CREATE TABLE no_rows (a int);
         SELECT lo_from_bytea(1000, convert_to(repeat(md5('1'), 9), 'UTF8'))",
    );
    let repo = Repo::new();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().display().to_string();
    for compress in ["zstd", "none"] {
        let backup = repo.backup(&db, &["--compress", compress, "--chunk=40kB"]);
        let before = repo.files();
        let run = ["verify-backup", "latest", "--self-test", "--scratch-dir", &folder];
        let report = repo.pgtend(run).run().expect_code(0).json()["report"].take();
        assert_eq!(
            (&report["objects"], &report["id"]),
            (&report["of_objects"], &backup.report["id"])
        );
        let faults = report["faults"].as_array().unwrap();
        assert!(faults.iter().all(|fault| fault["noticed"] == true), "{report}");
        let told = |what: &str, level: &str| {
            let is = |fault: &&Value| fault["fault"] == what && fault["level"] == level;
            faults.iter().filter(is).count()
        };
        for (what, level, least) in [
            ("removed", "manifest", 5),
            ("doubled", "manifest", 4),
            ("cut by one byte", "manifest", 2),
            ("a bit flipped", "manifest", 4),
            ("a bit flipped", "content", 10),
            ("two frames exchanged", "content", 1),
            ("second half is zeros", "content", 2),
            ("exchanged with another", "manifest", 1),
            ("one row more in table and frame, digest fits", "content", 1),
            ("another row hash, digest fits", "content", 1),
            ("another SHA-256, digest fits", "content", 1),
            ("a table left out, digest fits", "manifest", 1),
            ("another backup's id", "manifest", 1),
        ] {
            assert!(told(what, level) >= least, "{what} at {level}: {report}");
        }
        if compress == "none" {
            assert_eq!(told("exchanged with one of its size", "content"), 1, "{report}");
        }
        assert_eq!(repo.files(), before, "no record, and nothing else");
        assert_eq!(names(scratch.path()), [""; 0], "the copy is gone");
    }
    let run = ["verify-backup", "latest", "--self-test"];
    let text = text(&repo, &run).expect_code(0).stdout;
    assert!(text.starts_with("self-test of the verifier: every one of "), "{text}");
    assert!(text.contains("not tried     level restore"), "{text}");
}

#[test]
fn a_backup_that_is_damaged_or_has_no_room_for_a_copy_is_told() {
    let db = Cluster::shared().create_db("self_test_not");
    db.psql("CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g");
    let repo = Repo::new();
    let backup = repo.backup(&db, &[]);
    let run = |arguments: &[&str]| {
        repo.pgtend([&["verify-backup", "latest", "--self-test"], arguments].concat()).run()
    };
    let nowhere = run(&["--scratch-dir=/nowhere/at/all"]).expect_code(74);
    assert!(nowhere.stderr.contains("--scratch-dir DIR"), "{}", nowhere.stderr);
    // A file system without any room.
    let full = run(&["--scratch-dir=/proc"]).expect_code(74);
    assert!(full.stderr.contains("not enough room in /proc"), "{}", full.stderr);
    run(&["--level=restore"]).expect_code(64);
    run(&["--tables=1/2"]).expect_code(64);
    let path = backup.folder.join(&backup.table("public", "t").name);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[1..]).unwrap();
    let damaged = run(&[]).expect_code(2);
    assert!(
        damaged.stderr.contains("the copy does not pass before any fault"),
        "{}",
        damaged.stderr
    );
}
