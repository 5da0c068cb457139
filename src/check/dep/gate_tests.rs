use serde_json::{Value, json};

use super::super::migrations::{INVALID_LEFTOVERS, MIGRATION_LINT, REWRITE, ROLE_TIMEOUTS};
use super::super::plan::Plan;
use super::super::room::DISK_FOR_REWRITE;
use super::super::sessions::{DUMP_RUNNING, LOCKS_ON_TARGET, LONG_XACT};
use super::super::sources::Source;
use super::*;
use crate::check::registry::Check;
use crate::check::sample::{Sample, setting};
use crate::check::verdict::{Judged, Silence};
use crate::report::check::Level;
use crate::report::forecast::{Go, Step};
use crate::settings::CheckSettings;

/// What is on the server; the migrations' role has a lock_timeout of 5 s.
struct Server {
    tables: Vec<Value>,
    sessions: Vec<Value>,
    /// In milliseconds.
    lock_timeout: &'static str,
    /// What roles and databases have instead.
    role_settings: Vec<Value>,
    plan_role: Option<&'static str>,
}

fn server(tables: &[Value]) -> Server {
    Server {
        tables: tables.to_vec(),
        sessions: Vec::new(),
        lock_timeout: "5000",
        role_settings: Vec::new(),
        plan_role: None,
    }
}

impl Server {
    /// A session that has this lock of a table and is still in its transaction.
    fn holder(mut self, pid: i32, table: &str, mode: &str) -> Self {
        self.sessions.push(json!({
            "pid": pid, "gid": null, "role": "shop", "application": "web", "state": "active",
            "backend_type": "client backend", "transaction_age": 60.5, "antiwrap": false,
            "backup": false, "dump": false, "has_snapshot": true,
            "locks": [{"schema": "public", "name": table, "mode": mode, "granted": true}]}));
        self
    }

    fn reader(self, pid: i32, table: &str) -> Self {
        self.holder(pid, table, "AccessShareLock")
    }

    fn writer(self, pid: i32, table: &str) -> Self {
        self.holder(pid, table, "RowExclusiveLock")
    }

    fn facts(&self, sql: &str) -> Sample {
        let mut settings = ["lock_timeout", "statement_timeout"].map(|name| setting(name, "0"));
        settings[0]["reset_val"] = json!(self.lock_timeout);
        settings.iter_mut().for_each(|setting| setting["unit"] = json!("ms"));
        let installed = json!({"has_statements": false, "extensions": ["citext", "plpgsql"],
                               "data_directory": null});
        let mut sample = Sample::of("deploy_tables", &self.tables)
            .with("deploy_sessions", &self.sessions)
            .with("settings", &settings)
            .with("role_settings", &self.role_settings)
            .with("deploy_extension", &[installed])
            .with("migrations", &[]);
        sample.facts.sight.role = "shop".to_owned();
        let source = Source { path: "m.sql".to_owned(), text: Some(sql.to_owned()) };
        Plan::new(&[source], self.plan_role, &sample.facts).keep(&mut sample.facts).unwrap();
        sample
    }

    /// What comes of each statement.
    fn steps(&self, sql: &str) -> Vec<Step> {
        let sample = self.facts(sql);
        let look = Look {
            check: &REWRITE,
            facts: &sample.facts,
            previous: None,
            limits: &Limits::default(),
            settings: &CheckSettings::default(),
            environment: None,
            deploy: &Shared::default(),
        };
        let gate = Gate::of(&look).unwrap();
        let plan = gate.plan.unwrap();
        plan.statements.iter().map(|statement| gate.step(statement)).collect()
    }

    /// What comes of the last one.
    fn last(&self, sql: &str) -> Step {
        self.steps(sql).pop().unwrap()
    }

    fn judged(&self, check: &'static Check, sql: &str) -> Judged {
        self.facts(sql).judged(check)
    }
}

fn table(name: &str, bytes: u64) -> Value {
    json!({"schema": "public", "name": name, "kind": "r", "bytes": bytes,
           "index_bytes": 0, "columns": {"id": "integer"}, "not_null_checks": [], "indexes": [],
           "foreign_keys": [], "is_partition": false, "parent": null, "default_partition": null})
}

/// The same with other fields.
fn with(mut table: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        table[name] = value.clone();
    }
    table
}

/// A partitioned table with a default partition, two others, and one that is none yet.
fn days(bytes_of_default: u64) -> Server {
    let id = |name: &str| json!({"schema": "public", "name": name});
    let parent = json!({"kind": "p", "default_partition": id("rest")});
    let partition = json!({"is_partition": true, "parent": id("days")});
    server(&[
        with(table("days", 0), &parent),
        with(table("monday", 8192), &partition),
        with(table("tuesday", 8192), &partition),
        with(table("rest", bytes_of_default), &partition),
        table("sunday", 8192),
    ])
}

const LARGE: u64 = 20_000_000_000;

#[test]
fn a_lock_timeout_that_is_off_does_not_go() {
    let mut server = server(&[table("t", 8192)]);
    assert_eq!(server.last("ALTER TABLE t ADD c int").verdict, Go::Go);
    let off = "SET lock_timeout = 0; ALTER TABLE t ADD c int";
    let step = server.last(off);
    assert_eq!(step.verdict, Go::NoGo);
    let why = "m.sql turns lock_timeout off: while it waits, all others wait behind it";
    assert_eq!(step.reason, why);
    let findings = server.judged(&ROLE_TIMEOUTS, off).unwrap().findings;
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].level, findings[0].object.as_str()), (Level::Critical, "m.sql"));
    let says = "lock_timeout is turned off before ALTER TABLE in m.sql:1";
    assert_eq!(findings[0].says, says);
    // Nobody waits behind it.
    let index = server.last("SET lock_timeout = 0; CREATE INDEX CONCURRENTLY i ON t (id)");
    assert_eq!(index.verdict, Go::Go, "{}", index.reason);
    // The role's own.
    server.lock_timeout = "0";
    let step = server.last("ALTER TABLE t ADD c int");
    assert_eq!(step.verdict, Go::NoGo);
    assert!(step.reason.starts_with("shop has no lock_timeout: "), "{}", step.reason);
    let step = server.last("SET lock_timeout = '2s'; ALTER TABLE t ADD c int");
    assert_eq!(step.verdict, Go::Go, "{}", step.reason);
}

#[test]
fn a_table_that_is_not_there_is_unknown_unless_it_is_made_before() {
    let server = server(&[table("t", 8192)]);
    for sql in [
        "ALTER TABLE gone ADD c int",
        "CREATE TABLE other (); ALTER TABLE gone ADD c int",
        "ALTER TABLE t DROP COLUMN IF EXISTS c; TRUNCATE gone",
        "UPDATE gone SET id = 1",
    ] {
        let step = server.last(sql);
        assert_eq!(step.verdict, Go::Unknown, "{sql}: {}", step.reason);
        assert_eq!(step.reason, "gone is neither there nor made before", "{sql}");
        let unseen = server.judged(&MIGRATION_LINT, sql).unwrap().unseen.unwrap();
        assert!(unseen.ends_with(": gone is neither there nor made before"), "{unseen}");
    }
    let steps = server.steps("ALTER TABLE gone ADD c int; CREATE TABLE gone ()");
    assert_eq!(steps[0].verdict, Go::Unknown);
    assert_eq!(steps[1].verdict, Go::Go);
    for sql in [
        "CREATE TABLE gone (); ALTER TABLE gone ADD c int",
        "ALTER TABLE t RENAME TO gone; ALTER TABLE gone ADD c int",
        "ALTER TABLE IF EXISTS gone ADD c int",
        "DROP TABLE IF EXISTS gone",
        "SELECT * FROM gone",
        "LOCK pg_catalog.pg_class IN SHARE MODE",
    ] {
        let step = server.last(sql);
        assert_eq!(step.verdict, Go::Go, "{sql}: {}", step.reason);
    }
}

#[test]
fn tables_that_were_not_read_are_not_missing_but_unseen() {
    let tables: Vec<Value> = (0..=1000).map(|number| table(&format!("t{number}"), 8192)).collect();
    let server = server(&tables);
    let sql = "ALTER TABLE small ADD c int";
    assert_eq!(server.last(sql).verdict, Go::Go);
    assert!(server.judged(&LOCKS_ON_TARGET, sql).unwrap().unseen.is_some());
    let unseen = server.judged(&LOCKS_ON_TARGET, "ALTER TABLE t7 ADD c int").unwrap().unseen;
    assert_eq!(unseen, None);
}

#[test]
fn every_row_of_a_large_table_is_too_many_to_change_at_once() {
    let server = server(&[table("t", LARGE), table("few", 8192)]);
    for sql in ["UPDATE t SET id = 1", "DELETE FROM t"] {
        let step = server.last(sql);
        assert_eq!(step.verdict, Go::NoGo, "{sql}");
        assert!(step.reason.ends_with(": it changes every row"), "{}", step.reason);
        assert!(step.scan && !step.rewrite);
        let findings = server.judged(&REWRITE, sql).unwrap().findings;
        assert_eq!(findings.len(), 1, "{sql}");
        assert_eq!(findings[0].object, "public.t");
        assert_eq!(findings[0].level, Level::Critical);
    }
    for sql in [
        "UPDATE t SET id = 1 WHERE id = 2",
        "DELETE FROM t WHERE id = 2",
        "UPDATE few SET id = 1",
        "DELETE FROM few",
        "INSERT INTO few SELECT * FROM t",
    ] {
        let step = server.last(sql);
        assert_eq!(step.verdict, Go::Go, "{sql}: {}", step.reason);
        assert!(server.judged(&REWRITE, sql).unwrap().findings.is_empty(), "{sql}");
    }
}

#[test]
fn a_new_partition_locks_and_reads_the_default_one() {
    for sql in [
        "ALTER TABLE days ATTACH PARTITION sunday FOR VALUES IN (7)",
        "CREATE TABLE saturday PARTITION OF days FOR VALUES IN (6)",
    ] {
        let step = days(8192).reader(7, "rest").last(sql);
        assert_eq!(step.verdict, Go::Wait, "{sql}: {}", step.reason);
        assert_eq!(step.pids, [7], "{sql}");
        assert!(step.reason.contains("public.rest is locked too"), "{}", step.reason);
        // Who reads another partition is not in the way.
        let step = days(8192).reader(7, "monday").last(sql);
        assert_eq!(step.verdict, Go::Go, "{sql}: {}", step.reason);
        let step = days(LARGE).last(sql);
        assert_eq!(step.verdict, Go::NoGo, "{sql}: {}", step.reason);
        assert!(step.reason.contains("public.rest is read whole (18.6 GiB)"), "{}", step.reason);
        let findings = days(LARGE).judged(&REWRITE, sql).unwrap().findings;
        assert_eq!(findings.len(), 1, "{sql}");
        assert_eq!(findings[0].object, "public.rest");
    }
}

#[test]
fn a_partition_that_goes_locks_its_parent_but_not_its_sisters() {
    for sql in ["DROP TABLE monday", "ALTER TABLE days DETACH PARTITION monday"] {
        for (table, verdict) in [
            ("monday", Go::Wait),
            ("days", Go::Wait),
            ("rest", Go::Wait),
            ("tuesday", Go::Go),
            ("sunday", Go::Go),
        ] {
            let step = days(LARGE).reader(7, table).last(sql);
            assert_eq!(step.verdict, verdict, "{sql} {table}: {}", step.reason);
            let found = days(LARGE).reader(7, table).judged(&LOCKS_ON_TARGET, sql).unwrap();
            assert_eq!(found.findings.is_empty(), verdict == Go::Go, "{sql} {table}");
        }
    }
    // All of it goes.
    let step = days(LARGE).reader(7, "tuesday").last("DROP TABLE days");
    assert_eq!(step.verdict, Go::Wait, "{}", step.reason);
    assert!(!step.reason.contains("locked too"), "{}", step.reason);
}

#[test]
fn partitions_take_their_foreign_keys_along() {
    let weeks = || {
        let mut server = days(8192);
        let key = json!({"schema": "public", "name": "weeks", "constraint": "k", "index": "i",
                         "columns": ["id"]});
        server.tables[0]["foreign_keys"] = json!([key]);
        server.tables.push(table("weeks", LARGE));
        server
    };
    let attach = "ALTER TABLE days ATTACH PARTITION sunday FOR VALUES IN (7)";
    let detach = "ALTER TABLE days DETACH PARTITION monday";
    for (sql, server, verdict) in [
        (attach, weeks().reader(7, "weeks"), Go::Go),
        (attach, weeks().writer(7, "weeks"), Go::Wait),
        (detach, weeks().reader(7, "weeks"), Go::Wait),
    ] {
        let step = server.last(sql);
        assert_eq!(step.verdict, verdict, "{sql}: {}", step.reason);
    }
}

#[test]
fn a_default_partition_that_was_not_read_is_unseen() {
    let mut server = days(8192);
    server.tables.retain(|table| table["name"] != "rest");
    let tables = (0..1000).map(|number| table(&format!("t{number}"), 8192));
    server.tables.extend(tables);
    let sql = "ALTER TABLE days ATTACH PARTITION sunday FOR VALUES IN (7)";
    assert!(server.judged(&LOCKS_ON_TARGET, sql).unwrap().unseen.is_some());
}

#[test]
fn nulls_that_a_check_before_rules_out_are_not_looked_for() {
    let server = server(&[table("t", LARGE), table("u", LARGE)]);
    let add = "ALTER TABLE t ADD CONSTRAINT k CHECK (id IS NOT NULL) NOT VALID;";
    let valid = "ALTER TABLE t VALIDATE CONSTRAINT k;";
    let set = "ALTER TABLE t ALTER id SET NOT NULL";
    let step = server.last(&format!("{add}{valid}{set}"));
    assert_eq!(step.verdict, Go::Go, "{}", step.reason);
    for sql in [
        set.to_owned(),
        format!("{add}{set}"),
        format!("{set};{add}{valid}{set}, DROP CONSTRAINT k"),
        format!("{add}{valid}ALTER TABLE t DROP CONSTRAINT k;{set}"),
        format!("BEGIN;{add}{valid}ROLLBACK;{set}"),
        format!("{add}{valid}ALTER TABLE u ALTER id SET NOT NULL"),
        format!("{}{valid}{set}", add.replace("id IS", "other IS")),
    ] {
        let step = server.last(&sql);
        assert_eq!(step.verdict, Go::NoGo, "{sql}");
        assert!(step.reason.contains("every row is read for nulls"), "{}", step.reason);
    }
}

#[test]
fn an_extension_that_is_there_is_not_made_again() {
    let server = server(&[]);
    let sql = "CREATE EXTENSION IF NOT EXISTS citext";
    assert_eq!(server.last(sql).verdict, Go::Go);
    assert_eq!(server.judged(&MIGRATION_LINT, sql).unwrap().unseen, None);
    assert_eq!(server.last(&format!("{sql} WHIT SCHEMA public")).verdict, Go::NoGo);
    for sql in [
        "CREATE EXTENSION IF NOT EXISTS hstore",
        "CREATE EXTENSION citext",
        "DO 'BEGIN CREATE EXTENSION IF NOT EXISTS citext; END'",
        "DROP EXTENSION IF EXISTS citext",
    ] {
        assert_eq!(server.last(sql).verdict, Go::Unknown, "{sql}");
        assert!(server.judged(&MIGRATION_LINT, sql).unwrap().unseen.is_some(), "{sql}");
    }
}

#[test]
fn names_lie_where_the_file_says() {
    let old = with(table("t", 8192), &json!({"schema": "old"}));
    let shop = with(table("u", 8192), &json!({"schema": "shop"}));
    let server = server(&[table("t", LARGE), old, shop]);
    let rewrite = "ALTER TABLE t ALTER id TYPE bigint";
    for (before, table) in [
        ("", Some("public.t")),
        ("SET search_path = old;", Some("old.t")),
        ("SET search_path TO nowhere, old, public;", Some("old.t")),
        ("SET search_path = old; RESET search_path;", Some("public.t")),
        ("SET search_path = nowhere;", None),
    ] {
        let step = server.last(&format!("{before}{rewrite}"));
        assert_eq!(step.table.as_deref(), table, "{before}");
        let verdict = match table {
            Some("public.t") => Go::NoGo,
            Some(_) => Go::Go,
            None => Go::Unknown,
        };
        assert_eq!(step.verdict, verdict, "{before}: {}", step.reason);
    }
    let step = server.last("SET search_path = '$user'; ALTER TABLE u ADD c int");
    assert_eq!(step.table.as_deref(), Some("shop.u"));
}

#[test]
fn a_lock_timeout_that_is_not_seen_is_unknown_and_not_none() {
    let mut server = server(&[table("t", 8192)]);
    let alter = "ALTER TABLE t ADD c int";
    let own = |role: Option<&str>, name: &str| json!({"database": null, "role": role, "name": name, "value": "1min"});
    server.plan_role = Some("migrator");
    assert_eq!(server.last(alter).verdict, Go::Go);
    // shop looks with its own, and so does not see what the server has for others.
    server.role_settings = vec![own(Some("shop"), "lock_timeout")];
    let step = server.last(alter);
    assert_eq!(step.verdict, Go::Unknown);
    let why = "what migrator has for lock_timeout cannot be told: shop has its own";
    assert_eq!(step.reason, why);
    let verdict = server.judged(&ROLE_TIMEOUTS, alter).unwrap();
    assert_eq!((verdict.findings.len(), verdict.unseen.as_deref()), (0, Some(why)));
    assert_eq!(server.last(&format!("SET lock_timeout = '2s'; {alter}")).verdict, Go::Go);
    server.role_settings.push(own(Some("migrator"), "lock_timeout"));
    assert_eq!(server.last(alter).verdict, Go::Go);
    assert_eq!(server.judged(&ROLE_TIMEOUTS, alter).unwrap().unseen, None);
    // One that would end CONCURRENTLY.
    let index = "CREATE INDEX CONCURRENTLY i ON t (id)";
    assert_eq!(server.judged(&ROLE_TIMEOUTS, index).unwrap().unseen, None);
    server.role_settings.push(own(Some("shop"), "statement_timeout"));
    let unseen = server.judged(&ROLE_TIMEOUTS, index).unwrap().unseen;
    assert!(unseen.unwrap().contains("statement_timeout cannot be told"));
}

#[test]
fn a_function_that_is_not_known_does_not_go() {
    let server = server(&[table("t", 8192)]);
    let sql = "SELECT create_hypertable('t', 'at')";
    let step = server.last(sql);
    assert_eq!(step.verdict, Go::Unknown);
    assert_eq!(step.reason, "what create_hypertable() does is not in the text");
    let unseen = server.judged(&MIGRATION_LINT, sql).unwrap().unseen.unwrap();
    assert!(unseen.contains("create_hypertable"), "{unseen}");
    let step = server.last("SELECT setval('t_id_seq', (SELECT max(id) FROM t))");
    assert_eq!(step.verdict, Go::Go, "{}", step.reason);
}

#[test]
fn locks_are_held_to_the_transactions_end() {
    let large = || server(&[table("t", LARGE), table("u", LARGE), table("few", 8192)]);
    let check = "ALTER TABLE t ADD CONSTRAINT k CHECK (id > 0) NOT VALID;";
    let key = "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES few NOT VALID;";
    let valid = "ALTER TABLE t VALIDATE CONSTRAINT k";
    for (before, mode) in [(check, "ACCESS EXCLUSIVE"), (key, "SHARE ROW EXCLUSIVE")] {
        for sql in [format!("{before}\n{valid}"), format!("BEGIN; {before}\n{valid}; COMMIT")] {
            let steps = large().steps(&sql);
            let step = steps.iter().find(|step| step.line == 2).unwrap();
            assert_eq!(step.verdict, Go::NoGo, "{sql}: {}", step.reason);
            let why = format!("line 1 of the same transaction holds {mode} on public.t meanwhile");
            assert!(step.reason.contains(&why), "{}", step.reason);
            let findings = large().judged(&REWRITE, &sql).unwrap().findings;
            assert_eq!(findings.len(), 1, "{sql}");
            assert!(findings[0].says.contains(&why), "{}", findings[0].says);
        }
        for sql in [
            format!("{before} COMMIT; {valid}"),
            format!("BEGIN; {before} COMMIT; BEGIN; {valid}; COMMIT"),
            format!("-- +goose NO TRANSACTION\n{before} {valid}"),
        ] {
            let steps = large().steps(&sql);
            let go = steps.iter().all(|step| step.verdict == Go::Go);
            assert!(go, "{sql}: {steps:?}");
            assert!(large().judged(&REWRITE, &sql).unwrap().findings.is_empty(), "{sql}");
        }
    }
    // Those who use another table wait as long.
    let step = large().last(&format!("ALTER TABLE few ADD c int; {valid}"));
    assert_eq!(step.verdict, Go::NoGo, "{}", step.reason);
    assert!(step.reason.contains("ACCESS EXCLUSIVE on public.few"), "{}", step.reason);
    // It is said of what is small too.
    let small = valid.replace(" t ", " few ");
    let step = large().last(&format!("ALTER TABLE few ADD c int; {small}"));
    assert_eq!(step.verdict, Go::Go, "{}", step.reason);
    assert!(step.reason.starts_with("public.few is read whole (line 1 of"), "{}", step.reason);
    // Nobody knows a table that the transaction itself makes.
    let step = large().last(&format!("CREATE TABLE n (id int); {valid}"));
    assert_eq!(step.verdict, Go::Go, "{}", step.reason);
}

#[test]
fn a_table_is_followed_through_its_new_names() {
    let index = json!({"schema": "public", "name": "i"});
    let t = with(table("t", LARGE), &json!({"indexes": [index]}));
    let server = || server(&[t.clone(), table("few", 8192)]);
    let rewrite = |name: &str| format!("ALTER TABLE {name} ALTER id TYPE bigint");
    for (before, name) in [
        ("ALTER TABLE t RENAME TO u;", "u"),
        ("ALTER TABLE t SET SCHEMA old;", "old.t"),
        ("ALTER TABLE t RENAME TO u; ALTER TABLE u SET SCHEMA old;", "old.u"),
        ("ALTER TABLE t RENAME TO u; ALTER TABLE few RENAME TO t;", "u"),
        ("BEGIN; ALTER TABLE t RENAME TO u; ROLLBACK;", "t"),
        ("ALTER TABLE t RENAME TO u; BEGIN; ALTER TABLE u RENAME TO v; ROLLBACK;", "u"),
    ] {
        let step = server().reader(7, "t").last(&format!("{before} {}", rewrite(name)));
        assert_eq!(step.table.as_deref(), Some("public.t"), "{before}");
        assert_eq!((step.verdict, step.bytes), (Go::NoGo, Some(LARGE)), "{before}");
        assert_eq!(step.pids, [7], "{before}");
    }
    // What has the name then is another table.
    for before in [
        "ALTER TABLE t RENAME TO u; CREATE TABLE t (id int);",
        "DROP TABLE t; CREATE TABLE t (id int);",
        "ALTER TABLE t RENAME TO u; ALTER TABLE few RENAME TO t;",
    ] {
        let step = server().last(&format!("{before} {}", rewrite("t")));
        assert_eq!(step.verdict, Go::Go, "{before}: {}", step.reason);
    }
    let step = server().last(&format!("ALTER TABLE t RENAME TO u; {}", rewrite("t")));
    assert_eq!(step.verdict, Go::Unknown, "{}", step.reason);
    for sql in [
        "ALTER INDEX i RENAME TO j; DROP INDEX j",
        "ALTER TABLE t SET SCHEMA old; DROP INDEX old.i",
    ] {
        let step = server().reader(7, "t").last(sql);
        assert_eq!((step.table.as_deref(), step.verdict), (Some("public.t"), Go::Wait), "{sql}");
    }
}

#[test]
fn only_leaves_the_partitions_out() {
    for (sql, verdict) in [
        ("CREATE INDEX i ON days (id)", Go::NoGo),
        ("CREATE INDEX i ON ONLY days (id)", Go::Go),
        ("UPDATE days SET id = 1", Go::NoGo),
        ("UPDATE ONLY days SET id = 1", Go::Go),
        ("DELETE FROM ONLY (days)", Go::Go),
        ("ALTER TABLE days ALTER id SET DEFAULT 1", Go::Wait),
        ("ALTER TABLE ONLY days ALTER id SET DEFAULT 1", Go::Go),
        ("LOCK TABLE days", Go::Wait),
        ("LOCK TABLE ONLY days", Go::Go),
    ] {
        let step = days(LARGE).writer(7, "rest").last(sql);
        assert_eq!(step.verdict, verdict, "{sql}: {}", step.reason);
        let is_only = sql.contains("ONLY");
        assert_eq!(step.bytes, Some(if is_only { 0 } else { LARGE + 16_384 }), "{sql}");
    }
}

#[test]
fn a_disk_that_is_not_seen_is_no_room() {
    let mut server = server(&[table("few", 8192), table("t", 900_000_000)]);
    let rewrite = "ALTER TABLE t ALTER id TYPE bigint";
    let Err(Silence::Unknown(why)) = server.judged(&DISK_FOR_REWRITE, rewrite) else { panic!() };
    assert!(why.starts_with("m.sql:1 needs about 1.7 GiB of disk for public.t; "), "{why}");
    assert!(why.ends_with("--allow-unknown dep.disk_for_rewrite"), "{why}");
    let little = server.judged(&DISK_FOR_REWRITE, &rewrite.replace(" t ", " few ")).unwrap();
    assert_eq!((little.findings.len(), little.unseen), (0, None));
    // The indexes of a partitioned table are those of its partitions.
    server = days(8192);
    for table in &mut server.tables {
        table["index_bytes"] = json!(if table["name"] == "days" { 0 } else { 1 << 29 });
    }
    let sql = "ALTER TABLE days ALTER id TYPE bigint";
    let Err(Silence::Unknown(why)) = server.judged(&DISK_FOR_REWRITE, sql) else { panic!() };
    assert!(why.contains("needs about 3.0 GiB"), "{why}");
}

#[test]
fn an_invalid_index_may_be_one_that_another_role_builds() {
    let row =
        |table: &str| json!({"index": format!("{table}_i"), "table": table, "is_unique": false});
    let judged = |table: &str, stats: bool| {
        let server = small();
        let mut sample = server.facts("ALTER TABLE t ADD c int");
        sample.facts.sight.superuser = false;
        sample.facts.sight.stats = stats;
        sample.with("invalid_indexes", &[row(table)]).judged(&INVALID_LEFTOVERS)
    };
    assert_eq!(judged("public.t", true).unwrap().findings[0].object, "public.t_i");
    assert!(matches!(judged("public.t", false), Err(Silence::Unknown(_))));
    // Not of a table of the migrations.
    assert!(judged("public.other", false).unwrap().findings.is_empty());
}

fn small() -> Server {
    server(&[table("t", 8192)])
}

#[test]
fn an_age_that_is_hidden_is_not_0() {
    let mut server = server(&[table("t", 8192)]).reader(7, "t");
    let dump = |server: &Server| {
        let mut server = Server { sessions: server.sessions.clone(), ..self::server(&[]) };
        server.sessions[0]["dump"] = json!(true);
        server.judged(&DUMP_RUNNING, "VACUUM FULL t").unwrap().findings.remove(0)
    };
    let oldest = |server: &Server| server.judged(&LONG_XACT, "TRUNCATE t").unwrap().measures.len();
    assert_eq!((oldest(&server), dump(&server).value), (1, Some(60.5)));
    assert!(dump(&server).says.contains(" is running for 60.5 s"), "{}", dump(&server).says);
    server.sessions[0]["transaction_age"] = Value::Null;
    assert_eq!((oldest(&server), dump(&server).value), (0, None));
    let says = dump(&server).says;
    assert!(says.starts_with("a dump of this database is running: "), "{says}");
}

#[test]
fn the_gate_is_read_once_for_all_checks() {
    let sample = server(&[table("t", 8192)]).facts("TRUNCATE t");
    let shared = Shared::default();
    let (limits, settings) = (Limits::default(), CheckSettings::default());
    let look = |check| Look {
        check,
        facts: &sample.facts,
        previous: None,
        limits: &limits,
        settings: &settings,
        environment: None,
        deploy: &shared,
    };
    let plans = [&REWRITE, &LONG_XACT].map(|check| Gate::of(&look(check)).unwrap().plan.unwrap());
    assert!(std::ptr::eq(plans[0], plans[1]));
}
