//! The database, and its statistics.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use super::stage::{Fault, Stage, play, until};
use crate::harness::ClusterSpec;

pub const STAGES: &[Stage] = &[
    Stage::new(
        "db.rollback_ratio",
        "critical",
        "check_",
        Fault::Acted(|db| {
            db.psql(&"BEGIN; ROLLBACK;".repeat(200));
            let known = "SELECT xact_rollback >= 200 FROM pg_stat_database
                          WHERE datname = current_database()";
            until(db, known);
            Box::new(())
        }),
    )
    .rate(),
    Stage::new(
        "db.encoding",
        "warning",
        "ascii",
        Fault::There(|db| {
            db.psql(
                "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'
                 LC_COLLATE 'C' LC_CTYPE 'C'",
            );
            (Box::new(()), db.cluster().url("ascii"))
        }),
    ),
    Stage::new("stats.age", "info", "reset", Fault::Sql("SELECT pg_stat_reset()")),
];

pub const CHECKSUMS: &[Stage] = &[Stage::new(
    "db.checksum",
    "critical",
    "check_",
    Fault::Acted(|db| {
        let cluster = db.cluster();
        db.psql(
            "CREATE TABLE t AS SELECT repeat('x', 100) FROM generate_series(1, 1000); CHECKPOINT",
        );
        let path = cluster.data_dir().join(db.psql("SELECT pg_relation_filepath('t')"));
        cluster.stop_immediate();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(b"damaged", 4000).unwrap();
        cluster.start_again();
        assert!(cluster.psql_result(db.name(), "SELECT count(*) FROM t").is_err());
        let known = "SELECT checksum_failures > 0 FROM pg_stat_database
                      WHERE datname = current_database()";
        until(db, known);
        Box::new(())
    }),
)];

#[test]
fn the_checks_of_the_database_fire() {
    play(&ClusterSpec::default().start(), STAGES);
}

#[test]
fn a_damaged_block_is_found() {
    play(&ClusterSpec::default().initdb("--data-checksums").start(), CHECKSUMS);
}
