//! Gates of a deployment: whether it can begin now.

use serde_json::Value;

use super::stage::{Fault, Stage, play, until};
use crate::harness::activity::{Client, Way};
use crate::harness::{Cluster, ClusterSpec, Database};

macro_rules! migrations {
    ($name:literal) => {
        &["--migrations", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/check/migrations/", $name)]
    };
}

const ORDERS: &str = "CREATE TABLE orders (id int, note text);
                      INSERT INTO orders SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g";

/// Its rows alone.
const ROWS: &str = "INSERT INTO orders SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g;
                    ANALYZE orders";

/// A session of the application in a transaction.
fn session(db: &Database<'_>, application: &str, sql: &str) -> Client {
    let mut client =
        Client::start_in(db.cluster(), db.name(), "postgres", application, Way::Socket);
    client.ask(&format!("BEGIN; {sql}; SELECT 1"));
    client
}

/// The same as it is kept until the check has looked.
fn held(db: &Database<'_>, sql: &str) -> Box<dyn std::any::Any> {
    Box::new(session(db, "shop", sql))
}

pub const STAGES: &[Stage] = &[
    Stage::new(
        "dep.dump_running",
        "critical",
        "pgtend/backup",
        // BACKUP_LOCK, whatever the session is called.
        Fault::Acted(|db| {
            held(db, "DO 'BEGIN PERFORM pg_advisory_lock(8099570433841692673); END'")
        }),
    ),
    Stage::new(
        "dep.long_xact",
        "critical",
        "shop/postgres",
        Fault::Acted(|db| held(db, "INSERT INTO orders VALUES (1)")),
    )
    .after(ORDERS)
    .with("[check.limits]\n\"dep.long_xact\" = { critical = 0 }"),
    Stage::new(
        "dep.locks_on_target",
        "critical",
        "public.orders",
        Fault::Acted(|db| held(db, "LOCK orders IN ACCESS SHARE MODE")),
    )
    .after(ORDERS)
    .with("[check.limits]\n\"dep.locks_on_target\" = { critical = 0 }")
    .args(migrations!("column.sql")),
    Stage::new(
        "dep.antiwrap_on_target",
        "critical",
        "public.orders",
        Fault::Recorded {
            question: "deploy_sessions",
            rows: r#"[{"pid": 4711, "gid": null, "role": null, "application": null,
                "state": "active", "backend_type": "autovacuum worker", "transaction_age": 3600.5,
                "antiwrap": true, "backup": false, "dump": false, "has_snapshot": true,
                "locks": [{"schema": "public", "name": "orders", "granted": true,
                           "mode": "ShareUpdateExclusiveLock"}]}]"#,
        },
    )
    .after(ORDERS)
    .args(migrations!("column.sql")),
    Stage::new("dep.role_timeouts", "critical", "postgres", Fault::Sql(ORDERS))
        .args(migrations!("bare.sql")),
    Stage::new("dep.rewrite", "critical", "public.orders", Fault::Sql(ORDERS))
        .with("[check.limits]\n\"dep.rewrite\" = { critical = \"8kB\" }")
        .args(migrations!("rewrite.sql")),
    Stage::new("dep.migration_lint", "warning", "index.sql:2", Fault::Sql(ROWS))
        .after("CREATE TABLE orders (id int, note text)")
        .known()
        .with("[check.limits]\n\"dep.migration_lint\" = { warning = \"64kB\" }")
        .args(migrations!("index.sql")),
    Stage::new(
        "dep.invalid_leftovers",
        "warning",
        "public.by_note",
        Fault::Acted(|db| {
            let built = "CREATE UNIQUE INDEX CONCURRENTLY by_note ON orders (note)";
            assert!(db.cluster().psql_result(db.name(), built).is_err());
            Box::new(())
        }),
    )
    .after(ORDERS)
    .args(migrations!("column.sql")),
    Stage::new("dep.disk_for_rewrite", "critical", "public.orders", Fault::Sql(ORDERS))
        .with("[check.limits]\n\"dep.disk_for_rewrite\" = { critical = \"8kB\" }")
        .args(migrations!("rewrite.sql")),
    Stage::new(
        "dep.backup_fresh",
        "critical",
        "",
        Fault::Beside {
            name: "backups",
            value: r#"{"repository": "/srv/backups", "problem": null, "backups": [
                {"id": "1", "taken": "2020-01-01T00:00:00Z", "damaged": null,
                 "proven": "2020-01-02T00:00:00Z", "failed": null}]}"#,
        },
    ),
    Stage::new(
        "dep.perf_baseline",
        "info",
        "server",
        Fault::Sql("CREATE EXTENSION pg_stat_statements"),
    ),
    Stage::new(
        "migration.state",
        "critical",
        "public._sqlx_migrations/2",
        Fault::Sql("INSERT INTO _sqlx_migrations VALUES (2, 'b', false)"),
    )
    .after(
        "CREATE TABLE _sqlx_migrations (version bigint, description text, success boolean);
         INSERT INTO _sqlx_migrations VALUES (1, 'a', true)",
    ),
];

/// In a server of their own: sessions, slots and standbys are everybody's.
pub const SERVER: &[Stage] = &[
    Stage::new(
        "dep.headroom",
        "critical",
        "server",
        Fault::Acted(|db| {
            let one = || session(db, "shop", "SELECT 1");
            Box::new([one(), one(), one(), one()])
        }),
    )
    .with("[check.limits]\n\"dep.headroom\" = { warning = 7, critical = 8 }"),
    Stage::new(
        "dep.slot_lag",
        "critical",
        "behind",
        Fault::Acted(|db| {
            db.psql("SELECT pg_create_physical_replication_slot('behind', true)");
            db.psql(ORDERS);
            Box::new(())
        }),
    )
    .with("[check.limits]\n\"dep.slot_lag\" = { critical = \"8kB\" }"),
    Stage::new(
        "dep.replica_lag",
        "critical",
        "walreceiver",
        Fault::Acted(|db| {
            let standby = super::repl::paused(db);
            until(db, "SELECT max(replay_lag) > interval '1 ms' FROM pg_stat_replication");
            Box::new(standby)
        }),
    )
    .with("[check.limits]\n\"dep.replica_lag\" = { critical = \"1ms\" }"),
];

#[test]
fn every_gate_fires() {
    play(Cluster::shared(), STAGES);
}

#[test]
fn every_gate_of_a_server_fires() {
    play(&ClusterSpec::default().set("max_connections", "20").start(), SERVER);
}

/// The forecast in a document.
pub fn forecast(document: &Value) -> &Value {
    &document["report"]["servers"][0]["forecast"]
}
