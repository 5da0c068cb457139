//! The environment blocks of the five guides through `check --env-file`: what is wrong in each is
//! found, and nothing else.

use std::fs;

use crate::guides::cases::CASES;
use crate::harness::{ClusterSpec, Pgtend};

/// Blocks that are no server's: name of the file, text.
const MORE: &[(&str, &str, &str)] = &[
    (
        "000 settings for RDS",
        "app",
        "DB_CONNECT_TIMEOUT=10
DB_READ_TIMEOUT=30
DB_SSL_MODE=require
DB_APPLICATION_NAME=kitchen_manager_api
DB_STATEMENT_TIMEOUT=30000
DB_IDLE_TIMEOUT=300000",
    ),
    ("001 tokens", "app", "JWT_SECRET_KEY=your-super-secret-key-here\nJWT_ALGORITHM=HS256"),
    (
        "002 security",
        "app",
        "DB_REQUIRE_SSL=true
DB_SSL_VERIFY_MODE=required
DB_PRIMARY_SSL_MODE=require
DB_PRIMARY_SSL_CA=/path/to/ca-cert.pem",
    ),
    (
        "002 replicas",
        "app",
        "DB_READ_REPLICA_URLS=postgresql://replica1:password@host1:5432/database,postgresql://replica2:password@host2:5432/database
DB_READ_REPLICA_1_WEIGHT=5
DB_READ_REPLICA_2_WEIGHT=5",
    ),
    (
        "002 server for backups",
        "app",
        "DB_BACKUP_URL=postgresql://backup:password@backup-host:5432/database",
    ),
    (
        "002 production",
        "app",
        "FLASK_ENV=production
DB_POOL_SIZE=20
DB_ENABLE_QUERY_LOGGING=true
DB_REQUIRE_SSL=true
DB_ENABLE_BACKUP_VERIFICATION=true",
    ),
    (
        "004 primary and replica",
        "app",
        "PRIMARY_DB_URL = \"postgresql://user:pass@primary-db:5432/halcytone_prod\"
REPLICA_DB_URL = \"postgresql://user:pass@replica-db:5432/halcytone_prod\"",
    ),
    (
        "001 Supabase, not filled in",
        "app",
        "DATABASE_URL=postgresql://postgres.[PROJECT-REF]:[PASSWORD]@aws-0-[REGION].pooler.supabase.co:6543/postgres",
    ),
    // What guide 001 says of its development file, in the wrong place.
    (
        "001 the development file in production",
        ".env.production",
        "DATABASE_URL=postgresql://postgres:password@localhost:5432/mnfst_rag_dev
JWT_SECRET_KEY=dev-secret-key-not-for-production
LOG_LEVEL=DEBUG
SQL_ECHO=true",
    ),
];

/// What is found in each block: check and object.
const FOUND: &[(&str, &[&str])] = &[
    ("000 pool only", &["conn.budget:application"]),
    (
        "000 production, filled in",
        &[
            "app.conflict:DATABASE_PASSWORD",
            "app.placeholder:DATABASE_URL",
            "app.secret:DATABASE_PASSWORD",
            "app.tls:DATABASE_URL",
            "conn.budget:application",
        ],
    ),
    (
        "000 production, not filled in",
        &[
            "app.placeholder:DATABASE_HOST",
            "app.placeholder:DATABASE_PASSWORD",
            "app.placeholder:DATABASE_URL",
            "app.placeholder:DATABASE_USER",
            "app.tls:DATABASE_URL",
        ],
    ),
    (
        "000 production, parts alone, not filled in",
        &["app.placeholder:DATABASE_HOST", "app.tls:DATABASE_HOST"],
    ),
    (
        "000 production, user not filled in",
        &["app.placeholder:DATABASE_USER", "app.tls:DATABASE_HOST"],
    ),
    ("000 settings for RDS", &["app.tls:DB_SSL_MODE"]),
    (
        "001 .env.production: the vault's key is unknown, which hinders nobody",
        &["app.secret:DATABASE_URL", "conn.budget:application"],
    ),
    ("001 .env.staging", &["app.secret:DATABASE_URL", "app.secret:JWT_SECRET_KEY"]),
    ("001 Supabase direct", &["app.placeholder:DATABASE_URL", "app.tls:DATABASE_URL"]),
    ("001 Supabase direct, filled in", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    ("001 Supabase pooler", &["app.placeholder:DATABASE_URL", "app.tls:DATABASE_URL"]),
    (
        "001 Supabase pooler, filled in: session mode",
        &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"],
    ),
    (
        "001 Supabase's session pooler that is neither, filled in",
        &["app.secret:DATABASE_URL", "app.supabase_ports:DATABASE_URL", "app.tls:DATABASE_URL"],
    ),
    (
        "001 Supabase, not filled in",
        &[
            "app.placeholder:DATABASE_URL",
            "app.supabase_ports:DATABASE_URL",
            "app.tls:DATABASE_URL",
        ],
    ),
    (
        "001 TLS and a time limit in the URL",
        &["app.placeholder:DATABASE_URL", "app.tls:DATABASE_URL"],
    ),
    ("001 a name in the URL", &["app.placeholder:DATABASE_URL"]),
    ("001 another kind of database that its settings allow", &["app.driver:DATABASE_URL"]),
    ("001 asyncpg", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    (
        "001 basic, and 002 core: words where values belong",
        &["app.placeholder:DATABASE_URL", "app.tls:DATABASE_URL"],
    ),
    (
        "001 certificates by path, two authorities",
        &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"],
    ),
    ("001 certificates in the URL", &["app.placeholder:DATABASE_URL", "app.tls:DATABASE_URL"]),
    ("001 every mode, one after the other: the last line stands", &["app.secret:DATABASE_URL"]),
    ("001 remote", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    (
        "001 the development file in production",
        &[
            "app.debug:LOG_LEVEL",
            "app.debug:SQL_ECHO",
            "app.secret:DATABASE_URL",
            "app.secret:JWT_SECRET_KEY",
        ],
    ),
    (
        "001 the names that pydantic reads with its prefix",
        &[
            "app.prefix:DB_DATABASE_URL",
            "app.prefix:DB_DB_COMMAND_TIMEOUT",
            "app.prefix:DB_DB_CONNECT_TIMEOUT",
            "app.prefix:DB_DB_POOL_SIZE",
            "app.prefix:DB_DB_SSL_CERT_PATH",
            "app.prefix:DB_DB_SSL_MODE",
            "app.secret:DB_DATABASE_URL",
            "app.tls:DB_DATABASE_URL",
        ],
    ),
    ("001 tokens", &["app.secret:JWT_SECRET_KEY"]),
    (
        "002 all blocks together",
        &[
            "app.placeholder:DATABASE_URL",
            "app.timeouts:DB_CONNECT_TIMEOUT",
            "conn.budget:application",
        ],
    ),
    ("002 development", &["app.placeholder:DATABASE_URL"]),
    ("002 production", &["app.tls:DB_REQUIRE_SSL"]),
    (
        "002 replicas",
        &[
            "app.placeholder:DB_READ_REPLICA_URLS[1]",
            "app.placeholder:DB_READ_REPLICA_URLS[2]",
            "app.tls:DB_READ_REPLICA_URLS[1]",
            "app.tls:DB_READ_REPLICA_URLS[2]",
        ],
    ),
    ("002 server for backups", &["app.secret:DB_BACKUP_URL", "app.tls:DB_BACKUP_URL"]),
    ("004 Azure, as it has to be written", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    (
        "004 Azure, with two @",
        &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL", "app.url_encoding:DATABASE_URL"],
    ),
    ("004 Cloud SQL's socket; TLS is not for sockets", &["app.secret:DATABASE_URL"]),
    ("004 MongoDB", &["app.driver:DATABASE_URL"]),
    ("004 MySQL and MongoDB, which it supports beside", &["app.driver:DATABASE_URL"]),
    ("004 PgBouncer", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    ("004 RDS", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    ("004 RDS's bundle of authorities", &["app.placeholder:DATABASE_URL"]),
    ("004 TLS in the URL", &["app.secret:DATABASE_URL"]),
    ("004 basic", &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL"]),
    ("004 certificates beside the URL", &["app.secret:DATABASE_URL"]),
    (
        "004 pool in the URL",
        &["app.secret:DATABASE_URL", "app.tls:DATABASE_URL", "app.url_parameters:DATABASE_URL"],
    ),
    (
        "004 primary and replica",
        &[
            "app.secret:PRIMARY_DB_URL",
            "app.secret:REPLICA_DB_URL",
            "app.tls:PRIMARY_DB_URL",
            "app.tls:REPLICA_DB_URL",
        ],
    ),
    (
        "004 the exporter's own string is not the application's",
        &["app.secret:DATA_SOURCE_NAME", "app.tls:DATA_SOURCE_NAME"],
    ),
    (
        "004 the exporter's string beside the application's",
        &[
            "app.secret:DATA_SOURCE_NAME",
            "app.secret:PRIMARY_DB_URL",
            "app.tls:DATA_SOURCE_NAME",
            "app.tls:PRIMARY_DB_URL",
        ],
    ),
    ("004 the format, not filled in", &["app.placeholder:DATABASE_URL"]),
];

/// Name, file's name and text of every block.
fn blocks() -> Vec<(&'static str, &'static str, &'static str)> {
    let of_cases = CASES.iter().map(|case| {
        let file = [".env.production", ".env.staging", ".env.development"]
            .into_iter()
            .find(|file| case.name.contains(file));
        (case.name, file.unwrap_or("app"), case.text)
    });
    of_cases.chain(MORE.iter().copied()).collect()
}

#[test]
fn what_is_wrong_in_the_guides_blocks_is_found_and_nothing_else() {
    let cluster = ClusterSpec::default().set("max_connections", "60").start();
    let db = cluster.create_db("check");
    let mut problems = Vec::new();
    for (name, file, text) in blocks() {
        let pgtend = Pgtend::new();
        fs::write(pgtend.home().join(file), text).unwrap();
        let only = ["--only", "app,conn.budget", "--format=json", "--env-file", file];
        let home = pgtend.home().to_owned();
        let output = pgtend.args(["check", "--url", &db.url()]).args(only).current_dir(&home).run();
        if output.code > 3 {
            problems.push(format!("{name}: exit {}: {}", output.code, output.stderr));
            continue;
        }
        let document = output.json();
        let checks = document["report"]["servers"][0]["checks"].as_array().unwrap();
        let mut found: Vec<String> = checks
            .iter()
            .flat_map(|check| check["findings"].as_array().unwrap())
            .map(|finding| finding["key"].as_str().unwrap().to_owned())
            .collect();
        found.sort();
        let wanted = FOUND.iter().find(|(block, _)| *block == name);
        let mut wanted: Vec<&str> = wanted.map(|(_, keys)| keys.to_vec()).unwrap_or_default();
        wanted.sort_unstable();
        if found != wanted {
            problems.push(format!("(\n{name:?}, &{found:?}),"));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
