//! Canaries: a backup beside the ones before it.

use serde_json::Value;

use super::text;
use crate::backup_right::repo::{Backup, Repo};
use crate::harness::{Cluster, Database};
use crate::verify_restore::trial::report;

/// A table that grows, one that nobody writes to, one that is filled and emptied, partitions, and
/// one without any index.
const SHOP: &str = "
    CREATE TABLE orders (id bigserial PRIMARY KEY, created timestamptz NOT NULL, expires date);
    CREATE INDEX ON orders (created);
    CREATE INDEX ON orders (expires);
    CREATE TABLE countries (id int PRIMARY KEY, since timestamp);
    CREATE INDEX ON countries (since DESC);
    INSERT INTO countries SELECT g, '2001-02-03' FROM generate_series(1, 2000) g;
    CREATE TABLE staging (a int);
    INSERT INTO staging SELECT generate_series(1, 4000);
    CREATE TABLE visits (at timestamptz PRIMARY KEY) PARTITION BY RANGE (at);
    CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE visits_new PARTITION OF visits FOR VALUES FROM ('2021-01-01') TO ('2100-01-01');
    INSERT INTO visits SELECT '2020-02-02'::timestamptz + g * interval '1 minute'
    FROM generate_series(1, 3000) g";

fn grow(db: &Database<'_>) {
    db.psql(
        "INSERT INTO orders (created, expires)
         SELECT now() - g * interval '1 second', '9999-01-01' FROM generate_series(1, 2000) g;
         INSERT INTO visits SELECT now() - g * interval '1 millisecond' FROM generate_series(1, 900) g ON CONFLICT DO NOTHING",
    );
}

/// The canaries of the newest backup, and the exit code.
fn verify(repo: &Repo) -> (i32, Value) {
    let output = repo.pgtend(["verify-backup", "latest", "--level=manifest"]).run();
    let mut backup = report(&output);
    assert_eq!(backup["passed"], true, "{backup}");
    (output.code, backup["canaries"].take())
}

fn told(canaries: &Value) -> Vec<String> {
    let warnings = canaries["warnings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    warnings
        .iter()
        .map(|warning| format!("{} {}", text(&warning["kind"]), text(&warning["table"])))
        .collect()
}

#[test]
fn a_backup_that_shrank_or_stands_still_is_told_and_growth_is_not() {
    let db = Cluster::shared().create_db("canaries");
    db.psql(SHOP);
    grow(&db);
    let repo = Repo::new();
    let first = repo.backup(&db, &[]);
    let canary = |backup: &Backup, table: &str| {
        backup.table("public", table).table.as_ref().unwrap().canary.clone()
    };
    let orders = canary(&first, "orders").unwrap();
    assert_eq!(
        orders.largest_id.as_ref().map(|id| (id.column.as_str(), id.value)),
        Some(("id", 2000))
    );
    let newest = orders.newest.unwrap();
    assert_eq!(newest.column, "created");
    let age = first.manifest.snapshot.taken.duration_since(newest.at).as_secs();
    assert!((0..600).contains(&age), "{age}");
    // Rows of the very second of the snapshot count.
    let visited = canary(&first, "visits_new").unwrap().newest.expect("a newest row").at;
    let age = first.manifest.snapshot.taken.duration_since(visited);
    assert!(!age.is_negative() && age.as_secs() < 60, "{age}");
    assert_eq!(canary(&first, "visits_old").unwrap().root.as_deref(), Some("public.visits"));
    assert_eq!(
        canary(&first, "countries").unwrap().newest.unwrap().at.to_string(),
        "2001-02-03T00:00:00Z"
    );
    assert_eq!(canary(&first, "staging"), None);
    let (code, canaries) = verify(&repo);
    assert_eq!((code, &canaries["compared_with"]), (0, &serde_json::json!([])), "{canaries}");

    for night in 0..3 {
        grow(&db);
        db.psql(if night % 2 == 0 {
            "TRUNCATE staging"
        } else {
            "INSERT INTO staging SELECT generate_series(1, 4000)"
        });
        let backup = repo.backup(&db, &[]);
        assert!(!backup.stderr.contains("unlike the backups before"), "{}", backup.stderr);
        let (code, canaries) = verify(&repo);
        assert_eq!((code, told(&canaries)), (0, vec![]), "night {night}: {canaries}");
        assert_eq!(
            (&canaries["tables"], &canaries["newest_known"], &canaries["ids_known"]),
            (&4.into(), &3.into(), &2.into())
        );
    }

    // What lost most of its rows, and what is only old copies.
    db.psql(
        "DELETE FROM orders WHERE id > 100;
         DELETE FROM visits_new WHERE at > now() - interval '10 days';
         INSERT INTO visits SELECT now() - interval '10 days' - g * interval '1 millisecond' FROM generate_series(1, 4000) g;
         DROP TABLE countries",
    );
    let backup = repo.backup(&db, &[]);
    assert!(
        backup.stderr.contains("public.orders has 98% fewer rows than in backup"),
        "{}",
        backup.stderr
    );
    let (code, canaries) = verify(&repo);
    assert_eq!(
        (code, told(&canaries)),
        (
            1,
            ["gone public.countries", "shrunk public.orders", "stands-still public.visits"]
                .map(String::from)
                .into()
        ),
        "{canaries}"
    );
    let text = text(&repo, &["verify-backup", "latest"]).expect_code(1);
    for part in [
        "passed verification at level content",
        "canaries      public.countries is gone, public.orders shrank, public.visits stands still",
        "3 tables beside 4 earlier backups; newest row known of 2, largest id of 1",
    ] {
        assert!(text.stdout.contains(part), "{part}: {}", text.stdout);
    }
    let warned = text.stderr.lines().filter(|line| line.starts_with("warning: ")).count();
    assert_eq!(warned, 3, "{}", text.stderr);
    assert!(text.stderr.contains("public.visits its newest row (at 20"), "{}", text.stderr);
    for quiet in [&["--no-canaries"][..], &["--canary-shrink=99", "--canary-still=30d"]] {
        let output =
            repo.pgtend([&["verify-backup", "latest", "--level=manifest"], quiet].concat()).run();
        assert!(output.code == 0 || quiet.len() == 2 && output.code == 1, "{}", output.stdout);
        assert!(!output.stdout.contains("shrunk") && !output.stdout.contains("stands-still"));
    }

    // Nothing at all.
    db.psql("TRUNCATE orders, staging, visits");
    repo.backup(&db, &[]);
    let (code, canaries) = verify(&repo);
    assert_eq!((code, told(&canaries)), (1, vec!["empty -".to_owned()]), "{canaries}");
}

#[test]
fn a_canary_that_cannot_be_asked_costs_nothing_else() {
    // A time whose index is of no use, beside one that is: a view of the catalog cannot know.
    let db = Cluster::shared().create_db("unasked");
    db.psql(
        r#"CREATE TABLE "odd ""name" ("a ""b" int PRIMARY KEY, "when" timestamp);
           CREATE INDEX ON "odd ""name" ("when");
           INSERT INTO "odd ""name" VALUES (7, 'infinity'), (5, '2022-01-01'), (-3, '-infinity');
           CREATE TABLE partial (id int, at date);
           CREATE INDEX ON partial (at) WHERE id > 5;
           INSERT INTO partial VALUES (1, '2020-01-01');
           CREATE TABLE empty (id int PRIMARY KEY);
           CREATE TABLE only_never (id int PRIMARY KEY, at date);
           CREATE INDEX ON only_never (at);
           INSERT INTO only_never VALUES (1, '-infinity'), (2, '9999-01-01')"#,
    );
    let repo = Repo::new();
    let backup = repo.backup(&db, &[]);
    let canary = |table: &str| backup.table("public", table).table.as_ref().unwrap().canary.clone();
    let odd = canary("odd \"name").unwrap();
    assert_eq!(odd.largest_id.unwrap().value, 7);
    assert_eq!(odd.newest.unwrap().at.to_string(), "2022-01-01T00:00:00Z");
    assert_eq!((canary("partial"), canary("empty")), (None, None));
    // The newest time of it is no number: the question fails, the others are answered.
    let never = canary("only_never").unwrap();
    assert_eq!((never.largest_id.unwrap().value, never.newest), (2, None));
    let out = repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
    assert_eq!(report(&out)["passed"], true);
}
