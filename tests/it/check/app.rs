//! The application's own settings.

use std::fs;

use super::stage::{Fault, Stage, checked, play};
use crate::harness::{Cluster, ClusterSpec, Pgtend};

/// A file where all is well, with one line more.
const fn of_file(
    id: &'static str,
    level: &'static str,
    object: &'static str,
    healthy: &'static str,
    faulty: &'static str,
) -> Stage {
    Stage::new(id, level, object, Fault::EnvFile { healthy, faulty })
}

macro_rules! url {
    ($parameters:literal) => {
        url!("postgresql", "app:Xy12pq-79Zk", "db.example.com:5432", $parameters)
    };
    ($scheme:literal, $login:literal, $place:literal, $parameters:literal) => {
        concat!(
            "ENVIRONMENT=production\nDATABASE_URL=",
            $scheme,
            "://",
            $login,
            "@",
            $place,
            "/shop?",
            $parameters
        )
    };
}

const GOOD: &str = url!("sslmode=verify-full");

pub const STAGES: &[Stage] = &[
    of_file(
        "conn.budget",
        "critical",
        "application",
        "DB_POOL_SIZE=5\nDB_MAX_OVERFLOW=5",
        "DB_POOL_SIZE=20\nDB_MAX_OVERFLOW=30",
    ),
    of_file("app.tls", "warning", "DATABASE_URL", GOOD, url!("sslmode=require")),
    of_file("app.url", "critical", "DATABASE_URL", GOOD, url!("sslmode=require&&x")),
    of_file(
        "app.url_encoding",
        "critical",
        "DATABASE_URL",
        url!("postgresql", "app%40shop:Xy12pq-79Zk", "db.example.com", "sslmode=verify-full"),
        url!("postgresql", "app@shop:Xy12pq-79Zk", "db.example.com", "sslmode=verify-full"),
    ),
    of_file("app.url_parameters", "critical", "DATABASE_URL", GOOD, url!("pool_size=20")),
    of_file(
        "app.driver",
        "critical",
        "DATABASE_URL",
        url!("postgresql+asyncpg", "app:Xy12pq-79Zk", "db.example.com", "ssl=verify-full"),
        url!("postgresql+asyncpg", "app:Xy12pq-79Zk", "db.example.com", "sslmode=verify-full"),
    ),
    of_file(
        "app.supabase_ports",
        "warning",
        "DATABASE_URL",
        url!("postgresql", "a.b:Xy12pq-79Zk", "x.pooler.supabase.com:5432", "sslmode=require"),
        url!("postgresql", "a.b:Xy12pq-79Zk", "x.pooler.supabase.com:6543", "sslmode=require"),
    ),
    of_file(
        "app.pooler_features",
        "warning",
        "DATABASE_URL",
        url!("postgresql+asyncpg", "app:Xy12pq-79Zk", "db:6432", "prepared_statement_cache_size=0"),
        url!("postgresql+asyncpg", "app:Xy12pq-79Zk", "db:6432", "ssl=require"),
    ),
    of_file(
        "app.placeholder",
        "critical",
        "DATABASE_URL",
        GOOD,
        url!("postgresql", "app:[PASSWORD]", "db.example.com", "sslmode=verify-full"),
    ),
    of_file(
        "app.secret",
        "critical",
        "JWT_SECRET_KEY",
        "JWT_SECRET_KEY=c4f1e6b09d2a7785c4f1e6b09d2a7785",
        "JWT_SECRET_KEY=your-super-secret-key-here",
    ),
    of_file("app.debug", "warning", "SQL_ECHO", "SQL_ECHO=false", "SQL_ECHO=true"),
    of_file(
        "app.pool",
        "critical",
        "role limited_app",
        "DATABASE_HOST=db\nDATABASE_USER=limited_app\nDB_POOL_SIZE=5\nDB_MAX_OVERFLOW=2",
        "DATABASE_HOST=db\nDATABASE_USER=limited_app\nDB_POOL_SIZE=5\nDB_MAX_OVERFLOW=5",
    )
    .after("CREATE ROLE limited_app LOGIN CONNECTION LIMIT 7"),
    of_file(
        "app.pool_recycle",
        "warning",
        "DB_POOL_RECYCLE",
        "DATABASE_HOST=db\nDATABASE_USER=idle_app\nDB_POOL_RECYCLE=500",
        "DATABASE_HOST=db\nDATABASE_USER=idle_app\nDB_POOL_RECYCLE=3600",
    )
    .after("CREATE ROLE idle_app LOGIN; ALTER ROLE idle_app SET idle_session_timeout = '10min'"),
    of_file(
        "app.pre_ping",
        "warning",
        "DB_POOL_PRE_PING",
        "DB_POOL_PRE_PING=true",
        "DB_POOL_PRE_PING=false",
    ),
    of_file(
        "app.timeouts",
        "warning",
        "DB_READ_TIMEOUT",
        "DB_READ_TIMEOUT=35\nDB_STATEMENT_TIMEOUT=30000",
        "DB_READ_TIMEOUT=10\nDB_STATEMENT_TIMEOUT=30000",
    ),
    of_file(
        "app.replicas",
        "warning",
        "REPLICA_DB_URL",
        "DATABASE_HOST=db\nREPLICA_DB_URL=postgresql://app@other/shop",
        "DATABASE_HOST=db\nREPLICA_DB_URL=postgresql://app@db:5432/shop",
    ),
    of_file("app.prefix", "info", "DB_DB_POOL_SIZE", "DB_POOL_SIZE=5", "DB_DB_POOL_SIZE=5"),
    of_file(
        "app.conflict",
        "warning",
        "DATABASE_HOST",
        "DATABASE_URL=postgresql://app@db/shop\nDATABASE_HOST=db",
        "DATABASE_URL=postgresql://app@db/shop\nDATABASE_HOST=db2",
    ),
];

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default().set("max_connections", "40").start();
    play(&cluster, STAGES);
}

#[test]
fn the_budget_is_that_of_all_processes_of_a_rolling_deployment() {
    let cluster = ClusterSpec::default().set("max_connections", "103").start();
    let db = cluster.create_db("check");
    let budget = |settings: &str| checked(&db.url(), "conn.budget", settings, &[]);
    let check = budget("[check.application]\npool = 5\noverflow = 1\nprocesses = 2\ninstances = 4");
    assert_eq!(check["status"], "healthy", "{check}");
    assert_eq!(check["measures"][0]["value"], 48.0, "{check}");
    let check = budget(
        "[check.application]\npool = 5\noverflow = 1\nprocesses = 2\ninstances = 4\nrolling = true",
    );
    assert_eq!(check["status"], "warning", "{check}");
    let check = budget("");
    assert_eq!(check["status"], "not-applicable", "{check}");
}

#[test]
fn nothing_is_judged_without_a_file_and_no_secret_is_shown() {
    let db = Cluster::shared().create_db("check");
    for id in ["app.tls", "app.secret", "app.conflict"] {
        let check = checked(&db.url(), id, "", &[]);
        assert_eq!(check["status"], "not-applicable", "{check}");
    }
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".env.production");
    fs::write(
        &file,
        "DATABASE_URL=postgresql://u@x:pl4ntedpw@db.example.com/d?pool_size=3
DATABASE_PASSWORD=pl4ntedpw
JWT_SECRET_KEY=pl4ntedpw
VAULT_SECRET_ID=pl4ntedpw
DB_READ_REPLICA_URLS=postgresql://u:pl4ntedpw@db.example.com/d,mysql://u:pl4ntedpw@x/d",
    )
    .unwrap();
    for format in ["table", "json", "csv", "markdown", "nagios", "prometheus"] {
        let facts = home.path().join("facts.json");
        let output = Pgtend::new()
            .args(["check", "--only", "app", "--url", &db.url(), "--format", format, "-v"])
            .arg("--env-file")
            .arg(&file)
            .arg("--save")
            .arg(&facts)
            .run();
        assert!(output.code == 2, "{}", output.stderr);
        let kept = fs::read_to_string(&facts).unwrap();
        let said = format!("{}{}{kept}", output.stdout, output.stderr);
        assert!(!said.contains("pl4nted"), "{format}: {said}");
        assert!(kept.contains("DB_READ_REPLICA_URLS[2]"), "{kept}");
    }
}

/// As with --url: only where nobody else says where to connect the file has to.
#[test]
fn a_string_that_cannot_be_read_is_a_finding_where_flags_name_the_server() {
    let db = Cluster::shared().create_db("check");
    let port = db.cluster().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env.production");
    for (id, url) in [
        ("app.url_encoding", "postgresql://app:pl4nted%zz@db.example.com/shop"),
        ("app.url_encoding", "postgresql://app@shop:pl4nted@db.example.com/shop"),
        ("app.placeholder", "postgresql://app:[PASSWORD]@db.example.com/shop"),
        ("app.url", "postgresql://app:pl4nted@db.example.com/shop?sslmode=require&&x"),
        ("app.driver", "mysql://app:pl4nted@db.example.com/shop"),
    ] {
        let text = format!("DATABASE_URL={url}\nDATABASE_PASSWORD=pl4nted\nDB_POOL_SIZE=5\n");
        fs::write(&file, text).unwrap();
        let run = |flags: &[&str]| {
            let check = ["check", "--only", id, "--format=json", "--env-file"];
            Pgtend::new().args(check).arg(&file).args(flags).run()
        };
        let named = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", db.name()];
        let output = run(&named).expect_code(2);
        let document = output.json();
        let server = &document["report"]["servers"][0];
        assert_eq!(server["server"]["database"], db.name(), "{document}");
        let key = &server["checks"][0]["findings"][0]["key"];
        assert_eq!(*key, format!("{id}:DATABASE_URL"), "{document}");
        for words in [
            "note: cannot read the connection string of DATABASE_URL (",
            ".env.production is not used: the command line names another",
        ] {
            assert!(output.stderr.contains(words), "{url}: {}", output.stderr);
        }
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(!said.contains("pl4nted"), "{said}");
        run(&[]).expect_code(64);
        run(&["-d", db.name(), "-U", "postgres"]).expect_code(64);
    }
}
