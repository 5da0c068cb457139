//! Ctrl-C, SIGTERM and kill -9 at any moment: the right exit code, nothing published, nothing
//! left on disk or on the server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::pgtend::Running;
use crate::harness::{Cluster, ClusterSpec, Pgtend, Proxy, command};
use crate::scene::{
    PATIENCE, Psql, Repository, assert_nothing_runs, make_table, slow_down_after, sum_in_manifest,
    through, wait_for,
};

/// How long a busy machine may take over what is done at once.
const SOON: Duration = Duration::from_secs(20);

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
    let mut whole = time().min(time());

    let mut interrupted = 0;
    for moment in 0..MOMENTS {
        let (signal, code) = if moment % 2 == 0 { (Signal::INT, 130) } else { (Signal::TERM, 143) };
        let repository = Repository::new();
        let mut pgtend = run(&repository);
        // The first one may come before the program listens: then it just ends it.
        if moment > 0 {
            pgtend.until_it_catches(signal);
        }
        match pgtend.run_for(whole * moment / MOMENTS) {
            // The machine has more time for it than before.
            Some(took) => whole = whole.min(took),
            None => pgtend.signal(signal),
        }
        let clock = Instant::now();
        let output = pgtend.wait();
        let what = format!("signal at {moment}/{MOMENTS} of {whole:?}: exit {}", output.code);
        assert!(clock.elapsed() < SOON, "{what} after {:?}", clock.elapsed());
        if output.code == 0 {
            repository.verify();
        } else {
            let early = moment == 0 && output.code == -signal.as_raw();
            assert!(output.code == code || early, "{what}\n{}", output.stderr);
            if !early {
                assert!(output.stderr.contains("was stopped"), "{what}\n{}", output.stderr);
                interrupted += 1;
            }
            let left = repository.backups();
            assert!(left.is_empty(), "{what}: {left:?}");
        }
        assert_nothing_runs(&database);
    }
    // A run may be over before its last moments.
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
        assert!(clock.elapsed() < SOON, "{:?}", clock.elapsed());
        assert_nothing_runs(&database);
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
        // Whoever asks for the holder gives up six seconds later.
        assert!(clock.elapsed() < Duration::from_secs(5), "{filter:?} {:?}", clock.elapsed());
        repository.assert_empty();
        holder.send("COMMIT;");
        holder.finish();
        assert_nothing_runs(&database);
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
    slow_down_after(&proxy, 3 << 20);
    run.signal(Signal::KILL);
    assert_eq!(run.wait().code, -9);
    let left = repository.only();
    assert!(!left.join("manifest.json").exists());
    assert_nothing_runs(&database);

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
    slow_down_after(&proxy, 1 << 20);
    proxy.stall();
    std::thread::sleep(Duration::from_secs(1));
    assert!(!run.has_ended());
    run.signal(Signal::INT);
    let clock = Instant::now();
    run.wait().expect_code(130);
    assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
    repository.assert_empty();
    // The server hears of it when the line is back.
    proxy.rate_limit(None);
    proxy.resume();
    assert_nothing_runs(&database);
}

/// A read that never comes back, as on a mounted store whose server is gone.
#[test]
fn the_second_signal_ends_a_run_that_hangs() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("hanging");
    make_table(&database, "big", 1);
    let repository = Repository::new();
    repository.backup(&database.url()).run().expect_code(0);
    let object = fs::read_dir(repository.only()).unwrap().map(|entry| entry.unwrap().path());
    let object = object.into_iter().find(|path| path.to_string_lossy().ends_with(".dat.zst"));
    let object = object.expect("a data file");
    fs::remove_file(&object).unwrap();
    command::run(Command::new("mkfifo").arg(&object), "").expect_success("mkfifo");
    let run = Pgtend::new().args(["verify-backup", "latest", "--repo"]).arg(repository.path());
    let mut run = run.spawn();
    until_it_hangs(&run, &repository.only());
    run.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(!run.has_ended(), "it did not hang");
    // One that comes before the first was heard counts as that.
    let ended = command::until(Duration::from_secs(10), || {
        if run.has_ended() {
            return Some(());
        }
        run.signal(Signal::INT);
        None
    });
    assert!(ended.is_some(), "it still hangs");
    let output = run.wait().expect_code(130);
    assert!(output.stderr.contains("error: ended at once, by the second signal\n"));
}

/// Waits until a verification of this backup has slept for a second: it computes or reads all the
/// time, unless a read does not come back.
fn until_it_hangs(run: &Running, backup: &Path) {
    let marked = || {
        let mut names = fs::read_dir(backup).unwrap().map(|entry| entry.unwrap().file_name());
        names.any(|name| name.to_string_lossy().starts_with("in-use-"))
    };
    let sleeps = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", run.pid())).unwrap();
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
    };
    let mut since = Instant::now();
    let hangs = command::until(PATIENCE, || {
        if !(marked() && sleeps()) {
            since = Instant::now();
        }
        (since.elapsed() > Duration::from_secs(1)).then_some(())
    });
    hangs.expect("it hangs");
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
        run.until_it_catches(signal);
        std::thread::sleep(Duration::from_millis(100));
        run.signal(signal);
        let clock = Instant::now();
        let output = run.wait().expect_code(code);
        assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
        assert!(output.stderr.contains("nothing is proved"), "{}", output.stderr);
    }
    assert!(!repository.only().join("verifications").exists());
    let output = verify().wait().expect_code(0);
    let peak = output.peak_rss >> 20;
    eprintln!("peak of the verification: {peak} MiB");
    assert!(peak > 0 && peak < 128, "{peak} MiB");
}
