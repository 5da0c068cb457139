//! Every server major: its statements, and a backup that restores.

use std::fmt::Write as _;

use crate::backup_right::repo::{Repo, client_major};
use crate::harness::database::quoted;
use crate::harness::{Cluster, ClusterSpec, Database, compare, tools};

/// Every statement with the types of its parameters and a value for each.
const STATEMENTS: &[(&str, &str, &str)] = &[
    ("backup/advisory_lock", "(int8, bool)", "(7, true)"),
    ("backup/lock_holders", "(int8)", "(7)"),
    ("backup/databases", "(text[])", "('{^(post.*)$}')"),
    ("backup/ping", "", ""),
    ("backup/lock_timeout", "(text)", "('1000')"),
    ("backup/lockable", "", ""),
    ("backup/unreadable_sequences", "", ""),
    ("backup/tables", "(oid[])", "(ARRAY['t'::regclass::oid])"),
    ("backup/canaries", "(oid[])", "(ARRAY['t'::regclass::oid])"),
    ("backup/room", "", ""),
    ("backup/snapshot", "", ""),
    ("backup/large_objects", "", ""),
    ("backup/large_object_heads", "(oid[], int4)", "('{4711}', 3)"),
    ("backup/large_object_part", "(oid, int8, int4)", "(4711, 1, 3)"),
    ("backup/blockers", "(int4)", "(pg_backend_pid())"),
    ("backup/waiters", "(oid)", "('t'::regclass)"),
    ("backup/extensions", "", ""),
    ("restore/configuration", "(text[])", "('{public.t}')"),
    ("restore/content", "", ""),
    ("restore/database", "(text)", "(current_database())"),
    ("restore/end_lost", "(int4, text)", "(1, 'nobody')"),
    ("restore/end_orphans", "(text)", "('nobody')"),
    ("restore/end_pooled", "(text)", "('no such database')"),
    ("restore/foreign_keys", "(text[], text[])", "('{public.t}', '{t_fkey}')"),
    ("restore/large_object_put", "(oid[], int8[], bytea[])", "('{}', '{}', '{}')"),
    ("restore/outside_dependents", "(text[], text[])", "(ARRAY['t', 'no.such'], ARRAY['x'])"),
    ("restore/setting", "(text, text)", "('lc_monetary', 'C')"),
    ("restore/transaction", "(text)", "('3')"),
    ("restore/session", "", ""),
    ("restore/roles", "(text[])", "(ARRAY['postgres'])"),
    ("restore/extensions", "", ""),
    ("restore/names", "", ""),
    ("restore/schemas", "(text[])", "(ARRAY['postgres'])"),
    (
        "restore/existing",
        "(int4[], text[], text[], text[])",
        "('{0, 1}', '{relation, function}', '{public, public}', '{t, \"f(integer)\"}')",
    ),
    ("verify/own_backend", "", ""),
    ("verify/leftovers", "", ""),
    ("verify/tables", "(text[], text[])", "('{public,nowhere}', '{t,t}')"),
    ("verify/leaves", "(oid[])", "(ARRAY['t'::regclass::oid])"),
    ("verify/sequences", "(text[], text[])", "('{public}', '{t}')"),
    ("verify/objects", "", ""),
    ("verify/amcheck", "", ""),
    ("verify/checkable", "", ""),
    ("connections/activity", "(int8)", "(10)"),
    ("connections/settings", "", ""),
    ("connections/limits", "(int8)", "(10)"),
    ("connections/prepared", "(int8)", "(10)"),
    ("connections/slots", "(int8)", "(10)"),
    ("connections/replicas", "(int8)", "(10)"),
    ("connections/receiver", "", ""),
    ("connections/blocking", "(int8)", "(7)"),
    ("connections/blocking_prepared", "(int8)", "(7)"),
    ("connections/relations", "(text[], text[], int8)", "('{}', '{t,T}', 7)"),
    ("connections/table_locks", "(text[], text[], int8)", "('{public}', '{t}', 7)"),
    ("connections/victims", "(int4[], int8, int8)", "('{}', 7, 1)"),
    ("connections/cancel", "(int4, int8, int8, int8)", "(0, 0, 0, 0)"),
    ("connections/terminate", "(int4, int8, int8, int8)", "(0, 0, 0, 0)"),
    ("connections/present", "(int4[])", "('{0}')"),
    ("slow_queries/settings", "", ""),
    ("slow_queries/live", "(text, text, int8)", "(NULL, NULL, 3)"),
    (
        "check/sight",
        "(text[], text[], text[])",
        "('{rdsadmin}', '{rds.extensions,jit}', '{aurora_version,now}')",
    ),
    ("conn/facts", "", ""),
    (
        "conn/capabilities",
        "(text[], text[], text[], text[])",
        "('{rds_superuser}', '{rdsadmin}', '{rds.extensions,jit}', '{aurora_version,now}')",
    ),
    ("conn/lag", "(text)", "('0/0')"),
    ("conn/position", "", ""),
    ("conn/set", "(text[], text[], bool)", "(ARRAY['jit', 'no_such'], ARRAY['off', 'x'], true)"),
];

/// Rows that the one table of every major's database has.
const SIMPLE: &str = "CREATE TABLE t (id int PRIMARY KEY, v text);
    INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 3000) g;
    SELECT lo_from_bytea(4711, 'abcdef');";

fn statement(name: &str) -> &'static str {
    match name {
        "conn/facts" => include_str!("../../../src/sql/conn/facts.sql"),
        "conn/capabilities" => include_str!("../../../src/sql/conn/capabilities.sql"),
        "conn/lag" => include_str!("../../../src/sql/conn/lag.sql"),
        "conn/position" => include_str!("../../../src/sql/conn/position.sql"),
        "conn/set" => include_str!("../../../src/sql/conn/set.sql"),
        _ => pgtend::sql::ALL.iter().find(|query| query.name == name).expect("a statement").text,
    }
}

fn run_every_statement(db: &Database<'_>) {
    for (name, types, values) in STATEMENTS {
        let text = statement(name);
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; PREPARE q {types} AS {text};
             EXECUTE q {values};"
        );
        let major = db.cluster().major();
        if let Err(error) = db.cluster().psql_result(db.name(), &sql) {
            panic!("{name} on PostgreSQL {major}: {error}");
        }
    }
}

/// Every question of every check in the form for this server.
fn ask_every_question(db: &Database<'_>) {
    let major = db.cluster().major();
    for question in pgtend::check::all().flat_map(|check| check.asks) {
        let Some(query) = question.at(major * 10_000) else { continue };
        let text = pgtend::check::as_json(query);
        // As a session of pgtend has it.
        let sql = format!(
            "SET search_path = ''; BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; {text};"
        );
        let answer = db.cluster().psql_result(db.name(), &sql);
        let answer = answer.unwrap_or_else(|error| {
            panic!("{} on PostgreSQL {major}: {error}", query.name);
        });
        // A line for each row.
        assert!(answer.starts_with('['), "{} on PostgreSQL {major}: {answer}", query.name);
    }
}

#[test]
fn no_statement_is_without_a_test() {
    let mut tested: Vec<&str> = STATEMENTS.iter().map(|(name, ..)| *name).collect();
    tested.retain(|name| !name.starts_with("conn/"));
    let asked: Vec<&str> = pgtend::check::all()
        .flat_map(|check| check.asks)
        .flat_map(|question| question.variants)
        .map(|(_, query)| query.name)
        .collect();
    let mut all: Vec<&str> = pgtend::sql::ALL.iter().map(|query| query.name).collect();
    all.retain(|name| !asked.contains(name));
    assert_eq!(tested, all);
}

/// Roots loaded through their partitions, dropped columns, names: what 13 and 14 know too.
const FOR_OLD: &str = r#"
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TABLE root (k mood, v int) PARTITION BY HASH (k);
    CREATE TABLE p0 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE p1 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO root SELECT (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood, g
    FROM generate_series(1, 300) g;
    CREATE TABLE "ta
ble ""(x) FROM stdin;" ("a ""(" int, gen int GENERATED ALWAYS AS ("a ""(" * 2) STORED, gone int);
    ALTER TABLE "ta
ble ""(x) FROM stdin;" DROP COLUMN gone;
    INSERT INTO "ta
ble ""(x) FROM stdin;" SELECT generate_series(1, 100);
    CREATE TABLE zero ();
    INSERT INTO zero DEFAULT VALUES;
    CREATE TABLE idt (id int GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10), s serial, b bytea);
    INSERT INTO idt (b) VALUES ('\x00ff5c'), (NULL);
    SELECT lo_from_bytea(5, decode(repeat('ab', 300000), 'hex'));
    SELECT lo_create(6);
"#;

fn backs_up_and_restores(cluster: &Cluster, awkward: bool) {
    let (source, copy) = (cluster.create_db("source"), cluster.create_db("copy"));
    source.psql(SIMPLE);
    run_every_statement(&source);
    ask_every_question(&source);
    if awkward {
        source.load_awkward();
    } else {
        source.psql(FOR_OLD);
    }
    let repo = Repo::new();
    let backup = repo.backup(&source, &["-j2", "--chunk=16kB"]);
    let major = cluster.major();
    assert_eq!(backup.manifest.source.version_num / 10_000, major);
    let programs = &backup.manifest.source.pg_dump;
    assert!(programs.starts_with(&format!("{}.", client_major(cluster))), "{programs}");
    assert_eq!(backup.rows("public", "t"), 3000);
    // TID range scans came with 14: before, a part of a table would read all of it.
    let cut = backup.chunks("public", "t");
    assert_eq!(cut > 5, major >= 14, "{cut} chunks on {major}");
    backup.restore(client_major(cluster), &copy);
    compare::assert_equal(cluster, source.name(), cluster, copy.name());
    repo.pgtend(["verify-backup", "latest", "--no-record"]).run().expect_code(0);
}

#[test]
fn old_majors_are_backed_up_and_their_copies_are_equal() {
    for major in [13, 14] {
        backs_up_and_restores(&ClusterSpec::major(major).start(), false);
    }
}

#[test]
fn new_majors_are_backed_up_and_their_copies_are_equal() {
    for major in [16, 17, 18] {
        backs_up_and_restores(&ClusterSpec::major(major).start(), true);
    }
}

#[test]
fn the_default_major_runs_every_statement() {
    let db = Cluster::shared().create_db("statements");
    db.psql(SIMPLE);
    run_every_statement(&db);
    ask_every_question(&db);
    assert!(tools::SERVER_MAJORS.contains(&db.cluster().major()));
}

/// A role without any privilege but CONNECT runs what every command runs first.
#[test]
fn a_role_without_privileges_runs_every_statement_that_needs_none() {
    let db = Cluster::shared().create_db("statements");
    db.psql(SIMPLE);
    let role = quoted(&format!("nobody of {}", db.name()));
    db.psql(&format!("CREATE ROLE {role}; REVOKE ALL ON SCHEMA public FROM PUBLIC"));
    let mut sql = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET ROLE {role};");
    for (number, (name, types, values)) in STATEMENTS.iter().enumerate() {
        if name.starts_with("backup/large_object_") {
            continue;
        }
        let values = values.replace("'t'::regclass", "1259");
        let text = statement(name);
        write!(sql, "PREPARE q{number} {types} AS {text}; EXECUTE q{number} {values};").unwrap();
    }
    let result = db.cluster().psql_result(db.name(), &sql);
    db.psql(&format!("DROP ROLE {role}"));
    let shown = result.expect("no statement needs a privilege");
    assert!(shown.contains("|public|t|"), "{shown}");
}
