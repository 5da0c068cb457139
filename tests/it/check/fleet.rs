//! Several servers: one that is dead and one that is silent hide nothing.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use crate::harness::cluster::free_port;
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Pgtend};

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
        (vec!["c"], "there is no target \"c\""),
        (vec!["--tag", "y"], "no target has the tag y"),
        (vec!["a", "b", "--host", "h"], "--host and several targets go not together"),
        (vec!["a", "b", "-W"], "--password and several targets go not together"),
        (vec!["a", "b", "--state", "s.json"], "--state and several targets go not together"),
    ] {
        let output = check(&settings, &arguments).expect_code(64);
        assert!(output.stderr.contains(said), "{arguments:?}: {}", output.stderr);
    }
    let output = check("", &["--all-targets"]).expect_code(64);
    assert!(output.stderr.contains("pgtend.toml has no targets"), "{}", output.stderr);
}
