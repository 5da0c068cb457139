//! `connections --pgbouncer`: the pools as its console tells them.

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::pgbouncer::{PASSWORD, PoolSpec};
use crate::harness::{Cluster, PgBouncer, Pgtend, command};

/// A client of the pooler that stays.
struct Client {
    child: Child,
    stdin: ChildStdin,
}

impl Client {
    fn start(pooler: &PgBouncer, db: &str, application: &str, sql: &str) -> Self {
        let mut psql = pooler.psql_command(db);
        psql.env("PGAPPNAME", application).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = psql.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{sql}").unwrap();
        Self { child, stdin }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stdin.flush().unwrap();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn at(url: &str, more: &[&str]) -> Pgtend {
    Pgtend::new().args(["connections", "--pgbouncer", url]).args(more)
}

fn report(url: &str) -> Value {
    at(url, &["--format=json"]).run().expect_code(0).json()["report"].clone()
}

#[test]
fn pools_clients_and_who_waits_are_told() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("pools");
    let spec = PoolSpec::mode("transaction").size(1).user("watch").user("plain");
    let pooler = spec.set("admin_users", "postgres").set("stats_users", "watch").start(cluster);
    let console = pooler.url("pgbouncer");
    let empty = report(&console);
    assert_eq!((&empty["pools"], &empty["clients"]), (&serde_json::json!([]), &0.into()));

    let holder = Client::start(&pooler, db.name(), "rails", "BEGIN; SELECT 1;");
    let pool = |report: &Value| {
        let pools = report["pools"].as_array().unwrap();
        pools.iter().find(|pool| pool["database"] == db.name()).cloned()
    };
    let until = |what: &str, fits: &dyn Fn(&Value) -> bool| {
        let look =
            || Some(report(&console)).filter(|report| pool(report).is_some_and(|p| fits(&p)));
        let seen = command::until(Duration::from_secs(30), look);
        seen.unwrap_or_else(|| panic!("{what}: {:#}", report(&console)))
    };
    let told = until("a busy server", &|pool| pool["servers_active"] == 1);
    assert_eq!((&told["warnings"], &told["failed"]), (&serde_json::json!([]), &false.into()));
    let waiter = Client::start(&pooler, db.name(), "worker", "SELECT 1;");
    let told = until("a client that waits", &|pool| {
        pool["clients_waiting"] == 1 && pool["max_wait_seconds"] != 0.0
    });
    let pool = pool(&told).unwrap();
    assert!(told["version"].as_str().unwrap().starts_with("PgBouncer 1."), "{told:#}");
    assert_eq!((&pool["user"], &pool["mode"]), (&"postgres".into(), &"transaction".into()));
    assert_eq!((&pool["servers_active"], &pool["size"]), (&1.into(), &1.into()));
    assert_eq!((&pool["clients_active"], &told["clients"]), (&1.into(), &2.into()));
    assert!(pool["max_wait_seconds"].as_f64().unwrap() > 0.0);
    let warning = told["warnings"][0].as_str().unwrap();
    assert!(warning.contains("1 client waits"), "{warning}");
    assert!(warning.ends_with("all 1 server connections of the pool are in use"), "{warning}");
    let application = |name: &str| {
        let all = told["applications"].as_array().unwrap();
        let one = all.iter().find(|one| one["application"] == name).unwrap();
        [&one["clients"], &one["with_server"], &one["waiting"]].map(|n| n.as_u64().unwrap())
    };
    assert_eq!((application("rails"), application("worker")), ([1, 1, 0], [1, 0, 1]));

    forms(&pooler, &db_line(db.name()));
    // A limit that is passed, and one that is not.
    at(&console, &["--fail-waiting=1h"]).run().expect_code(0);
    let failed = || (at(&console, &["--fail-waiting=1s"]).run().code == 2).then_some(());
    command::until(Duration::from_secs(30), failed).expect("a second passes");
    drop(waiter);
    drop(holder);
}

fn db_line(name: &str) -> String {
    format!("\n{name},postgres,transaction,1,1,1,")
}

fn forms(pooler: &PgBouncer, line: &str) {
    let console = pooler.url("pgbouncer");
    let csv = at(&console, &["--format=csv"]).run().expect_code(0).stdout;
    assert!(csv.starts_with("database,user,mode,clients_active,") && csv.contains(line), "{csv}");
    let markdown = at(&console, &["--format=markdown"]).run().expect_code(0).stdout;
    assert!(markdown.contains("### applications\n\n| application | clients |"), "{markdown}");
    let page = at(&console, &[]).env("COLUMNS", "80").run().expect_code(0).stdout;
    assert!(page.contains("warning: 1 client waits for a server connection"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    at(&console, &["--format=nagios"]).run().expect_code(3);
    // Who may look only, and who may not even that.
    let of = |user| pooler.url_as(user, "pgbouncer");
    at(&of("watch"), &[]).run().expect_code(0);
    let refused = at(&of("plain"), &[]).run().expect_code(77).stderr;
    assert!(refused.contains("plain is in neither stats_users nor admin_users"), "{refused}");
    assert!(!refused.contains(PASSWORD), "{refused}");
    // Without a URL: where the connection leads, with its login.
    let run = Pgtend::new().args(["connections", "--url", &pooler.url("postgres"), "--pgbouncer"]);
    assert!(run.run().expect_code(0).stdout.starts_with("PgBouncer 1."));
}

#[test]
fn what_is_no_pgbouncer_is_told_so() {
    let cluster = Cluster::shared();
    let url = cluster.url("postgres");
    let told = at(&url, &[]).run().expect_code(69).stderr;
    assert!(told.contains("is not PgBouncer"), "{told}");
    cluster.psql("postgres", "CREATE DATABASE pgbouncer TEMPLATE template0");
    let told = at(&url, &[]).run();
    cluster.psql("postgres", "DROP DATABASE pgbouncer WITH (FORCE)");
    let told = told.expect_code(69).stderr;
    assert!(told.contains("is not PgBouncer"), "{told}");
    let port = crate::harness::cluster::free_port();
    let nobody = format!("postgresql://postgres@127.0.0.1:{port}/pgbouncer");
    let told = at(&nobody, &[]).run().expect_code(69).stderr;
    assert!(told.contains("nobody listens there"), "{told}");
    // Nagios knows four codes.
    Pgtend::new().args(["connections", "--fail-waiting=1s"]).run().expect_code(64);
    at(&url, &["--fail-waiting=soon"]).run().expect_code(64);
    at(&url, &["--blocking"]).run().expect_code(64);
}
