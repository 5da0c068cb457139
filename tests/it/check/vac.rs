//! Vacuum.

use std::any::Any;

use super::stage::{Fault, Stage, play, until};
use crate::harness::activity::{Client, Way};
use crate::harness::{Cluster, ClusterSpec, Database};

/// Transaction numbers are used up, and nothing else: in a minute there are no four hundred
/// millions of them.
const BURN: &str = "
    CREATE TABLE burnt (i int) WITH (autovacuum_enabled = off);
    CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$
    BEGIN
        FOR i IN 1..110000 LOOP
            BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN others THEN RAISE; END;
            IF i % 1000 = 0 THEN COMMIT; END IF;
        END LOOP;
    END $$;
    CALL burn();
";

/// Rows that autovacuum would be at for minutes.
const SLOW: &str = "
    CREATE TABLE slow (i int, t text) WITH (autovacuum_enabled = off,
        autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
        autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
        autovacuum_freeze_max_age = 100000);
    INSERT INTO slow SELECT g, repeat('x', 500) FROM generate_series(1, 20000) g;
";

/// Statements whose counters have to be there.
#[track_caller]
fn counted(db: &Database<'_>, sql: &str, what: &str) -> Box<dyn Any> {
    db.psql(sql);
    until(db, &format!("SELECT {what} FROM pg_stat_user_tables WHERE relname = 't'"));
    Box::new(())
}

/// Of one table of a quiet database.
pub const STAGES: &[Stage] = &[
    Stage::new(
        "vac.table_off",
        "warning",
        "public.t",
        Fault::Sql("ALTER TABLE t SET (autovacuum_enabled = 0)"),
    )
    .after("CREATE TABLE t (i int)"),
    Stage::new(
        "vac.table_off",
        "warning",
        "public.t (TOAST)",
        Fault::Sql("ALTER TABLE t SET (toast.autovacuum_enabled = off)"),
    )
    .after("CREATE TABLE t (i text)"),
    Stage::new(
        "vac.overdue",
        "critical",
        "public.t",
        // 50 would be where autovacuum begins.
        Fault::Acted(|db| {
            let sql = "INSERT INTO t SELECT generate_series(1, 1000); DELETE FROM t";
            counted(db, sql, "n_dead_tup >= 1000")
        }),
    )
    .after("CREATE TABLE t (i int) WITH (autovacuum_enabled = off)")
    .with("[check.limits]\n\"vac.overdue/rows\" = { warning = 500 }"),
    Stage::new(
        "vac.overdue",
        "warning",
        "public.t",
        // 200 by the table's own options.
        Fault::Acted(|db| {
            let sql = "INSERT INTO t SELECT generate_series(1, 1000); DELETE FROM t";
            counted(db, sql, "n_dead_tup >= 1000")
        }),
    )
    .after(
        "CREATE TABLE t (i int) WITH (autovacuum_enabled = off, autovacuum_vacuum_threshold = 200)",
    )
    .with("[check.limits]\n\"vac.overdue/rows\" = { warning = 500 }"),
    Stage::new(
        "vac.never_analyzed",
        "warning",
        "public.t",
        Fault::Acted(|db| {
            let sql = "INSERT INTO t SELECT generate_series(1, 2000)";
            counted(db, sql, "n_live_tup = 2000")
        }),
    )
    .after("CREATE TABLE t (i int) WITH (autovacuum_enabled = off)"),
];

/// Of the whole server, in this order: numbers that are used up stay so, and autovacuum is off
/// until a stage turns it on.
pub const SERVER: &[Stage] = &[
    Stage::new(
        "vac.off",
        "critical",
        "autovacuum",
        Fault::Acted(|db| {
            set(db, "autovacuum", "off");
            Box::new(())
        }),
    ),
    Stage::new("vac.xid_db", "critical", "check", Fault::Sql(BURN))
        .with("[check.limits]\n\"vac.xid_db\" = { warning = 50000, critical = 100000 }"),
    Stage::new("vac.xid_table", "critical", "public.old", Fault::Sql(BURN))
        .after("CREATE TABLE old (i int)")
        .with("[check.limits]\n\"vac.xid_table\" = { warning = 50000, critical = 100000 }"),
    // A transaction that locks a row, and a part of it that changes it, are two.
    Stage::new(
        "vac.mxid_db",
        "warning",
        "check",
        Fault::Sql("BEGIN; SELECT FROM t FOR SHARE; SAVEPOINT part; UPDATE t SET i = 2; COMMIT"),
    )
    .after("CREATE TABLE t (i int); INSERT INTO t VALUES (1)")
    .with("[check.limits]\n\"vac.mxid_db\" = { warning = 1, critical = \"off\" }"),
    Stage::new(
        "vac.stuck",
        "warning",
        "check",
        Fault::Acted(|db| {
            let mut client = client(db);
            client.send("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; VACUUM slow");
            until(db, "SELECT count(*) = 1 FROM pg_stat_progress_vacuum");
            Box::new(client)
        }),
    )
    .after(SLOW)
    .with("[check.limits]\n\"vac.stuck\" = { warning = \"1ms\" }"),
    // With one worker all are busy.
    Stage::new(
        "vac.workers",
        "warning",
        "server",
        Fault::Acted(|db| {
            db.psql("DELETE FROM slow; ALTER TABLE slow SET (autovacuum_enabled = on)");
            set(db, "autovacuum", "on");
            until(
                db,
                "SELECT count(*) = 1 FROM pg_stat_progress_vacuum WHERE relid = 'slow'::regclass",
            );
            Box::new(())
        }),
    )
    .after(SLOW)
    .args(&["--interval=1s"]),
    Stage::new(
        "vac.antiwrap_running",
        "info",
        "check",
        Fault::Acted(|db| {
            db.psql(BURN);
            until(
                db,
                "SELECT count(*) = 1 FROM pg_stat_activity
                 WHERE query LIKE 'autovacuum: VACUUM %public.slow (to prevent wraparound)'",
            );
            Box::new(())
        }),
    )
    .after(SLOW),
];

fn client(db: &Database<'_>) -> Client {
    Client::start_in(db.cluster(), db.name(), "postgres", "app", Way::Socket)
}

fn set(db: &Database<'_>, name: &str, value: &str) {
    db.cluster().alter_system(&[(name, value)]);
    until(db, &format!("SELECT current_setting('{name}') = '{value}'"));
}

#[test]
fn every_check_of_tables_fires() {
    play(Cluster::shared(), STAGES);
}

#[test]
fn every_check_of_the_server_fires() {
    let cluster = ClusterSpec::default()
        .set("autovacuum_max_workers", "1")
        .set("autovacuum_naptime", "1s")
        .start();
    play(&cluster, SERVER);
}
