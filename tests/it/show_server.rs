//! `--show-server`: what it says of plain servers, of servers that look like a provider's, and of
//! sessions that see little.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::pgtend::Running;
use crate::harness::pki::Pki;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend, TlsVariant, command, tools};
use crate::scene::Psql;

fn show(url: &str) -> Value {
    let output = Pgtend::new().args(["--show-server", "--format=json", "--url", url]).run();
    output.expect_code(0).json()["report"].take()
}

/// The page at 80 columns, without what differs from run to run.
fn page(url: &str, replace: &[(&str, &str)]) -> String {
    let run = Pgtend::new().args(["--show-server", "--url", url]).env("COLUMNS", "80");
    let mut page = run.run().expect_code(0).stdout;
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    for (from, to) in replace {
        page = page.replace(from, to);
    }
    let lines = page.lines().map(|line| match line.split_once("connected in") {
        Some((_, time)) => {
            assert!(time.ends_with(" ms"), "{line}");
            "connected in       N ms"
        }
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `2027-11-21 (364`.
fn days_left(page: &str) -> String {
    let rest = page.split_once("until ").expect("an end").1;
    rest.split_once(" days left").expect("days").0.to_owned()
}

fn servers() -> impl Iterator<Item = (u32, Cluster)> {
    tools::SERVER_MAJORS.into_iter().map(|major| (major, ClusterSpec::major(major).start()))
}

#[test]
fn every_plain_major_is_plain() {
    for (major, cluster) in servers() {
        let report = show(&cluster.url("postgres"));
        let session = &report["session"];
        assert_eq!(session["provider"]["flavour"], "plain", "{major}: {report}");
        assert_eq!(session["provider"]["perhaps"], Value::Null, "{major}: {report}");
        assert_eq!(report["version_number"].as_u64().unwrap() / 10_000, u64::from(major));
        assert_eq!(report["pooler"], Value::Null);
        assert_eq!(report["encoding"], "UTF8");
        assert_eq!(report["in_recovery"], false);
        let identifier =
            cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
        assert_eq!(report["system_identifier"], identifier);
        assert_eq!(session["extensions"][0]["name"], "plpgsql");
        assert_eq!(session["authenticated"], Value::Null, "trust is no authentication");
        assert!(report["connect_ms"].as_f64().unwrap() > 0.0);
    }
}

/// A look at a server that has begun to wait for a lock on a catalog, with who holds it and the
/// server process that waits.
fn look_that_waits(database: &Database<'_>) -> (Running, Psql, Pid) {
    // Asked from elsewhere: a session there could need the catalog itself.
    let asked = |what: &str| {
        let name = database.name();
        let sql = format!(
            "SELECT pid FROM pg_locks WHERE relation = 'pg_catalog.pg_extension'::regclass AND {what}
             AND database = (SELECT oid FROM pg_database WHERE datname = '{name}')"
        );
        let pid = Cluster::shared().psql("postgres", &sql);
        (!pid.is_empty()).then_some(pid)
    };
    // That of an earlier holder is not to be taken for the lock.
    let free = || asked("granted").is_none().then_some(());
    command::until(command::LIMIT, free).expect("the end of the lock before");
    let mut holder = Psql::start(Cluster::shared(), database.name());
    holder.send("BEGIN; LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE;");
    command::until(command::LIMIT, || asked("granted")).expect("the lock");
    let run = Pgtend::new().args(["--show-server", "--format=json", "--url", &database.url()]);
    let run = run.spawn();
    let pid = command::until(command::LIMIT, || asked("NOT granted")).expect("the wait");
    (run, holder, Pid::from_raw(pid.parse().unwrap()).unwrap())
}

#[test]
fn a_signal_ends_a_look_at_any_moment() {
    let database = Cluster::shared().create_db("looked");
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (run, holder, _) = look_that_waits(&database);
        run.signal(signal);
        let clock = Instant::now();
        let output = run.wait().expect_code(code);
        assert!(clock.elapsed() < Duration::from_secs(3), "{:?}", clock.elapsed());
        let said = "error: the look at the server was stopped\n";
        assert!(output.stderr.contains(said), "{}", output.stderr);
        assert_eq!(output.json()["exit"], code, "{}", output.stdout);
        drop(holder);
    }
}

#[test]
fn a_server_that_hangs_does_not_hang_who_looks() {
    let database = Cluster::shared().create_db("hung");
    let (run, _holder, process) = look_that_waits(&database);
    kill_process(process, Signal::STOP).unwrap();
    let output = run.wait();
    kill_process(process, Signal::CONT).unwrap();
    let report = output.expect_code(0).json()["report"].take();
    let unseen = "cannot find out what this session may do: the server did not answer within 30 s";
    assert_eq!(report["unseen"][0], unseen, "{report}");
}

/// Roles and settings as a provider has them: two make it one, one is only perhaps.
#[test]
fn a_provider_needs_two_signs() {
    let dressed = [
        ("rds", "rdsadmin", "rds_superuser"),
        ("azure", "azuresu", "azure_pg_admin"),
        ("cloud-sql", "cloudsqladmin", "cloudsqlsuperuser"),
        ("alloydb", "alloydbadmin", "alloydbsuperuser"),
        ("supabase", "supabase_admin", "supabase_auth_admin"),
    ];
    for (flavour, one, two) in dressed {
        let cluster = ClusterSpec::default().start();
        cluster.psql("postgres", &format!("CREATE ROLE {one}"));
        let provider = show(&cluster.url("postgres"))["session"]["provider"].take();
        assert_eq!(provider["flavour"], "plain", "{provider}");
        assert_eq!(provider["perhaps"], flavour, "{provider}");
        cluster.psql("postgres", &format!("CREATE ROLE {two}"));
        let provider = show(&cluster.url("postgres"))["session"]["provider"].take();
        assert_eq!(provider["flavour"], flavour, "{provider}");
        assert_eq!(provider["signs"].as_array().unwrap().len(), 2, "{provider}");
    }
}

#[test]
fn settings_and_functions_are_signs_too() {
    let cluster = ClusterSpec::default().set("rds.extensions", "'plpgsql'").start();
    let provider = || show(&cluster.url("postgres"))["session"]["provider"].take();
    assert_eq!(provider()["perhaps"], "rds");
    cluster.psql("postgres", "CREATE ROLE rds_superuser");
    assert_eq!(provider()["flavour"], "rds");
    cluster.psql(
        "postgres",
        "CREATE FUNCTION aurora_version() RETURNS text LANGUAGE sql AS $$SELECT '15.4'$$",
    );
    let aurora = provider();
    assert_eq!(aurora["flavour"], "aurora", "{aurora}");
    assert_eq!(aurora["signs"][0], "function aurora_version", "{aurora}");
    let neon = ClusterSpec::default().set("neon.project_id", "'x'").start();
    neon.psql("postgres", "CREATE ROLE neon_superuser");
    assert_eq!(show(&neon.url("postgres"))["session"]["provider"]["flavour"], "neon");
}

#[test]
fn the_page_says_all_of_it_in_80_columns() {
    let cluster =
        ClusterSpec::major(16).tls(TlsVariant::Good).hba("host all all all scram-sha-256").start();
    cluster.psql(
        "postgres",
        "CREATE ROLE app LOGIN PASSWORD 'x' CREATEDB; GRANT pg_monitor TO app;
         CREATE DATABASE shop; CREATE ROLE rds_superuser",
    );
    let ca = Pki::shared().ca.display().to_string();
    let port = cluster.port().to_string();
    let url =
        format!("postgresql://app:x@localhost:{port}/shop?sslmode=verify-ca&sslrootcert={ca}");
    let identifier = cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    let version = cluster.psql("postgres", "SHOW server_version");
    // The longest first: it may have the digits of a shorter one.
    let page = page(&url, &[(&identifier, "IDENTIFIER"), (&version, "VERSION"), (&port, "PORT")]);
    let page = page.replace(&days_left(&page), "N");
    let expected = "\
SERVER
host               localhost:PORT
address            127.0.0.1
connected in       N ms
read from          primary (it is the default)
version            VERSION
provider           none is certain; perhaps Amazon RDS (one sign: role
                   rds_superuser)
kind               primary, read-write
system identifier  IDENTIFIER
database           shop (UTF8)
user               app (scram-sha-256:app)
attributes         createdb
roles held         pg_monitor, pg_read_all_settings, pg_read_all_stats,
                   pg_stat_scan_tables
extensions         plpgsql 1.0
TLS                TLSv1.3, TLS_AES_256_GCM_SHA384
certificate        CN=localhost
                   signed by CN=pgtend test authority
                   until N days left)
not seen           statistics of statements: pg_stat_statements is not in
                   shared_preload_libraries";
    assert_eq!(page, expected);
    let document = show(&url);
    let days = document["certificate_days_left"].as_i64().unwrap();
    assert!((300..400).contains(&days), "{days}");
    assert_eq!(document["certificate"]["subject"], "CN=localhost");
    assert_eq!(document["certificate"]["expires"], document["certificate_expires"]);
    assert_eq!(document["session"]["tls_version"], "TLSv1.3");
}

#[test]
fn what_a_role_cannot_see_is_said() {
    let cluster = ClusterSpec::default().start();
    cluster.psql(
        "postgres",
        "CREATE ROLE nobody LOGIN NOINHERIT; CREATE ROLE team; GRANT team TO nobody",
    );
    let url = cluster.url("postgres").replace("postgres@", "nobody@");
    let report = show(&url);
    let session = &report["session"];
    assert_eq!(session["sees_activity"], false);
    assert_eq!(session["sees_settings"], false);
    assert_eq!(session["attributes"], serde_json::json!([]));
    assert_eq!(session["held_roles"], serde_json::json!([]));
    assert_eq!(session["pg_stat_statements"], "absent");
    let unseen = report["unseen"].to_string();
    for part in ["pg_read_all_stats", "pg_read_all_settings", "shared_preload_libraries", "16"] {
        assert!(unseen.contains(part), "{part} is not in {unseen}");
    }
    let statements = ClusterSpec::default().set("shared_preload_libraries", "pg_stat_statements");
    let statements = statements.start();
    let state = || show(&statements.url("postgres"))["session"]["pg_stat_statements"].take();
    assert_eq!(state(), "no-extension");
    statements.psql("postgres", "CREATE EXTENSION pg_stat_statements");
    assert_eq!(state(), "ready");
    cluster.psql("postgres", "CREATE EXTENSION pg_stat_statements");
    assert_eq!(show(&url)["session"]["pg_stat_statements"], "not-loaded");
}

#[test]
fn a_standby_is_shown_as_one() {
    let cluster = ClusterSpec::default().start();
    let standby = cluster.standby();
    let report = show(&standby.url("postgres"));
    assert_eq!(report["in_recovery"], true);
    assert_eq!(report["read_only"], true);
    let run = Pgtend::new().args(["--show-server", "--url", &standby.url("postgres")]).run();
    assert!(run.stdout.contains("standby, read-only"), "{}", run.stdout);
}

/// A role or a database may have a limit that is too short for anything.
#[test]
fn a_tiny_statement_timeout_keeps_nobody_out() {
    let cluster = ClusterSpec::default().start();
    cluster.psql("postgres", "ALTER ROLE postgres SET statement_timeout = '1ms'");
    for _ in 0..5 {
        let report = show(&cluster.url("postgres"));
        assert_eq!(report["session"]["superuser"], Value::Null);
        assert_eq!(report["superuser"], true);
        assert!(report["session"].is_object(), "{report}");
    }
}

#[test]
fn a_server_that_is_not_there_is_69() {
    let output = Pgtend::new()
        .args(["--show-server", "--url", "postgresql://u@127.0.0.1:1/d?connect_timeout=2"])
        .run();
    output.expect_code(69);
}
