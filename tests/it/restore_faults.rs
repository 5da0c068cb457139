//! What goes wrong while a restore runs: connections, signals, kill -9, damage, and what the
//! server refuses.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::backup_right::repo::Repo;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend, Proxy, command, compare};
use crate::restore_right::{Made, restore};
use crate::scene::{make_table, wait_for};

/// Tables of several sizes, large objects, indexes and foreign keys.
fn load(db: &Database<'_>) {
    make_table(db, "big", 24);
    db.psql(
        "ALTER TABLE big ADD COLUMN number bigserial PRIMARY KEY;
         CREATE TABLE part (id int PRIMARY KEY, big bigint REFERENCES big, v text);
         INSERT INTO part SELECT g, g, md5(g::text) FROM generate_series(1, 500) g;
         DO $$ BEGIN FOR i IN 1..40 LOOP
            EXECUTE format('CREATE TABLE small_%s AS SELECT i FROM generate_series(1, 100) i', i);
         END LOOP; END $$;
         SELECT count(lo_from_bytea(0, decode(repeat('ab', 70000), 'hex'))) FROM generate_series(1, 30)",
    );
}

fn exists(cluster: &Cluster, name: &str) -> bool {
    let sql = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    cluster.psql("postgres", &sql) == "1"
}

#[test]
fn killed_at_20_moments_the_same_command_finishes() {
    const MOMENTS: u32 = 20;
    // Of its own: restores of other tests have sessions of the same name.
    let cluster = &ClusterSpec::default().start();
    let source = cluster.create_db("killed");
    load(&source);
    let repo = Repo::new();
    repo.backup(&source, &["--no-globals", "--chunk=2MiB"]);
    let folder = tempfile::tempdir().unwrap();
    let arguments = |name: &str| {
        let words = ["latest", "--into", name, "--create", "--yes", "-j2"];
        restore(&repo, cluster, &words).env("TMPDIR", folder.path())
    };
    let first = Made::new(cluster, "whole");
    let clock = Instant::now();
    arguments(&first.name).run().expect_code(0);
    let mut whole = clock.elapsed();
    let made = Made::new(cluster, "killed");
    let mut killed = 0;
    for moment in 0..MOMENTS {
        let mut run = arguments(&made.name).spawn();
        if let Some(took) = run.run_for(whole * moment / MOMENTS) {
            run.wait().expect_code(0);
            // The machine was busier before.
            whole = took;
        } else {
            run.signal(Signal::KILL);
            let output = run.wait();
            assert!(output.code == -9 || output.code == 0, "{}", output.code);
            killed += u32::from(output.code == -9);
        }
        // Its last statement may still run: the one that gives the name.
        wait_for(
            &source,
            "the end of the killed one's statement",
            "SELECT count(*) = 0 FROM pg_stat_activity
              WHERE datname = 'postgres' AND application_name = 'pgtend/restore'",
        );
        // A half-restored database never has the name.
        if exists(cluster, &made.name) {
            compare::assert_equal(cluster, source.name(), cluster, &made.name);
            cluster.psql("postgres", &format!("DROP DATABASE \"{}\" WITH (FORCE)", made.name));
        }
        // Every few moments all the way, over what the last one left.
        if moment % 4 == 3 {
            arguments(&made.name).run().expect_code(0);
            compare::assert_equal(cluster, source.name(), cluster, &made.name);
            assert!(!exists(cluster, &format!("{}_restoring", made.name)));
            cluster.psql("postgres", &format!("DROP DATABASE \"{}\"", made.name));
        }
    }
    assert!(killed >= MOMENTS / 2, "only {killed} of {MOMENTS} were killed within {whole:?}");
    // Nor stays a table of contents in the folder for temporary files.
    let left: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("pgtend-restore-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// In a database that is there a part of the backup may stay; the same command drops it and goes on.
#[test]
fn killed_while_it_replaces_a_database_the_same_command_finishes() {
    const MOMENTS: u32 = 6;
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    load(&source);
    let repo = Repo::new();
    repo.backup(&source, &["--no-globals", "--chunk=2MiB"]);
    let target = cluster.create_db("target");
    let run = || {
        let words = [
            "latest",
            "--into",
            target.name(),
            "--clean",
            "--confirm",
            target.name(),
            "--yes",
            "-j2",
        ];
        restore(&repo, cluster, &words)
    };
    let clock = Instant::now();
    run().run().expect_code(0);
    let mut whole = clock.elapsed();
    let mut killed = 0;
    for moment in 1..=MOMENTS {
        let mut pgtend = run().spawn();
        match pgtend.run_for(whole * moment / (MOMENTS + 1)) {
            // The machine was busier before.
            Some(took) => whole = took,
            None => {
                pgtend.signal(Signal::KILL);
                killed += 1;
            }
        }
        pgtend.wait();
        if moment % 2 == 0 {
            run().run().expect_code(0);
            compare::assert_equal(cluster, source.name(), cluster, target.name());
        }
    }
    assert!(killed >= MOMENTS / 2, "{killed}");
}

#[test]
fn a_signal_leaves_no_half_restored_database() {
    const MOMENTS: u32 = 8;
    let cluster = Cluster::shared();
    let source = cluster.create_db("signalled");
    load(&source);
    let repo = Repo::new();
    repo.backup(&source, &["--no-globals", "--chunk=2MiB"]);
    let target = cluster.create_db("target");
    target.psql("CREATE TABLE mine (id int); INSERT INTO mine VALUES (7)");
    let run = || {
        let words =
            ["latest", "--into", target.name(), "--swap", "--confirm", target.name(), "-j2"];
        restore(&repo, cluster, &words)
    };
    for moment in 0..MOMENTS {
        let (signal, code) = if moment % 2 == 0 { (Signal::INT, 130) } else { (Signal::TERM, 143) };
        let pgtend = run().spawn();
        pgtend.until_it_catches(signal);
        std::thread::sleep(Duration::from_millis(80) * moment);
        pgtend.signal(signal);
        let clock = Instant::now();
        let output = pgtend.wait().expect_code(code);
        assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
        assert!(output.stderr.contains("was stopped"), "{}", output.stderr);
        assert_eq!(target.psql("SELECT id FROM mine"), "7", "the old one is as it was");
        assert!(!exists(cluster, &format!("{}_restoring", target.name())), "{}", output.stderr);
    }
}

#[test]
fn rows_whose_connection_is_cut_are_loaded_once() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("cut");
    load(&source);
    let repo = Repo::new();
    repo.backup(&source, &["--no-globals", "--chunk=2MiB"]);
    let proxy = Proxy::start(cluster.port());
    let made = Made::new(cluster, "cut");
    proxy.rate_limit(Some(16 << 20));
    let mut run = restore(
        &repo,
        cluster,
        &["latest", "--into", &made.name, "--create", "--yes", "-j2", "-v"],
    )
    .env("PGPORT", proxy.port().to_string())
    .spawn();
    let beside = format!("{}_restoring", made.name);
    let cut = format!(
        "SELECT count(pg_terminate_backend(pid))
           FROM (SELECT pid FROM pg_stat_activity WHERE datname = '{beside}'
                 AND query LIKE 'COPY%' AND state = 'active' LIMIT 1) x"
    );
    let mut cuts = 0;
    let enough = || {
        cuts += source.psql(&cut).parse::<u32>().unwrap();
        (cuts == 3 || run.has_ended()).then_some(())
    };
    command::until(command::LIMIT, enough).expect("it is cut, or ends");
    assert!(cuts > 0, "it ended before it was cut");
    let output = run.wait().expect_code(0);
    let report = output.json()["report"].take();
    assert!(report["sessions_lost"].as_u64().unwrap() >= 1, "{report}");
    compare::assert_equal(cluster, source.name(), cluster, &made.name);
}

/// One byte of a data file is another one.
#[test]
fn a_damaged_frame_ends_the_restore() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("damaged");
    load(&source);
    let repo = Repo::new();
    let backup = repo.backup(&source, &["--no-globals"]);
    let file = backup.folder.join(&backup.table("public", "big").name);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&file, bytes).unwrap();
    let made = Made::new(cluster, "damaged");
    let run = restore(&repo, cluster, &["latest", "--into", &made.name, "--create", "--yes"]);
    let output = run.run().expect_code(2);
    for words in ["the backup is damaged", "checksum", "public.big", "verify-backup", "was dropped"]
    {
        assert!(output.stderr.contains(words), "no '{words}' in {}", output.stderr);
    }
    assert!(!exists(cluster, &made.name) && !exists(cluster, &format!("{}_restoring", made.name)));
}

/// An index that cannot be built, rows that a check refuses, a view without its function: each is
/// counted and told, and what is incomplete does not get the name.
#[test]
fn what_the_server_refuses_is_told_and_never_a_success() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("refused");
    make_table(&source, "big", 2);
    let sql = "CREATE FUNCTION here(v int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
            'BEGIN IF current_setting(''app.here'', true) IS DISTINCT FROM ''yes''
                THEN RAISE ''not here''; END IF; RETURN true; END';
         SET app.here = 'yes';
         CREATE TABLE checked (id int CHECK (here(id)));
         INSERT INTO checked SELECT generate_series(1, 200000);
         CREATE TABLE indexed (id int);
         INSERT INTO indexed VALUES (1), (2);
         CREATE INDEX indexed_here ON indexed (here(id));
         CREATE TABLE good (id int PRIMARY KEY);
         INSERT INTO good SELECT generate_series(1, 50)";
    source.psql(sql);
    let repo = Repo::new();
    repo.backup(&source, &["--no-globals"]);
    for jobs in ["1", "4"] {
        let made = Made::new(cluster, "refused");
        let words = ["latest", "--into", &made.name, "--create", "--yes", "-j", jobs];
        let output = restore(&repo, cluster, &words).run().expect_code(2);
        let report = output.json()["report"].take();
        assert_eq!(report["complete"], false);
        let beside = format!("{}_restoring", made.name);
        assert_eq!(report["kept_as"], beside);
        let failed: Vec<(String, String)> = report["failed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                (f["object"].as_str().unwrap().to_owned(), f["error"].as_str().unwrap().to_owned())
            })
            .collect();
        let of = |object: &str| {
            failed.iter().find(|(name, _)| name == object).unwrap_or_else(|| panic!("{failed:?}"))
        };
        assert!(of("TABLE DATA public.checked").1.contains("not here"), "{failed:?}");
        assert!(of("INDEX public.indexed_here").1.contains("not here"), "{failed:?}");
        assert_eq!(failed.len(), 2, "{failed:?}");
        assert!(!exists(cluster, &made.name));
        assert_eq!(cluster.psql(&beside, "SELECT count(*) FROM good"), "50");
        assert_eq!(
            cluster.psql(&beside, "SELECT count(*) FROM big"),
            source.psql("SELECT count(*) FROM big")
        );
    }
    let text: Pgtend = Pgtend::new().args(["restore", "latest", "--create", "--yes", "--repo"]);
    let made = Made::new(cluster, "refused");
    let output = text
        .arg(repo.path())
        .args(["--into", &made.name])
        .env("PGHOST", cluster.socket_dir())
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", "postgres")
        .run()
        .expect_code(2);
    for words in ["was NOT wholly restored", "INDEX public.indexed_here: not here", "kept as"] {
        assert!(output.stdout.contains(words), "no '{words}' in {}", output.stdout);
    }
}
