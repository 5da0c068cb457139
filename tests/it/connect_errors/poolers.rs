//! A pooler that says no: PgBouncer has one state for all of its refusals.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Child, Stdio};

use super::transcript::{SECRET, case, check};
use crate::harness::pgbouncer::{PASSWORD, PoolSpec};
use crate::harness::{Cluster, PgBouncer, Pgtend, command};

fn to(pooler: &PgBouncer, db: &'static str, password: &'static str) -> impl Fn(Pgtend) -> Pgtend {
    let port = pooler.port().to_string();
    move |pgtend: Pgtend| {
        let pgtend = pgtend.args(["-h", "127.0.0.1", "-U", "postgres", "-d", db, "-p", &port]);
        pgtend.env("PGPASSWORD", password)
    }
}

/// A client that has the only server connection, until its input ends.
fn holder(pooler: &PgBouncer) -> Child {
    let mut psql = pooler.psql_command("postgres");
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    psql.stdin.as_mut().unwrap().write_all(b"SELECT 1;\n").unwrap();
    let there = || pooler.log().contains("new connection to server").then_some(());
    command::until(command::LIMIT, there).expect("the holder has a server connection");
    psql
}

pub fn poolers() -> BTreeSet<String> {
    let cluster = Cluster::shared();
    let strict = PoolSpec::mode("session").only("postgres").start(cluster);
    let small = PoolSpec::mode("session").size(1).set("query_wait_timeout", "2").start(cluster);
    let full = PoolSpec::mode("session").set("max_client_conn", "1").start(cluster);
    let patient = PoolSpec::mode("session").size(1).start(cluster);
    let holders = [holder(&small), holder(&full), holder(&patient)];
    let waiting = to(&patient, "postgres", PASSWORD);
    let reasons = check(vec![
        case(
            "pooler-database",
            to(&strict, "nowhere", PASSWORD),
            69,
            "note: using the command line, 127.0.0.1:PORT/nowhere as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: a pooler is in between, and it says: no such database: nowhere
  next:  check --dbname: a pooler has a list of databases of its own (PgBouncer: [databases])
  exit:  69
",
        )
        .naming(strict.port(), "PORT"),
        case(
            "pooler-login",
            to(&strict, "postgres", SECRET),
            69,
            "note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: a pooler is in between, and it says: SASL authentication failed
  next:  check --username and the password: a pooler has a list of users of its own (PgBouncer: auth_file, auth_query)
  exit:  69
",
        )
        .naming(strict.port(), "PORT"),
        case(
            "pooler-wait",
            to(&small, "postgres", PASSWORD),
            69,
            "note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: a pooler is in between, and it says: query_wait_timeout
  next:  look whether the server behind the pooler runs, or raise the pool's size (PgBouncer: default_pool_size)
  exit:  69
",
        )
        .naming(small.port(), "PORT"),
        case(
            "silent-login: pooler",
            |pgtend| waiting(pgtend).env("PGCONNECT_TIMEOUT", "5"),
            69,
            "note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: the login was accepted, and the first statement not answered within 5 s
  next:  look whether the server at 127.0.0.1:PORT hangs, or a pooler there waits for a free server, or raise connect_timeout
  exit:  69
",
        )
        .naming(patient.port(), "PORT"),
        case(
            "pooler-full",
            to(&full, "postgres", PASSWORD),
            75,
            "note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: a pooler is in between, and it says: no more connections allowed (max_client_conn)
  next:  end clients of the pooler, or raise its limit (PgBouncer: max_client_conn)
  exit:  75
",
        )
        .naming(full.port(), "PORT"),
    ]);
    for mut holder in holders {
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
    reasons
}
