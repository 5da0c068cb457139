//! Connections.

use std::io::{Read, Write};

use super::again::{Again, psql};
use super::stage::{Fault, Stage, play};
use crate::harness::ClusterSpec;
use crate::harness::activity::{Client, Way};
use crate::harness::{Database, command};

pub const STAGES: &[Stage] = &[
    Stage::new(
        "conn.utilization",
        "critical",
        "server",
        Fault::Acted(|db| Box::new([(); 4].map(|()| client(db, "postgres", "app")))),
    )
    .with("[check.limits]\n\"conn.utilization\" = { warning = 4, critical = 5 }"),
    Stage::new(
        "conn.role_limit",
        "critical",
        "role small",
        Fault::Acted(|db| {
            db.psql("CREATE ROLE small LOGIN CONNECTION LIMIT 2");
            Box::new([(); 2].map(|()| client(db, "small", "app")))
        }),
    ),
    Stage::new(
        "conn.idle_share",
        "warning",
        "server",
        Fault::Acted(|db| {
            let clients = [(); 4].map(|()| client(db, "postgres", "app"));
            let idle = "SELECT count(*) = 4 FROM pg_stat_activity WHERE state = 'idle'";
            until(db, idle);
            Box::new(clients)
        }),
    )
    .with("[check.limits]\n\"conn.idle_share/sessions\" = { warning = 3 }"),
    Stage::new(
        "conn.app_unnamed",
        "warning",
        "server",
        Fault::Acted(|db| Box::new([(); 2].map(|()| client(db, "postgres", "")))),
    ),
    Stage::new(
        "conn.churn",
        "critical",
        "check_",
        Fault::Acted(|db| {
            let mut psql = psql(db);
            Box::new(Again::and_again(move || {
                command::run(&mut psql, "SELECT 1").expect_success("psql");
            }))
        }),
    )
    .with("[check.limits]\n\"conn.churn\" = { warning = 0.1, critical = 0.2 }")
    .args(&["--interval=3s"]),
    Stage::new(
        "conn.abandoned",
        "warning",
        "check_",
        Fault::Acted(|db| {
            let mut psql = psql(db);
            Box::new(Again::and_again(move || {
                let mut client = psql.spawn().unwrap();
                client.stdin.as_mut().unwrap().write_all(b"SELECT 1;\n").unwrap();
                client.stdout.as_mut().unwrap().read_exact(&mut [0; 2]).unwrap();
                client.kill().unwrap();
                client.wait().unwrap();
            }))
        }),
    )
    .with("[check.limits]\n\"conn.abandoned\" = { warning = 0.01 }")
    .args(&["--interval=3s"]),
    // The last one: it makes all that follows slow.
    Stage::new(
        "conn.reachable",
        "warning",
        "server",
        Fault::Acted(|db| {
            db.psql("ALTER SYSTEM SET pre_auth_delay = '4s'; SELECT pg_reload_conf()");
            until(db, "SELECT current_setting('pre_auth_delay') = '4s'");
            Box::new(())
        }),
    )
    .with("[check.limits]\n\"conn.reachable\" = { warning = \"3s\" }"),
];

fn client(db: &Database<'_>, user: &str, application: &str) -> Client {
    Client::start_in(db.cluster(), db.name(), user, application, Way::Socket)
}

fn until(db: &Database<'_>, sql: &str) {
    command::until(command::LIMIT, || (db.psql(sql) == "t").then_some(()))
        .unwrap_or_else(|| panic!("it does not come to: {sql}"));
}

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default().set("max_connections", "20").start();
    play(&cluster, STAGES);
}
