//! Statements.

use super::stage::{Fault, Stage, checked, play};
use crate::harness::{ClusterSpec, tools};

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

/// The extension's version counts, not the server's; and its schema is anybody's.
#[test]
fn every_version_of_the_extension_is_asked() {
    let slow = "[check.limits]\n\"stmt.slow_mean\" = { warning = \"100ms\" }\n\
                \"stmt.slow_mean/least\" = { warning = 1 }";
    for major in tools::SERVER_MAJORS {
        let spec = ClusterSpec::major(major);
        let cluster = spec.set("shared_preload_libraries", "'pg_stat_statements'").start();
        let db = cluster.create_db("check");
        let version = if major == 18 { " VERSION '1.8'" } else { "" };
        db.psql(&format!("{CREATE}{version}; CREATE ROLE plain LOGIN"));
        db.psql("SELECT '<a> & </answer>' AS \"a\"\"b\", pg_sleep(0.2)");
        let statements = checked(&db.url(), "stmt.slow_mean", slow, &[]);
        // To create the extension may have been slow too.
        let mut found = statements["findings"].as_array().unwrap().iter();
        let is_told = |finding: &serde_json::Value| {
            finding["says"].as_str().unwrap().contains("AS \"a\"\"b\", pg_sleep(")
        };
        assert!(found.any(is_told), "{major}: {statements}");
        let available = checked(&db.url(), "stmt.available", "", &[]);
        let status = if major == 18 { "warning" } else { "healthy" };
        assert_eq!(available["status"], status, "{major}: {available}");
        let dealloc = checked(&db.url(), "stmt.dealloc", "", &[]);
        assert_eq!(dealloc["status"], "not-applicable", "{major}: {dealloc}");
        // Who may not use the schema is told what lets him.
        let plain = db.url().replace("postgres@", "plain@");
        for id in ["stmt.available", "stmt.slow_mean"] {
            let hidden = checked(&plain, id, "", &[]);
            assert_eq!(hidden["status"], "unknown", "{major}: {hidden}");
            let grant = "GRANT USAGE ON SCHEMA \"Ext S\" TO \"plain\"";
            assert!(hidden["reason"].as_str().unwrap().contains(grant), "{major}: {hidden}");
        }
    }
}

/// What a file says of a library that nobody loads is no setting of it.
#[test]
fn a_setting_left_behind_is_no_library() {
    let cluster = ClusterSpec::default().set("pg_stat_statements.max", "100").start();
    let db = cluster.create_db("check");
    db.psql(CREATE);
    let available = checked(&db.url(), "stmt.available", "", &[]);
    assert_eq!(available["status"], "warning", "{available}");
    let says = available["findings"][0]["says"].as_str().unwrap();
    assert!(says.contains("does not load its library"), "{says}");
    let slow = checked(&db.url(), "stmt.slow_mean", "", &[]);
    assert_eq!(slow["status"], "not-applicable", "{slow}");
}
