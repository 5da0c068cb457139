//! The server to throw away: closed in while it lives, and gone whatever ends it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::backup_right::repo::Repo;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend, command, tools};
use crate::scene::PATIENCE;
use crate::verify_restore::trial::trial;

/// How long the keeper may take when pgtend was killed, and pgtend itself when it is to stop.
const SOON: Duration = Duration::from_secs(30);

/// A folder for the files of trials that the server's user can enter.
fn place() -> TempDir {
    let folder = tempfile::Builder::new().prefix("pgt-place").tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    folder
}

/// Command lines of processes that have to do with a folder, but for pgtend's own.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        // It may end while we look.
        let Ok(words) = fs::read(entry.unwrap().path().join("cmdline")) else { continue };
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if words.contains(folder) && !words.contains("verify-backup") {
            found.push(words.chars().filter(|c| !c.is_control()).collect());
        }
    }
    found
}

fn left_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[track_caller]
fn assert_gone(folder: &Path, within: Duration, what: &str) {
    let gone = command::until(within, || {
        (processes(folder).is_empty() && left_in(folder).is_empty()).then_some(())
    });
    assert!(gone.is_some(), "{what}: {:?} {:?}", processes(folder), left_in(folder));
}

fn load(db: &Database<'_>) {
    db.psql(
        "CREATE TABLE t (id int PRIMARY KEY, v text);
         INSERT INTO t SELECT g, repeat(md5(g::text), 5) FROM generate_series(1, 60000) g;
         CREATE INDEX ON t (v)",
    );
}

fn in_place(repo: &Repo, place: &Path) -> Pgtend {
    trial(repo, Cluster::shared(), ["--no-record", "--scratch-dir"]).arg(place)
}

#[test]
fn nothing_is_left_whatever_ends_a_trial() {
    const MOMENTS: u32 = 12;
    let db = Cluster::shared().create_db("ended");
    load(&db);
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let folder = place();
    let clock = Instant::now();
    in_place(&repo, folder.path()).run().expect_code(0);
    let mut whole = clock.elapsed();
    assert_gone(folder.path(), Duration::ZERO, "after a good end");
    let signals = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::KILL, -9)];
    let mut stopped = [0; 3];
    for moment in 0..MOMENTS {
        let which = usize::try_from(moment % 3).unwrap();
        let (signal, code) = signals[which];
        let running = (0..10).find_map(|_| {
            let mut run = in_place(&repo, folder.path()).spawn();
            run.until_it_catches(Signal::TERM);
            let Some(took) = run.run_for(whole * (2 + moment) / (MOMENTS + 2)) else {
                return Some(run);
            };
            // The machine has more time for it than before.
            whole = whole.min(took);
            run.wait().expect_code(0);
            None
        });
        let run = running.expect("a trial that still runs");
        run.signal(signal);
        let clock = Instant::now();
        let output = run.wait();
        let what = format!("signal {signal:?} at {moment}/{MOMENTS} of {whole:?}");
        assert!(clock.elapsed() < SOON, "{what} after {:?}", clock.elapsed());
        if output.code != 0 {
            assert_eq!(output.code, code, "{what}\n{}", output.stderr);
            stopped[which] += 1;
        }
        // When pgtend ends by itself the server has ended before.
        let soon = if signal == Signal::KILL { SOON } else { Duration::ZERO };
        assert_gone(folder.path(), soon, &what);
    }
    assert!(stopped.iter().all(|count| *count > 2), "{stopped:?}");
}

/// The code of a backup runs at its restore: it sees nothing of ours.
#[test]
fn code_of_a_backup_is_closed_in() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("prying");
    let (out, folder) = (place(), place());
    let seen = out.path().join("seen");
    db.psql(&format!(
        "CREATE FUNCTION pry() RETURNS bool LANGUAGE plpgsql AS $f$
         BEGIN
            IF current_database() = 'scratch' THEN
                COPY (SELECT) TO PROGRAM 'exec >{seen}; env; id -un; id -G; \
                    cat /proc/net/tcp /proc/net/tcp6; readlink /proc/self/ns/net; \
                    grep -E \"NoNewPrivs|CapEff\" /proc/self/status; \
                    sh -c \"sleep 1000 & echo started\"';
            END IF;
            RETURN true;
         END $f$;
         CREATE TABLE t (a int CHECK (pry()));
         INSERT INTO t VALUES (1)",
        seen = seen.display()
    ));
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let run = in_place(&repo, folder.path()).env("PGPASSWORD", "hunter2").env("SECRET", "hunter2");
    let file = run.home().join("closed.sql");
    fs::write(
        &file,
        "SELECT setting = '', setting FROM pg_settings WHERE name = 'listen_addresses';
         SELECT setting = '', name FROM pg_settings WHERE name LIKE '%preload_libraries';
         SELECT inet_server_port() IS NULL;
         SELECT setting = '0700' FROM pg_settings WHERE name = 'unix_socket_permissions'",
    )
    .unwrap();
    run.arg("--assert").arg(&file).run().expect_code(0);
    let seen = fs::read_to_string(&seen).unwrap();
    assert!(
        !seen.contains("hunter2") && !seen.contains("HOME=") && !seen.contains("repo"),
        "{seen}"
    );
    assert!(seen.contains("started") && !seen.contains("0100007F:"), "{seen}");
    if geteuid().is_root() {
        assert!(seen.contains("\npostgres\n"), "{seen}");
        assert!(seen.contains("CapEff:\t0000000000000000"), "{seen}");
        assert!(seen.contains("NoNewPrivs:\t1"), "{seen}");
        let ours = fs::read_link("/proc/self/ns/net").unwrap();
        assert!(!seen.contains(ours.to_str().unwrap()), "{seen}");
    }
    assert_gone(folder.path(), Duration::ZERO, "after prying");
}

#[test]
fn what_a_trial_needs_is_named_when_it_is_not_there() {
    let db = Cluster::shared().create_db("needy");
    db.psql("CREATE TABLE t (a int)");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let empty = place();
    let run = in_place(&repo, empty.path()).env("PGTEND_PG_BINDIR", empty.path()).run();
    let told = run.expect_code(69).stderr;
    assert!(told.contains("install the package postgresql-15 (Debian"), "{told}");
    let old = tools::server_bindir(14);
    let run = in_place(&repo, empty.path()).env("PGTEND_PG_BINDIR", old).run();
    let told = run.expect_code(69).stderr;
    assert!(told.contains("found only older ones: 14 in "), "{told}");
    let told = in_place(&repo, Path::new("/nowhere/at/all")).run().expect_code(74).stderr;
    assert!(told.contains("--scratch-dir"), "{told}");
    if geteuid().is_root() {
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let told = in_place(&repo, closed.path()).run().expect_code(69).stderr;
        assert!(told.contains("a folder that the user postgres can enter"), "{told}");
        assert_gone(closed.path(), Duration::ZERO, "a folder that cannot be entered");
        for (user, word) in [("root", "does not run as root"), ("no_such", "no user no_such")] {
            let run = in_place(&repo, empty.path()).args(["--scratch-user", user]).run();
            let told = run.expect_code(64).stderr;
            assert!(told.contains(word), "{told}");
        }
        let run = in_place(&repo, empty.path()).args(["--scratch-user", "nobody"]).run();
        run.expect_code(0);
    }
    assert_gone(empty.path(), Duration::ZERO, "after errors");
}

/// A socket's path has at most 107 bytes; the folder may be longer.
#[test]
fn a_long_path_is_no_hindrance() {
    let db = Cluster::shared().create_db("long");
    db.psql("CREATE TABLE t (a int)");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let folder = place();
    let long = folder.path().join("a \"b' ".repeat(20).trim());
    fs::create_dir(&long).unwrap();
    fs::set_permissions(&long, fs::Permissions::from_mode(0o1777)).unwrap();
    in_place(&repo, &long).run().expect_code(0);
    assert_gone(&long, Duration::ZERO, "after a long path");
}

/// pgtend after this prefix, which takes rights from it.
fn with_less(run: &Pgtend, prefix: &[&str]) -> Command {
    let inner = run.command();
    let mut command = Command::new(prefix[0]);
    command.args(&prefix[1..]).arg(inner.get_program()).args(inner.get_args()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("HOME", "/nonexistent").current_dir("/");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    command
}

/// Where namespaces cannot be had, and for who is not root, a trial works and ends all the same.
#[test]
fn a_trial_without_rights_ends_as_well() {
    if !geteuid().is_root() {
        eprintln!("not root: the other tests ran without its rights");
        return;
    }
    let db = Cluster::shared().create_db("fewer");
    load(&db);
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let nobody = |path: &Path| {
        let mut chown = Command::new("chown");
        chown.args(["-R", "nobody"]).arg(path);
        command::run(&mut chown, "").expect_success("chown");
    };
    nobody(repo.path());
    let root = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"];
    let other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
    for (prefix, is_told) in [(&root[..], true), (&other[..], false)] {
        let folder = place();
        let start = || with_less(&in_place(&repo, folder.path()), prefix).spawn().unwrap();
        let clock = Instant::now();
        let output = start().wait_with_output().unwrap();
        let whole = clock.elapsed();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{prefix:?}: {told}");
        if is_told {
            assert!(told.contains("no namespaces of its own here"), "{told}");
        }
        assert_gone(folder.path(), Duration::ZERO, "after a good end");
        for moment in 0..5 {
            let mut run = start();
            std::thread::sleep(whole * (1 + moment) / 6);
            let signal = if moment % 4 == 0 { Signal::INT } else { Signal::KILL };
            kill_process(Pid::from_child(&run), signal).unwrap();
            run.wait().unwrap();
            let soon = if signal == Signal::KILL { SOON } else { Duration::ZERO };
            assert_gone(folder.path(), soon, &format!("{prefix:?}, {signal:?} at {moment}/5"));
        }
    }
}

/// A file system of its own for the server's files, unmounted when dropped.
struct SmallDisk(TempDir);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        command::run(Command::new("umount").arg(self.0.path()), "");
    }
}

#[test]
fn a_full_disk_is_no_damage_of_the_backup() {
    let disk = SmallDisk(tempfile::Builder::new().prefix("pgt-disk").tempdir_in("/tmp").unwrap());
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=300m,mode=1777", "pgtend-test"]).arg(disk.0.path());
    if !command::run(&mut mount, "").status.success() {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    }
    let db = Cluster::shared().create_db("bursting");
    db.psql("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 400000) g");
    for number in 0..28 {
        db.psql(&format!("CREATE INDEX i{number} ON t (a, (a + {number}))"));
    }
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let output = in_place(&repo, disk.0.path()).run().expect_code(74);
    assert!(output.stderr.contains("No space left on device"), "{}", output.stderr);
    assert!(output.stderr.contains("--scratch-dir"), "{}", output.stderr);
    assert_gone(disk.0.path(), Duration::ZERO, "after a full disk");
    let place = in_place(&repo, disk.0.path());
    db.psql("DROP TABLE t; CREATE TABLE t AS SELECT md5(g::text) || md5(g::text) AS a FROM generate_series(1, 600000) g");
    repo.backup(&db, &[]);
    let output = place.run().expect_code(74);
    assert!(output.stderr.contains("not enough room in"), "{}", output.stderr);
}

/// Databases of trials on a server.
fn databases(cluster: &Cluster) -> String {
    cluster.psql(
        "postgres",
        "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'pgtend%'",
    )
}

#[test]
fn a_named_server_is_left_as_it_was() {
    let cluster = ClusterSpec::default().start();
    let db = Cluster::shared().create_db("named");
    load(&db);
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let run = || {
        let url = format!("--scratch={}", cluster.url("postgres"));
        trial(&repo, &cluster, ["--no-record", &url])
    };
    let output = run().run().expect_code(0);
    assert!(output.stderr.contains("code of the backup runs on the scratch server"));
    assert_eq!(databases(&cluster), "");
    let started = || {
        let run = run().spawn();
        let there = command::until(PATIENCE, || {
            let name = databases(&cluster);
            let mark = "SELECT count(*) FROM pg_database d
                WHERE shobj_description(d.oid, 'pg_database') LIKE 'pgtend scratch%'";
            (!name.is_empty() && cluster.psql("postgres", mark) != "0").then_some(name)
        });
        (run, there.expect("a database for the trial"))
    };
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (run, _) = started();
        run.signal(signal);
        run.wait().expect_code(code);
        assert_eq!(databases(&cluster), "");
    }
    // One that runs is nobody's leftover; one that was killed is the next run's.
    let (killed, name) = started();
    killed.signal(Signal::STOP);
    let output = run().run().expect_code(0);
    assert!(!output.stderr.contains("dropped"), "{}", output.stderr);
    assert_eq!(databases(&cluster), name);
    killed.signal(Signal::KILL);
    killed.wait();
    cluster.psql("postgres", "CREATE DATABASE pgtend_verify_0123456789abcdef");
    let ended = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgtend%'
        OR application_name = 'pg_restore'";
    let gone = command::until(SOON, || (cluster.psql("postgres", ended) == "0").then_some(()));
    gone.expect("the killed run's sessions end");
    let output = run().run().expect_code(0);
    assert!(output.stderr.contains(&format!("dropped {name}")), "{}", output.stderr);
    assert!(output.stderr.contains("has no mark"), "{}", output.stderr);
    assert_eq!(databases(&cluster), "pgtend_verify_0123456789abcdef");
    // Not enough rights, and the wrong kind of server.
    cluster.psql("postgres", "CREATE ROLE nobody_much LOGIN");
    let url = format!("--scratch=postgresql://nobody_much@127.0.0.1:{}/postgres", cluster.port());
    trial(&repo, &cluster, ["--no-record", &url]).run().expect_code(77);
    let older = ClusterSpec::major(14).start();
    let url = format!("--scratch={}", older.url("postgres"));
    let told = trial(&repo, &cluster, ["--no-record", &url]).run().expect_code(69).stderr;
    assert!(told.contains("it is PostgreSQL 14, the backup is of 15"), "{told}");
}
