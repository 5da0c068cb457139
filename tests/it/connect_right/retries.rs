//! What may pass is tried again, what may not is not.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::cluster::free_port;
use crate::harness::impostor::silent;
use crate::harness::pgtend::Running;
use crate::harness::{Cluster, ClusterSpec, Pgtend, command};
use crate::scene::Psql;

fn show_server(port: u16, user: &str) -> Pgtend {
    let pgtend = Pgtend::new().args(["--show-server", "-v", "--format=json", "-h", "127.0.0.1"]);
    pgtend.args(["-d", "postgres", "-U", user, "-p", &port.to_string()])
}

/// Holds pgtend in the pause between two tries until the server takes logins: however long that is
/// on a busy machine, the next try meets it.
#[track_caller]
fn held_until_it_serves(run: &Running, cluster: &Cluster, begin: impl FnOnce()) {
    run.signal(Signal::STOP);
    begin();
    let serves = || cluster.psql_result("postgres", "SELECT 1").ok();
    command::until(command::LIMIT, serves).expect("a server that serves");
    run.signal(Signal::CONT);
}

/// A server that waits for its archive, and then for nothing more.
#[test]
fn a_server_that_starts_is_waited_for() {
    let gate = tempfile::tempdir().unwrap();
    let path = gate.path().join("open");
    std::fs::set_permissions(gate.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let wait = format!("'while ! test -e {}; do sleep 0.1; done; false'", path.display());
    let cluster = ClusterSpec::default().set("restore_command", &wait).start();
    cluster.stop_immediate();
    cluster.add_file("recovery.signal");
    cluster.start_soon();
    let there =
        || cluster.log().contains("database system was interrupted; last known up").then_some(());
    command::until(command::LIMIT, there).expect("a server in recovery");
    let mut run = show_server(cluster.port(), "postgres").spawn();
    run.until_said("the database system is starting up; trying again in ");
    held_until_it_serves(&run, &cluster, || std::fs::write(&path, "").unwrap());
    let output = run.wait().expect_code(0);
    assert_eq!(output.json()["report"]["port"], cluster.port());
}

/// One of its processes was killed, and another one does not end: until that is killed too, after
/// five seconds, the server takes nobody.
#[test]
fn a_server_whose_process_crashed_is_waited_for() {
    let cluster = ClusterSpec::default().start();
    let _sessions =
        [Psql::start(&cluster, "dbname=postgres"), Psql::start(&cluster, "dbname=postgres")];
    let pids = || {
        let list = "SELECT pid FROM pg_stat_activity WHERE application_name = 'application'";
        let pids = cluster.psql("postgres", list);
        let pids: Vec<Pid> =
            pids.lines().map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect();
        <[Pid; 2]>::try_from(pids).ok()
    };
    let [stopped, killed] = command::until(command::LIMIT, pids).expect("two sessions");
    kill_process(stopped, Signal::STOP).unwrap();
    kill_process(killed, Signal::KILL).unwrap();
    let crashed = || cluster.log().contains("was terminated by signal 9").then_some(());
    command::until(command::LIMIT, crashed).expect("a server with a crashed process");
    let mut run = show_server(cluster.port(), "postgres").spawn();
    run.until_said("the database system is in recovery mode; trying again in ");
    // The server may have killed it by now.
    held_until_it_serves(&run, &cluster, || {
        kill_process(stopped, Signal::CONT).unwrap_or(());
    });
    run.wait().expect_code(0);
}

#[test]
fn a_connection_that_gets_free_is_waited_for() {
    let cluster = ClusterSpec::default().start();
    cluster.psql("postgres", "CREATE ROLE one LOGIN CONNECTION LIMIT 1");
    let mut holder = Psql::start(&cluster, "user=one dbname=postgres");
    let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'one'";
    let there = || (cluster.psql("postgres", count) == "1").then_some(());
    command::until(command::LIMIT, there).expect("one session");
    let mut run = show_server(cluster.port(), "one").spawn();
    run.until_said("too many connections for role \"one\"; trying again in ");
    held_until_it_serves(&run, &cluster, || {
        holder.close();
        let gone = || (cluster.psql("postgres", count) == "0").then_some(());
        command::until(command::LIMIT, gone).expect("the end of the session");
    });
    run.wait().expect_code(0);
}

/// Three tries, and then it is told; without `-v` nothing is said of the waiting.
#[test]
fn there_are_three_tries() {
    let port = free_port();
    let started = Instant::now();
    let output = show_server(port, "app").run().expect_code(69);
    assert_eq!(output.stderr.matches("trying again in").count(), 2, "{}", output.stderr);
    // One second and two, and at most as much again by chance; what is above is a busy machine.
    let took = started.elapsed();
    assert!((Duration::from_secs(3)..Duration::from_secs(20)).contains(&took), "{took:?}");
}

/// A role may be locked out after a few wrong passwords.
#[test]
fn a_wrong_password_is_tried_once() {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    cluster.psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'right'");
    // A host before it that may come back would make the round worth another.
    let url = format!(
        "postgresql://app@127.0.0.1:{},127.0.0.1:{}/postgres?sslmode=disable",
        free_port(),
        cluster.port()
    );
    let pgtend = Pgtend::new().args(["--show-server", "-v", "--url", &url]);
    let output = pgtend.env("PGPASSWORD", "wrong").run().expect_code(69);
    assert!(!output.stderr.contains("trying again"), "{}", output.stderr);
    let refused = "password authentication failed for user \"app\"";
    assert_eq!(cluster.log().matches(refused).count(), 1, "{}", cluster.log());
}

/// While it waits for a silent server, and between two tries.
#[test]
fn ctrl_c_is_heard_at_once() {
    let at_once = |run: Running, signal: Signal, code: i32| {
        run.signal(signal);
        let clock = Instant::now();
        let output = run.wait().expect_code(code);
        assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
        output
    };
    let closed = free_port();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let run = show_server(port, "app").env("PGCONNECT_TIMEOUT", "60").spawn();
        let connection = listener.accept().unwrap();
        at_once(run, signal, code);
        drop(connection);

        let mut run = show_server(closed, "app").spawn();
        run.until_said("trying again in ");
        let output = at_once(run, signal, code);
        assert!(output.stderr.matches("trying again in ").count() <= 2, "{}", output.stderr);
    }
}

/// The whole time is bounded by the number of hosts, tries and their limits.
#[test]
fn a_silent_server_is_not_tried_again() {
    let started = Instant::now();
    let output = show_server(silent(), "app").env("PGCONNECT_TIMEOUT", "5").run().expect_code(69);
    assert!(!output.stderr.contains("trying again"), "{}", output.stderr);
    // Three tries would take 18 s.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert!(Cluster::shared().port() > 0);
}
