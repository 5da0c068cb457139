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
const FOUND: &[(&str, &[&str])] = &[];

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
