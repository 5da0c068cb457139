//! What pgtend reads through a pooler leaves nothing in the sessions of others.

use std::time::Duration;

use pgtend::conn::{self, Session, SessionOptions};

use super::detected::target;
use crate::harness::pgbouncer::PoolSpec;
use crate::harness::{Cluster, PgBouncer, Pgtend, command};

/// What another client's session would notice.
const TRACES: &str = "SELECT concat_ws('|', current_setting('search_path'),
    current_setting('statement_timeout'), current_setting('lock_timeout'),
    current_setting('default_transaction_read_only'), current_setting('transaction_read_only'),
    current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'),
    (SELECT count(*) FROM pg_prepared_statements),
    (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
     WHERE l.locktype = 'advisory' AND d.datname = current_database()),
    (SELECT count(*) FROM pg_cursors))";

fn untouched(application: &str) -> String {
    format!("\"$user\", public|0|0|off|off|0|{application}|0|0|0")
}

/// Waits until no session in the database is within a transaction; none ends by itself for a
/// minute.
#[track_caller]
fn assert_no_open_transactions(cluster: &Cluster, db: &str) {
    const SOON: Duration = Duration::from_secs(30);
    let open = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in%'";
    let ended = command::until(SOON, || (cluster.psql(db, open) == "0").then_some(()));
    assert!(ended.is_some(), "a transaction is open after {SOON:?}");
}

#[test]
fn show_server_leaves_nothing_in_any_mode() {
    let cluster = Cluster::shared();
    for (mode, named) in [
        ("transaction", "a connection pooler in transaction mode"),
        ("session", "a connection pooler in session mode"),
        ("statement", "a connection pooler in statement mode"),
    ] {
        for size in [2, 3] {
            let db = cluster.create_db("quiet");
            let pooler = PoolSpec::mode(mode).size(size).start(cluster);
            for _ in 0..3 {
                let run = Pgtend::new().args(["--show-server", "--url", &pooler.url(db.name())]);
                let shown = run.run().expect_code(0).stdout;
                assert!(shown.contains(named), "{shown}");
                for _ in 0..=size {
                    assert_eq!(pooler.psql(db.name(), TRACES), untouched("psql"), "{mode} {size}");
                }
            }
            assert_no_open_transactions(cluster, db.name());
        }
    }
}

/// Another client beside ours, who sets nothing but what is usual anyway.
async fn other(pooler: &PgBouncer, db: &str) -> Session {
    let usual = vec![("search_path".to_owned(), "\"$user\", public".to_owned())];
    let options = SessionOptions {
        application: "other".into(),
        settings: usual,
        ..SessionOptions::default()
    };
    conn::connect(&target(&pooler.url(db)), &options).await.unwrap()
}

async fn traces(session: &Session) -> String {
    session.simple(TRACES).await.unwrap()[0][0].clone().unwrap()
}

#[test]
fn reads_that_take_turns_with_others_leave_nothing() {
    let cluster = Cluster::shared();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (mode, size) in [("transaction", 1), ("transaction", 2), ("session", 4)] {
        let db = cluster.create_db("turns");
        db.psql("CREATE TABLE t AS SELECT 7 AS x");
        let pooler = PoolSpec::mode(mode).size(size).start(cluster);
        runtime.block_on(async {
            let options = SessionOptions::reading("pgtend/test");
            let ours = conn::connect(&target(&pooler.url(db.name())), &options).await.unwrap();
            let others = [other(&pooler, db.name()).await, other(&pooler, db.name()).await];
            for round in 0..20 {
                // Its own settings are in force in every read.
                let sql = "SELECT current_setting('search_path') || '|' ||
                    current_setting('statement_timeout') || '|' ||
                    current_setting('transaction_read_only')";
                let (one, two) = tokio::join!(ours.read(sql, &[]), ours.read(sql, &[]));
                for rows in [one.unwrap(), two.unwrap()] {
                    assert_eq!(rows[0].get::<_, String>(0), "|30s|on", "{mode}");
                }
                assert_eq!(traces(&others[round % 2]).await, untouched("other"), "{mode} {size}");
            }
            let refused = ours.read("INSERT INTO public.t VALUES (8)", &[]).await.unwrap_err();
            assert_eq!(refused.sqlstate(), Some("25006"));
            for other in &others {
                assert_eq!(traces(other).await, untouched("other"), "after a failure in {mode}");
            }
        });
        assert_no_open_transactions(cluster, db.name());
        assert_eq!(db.psql("SELECT count(*) FROM t"), "1");
    }
}

#[test]
fn a_transaction_that_is_dropped_or_given_up_ends() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("dropped");
    db.psql("CREATE TABLE t AS SELECT 7 AS x");
    let pooler = PoolSpec::mode("transaction").size(1).start(cluster);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SessionOptions::reading("pgtend/test");
        let ours = conn::connect(&target(&pooler.url(db.name())), &options).await.unwrap();
        let other = other(&pooler, db.name()).await;
        let count = "SELECT count(*) FROM public.t";
        let reading = ours.reading().await.unwrap();
        assert_eq!(reading.rows(count, &[]).await.unwrap()[0].get::<_, i64>(0), 1);
        db.psql("INSERT INTO t VALUES (8)");
        // One state of the database until the end.
        assert_eq!(reading.rows(count, &[]).await.unwrap()[0].get::<_, i64>(0), 1);
        drop(reading);
        assert_eq!(traces(&other).await, untouched("other"), "after a drop");
        let reading = ours.reading().await.unwrap();
        assert_eq!(reading.rows(count, &[]).await.unwrap()[0].get::<_, i64>(0), 2);
        reading.end().await.unwrap();
        assert_eq!(traces(&other).await, untouched("other"), "after an end");
        // Given up in the middle: what was sent ends by itself.
        let slow = ours.read("SELECT pg_catalog.pg_sleep(2)", &[]);
        assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
        let begun = ours.reading();
        assert!(tokio::time::timeout(Duration::from_millis(1), begun).await.is_err());
        assert_eq!(traces(&other).await, untouched("other"), "after giving up");
    });
    assert_no_open_transactions(cluster, db.name());
}

#[test]
fn statement_mode_runs_single_statements_and_no_transaction() {
    let cluster = Cluster::shared();
    let pooler = PoolSpec::mode("statement").start(cluster);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SessionOptions::reading("pgtend/test");
        let ours = conn::connect(&target(&pooler.url("postgres")), &options).await.unwrap();
        let rows = ours.read("SELECT 1", &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, i32>(0), 1);
        let refused = ours.reading().await.unwrap_err();
        assert!(refused.message().contains("statement pooling mode"), "{refused}");
    });
}
