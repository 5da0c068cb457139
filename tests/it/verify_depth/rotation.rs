//! A part of the tables each night: all get their turn, and what is claimed was looked at.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::text;
use crate::backup_right::repo::{Backup, Repo};
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Database};
use crate::verify_restore::trial::{report, trial};

/// Eight tables of very different sizes.
fn load(db: &Database<'_>) {
    for table in 1..=8 {
        db.psql(&format!(
            "CREATE TABLE t{table} (a int, b text);
             INSERT INTO t{table} SELECT g, repeat(md5(g::text), 4)
             FROM generate_series(1, {table} * {table} * 30) g"
        ));
    }
}

fn verify(repo: &Repo, arguments: &[&str]) -> Output {
    repo.pgtend([&["verify-backup"], arguments].concat()).run()
}

/// What the records of one backup say that was proven.
fn covered(backup: &Backup) -> BTreeSet<String> {
    let Ok(records) = fs::read_dir(backup.folder.join("verifications")) else {
        return BTreeSet::new();
    };
    let names = records.flat_map(|record| {
        let record: Value =
            serde_json::from_slice(&fs::read(record.unwrap().path()).unwrap()).unwrap();
        let names = record["covered"].as_array().cloned().unwrap_or_default();
        names.into_iter().map(|name| name.as_str().unwrap().to_owned())
    });
    names.collect()
}

fn listed(repo: &Repo) -> Vec<Value> {
    let list = repo.pgtend(["backup", "list"]).run().expect_code(0).json();
    list["report"]["backups"].as_array().unwrap().clone()
}

#[test]
fn nightly_parts_of_changing_backups_cover_every_table() {
    let db = Cluster::shared().create_db("rotation");
    load(&db);
    let repo = Repo::new();
    let mut all = BTreeSet::new();
    for night in 1..=3 {
        // Sizes turn round, and a table comes anew.
        db.psql(&format!(
            "INSERT INTO t{night} SELECT g, repeat(md5(g::text), 9) FROM generate_series(1, 5000) g;
             CREATE TABLE new{night} AS SELECT 1 AS a"
        ));
        let backup = repo.backup(&db, &["-j2"]);
        if night == 3 {
            let early =
                verify(&repo, &["latest", "--level=manifest", "--max-proof-age=1h", "--no-record"]);
            assert_eq!(report(&early)["problems"][0]["kind"], "not-proven", "{}", early.stdout);
            assert_eq!(early.code, 2);
        }
        let part = format!("--tables={night}/3");
        let done = report(&verify(&repo, &["latest", &part]).expect_code(0));
        assert_eq!(done["part"]["share"], format!("{night}/3"));
        let tables = done["part"]["tables"].as_u64().unwrap();
        // What sizes that changed have moved out of its turn is made up for in the last.
        assert!(tables >= 1 && (night == 3 || tables < 8), "{done}");
        assert_eq!(done["tables"], tables, "{done}");
        let part = covered(&backup);
        assert_eq!(part.len() as u64, tables, "{part:?}");
        all.extend(part);
    }
    assert_eq!(all.len(), 11, "{all:?}");
    // Parts are no proof of a backup, and the list says so.
    for (backup, share) in listed(&repo).iter().zip(["1/3", "2/3", "3/3"]) {
        assert_eq!(backup["verified"], Value::Null, "{backup}");
        assert_eq!(backup["partly"]["share"], share, "{backup}");
    }
    let list = text(&repo, &["backup", "list"]);
    assert!(list.stdout.contains("content 3/3 20"), "{}", list.stdout);
    let shown = repo.pgtend(["backup", "show", "latest"]).run().expect_code(0).json();
    let coverage = &shown["report"]["coverage"];
    assert_eq!((&coverage["tables"], &coverage["proven"]), (&11.into(), &11.into()), "{coverage}");
    verify(&repo, &["latest", "--level=manifest", "--max-proof-age=1h"]).expect_code(0);
    // At a higher level nothing was proven yet.
    let shown = text(&repo, &["verify-backup", "latest", "--tables=auto/4", "--no-record"]);
    for part in [
        "every table at level content within 1 hour",
        "passed verification at level content auto/4",
    ] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }
}

#[test]
fn a_damaged_table_is_found_in_its_turn_and_never_claimed_before() {
    let db = Cluster::shared().create_db("turns");
    load(&db);
    let repo = Repo::new();
    let backup = repo.backup(&db, &["-j2"]);
    let path = backup.folder.join(&backup.table("public", "t3").name);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, bytes).unwrap();
    let mut found = Vec::new();
    for night in 1..=4 {
        let output = verify(&repo, &["latest", &format!("--tables={night}/4")]);
        let result = report(&output);
        assert_eq!(result["passed"], output.code == 0, "{result}");
        if output.code == 2 {
            assert_eq!(result["problems"][0]["table"], "public.t3", "{result}");
            found.push(night);
        }
        assert!(!covered(&backup).contains("public.t3"), "night {night}");
    }
    // In its own turn, and again when it is overdue.
    assert!(found.len() == 1 || found.len() == 2 && found[1] == 4, "{found:?}");
    assert_eq!(covered(&backup).len(), 7);
    // Whatever share of it passed later: something was found wrong with it.
    let list = listed(&repo);
    assert_eq!(list[0]["verified"]["passed"], false, "{list:?}");
    let shown = repo.pgtend(["backup", "show", "latest"]).run().expect_code(0).json();
    assert_eq!(shown["report"]["coverage"]["never"], serde_json::json!(["public.t3"]));
    let late = verify(&repo, &["latest", "--level=manifest", "--max-proof-age=9d"]);
    assert_eq!((late.code, &report(&late)["problems"][0]["table"]), (2, &"public.t3".into()));
}

/// Keys that cross parts (the two largest tables never share one), partitions with and without a
/// root that they load through, a view with rows of its own, large objects.
const CROSSING: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name text);
    INSERT INTO customers SELECT g, repeat('n', 300) FROM generate_series(1, 3000) g;
    CREATE TABLE orders (id int PRIMARY KEY, customer int CONSTRAINT of_customer REFERENCES customers, what text);
    COMMENT ON CONSTRAINT of_customer ON orders IS 'who';
    INSERT INTO orders SELECT g, g, repeat('w', 300) FROM generate_series(1, 3000) g;
    CREATE TABLE parts (k int PRIMARY KEY, parent int CONSTRAINT inner_key REFERENCES parts) PARTITION BY RANGE (k);
    CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (1000);
    CREATE TABLE high PARTITION OF parts FOR VALUES FROM (1000) TO (9000);
    INSERT INTO parts SELECT g, g - 1 FROM generate_series(1, 2999) g WHERE g > 1
    UNION ALL SELECT 1, NULL;
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TABLE moods (k mood, v int) PARTITION BY HASH (k);
    CREATE TABLE m0 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE m1 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO moods SELECT (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood, g
    FROM generate_series(1, 3000) g;
    CREATE MATERIALIZED VIEW summary AS SELECT 1 / count(*) AS one FROM orders;
    CREATE UNIQUE INDEX ON summary (one);
    SELECT lo_from_bytea(1000 + g, convert_to(repeat(md5(g::text), g * 300), 'UTF8'))
    FROM generate_series(1, 9) g";

#[test]
fn parts_restore_alone_and_say_what_they_leave_out() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("crossing");
    db.psql(CROSSING);
    let repo = Repo::new();
    let backup = repo.backup(&db, &["-j2"]);
    let (mut not_tried, mut units, mut large_objects) = (BTreeSet::new(), 0, 0);
    for night in 1..=3 {
        let share = format!("--tables={night}/3");
        let done = report(&trial(&repo, cluster, [&share]).run().expect_code(0));
        let trial = &done["trial"];
        assert_eq!(trial["objects"], trial["restored"], "{done}");
        let names = done["part"]["not_tried"].as_array().cloned().unwrap_or_default();
        assert!(
            names.iter().any(|name| name.as_str().unwrap().starts_with("MATERIALIZED VIEW DATA")),
            "{names:?}"
        );
        not_tried.extend(names.into_iter().map(|name| name.as_str().unwrap().to_owned()));
        // Partitions that are loaded through their root are read with their empty sisters.
        assert!(trial["tables"].as_u64().unwrap() < 7, "{done}");
        units += done["part"]["tables"].as_u64().unwrap();
        large_objects += trial["large_objects"].as_u64().unwrap();
        assert_eq!(covered(&backup).len() as u64, units, "{done}");
    }
    let all = covered(&backup);
    assert_eq!(all.len(), 7, "{all:?}");
    assert_eq!((units, large_objects), (7, 9));
    let left = |what: &str| not_tried.iter().any(|told| told.contains(what));
    assert!(left("of_customer"), "{not_tried:?}");
    // Three parts are not the whole: what crosses them was not tried.
    let list = listed(&repo);
    assert_eq!(list[0]["verified"], Value::Null, "{list:?}");
    assert_eq!(list[0]["partly"]["level"], "restore", "{list:?}");
}

#[test]
fn parts_that_cannot_be_are_refused() {
    let repo = Repo::new();
    for (arguments, told) in [
        (&["--tables=0/7"][..], "parts are counted from 1 to 7"),
        (&["--tables=seven"], "expected a part like 2/7, or auto/7"),
        (&["--tables=1/7", "--level=manifest"], "--tables is about rows"),
        (&["--tables=1/7", "--level=restore", "--assert=x.sql"], "--assert needs all rows"),
    ] {
        let output = verify(&repo, &[&["latest"], arguments].concat()).expect_code(64);
        assert!(output.stderr.contains(told) || output.stdout.contains(told), "{}", output.stderr);
    }
}
