//! Two samples: differences, resets and the regression gate.

use std::fs;

use super::{SCENE, counting, report, row, run, said};
use crate::harness::pgbouncer::PoolSpec;
use crate::harness::{Cluster, Database};

fn ready(cluster: &Cluster) -> Database<'_> {
    let db = cluster.create_db("slow");
    db.psql(&format!("CREATE EXTENSION pg_stat_statements; {SCENE}"));
    db
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_difference_has_only_what_ran_since_and_tells_of_a_reset() {
    for major in [13, 17] {
        let cluster = counting(major);
        let (db, folder) = (ready(&cluster), tempfile::tempdir().unwrap());
        let (url, file) = (db.url(), path(&folder, "before.json"));
        report(&url, &["--save", &file], 0);
        db.psql("SELECT v FROM t WHERE id <= 20; SELECT v FROM t WHERE id <= 20");
        let found = report(&url, &["--since", &file, "--min-mean=0"], 0);
        let one = row(&found, "FROM t WHERE id");
        assert_eq!((one["calls"].as_i64(), one["rows"].as_i64()), (Some(2), Some(40)));
        assert!(one["max_ms"].is_null(), "not known of a difference");
        assert!(!found.to_string().contains("INSERT INTO t"), "it did not run since");
        assert!(found["period"]["seconds"].as_f64().unwrap() > 0.0);
        db.psql("SELECT pg_stat_statements_reset(); SELECT v FROM t WHERE id <= 30");
        let found = report(&url, &["--since", &file, "--min-mean=0"], 0);
        let words = if major == 13 { "began anew" } else { "were reset in between" };
        assert!(said(&found, "notes", words), "{found:#}");
        assert_eq!(row(&found, "FROM t WHERE id")["calls"], 1);
        if major == 17 {
            let found = report(&url, &["--compare", &file, "--min-mean=0"], 3);
            assert!(said(&found, "unseen", "were reset since the sample"), "{found:#}");
        }
    }
}

#[test]
fn the_gate_fails_for_a_statement_that_became_slower_and_for_no_other() {
    let cluster = counting(16);
    let (db, folder) = (ready(&cluster), tempfile::tempdir().unwrap());
    let (url, file) = (db.url(), path(&folder, "before.json"));
    let body = |seconds: f64| {
        format!(
            "CREATE OR REPLACE FUNCTION job() RETURNS void LANGUAGE sql VOLATILE
             AS 'SELECT pg_sleep({seconds})'"
        )
    };
    let calls = "SELECT job(); SELECT job(); SELECT job()";
    db.psql(&format!("{}; {calls}", body(0.05)));
    let save = ["--save", &file, "--like=SELECT job()", "--min-mean=20ms"];
    report(&url, &save, 0);
    let compare = ["--compare", &file, "--like=SELECT job()", "--min-calls=1"];
    let gate = [&compare[..], &["--fail-if-slower=900%", "--min-mean=20ms"]].concat();
    let found = report(&url, &gate, 3);
    assert!(said(&found, "unseen", "nothing to compare"), "{found:#}");
    db.psql(calls);
    let found = report(&url, &gate, 0);
    assert_eq!(
        (&found["comparison"]["judged"], &found["comparison"]["slower"]),
        (&1.into(), &0.into())
    );
    assert_eq!(row(&found, "SELECT job()")["slower"], false);
    report(&url, &save, 0);
    db.psql(&format!("{}; {calls}", body(2.0)));
    let found = report(&url, &gate, 2);
    let one = row(&found, "SELECT job()");
    assert_eq!((&one["slower"], &found["comparison"]["slower"]), (&true.into(), &1.into()));
    let (before, now) = (one["before_mean_ms"].as_f64().unwrap(), one["mean_ms"].as_f64().unwrap());
    assert!(before >= 50.0 && now >= 2000.0 && before < now, "{before} {now}");
    let change = one["change_percent"].as_f64().unwrap();
    assert!((change - (now / before - 1.0) * 100.0).abs() < 1e-6, "{change}");
    // Too short, or too seldom, to be judged: that is no all-clear.
    let floor = [&compare[..], &["--fail-if-slower=400%", "--min-mean=60s"]].concat();
    let found = report(&url, &floor, 3);
    assert_eq!(found["comparison"]["too_short"], 1);
    report(&url, &["--compare", &file, "--like=SELECT job()", "--fail-if-slower=400%"], 3);
    // Statistics that were reset before the sample was taken are another server's.
    let text = fs::read_to_string(&file).unwrap();
    let sample: serde_json::Value = serde_json::from_str(&text).unwrap();
    let reset = sample["reset"].as_str().unwrap();
    fs::write(&file, text.replace(reset, "2001-01-01T00:00:00Z")).unwrap();
    let output = run(&url, &gate).expect_code(3);
    assert!(output.stderr.contains("another server of the cluster"), "{}", output.stderr);
    // The same with another id, as after tables were made anew: by its text.
    let id = one["query_id"].as_str().unwrap();
    fs::write(&file, text.replace(&format!("\"{id}\""), "\"1\"")).unwrap();
    let gate = [&compare[..], &["--fail-if-slower=100%"]].concat();
    let found = report(&url, &gate, 2);
    assert!(found["comparison"]["by_text"].as_i64() >= Some(1), "{found:#}");
    assert!(said(&found, "notes", "matched by their text"), "{found:#}");
    // Another server.
    let identifier = cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    fs::write(&file, text.replace(&identifier, "77")).unwrap();
    let output = run(&url, &gate).expect_code(3);
    assert!(output.stderr.contains("of another server"), "{}", output.stderr);
    fs::write(&file, "precious").unwrap();
    run(&url, &save).expect_code(64);
    run(&url, &gate).expect_code(64);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    run(&url, &["--fail-if-slower=20%"]).expect_code(64);
}

#[test]
fn behind_a_transaction_pooler_two_samples_are_taken() {
    let cluster = counting(17);
    let db = ready(&cluster);
    let pooler = PoolSpec::mode("transaction").start(&cluster);
    let url = pooler.url(db.name());
    let found = report(&url, &["--min-mean=0", "--sort=calls"], 0);
    assert_eq!(row(&found, "FROM t WHERE id")["calls"], 3);
    let found = report(&url, &["--interval=1s", "--min-mean=0"], 0);
    assert!(found["period"]["seconds"].as_f64().unwrap() >= 0.9, "{found:#}");
    assert!(!found.to_string().contains("FROM t WHERE id"), "it did not run in between");
    let found = report(&url, &["--min-mean=0", "--like=FROM t WHERE", "--explain"], 0);
    assert!(found["plan"]["lines"][0].as_str().unwrap().contains("Scan"), "{found:#}");
    // Nothing stays on for others.
    assert_eq!(pooler.psql(db.name(), "SHOW transaction_read_only"), "off");
    assert_eq!(pooler.psql(db.name(), "SHOW search_path"), "\"$user\", public");
}
