//! `connections --blocking`: who blocks whom, as values.

use serde_json::Value;

use crate::harness::pgbouncer::PoolSpec;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend};
use crate::scene::{Psql, wait_for};

const ROLES: &str = "CREATE ROLE app LOGIN; CREATE ROLE watch LOGIN; GRANT pg_monitor TO watch;
    CREATE ROLE plain LOGIN";

const TABLES: &str = "CREATE TABLE orders AS SELECT g AS id, 0 AS v FROM generate_series(1, 9) g;
    CREATE TABLE items (id int); CREATE TABLE q (id int);
    ALTER TABLE orders OWNER TO app; ALTER TABLE items OWNER TO app; ALTER TABLE q OWNER TO app;
    CREATE SCHEMA more; CREATE TABLE more.items (id int); CREATE TABLE more.\"Q\" (id int)";

/// A session of role app with this application_name, which waits for a lock or has a transaction
/// open.
fn session(db: &Database<'_>, application: &str, waits: bool, sql: &str) -> Psql {
    // Statements wait for as long as the test looks at them.
    let conninfo = format!(
        "dbname={} user=app application_name={application} options='-c statement_timeout=10min'",
        db.name()
    );
    let mut psql = Psql::start(db.cluster(), &conninfo);
    psql.send(sql);
    let state = match waits {
        true => "wait_event_type = 'Lock'",
        false => "state LIKE 'idle in%' AND query NOT LIKE 'BEGIN%'",
    };
    let come = format!(
        "SELECT count(*) > 0 FROM pg_stat_activity
          WHERE application_name = '{application}' AND {state}"
    );
    wait_for(db, application, &come);
    psql
}

fn pid(db: &Database<'_>, application: &str) -> i64 {
    let sql = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{application}'");
    db.psql(&sql).parse().unwrap()
}

/// Three chains: of rows, three levels deep; of a table's queue; behind a prepared transaction.
fn scene(db: &Database<'_>) -> Vec<Psql> {
    db.psql("BEGIN; LOCK TABLE items; PREPARE TRANSACTION 'moving day''s'");
    let take = |id: u32| format!("UPDATE orders SET v = v + 1 WHERE id = {id};");
    vec![
        session(db, "root", false, &format!("BEGIN; {}", take(1))),
        session(db, "middle", true, &format!("BEGIN; {}\n{}", take(2), take(1))),
        session(db, "leaf", true, &take(2)),
        session(db, "reader", true, "SELECT count(*) FROM items;"),
        session(db, "report", false, "BEGIN; SELECT count(*) FROM q;"),
        session(db, "migration", true, "ALTER TABLE q ADD x int;"),
        session(db, "shop", true, "SELECT count(*) FROM q;"),
    ]
}

fn pgtend(db: &Database<'_>, role: &str, more: &[&str]) -> Pgtend {
    let port = db.cluster().port();
    let url = format!("postgresql://{role}@127.0.0.1:{port}/{}", db.name());
    Pgtend::new().args(["connections", "--url", &url, "--blocking"]).args(more)
}

fn report(db: &Database<'_>, role: &str, code: i32, more: &[&str]) -> Value {
    let json = [more, &["--format=json"]].concat();
    pgtend(db, role, &json).run().expect_code(code).json()["report"].clone()
}

/// The root at which it begins that has this application.
fn root<'a>(report: &'a Value, application: &str) -> &'a Value {
    let roots = report["roots"].as_array().unwrap();
    let found = roots.iter().find(|root| root["application"] == application);
    found.unwrap_or_else(|| panic!("no root {application} in {report:#}"))
}

fn assert_tree(db: &Database<'_>, report: &Value) {
    let old = db.cluster().major() == 13;
    assert_eq!(report["waiting"], 5, "{report:#}");
    assert_eq!(report["roots"].as_array().unwrap().len(), 3, "{report:#}");
    assert_eq!(report["unseen"], serde_json::json!([]));

    let top = root(report, "root");
    let number = pid(db, "root");
    assert_eq!(top["pid"], number);
    assert_eq!((&top["user"], &top["database"]), (&"app".into(), &db.name().into()));
    assert_eq!(top["state"], "idle in transaction");
    assert_eq!(top["query"], "UPDATE orders SET v = v + 1 WHERE id = 1;");
    assert_eq!((&top["waits_for"], &top["waiting_behind"]), (&Value::Null, &2.into()));
    assert!(top["transaction_seconds"].as_f64().unwrap() >= 0.0);
    let run = top["remedy"]["run"].as_str().unwrap();
    assert!(run.starts_with(&format!("pgtend connections terminate {number} -h ")), "{run}");
    assert!(run.ends_with(&format!(" -d {}", db.name())), "{run}");
    let middle = &top["waiters"][0];
    assert_eq!(middle["pid"], pid(db, "middle"));
    let wait = &middle["waits_for"];
    assert_eq!((&wait["lock_type"], &wait["mode"]), (&"transactionid".into(), &"ShareLock".into()));
    assert_eq!(wait["relation"], "public.orders");
    assert_eq!(wait["waited_is_estimate"], old);
    assert!(wait["waited_seconds"].as_f64().unwrap() >= 0.0);
    let by = serde_json::json!([{ "pid": number, "held": "ExclusiveLock" }]);
    assert_eq!(middle["blocked_by"], by);
    assert_eq!(middle["waiting_behind"], 1);
    let leaf = &middle["waiters"][0];
    assert_eq!(
        (&leaf["pid"], &leaf["blocked_by"][0]["pid"]),
        (&pid(db, "leaf").into(), &middle["pid"])
    );
    assert_eq!(leaf["waiters"], serde_json::json!([]));

    // The shop only reads: it waits for who stands before it, not for the report.
    let queue = &root(report, "report")["waiters"][0];
    assert_eq!(queue["application"], "migration");
    assert_eq!(queue["waits_for"]["relation"], "public.q");
    assert_eq!(queue["blocked_by"][0]["held"], "AccessShareLock");
    let shop = &queue["waiters"][0];
    assert_eq!(
        (&shop["application"], &shop["waits_for"]["mode"]),
        (&"shop".into(), &"AccessShareLock".into())
    );
    let by = serde_json::json!([{ "pid": pid(db, "migration"), "held": null }]);
    assert_eq!(shop["blocked_by"], by);

    let prepared = report["roots"].as_array().unwrap().iter().find(|root| root["pid"].is_null());
    let prepared = prepared.unwrap();
    assert_eq!(prepared["gid"], "moving day's");
    assert_eq!(
        prepared["remedy"]["run"],
        format!("in {}: ROLLBACK PREPARED 'moving day''s';", db.name())
    );
    assert_eq!(prepared["waiters"][0]["application"], "reader");
    assert_eq!(prepared["waiters"][0]["blocked_by"][0]["gid"], "moving day's");
}

fn assert_hidden(db: &Database<'_>) {
    let report = report(db, "plain", 3, &[]);
    // Who waits for whom is not hidden from anybody.
    assert_eq!(report["waiting"], 5);
    let top = root(&report, "root");
    assert_eq!((&top["pid"], &top["hidden"]), (&pid(db, "root").into(), &true.into()));
    assert_eq!((&top["state"], &top["query"]), (&Value::Null, &Value::Null));
    assert_eq!(top["waiters"][0]["waiters"][0]["pid"], pid(db, "leaf"));
    let unseen = report["unseen"][0].as_str().unwrap();
    assert!(unseen.contains("7 sessions") && unseen.ends_with("GRANT pg_monitor TO \"plain\""));
}

fn assert_tables(db: &Database<'_>) {
    let told = report(db, "watch", 0, &["q"]);
    assert_eq!(told["table"], "public.q");
    let lock = |application: &str| {
        let locks = told["locks"].as_array().unwrap();
        let lock = locks.iter().find(|lock| lock["application"] == application).unwrap();
        (lock["mode"].as_str().unwrap().to_owned(), lock["granted"].as_bool().unwrap())
    };
    assert_eq!(told["locks"].as_array().unwrap().len(), 3, "{told:#}");
    assert_eq!(lock("report"), ("AccessShareLock".into(), true));
    assert_eq!(lock("migration"), ("AccessExclusiveLock".into(), false));
    assert_eq!(lock("shop"), ("AccessShareLock".into(), false));
    let pids = |names: &[&str]| {
        let mut pids: Vec<String> = names.iter().map(|name| pid(db, name).to_string()).collect();
        pids.sort();
        pids
    };
    let waits_for = |at: usize| {
        let pids = told["migrations"][at]["waits_for"].as_array().unwrap().clone();
        let mut pids: Vec<String> =
            pids.iter().map(|pid| pid.as_str().unwrap().to_owned()).collect();
        pids.sort();
        pids
    };
    assert_eq!(told["migrations"][0]["mode"], "AccessExclusiveLock");
    assert_eq!(waits_for(0), pids(&["report", "migration", "shop"]));
    assert_eq!(told["migrations"][2]["statements"], "create index");
    assert_eq!(waits_for(2), pids(&["migration"]));

    let told = report(db, "watch", 0, &["public.items"]);
    assert_eq!(told["locks"][0]["gid"], "moving day's");
    assert_eq!(told["locks"][1]["application"], "reader");
    // Nobody is at this one; the quotes are SQL's.
    let told = report(db, "watch", 0, &["more.\"Q\""]);
    assert_eq!((&told["table"], &told["locks"]), (&"more.\"Q\"".into(), &serde_json::json!([])));
    report(db, "plain", 3, &["q"]);
    let several = pgtend(db, "watch", &["items"]).run().expect_code(64);
    assert!(several.stderr.contains("more.items, public.items"), "{}", several.stderr);
    let none = pgtend(db, "watch", &["nothing"]).run().expect_code(64);
    assert!(none.stderr.contains("has no relation nothing"), "{}", none.stderr);
}

fn assert_forms(db: &Database<'_>) {
    let csv = pgtend(db, "watch", &["--format=csv"]).run().expect_code(0).stdout;
    assert!(csv.starts_with("level,root,blocked_by,waiting_behind,"), "{csv}");
    assert_eq!(csv.lines().count(), 9, "{csv}");
    let leaf = format!("2,{},{},0,", pid(db, "root"), pid(db, "middle"));
    assert!(csv.lines().any(|line| line.starts_with(&leaf)), "{leaf} in {csv}");
    let markdown = pgtend(db, "watch", &["--format=markdown"]).run().expect_code(0).stdout;
    assert!(markdown.starts_with("### blocking\n\n| level |"), "{markdown}");
    let page = pgtend(db, "watch", &[]).env("COLUMNS", "80").run().expect_code(0).stdout;
    assert!(page.starts_with("5 sessions wait for locks at "), "{page}");
    let root = pid(db, "root");
    assert!(page.contains(&format!("\n{root}  app@{}, root", db.name())), "{page}");
    assert!(
        page.contains(&format!("\n    end it: pgtend connections terminate {root} -h ")),
        "{page}"
    );
    assert!(page.contains("for AccessExclusiveLock on public.q, behind"), "{page}");
    // What is copied is not cut.
    let mut lines = page.lines().filter(|line| !line.contains("end it:"));
    assert!(lines.all(|line| line.chars().count() <= 80), "{page}");
}

fn shows_chains(major: u32) {
    let cluster = ClusterSpec::major(major).set("max_prepared_transactions", "3").start();
    cluster.psql("postgres", ROLES);
    let db = cluster.create_db("chains");
    db.psql(TABLES);
    let sessions = scene(&db);
    for role in ["postgres", "watch"] {
        assert_tree(&db, &report(&db, role, 0, &[]));
    }
    assert_hidden(&db);
    assert_tables(&db);
    assert_forms(&db);
    through_a_pooler(&cluster, &db);
    drop(sessions);
    db.psql("ROLLBACK PREPARED 'moving day''s'");
    let over = "SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'app'";
    wait_for(&db, "the end of the scene", over);
    let nobody = pgtend(&db, "plain", &[]).run().expect_code(0).stdout;
    assert!(nobody.starts_with("nobody waits for a lock at 127.0.0.1:"), "{nobody}");
    a_deadlock_is_told(&db);
}

fn through_a_pooler(cluster: &Cluster, db: &Database<'_>) {
    let pooler = PoolSpec::mode("transaction").start(cluster);
    let run = Pgtend::new().args(["connections", "--blocking", "--format=json", "--url"]);
    let told = run.arg(pooler.url(db.name())).run().expect_code(0).json();
    assert_tree(db, &told["report"]);
}

/// Two wait for each other, and the server does not look for ten minutes.
fn a_deadlock_is_told(db: &Database<'_>) {
    db.psql("ALTER ROLE app SET deadlock_timeout = '10min'");
    let take = |id: u32| format!("UPDATE orders SET v = v + 1 WHERE id = {id};");
    let mut first = session(db, "first", false, &format!("BEGIN; {}", take(5)));
    let second = session(db, "second", true, &format!("BEGIN; {}\n{}", take(6), take(5)));
    first.send(&take(6));
    let both = "SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    wait_for(db, "the deadlock", both);
    let told = report(db, "watch", 0, &[]);
    let mut ring = [pid(db, "first"), pid(db, "second")];
    ring.sort_unstable();
    assert_eq!(told["roots"].as_array().unwrap().len(), 1, "{told:#}");
    assert_eq!(told["roots"][0]["deadlock"], serde_json::json!(ring));
    assert_eq!(told["roots"][0]["waiters"][0]["waiters"], serde_json::json!([]));
    drop((first, second));
}

#[test]
fn chains_are_shown_on_13() {
    shows_chains(13);
}

#[test]
fn chains_are_shown_on_18() {
    shows_chains(18);
}
