//! The forecast: GO, WAIT or NO-GO for the migrations of a folder.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::deploy::forecast;
use super::stage::until;
use crate::harness::activity::{Client, Way};
use crate::harness::{Cluster, Database, Pgtend};
use crate::scene::Repository;

const ORDERS: &str = "CREATE TABLE orders (id int, note text);
                      INSERT INTO orders SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g";

fn migrations(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/check/migrations").join(name)
}

/// `check` with only the gates, and these lines of pgtend.toml.
fn check(db: &Database<'_>, settings: &str, path: &str) -> Pgtend {
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("check.toml");
    fs::write(&config, settings).unwrap();
    let pgtend = pgtend.args([
        "check",
        "--url",
        &db.url(),
        "--only",
        "dep",
        "--skip",
        "dep.headroom",
        "--config",
    ]);
    pgtend.arg(&config).arg("--migrations").arg(migrations(path))
}

/// Somebody reads orders and stays in the transaction.
fn reader(db: &Database<'_>) -> Client {
    let mut reader = Client::start_in(db.cluster(), db.name(), "postgres", "shop", Way::Socket);
    reader.ask("BEGIN; SELECT count(*) FROM orders");
    reader
}

/// Holders count however young they are; none becomes old in the meantime.
const AT_ONCE: &str = "[check.limits]\n\"dep.locks_on_target\" = { critical = 0 }\n\
                       \"dep.long_xact\" = { critical = \"off\" }\n";

fn step(document: &Value, line: u64) -> &Value {
    let steps = forecast(document)["steps"].as_array().unwrap();
    steps.iter().find(|step| step["line"] == line).unwrap()
}

#[test]
fn a_rewrite_under_an_open_transaction_waits_or_does_not_go() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    let output = check(&db, "", "rewrite.sql").arg("--format=json").run().expect_code(0);
    let document = output.json();
    assert_eq!(forecast(&document)["verdict"], "go", "{document}");
    let reader = reader(&db);
    let output = check(&db, AT_ONCE, "rewrite.sql").arg("--format=json").run().expect_code(2);
    let document = output.json();
    assert_eq!(forecast(&document)["verdict"], "wait", "{document}");
    let altered = step(&document, 4);
    assert_eq!(altered["lock"], "ACCESS EXCLUSIVE");
    assert_eq!(altered["rewrite"], true);
    assert_eq!(altered["table"], "public.orders");
    assert_eq!(altered["pids"], serde_json::json!([reader.pid]), "{altered}");
    let reason = altered["reason"].as_str().unwrap();
    assert!(reason.contains(&format!("shop/postgres (pid {})", reader.pid)), "{reason}");
    // What waiting does not mend weighs more, and both are told.
    let large = format!("{AT_ONCE}\"dep.rewrite\" = {{ critical = \"8kB\" }}");
    let output = check(&db, &large, "rewrite.sql").arg("--format=json").run().expect_code(2);
    let document = output.json();
    assert_eq!(forecast(&document)["verdict"], "no-go");
    let reason = step(&document, 4)["reason"].as_str().unwrap();
    assert!(reason.contains("id is integer, to be bigint"), "{reason}");
    assert!(reason.contains(&format!("pid {}", reader.pid)), "{reason}");
    // As people see it.
    let output = check(&db, &large, "rewrite.sql").run().expect_code(2);
    for words in ["forecast: NO-GO", "rewrite.sql:4", "dep.locks_on_target: public.orders"] {
        assert!(output.stdout.contains(words), "{words}\n{}", output.stdout);
    }
}

#[test]
fn it_waits_until_the_holder_is_gone() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    let reader = reader(&db);
    let run = check(&db, AT_ONCE, "rewrite.sql").args(["--wait=5m", "--format=json"]);
    let mut run = run.spawn();
    run.until_said("waiting: ");
    drop(reader);
    let output = run.wait().expect_code(0);
    assert_eq!(forecast(&output.json())["verdict"], "go");
    assert_eq!(output.stderr.matches("waiting: ").count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("shop/postgres"), "{}", output.stderr);
}

#[test]
fn a_running_backup_is_waited_for_by_its_name() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    db.psql("CREATE TABLE other (id int)");
    // The backup stands before this lock.
    let mut holder = Client::start_in(db.cluster(), db.name(), "postgres", "shop", Way::Socket);
    holder.ask("BEGIN; LOCK other; SELECT 1");
    let repository = Repository::new();
    let backup = repository.backup(&db.url()).spawn();
    until(
        &db,
        "SELECT count(*) > 0 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
          WHERE l.locktype = 'advisory' AND d.datname = current_database()",
    );
    let output = check(&db, "", "rewrite.sql").arg("--format=json").run().expect_code(2);
    let document = output.json();
    assert_eq!(forecast(&document)["verdict"], "wait", "{document}");
    let reasons = forecast(&document)["reasons"].to_string();
    assert!(reasons.contains("dep.dump_running: a backup by pgtend"), "{reasons}");
    drop(holder);
    backup.wait().expect_code(0);
    check(&db, "", "rewrite.sql").run().expect_code(0);
}

#[test]
fn what_is_applied_is_not_judged() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    db.psql(
        "CREATE TABLE _sqlx_migrations (version bigint, description text, success boolean);
         INSERT INTO _sqlx_migrations VALUES (1, 'orders', true)",
    );
    let output = check(&db, "", "pending").arg("--format=json").run().expect_code(0);
    let document = output.json();
    let files: Vec<&str> = forecast(&document)["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["0002_note.up.sql", "0002_note.up.sql"], "{document}");
}

#[test]
fn what_cannot_be_parsed_does_not_go() {
    let db = Cluster::shared().create_db("forecast");
    let pgtend = Pgtend::new();
    let path = pgtend.home().join("broken.sql");
    fs::write(&path, "CREATE TABLE a (b int);\nALTER TABEL a ADD c int;\n").unwrap();
    let pgtend = pgtend.args(["check", "--url", &db.url(), "--only", "dep", "--migrations"]);
    let output = pgtend.arg(&path).arg("--format=json").run().expect_code(2);
    let document = output.json();
    assert_eq!(forecast(&document)["verdict"], "no-go");
    let reasons = forecast(&document)["reasons"].to_string();
    assert!(reasons.contains("broken.sql:2 cannot be parsed"), "{reasons}");
}

/// `check` of a file with this text.
fn check_text(db: &Database<'_>, text: &str) -> Value {
    let pgtend = Pgtend::new();
    let path = pgtend.home().join("own.sql");
    fs::write(&path, text).unwrap();
    let config = pgtend.home().join("check.toml");
    fs::write(&config, AT_ONCE).unwrap();
    let url = db.url();
    let args = ["check", "--url", &url, "--only", "dep", "--skip", "dep.headroom"];
    let pgtend = pgtend.args(args).args(["--format=json", "--config"]).arg(&config);
    pgtend.arg("--migrations").arg(&path).run().json()
}

#[test]
fn what_is_locked_unnamed_is_waited_for_too() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(
        "CREATE TABLE orders (id int PRIMARY KEY);
         CREATE TABLE parts (id int REFERENCES orders CONSTRAINT other CHECK (id > 0));
         CREATE VIEW shown AS SELECT id FROM orders;
         CREATE TABLE days (d int) PARTITION BY LIST (d);
         ANALYZE days",
    );
    let mut reader = Client::start_in(db.cluster(), db.name(), "postgres", "shop", Way::Socket);
    reader.ask("BEGIN; SELECT count(*) FROM shown");
    for (text, verdict) in [
        ("SET lock_timeout = '5s';\nDROP TABLE parts;", "wait"),
        ("SET lock_timeout = '5s';\nALTER TABLE parts DROP CONSTRAINT parts_id_fkey;", "wait"),
        ("SET lock_timeout = '5s';\nALTER TABLE parts DROP CONSTRAINT other;", "go"),
        ("SET lock_timeout = '5s';\nALTER TABLE parts DROP COLUMN id;", "wait"),
        ("SET lock_timeout = '5s';\nDROP VIEW shown;", "wait"),
        // Nobody but others of its kind waits behind it.
        ("CREATE INDEX CONCURRENTLY by_id ON parts (id);", "go"),
        ("CREATE INDEX by_id ON parts (id);", "no-go"),
    ] {
        let document = check_text(&db, text);
        assert_eq!(forecast(&document)["verdict"], verdict, "{text}\n{document}");
    }
    let document = check_text(&db, "SET lock_timeout = '5s';\nDROP TABLE parts;");
    let dropped = step(&document, 2);
    assert_eq!(dropped["table"], "public.parts");
    assert_eq!(dropped["pids"], serde_json::json!([reader.pid]), "{dropped}");
    let reason = dropped["reason"].as_str().unwrap();
    assert!(reason.contains("public.orders is locked too"), "{reason}");
}

#[test]
fn whoever_cannot_see_others_gets_no_go_of_any_kind() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("forecast");
    db.psql(ORDERS);
    let role = format!("plain_{}", db.name());
    db.psql(&format!("CREATE ROLE {role} LOGIN"));
    let url = cluster.url(db.name()).replace("postgres@", &format!("{role}@"));
    let pgtend = Pgtend::new().args(["check", "--url", &url, "--only", "dep", "--migrations"]);
    let output = pgtend.arg(migrations("column.sql")).arg("--format=json").run();
    db.psql(&format!("DROP ROLE {role}"));
    let document = output.expect_code(3).json();
    assert_eq!(forecast(&document)["verdict"], "unknown", "{document}");
}
