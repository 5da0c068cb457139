//! Every version of the extension, and every kind of role.

use super::{SCENE, counting, report, row, run, said, url_as};
use crate::harness::{Cluster, Database};

const SCHEMA: &str = "\"odd \"\"schema\"";

fn keys(of: &serde_json::Value) -> Vec<String> {
    of.as_object().unwrap().keys().cloned().collect()
}

fn with_extension<'a>(cluster: &'a Cluster, version: &str) -> Database<'a> {
    let db = cluster.create_db("slow");
    db.psql(&format!(
        "CREATE SCHEMA {SCHEMA}; CREATE EXTENSION pg_stat_statements SCHEMA {SCHEMA} \
         VERSION '{version}'; {SCENE}"
    ));
    db
}

/// What the report says of one statement is what the view says.
fn tells_the_truth(db: &Database<'_>, version: &str) -> Vec<String> {
    let found = report(&db.url(), &["--min-mean=0", "--sort=calls"], 0);
    assert_eq!(found["source"], "pg_stat_statements");
    assert_eq!(found["database"], db.name());
    assert_eq!(found["trust"]["extension_version"], version);
    assert_eq!(found["trust"]["schema"], "odd \"schema");
    assert_eq!(found["trust"]["max"], 5000);
    assert_eq!(found["trust"]["reset"].is_null(), version == "1.8", "{version}");
    let one = row(&found, "FROM t WHERE id");
    let truth = db.psql(&format!(
        "SELECT queryid, total_exec_time, max_exec_time, shared_blks_hit
         FROM {SCHEMA}.pg_stat_statements WHERE query LIKE 'SELECT v FROM t%'
         AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ));
    let fields: Vec<&str> = truth.split('|').collect();
    assert_eq!(one["query_id"], fields[0], "{version}");
    // The last digit is the JSON reader's own.
    let near = |seen: &serde_json::Value, truth: &str| {
        (seen.as_f64().unwrap() - truth.parse::<f64>().unwrap()).abs() < 1e-9
    };
    assert!(near(&one["total_ms"], fields[1]) && near(&one["max_ms"], fields[2]), "{one}");
    assert_eq!(one["shared_hit_blocks"].as_i64(), fields[3].parse().ok(), "{version}");
    assert_eq!(one["query"], "SELECT v FROM t WHERE id <= $1");
    assert_eq!((one["calls"].as_i64(), one["rows"].as_i64()), (Some(3), Some(30)));
    assert_eq!(one["rows_per_call"], 10.0);
    assert_eq!((&one["user"], &one["database"]), (&"postgres".into(), &db.name().into()));
    assert_eq!(one["toplevel"].is_null(), version == "1.8", "{version}");
    assert!(one["io_ms"].is_null() && said(&found, "notes", "track_io_timing is off"));
    let mean = one["total_ms"].as_f64().unwrap() / 3.0;
    assert!((one["mean_ms"].as_f64().unwrap() - mean).abs() < 1e-9);
    let shares: f64 =
        found["queries"].as_array().unwrap().iter().map(|one| one["share"].as_f64().unwrap()).sum();
    assert!(shares > 50.0 && shares < 100.5, "{shares}");
    keys(one)
}

#[test]
fn every_version_has_the_same_columns_and_the_right_values() {
    let mut columns = Vec::new();
    for (major, version) in [(13, "1.8"), (15, "1.10"), (16, "1.10"), (18, "1.12")] {
        let cluster = counting(major);
        let db = with_extension(&cluster, version);
        columns.push(tells_the_truth(&db, version));
        let found = report(&db.url(), &["--min-mean=0"], 0);
        assert!(!said(&found, "notes", "ALTER EXTENSION"), "{found:#}");
    }
    let cluster = counting(17);
    for version in ["1.8", "1.9", "1.10", "1.11"] {
        let db = with_extension(&cluster, version);
        columns.push(tells_the_truth(&db, version));
        let found = report(&db.url(), &["--min-mean=0"], 0);
        assert_eq!(said(&found, "notes", "the server brings 1.11"), version != "1.11");
        let since = &row(&found, "FROM t WHERE id")["since"];
        assert_eq!(since.is_null(), version != "1.11", "{since}");
    }
    assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{columns:?}");
    roles(&cluster);
    filters(&cluster);
}

/// Who may see what.
fn roles(cluster: &Cluster) {
    let db = with_extension(cluster, "1.11");
    db.psql("CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher; CREATE ROLE plain LOGIN");
    // Nobody but its owner may use the schema yet.
    let output = run(&url_as("plain", &db), &[]).expect_code(77);
    let grant = "GRANT USAGE ON SCHEMA \"odd \"\"schema\" TO \"plain\"";
    assert!(output.stderr.contains(grant), "{}", output.stderr);
    db.psql(&format!(
        "GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC; SET ROLE plain; SELECT 42, 'mine'"
    ));
    let seen = report(&url_as("watcher", &db), &["--min-mean=0", "--limit=1000"], 0);
    assert_eq!(row(&seen, "FROM t WHERE id")["calls"], 3);
    let hidden = report(&url_as("plain", &db), &["--min-mean=0", "--limit=1000"], 3);
    assert!(said(&hidden, "unseen", "GRANT pg_read_all_stats TO \"plain\""), "{hidden:#}");
    assert!(hidden.to_string().contains("SELECT $1, $2"), "its own is seen: {hidden:#}");
    let rows = hidden["queries"].as_array().unwrap();
    let masked = rows.iter().filter(|one| one["query"].is_null() && one["query_id"].is_null());
    let masked = masked.filter(|one| one["user"] == "postgres" && one["calls"] == 3).count();
    assert_eq!(masked, 1, "the numbers of others are seen: {hidden:#}");
    let page = run(&url_as("plain", &db), &["--min-mean=0"]).expect_code(3).stdout;
    assert!(page.contains("(hidden)") && page.contains("GRANT pg_read_all_stats"), "{page}");
}

fn filters(cluster: &Cluster) {
    let (db, other) = (with_extension(cluster, "1.11"), cluster.create_db("other"));
    other.psql("SELECT 'elsewhere'");
    let url = db.url();
    let all = report(&url, &["--min-mean=0", "--all-databases", "--limit=10000"], 0);
    assert!(all["database"].is_null());
    let of = |name: &str| {
        let rows = all["queries"].as_array().unwrap();
        rows.iter().filter(|one| one["database"] == name).count()
    };
    assert!(of(db.name()) > 0 && of(other.name()) > 0);
    let there = report(&url, &["--min-mean=0", &format!("--of-db={}", other.name())], 0);
    assert_eq!(there["queries"].as_array().unwrap().len(), of(other.name()));
    let like = report(&url, &["--min-mean=0", "--like=from T where"], 0);
    assert_eq!(like["queries"].as_array().unwrap().len(), 1);
    assert!(like["left_out"].as_i64().unwrap() > 0);
    let two = report(&url, &["--min-mean=0", "--limit=2"], 0);
    assert_eq!(
        (two["queries"].as_array().unwrap().len(), &two["limit_reached"]),
        (2, &true.into())
    );
    let often = report(&url, &["--min-mean=0", "--min-calls=3"], 0);
    assert!(
        often["queries"].as_array().unwrap().iter().all(|one| one["calls"].as_i64() >= Some(3))
    );
    assert_eq!(row(&often, "FROM t WHERE")["calls"], 3);
    let none = report(&url, &["--min-mean=0", "--of-user=nobody"], 0);
    assert_eq!(none["statements"], 0);
    let slow = report(&url, &["--min-mean=1000s"], 0);
    assert_eq!(slow["queries"].as_array().unwrap().len(), 0);
    assert_eq!(slow["left_out"], slow["statements"]);
}
