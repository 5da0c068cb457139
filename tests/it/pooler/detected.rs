//! The mode is told apart, on every port and without a pooler's port.

use std::thread;
use std::time::Duration;

use pgtend::conn::{self, Session, SessionOptions};
use pgtend::settings::{Between, ConnectArgs, Environment, PoolerMode, Settings, Target};

use crate::harness::pgbouncer::{PASSWORD, PoolSpec};
use crate::harness::{Cluster, PgBouncer, Pgtend, Proxy};

pub fn target(url: &str) -> Target {
    let environment = Environment::from_list(std::path::Path::new("/nowhere"), []);
    let args = ConnectArgs { url: Some(url.to_owned()), ..ConnectArgs::default() };
    Settings::load(environment, None).unwrap().target(&args).unwrap().target
}

/// Runs something with a session.
pub fn with_session<T>(url: &str, work: impl AsyncFnOnce(Session) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SessionOptions { application: "pgtend/test".into(), ..Default::default() };
        work(conn::connect(&target(url), &options).await.unwrap()).await
    })
}

fn between(url: &str) -> Between {
    with_session(url, async |session| session.between().clone())
}

#[track_caller]
fn mode(url: &str) -> PoolerMode {
    match between(url) {
        Between::Pooler(pooler) => pooler.mode,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_pooler_nothing_is_found_and_nothing_more_is_asked() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("direct");
    assert_eq!(between(&db.url()), Between::Nothing);
    let socket = format!(
        "postgresql:///{}?user=postgres&host={}&port={}",
        db.name(),
        cluster.socket_dir().display(),
        cluster.port()
    );
    assert_eq!(between(&socket), Between::Nothing);
}

#[test]
fn a_tunnel_is_not_a_pooler() {
    let cluster = Cluster::shared();
    let proxy = Proxy::start(cluster.port());
    let found = between(&format!("postgresql://postgres@127.0.0.1:{}/postgres", proxy.port()));
    assert!(matches!(&found, Between::Relay(signs) if !signs.is_empty()), "{found:?}");
    assert_eq!(proxy.connections(), 1, "nothing had to be tried out");
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", proxy.port());
    let run = Pgtend::new().args(["--show-server", "--verbose", "--url", &url]).run();
    let output = run.expect_code(0);
    assert!(output.stdout.contains("a tunnel, address translation"), "{}", output.stdout);
    assert!(output.stderr.contains("is in between: the server sees another port"));
}

#[test]
fn transaction_mode_is_found_in_pools_of_every_kind() {
    let cluster = Cluster::shared();
    for (size, round_robin) in [(1, "0"), (2, "0"), (2, "1"), (3, "1"), (10, "0")] {
        let spec = PoolSpec::mode("transaction").size(size).set("server_round_robin", round_robin);
        let pooler = spec.start(cluster);
        // Cold, and with a filled pool.
        assert_eq!(mode(&pooler.url("postgres")), PoolerMode::Transaction);
        fill(&pooler, size);
        for _ in 0..5 {
            assert_eq!(mode(&pooler.url("postgres")), PoolerMode::Transaction, "{size}");
        }
    }
}

/// Has the pool open all of its server connections.
fn fill(pooler: &PgBouncer, size: u32) {
    thread::scope(|scope| {
        for _ in 0..size {
            scope.spawn(|| pooler.psql("postgres", "BEGIN; SELECT pg_sleep(0.3); COMMIT"));
        }
    });
}

#[test]
fn transaction_mode_is_found_in_a_busy_pool() {
    let pooler = PoolSpec::mode("transaction").size(3).start(Cluster::shared());
    thread::scope(|scope| {
        for _ in 0..5 {
            let work = "SELECT pg_sleep(0.005) FROM generate_series(1, 3);\n".repeat(80);
            scope.spawn(|| pooler.psql("postgres", &{ work }));
        }
        for _ in 0..5 {
            assert_eq!(mode(&pooler.url("postgres")), PoolerMode::Transaction);
        }
    });
}

#[test]
fn session_mode_is_not_taken_for_transaction_mode() {
    let cluster = Cluster::shared();
    for round_robin in ["0", "1"] {
        let spec = PoolSpec::mode("session").size(4).set("server_round_robin", round_robin);
        let pooler = spec.start(cluster);
        assert_eq!(mode(&pooler.url("postgres")), PoolerMode::Session);
        fill(&pooler, 4);
        for _ in 0..5 {
            assert_eq!(mode(&pooler.url("postgres")), PoolerMode::Session);
        }
    }
}

#[test]
fn a_pool_that_is_too_small_to_tell_is_unknown_within_a_time_limit() {
    let pooler = PoolSpec::mode("session").size(1).start(Cluster::shared());
    let began = std::time::Instant::now();
    let found = between(&pooler.url("postgres"));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let Between::Pooler(found) = found else { panic!("{found:?}") };
    assert_eq!(found.mode, PoolerMode::Unknown);
    assert!(found.evidence.iter().any(|shown| shown.contains("within 5 s")), "{found:?}");
}

#[test]
fn statement_mode_is_named() {
    let pooler = PoolSpec::mode("statement").start(Cluster::shared());
    assert_eq!(mode(&pooler.url("postgres")), PoolerMode::Statement);
}

#[test]
fn a_pooler_is_found_behind_its_unix_socket() {
    let pooler = PoolSpec::mode("transaction").start(Cluster::shared());
    let (folder, port) = (pooler.socket_dir().display(), pooler.port());
    let url = format!(
        "postgresql:///postgres?user=postgres&password={PASSWORD}&host={folder}&port={port}"
    );
    assert_eq!(mode(&url), PoolerMode::Transaction);
}

/// PgBouncer takes no options of the server, unless it is told to ignore them.
#[test]
fn options_are_refused_by_the_pooler_and_named() {
    let cluster = Cluster::shared();
    for (ignored, code) in [("", 69), ("options", 0)] {
        let spec = PoolSpec::mode("session").set("ignore_startup_parameters", ignored);
        let pooler = spec.start(cluster);
        let run = Pgtend::new().args(["--show-server", "--url", &pooler.url("postgres")]);
        let output = run.env("PGOPTIONS", "-c work_mem=8MB").run().expect_code(code);
        assert_eq!(output.stderr.contains("take options (PGOPTIONS) out"), code != 0);
    }
}

/// Further sessions of a run take over what the first has found.
#[test]
fn the_mode_is_tried_out_once_in_a_run() {
    let pooler = PoolSpec::mode("session").size(4).start(Cluster::shared());
    with_session(&pooler.url("postgres"), async |session| {
        let logins = || pooler.log().matches("login attempt").count();
        // One, and eight beside it in turn.
        assert_eq!(logins(), 9);
        let (same, options) = (session.same_server(), SessionOptions::default());
        let again = conn::connect(&same, &options).await.unwrap();
        assert_eq!(again.between(), session.between());
        assert_eq!(logins(), 10);
        // Another database may be pooled in another way.
        let other = session.same_server().in_database("template1");
        conn::connect(&other, &options).await.unwrap();
        assert_eq!(logins(), 19);
    });
}
