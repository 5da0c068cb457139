//! The promise of speed: one way there and back for all questions, whatever the database holds.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::activity::{Client, Way};
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend, Proxy};

/// 5,000 tables with 10,000 indexes; commits in between, as each table holds locks.
fn fill(db: &Database<'_>) {
    db.psql(
        "CREATE PROCEDURE make(first int, last int) LANGUAGE plpgsql AS $$
         BEGIN
             FOR i IN first..last LOOP
                 EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a int, b text, c int,
                                                   d boolean, e timestamptz)', i);
                 EXECUTE format('CREATE INDEX ON t%s (a) WHERE c > 10', i);
                 IF i % 20 = 0 THEN COMMIT; END IF;
             END LOOP;
         END $$;",
    );
    // Two sessions, as there are two processors.
    std::thread::scope(|scope| {
        scope.spawn(|| db.psql("CALL make(1, 2500)"));
        scope.spawn(|| db.psql("CALL make(2501, 5000)"));
    });
    db.psql(
        "DO $$ BEGIN
             FOR i IN 1..100 LOOP
                 EXECUTE format('INSERT INTO t%s SELECT g, g, repeat(''x'', 20), g
                                 FROM generate_series(1, 1000) g', i);
                 EXECUTE format('CREATE INDEX ON t%s (a) WHERE c > 10', i);
                 EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (a) REFERENCES t%1$s NOT VALID', i);
             END LOOP;
         END $$;
         ANALYZE;",
    );
    let kinds = "SELECT count(*) FILTER (WHERE relkind = 'r') || ' ' ||
                 count(*) FILTER (WHERE relkind = 'i') FROM pg_class WHERE oid >= 16384 AND
                 relnamespace = 'public'::regnamespace";
    assert_eq!(db.psql(kinds), "5000 10100");
}

fn run(proxy: &Proxy, db: &Database<'_>) -> (Output, Value, Duration) {
    let url = format!("postgresql://postgres@127.0.0.1:{}/{}", proxy.port(), db.name());
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("facts.json");
    let pgtend = Pgtend::new();
    let pgtend =
        pgtend.args(["check", "--format=json", "--url", &format!("{url}?sslmode=disable")]);
    let clock = Instant::now();
    let output = pgtend.arg("--save").arg(&saved).run();
    let took = clock.elapsed();
    assert!(output.code < 4, "exit {}\n{}", output.code, output.stderr);
    let facts = std::fs::read_to_string(&saved).unwrap();
    (output, serde_json::from_str(&facts).unwrap(), took)
}

#[test]
fn a_large_database_costs_few_round_trips_and_little_time() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("large");
    fill(&db);
    let proxy = Proxy::start(cluster.port());
    let (near, facts, near_took) = run(&proxy, &db);
    let trips = proxy.stats().pop().unwrap().round_trips;
    assert!(trips <= 8, "{trips} round trips");
    // By the statements' own times.
    let times = facts["milliseconds"].as_object().unwrap();
    let sum: f64 = times.values().map(|time| time.as_f64().unwrap()).sum();
    assert!(sum <= 5000.0, "{sum} ms: {times:?}");
    assert!(times.len() > 10, "{times:?}");
    for (question, answer) in facts["answers"].as_object().unwrap() {
        assert_ne!(answer["failed"]["state"], "57014", "{question} was given up");
    }
    // Far away: each way takes a quarter of a second.
    proxy.delay(Duration::from_millis(250), Duration::from_millis(250));
    let (far, _, far_took) = run(&proxy, &db);
    assert_eq!(proxy.stats().pop().unwrap().round_trips, trips);
    assert_eq!(proxy.connections(), 2, "one connection each");
    let questions = u32::try_from(times.len()).unwrap();
    let one_by_one = Duration::from_millis(500) * questions;
    let more = far_took.saturating_sub(near_took);
    assert!(more < one_by_one / 2, "{more:?} more for {questions} questions");
    let ids = |output: &Output| -> Vec<String> {
        let checks = output.json()["report"]["servers"][0]["checks"].take();
        let checks = checks.as_array().unwrap().iter();
        checks.map(|check| check["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&near), ids(&far));
}

#[test]
fn a_statement_over_its_limit_is_unknown_and_the_others_answer() {
    let db = Cluster::shared().create_db("locked");
    db.psql("CREATE TABLE t (k int); CREATE INDEX a ON t (k); CREATE INDEX b ON t (k)");
    let mut holder =
        Client::start_in(Cluster::shared(), db.name(), "postgres", "holder", Way::Socket);
    holder.send("BEGIN; LOCK TABLE pg_catalog.pg_constraint IN ACCESS EXCLUSIVE MODE");
    assert_eq!(holder.ask("SELECT 1"), "1");
    let arguments = ["check", "--format=json", "--only=vac,idx,size", "--url", &db.url()];
    let output = Pgtend::new().args(arguments).run().expect_code(3);
    let checks = output.json()["report"]["servers"][0]["checks"].take();
    let check = |id: &str| {
        let mut checks = checks.as_array().unwrap().iter();
        checks.find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id}: {checks:?}"))
    };
    for id in ["idx.fk_missing", "idx.duplicate", "idx.unused"] {
        assert_eq!(check(id)["status"], "unknown", "{}", check(id));
        assert_eq!(check(id)["reason"], "a lock was not to be had at once", "{}", check(id));
    }
    for id in ["vac.xid_db", "vac.table_off", "idx.invalid", "idx.boolean"] {
        assert_eq!(check(id)["status"], "healthy", "{}", check(id));
    }
    assert_eq!(check("size.database")["status"], "info");
    drop(holder);
}
