//! Several servers: one that is dead and one that is silent hide nothing.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::cluster::free_port;
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Pgtend, command};

/// Runs the checks for these targets of a pgtend.toml.
fn check(settings: &str, arguments: &[&str]) -> Output {
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("fleet.toml");
    fs::write(&config, settings).unwrap();
    let only = ["check", "--only", "idx.invalid,conn.utilization", "--config"];
    pgtend.args(only).arg(config).args(arguments).run()
}

fn target(name: &str, url: &str, tag: &str) -> String {
    format!("[target.{name}]\nurl = \"{url}\"\ntags = [\"{tag}\"]\n")
}

fn named<'a>(document: &'a Value, field: &str) -> Vec<&'a str> {
    let servers = document["report"]["servers"].as_array().unwrap();
    servers.iter().filter_map(|server| server[field].as_str()).collect()
}

#[test]
fn ten_targets_of_which_one_is_dead_and_one_is_silent() {
    let db = Cluster::shared().create_db("fleet");
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let at = |port: u16| format!("postgresql://nobody@127.0.0.1:{port}/x");
    let mut settings = target("dead", &at(free_port()), "bad");
    settings += &target("mute", &at(silent.local_addr().unwrap().port()), "bad");
    for number in 0..8 {
        let tag = if number < 2 { "eu" } else { "us" };
        write!(settings, "{}", target(&format!("t{number}"), &db.url(), tag)).unwrap();
    }
    let output = check(&settings, &["--all-targets", "--format=json", "--time-limit", "5s"]);
    let document = output.expect_code(2).json();
    let names = ["dead", "mute", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];
    assert_eq!(named(&document, "target"), names);
    let servers = document["report"]["servers"].as_array().unwrap();
    for server in &servers[2..] {
        assert_eq!(server["checks"].as_array().unwrap().len(), 2, "{server}");
        assert_eq!((&server["outcome"], &server["failed"]), (&0.into(), &Value::Null));
        let health = &server["health"];
        assert_eq!(
            (&health["status"], &health["database_type"]),
            (&"healthy".into(), &"postgresql".into())
        );
        assert_eq!(health["connections"]["primary"]["status"], "connected");
        assert_eq!(health["performance"]["failed_queries"], Value::Null);
        assert!(health["reasons"]["performance.failed_queries"].is_string(), "{health}");
    }
    let failed = named(&document, "failed");
    assert_eq!(failed.len(), 2);
    assert!(failed[0].contains("refused"), "{}", failed[0]);
    assert!(failed[1].contains("nothing within 5s"), "{}", failed[1]);
    assert_eq!((&servers[0]["outcome"], &servers[1]["outcome"]), (&2.into(), &2.into()));

    // By name in the order given, and by tag.
    let output = check(&settings, &["t3", "t1", "t3", "--format=json"]).expect_code(0);
    assert_eq!(named(&output.json(), "target"), ["t3", "t1"]);
    let output = check(&settings, &["--tag", "eu", "--format=json"]).expect_code(0);
    assert_eq!(named(&output.json(), "target"), ["t0", "t1"]);
    let output = check(&settings, &["t1", "dead", "--format=nagios", "--time-limit=5s"]);
    let first = output.expect_code(2).stdout;
    let start = "PGTEND CHECK CRITICAL: 1 of 2 servers are not healthy: dead: ";
    assert!(first.starts_with(start), "{first}");
    let output = check(&settings, &["t1", "t2"]).expect_code(0);
    assert!(output.stdout.contains("\nVERDICT  SERVER  FOUND\nhealthy  t1 "), "{}", output.stdout);
}

#[test]
fn a_single_server_that_is_dead_is_critical_and_one_that_lets_nobody_in_is_unknown() {
    let dead = format!("postgresql://nobody@127.0.0.1:{}/x", free_port());
    let dead = target("dead", &dead, "x");
    let output = check(&dead, &["dead", "--time-limit=5s"]).expect_code(2);
    assert!(output.stdout.contains(": critical\n"), "{}", output.stdout);
    assert!(output.stderr.contains("refused"), "{}", output.stderr);
    let output = check(&dead, &["dead", "--time-limit=5s", "--format=nagios"]).expect_code(2);
    assert!(output.stdout.starts_with("PGTEND CHECK CRITICAL: "), "{}", output.stdout);
    let db = Cluster::shared().create_db("fleet");
    let nobody = target("nobody", &db.url().replace(db.name(), "no_such_database"), "x");
    check(&nobody, &["nobody"]).expect_code(3);
}

#[test]
fn names_and_flags_that_make_no_fleet_are_refused() {
    let db = Cluster::shared().create_db("fleet");
    let settings = target("a", &db.url(), "x") + &target("b", &db.url(), "x");
    for (arguments, said) in [
        (vec!["postgresql://u:hunter2@h/x"], "holds a connection string"),
        (vec!["c"], "there is no target \"c\""),
        (vec!["--tag", "y"], "no target has the tag y"),
        (vec!["a", "b", "--host", "h"], "--host and several targets go not together"),
        (vec!["a", "b", "-W"], "--password and several targets go not together"),
        (vec!["a", "b", "--state", "s.json"], "--state and several targets go not together"),
    ] {
        let output = check(&settings, &arguments).expect_code(64);
        assert!(output.stderr.contains(said), "{arguments:?}: {}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    let output = check("", &["--all-targets"]).expect_code(64);
    assert!(output.stderr.contains("pgtend.toml has no targets"), "{}", output.stderr);
}

#[test]
fn a_watch_goes_on_beside_a_dead_server_until_its_breaker_opens() {
    let db = Cluster::shared().create_db("fleet");
    let dead = format!("postgresql://nobody@127.0.0.1:{}/x", free_port());
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("fleet.toml");
    fs::write(&config, target("good", &db.url(), "x") + &target("dead", &dead, "x")).unwrap();
    let arguments = ["check", "good", "dead", "--only=idx.invalid", "--watch=500ms"];
    let pgtend = pgtend.args(arguments).args(["--format=json", "--config"]).arg(config);
    let mut program = pgtend.command();
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().unwrap();
    // It is read to the end: who closes the pipe ends the watch.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut states = Vec::new();
    for line in lines.by_ref().take(20) {
        let document: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(document["exit"], 2, "{document}");
        let servers = &document["report"]["servers"];
        assert_eq!(servers[0]["health"]["status"], "healthy", "{document}");
        assert_eq!(servers[0]["health"]["circuit_breaker"]["state"], "closed");
        assert_eq!(servers[1]["health"]["status"], "unhealthy");
        let breaker = &servers[1]["health"]["circuit_breaker"];
        states.push(breaker["state"].as_str().unwrap().to_owned());
        if breaker["state"] == "open" {
            let failed = servers[1]["failed"].as_str().unwrap();
            assert!(failed.contains("refused") && failed.contains("not tried for"), "{failed}");
            break;
        }
    }
    assert_eq!(states, ["closed", "closed", "open"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = command::wait(&mut child, Duration::from_secs(30)).expect("it ends");
    assert_eq!(status.code(), Some(0));
    let output = check("", &["--watch", "--save", "x"]).expect_code(64);
    assert!(output.stderr.contains("--watch and a file of facts go not together"));
}
