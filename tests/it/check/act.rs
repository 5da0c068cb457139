//! Activity.

use super::stage::{Fault, Stage, play};
use crate::harness::activity::{Client, Way};
use crate::harness::{ClusterSpec, Database, command};

pub const STAGES: &[Stage] = &[
    Stage::new(
        "act.long_query",
        "critical",
        "job/postgres",
        Fault::Acted(|db| {
            let mut job = client(db);
            job.send("SELECT pg_sleep(3600)");
            until(db, &format!("state = 'active' AND pid = {}", job.pid));
            Box::new(job)
        }),
    )
    .with("[check.limits]\n\"act.long_query\" = { warning = \"1ms\", critical = \"2ms\" }"),
    Stage::new("act.long_xact", "warning", "job/postgres", Fault::Acted(open_transaction))
        .with("[check.limits]\n\"act.long_xact\" = { warning = \"1ms\" }"),
    Stage::new("act.idle_in_xact", "critical", "job/postgres", Fault::Acted(open_transaction))
        .with("[check.limits]\n\"act.idle_in_xact\" = { warning = \"1ms\", critical = \"1ms\" }"),
    Stage::new(
        "act.xmin_horizon",
        "warning",
        "session job/postgres",
        Fault::Acted(|db| {
            let held = open_transaction(db);
            db.psql(&"SELECT txid_current();".repeat(9));
            held
        }),
    )
    .with("[check.limits]\n\"act.xmin_horizon\" = { warning = 8 }"),
    // From here on there is a prepared transaction.
    Stage::new(
        "act.prepared_xact",
        "warning",
        "order-7",
        Fault::Sql("BEGIN; SELECT txid_current(); PREPARE TRANSACTION 'order-7'"),
    )
    .with("[check.limits]\n\"act.prepared_xact\" = { warning = \"1ms\" }"),
    // The servers of the tests listen on no network.
    Stage::new(
        "act.nontls",
        "warning",
        "server",
        Fault::Recorded {
            question: "sessions",
            rows: r#"[
                {"role": "shop", "database": "shop", "unnamed": false, "plain_client": null,
                 "sessions": 7, "idle": 4, "unseen": 0},
                {"role": "shop", "database": "shop", "unnamed": true, "plain_client": "10.0.0.7",
                 "sessions": 2, "idle": 2, "unseen": 0}]"#,
        },
    ),
];

fn client(db: &Database<'_>) -> Client {
    Client::start_in(db.cluster(), db.name(), "postgres", "job", Way::Socket)
}

fn open_transaction(db: &Database<'_>) -> Box<dyn std::any::Any> {
    let mut job = client(db);
    job.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    until(db, &format!("state = 'idle in transaction' AND pid = {}", job.pid));
    Box::new(job)
}

/// Waits until a session is as `condition` says, and has been for longer than the limits above.
fn until(db: &Database<'_>, condition: &str) {
    let since = "clock_timestamp() > state_change + interval '5 ms'";
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE {condition} AND {since}");
    command::until(command::LIMIT, || (db.psql(&sql) == "1").then_some(()))
        .unwrap_or_else(|| panic!("it does not come to: {condition}"));
}

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default().set("max_prepared_transactions", "2").start();
    play(&cluster, STAGES);
}
