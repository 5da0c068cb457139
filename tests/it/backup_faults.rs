//! Backups whose connections, server, disk or repository fail: complete and right, or clearly
//! failed with nothing left; never wrong.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Cluster, ClusterSpec, Proxy, command};
use crate::scene::{
    PATIENCE, Repository, assert_nothing_runs, backends, coordinator_pid, make_table,
    slow_down_after, sum_in_manifest, sum_on_server, through, wait_for,
};

/// Frames are of 8 MiB: a cut behind this byte finds one shipped.
const BEHIND_A_FRAME: u64 = 12 << 20;

#[test]
fn a_reader_cut_behind_a_shipped_frame_reads_its_chunk_again_without_doubling_rows() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("cut");
    make_table(&database, "big", 40);
    let proxy = Proxy::start(cluster.port());
    proxy.cut_connection_after_bytes(BEHIND_A_FRAME);
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let output = run.args(["-j1", "--compress=none", "--chunk=20MiB"]).run().expect_code(0);

    assert!(!proxy.cut_is_armed(), "nothing was cut");
    let report = &output.json()["report"];
    assert_eq!(report["totals"]["retried_chunks"], 1, "{report}");
    assert!(report["totals"]["chunks"].as_u64() >= Some(2), "{report}");
    assert!(
        output.stderr.contains("connection lost while reading public.big"),
        "{}",
        output.stderr
    );
    let manifest = repository.manifest();
    assert_eq!(sum_in_manifest(&manifest, "big"), sum_on_server(&database, "big"));
    assert_eq!(sum_in_manifest(&manifest, "big").rows, 40 * 1024);
    repository.verify();
}

#[test]
fn three_cuts_are_three_retries_and_the_rows_are_right() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("cuts");
    make_table(&database, "big", 40);
    let proxy = Proxy::start(cluster.port());
    // So slow that the next cut is armed long before all is copied.
    proxy.rate_limit(Some(16 << 20));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let run = run.args(["-j2", "--compress=none", "--chunk=20MiB"]).spawn();
    for number in 0..3 {
        // Each time a little later: in the middle of the first frame, between two frames.
        proxy.cut_connection_after_bytes(BEHIND_A_FRAME - (3 << 20) * number);
        let cut = command::until(PATIENCE, || (!proxy.cut_is_armed()).then_some(()));
        assert!(cut.is_some(), "cut {number} was not made");
    }
    proxy.rate_limit(None);
    let output = run.wait().expect_code(0);
    assert_eq!(output.json()["report"]["totals"]["retried_chunks"], 3, "{}", output.stderr);
    let manifest = repository.manifest();
    assert_eq!(sum_in_manifest(&manifest, "big"), sum_on_server(&database, "big"));
    repository.verify();
}

#[test]
fn a_chunk_that_is_cut_for_ever_fails_and_leaves_nothing() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("cut_for_ever");
    make_table(&database, "big", 12);
    let proxy = Proxy::start(cluster.port());
    // So slow that each cut is armed long before the chunk is whole.
    proxy.rate_limit(Some(8 << 20));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let mut run = run.args(["-j1", "--compress=none"]).spawn();
    while !run.has_ended() {
        if !proxy.cut_is_armed() {
            proxy.cut_connection_after_bytes(6 << 20);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = run.wait().expect_code(69);
    assert!(output.stderr.contains("connection was lost 5 times"), "{}", output.stderr);
    assert!(output.stderr.contains("copying public.big"), "{}", output.stderr);
    repository.assert_empty();
    assert_nothing_runs(&database);
}

#[test]
fn a_cut_in_a_large_object_goes_on_where_it_was() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("cut_lo");
    // Each MiB differs from all others; the small ones are more than one group of 256.
    database.psql(
        "SELECT lo_from_bytea(100000, string_agg(sha512(i::text::bytea), ''))
           FROM generate_series(1, 24 * 1024 * 16) i;
         SELECT count(lo_from_bytea(200000 + i, convert_to(repeat(md5(i::text), i), 'UTF8')))
           FROM generate_series(0, 299) i",
    );
    let proxy = Proxy::start(cluster.port());
    proxy.cut_connection_after_bytes(BEHIND_A_FRAME);
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let output = run.args(["-j1", "--compress=none"]).run().expect_code(0);

    assert!(!proxy.cut_is_armed(), "nothing was cut");
    assert_eq!(output.json()["report"]["totals"]["large_objects"], 301);
    assert!(output.stderr.contains("connection lost while reading large objects"));
    let sums = "SELECT loid, encode(sha256(lo_get(loid)), 'hex')
                  FROM (SELECT oid AS loid FROM pg_largeobject_metadata) l ORDER BY loid";
    let manifest = repository.manifest();
    let mut stored: Vec<String> = manifest["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["kind"] == "large-object")
        .map(|object| {
            let name = object["name"].as_str().unwrap();
            let oid = name.strip_prefix("blob_").unwrap().strip_suffix(".dat").unwrap();
            format!("{oid}|{}", object["sha256"].as_str().unwrap())
        })
        .collect();
    stored.sort();
    assert_eq!(stored.join("\n"), database.psql(sums));
    repository.verify();
}

/// Two tables that every transaction changes together.
const PAIR: &str = "CREATE TABLE left_side (v int); CREATE TABLE right_side (v int)";
const PAIR_CHURN: &str = "INSERT INTO left_side VALUES (n); INSERT INTO right_side VALUES (n);";

#[test]
fn a_lost_coordinator_starts_over_and_never_publishes_a_mix() {
    let cluster = Cluster::shared();
    for how in ["terminated", "cut"] {
        let database = cluster.create_db("coordinator");
        make_table(&database, "big", 16);
        database.psql(PAIR);
        let churn = crate::scene::Churn::start(&database, PAIR_CHURN, Duration::from_millis(10));
        let proxy = Proxy::start(cluster.port());
        proxy.rate_limit(Some(8 << 20));
        let repository = Repository::new();
        let run = repository.backup(&through(&proxy, &database));
        let run = run.args(["-j1", "--compress=none", "--chunk=4MiB"]).spawn();
        slow_down_after(&proxy, 6 << 20);
        if how == "cut" {
            proxy.cut_all();
        } else {
            database.psql(&format!("SELECT pg_terminate_backend({})", coordinator_pid(&database)));
        }
        proxy.rate_limit(None);
        let output = run.wait().expect_code(0);
        assert!(output.stderr.contains("starting over"), "{how}: {}", output.stderr);
        assert!(churn.end() > 10);
        // One moment: as many rows on the left as on the right.
        let manifest = repository.manifest();
        let left = sum_in_manifest(&manifest, "left_side");
        assert!(left.rows > 0);
        assert_eq!(left, sum_in_manifest(&manifest, "right_side"), "{how}");
        assert_eq!(sum_in_manifest(&manifest, "big"), sum_on_server(&database, "big"));
        repository.verify();
        assert_nothing_runs(&database);
    }
}

#[test]
fn a_coordinator_lost_three_times_is_a_clear_failure() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("coordinators");
    make_table(&database, "big", 16);
    let proxy = Proxy::start(cluster.port());
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let run = run.args(["-j1", "--compress=none", "--chunk=1MiB"]).spawn();
    let mut bytes = 0;
    for _ in 0..3 {
        proxy.rate_limit(Some(8 << 20));
        slow_down_after(&proxy, bytes + (3 << 20));
        database.psql(&format!("SELECT pg_terminate_backend({})", coordinator_pid(&database)));
        bytes = proxy.bytes_down();
    }
    proxy.rate_limit(None);
    let output = run.wait().expect_code(69);
    assert!(output.stderr.contains("that happened 3 times"), "{}", output.stderr);
    repository.assert_empty();
    assert_nothing_runs(&database);
}

#[test]
fn a_server_that_stops_is_a_clear_failure_and_one_that_crashes_a_new_start() {
    let cluster = ClusterSpec::default().start();
    let database = cluster.create_db("stopped");
    make_table(&database, "big", 16);
    let proxy = Proxy::start(cluster.port());
    let repository = Repository::new();
    let start = || {
        let before = proxy.bytes_down();
        proxy.rate_limit(Some(8 << 20));
        let run = repository.backup(&through(&proxy, &database));
        let run = run.args(["-j2", "--compress=none", "--chunk=4MiB"]).spawn();
        slow_down_after(&proxy, before + (4 << 20));
        run
    };

    let run = start();
    cluster.stop_immediate();
    // What is on its way holds nobody up.
    proxy.rate_limit(None);
    let clock = Instant::now();
    let output = run.wait().expect_code(69);
    assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    assert!(output.stderr.contains("error: "), "{}", output.stderr);
    repository.assert_empty();
    cluster.start_again();

    // One backend is killed: the server ends all others, recovers and comes back.
    let run = start();
    let pid = Pid::from_raw(coordinator_pid(&database).parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    proxy.rate_limit(None);
    run.wait().expect_code(0);
    assert_eq!(sum_in_manifest(&repository.manifest(), "big"), sum_on_server(&database, "big"));
    repository.verify();
}

#[test]
fn two_backups_of_one_database_are_one_too_many_and_of_two_are_not() {
    let cluster = Cluster::shared();
    let (one, other) = (cluster.create_db("twice"), cluster.create_db("beside"));
    make_table(&one, "big", 8);
    make_table(&other, "big", 1);
    let proxy = Proxy::start(cluster.port());
    proxy.rate_limit(Some(256 << 10));
    let repository = Repository::new();
    let first = repository.backup(&through(&proxy, &one)).arg("-j1").spawn();
    coordinator_pid(&one);
    let second = repository.backup(&one.url()).run().expect_code(75);
    assert!(second.stderr.contains("another backup of this database is running"));
    let elsewhere = Repository::new();
    elsewhere.backup(&other.url()).run().expect_code(0);
    proxy.rate_limit(None);
    first.wait().expect_code(0);
    // The lock is gone with its holder.
    let free = "SELECT count(*) = 0 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                 WHERE l.locktype = 'advisory' AND d.datname = current_database()";
    wait_for(&one, "the lock's end", free);
    repository.backup(&one.url()).run().expect_code(0);
    assert_eq!(repository.backups().len(), 2);
}

#[test]
fn no_silence_while_connecting_lasts_beyond_its_limit() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("silent");
    let proxy = Proxy::start(cluster.port());
    proxy.stall();
    let repository = Repository::new();
    let url = format!("{}?connect_timeout=2", through(&proxy, &database));
    let clock = Instant::now();
    let output = repository.backup(&url).run().expect_code(69);
    assert!(clock.elapsed() < Duration::from_secs(20), "{:?}", clock.elapsed());
    assert!(output.stderr.contains("2 s"), "{}", output.stderr);
    repository.assert_empty();
    assert!(backends(&database).is_empty());
}

#[test]
fn the_folder_of_a_failed_start_is_not_left_when_the_next_one_works() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("leftover");
    make_table(&database, "big", 8);
    let proxy = Proxy::start(cluster.port());
    proxy.rate_limit(Some(8 << 20));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database));
    let run = run.args(["-j4", "--compress=none", "--chunk=256KiB"]).spawn();
    slow_down_after(&proxy, 2 << 20);
    database.psql(&format!("SELECT pg_terminate_backend({})", coordinator_pid(&database)));
    proxy.rate_limit(None);
    run.wait().expect_code(0);
    let folder = repository.only();
    let manifest = repository.manifest();
    let mut named: Vec<String> = manifest["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["name"].as_str().unwrap().to_owned())
        .chain(["manifest.json".into()])
        .collect();
    named.sort();
    let mut there: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(named, there);
}
