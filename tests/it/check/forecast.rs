//! The forecast: GO, WAIT or NO-GO for the migrations of a folder.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::deploy::forecast;
use super::stage::until;
use crate::harness::activity::{Client, Way};
use crate::harness::{Cluster, Database, Pgtend};
use crate::scene::{Repository, assert_nothing_runs};

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
    assert_nothing_runs(&db);
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
    check_with(db, AT_ONCE, text)
}

/// The same with these lines of pgtend.toml.
fn check_with(db: &Database<'_>, settings: &str, text: &str) -> Value {
    let pgtend = Pgtend::new();
    let path = pgtend.home().join("own.sql");
    fs::write(&path, text).unwrap();
    let config = pgtend.home().join("check.toml");
    fs::write(&config, settings).unwrap();
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

/// A partitioned table with a default partition, and a table that is not yet one.
const DAYS: &str = "CREATE TABLE days (d int) PARTITION BY LIST (d);
                    CREATE TABLE monday PARTITION OF days FOR VALUES IN (1);
                    CREATE TABLE tuesday PARTITION OF days FOR VALUES IN (2);
                    CREATE TABLE rest PARTITION OF days DEFAULT;
                    CREATE TABLE sunday (d int);
                    INSERT INTO rest SELECT 9 FROM generate_series(1, 1000)";

#[test]
fn partitions_wait_for_the_default_one_and_not_for_their_sisters() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(DAYS);
    let statements = [
        "ALTER TABLE days ATTACH PARTITION sunday FOR VALUES IN (7)",
        "CREATE TABLE saturday PARTITION OF days FOR VALUES IN (6)",
        "ALTER TABLE days DETACH PARTITION monday",
        "DROP TABLE monday",
    ];
    let mut readers = Vec::new();
    for (table, verdict) in [("tuesday", "go"), ("rest", "wait")] {
        let mut reader = Client::start_in(db.cluster(), db.name(), "postgres", "shop", Way::Socket);
        reader.ask(&format!("BEGIN; SELECT count(*) FROM {table}"));
        for statement in statements {
            let document = check_text(&db, &format!("SET lock_timeout = '5s';\n{statement};"));
            assert_eq!(forecast(&document)["verdict"], verdict, "{statement}\n{document}");
            if verdict == "wait" {
                let pids = &step(&document, 2)["pids"];
                assert_eq!(*pids, serde_json::json!([reader.pid]), "{statement}");
            }
            // The server thinks so too.
            let tried = format!("BEGIN; SET LOCAL lock_timeout = '500ms'; {statement}; ROLLBACK");
            let ran = db.cluster().psql_result(db.name(), &tried);
            assert_eq!(ran.is_ok(), verdict == "go", "{statement}: {ran:?}");
        }
        readers.push(reader);
    }
}

/// Tables are read whole for a while from one page on.
const LARGE: &str = "[check.limits]\n\"dep.rewrite/scan\" = { critical = \"8kB\" }";

#[test]
fn the_default_partition_is_read_for_a_new_one() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(DAYS);
    for statement in [
        "ALTER TABLE days ATTACH PARTITION sunday FOR VALUES IN (7)",
        "CREATE TABLE saturday PARTITION OF days FOR VALUES IN (6)",
    ] {
        let document = check_with(&db, LARGE, &format!("SET lock_timeout = '5s';\n{statement};"));
        assert_eq!(forecast(&document)["verdict"], "no-go", "{document}");
        let reason = step(&document, 2)["reason"].as_str().unwrap();
        assert!(reason.contains("public.rest is read whole"), "{reason}");
    }
}

#[test]
fn no_nulls_are_looked_for_where_a_check_is_validated_before() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    let check = |statements: &str| {
        let text = format!("SET lock_timeout = '5s';\n{statements}");
        let document = check_with(&db, LARGE, &text);
        forecast(&document)["verdict"].as_str().unwrap().to_owned()
    };
    let add = "ALTER TABLE orders ADD CONSTRAINT id_is_there CHECK (id IS NOT NULL) NOT VALID;\n";
    let validate = "ALTER TABLE orders VALIDATE CONSTRAINT id_is_there;\n";
    let set = "ALTER TABLE orders ALTER id SET NOT NULL;\n";
    assert_eq!(check(set), "no-go");
    assert_eq!(check(&format!("{add}{set}")), "no-go");
    let apart = format!("BEGIN;\n{add}COMMIT;\n{validate}{set}");
    assert_eq!(check(&apart), "go");
    // In one transaction it is read under the lock that ADD has taken.
    assert_eq!(check(&format!("{add}{validate}{set}")), "no-go");
    // An earlier deployment has added it.
    db.psql(add);
    assert_eq!(check(set), "no-go");
    assert_eq!(check(&format!("{validate}{set}")), "go");
    db.psql(validate);
    assert_eq!(check(set), "go");
    assert_eq!(check(&set.replace("NULL;", "NULL, DROP CONSTRAINT id_is_there;")), "no-go");
}

#[test]
fn a_table_with_a_new_name_is_the_old_one() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    let reader = reader(&db);
    for (rename, name) in [
        ("ALTER TABLE orders RENAME TO sales;", "sales"),
        ("CREATE SCHEMA old;\nALTER TABLE orders SET SCHEMA old;", "old.orders"),
    ] {
        let text = format!("SET lock_timeout = '5s';\n{rename}\nTRUNCATE {name};");
        let document = check_text(&db, &text);
        let steps = forecast(&document)["steps"].as_array().unwrap();
        let last = steps.last().unwrap();
        assert_eq!(last["table"], "public.orders", "{document}");
        assert_eq!(last["pids"], serde_json::json!([reader.pid]), "{document}");
    }
}

#[test]
fn an_unknown_function_is_not_known_to_be_harmless() {
    let db = Cluster::shared().create_db("forecast");
    db.psql(ORDERS);
    let document = check_text(&db, "SELECT migrate_all();");
    assert_eq!(forecast(&document)["verdict"], "unknown", "{document}");
    let document = check_text(&db, "SELECT count(*), max(id) FROM orders;");
    assert_eq!(forecast(&document)["verdict"], "go", "{document}");
}

#[test]
fn an_installed_extension_is_not_installed_again() {
    let db = Cluster::shared().create_db("forecast");
    let document = check_text(&db, "CREATE EXTENSION IF NOT EXISTS plpgsql;");
    assert_eq!(forecast(&document)["verdict"], "go", "{document}");
    let document = check_text(&db, "CREATE EXTENSION IF NOT EXISTS hstore;");
    assert_eq!(forecast(&document)["verdict"], "unknown", "{document}");
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
