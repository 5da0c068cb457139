//! Configuration.

use std::fs;
use std::time::Duration;

use super::stage::{Fault, Stage, checked, play};
use crate::harness::command::until;
use crate::harness::{Cluster, ClusterSpec, Database};

/// What only `ALTER DATABASE` does to one database of a cluster that others use too.
macro_rules! of_database {
    ($clause:literal) => {
        concat!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ",
            $clause,
            "', current_database()); END $$"
        )
    };
}

const BASELINE: &str = concat!(
    "[check]\nsettings_baseline = \"",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/data/check/settings_baseline.json\""
);

pub const STAGES: &[Stage] = &[
    Stage::new(
        "conf.dangerous",
        "critical",
        "zero_damaged_pages",
        Fault::Sql(of_database!("SET zero_damaged_pages = on")),
    ),
    // 20 connections with twice 1 GB each.
    Stage::new(
        "conf.memory",
        "critical",
        "server",
        Fault::Sql(of_database!("SET work_mem = ''1GB''")),
    )
    .with("[check]\nmemory = \"4GiB\""),
    Stage::new("conf.timeouts", "warning", "conf_app", Fault::Sql("CREATE ROLE conf_app LOGIN")),
    Stage::new("conf.logging", "info", "log_lock_waits", Fault::Sql(of_database!("RESET ALL")))
        .after(of_database!("SET log_lock_waits = on")),
    Stage::new(
        "conf.planner",
        "warning",
        "enable_hashjoin",
        Fault::Sql(of_database!("SET enable_hashjoin = off")),
    ),
    Stage::new(
        "conf.role_overrides",
        "info",
        "database check",
        Fault::Sql(of_database!("SET work_mem = ''8MB''")),
    ),
    Stage::new(
        "conf.drift",
        "warning",
        "work_mem",
        Fault::Sql(of_database!("SET work_mem = ''8MB''")),
    )
    .with(BASELINE),
    Stage::new("conf.tuned", "info", "work_mem", Fault::Sql(of_database!("RESET ALL")))
        .after(of_database!("SET work_mem = ''16MB''")),
    Stage::new(
        "conf.hba",
        "critical",
        "host all all 0.0.0.0 0.0.0.0 trust",
        Fault::Acted(|db| add_rule(db, "host all all 0.0.0.0/0 trust")),
    ),
    Stage::new(
        "conf.pending_restart",
        "warning",
        "max_connections",
        Fault::Acted(|db| {
            db.cluster().alter_system(&[("max_connections", "77")]);
            let waits = "SELECT pending_restart FROM pg_settings WHERE name = 'max_connections'";
            let waited = || (db.psql(waits).trim() == "t").then_some(());
            until(Duration::from_secs(30), waited).expect("a restart is pending");
            Box::new(())
        }),
    ),
];

/// The file is read when it is asked for: no reload.
fn add_rule(db: &Database<'_>, rule: &str) -> Box<dyn std::any::Any> {
    let path = db.cluster().data_dir().join("pg_hba.conf");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}\n{rule}\n")).unwrap();
    Box::new(())
}

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default().set("max_connections", "20").start();
    play(&cluster, STAGES);
}

#[test]
fn memory_is_that_of_this_machine_only_where_the_server_is_here() {
    let db = Cluster::shared().create_db("check");
    let check = checked(&db.url(), "conf.memory", "", &[]);
    assert!(check["says"].as_str().unwrap().contains("of this machine"), "{check}");
    // Elsewhere nobody knows.
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("facts.json");
    let file = path.to_str().unwrap();
    checked(&db.url(), "conf.memory", "", &["--save", file]);
    let text = fs::read_to_string(&path).unwrap();
    let mut facts: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(facts["beside"]["machine"]["bytes"].as_f64().unwrap() > 1e8, "{facts}");
    facts["beside"] = serde_json::json!({});
    fs::write(&path, facts.to_string()).unwrap();
    let check = checked(&db.url(), "conf.memory", "", &["--from", file]);
    assert_eq!(check["status"], "not-applicable", "{check}");
}

#[test]
fn a_rule_that_cannot_be_read_is_critical() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("check");
    add_rule(&db, "host all all 10.0.0.0/8 no-such-method");
    let check = checked(&db.url(), "conf.hba", "", &[]);
    assert_eq!(check["status"], "critical", "{check}");
    let object = check["findings"][0]["object"].as_str().unwrap();
    assert!(object.starts_with("pg_hba.conf:"), "{check}");
}

#[test]
fn a_role_s_own_limits_are_its_limits() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("check");
    db.psql(
        "CREATE ROLE shop LOGIN; ALTER ROLE shop SET statement_timeout = '30s';
         CREATE ROLE shop_migrate LOGIN; CREATE ROLE shop_backup LOGIN;
         ALTER ROLE shop SET idle_in_transaction_session_timeout = '5min'",
    );
    let check = checked(&db.url(), "conf.timeouts", "", &[]);
    let objects: Vec<&str> = check["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["object"].as_str().unwrap())
        .collect();
    assert_eq!(objects, ["shop_migrate lock_timeout"], "{check}");
}

#[test]
fn a_baseline_that_cannot_be_read_is_unknown() {
    let db = Cluster::shared().create_db("check");
    let none = "[check]\nsettings_baseline = \"/nowhere/facts.json\"";
    let check = checked(&db.url(), "conf.drift", none, &[]);
    assert_eq!(check["status"], "unknown", "{check}");
    let check = checked(&db.url(), "conf.drift", "", &[]);
    assert_eq!(check["status"], "not-applicable", "{check}");
}

#[test]
fn one_sign_of_a_provider_is_not_enough() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("check");
    let remedy = |role: &str| {
        cluster.psql("postgres", &format!("CREATE ROLE {role}"));
        let check = checked(&db.url(), "conf.logging", "", &[]);
        let findings = check["findings"].as_array().unwrap();
        let waits = findings.iter().find(|finding| finding["object"] == "log_lock_waits").unwrap();
        waits["remedy"].as_str().unwrap().to_owned()
    };
    let change = "ALTER SYSTEM SET log_lock_waits = 'on'; SELECT pg_reload_conf();";
    assert_eq!(remedy("doadmin"), change);
    let perhaps = "  -- if this is Amazon RDS, set it where that keeps its parameters";
    assert_eq!(remedy("rds_superuser"), format!("{change}{perhaps}"));
    let certain = "set log_lock_waits = on where Amazon RDS keeps its parameters";
    assert_eq!(remedy("rdsadmin"), certain);
}
