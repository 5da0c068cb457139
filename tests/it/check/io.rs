//! The cache, temporary files, and who writes the blocks.

use super::stage::{Fault, Stage, play, until};
use crate::harness::ClusterSpec;

/// One row for each block.
const WIDE: &str = "CREATE TABLE wide (k int, v text); ALTER TABLE wide ALTER v SET STORAGE PLAIN;
                    INSERT INTO wide SELECT g, repeat('x', 7000) FROM generate_series(1, 3000) g;";

pub const STAGES: &[Stage] = &[
    Stage::new(
        "cache.hit",
        "critical",
        "check_",
        Fault::Acted(|db| {
            db.psql(&format!("{WIDE} {}", "SELECT count(*) FROM wide;".repeat(60)));
            let read = "SELECT blks_read > 100000 FROM pg_stat_database
                         WHERE datname = current_database()";
            until(db, read);
            Box::new(())
        }),
    )
    .with("[check.limits]\n\"cache.hit/least\" = { warning = \"100k\" }"),
    Stage::new(
        "io.temp",
        "critical",
        "check_",
        Fault::Acted(|db| {
            db.psql(
                "SET work_mem = '64kB';
                 SELECT count(*) FROM (SELECT g FROM generate_series(1, 500000) g
                                        ORDER BY g DESC OFFSET 1) s",
            );
            until(
                db,
                "SELECT temp_bytes > 1000000 FROM pg_stat_database
                  WHERE datname = current_database()",
            );
            Box::new(())
        }),
    )
    .with("[check.limits]\n\"io.temp\" = { warning = \"1MB\", critical = \"2MB\" }")
    .rate(),
];

/// PostgreSQL 16 tells it.
pub const WRITES: &[Stage] = &[Stage::new(
    "io.backend_writes",
    "warning",
    "sessions",
    Fault::Acted(|db| {
        db.psql(&format!("{WIDE} UPDATE wide SET k = -k; UPDATE wide SET k = -k;"));
        let own = "SELECT sum(writes) > 2000 FROM pg_stat_io
                    WHERE backend_type = 'client backend' AND context = 'normal'";
        until(db, own);
        Box::new(())
    }),
)
.rate()];

#[test]
fn the_checks_of_reading_fire() {
    play(&ClusterSpec::default().set("shared_buffers", "'1MB'").start(), STAGES);
}

#[test]
fn sessions_that_write_blocks_are_found() {
    let cluster = ClusterSpec::major(16)
        .set("shared_buffers", "'1MB'")
        .set("bgwriter_lru_maxpages", "0")
        .set("autovacuum", "off");
    play(&cluster.start(), WRITES);
}
