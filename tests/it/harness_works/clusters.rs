//! Servers start, serve, survive a crash and never outlive the tests.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use crate::harness::pki::{KeyForm, Pki};
use crate::harness::tools::{self, SERVER_MAJORS};
use crate::harness::{Cluster, ClusterSpec, Pgtend, TlsVariant, command, server};

/// Set in the child process of the watchdog's test: where to write about its server.
const CHILD: &str = "PGTEND_TEST_WATCHDOG_CHILD";

#[test]
fn every_major_starts_and_loads_contrib() {
    for major in SERVER_MAJORS {
        let cluster = ClusterSpec::major(major).start();
        let version = cluster.psql("postgres", "SHOW server_version_num");
        assert!(version.starts_with(&major.to_string()), "{version}");
        cluster.psql("postgres", "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION amcheck");
    }
}

#[test]
fn a_database_of_the_shared_cluster_is_gone_after_the_test() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("we\"ird");
    assert_eq!(db.psql("SELECT current_database()"), db.name());
    let name = db.name().to_owned();
    drop(db);
    let names = cluster.psql("postgres", "SELECT datname FROM pg_database");
    assert!(!names.contains(&name), "{names}");
}

#[test]
#[should_panic(expected = "division by zero")]
fn an_sql_error_is_a_panic_with_the_servers_words() {
    Cluster::shared().psql("postgres", "SELECT 1/0");
}

#[test]
fn tls_is_verified_and_the_wrong_authority_is_refused() {
    let cluster = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .hba("hostssl all all all cert clientcert=verify-full")
        .start();
    let pki = Pki::shared();
    let connect = |root: &Path, form: KeyForm| {
        let identity = pki.client("postgres", form);
        let mut psql = cluster.client("psql");
        psql.env("PGHOST", "localhost").env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", root);
        psql.env("PGSSLCERT", identity.cert).env("PGSSLKEY", identity.key);
        psql.args([
            "-XAt",
            "-d",
            "postgres",
            "-c",
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        ]);
        command::run(&mut psql, "")
    };
    for form in [KeyForm::Pkcs8, KeyForm::Pkcs1, KeyForm::Sec1, KeyForm::Der] {
        let finished = connect(&pki.ca, form);
        assert_eq!(finished.stdout(), "t\n", "{form:?}: {}", finished.stderr());
    }
    let refused = connect(&pki.other_ca, KeyForm::Pkcs8).stderr();
    assert!(refused.contains("certificate verify failed"), "{refused}");
}

#[test]
fn a_crashed_server_comes_back_on_its_port() {
    let cluster = ClusterSpec::default().start();
    cluster.psql("postgres", "CREATE TABLE kept AS SELECT 1");
    let port = cluster.port();
    cluster.stop_immediate();
    assert!(cluster.psql_result("postgres", "SELECT 1").is_err());
    cluster.start_again();
    assert_eq!(cluster.psql("postgres", "SELECT count(*) FROM kept"), "1");
    assert_eq!(cluster.port(), port);
    assert!(cluster.log().contains("database system was not properly shut down"));
}

#[test]
fn a_standby_follows_its_primary() {
    for major in [15, 18] {
        let primary = ClusterSpec::major(major).start();
        let standby = primary.standby();
        primary.psql("postgres", "CREATE TABLE t AS SELECT 7 AS a");
        standby.catch_up_with(&primary);
        assert_eq!(standby.psql("postgres", "SELECT a, pg_is_in_recovery() FROM t"), "7|t");
    }
}

#[test]
fn settings_and_encoding_are_as_asked_for() {
    let cluster = ClusterSpec::default()
        .set("work_mem", "'7MB'")
        .initdb("--encoding=SQL_ASCII")
        .initdb("--locale=C")
        .start();
    assert_eq!(cluster.psql("postgres", "SHOW work_mem; SHOW server_encoding"), "7MB\nSQL_ASCII");
}

#[test]
fn pgtend_runs_in_a_hermetic_environment() {
    let command = Pgtend::new().env("EXTRA", "1").command();
    let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_string_lossy()).collect();
    assert_eq!(names, ["COLUMNS", "EXTRA", "HOME", "LC_ALL", "NO_COLOR", "PATH", "TZ"]);
    Pgtend::new().arg("--version").run().expect_code(0);
}

/// Runs this very test in a process of its own, kills that as hard as can be, and looks for what
/// it left.
#[test]
fn a_server_does_not_outlive_a_killed_test_process() {
    if let Some(file) = env::var_os(CHILD) {
        let cluster = Cluster::shared();
        let text = format!("{} {}\n", cluster.pid(), cluster.socket_dir().display());
        fs::write(&file, text).unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server");
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "harness_works::clusters::a_server_does_not_outlive_a_killed_test_process",
        ])
        .env(CHILD, &file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = command::until(command::LIMIT, || {
        fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))
    })
    .expect("the child starts a server");
    let (pid, socket_dir) = text.trim_end().split_once(' ').unwrap();
    let pid = pid.parse().unwrap();
    assert!(!server::has_ended(pid));
    child.kill().unwrap();
    child.wait().unwrap();
    command::until(command::LIMIT, || {
        (server::has_ended(pid) && !Path::new(socket_dir).exists()).then_some(())
    })
    .expect("the watchdog stops the server and removes its folder");
}

#[test]
fn client_programs_are_those_of_their_major() {
    for major in tools::CLIENT_MAJORS {
        for program in ["pg_dump", "pg_restore", "psql", "pg_dumpall", "pg_basebackup"] {
            let mut command = Command::new(tools::client_bindir(major).join(program));
            let version = command::run(command.arg("--version"), "").stdout();
            assert!(version.contains(&format!("(PostgreSQL) {major}.")), "{version}");
        }
    }
}
