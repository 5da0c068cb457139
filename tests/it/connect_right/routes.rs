//! Reading from replicas: which one is taken, which are skipped, and when it is the primary.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::cluster::free_port;
use crate::harness::pgtend::{Output, Running};
use crate::harness::{Cluster, ClusterSpec, Pgtend, impostor};

fn url(port: u16) -> String {
    format!("postgresql://postgres@127.0.0.1:{port}/postgres?connect_timeout=20")
}

fn with_replicas(primary: &Cluster, replicas: &[u16]) -> Pgtend {
    let list: Vec<String> = replicas.iter().map(|port| url(*port)).collect();
    let pgtend = Pgtend::new().env("DATABASE_URL", url(primary.port()));
    pgtend.env("DB_READ_REPLICA_URLS", list.join(","))
}

fn show(pgtend: Pgtend, read_from: &str) -> Running {
    pgtend.args(["--show-server", "--format=json", "--read-from", read_from]).spawn()
}

fn report(output: &Output) -> Value {
    output.json()["report"].clone()
}

fn port(run: Running) -> u64 {
    report(&run.wait().expect_code(0))["port"].as_u64().expect("a port")
}

#[test]
fn a_replica_is_read_from_when_it_is_healthy() {
    let primary = ClusterSpec::default().start();
    let standby = primary.standby();
    let replicas = || with_replicas(&primary, &[standby.port()]);
    let output = show(replicas(), "replica").wait().expect_code(0);
    let place = format!("127.0.0.1:{}", standby.port());
    let note = format!("note: reading from the replica {place}: weight 1, not behind\n");
    assert!(output.stderr.ends_with(&note), "{}", output.stderr);
    let server = report(&output);
    assert_eq!(server["port"], standby.port());
    assert_eq!(server["in_recovery"], true);
    assert_eq!(server["route"]["taken"], "replica");
    assert_eq!(server["route"]["skipped"], serde_json::json!([]));
    // A dead one beside it is skipped, whichever is drawn first.
    let runs: Vec<Running> = (0..6)
        .map(|_| show(with_replicas(&primary, &[free_port(), standby.port()]), "replica"))
        .collect();
    for run in runs {
        assert_eq!(port(run), u64::from(standby.port()));
    }
    let draw = |read_from: &str| -> BTreeSet<u64> {
        let runs: Vec<Running> = (0..6).map(|_| show(replicas(), read_from)).collect();
        runs.into_iter().map(port).collect()
    };
    let own = u64::from(primary.port());
    assert_eq!(draw("primary"), BTreeSet::from([own]));
    // Both, with the luck of at most 60 draws.
    let both = BTreeSet::from([own, standby.port().into()]);
    let mut found = BTreeSet::new();
    for _ in 0..10 {
        found.append(&mut draw("any"));
        if found == both {
            break;
        }
    }
    assert_eq!(found, both);
    assert_eq!(
        port(
            Pgtend::new()
                .env("DATABASE_URL", url(primary.port()))
                .args(["--show-server", "--format=json"])
                .spawn()
        ),
        u64::from(primary.port())
    );
}

#[test]
fn what_cannot_be_read_from_is_skipped_with_its_reason() {
    let primary = ClusterSpec::default().start();
    let other = ClusterSpec::default().start();
    let foreign = other.standby();
    let closed = free_port();
    let ports = [closed, other.port(), foreign.port()];
    let output = show(with_replicas(&primary, &ports), "replica").wait().expect_code(0);
    let server = report(&output);
    assert_eq!(server["port"], primary.port());
    assert_eq!(server["route"]["taken"], "primary");
    assert_eq!(server["route"]["why"], "no replica can be used");
    let skipped = server["route"]["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    for (port, reason) in [
        (closed, "the connection was refused"),
        (other.port(), "it is no replica: it is not in recovery"),
        (foreign.port(), "it belongs to another cluster: its system identifier is "),
    ] {
        let line = format!("127.0.0.1:{port}: {reason}");
        assert!(
            skipped.iter().any(|why| why.as_str().unwrap().starts_with(&line)),
            "{line}: {skipped:?}"
        );
        assert!(output.stderr.contains(&format!("warning: replica {line}")), "{}", output.stderr);
    }
    let fallback = format!(
        "warning: no replica can be used: reading from the primary, 127.0.0.1:{}",
        primary.port()
    );
    assert!(output.stderr.contains(&fallback), "{}", output.stderr);
    // Neither works: the primary's error, and why no replica did.
    let dead = free_port();
    let pgtend = Pgtend::new().env("DATABASE_URL", url(dead));
    let pgtend = pgtend.env("DB_READ_REPLICA_URLS", url(closed));
    let output = show(pgtend, "replica").wait().expect_code(69);
    for port in [dead, closed] {
        assert!(output.stderr.contains(&format!("127.0.0.1:{port}")), "{}", output.stderr);
    }
}

#[test]
fn a_replica_that_is_far_behind_is_skipped() {
    let primary = ClusterSpec::default().start();
    let standby = primary.standby();
    primary.psql("postgres", "CREATE TABLE t (n int)");
    standby.catch_up_with(&primary);
    let run = |max_lag: &str| {
        let pgtend = with_replicas(&primary, &[standby.port()]).args(["--max-lag", max_lag]);
        show(pgtend, "replica").wait().expect_code(0)
    };
    // An idle primary makes no lag, however old the last transaction.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(report(&run("1s"))["port"], standby.port());
    standby.psql("postgres", "SELECT pg_wal_replay_pause()");
    primary.psql("postgres", "INSERT INTO t VALUES (1)");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let output = run("1s");
    assert_eq!(report(&output)["port"], primary.port());
    assert!(
        output.stderr.contains(" s behind the primary, and the limit is 1 s"),
        "{}",
        output.stderr
    );
    let output = run("1h");
    assert_eq!(report(&output)["port"], standby.port());
    assert!(output.stderr.contains(" s behind\n"), "{}", output.stderr);
    standby.psql("postgres", "SELECT pg_wal_replay_resume()");
    standby.catch_up_with(&primary);
    assert_eq!(report(&run("1s"))["port"], standby.port());

    // Without the primary replicas are what is left, and that is said.
    primary.stop_immediate();
    let output = run("1h");
    assert_eq!(report(&output)["port"], standby.port());
    let unknown = format!(
        "warning: whether this server belongs to the primary is not known: cannot connect to \
         127.0.0.1:{}: the connection was refused",
        primary.port()
    );
    assert!(output.stderr.contains(&unknown), "{}", output.stderr);
    assert!(report(&output)["route"]["unknown"].is_string());
}

/// A process of a server that stands still until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(pid: &str) -> Self {
        let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).unwrap();
    }
}

/// The connection stands, and all that came over it is replayed.
#[test]
fn a_replica_behind_a_sender_that_hangs_is_behind() {
    let primary = ClusterSpec::default().start();
    let standby = primary.standby();
    primary.psql("postgres", "CREATE TABLE t (n int)");
    standby.catch_up_with(&primary);
    let sender = Stopped::new(&primary.psql("postgres", "SELECT pid FROM pg_stat_replication"));
    primary.psql("postgres", "INSERT INTO t SELECT n FROM generate_series(1, 50000) AS n");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let run = |max_lag: &str| {
        let pgtend = with_replicas(&primary, &[standby.port()]).args(["--max-lag", max_lag]);
        show(pgtend, "replica").wait().expect_code(0)
    };
    let output = run("1s");
    assert_eq!(report(&output)["port"], primary.port(), "{}", output.stderr);
    assert!(
        output.stderr.contains("behind the primary, and the limit is 1 s"),
        "{}",
        output.stderr
    );
    let output = run("1h");
    assert_eq!(report(&output)["port"], standby.port());
    assert!(output.stderr.contains(" s behind\n"), "{}", output.stderr);
    drop(sender);
    standby.catch_up_with(&primary);
    assert_eq!(report(&run("1s"))["port"], standby.port());
}

/// A primary with passwords, and a healthy standby of another cluster given as its replica.
fn guarded_and_foreign() -> (Cluster, Cluster, Cluster) {
    let primary = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    primary.psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'right'");
    let other = ClusterSpec::default().start();
    other.psql("postgres", "CREATE ROLE app LOGIN");
    let foreign = other.standby();
    (primary, other, foreign)
}

/// Only a dead primary cannot say which cluster it is.
#[test]
fn a_primary_that_refuses_us_leaves_no_replica_unchecked() {
    let (primary, _other, foreign) = guarded_and_foreign();
    let replica = format!("postgresql://app@127.0.0.1:{}/postgres", foreign.port());
    let run = |place: &str, password: Option<&str>, which: &str| {
        let url = format!("postgresql://app@{place}/postgres?connect_timeout=5");
        let pgtend = Pgtend::new().env("DATABASE_URL", url);
        let pgtend = pgtend.env("DB_READ_REPLICA_URLS", &replica).env("DB_BACKUP_URL", &replica);
        let pgtend = password.into_iter().fold(pgtend, |run, word| run.env("PGPASSWORD", word));
        show(pgtend, which).wait()
    };
    let place = format!("127.0.0.1:{}", primary.port());
    for which in ["replica", "any", "backup"] {
        let output = run(&place, None, which).expect_code(69);
        assert!(output.stderr.contains("asks for the password of app"), "{}", output.stderr);
        let before = primary.log().matches("authentication failed for user").count();
        let output = run(&place, Some("wrong"), which).expect_code(69);
        assert!(output.stderr.contains("password authentication failed"), "{}", output.stderr);
        // Many wrong ones may lock the role out.
        let after = primary.log().matches("authentication failed for user").count();
        assert_eq!(after, before + 1, "{which}");
    }
    // A first host that is silent takes its own time, and the second one is heard.
    let places = format!("127.0.0.1:{},{place}", impostor::silent());
    let output = run(&places, Some("right"), "replica").expect_code(0);
    assert_eq!(report(&output)["port"], primary.port());
    assert!(output.stderr.contains("it belongs to another cluster"), "{}", output.stderr);
    let output = run(&places, Some("right"), "backup").expect_code(69);
    assert!(output.stderr.contains("it belongs to another cluster"), "{}", output.stderr);
}

/// A command may ask a person, who takes longer than a server.
#[test]
fn a_slow_password_command_is_waited_for() {
    let (primary, _other, foreign) = guarded_and_foreign();
    let pgtend = Pgtend::new().args(["--target", "prod"]);
    let text = format!(
        "[target.prod]\nhost = '127.0.0.1'\nport = {}\nuser = 'app'\ndbname = 'postgres'\n\
         connect_timeout = 5\npassword_command = 'sleep 8; echo right'\n\
         replicas = [{{ url = 'postgresql://127.0.0.1:{}' }}]\n",
        primary.port(),
        foreign.port()
    );
    fs::write(pgtend.home().join("pgtend.toml"), text).unwrap();
    let output = show(pgtend, "replica").wait().expect_code(0);
    assert_eq!(report(&output)["port"], primary.port());
    assert!(output.stderr.contains("it belongs to another cluster"), "{}", output.stderr);
}

#[test]
fn another_database_is_not_read_in_the_targets_place() {
    let primary = ClusterSpec::default().start();
    primary.psql("postgres", "CREATE DATABASE app");
    primary.psql("postgres", "CREATE DATABASE other");
    let standby = primary.standby();
    // One that has replayed no transaction cannot say how old the last one is.
    primary.psql("postgres", "CREATE TABLE t (n int)");
    standby.catch_up_with(&primary);
    let folder = tempfile::tempdir().unwrap();
    let at = |port: u16, name: &str| format!("postgresql://postgres@127.0.0.1:{port}/{name}");
    let with = |name: &str| {
        let pgtend = Pgtend::new().env("DATABASE_URL", at(primary.port(), name));
        let replica = at(standby.port(), "app");
        pgtend.env("DB_READ_REPLICA_URLS", &replica).env("DB_BACKUP_URL", &replica)
    };
    for which in ["replica", "backup"] {
        let backup = || ["backup", "-j1", "--read-from", which, "-r"];
        let run = with("other").args(backup()).arg(folder.path().join("repo")).run();
        let output = run.expect_code(64);
        let cause = "the target's is \"other\", and this one is \"app\"";
        assert!(output.stderr.contains(cause), "{}", output.stderr);
        let output = show(with("app"), which).wait().expect_code(0);
        assert_eq!(report(&output)["port"], standby.port());
        // What was given for all of them goes above the URLs.
        let output = show(with("other").args(["-d", "app"]), which).wait().expect_code(0);
        assert_eq!(report(&output)["database"], "app");
    }
    // Without the primary its database is the one that was asked for.
    primary.stop_immediate();
    show(with("other"), "replica").wait().expect_code(64);
    show(with("app"), "backup").wait().expect_code(0);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let cluster = Cluster::shared();
    let base = || Pgtend::new().env("DATABASE_URL", url(cluster.port()));
    let refused = |pgtend: Pgtend, words: &str| {
        let output = pgtend.run().expect_code(64);
        assert!(output.stderr.contains(words), "{}", output.stderr);
        assert!(output.stderr.contains("\n  next:  "), "{}", output.stderr);
    };
    let show = |pgtend: Pgtend, which: &str| pgtend.args(["--show-server", "--read-from", which]);
    refused(show(base(), "replica"), "--read-from replica: no replica is known");
    refused(show(base(), "backup"), "--read-from backup: no backup server is known");
    for which in ["replica", "any", "backup"] {
        let restore = base().args(["restore", "latest", "-r", "repo", "--into", "copy"]);
        refused(restore.args(["--read-from", which]), "restore writes");
    }
    let output = show(base(), "primary").args(["--max-lag", "soon"]).run().expect_code(64);
    assert!(output.stderr.contains("invalid --max-lag"), "{}", output.stderr);
}

#[test]
fn the_backup_server_is_the_one_that_was_named() {
    let primary = ClusterSpec::default().start();
    let standby = primary.standby();
    let other = ClusterSpec::default().start();
    let run = |port: u16| {
        let pgtend = Pgtend::new().env("DATABASE_URL", url(primary.port()));
        show(pgtend.env("DB_BACKUP_URL", url(port)), "backup").wait()
    };
    let output = run(standby.port()).expect_code(0);
    assert_eq!(report(&output)["port"], standby.port());
    assert_eq!(report(&output)["route"]["taken"], "backup");
    // Nobody takes its place.
    let closed = free_port();
    let output = run(closed).expect_code(69);
    assert!(output.stderr.contains(&format!("cannot connect to 127.0.0.1:{closed}")));
    let output = run(other.port()).expect_code(69);
    assert!(output.stderr.contains("it belongs to another cluster"), "{}", output.stderr);
}

fn manifest(repo: &Path, output: &Output) -> Value {
    let folder = report(output)["folder"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(repo.join(folder).join("manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_backup_of_a_replica_says_so_and_lies_beside_the_primarys() {
    let primary = ClusterSpec::default().start();
    primary.psql("postgres", "CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n");
    let standby = primary.standby();
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    let backup = |more: &[&str]| {
        let pgtend = with_replicas(&primary, &[standby.port()]);
        pgtend.args(["backup", "-j2", "--format=json", "-r"]).arg(&repo).args(more).run()
    };
    let plain = backup(&[]).expect_code(0);
    // A standby is a source with a warning: hot_standby_feedback is off.
    let output = backup(&["--read-from", "replica"]).expect_code(1);
    assert!(output.stderr.contains("note: reading from the replica "), "{}", output.stderr);
    let (of_replica, of_primary) = (manifest(&repo, &output), manifest(&repo, &plain));
    assert_eq!(of_replica["source"]["in_recovery"], true);
    assert_eq!(of_replica["source"]["address"], format!("127.0.0.1:{}", standby.port()));
    assert_eq!(of_primary["source"]["in_recovery"], false);
    assert_eq!(of_replica["source"]["cluster"], of_primary["source"]["cluster"]);
    assert_eq!(of_replica["totals"]["rows"], of_primary["totals"]["rows"]);

    standby.stop_immediate();
    let output = backup(&["--read-from", "replica"]).expect_code(0);
    assert!(output.stderr.contains("warning: no replica can be used"), "{}", output.stderr);
    let fallen = manifest(&repo, &output);
    assert_eq!(fallen["source"]["in_recovery"], false);
    assert_eq!(fallen["source"]["address"], format!("127.0.0.1:{}", primary.port()));
    let list = Pgtend::new().args(["backup", "list", "--format=json", "-r"]).arg(&repo);
    let list = list.run().expect_code(0);
    assert_eq!(report(&list)["backups"].as_array().unwrap().len(), 3);
}
