//! `backup list`, `backup show` and the names of backups.

use std::fs;
use std::path::Path;

use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Database, Pgtend};

fn run(repo: &Path, arguments: &[&str]) -> Output {
    Pgtend::new().args(arguments).arg("--repo").arg(repo).run()
}

/// Makes a backup and gives its id.
fn back_up(repo: &Path, db: &Database<'_>, more: &[&str]) -> String {
    let pgtend = Pgtend::new().args(["backup", "-j1", "--format=json", "--url", &db.url()]);
    let output = pgtend.arg("-r").arg(repo).args(more).run().expect_code(0);
    output.json()["report"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_empty_repository_is_told_from_a_missing_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["backup", "list"]).expect_code(0);
    assert_eq!(output.stdout, format!("no backups in {}\n", folder.path().display()));
    let output = run(folder.path(), &["backup", "list", "--format=json"]).expect_code(0);
    assert_eq!(output.json()["report"]["backups"], serde_json::json!([]));

    // A typo in the path must not look like a repository without backups.
    let missing = folder.path().join("typo");
    for arguments in
        [&["backup", "list"][..], &["backup", "show", "latest"], &["verify-backup", "latest"]]
    {
        let output = run(&missing, arguments).expect_code(64);
        let expected = format!(
            "error: there is no repository at {}
  cause: No such file or directory (os error 2)
  next:  check --repo, PGTEND_REPO or repo in pgtend.toml; the first backup makes the folder
  exit:  64
",
            missing.display()
        );
        assert_eq!(output.stderr, expected, "{arguments:?}");
        assert!(!missing.exists());
    }
}

#[test]
fn files_of_others_in_a_repository_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path();
    fs::create_dir_all(repo.join("photos/2026/holiday")).unwrap();
    fs::create_dir_all(repo.join("photos/2026/20261120T095421Z-zzzzzz")).unwrap();
    fs::write(repo.join("README"), "not ours").unwrap();
    let output = run(repo, &["backup", "list"]).expect_code(0);
    assert!(output.stdout.starts_with("no backups in "), "{}", output.stdout);
    run(repo, &["verify-backup", "latest"]).expect_code(2);
    let output = Pgtend::new().args(["verify-backup", "x/holiday"]).current_dir(repo).run();
    assert!(output.expect_code(64).stderr.contains("no backup at x/holiday"));
    let path = repo.join("photos/2026/holiday");
    let output = Pgtend::new().arg("verify-backup").arg(path).run().expect_code(64);
    assert!(output.stderr.contains("is not a backup of pgtend"), "{}", output.stderr);
    // A folder with a backup's name and nothing in it was broken off.
    fs::create_dir_all(repo.join("photos/2026/20261120T095421Z-aaaaaa")).unwrap();
    let output = run(repo, &["backup", "list"]).expect_code(0);
    assert!(output.stdout.contains("incomplete"), "{}", output.stdout);
    let output = run(repo, &["backup", "show", "20261120"]).expect_code(2);
    assert!(output.stderr.contains("is incomplete"), "{}", output.stderr);
}

#[test]
fn a_backup_is_named_by_id_prefix_or_latest() {
    let cluster = Cluster::shared();
    let (one, two) = (cluster.create_db("cli_one"), cluster.create_db("cli_two"));
    one.psql("CREATE TABLE t AS SELECT 1 AS n");
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path();
    let first = back_up(repo, &one, &[]);
    let show = |name: &str| run(repo, &["backup", "show", name]);
    assert!(show("latest").expect_code(0).stdout.starts_with(&format!("backup {first}\n")));
    assert!(show(&first).expect_code(0).stdout.contains("public.t"));
    assert!(show(&first[..20]).expect_code(0).stdout.contains(&first));

    let second = back_up(repo, &two, &[]);
    let output = show("latest").expect_code(64);
    let (a, b) = (format!("/{}", one.name()), format!("/{}", two.name()));
    assert!(output.stderr.contains("'latest' is not clear"), "{}", output.stderr);
    assert!(output.stderr.contains(&a) && output.stderr.contains(&b), "{}", output.stderr);
    for (db, id) in [(&one, &first), (&two, &second)] {
        let name = format!("latest:{}", db.name());
        assert!(show(&name).expect_code(0).stdout.contains(id.as_str()));
    }
    let output = show("2").expect_code(64);
    assert!(output.stderr.contains("more than one backup's id starts with '2'"));
    let output = show("1999").expect_code(64);
    assert!(output.stderr.contains("no backup '1999' in "), "{}", output.stderr);
    assert!(output.stderr.contains("next:  see what is there: pgtend backup list --repo /"));
    assert!(show("latest:nobody").expect_code(2).stderr.contains("no complete backup of nobody"));
    show("").expect_code(64);

    // By its folder, without a repository.
    let path = repo.join(format!("127.0.0.1-{}/{}/{first}", cluster.port(), one.name()));
    Pgtend::new().arg("verify-backup").arg(&path).run().expect_code(0);
    Pgtend::new().arg("verify-backup").arg(path.join("manifest.json")).run().expect_code(0);

    let listed = run(repo, &["backup", "list", "--format=json"]).expect_code(0).json();
    let backups = listed["report"]["backups"].as_array().unwrap();
    assert_eq!(backups.len(), 2);
    let by_id = |id: &str| backups.iter().find(|backup| backup["id"] == id).unwrap();
    assert_eq!(by_id(&first)["verified"]["level"], "content");
    assert_eq!(by_id(&second)["verified"], serde_json::Value::Null);
}

#[test]
fn a_dry_run_writes_nothing() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("cli_dry");
    db.psql("CREATE TABLE big AS SELECT n, repeat('x', 500) FROM generate_series(1, 2000) AS n");
    db.psql("CREATE TABLE other AS SELECT 1");
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("new");
    let dry = |more: &[&str]| {
        let pgtend = Pgtend::new().args(["backup", "--dry-run", "--url", &db.url()]);
        pgtend.arg("--repo").arg(&repo).args(more).run()
    };
    let output = dry(&[]).expect_code(0);
    assert!(output.stdout.starts_with("dry run: nothing was written"), "{}", output.stdout);
    assert!(output.stdout.contains("public.big"), "{}", output.stdout);
    assert!(!output.stderr.contains("next:"), "{}", output.stderr);
    let report = dry(&["--format=json"]).expect_code(0).json()["report"].take();
    assert_eq!(report["dry_run"], true);
    assert_eq!(report["published"], false);
    assert_eq!(report["totals"]["tables"], 2);
    let report = dry(&["--format=json", "-T", "big", "-j", "3"]).expect_code(0).json();
    assert_eq!(report["report"]["totals"]["tables"], 1);
    assert_eq!(report["report"]["jobs"], 3);
    assert!(dry(&["-t", "nothing_like_it"]).expect_code(69).stderr.contains("no matching tables"));
    assert!(!repo.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
