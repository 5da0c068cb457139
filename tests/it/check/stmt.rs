//! Statements.

use super::stage::{Fault, Stage, play};
use crate::harness::ClusterSpec;

/// Where nobody has it on the search path.
const CREATE: &str =
    "CREATE SCHEMA \"Ext S\"; CREATE EXTENSION pg_stat_statements SCHEMA \"Ext S\"";

/// In this order: the last one makes the server forget.
pub const STAGES: &[Stage] = &[
    Stage::new(
        "stmt.available",
        "warning",
        "pg_stat_statements",
        Fault::Sql("DROP EXTENSION pg_stat_statements"),
    )
    .after(CREATE),
    Stage::new(
        "stmt.top_share",
        "info",
        "postgres/",
        Fault::Sql("SELECT 'one <&> two', pg_sleep(3)"),
    )
    .after(CREATE)
    .with("[check.limits]\n\"stmt.top_share/least\" = { warning = \"2s\" }"),
    Stage::new(
        "stmt.slow_mean",
        "warning",
        "postgres/",
        Fault::Sql("SELECT pg_sleep(0.3); SELECT pg_sleep(0.3); SELECT pg_sleep(0.3)"),
    )
    .after(CREATE)
    .with(
        "[check.limits]\n\"stmt.slow_mean\" = { warning = \"300ms\" }\n\
         \"stmt.slow_mean/least\" = { warning = 3 }",
    ),
    Stage::new(
        "stmt.dealloc",
        "warning",
        "pg_stat_statements",
        Fault::Acted(|db| {
            // They differ in the number of their columns.
            let statements = (1..300).map(|count| format!("SELECT {}1;", "1,".repeat(count)));
            db.psql(&statements.collect::<String>());
            Box::new(())
        }),
    )
    .after(CREATE)
    .with("[check.limits]\n\"stmt.dealloc\" = { warning = 1 }")
    .rate(),
];

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default()
        .set("shared_preload_libraries", "'pg_stat_statements'")
        .set("pg_stat_statements.max", "100");
    play(&cluster.start(), STAGES);
}
