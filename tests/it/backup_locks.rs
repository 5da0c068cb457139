//! Backups among people who change tables: the application never hangs behind us, and no
//! backup ever shows rows that were not there at one moment.

use std::time::{Duration, Instant};

use pgtend::archive::rowhash::RowSum;
use serde_json::Value;

use crate::harness::{Cluster, Database, Proxy, command};
use crate::scene::{
    Churn, PATIENCE, Psql, Repository, assert_nothing_runs, make_table, slow_down_after,
    sum_in_manifest, sum_of, sum_on_server, through, wait_for, wait_for_bytes,
};

const WAITS: &str =
    "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'public.hot'::regclass AND NOT granted";

/// E1: `statement` on public.hot queues behind the coordinator's lock in the middle of a backup;
/// a reader of the application queues behind it. Gives what the application read.
fn queue_behind_a_backup(statement: &str, mode: &str) -> String {
    let cluster = Cluster::shared();
    let database = cluster.create_db("queue");
    make_table(&database, "hot", 16);
    database.psql("CREATE TABLE cold AS SELECT generate_series(1, 1000) AS v");
    let before = sum_on_server(&database, "hot");
    let proxy = Proxy::start(cluster.port());
    proxy.rate_limit(Some(4 << 20));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let mut run = run.args(["-j2", "--compress=none", "--chunk=1MiB"]).spawn();
    slow_down_after(&proxy, 2 << 20);

    let mut changer = Psql::start(cluster, database.name());
    changer.send(statement);
    wait_for(&database, "the queued statement", WAITS);
    let pid = "SELECT pid FROM pg_locks
                WHERE relation = 'public.hot'::regclass AND NOT granted AND mode LIKE '%Exclusive%'";
    let pid = database.psql(pid);
    let mut reader = Psql::start(cluster, database.name());
    reader.send("SELECT count(*) FROM hot;");
    wait_for(&database, "the application's reader", &WAITS.replace("> 0", "> 1"));
    assert!(!run.has_ended(), "the backup was over too soon to prove anything");
    proxy.rate_limit(None);

    let output = run.wait().expect_code(0);
    let note = format!("pid {pid} waits for {mode} on public.hot until this backup is done: ");
    assert!(output.stderr.contains(&note), "{note}\n{}", output.stderr);
    let start = statement.split(';').next().unwrap();
    assert!(output.stderr.contains(start), "{start}\n{}", output.stderr);
    // Both are let through by the end of the backup, not by a time limit.
    let (_, took) = changer.finish();
    assert!(took < Duration::from_secs(30), "{took:?}");
    let manifest = repository.manifest();
    assert_eq!(sum_in_manifest(&manifest, "hot"), before);
    assert_eq!(sum_in_manifest(&manifest, "cold").rows, 1000);
    repository.verify();
    reader.close();
    let ended = command::until(PATIENCE, || reader.has_ended().then_some(()));
    assert!(ended.is_some(), "the application's reader still waits");
    if statement.starts_with("DROP") { String::new() } else { reader.finish().0 }
}

#[test]
fn an_alter_table_queued_behind_a_backup_waits_for_its_end_only() {
    let read = queue_behind_a_backup("ALTER TABLE hot ADD COLUMN more int;", "AccessExclusiveLock");
    assert_eq!(read, "16384");
}

#[test]
fn a_truncate_queued_behind_a_backup_loses_no_row_of_it() {
    assert_eq!(queue_behind_a_backup("TRUNCATE hot;", "AccessExclusiveLock"), "0");
}

#[test]
fn a_drop_queued_behind_a_backup_loses_no_row_of_it() {
    queue_behind_a_backup("DROP TABLE hot;", "AccessExclusiveLock");
}

#[test]
fn a_vacuum_full_queued_behind_a_backup_loses_no_row_of_it() {
    assert_eq!(queue_behind_a_backup("VACUUM FULL hot;", "AccessExclusiveLock"), "16384");
}

#[test]
fn building_an_index_and_writing_do_not_wait_for_a_backup() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("beside");
    make_table(&database, "hot", 8);
    database.psql("CREATE INDEX first ON hot (id)");
    let before = sum_on_server(&database, "hot");
    let proxy = Proxy::start(cluster.port());
    // A chunk takes two seconds, which the index waits for, all of them twenty.
    proxy.rate_limit(Some(512 << 10));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let mut run = run.args(["-j1", "--compress=none", "--chunk=1MiB"]).spawn();
    wait_for_bytes(&proxy, 1 << 20);
    database.psql(
        "SET statement_timeout = '10s'; CREATE INDEX ON hot (id); DELETE FROM hot WHERE id < 5000;
         REINDEX TABLE hot; UPDATE hot SET pad = 'x' WHERE id > 7000; INSERT INTO hot SELECT 1 FROM generate_series(1, 100)",
    );
    database.psql("VACUUM hot");
    assert!(!run.has_ended(), "the backup was over too soon to prove anything");
    proxy.rate_limit(None);
    let output = run.wait().expect_code(0);
    assert!(!output.stderr.contains("waits for"), "{}", output.stderr);
    assert_eq!(sum_in_manifest(&repository.manifest(), "hot"), before);
    repository.verify();
}

/// The same between the coordinator's locks and pg_dump's: whoever is second must not wait behind
/// a statement that waits for the first. Without a filter pg_dump is second, with one we are.
#[test]
fn an_alter_table_between_our_lock_and_pg_dumps_is_let_through() {
    let cluster = Cluster::shared();
    for filter in [None, Some("--table=hot")] {
        let database = cluster.create_db("between");
        make_table(&database, "hot", 1);
        let proxy = Proxy::start(cluster.port());
        proxy.delay(Duration::from_millis(60), Duration::ZERO);
        let repository = Repository::new();
        let run = repository.backup(&through(&proxy, &database)).args(filter).spawn();
        let locked = WAITS.replace("NOT granted", "granted AND mode = 'AccessShareLock'");
        wait_for(&database, "the first lock", &locked);
        // Whoever is second does not ask before the statement stands in the queue.
        proxy.stall();
        let mut changer = Psql::start(cluster, database.name());
        changer.send("ALTER TABLE hot ALTER id TYPE bigint;");
        wait_for(&database, "the queued statement", WAITS);
        proxy.delay(Duration::ZERO, Duration::ZERO);
        proxy.resume();
        // --lock-wait is 60 s: it is not what ends this.
        let (_, took) = changer.finish();
        assert!(took < Duration::from_secs(20), "{filter:?}: {took:?}");
        let output = run.wait().expect_code(0);
        assert!(output.stderr.contains("taking a new snapshot"), "{}", output.stderr);
        let sum = sum_in_manifest(&repository.manifest(), "hot");
        assert_eq!(sum, sum_on_server(&database, "hot"), "{filter:?}");
        repository.verify();
    }
}

/// How long a backup takes that nothing disturbs, on the machine as it is.
fn undisturbed(database: &Database<'_>) -> Duration {
    let time = || {
        let clock = Instant::now();
        let repository = Repository::new();
        repository.backup(&database.url()).args(["-j2", "--no-globals"]).run().expect_code(0);
        clock.elapsed()
    };
    time().min(time())
}

/// Runs `count` backups against a churn; each is right or fails clearly. Gives how many were
/// right. Where those are not more than `least`, chance gets as many runs twice more.
fn backups_among(
    database: &Database<'_>,
    (count, least): (usize, usize),
    arguments: &[&str],
    check: &dyn Fn(&Value),
) -> usize {
    let mut right = 0;
    for number in 0..3 * count {
        if number >= count && right > least {
            break;
        }
        let repository = Repository::new();
        let run = repository.backup(&database.url()).args(["-j2", "--no-globals"]);
        let output = run.args(arguments).run();
        match output.code {
            0 => {
                check(&repository.manifest());
                right += 1;
            }
            69 | 75 => {
                eprintln!("{}", output.stderr);
                assert!(output.stderr.contains("next:"), "{}", output.stderr);
                repository.assert_empty();
            }
            other => panic!("exit {other}\n{}", output.stderr),
        }
    }
    right
}

/// E3: a snapshot older than the lock would see an empty table, without any error.
#[test]
fn rewriting_between_snapshot_and_lock_never_loses_rows() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("rewritten");
    let fill = "INSERT INTO t SELECT i FROM generate_series(1, 500) i;";
    database.psql(&format!("CREATE TABLE t (v int); {fill}"));
    let expected = sum_on_server(&database, "t");
    let pause = undisturbed(&database);
    let pause = pause.clamp(Duration::from_millis(300), Duration::from_millis(800));
    // The same text whatever the type: the hash stays.
    let churn = Churn::start(
        &database,
        &format!(
            "IF n % 3 = 0 THEN ALTER TABLE t ALTER v TYPE bigint;
             ELSIF n % 3 = 1 THEN TRUNCATE t; {fill}
             ELSE ALTER TABLE t ALTER v TYPE int; END IF;"
        ),
        pause,
    );
    let check = |manifest: &Value| assert_eq!(sum_in_manifest(manifest, "t"), expected);
    let filtered = backups_among(&database, (15, 7), &["-t", "public.t"], &check);
    let whole = backups_among(&database, (10, 4), &["-N", "churn"], &check);
    let all = backups_among(&database, (5, 2), &[], &check);
    let rounds = churn.end();
    assert!(rounds > 20, "{rounds}");
    eprintln!("right: {filtered}, {whole} and {all}, against {rounds} rewrites");
    assert!(filtered > 7 && whole > 4 && all > 2, "{filtered} {whole} {all}");
}

/// E4: table locks do not stop a schema from being renamed, and another one from taking its place.
#[test]
fn a_schema_that_changes_places_with_another_never_gives_its_rows() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("renamed");
    database.psql(
        "CREATE SCHEMA a; CREATE TABLE a.t AS SELECT i AS v FROM generate_series(1, 1000) i;
         CREATE SCHEMA b; CREATE TABLE b.real AS SELECT 1 AS v;
         CREATE VIEW b.t AS SELECT 666 AS v;
         CREATE SCHEMA c; CREATE TABLE c.t AS SELECT -i AS v FROM generate_series(1, 7) i",
    );
    let oids = [
        database.psql("SELECT 'a.t'::regclass::oid"),
        database.psql("SELECT 'c.t'::regclass::oid"),
    ];
    let sums = ["a.t", "c.t"].map(|table| sum_on_server(&database, table));
    let pause = 2 * undisturbed(&database);
    let pause = pause.clamp(Duration::from_millis(800), Duration::from_secs(4));
    let churn = Churn::start(
        &database,
        "ALTER SCHEMA a RENAME TO x; ALTER SCHEMA b RENAME TO a; ALTER SCHEMA c RENAME TO b;
         ALTER SCHEMA x RENAME TO c;",
        pause,
    );
    let check = |manifest: &Value| assert_eq!(by_oid(manifest, &oids), sums);
    let right = backups_among(&database, (15, 0), &["--chunk=8KiB"], &check);
    let rounds = churn.end();
    eprintln!("right: {right}, against {rounds} renames");
    assert!(right > 0);
}

fn by_oid(manifest: &Value, oids: &[String; 2]) -> [RowSum; 2] {
    let tables = || manifest["objects"].as_array().unwrap().iter().map(|object| &object["table"]);
    [0, 1].map(|number| {
        let oid: u64 = oids[number].parse().unwrap();
        let table = tables().find(|table| table["oid"] == oid);
        sum_of(table.expect("the table is in the backup"))
    })
}

/// The same in the middle of a long copy, for sure.
#[test]
fn a_schema_renamed_while_its_table_is_copied_means_a_new_start() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("moved");
    make_table(&database, "big", 16);
    database.psql(
        "CREATE SCHEMA s; ALTER TABLE big SET SCHEMA s; CREATE SCHEMA decoy;
         CREATE VIEW decoy.big AS SELECT 666 AS id, 'wrong'::text AS pad",
    );
    let before = sum_on_server(&database, "s.big");
    let proxy = Proxy::start(cluster.port());
    proxy.rate_limit(Some(4 << 20));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let run = run.args(["-j2", "--compress=none", "--chunk=1MiB"]).spawn();
    slow_down_after(&proxy, 2 << 20);
    database.psql("BEGIN; ALTER SCHEMA s RENAME TO moved; ALTER SCHEMA decoy RENAME TO s; COMMIT");
    proxy.rate_limit(None);
    let output = run.wait().expect_code(0);
    assert!(output.stderr.contains("starting over"), "{}", output.stderr);
    let manifest = repository.manifest();
    assert_eq!(sum_in_manifest(&manifest, "big"), before);
    let objects = manifest["objects"].as_array().unwrap();
    assert!(objects.iter().any(|object| object["table"]["schema"] == "moved"));
    repository.verify();
}

#[test]
fn a_table_locked_by_an_idle_session_is_waited_for_as_long_as_allowed() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("locked");
    database.psql("CREATE TABLE t (v int); CREATE TABLE u (v int)");
    let mut holder = Psql::start(cluster, database.name());
    holder.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE;");
    let held = "SELECT count(*) > 0 FROM pg_locks
                 WHERE relation = 'public.t'::regclass AND granted AND mode = 'AccessExclusiveLock'";
    wait_for(&database, "the lock", held);
    let pid = database.psql("SELECT pid FROM pg_locks WHERE relation = 'public.t'::regclass");
    // With a filter pg_dump is the first who asks for the lock.
    for filter in [None, Some("--table=public.t")] {
        let repository = Repository::new();
        // Who holds it is asked two seconds after the wait began.
        let run = repository.backup(&database.url()).arg("--lock-wait=8s");
        let clock = Instant::now();
        let output = run.args(filter).run();
        assert_eq!(output.code, 75, "{filter:?}\n{}", output.stderr);
        let took = clock.elapsed();
        assert!((8..45).contains(&took.as_secs()), "{took:?}");
        assert!(output.stderr.contains(&format!("pid {pid} ")), "{filter:?}\n{}", output.stderr);
        assert!(output.stderr.contains("--lock-wait"), "{}", output.stderr);
        repository.assert_empty();
        assert_nothing_runs(&database);
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE NOT l.granted AND d.datname = current_database()";
        assert_eq!(database.psql(waiting), "0");
    }
    holder.send("COMMIT;");
    holder.finish();
    Repository::new().backup(&database.url()).run().expect_code(0);
}
