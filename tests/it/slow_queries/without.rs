//! Without the extension: what runs now, and the steps to have it.

use pgtend::sql;
use serde_json::{Value, json};

use super::{counting, report, run, said};
use crate::harness::{Cluster, ClusterSpec, command};
use crate::scene::Psql;

#[test]
fn without_the_library_what_runs_now_is_shown_with_the_steps() {
    let db = Cluster::shared().create_db("slow");
    let mut session = Psql::start(Cluster::shared(), db.name());
    session.send("SELECT pg_sleep(60) /* running */;");
    let running =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60) /* r%'
        AND state = 'active' AND datname = current_database()";
    command::until(command::LIMIT, || (db.psql(running) == "1").then_some(())).expect("it runs");
    let found = report(&db.url(), &["--save=nowhere"], 3);
    assert_eq!(found["source"], "pg_stat_activity");
    assert_eq!(found["live"].as_array().unwrap().len(), 1, "{found:#}");
    let live = &found["live"][0];
    assert_eq!(live["query"], "SELECT pg_sleep(60) /* running */;");
    assert_eq!(
        (&live["user"], &live["waits_for"]),
        (&"postgres".into(), &"Timeout: PgSleep".into())
    );
    assert!(live["seconds"].as_f64().unwrap() >= 0.0);
    assert!(said(&found, "unseen", "not in shared_preload_libraries"), "{found:#}");
    assert!(said(&found, "unseen", "nothing was saved"), "{found:#}");
    assert!(said(&found, "enable", "add pg_stat_statements to shared_preload_libraries"));
    assert!(said(&found, "enable", "restart") && said(&found, "enable", "CREATE EXTENSION"));
    let role = format!("plain_{}", db.name());
    db.psql(&format!("CREATE ROLE {role} LOGIN"));
    let hidden = report(&super::url_as(&role, &db), &[], 3);
    let page = run(&super::url_as(&role, &db), &["--format=nagios"]).expect_code(3).stdout;
    db.psql(&format!("DROP ROLE {role}"));
    assert_eq!(hidden["live"].as_array().unwrap().len(), 0);
    assert!(said(&hidden, "unseen", "GRANT pg_read_all_stats TO"), "{hidden:#}");
    assert!(page.starts_with("PGTEND SLOW-QUERIES UNKNOWN: the ranking"), "{page}");
}

#[test]
fn a_database_without_the_extension_is_told_to_create_it_and_one_without_the_library_to_load_it() {
    let cluster = counting(16);
    let db = cluster.create_db("slow");
    let found = report(&db.url(), &[], 3);
    assert_eq!(found["enable"].as_array().unwrap().len(), 1, "{found:#}");
    assert!(said(&found, "enable", "CREATE EXTENSION pg_stat_statements"));
    let shared = Cluster::shared().create_db("slow");
    shared.psql("CREATE EXTENSION pg_stat_statements");
    let found = report(&shared.url(), &[], 3);
    assert!(said(&found, "unseen", "the extension is there, but"), "{found:#}");
    assert!(!said(&found, "enable", "CREATE EXTENSION"), "{found:#}");
    // Counting can be switched off: that is no empty ranking.
    db.psql("CREATE EXTENSION pg_stat_statements");
    cluster.alter_system(&[("pg_stat_statements.track", "none")]);
    command::until(command::LIMIT, || {
        (db.psql("SHOW pg_stat_statements.track") == "none").then_some(())
    })
    .expect("the setting");
    let found = report(&db.url(), &[], 3);
    assert!(said(&found, "unseen", "track is none"), "{found:#}");
}

/// What a file says of a library that nobody loads is no setting of it.
#[test]
fn a_setting_left_behind_is_no_setting() {
    let spec = ClusterSpec::default().set("pg_stat_statements.max", "'5000'");
    let cluster = spec.set("pg_stat_statements.track_planning", "'perhaps'").start();
    let db = cluster.create_db("slow");
    db.psql("CREATE EXTENSION pg_stat_statements");
    assert_eq!(db.psql("SHOW pg_stat_statements.max"), "5000", "the server has the line");
    let asked = format!("SELECT row_to_json(told) FROM ({}\n) told", sql::STATEMENTS_SETTINGS.text);
    let told: Value = serde_json::from_str(&db.psql(&asked)).unwrap();
    let settings = ["most", "track", "track_utility", "track_planning"].map(|name| &told[name]);
    assert_eq!(settings, [&Value::Null; 4], "{told}");
    assert_eq!((&told["schema"], &told["usable"]), (&json!("public"), &json!(true)));
    let found = report(&db.url(), &[], 3);
    assert!(said(&found, "unseen", "the extension is there, but"), "{found:#}");
}
