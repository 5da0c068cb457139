//! `--all-databases`: every database of a server is a target of its own.

use std::fs;

use serde_json::Value;

use crate::harness::cluster::free_port;
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, ClusterSpec, Pgtend};

/// Looks at all databases of the targets of this pgtend.toml for indexes that are not valid.
fn all(settings: &str, arguments: &[&str]) -> Output {
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("all.toml");
    fs::write(&config, settings).unwrap();
    let start = ["check", "--all-databases", "--only=idx.invalid", "--config"];
    pgtend.args(start).arg(config).args(arguments).run()
}

fn target(name: &str, url: &str) -> String {
    format!("[target.{name}]\nurl = \"{url}\"\n")
}

/// An index that is not valid.
fn spoil(cluster: &Cluster, database: &str) {
    cluster.psql(database, "CREATE TABLE twice (k int); INSERT INTO twice VALUES (1), (1)");
    let build = "CREATE UNIQUE INDEX CONCURRENTLY twice_k ON twice (k)";
    assert!(cluster.psql_result(database, build).is_err());
}

/// The servers as `name exit`.
fn outcomes(output: &Output) -> Vec<String> {
    let document = output.json();
    let servers = document["report"]["servers"].as_array().unwrap().iter();
    let name = |one: &Value| one["target"].as_str().unwrap_or("-").to_owned();
    servers.map(|one| format!("{} {}", name(one), one["outcome"])).collect()
}

fn notes(output: &Output) -> Vec<String> {
    let document = output.json();
    let notes = document["report"]["notes"].as_array().unwrap().iter();
    notes.map(|note| note.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_database_is_a_target_of_its_own_in_every_form() {
    let cluster = ClusterSpec::default().start();
    for name in ["app", "\"Odd name; \"\"x\"\"\"", "rdsadmin"] {
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
    }
    cluster.psql("postgres", "CREATE DATABASE golden IS_TEMPLATE true");
    cluster.psql("postgres", "CREATE DATABASE closed ALLOW_CONNECTIONS false");
    spoil(&cluster, "app");
    let settings = target("prod", &cluster.url("postgres"));
    let folder = tempfile::tempdir().unwrap();
    let path = |form: &str| folder.path().join(form);
    let into = |form: &str| format!("--output={form}={}", path(form).display());
    let outputs = ["csv", "junit", "sarif", "prometheus", "github"].map(into);
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let run = all(&settings, &[&["prod", "--format=json"], outputs.as_slice()].concat());
    let run = run.expect_code(2);
    assert_eq!(outcomes(&run), ["prod/Odd name; \"x\" 0", "prod/app 2", "prod/postgres 0"]);
    let document = run.json();
    let servers = &document["report"]["servers"];
    assert_eq!(servers[1]["server"]["database"], "app");
    assert_eq!(servers[1]["place"], format!("127.0.0.1:{}/app", cluster.port()));
    assert_eq!(
        notes(&run),
        ["left out of prod: closed, it takes no connections (datallowconn is off); golden, a \
          template database; rdsadmin, a database of that name is the provider's own (Amazon \
          RDS); template0, a template database; template1, a template database"]
    );
    let text = |form: &str| fs::read_to_string(path(form)).unwrap();
    assert!(text("csv").lines().any(|line| line.starts_with("prod/app,127.0.0.1,")));
    let suites = junit_parser::from_reader(text("junit").as_bytes()).unwrap();
    let names: Vec<&str> = suites.suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!((names.len(), names[1], suites.failures), (3, "prod/app", 1));
    assert!(text("sarif").contains("prod/app/idx.invalid:public.twice_k"));
    let verdict = "pgtend_check_verdict{target=\"prod/app\"} 2";
    assert!(text("prometheus").lines().any(|line| line == verdict), "{}", text("prometheus"));
    assert!(text("github").contains("(prod/app)"), "{}", text("github"));
    let nagios = all(&settings, &["prod", "--format=nagios"]).expect_code(2);
    let start = "PGTEND CHECK CRITICAL: 1 of 3 servers are not healthy: prod/app: ";
    assert!(nagios.stdout.starts_with(start), "{}", nagios.stdout);
    assert!(nagios.stderr.contains("left out of prod: closed, "), "{}", nagios.stderr);
    let page = all(&settings, &["prod"]).expect_code(2).stdout;
    assert!(page.contains("\ncritical  prod/app"), "{page}");

    // Without a name each is known by where it is; the patterns are those of a backup.
    let url = cluster.url("app");
    let unnamed = all("", &["--url", &url, "--exclude-database=APP", "--format=json"]);
    let unnamed = unnamed.expect_code(0);
    assert_eq!(outcomes(&unnamed), ["- 0", "- 0"]);
    let place = format!("127.0.0.1:{}", cluster.port());
    let left_out = format!("left out of {place}: app, --exclude-database APP; closed, it takes ");
    assert!(notes(&unnamed)[0].starts_with(&left_out), "{:?}", notes(&unnamed));
    let document = unnamed.json();
    assert_eq!(document["report"]["servers"][1]["place"], format!("{place}/postgres"));
    let idle = all(&settings, &["prod", "--exclude-database=nix?"]).expect_code(2);
    let said = "--exclude-database nix? means no database of prod";
    assert!(idle.stderr.contains(said), "{}", idle.stderr);
}

#[test]
fn a_baseline_is_kept_for_each_database() {
    let cluster = ClusterSpec::default().start();
    for name in ["a", "b"] {
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
    }
    spoil(&cluster, "a");
    let settings = target("prod", &cluster.url("a"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json");
    let file = file.to_str().unwrap();
    all(&settings, &["prod", "--write-baseline", file]).expect_code(2);
    let again = ["prod", "--baseline", file, "--fail-on=new", "--format=json"];
    let output = all(&settings, &again).expect_code(0);
    assert_eq!(outcomes(&output), ["prod/a 0", "prod/b 0", "prod/postgres 0"]);
    // The same finding of another database is new.
    spoil(&cluster, "b");
    let output = all(&settings, &again).expect_code(2);
    assert_eq!(outcomes(&output), ["prod/a 0", "prod/b 2", "prod/postgres 0"]);
}

#[test]
fn a_server_is_asked_through_one_connection_and_one_that_is_shut_or_dead_hides_nothing() {
    let cluster = ClusterSpec::default().start();
    for number in 0..9 {
        cluster.psql("postgres", &format!("CREATE DATABASE db_{number}"));
    }
    cluster.psql("postgres", "CREATE DATABASE shut");
    cluster.psql("postgres", "REVOKE CONNECT ON DATABASE shut FROM PUBLIC");
    // One session, and one that is just about to end.
    cluster.psql("postgres", "CREATE ROLE watcher LOGIN CONNECTION LIMIT 2");
    let url = cluster.url("postgres").replace("postgres@", "watcher@");
    let dead = format!("postgresql://nobody@127.0.0.1:{}/x", free_port());
    let settings = target("prod", &url) + &target("dead", &dead);
    // Below the time from which on a full server is tried again.
    let arguments = ["--time-limit=15s", "--format=json"];
    let output = all(&settings, &[&["prod"], arguments.as_slice()].concat()).expect_code(3);
    let healthy = (0..9).map(|number| format!("prod/db_{number} 0"));
    let mut wanted: Vec<String> = healthy.chain(["prod/postgres 0".to_owned()]).collect();
    wanted.push("prod/shut 3".to_owned());
    assert_eq!(outcomes(&output), wanted);
    let document = output.json();
    let failed = document["report"]["servers"][10]["failed"].as_str().unwrap();
    assert!(failed.contains("permission denied for database \"shut\""), "{failed}");
    let without = [&["prod", "--exclude-database=shut"], arguments.as_slice()].concat();
    all(&settings, &without).expect_code(0);

    let output = all(&settings, &[&["dead", "prod"], arguments.as_slice()].concat());
    let output = output.expect_code(2);
    wanted.insert(0, "dead 2".to_owned());
    assert_eq!(outcomes(&output), wanted);
    let alone = all(&settings, &["dead", "--time-limit=15s"]).expect_code(2);
    assert!(alone.stderr.contains("refused"), "{}", alone.stderr);
}

#[test]
fn nothing_left_to_look_at_is_no_all_clear() {
    let cluster = Cluster::shared();
    let settings = target("a", &cluster.url("postgres")) + &target("b", &cluster.url("postgres"));
    let output = all(&settings, &["a", "--exclude-database=*"]).expect_code(64);
    assert!(output.stderr.contains("no database is left to check"), "{}", output.stderr);
    let both = all(&settings, &["a", "b", "--exclude-database=*", "--format=json"]).expect_code(3);
    assert_eq!(outcomes(&both), ["a 3", "b 3"]);
    let output = all(&settings, &["a", "--exclude-database", "a("]).expect_code(64);
    assert!(output.stderr.contains("invalid --exclude-database a("), "{}", output.stderr);
    let alone = Pgtend::new().args(["check", "--exclude-database=x"]).run().expect_code(64);
    assert!(alone.stderr.contains("--all-databases"), "{}", alone.stderr);
}

#[test]
fn each_database_has_the_backups_of_its_own() {
    let cluster = ClusterSpec::default().start();
    cluster.psql("postgres", "CREATE DATABASE app");
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("r");
    let port = cluster.port().to_string();
    let backup = ["backup", "-h", "127.0.0.1", "-U", "postgres", "-d", "app", "-p", &port, "-r"];
    Pgtend::new().args(backup).arg(&repository).run().expect_code(0);
    let settings =
        target("prod", &cluster.url("app")) + &format!("repo = \"{}\"\n", repository.display());
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("all.toml");
    fs::write(&config, settings).unwrap();
    let start = ["check", "--target=prod", "--all-databases", "--only=backup.age"];
    let output = pgtend.args(start).args(["--format=json", "--config"]).arg(config).run();
    let document = output.json();
    let servers = document["report"]["servers"].as_array().unwrap();
    let status = |one: &Value| format!("{} {}", one["target"], one["checks"][0]["status"]);
    let statuses: Vec<String> = servers.iter().map(status).collect();
    assert_eq!(
        statuses,
        ["\"prod/app\" \"healthy\"", "\"prod/postgres\" \"critical\""],
        "{document}"
    );
}
