//! `--all-databases`: a backup for each, and the truth about every one of them.

use std::path::Path;

use pgtend::archive::manifest::{Kind, Manifest};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Cluster, ClusterSpec, Pgtend, command};
use crate::scene::{PATIENCE, Repository};

/// A server of a test's own: what other tests make would be backed up too.
fn cluster() -> Cluster {
    ClusterSpec::default().set("log_statement", "'all'").start()
}

/// `backup --all-databases` with more arguments, as a superuser.
fn all(cluster: &Cluster, repository: &Repository, arguments: &[&str]) -> Pgtend {
    Pgtend::new()
        .args(["backup", "--all-databases", "-h", "127.0.0.1", "-p", &cluster.port().to_string()])
        .env("PGUSER", "postgres")
        .args(["--cluster", "prod", "-j2", "--repo"])
        .arg(repository.path())
        .args(arguments)
}

/// The databases of a report as `name outcome exit`.
fn outcomes(report: &Value) -> Vec<String> {
    let of = |database: &Value| {
        let word = |key: &str| database[key].as_str().unwrap().to_owned();
        format!("{} {} {}", word("database"), word("outcome"), database["exit"])
    };
    report["databases"].as_array().expect("databases").iter().map(of).collect()
}

/// The record of a database's backup.
#[track_caller]
fn manifest(repository: &Path, report: &Value, database: &str) -> Manifest {
    let all = report["databases"].as_array().unwrap().iter();
    let found = all.map(|found| &found["backup"]).find(|backup| backup["database"] == database);
    let folder = found.expect("a backup")["folder"].as_str().unwrap();
    let bytes = std::fs::read(repository.join(folder).join("manifest.json")).unwrap();
    Manifest::from_bytes(&bytes).unwrap()
}

#[test]
fn every_database_gets_a_backup_that_restores_by_itself() {
    let cluster = cluster();
    for name in ["app", "\"Odd name; \"\"x\"\"\"", "scratch_1", "scratch_2", "rdsadmin"] {
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
    }
    cluster.psql("postgres", "CREATE DATABASE golden IS_TEMPLATE true");
    cluster.psql("postgres", "CREATE DATABASE closed ALLOW_CONNECTIONS false");
    cluster.psql("postgres", "CREATE ROLE app_owner; ALTER DATABASE app OWNER TO app_owner");
    cluster.psql("app", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS v");
    cluster.psql("Odd name; \"x\"", "CREATE TABLE u AS SELECT 1 AS v");
    let repository = Repository::new();
    let arguments = ["--format=json", "--exclude-database=SCRATCH_*", "--exclude-database=nix?"];
    let output = all(&cluster, &repository, &arguments).run().expect_code(0);
    let idle = "--exclude-database nix? means no database of this server";
    assert!(output.stderr.contains(idle), "{}", output.stderr);
    let report = &output.json()["report"];
    let published = ["Odd name; \"x\" published 0", "app published 0", "postgres published 0"];
    assert_eq!(outcomes(report), published);
    let left_out: Vec<String> = report["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}: {}", one["database"], one["reason"]).replace('"', ""))
        .collect();
    assert_eq!(
        left_out,
        [
            "closed: it takes no connections (datallowconn is off)",
            "golden: a template database",
            "rdsadmin: a database of that name is the provider's own (Amazon RDS)",
            "scratch_1: --exclude-database SCRATCH_*",
            "scratch_2: --exclude-database SCRATCH_*",
            "template0: a template database",
            "template1: a template database",
        ]
    );

    // One set of globals, read once, in every backup.
    let globals = |database: &str| {
        let record = manifest(repository.path(), report, database);
        assert_eq!(record.source.cluster, "prod");
        record.objects.into_iter().find(|object| object.kind == Kind::Globals).expect("globals")
    };
    let app = globals("app");
    assert!(app.raw_bytes > 0);
    assert_eq!(globals("postgres"), app);
    assert_eq!(globals("Odd name; \"x\""), app);
    let log = cluster.log();
    // A column that pg_dumpall's question for roles has.
    let read = log.lines().filter(|line| line.contains("rolvaliduntil"));
    assert_eq!(read.count(), 1, "{log}");

    // The database and its owner are gone; its own backup has all that is needed.
    cluster.psql("postgres", "DROP DATABASE app");
    cluster.psql("postgres", "DROP ROLE app_owner");
    let port = cluster.port().to_string();
    let restore = Pgtend::new().args(["restore", "latest:app", "--into", "app", "--create"]);
    let restore = restore.args(["--globals", "--overwrite-source", "--yes", "-U", "postgres"]);
    let restore = restore.args(["-h", "127.0.0.1", "-p", &port, "-d", "postgres", "--repo"]);
    restore.arg(repository.path()).run().expect_code(0);
    assert_eq!(cluster.psql("app", "SELECT count(*) FROM t"), "1000");
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'";
    assert_eq!(cluster.psql("postgres", owner), "app_owner");
}

#[test]
fn a_database_that_fails_does_not_hold_the_others_up() {
    let cluster = cluster();
    cluster.psql("postgres", "CREATE ROLE saver LOGIN; GRANT pg_read_all_data TO saver");
    for name in ["broken", "fine", "shut"] {
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
    }
    cluster.psql("postgres", "REVOKE CONNECT ON DATABASE shut FROM PUBLIC");
    let hidden = "CREATE TABLE t (v int); ALTER TABLE t ENABLE ROW LEVEL SECURITY";
    cluster.psql("broken", hidden);
    let repository = Repository::new();
    let saver = |arguments: &[&str]| all(&cluster, &repository, arguments).env("PGUSER", "saver");
    let output = saver(&["--format=json"]).run().expect_code(77);
    let report = &output.json()["report"];
    let expected =
        ["broken failed 77", "fine published 0", "postgres published 0", "shut failed 77"];
    assert_eq!(outcomes(report), expected);
    assert_eq!(output.json()["exit"], 77);
    let shut = &report["databases"][3]["error"];
    assert_eq!(shut["what"], "cannot back up database shut");
    assert_eq!(shut["next"][0], "GRANT CONNECT ON DATABASE \"shut\" TO \"saver\";");
    let last = "error: 2 of 4 databases have no new backup: broken, shut\n  \
                cause: the backups of the other 2 are published\n  exit:  77\n";
    assert!(output.stderr.ends_with(last), "{}", output.stderr);
    assert!(output.stderr.contains("error: database broken: "), "{}", output.stderr);
    assert_eq!(repository.backups().len(), 2);

    // Each failure says whether an older backup stands; also when the store does not answer.
    for database in ["broken", "shut"] {
        let fact = format!("also:  there is no complete backup of {database} in ");
        assert!(output.stderr.contains(&fact), "{}", output.stderr);
    }
    let folder = repository.path().join("prod/broken/20261120T095421Z-1a2b3c");
    std::fs::create_dir_all(&folder).unwrap();
    // Whoever opens it waits for ever.
    let made = std::process::Command::new("mkfifo").arg(folder.join("manifest.json")).status();
    assert!(made.unwrap().success());
    let silent = saver(&["--exclude-database", "fine|postgres"]).run().expect_code(77);
    let unknown = "whether an older backup of broken stands is not known: ";
    assert!(silent.stderr.contains(unknown), "{}", silent.stderr);
    let facts = silent.stderr.lines().filter(|line| line.starts_with("  also:  "));
    assert_eq!(facts.count(), 2, "{}", silent.stderr);
    std::fs::remove_dir_all(&folder).unwrap();

    // Who knows and says so gets an all-clear, in words too.
    let output = saver(&["--exclude-database", "broken|shut"]).run().expect_code(0);
    let lines: Vec<Vec<&str>> =
        output.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let starts = |words: &[&str]| lines.iter().any(|line| line.starts_with(words));
    assert!(starts(&["DATABASE", "OUTCOME", "BACKUP"]), "{}", output.stdout);
    assert!(starts(&["fine", "complete"]), "{}", output.stdout);
    assert!(starts(&["shut", "--exclude-database", "broken|shut"]), "{}", output.stdout);
    assert!(output.stderr.contains("next: pgtend verify-backup 2"), "{}", output.stderr);
}

#[test]
fn a_stop_ends_the_rest_and_tells_what_is_published() {
    let cluster = cluster();
    for name in ["a", "b", "c"] {
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
    }
    cluster.psql(
        "b",
        "CREATE TABLE t AS SELECT repeat(md5(i::text), 30) FROM generate_series(1, 5000) i",
    );
    let repository = Repository::new();
    let arguments = ["--format=json", "--rate-limit=64KiB/s", "--exclude-database=postgres"];
    let run = all(&cluster, &repository, &arguments).spawn();
    let folders = || repository.backups();
    let come = command::until(PATIENCE, || (folders().len() == 2).then_some(()));
    assert!(come.is_some(), "the second backup does not begin: {:?}", folders());
    run.signal(Signal::TERM);
    let output = run.wait().expect_code(143);
    let expected = ["a published 0", "b stopped 143", "c not-started 143"];
    assert_eq!(outcomes(&output.json()["report"]), expected);
    let last = "error: 2 of 3 databases have no new backup: b, c\n  \
                cause: the backup of the other one is published\n  exit:  143\n";
    assert!(output.stderr.ends_with(last), "{}", output.stderr);
    assert_eq!(folders().len(), 1);
    repository.verify();
}

#[test]
fn a_dry_run_of_all_databases_writes_nothing() {
    let cluster = cluster();
    cluster.psql("postgres", "CREATE DATABASE app");
    cluster.psql("app", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS v");
    let repository = Repository::new();
    let output = all(&cluster, &repository, &["--dry-run", "-d", "app", "--format=json"]).run();
    let output = output.expect_code(0);
    assert_eq!(outcomes(&output.json()["report"]), ["app planned 0", "postgres planned 0"]);
    repository.assert_empty();
    let output = all(&cluster, &repository, &["--dry-run"]).run().expect_code(0);
    assert!(output.stdout.starts_with("dry run: nothing was written"), "{}", output.stdout);

    let output = all(&cluster, &repository, &["--exclude-database=*"]).run().expect_code(64);
    assert!(output.stderr.contains("no database is left to back up"), "{}", output.stderr);
    for (pattern, cause) in
        [("a.b", "has no parts"), ("\"a", "quotes do not end"), ("a(", "invalid")]
    {
        let output = all(&cluster, &repository, &["--exclude-database", pattern]).run();
        let output = output.expect_code(64);
        assert!(output.stderr.contains(cause), "{pattern}: {}", output.stderr);
    }
    let alone = Pgtend::new().args(["backup", "--exclude-database", "x", "-r", "/r"]).run();
    alone.expect_code(64);
}
