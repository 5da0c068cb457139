//! A server that is as it should be: nothing is found on it, and nothing is unknown.

use std::fs;

use serde_json::Value;

use crate::harness::pki::{Pki, TlsVariant};
use crate::harness::{ClusterSpec, Pgtend};

/// What the checks of the configuration ask for, and TLS.
fn spec(major: u32) -> ClusterSpec {
    let mut spec = ClusterSpec::major(major).tls(TlsVariant::Good).initdb("--data-checksums");
    for (name, value) in [
        ("shared_preload_libraries", "'pg_stat_statements'"),
        ("password_encryption", "'scram-sha-256'"),
        ("statement_timeout", "'60s'"),
        ("lock_timeout", "'5s'"),
        ("idle_in_transaction_session_timeout", "'60s'"),
        ("log_min_duration_statement", "'1s'"),
        ("log_lock_waits", "on"),
        ("track_io_timing", "on"),
        ("random_page_cost", "1.1"),
        // The harness has them off.
        ("fsync", "on"),
        ("full_page_writes", "on"),
    ] {
        spec = spec.set(name, value);
    }
    spec.hba(
        "local all postgres trust\nhostssl all monitor samehost scram-sha-256\n\
         hostssl all app samehost scram-sha-256\n",
    )
}

/// An application with a role of its own that owns nothing, and a role that looks.
const APPLICATION: &str = "
    CREATE EXTENSION pg_stat_statements;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    CREATE ROLE owner NOLOGIN;
    CREATE ROLE app LOGIN PASSWORD 'kx8-Tt2-long-enough';
    CREATE ROLE monitor LOGIN PASSWORD 'zq9-Uv3-long-enough';
    GRANT pg_monitor TO monitor;
    GRANT SELECT ON pg_hba_file_rules TO monitor;
    GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO monitor;
    GRANT SELECT (rolname, rolpassword, rolcanlogin) ON pg_authid TO monitor;
    CREATE SCHEMA shop AUTHORIZATION owner;
    SET ROLE owner;
    CREATE TABLE shop.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
    CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        customer bigint NOT NULL REFERENCES shop.customers);
    CREATE INDEX orders_customer ON shop.orders (customer);
    INSERT INTO shop.customers (name) SELECT 'n' || g FROM generate_series(1, 500) g;
    INSERT INTO shop.orders (customer) SELECT 1 + g % 500 FROM generate_series(1, 2000) g;
    RESET ROLE;
    GRANT USAGE ON SCHEMA shop TO app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO app;";

#[test]
fn nothing_is_found_and_nothing_is_unknown() {
    for major in [15, 18] {
        let cluster = spec(major).start();
        let db = cluster.create_db("healthy");
        db.psql(APPLICATION);
        db.psql("GRANT pg_read_all_data TO monitor");
        db.psql(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", db.name()));
        db.psql(&format!("GRANT CONNECT ON DATABASE {} TO app, monitor", db.name()));
        db.psql("ANALYZE");
        let url = format!(
            "postgresql://monitor@localhost:{}/{}?sslmode=verify-full&sslrootcert={}",
            cluster.port(),
            db.name(),
            Pki::shared().ca.display()
        );
        let pgtend = Pgtend::new();
        let config = pgtend.home().join("check.toml");
        // This machine may be busy with other tests.
        fs::write(&config, "[check.limits]\n\"conn.reachable\" = { warning = \"30s\" }").unwrap();
        let output = pgtend
            .args(["check", "--url", &url, "--interval=1s", "--format=json", "--config"])
            .arg(&config)
            .env("PGPASSWORD", "zq9-Uv3-long-enough")
            .run();
        let document = output.json();
        let checks = document["report"]["servers"][0]["checks"].as_array().expect("checks");
        let bad: Vec<&Value> = checks
            .iter()
            // The servers of the tests are as old as they are, and grow older.
            .filter(|check| !check["id"].as_str().unwrap().starts_with("ver."))
            .filter(|check| {
                !["healthy", "info", "not-applicable"].contains(&check["status"].as_str().unwrap())
            })
            .collect();
        assert!(bad.is_empty(), "PostgreSQL {major}: {bad:#?}");
        assert!(output.code < 2, "exit {}", output.code);
        assert!(checks.len() > 80, "{}", checks.len());
    }
}
