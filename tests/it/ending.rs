//! `connections cancel` and `connections terminate`: who is ended, who never, and not without
//! consent.

use pgtend::conn::Type;
use pgtend::sql;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::pgbouncer::PoolSpec;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend, command};
use crate::pooler::detected::with_session;
use crate::scene::{PATIENCE, Psql, wait_for};

/// A session of this role and application that has run something.
fn session(db: &Database<'_>, role: &str, application: &str, sql: &str) -> Psql {
    let more = if application == "copy" { " replication=database" } else { "" };
    let conninfo = format!("dbname={} user={role} application_name={application}{more}", db.name());
    let mut psql = Psql::start(db.cluster(), &conninfo);
    psql.send("\\set ON_ERROR_STOP 0");
    psql.send(sql);
    let come = "AND (state LIKE 'idle%' OR query LIKE '%sleep%')";
    wait_for(db, application, &format!("SELECT count(*) = 1 {} {come}", is(application)));
    psql
}

/// It has come to its statement.
fn is(application: &str) -> String {
    format!(
        "FROM pg_stat_activity WHERE application_name = '{application}'
            AND datname = current_database()
            AND (query LIKE '%/* here */%' OR backend_type = 'walsender')"
    )
}

fn pid(db: &Database<'_>, application: &str) -> String {
    db.psql(&format!("SELECT pid {}", is(application)))
}

/// How many sessions the application has.
fn count(db: &Database<'_>, application: &str) -> String {
    db.psql(&format!("SELECT count(*) {}", is(application)))
}

fn pgtend(db: &Database<'_>, role: &str, words: &[&str]) -> Pgtend {
    let port = db.cluster().port();
    let url = format!("postgresql://{role}@127.0.0.1:{port}/{}", db.name());
    Pgtend::new().args(["connections"]).args(words).args(["--url", &url])
}

fn report(db: &Database<'_>, role: &str, code: i32, words: &[&str]) -> Value {
    let run = pgtend(db, role, words).arg("--format=json").run();
    run.expect_code(code).json()["report"].clone()
}

fn outcomes(report: &Value) -> Vec<&str> {
    let sessions = report["sessions"].as_array().unwrap();
    sessions.iter().map(|one| one["outcome"].as_str().unwrap()).collect()
}

fn reasons(report: &Value) -> String {
    let left = report["left_out"].as_array().unwrap();
    left.iter().map(|one| one["reason"].as_str().unwrap()).collect::<Vec<_>>().join("; ")
}

const IDLE: &str = "BEGIN; SELECT 1 /* here */;";
const BUSY: &str = "SELECT pg_sleep(50) /* here */;";

fn cluster() -> Cluster {
    let cluster = ClusterSpec::default().start();
    cluster.psql(
        "postgres",
        "CREATE ROLE app LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE watch LOGIN;
         CREATE ROLE op LOGIN; GRANT pg_monitor TO watch, op; GRANT pg_signal_backend TO op;
         ALTER ROLE app REPLICATION",
    );
    cluster
}

#[test]
fn sessions_are_ended_with_consent_only_and_only_those_that_are_meant() {
    let cluster = cluster();
    let db = cluster.create_db("ending");
    consent(&db);
    statements_are_cancelled(&db);
    protected(&db);
    privileges(&db);
    identity(&db);
    on_a_terminal(&db);
    through_a_pooler(&db);
    stopped(&db);
}

fn consent(db: &Database<'_>) {
    let _jobs = [session(db, "app", "job1", IDLE), session(db, "app", "job2", IDLE)];
    let other = session(db, "app", "other", IDLE);
    let there = || count(db, "job1") + &count(db, "job2") + &count(db, "other");
    let jobs = ["terminate", "--of-app=job*", "--state=idle-in-transaction"];
    let refused = pgtend(db, "postgres", &jobs).run().expect_code(77);
    for words in ["--yes", "app@", "job1", "job2", "SELECT 1 /* here */"] {
        assert!(refused.stderr.contains(words), "{words} in {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("other"), "{}", refused.stderr);
    let dry = report(db, "postgres", 0, &[&jobs[..], &["--dry-run"]].concat());
    assert_eq!((outcomes(&dry), &dry["dry_run"]), (vec!["chosen", "chosen"], &true.into()));
    // Nobody has been in a state for a day.
    let none = [&jobs[..], &["--min-duration=1d", "--yes"]].concat();
    let told = pgtend(db, "postgres", &none).run().expect_code(0).stdout;
    assert!(told.starts_with("no session to be ended"), "{told}");
    let none = report(db, "postgres", 0, &["terminate", "--of-user=ap", "--yes"]);
    assert_eq!(none["sessions"], serde_json::json!([]));
    for wrong in [
        &["terminate"][..],
        &["cancel", "--yes"],
        &["terminate", "7", "--of-user=app"],
        &["terminate", "0"],
        &["terminate", "--state=busy"],
        &["terminate", "--min-duration=soon"],
    ] {
        pgtend(db, "postgres", wrong).run().expect_code(64);
    }
    assert_eq!(there(), "111");
    let ended = report(db, "postgres", 0, &[&jobs[..], &["--yes"]].concat());
    assert_eq!(outcomes(&ended), ["ended", "ended"]);
    assert_eq!(there(), "001");
    // A number that is no process is no success, and what was asked for beside it is done.
    let number = pid(db, "other");
    let told = report(db, "postgres", 1, &["terminate", &number, "999999999", "--yes"]);
    assert_eq!(outcomes(&told), ["ended", "not-there"]);
    assert_eq!(there(), "000");
    drop(other);
}

fn statements_are_cancelled(db: &Database<'_>) {
    let _busy = session(db, "app", "busy", BUSY);
    let _idle = session(db, "app", "idle", IDLE);
    let told = report(db, "postgres", 0, &["cancel", "--of-user=app", "--yes"]);
    assert_eq!(outcomes(&told), ["ended"]);
    assert!(reasons(&told).contains("terminate ends it"), "{told:#}");
    assert_eq!(count(db, "busy") + &count(db, "idle"), "11");
    assert_eq!(db.psql(&format!("SELECT state {}", is("busy"))), "idle");
    let told = report(db, "postgres", 1, &["cancel", &pid(db, "idle"), "--yes"]);
    assert_eq!((outcomes(&told), reasons(&told).is_empty()), (vec![], false));
    report(db, "postgres", 0, &["terminate", "--of-user=app", "--yes"]);
    assert_eq!(count(db, "busy") + &count(db, "idle"), "00");
}

fn protected(db: &Database<'_>) {
    let copy = session(db, "app", "copy", "IDENTIFY_SYSTEM;");
    let lock = format!("SELECT pg_advisory_lock({}) /* here */;", sql::BACKUP_LOCK);
    let backup = session(db, "app", "backup", &lock);
    let refused = pgtend(db, "postgres", &["terminate", &pid(db, "copy"), "--yes"]).run();
    assert!(refused.expect_code(77).stderr.contains("replication"));
    // A session of psql lives on for a moment after its psql, and would be ended too.
    let others = format!(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = '{}' AND application_name NOT IN ('copy', 'backup')",
        db.name()
    );
    let alone = || (db.cluster().psql("postgres", &others) == "0").then_some(());
    command::until(PATIENCE, alone).expect("the others' sessions end");
    let told = report(db, "postgres", 0, &["terminate", "--of-app=*", "--of-db=ending*", "--yes"]);
    assert_eq!(outcomes(&told), Vec::<&str>::new());
    for words in ["replication", "a backup of pgtend runs", "this session of pgtend"] {
        assert!(reasons(&told).contains(words), "{words} in {told:#}");
    }
    assert_eq!(count(db, "copy") + &count(db, "backup"), "11");
    // The server's own.
    let own = db.psql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
    pgtend(db, "postgres", &["terminate", &own, "--yes"]).run().expect_code(77);
    // By its number a backup is ended, and it is said before.
    let ended = pgtend(db, "postgres", &["terminate", &pid(db, "backup"), "--yes"]).run();
    let ended = ended.expect_code(0).stderr;
    assert!(ended.contains("warning") && ended.contains("a backup of pgtend runs"), "{ended}");
    assert_eq!(count(db, "backup"), "0");
    drop((copy, backup));
}

fn privileges(db: &Database<'_>) {
    let _others = [session(db, "app", "theirs", IDLE), session(db, "postgres", "boss", IDLE)];
    let _own = session(db, "plain", "own", IDLE);
    let theirs = pid(db, "theirs");
    // What is hidden is never ended, and never counts as nothing.
    let hidden = pgtend(db, "plain", &["terminate", &theirs, "--yes"]).run().expect_code(77);
    assert!(hidden.stderr.contains("GRANT pg_signal_backend TO \"plain\""), "{}", hidden.stderr);
    let told = report(db, "plain", 3, &["terminate", "--state=idle-in-transaction", "--yes"]);
    assert_eq!(outcomes(&told), ["ended"], "its own: {told:#}");
    assert!(told["unseen"][0].as_str().unwrap().contains("GRANT pg_monitor TO \"plain\""));
    assert_eq!(count(db, "own"), "0");
    // Seeing is not ending.
    let told = report(db, "watch", 77, &["terminate", &theirs, "--yes"]);
    assert_eq!(outcomes(&told), ["refused"]);
    let why = told["sessions"][0]["why"].as_str().unwrap();
    assert!(why.contains("GRANT pg_signal_backend TO \"watch\""), "{why}");
    // A superuser's session is out of reach even so; the other one is ended.
    let told = report(db, "op", 77, &["terminate", "--state=idle-in-transaction", "--yes"]);
    let mut all = outcomes(&told);
    all.sort_unstable();
    assert_eq!(all, ["ended", "refused"], "{told:#}");
    assert!(told.to_string().contains("only a superuser ends"), "{told:#}");
    assert_eq!(count(db, "theirs") + &count(db, "boss"), "01");
}

/// A process id that another session has by now.
fn identity(db: &Database<'_>) {
    let _other = session(db, "app", "later", IDLE);
    let number: i32 = pid(db, "later").parse().unwrap();
    let began = db.psql(&format!(
        "SELECT (date_part('epoch', backend_start) * 1000000)::int8 {}",
        is("later")
    ));
    let began: i64 = began.parse().unwrap();
    let state = db.psql(&format!(
        "SELECT (date_part('epoch', state_change) * 1000000)::int8 {}",
        is("later")
    ));
    let state: i64 = state.parse().unwrap();
    let url = db.url();
    let ask = |text: &str, number: i32, began: i64, statement: i64, state: Option<i64>| {
        with_session(&url, async |session| {
            let params: pgtend::conn::Params<'_> = &[
                (&number, Type::INT4),
                (&began, Type::INT8),
                (&statement, Type::INT8),
                (&state, Type::INT8),
            ];
            let rows = session.rows(text, params).await.unwrap();
            rows.first().map(|row| (row.get::<_, bool>("same"), row.get::<_, Option<bool>>("sent")))
        })
    };
    let terminate = sql::CONNECTIONS_TERMINATE.text;
    assert_eq!(ask(terminate, number, began - 1, 0, None), None);
    // It was chosen for what it did, and does something else by now.
    assert_eq!(ask(terminate, number, began, 0, Some(state - 1)), Some((false, None)));
    assert_eq!(count(db, "later"), "1");
    assert_eq!(ask(terminate, number, began, 0, Some(state)), Some((true, Some(true))));
    wait_for(db, "its end", &format!("SELECT count(*) = 0 {}", is("later")));

    let _busy = session(db, "app", "next", BUSY);
    let number: i32 = pid(db, "next").parse().unwrap();
    let time = |column: &str| -> i64 {
        let sql = format!("SELECT (date_part('epoch', {column}) * 1000000)::int8 {}", is("next"));
        db.psql(&sql).parse().unwrap()
    };
    let (began, statement) = (time("backend_start"), time("query_start"));
    let cancel = sql::CONNECTIONS_CANCEL.text;
    assert_eq!(ask(cancel, number, began, statement - 1, None), Some((false, None)));
    assert_eq!(db.psql(&format!("SELECT state {}", is("next"))), "active");
    assert_eq!(ask(cancel, number, began, statement, None), Some((true, Some(true))));
    let idle = format!("SELECT count(*) = 1 {} AND state = 'idle'", is("next"));
    wait_for(db, "the end of its statement", &idle);
    assert_eq!(ask(cancel, number, began, statement, None), Some((false, None)));
}

fn on_a_terminal(db: &Database<'_>) {
    for (answer, code, left) in [("n", 77, "1"), ("y", 0, "0")] {
        let job = session(db, "app", "asked", IDLE);
        let number = pid(db, "asked");
        let run = pgtend(db, "postgres", &["terminate", &number, "-q"]);
        let mut terminal = rexpect::session::spawn_command(run.command(), Some(60_000)).unwrap();
        let told = terminal.exp_string("Go on? [y/N] ").unwrap();
        assert!(told.contains(&format!("to be ended: {number} app@")), "{told}");
        terminal.send_line(answer).unwrap();
        let said = terminal.exp_eof().unwrap();
        match terminal.process().wait().unwrap() {
            rexpect::process::WaitStatus::Exited(_, found) => {
                assert_eq!(found, code, "{answer}: {said}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(count(db, "asked"), left, "{answer}");
        drop(job);
        wait_for(db, "its end", &format!("SELECT count(*) = 0 {}", is("asked")));
    }
}

fn through_a_pooler(db: &Database<'_>) {
    let _job = session(db, "app", "pooled", IDLE);
    let pooler = PoolSpec::mode("transaction").start(db.cluster());
    let url = pooler.url(db.name());
    let run = |more: &[&str]| {
        let run = Pgtend::new().args(["connections", "terminate", "--yes", "--url", &url]);
        run.args(more).arg("--format=json").run()
    };
    let told = run(&["--of-app=pooled"]).expect_code(0).json();
    assert_eq!(outcomes(&told["report"]), ["ended"]);
    assert_eq!(count(db, "pooled"), "0");
    let pooler = PoolSpec::mode("statement").start(db.cluster());
    let url = pooler.url(db.name());
    let run = Pgtend::new().args(["connections", "terminate", "7", "--yes", "--url", &url]).run();
    assert!(run.expect_code(69).stderr.contains("statement mode"));
}

/// A process that does not hear for now.
fn stopped(db: &Database<'_>) {
    let _job = session(db, "app", "deaf", IDLE);
    let number = pid(db, "deaf");
    let process = Pid::from_raw(number.parse().unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let told = pgtend(db, "postgres", &["terminate", &number, "--yes", "--format=json"]).run();
    kill_process(process, Signal::CONT).unwrap();
    let told = told.expect_code(2).json();
    assert_eq!(outcomes(&told["report"]), ["still-there"]);
    wait_for(db, "its end", &format!("SELECT count(*) = 0 {}", is("deaf")));
}

/// An autovacuum that prevents wraparound waits for its table until it gets it.
#[test]
fn a_vacuum_that_prevents_wraparound_is_never_ended() {
    let spec = ClusterSpec::default().set("autovacuum_freeze_max_age", "100000");
    let cluster = spec.set("autovacuum_naptime", "1s").start();
    let db = cluster.create_db("wrap");
    db.psql(
        "CREATE TABLE old AS SELECT 1 AS v;
         CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$ BEGIN
            FOR n IN 1..110000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
    );
    let _lock = session(&db, "postgres", "holder", "BEGIN; LOCK TABLE old; SELECT 1 /* here */;");
    db.psql("CALL burn()");
    let worker = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'
        AND query = 'autovacuum: VACUUM public.old (to prevent wraparound)'";
    let find = || Some(db.psql(worker)).filter(|pid| !pid.is_empty());
    let number = command::until(command::LIMIT, find).expect("an autovacuum");
    for how in ["cancel", "terminate"] {
        let refused = pgtend(&db, "postgres", &[how, &number, "--yes"]).run().expect_code(77);
        assert!(refused.stderr.contains("prevents wraparound"), "{}", refused.stderr);
    }
    let name = db.name();
    let told = report(&db, "postgres", 0, &["cancel", "--of-db", name, "--yes"]);
    assert!(reasons(&told).contains("prevents wraparound"), "{told:#}");
    assert_eq!(db.psql(worker), number);
}
