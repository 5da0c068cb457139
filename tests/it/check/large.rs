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
    // Two at a time, as there are two processors; in parts, as each psql has its time limit.
    std::thread::scope(|scope| {
        for start in [1, 2501] {
            scope.spawn(move || {
                for first in (start..start + 2500).step_by(500) {
                    db.psql(&format!("CALL make({first}, {})", first + 499));
                }
            });
        }
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

/// A run, and what it cost.
struct Run {
    output: Output,
    facts: Value,
    took: Duration,
    trips: u64,
}

impl Run {
    /// The statements' own times.
    fn milliseconds(&self) -> Vec<f64> {
        let times = self.facts["milliseconds"].as_object().unwrap();
        times.values().map(|time| time.as_f64().unwrap()).collect()
    }

    fn is_quick(&self) -> bool {
        self.milliseconds().iter().sum::<f64>() <= 5000.0
    }
}

/// The best of a few runs: a busy machine tears apart what was sent together and slows everything
/// down, and never does the contrary.
fn best(proxy: &Proxy, db: &Database<'_>, is_good: impl Fn(&Run) -> bool) -> Run {
    let mut tries = 0;
    loop {
        let run = run(proxy, db);
        tries += 1;
        if tries == 5 || is_good(&run) {
            return run;
        }
    }
}

fn run(proxy: &Proxy, db: &Database<'_>) -> Run {
    let before = proxy.connections();
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
    assert_eq!(proxy.connections(), before + 1, "one connection");
    let facts = std::fs::read_to_string(&saved).unwrap();
    let facts = serde_json::from_str(&facts).unwrap();
    Run { output, facts, took, trips: proxy.stats().pop().unwrap().round_trips }
}

#[test]
fn a_large_database_costs_few_round_trips_and_little_time() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("large");
    fill(&db);
    let proxy = Proxy::start(cluster.port());
    let near = best(&proxy, &db, |run| run.trips <= 8 && run.is_quick());
    assert!(near.trips <= 8, "{} round trips", near.trips);
    let times = &near.facts["milliseconds"];
    assert!(near.is_quick(), "{times}");
    let questions = near.milliseconds().len();
    assert!(questions > 10, "{times}");
    for (question, answer) in near.facts["answers"].as_object().unwrap() {
        assert_ne!(answer["failed"]["state"], "57014", "{question} was given up");
    }
    // Far away: each way takes a quarter of a second.
    proxy.delay(Duration::from_millis(250), Duration::from_millis(250));
    let far = best(&proxy, &db, |run| run.trips <= near.trips);
    assert!(far.trips <= near.trips, "{} round trips far away, {} near", far.trips, near.trips);
    let one_by_one = Duration::from_millis(500) * u32::try_from(questions).unwrap();
    let more = far.took.saturating_sub(near.took);
    assert!(more < one_by_one / 2, "{more:?} more for {questions} questions");
    // Half a second each cost ten times what 50 ms each do, and noise stays as it is.
    let fifty = more / 10;
    println!("{} round trips, 50 ms each cost {fifty:.2?}", near.trips);
    assert!(fifty <= Duration::from_millis(500), "50 ms for each round trip cost {fifty:?}");
    let ids = |run: &Run| -> Vec<String> {
        let checks = run.output.json()["report"]["servers"][0]["checks"].take();
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
