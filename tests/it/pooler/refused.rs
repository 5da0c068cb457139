//! What needs a session of its own: refused in transaction mode, done in session mode.

use std::time::{Duration, Instant};

use crate::backup_right::repo::Repo;
use crate::harness::pgbouncer::PoolSpec;
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Pgtend, compare};
use crate::restore_right::Made;
use crate::scene::wait_for;

/// Refused by name, with what shows it and the way out.
#[track_caller]
fn refused(output: &Output, what: &str, evidence: &str) {
    let said = &output.stderr;
    assert!(said.contains(what), "{said}");
    assert!(said.contains(evidence), "{said}");
}

#[test]
fn transaction_mode_is_named_and_refused_for_backup_and_restore() {
    let cluster = Cluster::shared();
    let (db, copy) = (cluster.create_db("pooled"), cluster.create_db("copy"));
    db.psql("CREATE TABLE t AS SELECT 1 AS x");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    for (mode, shown) in [
        ("transaction", "served two sessions that were both connected"),
        ("statement", "it refuses to begin a transaction"),
    ] {
        let pooler = PoolSpec::mode(mode).start(cluster);
        let what = format!("a connection pooler in {mode} mode");
        let url = pooler.url(db.name());
        let run = Pgtend::new().args(["backup", "--url", &url, "-r"]).arg(repo.path());
        let output = run.run().expect_code(77);
        refused(&output, &format!("cannot back up through {what}"), shown);
        assert!(output.stderr.contains("give the server's own address and port"));
        let restore = ["restore", "latest", "--yes", "--into", copy.name(), "--url"];
        let run = Pgtend::new().args(restore).arg(pooler.url("postgres")).arg("-r");
        let output = run.arg(repo.path()).run().expect_code(77);
        refused(&output, &format!("cannot restore through {what}"), shown);
        let scratch = format!("--scratch={}", pooler.url("postgres"));
        let trial = ["verify-backup", "latest", "--level=restore", "--no-record", &scratch, "-r"];
        let output = Pgtend::new().args(trial).arg(repo.path()).run().expect_code(69);
        refused(&output, &format!("{what} is between it and us"), shown);
    }
    assert_eq!(copy.psql("SELECT count(*) FROM pg_class WHERE relname = 't'"), "0");
}

#[test]
fn session_mode_backs_up_and_restores() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("pooled");
    db.load_awkward();
    let pooler = PoolSpec::mode("session").size(20).start(cluster);
    let repo = Repo::new();
    let run = repo.pgtend(["backup", "-j2", "--chunk=16kB", "--url", &pooler.url(db.name())]);
    repo.done(run.run().expect_code(0));
    let made = Made::new(cluster, "through_pooler");
    let url = pooler.url("postgres");
    let restore =
        ["restore", "latest", "-j2", "--create", "--yes", "--into", &made.name, "--url", &url];
    repo.pgtend(restore).time_limit(Duration::from_secs(120)).run().expect_code(0);
    compare::assert_equal(cluster, db.name(), cluster, &made.name);
    let scratch = format!("--scratch={}", pooler.url("postgres"));
    let trial = repo.pgtend(["verify-backup", "latest", "--level=restore", &scratch]);
    trial.time_limit(Duration::from_secs(120)).run().expect_code(0);
}

/// PgBouncer lets nobody into a database that is not on its list.
#[test]
fn a_pooler_with_a_list_of_databases_is_named_when_it_lacks_ours() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("listed");
    db.psql("CREATE TABLE t AS SELECT 1 AS x");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let pooler = PoolSpec::mode("session").size(20).only("postgres").start(cluster);
    let made = Made::new(cluster, "unlisted");
    let url = pooler.url("postgres");
    let restore = ["restore", "latest", "--create", "--yes", "--into", &made.name, "--url", &url];
    let output = repo.pgtend(restore).run().expect_code(69);
    let said = &output.stderr;
    let what = format!(
        "the pooler does not know the database {}_restoring that pgtend makes\n",
        made.name
    );
    assert!(said.contains(&what), "{said}");
    assert!(said.contains("next:  give the server's own address and port"), "{said}");
    assert!(!said.contains("check --dbname"), "{said}");
    assert!(said.contains("_restoring was dropped"), "{said}");
    let left = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{}%'", made.name);
    assert_eq!(cluster.psql("postgres", &left), "0");
}

#[test]
fn a_pool_that_is_too_small_is_a_clear_error_and_not_a_wait_for_ever() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("small");
    db.psql(
        "CREATE TABLE t AS SELECT g AS x, repeat('x', 200) AS v FROM generate_series(1, 9000) g",
    );
    let repo = Repo::new();
    for size in [1, 2] {
        let pooler = PoolSpec::mode("session").size(size).start(cluster);
        let began = Instant::now();
        let arguments = ["backup", "-j2", "--chunk=16kB", "--url", &pooler.url(db.name())];
        let output = repo.pgtend(arguments).time_limit(Duration::from_secs(100)).run();
        match size {
            1 => {
                refused(&output.expect_code(77), "whose mode is unknown", "within 5 s");
                assert!(began.elapsed() < Duration::from_secs(60));
            }
            // One for the snapshot; pg_dump and the readers take turns at the other.
            _ => drop(repo.done(output.expect_code(0))),
        }
    }
}

/// Who forces it through transaction mode gets a whole backup or a clear failure.
#[test]
fn a_forced_backup_through_transaction_mode_is_right_or_fails() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("forced");
    db.load_awkward();
    for (mode, size) in
        [("transaction", 1), ("transaction", 4), ("transaction", 20), ("statement", 4)]
    {
        // Where there is one process for all, somebody waits in vain.
        let wait = if size == 1 { "4" } else { "60" };
        let spec = PoolSpec::mode(mode).size(size).set("query_wait_timeout", wait);
        let pooler = spec.start(cluster);
        let repo = Repo::new();
        let arguments = ["backup", "-j2", "--allow-pooler", "--url", &pooler.url(db.name())];
        let output = repo.pgtend(arguments).time_limit(Duration::from_secs(100)).run();
        let note = format!("forced through a connection pooler in {mode} mode: pg_dump");
        assert!(output.stderr.contains(&note), "{}", output.stderr);
        if output.code == 0 {
            let copy = cluster.create_db("copy");
            repo.done(output).restore(15, &copy);
            compare::assert_equal(cluster, db.name(), cluster, copy.name());
        } else {
            assert!(size == 1 || mode == "statement", "{mode} {size}: {}", output.stderr);
            assert_eq!(output.code, 69, "{}", output.stderr);
            let cause = if size == 1 { "query_wait_timeout" } else { "statement pooling mode" };
            assert!(output.stderr.contains(cause), "{}", output.stderr);
        }
        // A lock of the session would keep the next backup out; one of the transaction ends when
        // the pooler has noticed that its client is gone.
        let free = "SELECT count(*) = 0 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND d.datname = current_database()";
        wait_for(&db, "the end of the lock", free);
        // Asked of every server process of the pool.
        let traces = "BEGIN; SELECT pg_sleep(0.2); SELECT count(*) FROM pg_prepared_statements;
            COMMIT";
        if mode == "transaction" {
            std::thread::scope(|scope| {
                for _ in 0..size {
                    scope.spawn(|| {
                        let seen = pooler.psql(db.name(), traces);
                        assert_eq!(seen.trim(), "0", "{mode} {size}");
                    });
                }
            });
        }
    }
}
