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
    let output = check(&settings, &["--all-targets", "--format=json", "--time-limit", "9s"]);
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
    assert!(failed[1].contains("nothing within 9s"), "{}", failed[1]);
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
        (vec!["a", "b", "--host", "h"], "--host and several targets do not go together"),
        (vec!["a", "b", "-W"], "--password and several targets do not go together"),
        (vec!["a", "b", "--state", "s.json"], "--state and several targets do not go together"),
    ] {
        let output = check(&settings, &arguments).expect_code(64);
        assert!(output.stderr.contains(said), "{arguments:?}: {}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    let output = check("", &["--all-targets"]).expect_code(64);
    assert!(output.stderr.contains("pgtend.toml has no targets"), "{}", output.stderr);
}

/// Watches these targets until the reports have shown enough, and ends it as people do.
#[track_caller]
fn watch(settings: &str, names: &[&str], enough: impl FnMut(Value) -> bool) {
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("fleet.toml");
    fs::write(&config, settings).unwrap();
    let arguments = ["check", "--only=idx.invalid", "--watch=500ms", "--format=json", "--config"];
    let pgtend = pgtend.args(arguments).arg(config).args(names);
    let mut program = pgtend.command();
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().unwrap();
    // It is read to the end: who closes the pipe ends the watch.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let read = |line: std::io::Result<String>| serde_json::from_str(&line.unwrap()).unwrap();
    assert!(lines.by_ref().take(20).map(read).any(enough), "it ends or does not show it");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = command::wait(&mut child, Duration::from_secs(30)).expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_watch_goes_on_beside_a_dead_server_until_its_breaker_opens() {
    let db = Cluster::shared().create_db("fleet");
    let dead = format!("postgresql://nobody@127.0.0.1:{}/x", free_port());
    let settings = target("good", &db.url(), "x") + &target("dead", &dead, "x");
    let mut states = Vec::new();
    watch(&settings, &["good", "dead"], |document| {
        assert_eq!(document["exit"], 2, "{document}");
        let servers = &document["report"]["servers"];
        assert_eq!(servers[0]["health"]["status"], "healthy", "{document}");
        assert_eq!(servers[0]["health"]["circuit_breaker"]["state"], "closed");
        assert_eq!(servers[1]["health"]["status"], "unhealthy");
        let state = &servers[1]["health"]["circuit_breaker"]["state"];
        states.push(state.as_str().unwrap().to_owned());
        if state == "open" {
            let failed = servers[1]["failed"].as_str().unwrap();
            assert!(failed.contains("refused") && failed.contains("not tried for"), "{failed}");
        }
        state == "open"
    });
    assert_eq!(states, ["closed", "closed", "open"]);
}

#[test]
fn a_target_that_cannot_be_read_hides_no_other() {
    let db = Cluster::shared().create_db("fleet");
    let odd = "[target.odd]\nservice = \"gone\"\n";
    let settings = target("good", &db.url(), "x") + odd;
    let mut looks = 0;
    let mut is_shown = |document: Value| {
        assert_eq!(
            (&document["exit"], named(&document, "target")),
            (&3.into(), vec!["good", "odd"])
        );
        let servers = &document["report"]["servers"];
        assert_eq!((&servers[0]["outcome"], &servers[0]["failed"]), (&0.into(), &Value::Null));
        let failed = servers[1]["failed"].as_str().unwrap();
        assert!(failed.contains("there is no service \"gone\""), "{failed}");
        assert_eq!(servers[1]["health"]["status"], "unhealthy", "{document}");
        looks += 1;
        looks > 2
    };
    let output = check(&settings, &["good", "odd", "--format=json"]).expect_code(3);
    is_shown(output.json());
    watch(&settings, &["good", "odd"], is_shown);
    // The only one is the run's own error, in both.
    for more in [[].as_slice(), &["--watch"]] {
        let output = check(&settings, &[&["odd"], more].concat()).expect_code(64);
        assert!(output.stderr.contains("there is no service"), "{}", output.stderr);
    }
}

#[test]
fn what_would_change_nothing_is_refused() {
    let db = Cluster::shared().create_db("fleet");
    let settings = target("a", &db.url(), "x");
    let run = |arguments: &[&str]| check(&settings, arguments);
    let facts = tempfile::tempdir().unwrap();
    let saved = facts.path().join("facts.json");
    let from = format!("--from={}", saved.display());
    let from = from.as_str();
    run(&["a", "--save", saved.to_str().unwrap()]).expect_code(0);
    run(&[from]).expect_code(0);
    let judged = [
        "--allow-unknown=idx",
        "--baseline=x",
        "--fail-on=critical",
        "--interval=1s",
        "--migrations=x",
        "--output=junit=x",
        "--profile=staging",
        "--save=x",
        "--state=x",
        "--time-limit=5s",
        "--wait=1s",
        "--watch",
        "--write-baseline=x",
        "--all-databases",
        "--repo=x",
    ];
    let chosen = ["--all-targets", "--tag=x"];
    let server = ["--url=postgresql://h/d", "--host=h", "--target=a", "--env-file=x", "-p1"];
    let server = [server.as_slice(), &["--username=u", "--dbname=d", "--read-from=any"]].concat();
    let not_with_from = ["--time-limit=5s", "--wait=1s", "--watch", "--save=x", "--interval=1s"];
    let not_with_from = [not_with_from.as_slice(), &["--all-databases", "--repo=x"]].concat();
    let in_files = ["--save=x", "--state=x", "--output=junit=x", "--write-baseline=x"];
    let judged = judged.as_slice();
    let of_list = [judged, &chosen, server.as_slice(), &["--explain-permissions", from]].concat();
    for (flag, others) in [
        ("--list", of_list),
        ("--explain-permissions", [judged, &[from]].concat()),
        (from, [not_with_from.as_slice(), &chosen, server.as_slice()].concat()),
        ("--watch", [in_files.as_slice(), &["--migrations=x", "--wait=1s"]].concat()),
        ("--all-databases", vec!["--save=x", "--state=x", "--watch", "--env-file=x"]),
        ("--all-targets", vec!["--tag=x"]),
    ] {
        for other in others {
            let output = run(&[flag, other]).expect_code(64);
            let name = |flag: &str| match flag {
                "-p1" => "--port".to_owned(),
                long => long.split('=').next().unwrap_or_default().to_owned(),
            };
            let first = output.stderr.lines().next().unwrap_or_default();
            let both = first.contains(&name(flag)) && first.contains(&name(other));
            assert!(both, "{flag} {other}: {}", output.stderr);
        }
    }
    run(&["--list", "a"]).expect_code(64);
    run(&["--explain-permissions", "a"]).expect_code(0);
}
