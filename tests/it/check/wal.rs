//! The write-ahead log.

use super::stage::{Fault, Stage, play, until};
use crate::harness::{ClusterSpec, Database, command};

/// In this order: from the second on nothing is archived.
pub const STAGES: &[Stage] = &[
    Stage::new(
        "wal.dir",
        "critical",
        "pg_wal",
        Fault::Acted(|db| {
            db.psql("CREATE TABLE t (k int)");
            let large = "INSERT INTO t VALUES (1); SELECT pg_switch_wal();
                         SELECT sum(size) > 150000000 FROM pg_ls_waldir()";
            loop {
                if db.psql(large).ends_with('t') {
                    return Box::new(());
                }
            }
        }),
    )
    .with("[check.limits]\n\"wal.dir\" = { warning = \"140MB\", critical = \"150MB\" }"),
    Stage::new(
        "wal.archiver",
        "critical",
        "archiver",
        Fault::Acted(|db| {
            db.cluster().alter_system(&[("archive_command", "'false'")]);
            db.psql("CREATE TABLE t (k int)");
            command::until(command::LIMIT, || {
                db.psql("INSERT INTO t VALUES (1); SELECT pg_switch_wal()");
                let failed = "SELECT failed_count > 0 FROM pg_stat_archiver";
                (db.psql(failed) == "t").then_some(())
            })
            .expect("a failure of the archiver");
            Box::new(())
        }),
    ),
    Stage::new(
        "wal.checkpoints",
        "critical",
        "server",
        Fault::Acted(|db| {
            let count = "SELECT checkpoints_req FROM pg_stat_bgwriter";
            grow(db, count, 12, &"CHECKPOINT;".repeat(12));
            Box::new(())
        }),
    )
    .rate(),
    Stage::new(
        "wal.buffers_full",
        "warning",
        "server",
        Fault::Acted(|db| {
            let count = "SELECT wal_buffers_full FROM pg_stat_wal";
            let rows = "CREATE TABLE t AS
                        SELECT repeat('x', 1000) FROM generate_series(1, 4000)";
            grow(db, count, 10, rows);
            Box::new(())
        }),
    )
    .with("[check.limits]\n\"wal.buffers_full\" = { warning = 0.001 }")
    .rate(),
];

/// Runs statements, and waits until a counter has grown: statistics come late.
fn grow(db: &Database<'_>, counter: &str, by: i64, sql: &str) {
    let before: i64 = db.psql(counter).parse().unwrap();
    db.psql(sql);
    until(db, &format!("SELECT ({counter}) >= {}", before + by));
}

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default()
        .set("archive_mode", "on")
        .set("archive_command", "'true'")
        .set("wal_buffers", "'32kB'")
        .set("min_wal_size", "'32MB'");
    play(&cluster.start(), STAGES);
}
