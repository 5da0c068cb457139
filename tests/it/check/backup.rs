//! Backups.

use std::fs;
use std::path::Path;

use super::stage::{Fault, Stage, checked, play};
use crate::harness::{Cluster, Database, Pgtend};

const AGED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/check-backup-age");
const PROVEN: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/check-backup-verified");

pub const STAGES: &[Stage] = &[
    Stage::new(
        "backup.age",
        "critical",
        "check",
        Fault::Acted(|_| {
            fs::remove_dir_all(AGED).unwrap();
            fs::create_dir(AGED).unwrap();
            Box::new(())
        }),
    )
    .prepared(|db| back_up(db, AGED))
    .args(&["--repo", AGED]),
    Stage::new(
        "backup.verified",
        "warning",
        "check",
        Fault::Acted(|_| {
            forget(Path::new(PROVEN));
            Box::new(())
        }),
    )
    .prepared(|db| {
        back_up(db, PROVEN);
        let verify = ["verify-backup", "--repo", PROVEN, "--level", "content", "latest"];
        Pgtend::new().args(verify).run().expect_code(0);
    })
    .args(&["--repo", PROVEN]),
];

/// A repository with one backup.
fn back_up(db: &Database<'_>, repository: &str) {
    if Path::new(repository).exists() {
        fs::remove_dir_all(repository).unwrap();
    }
    db.psql("CREATE TABLE t AS SELECT 1 AS a");
    let backup = ["backup", "--url", &db.url(), "--repo", repository];
    Pgtend::new().args(backup).run().expect_code(0);
}

/// Takes the records of verifications away.
fn forget(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name() == "verifications" {
            fs::remove_dir_all(entry.path()).unwrap();
        } else if entry.file_type().unwrap().is_dir() {
            forget(&entry.path());
        }
    }
}

#[test]
fn every_check_of_the_family_fires() {
    play(Cluster::shared(), STAGES);
}

#[test]
fn a_repository_that_is_not_there_is_unknown_and_none_is_not_applicable() {
    let db = Cluster::shared().create_db("check");
    let check = checked(&db.url(), "backup.age", "", &["--repo", "/nowhere/at/all"]);
    assert_eq!(check["status"], "unknown", "{check}");
    let check = checked(&db.url(), "backup.age", "", &[]);
    assert_eq!(check["status"], "not-applicable", "{check}");
}

#[test]
fn an_old_backup_is_found_by_its_age() {
    let repository = tempfile::tempdir().unwrap();
    let repository = repository.path().join("r");
    let repository = repository.to_str().unwrap();
    let db = Cluster::shared().create_db("check");
    back_up(&db, repository);
    let limits = "[check.limits]\n\"backup.age\" = { warning = \"0s\", critical = \"1h\" }";
    let check = checked(&db.url(), "backup.age", limits, &["--repo", repository]);
    assert_eq!(check["status"], "warning", "{check}");
    assert_eq!(check["findings"][0]["object"], db.name(), "{check}");
    // Another database's backups are not this one's.
    let other = Cluster::shared().create_db("check");
    let check = checked(&other.url(), "backup.age", "", &["--repo", repository]);
    assert_eq!(check["status"], "critical", "{check}");
}

#[test]
fn what_is_older_than_a_proven_backup_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let [repository, saved] = ["r", "facts.json"].map(|name| folder.path().join(name));
    let repository = repository.to_str().unwrap();
    let db = Cluster::shared().create_db("check");
    let url = db.url();
    let backup = ["backup", "--url", &url, "--repo", repository];
    back_up(&db, repository);
    db.psql("INSERT INTO t VALUES (2)");
    Pgtend::new().args(backup).run().expect_code(0);
    let verify = ["verify-backup", "--repo", repository, "--level", "content", "latest"];
    Pgtend::new().args(verify).run().expect_code(0);
    Pgtend::new().args(backup).run().expect_code(0);
    let arguments = ["--repo", repository, "--save", saved.to_str().unwrap()];
    let check = checked(&url, "backup.verified", "", &arguments);
    assert_eq!(check["status"], "healthy", "{check}");
    let facts: serde_json::Value = serde_json::from_slice(&fs::read(saved).unwrap()).unwrap();
    let known = facts["beside"]["backups"]["backups"].as_array().unwrap();
    let proven: Vec<bool> = known.iter().map(|one| one["proven"].is_string()).collect();
    assert_eq!(proven, [true, false], "{known:?}");
}
