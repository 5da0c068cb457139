//! Replication: standbys, slots and subscriptions.

use std::any::Any;
use std::sync::Mutex;

use super::stage::{Fault, Stage, checked, play, until};
use crate::harness::{Cluster, ClusterSpec, Database};

/// In this order: slots stay, and the last stage loses them all.
pub const SLOTS: &[Stage] = &[
    Stage::new(
        "repl.slot_unbounded",
        "warning",
        "max_slot_wal_keep_size",
        Fault::Sql("SELECT pg_create_physical_replication_slot('unbounded', true)"),
    ),
    // PostgreSQL 15 does not tell since when.
    Stage::new(
        "repl.slot_inactive",
        "warning",
        "gone",
        Fault::Sql("SELECT pg_create_physical_replication_slot('gone', true)"),
    ),
    Stage::new(
        "repl.slot_retained",
        "critical",
        "kept",
        Fault::Sql(
            "SELECT pg_create_physical_replication_slot('kept', true);
             CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)",
        ),
    )
    .with("[check.limits]\n\"repl.slot_retained\" = { warning = \"1MB\", critical = \"2MB\" }"),
    Stage::new("repl.sub_errors", "critical", "broken", Fault::Acted(break_subscription)),
    Stage::new(
        "repl.slot_status",
        "critical",
        "lost",
        Fault::Acted(|db| {
            db.psql("SELECT pg_create_physical_replication_slot('lost', true)");
            db.cluster().alter_system(&[("max_slot_wal_keep_size", "'1MB'")]);
            db.psql("CREATE TABLE t (k int)");
            until(db, "SELECT current_setting('max_slot_wal_keep_size') = '1MB'");
            for _ in 0..3 {
                db.psql("INSERT INTO t VALUES (1); SELECT pg_switch_wal()");
            }
            db.psql("CHECKPOINT");
            let lost = "SELECT wal_status = 'lost' FROM pg_replication_slots
                         WHERE slot_name = 'lost'";
            until(db, lost);
            Box::new(())
        }),
    ),
];

/// In this order: the first standby comes with the first stage, the second is there before the
/// last, and goes in it.
pub const STANDBYS: &[Stage] = &[
    Stage::new(
        "repl.lag",
        "critical",
        "walreceiver",
        Fault::Acted(|db| {
            let standby = paused(db);
            let behind = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 2000000
                            FROM pg_stat_replication";
            until(db, behind);
            Box::new(standby)
        }),
    )
    .with("[check.limits]\n\"repl.lag\" = { critical = \"1MB\" }"),
    Stage::new(
        "repl.standby_lag",
        "critical",
        "replay",
        Fault::There(|db| {
            let standby = paused(db);
            let url = standby.url("postgres");
            (Box::new(standby), url)
        }),
    )
    .with("[check.limits]\n\"repl.standby_lag\" = { critical = \"1ms\" }"),
];

pub const EXPECTED: &[Stage] = &[Stage::new(
    "repl.expected",
    "critical",
    "walreceiver",
    Fault::Acted(|db| {
        drop(STANDBY.lock().unwrap().take());
        until(db, "SELECT count(*) = 0 FROM pg_stat_replication");
        Box::new(())
    }),
)
.with("[check]\nstandbys = [\"walreceiver\"]")];

static STANDBY: Mutex<Option<Cluster>> = Mutex::new(None);

/// A standby that has received 4 MB more than it replays.
pub fn paused(db: &Database<'_>) -> Cluster {
    let standby = db.cluster().standby();
    // One transaction is replayed: from then on there is a time of it.
    db.psql("CREATE TABLE t (v text)");
    standby.catch_up_with(db.cluster());
    standby.psql("postgres", "SELECT pg_wal_replay_pause()");
    let is_paused = "SELECT pg_get_wal_replay_pause_state() = 'paused'";
    super::stage::until_in(&standby, "postgres", is_paused);
    db.psql("INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 4000)");
    let more = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                       > 3000000";
    super::stage::until_in(&standby, "postgres", more);
    standby
}

/// A subscription that met a row which it has already, and was disabled then.
fn break_subscription(db: &Database<'_>) -> Box<dyn Any> {
    db.psql(
        "CREATE TABLE t (k int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t;
         SELECT pg_create_logical_replication_slot('broken', 'pgoutput')",
    );
    let cluster = db.cluster();
    cluster.psql("postgres", "CREATE DATABASE subscriber");
    cluster.psql("subscriber", "CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let subscribe = format!(
        "CREATE SUBSCRIPTION broken CONNECTION 'host={} port={} user=postgres dbname={}'
         PUBLICATION p WITH (create_slot = false, slot_name = 'broken', copy_data = false)",
        cluster.socket_dir().display(),
        cluster.port(),
        db.name()
    );
    cluster.psql("subscriber", &subscribe);
    db.psql("INSERT INTO t VALUES (1)");
    until(db, "SELECT apply_error_count > 0 FROM pg_stat_subscription_stats");
    cluster.psql("subscriber", "ALTER SUBSCRIPTION broken DISABLE");
    until(db, "SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'broken'");
    Box::new(())
}

#[test]
fn slots_that_are_wrong_are_found() {
    play(&ClusterSpec::default().set("wal_level", "logical").start(), SLOTS);
}

#[test]
fn standbys_that_lag_or_are_gone_are_found() {
    let cluster = Cluster::start(&ClusterSpec::default());
    play(&cluster, STANDBYS);
    *STANDBY.lock().unwrap() = Some(cluster.standby());
    play(&cluster, EXPECTED);
}

#[test]
fn from_17_on_the_age_of_an_idle_slot_is_known() {
    let cluster = ClusterSpec::major(17).start();
    cluster.psql("postgres", "SELECT pg_create_physical_replication_slot('idle', true)");
    let url = cluster.url("postgres");
    let young = checked(&url, "repl.slot_inactive", "", &[]);
    assert_eq!(young["status"], "healthy", "{young}");
    let limits = "[check.limits]\n\"repl.slot_inactive\" = { critical = \"1ms\" }";
    let old = checked(&url, "repl.slot_inactive", limits, &[]);
    assert_eq!(old["status"], "critical", "{old}");
    let finding = &old["findings"][0];
    assert_eq!(finding["remedy"], "SELECT pg_drop_replication_slot('idle');");
    assert!(!finding["says"].as_str().unwrap().contains("not known"), "{finding}");
}
