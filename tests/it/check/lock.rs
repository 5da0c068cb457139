//! Locks.

use std::thread;

use super::again::{Again, psql};
use super::stage::{Fault, Stage, play};
use crate::harness::activity::{Client, Way};
use crate::harness::{ClusterSpec, Database, command};

/// Two rows that transactions want.
const STOCK: &str = "CREATE TABLE stock (id int PRIMARY KEY, number int);
                     INSERT INTO stock VALUES (1, 0), (2, 0)";

pub const STAGES: &[Stage] = &[
    Stage::new(
        "lock.blocking",
        "critical",
        "root/postgres",
        Fault::Acted(|db| Box::new(queue(db))),
    )
    .after(STOCK)
    .with("[check.limits]\n\"lock.blocking\" = { warning = \"1ms\", critical = \"2ms\" }"),
    Stage::new("lock.waiters", "warning", "server", Fault::Acted(|db| Box::new(queue(db))))
        .after(STOCK)
        .with("[check.limits]\n\"lock.waiters\" = { warning = 2 }"),
    Stage::new(
        "lock.table",
        "critical",
        "server",
        Fault::Acted(|db| {
            let mut holder = client(db, "holder");
            holder.ask("SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 300) g");
            Box::new(holder)
        }),
    )
    .with("[check.limits]\n\"lock.table\" = { warning = 200, critical = 300 }"),
    Stage::new(
        "lock.deadlocks",
        "critical",
        "check_",
        Fault::Acted(|db| {
            let mut one = psql(db);
            let mut other = psql(db);
            Box::new(Again::and_again(move || {
                thread::scope(|both| {
                    both.spawn(|| command::run(&mut one, &crossing(1, 2)));
                    command::run(&mut other, &crossing(2, 1));
                });
            }))
        }),
    )
    .after(STOCK)
    .with("[check.limits]\n\"lock.deadlocks\" = { warning = 0.5, critical = 1 }")
    .args(&["--interval=5s"]),
];

/// A transaction that updates one row, and the other one when somebody else has updated that.
fn crossing(first: u32, then: u32) -> String {
    format!(
        "BEGIN; UPDATE stock SET number = 1 WHERE id = {first};
         DO 'BEGIN
             FOR look IN 1..3000 LOOP
                 EXIT WHEN (SELECT count(*) > 1 FROM pg_locks
                             WHERE locktype = ''transactionid'' AND granted);
                 PERFORM pg_sleep(0.01);
             END LOOP;
         END';
         UPDATE stock SET number = 1 WHERE id = {then}; COMMIT;"
    )
}

fn client(db: &Database<'_>, application: &str) -> Client {
    Client::start_in(db.cluster(), db.name(), "postgres", application, Way::Socket)
}

/// One that holds a row, one that waits for it and one that waits for that one.
pub fn queue(db: &Database<'_>) -> [Client; 3] {
    let mut root = client(db, "root");
    root.ask("BEGIN; UPDATE stock SET number = 1 WHERE id = 1 RETURNING 1");
    let mut middle = client(db, "middle");
    middle.ask("BEGIN; UPDATE stock SET number = 2 WHERE id = 2 RETURNING 1");
    middle.send("UPDATE stock SET number = 2 WHERE id = 1");
    let mut last = client(db, "last");
    last.send("UPDATE stock SET number = 3 WHERE id = 2");
    let waits = "SELECT count(DISTINCT pid) = 2 FROM pg_locks
                 WHERE NOT granted AND waitstart < clock_timestamp() - interval '5 ms'";
    command::until(command::LIMIT, || (db.psql(waits) == "t").then_some(()))
        .expect("two sessions wait");
    [root, middle, last]
}

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default().set("deadlock_timeout", "100ms").start();
    play(&cluster, STAGES);
}
