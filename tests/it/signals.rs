//! Ctrl-C, SIGTERM and kill -9 at any moment: the right exit code, nothing published, nothing
//! left on disk or on the server.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Cluster, ClusterSpec, Pgtend, Proxy, command};
use crate::scene::{
    Psql, Repository, assert_nothing_runs, make_table, sum_in_manifest, through, wait_for,
    wait_for_bytes,
};

/// From the start to the end of a backup, in even steps; both signals.
#[test]
fn a_signal_at_any_moment_leaves_nothing() {
    const MOMENTS: u32 = 20;
    let cluster = Cluster::shared();
    let database = cluster.create_db("signalled");
    make_table(&database, "big", 24);
    database.psql(
        "DO $$ BEGIN FOR i IN 1..60 LOOP
            EXECUTE format('CREATE TABLE small_%s AS SELECT i FROM generate_series(1, 100) i', i);
         END LOOP; END $$;
         SELECT count(lo_from_bytea(0, 'x')) FROM generate_series(1, 50)",
    );
    let run = |repository: &Repository| {
        repository.backup(&database.url()).args(["-j2", "--chunk=2MiB"]).spawn()
    };
    let time = || {
        let clock = Instant::now();
        run(&Repository::new()).wait().expect_code(0);
        clock.elapsed()
    };
    let whole = time().min(time());

    let mut interrupted = 0;
    for moment in 0..MOMENTS {
        let (signal, code) = if moment % 2 == 0 { (Signal::INT, 130) } else { (Signal::TERM, 143) };
        let repository = Repository::new();
        let pgtend = run(&repository);
        std::thread::sleep(whole * moment / MOMENTS);
        pgtend.signal(signal);
        let clock = Instant::now();
        let output = pgtend.wait();
        let what = format!("signal at {moment}/{MOMENTS} of {whole:?}: exit {}", output.code);
        assert!(clock.elapsed() < Duration::from_secs(5), "{what} after {:?}", clock.elapsed());
        if output.code == 0 {
            repository.verify();
        } else {
            // In the first milliseconds the program does not listen yet: the signal ends it.
            let early = moment < 2 && output.code == -signal.as_raw();
            assert!(output.code == code || early, "{what}\n{}", output.stderr);
            if !early {
                assert!(output.stderr.contains("was stopped"), "{what}\n{}", output.stderr);
                interrupted += 1;
            }
            let left = repository.backups();
            assert!(left.is_empty(), "{what}: {left:?}");
        }
        assert_nothing_runs(&database, Duration::from_secs(3));
    }
    // On a busy machine a run may be over long before its last moments.
    assert!(interrupted > MOMENTS / 4, "only {interrupted} runs were interrupted");
}

#[test]
fn a_signal_during_the_wait_for_a_lock_leaves_no_waiting_backend() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("waiting");
    database.psql("CREATE TABLE t (v int)");
    let mut holder = Psql::start(cluster, database.name());
    holder.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE;");
    let locks = "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'public.t'::regclass";
    wait_for(&database, "the lock", &format!("{locks} AND granted"));
    // With a filter it is pg_dump that waits.
    for filter in [None, Some("--table=public.t")] {
        let repository = Repository::new();
        let run = repository.backup(&database.url()).args(filter).spawn();
        wait_for(&database, "the wait", &format!("{locks} AND NOT granted"));
        run.signal(Signal::INT);
        let clock = Instant::now();
        run.wait().expect_code(130);
        assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
        assert_nothing_runs(&database, Duration::from_secs(2));
        repository.assert_empty();
    }
}

/// Who holds the lock is asked in a session of its own, which nobody lets in here: its login waits
/// for pg_authid.
#[test]
fn a_signal_is_heard_while_it_is_asked_who_holds_a_lock() {
    let cluster = ClusterSpec::default().start();
    let database = cluster.create_db("blocked");
    database.psql("CREATE TABLE t (v int)");
    for filter in [None, Some("--table=public.t")] {
        let mut holder = Psql::start(&cluster, database.name());
        holder.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE;");
        let locks = "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'public.t'::regclass";
        wait_for(&database, "the lock", &format!("{locks} AND granted"));
        let repository = Repository::new();
        let run = repository.backup(&database.url()).args(filter).spawn();
        wait_for(&database, "the wait", &format!("{locks} AND NOT granted"));
        holder.send("LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE;");
        std::thread::sleep(Duration::from_secs(4));
        run.signal(Signal::TERM);
        let clock = Instant::now();
        run.wait().expect_code(143);
        assert!(clock.elapsed() < Duration::from_secs(4), "{filter:?} {:?}", clock.elapsed());
        repository.assert_empty();
        holder.send("COMMIT;");
        holder.finish();
        assert_nothing_runs(&database, Duration::from_secs(15));
    }
}

#[test]
fn a_killed_backup_is_incomplete_and_the_next_one_works() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("killed");
    make_table(&database, "big", 16);
    let proxy = Proxy::start(cluster.port());
    proxy.rate_limit(Some(8 << 20));
    let repository = Repository::new();
    let run = repository.backup(&through(&proxy, &database)).args(["-j2", "--chunk=4MiB"]).spawn();
    wait_for_bytes(&proxy, 3 << 20);
    run.signal(Signal::KILL);
    assert_eq!(run.wait().code, -9);
    let left = repository.only();
    assert!(!left.join("manifest.json").exists());
    assert_nothing_runs(&database, Duration::from_secs(5));

    let list = || {
        let run = Pgtend::new().args(["backup", "list", "--format=json", "--repo"]);
        run.arg(repository.path()).run().expect_code(0).json()["report"]["backups"].clone()
    };
    assert_eq!(list()[0]["state"], "incomplete");
    proxy.rate_limit(None);
    repository.backup(&through(&proxy, &database)).run().expect_code(0);
    let backups = list();
    assert_eq!(
        (&backups[0]["state"], &backups[1]["state"]),
        (&"incomplete".into(), &"complete".into())
    );
    repository.verify();
}

/// Nothing is heard any more in the middle of a copy: the operator still gets out.
#[test]
fn a_signal_ends_a_backup_whose_connections_are_silent() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("stalled");
    make_table(&database, "big", 8);
    let proxy = Proxy::start(cluster.port());
    proxy.rate_limit(Some(4 << 20));
    let repository = Repository::new();
    let mut run = repository.backup(&through(&proxy, &database)).arg("-j2").spawn();
    wait_for_bytes(&proxy, 1 << 20);
    proxy.stall();
    std::thread::sleep(Duration::from_secs(1));
    assert!(!run.has_ended());
    run.signal(Signal::INT);
    let clock = Instant::now();
    run.wait().expect_code(130);
    assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
    repository.assert_empty();
    // The server hears of it when the line is back.
    proxy.resume();
    assert_nothing_runs(&database, Duration::from_secs(5));
}

/// A read that never comes back, as on a mounted store whose server is gone.
#[test]
fn the_second_signal_ends_a_run_that_hangs() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("hanging");
    make_table(&database, "big", 1);
    let repository = Repository::new();
    repository.backup(&database.url()).run().expect_code(0);
    let object = std::fs::read_dir(repository.only()).unwrap().map(|entry| entry.unwrap().path());
    let object = object.into_iter().find(|path| path.to_string_lossy().ends_with(".dat.zst"));
    let object = object.expect("a data file");
    std::fs::remove_file(&object).unwrap();
    command::run(Command::new("mkfifo").arg(&object), "").expect_success("mkfifo");
    let run = Pgtend::new().args(["verify-backup", "latest", "--repo"]).arg(repository.path());
    let mut run = run.spawn();
    std::thread::sleep(Duration::from_secs(1));
    run.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(!run.has_ended(), "it did not hang");
    run.signal(Signal::INT);
    let clock = Instant::now();
    let output = run.wait().expect_code(130);
    assert!(clock.elapsed() < Duration::from_secs(1), "{:?}", clock.elapsed());
    assert!(output.stderr.contains("error: ended at once, by the second signal\n"));
}

/// 300 MB that do not compress, in wide rows: what is held in memory does not grow with them.
#[test]
fn memory_stays_small_and_ctrl_c_ends_a_verification() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("memory");
    database.psql(
        "CREATE TABLE wide (id int, data bytea);
         ALTER TABLE wide ALTER data SET STORAGE EXTERNAL;
         WITH random AS (
            SELECT string_agg(sha512(i::text::bytea), '') AS data FROM generate_series(1, 160000) i)
         INSERT INTO wide SELECT n, substr(data, 1 + n * 29 * 1024, 2 * 1024 * 1024)
           FROM random, generate_series(0, 139) n;
         CREATE TABLE lines (id int, a text, b text, c bytea);
         INSERT INTO lines SELECT i, md5(i::text), md5((-i)::text), sha512(i::text::bytea)
           FROM generate_series(1, 100000) i",
    );
    let bytes = "SELECT sum(length(data)) >= 280 * 1024 * 1024 FROM wide";
    assert_eq!(database.psql(bytes), "t");
    let repository = Repository::new();
    let output = repository.backup(&database.url()).arg("-j2").run().expect_code(0);
    let peak = output.peak_rss >> 20;
    eprintln!("peak of the backup: {peak} MiB");
    assert!(peak > 0 && peak < 128, "{peak} MiB");
    assert_eq!(sum_in_manifest(&repository.manifest(), "wide").rows, 140);

    let verify = || {
        let run = Pgtend::new().args(["verify-backup", "latest", "-j1", "--repo"]);
        run.arg(repository.path()).spawn()
    };
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let run = verify();
        std::thread::sleep(Duration::from_millis(100));
        run.signal(signal);
        let clock = Instant::now();
        let output = run.wait().expect_code(code);
        assert!(clock.elapsed() < Duration::from_secs(1), "{:?}", clock.elapsed());
        assert!(output.stderr.contains("nothing is proved"), "{}", output.stderr);
    }
    assert!(!repository.only().join("verifications").exists());
    let output = verify().wait().expect_code(0);
    let peak = output.peak_rss >> 20;
    eprintln!("peak of the verification: {peak} MiB");
    assert!(peak > 0 && peak < 128, "{peak} MiB");
}
