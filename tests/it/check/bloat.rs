//! Bloat.

use super::stage::{Fault, Stage, checked, play, until};
use crate::harness::{Cluster, ClusterSpec};

/// Nine of ten rows go, and their room stays.
const AIR: &str = "DELETE FROM t WHERE i % 10 <> 0; VACUUM t; ANALYZE t";

/// As large as they have to be.
const FULL: &str = "
    CREATE TABLE t (i int, t text) WITH (autovacuum_enabled = off);
    INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g;
    CREATE INDEX t_i ON t (i);
    CREATE INDEX t_same ON t ((i % 3));
    VACUUM t; ANALYZE t;
";

/// The same, with the extension in a schema whose name has to be quoted.
const WITH_EXTENSION: &str = "
    CREATE SCHEMA \"Tuple stats\"; CREATE EXTENSION pgstattuple SCHEMA \"Tuple stats\";
    CREATE TABLE t (i int, t text) WITH (autovacuum_enabled = off);
    INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g;
    VACUUM t; ANALYZE t;
";

pub const STAGES: &[Stage] = &[
    Stage::new("bloat.table", "critical", "public.t", Fault::Sql(AIR))
        .after(FULL)
        .with("[check.limits]\n\"bloat.table/bytes\" = { warning = \"1MB\", critical = \"4MB\" }"),
    Stage::new("bloat.table", "warning", "public.t", Fault::Sql(AIR))
        .after(FULL)
        .with("[check.limits]\n\"bloat.table/bytes\" = { warning = \"1MB\" }"),
    Stage::new("bloat.index", "warning", "public.t_i", Fault::Sql(AIR))
        .after(FULL)
        .with("[check.limits]\n\"bloat.index/bytes\" = { warning = \"500kB\" }"),
    Stage::new("bloat.exact", "critical", "public.t", Fault::Sql(AIR))
        .after(WITH_EXTENSION)
        .with("[check.limits]\n\"bloat.exact/bytes\" = { warning = \"1MB\", critical = \"4MB\" }"),
];

/// From 16 on.
pub const NEW: &[Stage] = &[Stage::new(
    "bloat.newpage",
    "warning",
    "public.t",
    Fault::Acted(|db| {
        db.psql("UPDATE t SET i = i + 1");
        until(db, "SELECT n_tup_newpage_upd > 0 FROM pg_stat_user_tables WHERE relname = 't'");
        Box::new(())
    }),
)
.after(
    "CREATE TABLE t (i int) WITH (autovacuum_enabled = off);
     INSERT INTO t SELECT generate_series(1, 1000)",
)
.with("[check.limits]\n\"bloat.newpage/updates\" = { warning = 100 }")];

#[test]
fn every_check_of_the_family_fires() {
    play(Cluster::shared(), STAGES);
}

#[test]
fn updates_that_move_their_rows_are_told_from_16_on() {
    play(&ClusterSpec::major(16).start(), NEW);
    let old = checked(&Cluster::shared().url("postgres"), "bloat.newpage", "", &[]);
    assert_eq!(old["status"], "not-applicable");
    assert_eq!(old["reason"], "it needs PostgreSQL 16");
}

/// Without the right to read the tables their statistics are not there: an estimate from what is
/// left said 98.6% where 88.3% was true.
#[test]
fn what_a_monitor_does_not_see_is_unknown() {
    const LIMITS: &str = "[check.limits]\n\"bloat.table/bytes\" = { warning = \"1MB\" }\n\
                          \"bloat.index/bytes\" = { warning = \"500kB\" }";
    let db = Cluster::shared().create_db("watched");
    db.psql(FULL);
    db.psql(AIR);
    let role = format!("watcher_of_{}", db.name());
    db.psql(&format!("CREATE ROLE {role} LOGIN IN ROLE pg_monitor"));
    let url = db.url().replace("postgres@", &format!("{role}@"));
    for id in ["bloat.table", "bloat.index"] {
        let check = checked(&url, id, LIMITS, &[]);
        assert_eq!(check["status"], "unknown", "{check}");
        let reason = check["reason"].as_str().unwrap();
        assert!(reason.contains("does not see tables, statistics"), "{check}");
        assert_eq!(check["grants"][0], format!("GRANT pg_read_all_data TO \"{role}\";"));
    }
    db.psql(&format!("GRANT pg_read_all_data TO {role}"));
    for (id, object) in [("bloat.table", "public.t"), ("bloat.index", "public.t_i")] {
        let check = checked(&url, id, LIMITS, &[]);
        assert_eq!(check["status"], "warning", "{check}");
        assert_eq!(check["findings"][0]["object"], object, "{check}");
    }
    // A role that row security holds does not see the statistics of the table either.
    db.psql("ALTER TABLE t ENABLE ROW LEVEL SECURITY");
    let check = checked(&url, "bloat.table", LIMITS, &[]);
    assert_eq!(check["status"], "unknown", "{check}");
    assert!(check["reason"].as_str().unwrap().contains("statistics of public.t "), "{check}");
    db.psql(&format!("DROP ROLE {role}"));
}

/// The measure and the estimate are about one truth.
#[test]
fn the_estimate_is_near_the_measure() {
    let db = Cluster::shared().create_db("measured");
    db.psql(WITH_EXTENSION);
    db.psql(AIR);
    let value = |id: &str| {
        let limits = format!("[check.limits]\n\"{id}/bytes\" = {{ warning = \"1MB\" }}");
        let check = checked(&db.url(), id, &limits, &[]);
        check["findings"][0]["value"].as_f64().unwrap()
    };
    let (estimated, measured) = (value("bloat.table"), value("bloat.exact"));
    assert!((estimated - measured).abs() < 5.0, "{estimated} and {measured}");
    assert!(measured > 80.0, "{measured}");
}

#[test]
fn without_the_extension_nothing_is_measured() {
    let db = Cluster::shared().create_db("estimated");
    let check = checked(&db.url(), "bloat.exact", "", &[]);
    assert_eq!(check["status"], "not-applicable", "{check}");
    // A role that may not call it does not see.
    db.psql("CREATE EXTENSION pgstattuple");
    let role = format!("plain_in_{}", db.name());
    db.psql(&format!("CREATE ROLE {role} LOGIN"));
    let url = db.url().replace("postgres@", &format!("{role}@"));
    assert_eq!(checked(&url, "bloat.exact", "", &[])["status"], "unknown");
    db.psql(&format!("GRANT pg_monitor TO {role}"));
    assert_eq!(checked(&url, "bloat.exact", "", &[])["status"], "healthy");
    db.psql(&format!("DROP ROLE {role}"));
}
