use super::*;

fn one(sql: &str) -> Statement {
    at(sql, 150_000)
}

fn at(sql: &str, version_number: u32) -> Statement {
    let (statements, _) = read("m.sql", sql, version_number);
    assert_eq!(statements.len(), 1, "{statements:?}");
    statements.into_iter().next().unwrap()
}

/// The touches as lines: `t ACCESS EXCLUSIVE rewrites`.
fn touches(sql: &str) -> Vec<String> {
    lines(&one(sql))
}

fn lines(statement: &Statement) -> Vec<String> {
    assert_eq!(statement.unread, None, "{statement:?}");
    let work = |work: &Work| match work {
        Work::Rewrites(_) => " rewrites".to_owned(),
        Work::Scans(_) => " scans".to_owned(),
        Work::Builds => " builds".to_owned(),
        Work::ChangesType { column, to, using } => format!(" {column} to {to} {using}"),
        Work::NotNull { column } => format!(" {column} not null"),
        Work::Drops => " drops".to_owned(),
        Work::DropsConstraint { name } => format!(" drops constraint {name}"),
        Work::DropsColumn { column } => format!(" drops column {column}"),
        Work::Attaches => " attaches".to_owned(),
        Work::Detaches => " detaches".to_owned(),
        Work::RulesOutNulls { name, column, is_valid } => {
            format!(" rules out nulls of {column} by {name:?} {is_valid}")
        }
        Work::Validates { name } => format!(" validates {name}"),
        Work::Renames { name } => format!(" renames {name}"),
    };
    let touch = |touch: &Touch| {
        let works: String = touch.works.iter().map(work).collect();
        format!("{} {}{works}", touch.name, touch.mode.word())
    };
    statement.touches.iter().map(touch).collect()
}

#[test]
fn alter_table_tells_its_lock_and_whether_it_rewrites() {
    for (sql, expected) in [
        ("ALTER TABLE t ADD COLUMN c int", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD COLUMN c int DEFAULT 7", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD COLUMN c timestamptz DEFAULT now()", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD COLUMN c float DEFAULT random()", "t ACCESS EXCLUSIVE rewrites"),
        (
            "ALTER TABLE t ADD COLUMN c uuid DEFAULT gen_random_uuid()",
            "t ACCESS EXCLUSIVE rewrites",
        ),
        ("ALTER TABLE t ADD COLUMN c bigserial", "t ACCESS EXCLUSIVE rewrites"),
        ("ALTER TABLE t ADD c int GENERATED ALWAYS AS IDENTITY", "t ACCESS EXCLUSIVE rewrites"),
        (
            "ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1) STORED",
            "t ACCESS EXCLUSIVE rewrites",
        ),
        ("ALTER TABLE t ADD COLUMN c int UNIQUE", "t ACCESS EXCLUSIVE builds"),
        ("ALTER TABLE s.\"T\" DROP COLUMN c", "s.T ACCESS EXCLUSIVE drops column c"),
        ("ALTER TABLE t DROP CONSTRAINT \"K\"", "t ACCESS EXCLUSIVE drops constraint K"),
        ("ALTER TABLE t ALTER c TYPE bigint", "t ACCESS EXCLUSIVE c to bigint false"),
        (
            "ALTER TABLE t ALTER COLUMN c SET DATA TYPE varchar(20) USING c::text",
            "t ACCESS EXCLUSIVE c to varchar(20) true",
        ),
        (
            "ALTER TABLE t ALTER c TYPE bigint USING c::bigint",
            "t ACCESS EXCLUSIVE c to bigint false",
        ),
        (
            "ALTER TABLE t ALTER c TYPE bigint USING CAST(c AS bigint)",
            "t ACCESS EXCLUSIVE c to bigint false",
        ),
        (
            "ALTER TABLE t ALTER c TYPE bigint USING d::bigint",
            "t ACCESS EXCLUSIVE c to bigint true",
        ),
        (
            "-- squawk-ignore adding-field-with-default\nALTER TABLE t ADD c float DEFAULT random()",
            "t ACCESS EXCLUSIVE rewrites",
        ),
        ("ALTER TABLE t ALTER c SET NOT NULL", "t ACCESS EXCLUSIVE c not null"),
        ("ALTER TABLE t ALTER c SET STATISTICS 500", "t SHARE UPDATE EXCLUSIVE"),
        ("ALTER TABLE t SET (fillfactor = 70)", "t SHARE UPDATE EXCLUSIVE"),
        ("ALTER TABLE t SET UNLOGGED", "t ACCESS EXCLUSIVE rewrites"),
        ("ALTER TABLE t SET TABLESPACE fast", "t ACCESS EXCLUSIVE rewrites"),
        ("ALTER TABLE t ADD CHECK (c > 0)", "t ACCESS EXCLUSIVE scans"),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0) NOT VALID", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t VALIDATE CONSTRAINT \"K\"", "t SHARE UPDATE EXCLUSIVE scans validates K"),
        (
            "ALTER TABLE t ADD CONSTRAINT k CHECK (\"C\" IS NOT NULL) NOT VALID",
            "t ACCESS EXCLUSIVE rules out nulls of C by Some(\"k\") false",
        ),
        (
            "ALTER TABLE t ADD CHECK ((c notnull))",
            "t ACCESS EXCLUSIVE scans rules out nulls of c by None true",
        ),
        ("ALTER TABLE t ADD CHECK (c IS NULL) NOT VALID", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD CHECK (c IS NOT NULL) NO INHERIT NOT VALID", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD CHECK (c IS NOT NULL AND d > 0) NOT VALID", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t RENAME COLUMN c TO d", "t ACCESS EXCLUSIVE renames c"),
        ("ALTER TABLE t RENAME CONSTRAINT k TO l", "t ACCESS EXCLUSIVE renames k"),
        ("ALTER TABLE t ADD PRIMARY KEY (id)", "t ACCESS EXCLUSIVE builds"),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i", "t ACCESS EXCLUSIVE"),
        ("ALTER TABLE t DISABLE TRIGGER ALL", "t SHARE ROW EXCLUSIVE"),
        ("ALTER TABLE t RENAME TO u", "t ACCESS EXCLUSIVE"),
    ] {
        assert_eq!(touches(sql), [expected], "{sql}");
    }
}

#[test]
fn others_tables_are_locked_too() {
    let key = "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u (id)";
    assert_eq!(touches(key), ["u SHARE ROW EXCLUSIVE", "t SHARE ROW EXCLUSIVE scans"]);
    let key = format!("{key} NOT VALID");
    assert_eq!(touches(&key), ["u SHARE ROW EXCLUSIVE", "t SHARE ROW EXCLUSIVE"]);
    let column = "ALTER TABLE t ADD COLUMN a int REFERENCES u (id)";
    assert_eq!(touches(column), ["u SHARE ROW EXCLUSIVE", "t ACCESS EXCLUSIVE"]);
    let attach = "ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1)";
    assert_eq!(touches(attach), ["c ACCESS EXCLUSIVE scans", "p SHARE UPDATE EXCLUSIVE attaches"]);
    let detach = "ALTER TABLE p DETACH PARTITION c";
    assert_eq!(touches(detach), ["c ACCESS EXCLUSIVE", "p ACCESS EXCLUSIVE detaches"]);
    let detach = one("ALTER TABLE p DETACH PARTITION c CONCURRENTLY");
    assert_eq!(lines(&detach), ["c ACCESS EXCLUSIVE", "p SHARE UPDATE EXCLUSIVE detaches"]);
    assert!(detach.alone && detach.waits_for_all);
    let create = one("CREATE TABLE n (id int, t int REFERENCES s.t)");
    assert_eq!(lines(&create), ["s.t SHARE ROW EXCLUSIVE"]);
    assert_eq!(create.makes.len(), 1);
    assert_eq!(create.makes[0].to_string(), "n");
    let create = one("CREATE TABLE c PARTITION OF s.p FOR VALUES IN (1)");
    assert_eq!(lines(&create), ["s.p ACCESS EXCLUSIVE attaches"]);
}

#[test]
fn indexes_block_writes_unless_they_are_built_concurrently() {
    assert_eq!(touches("CREATE UNIQUE INDEX i ON ONLY s.t (a)"), ["s.t SHARE builds"]);
    let index = one("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (lower(a)) WHERE b > 1");
    assert_eq!(lines(&index), ["t SHARE UPDATE EXCLUSIVE builds"]);
    assert!(index.alone && index.waits_for_all);
    assert_eq!(index.kind, "CREATE INDEX CONCURRENTLY");
    let index = one("DROP INDEX s.i");
    assert_eq!(lines(&index), ["s.i ACCESS EXCLUSIVE"]);
    assert!(index.touches[0].is_index && !index.alone);
    let index = one("DROP INDEX CONCURRENTLY i");
    assert_eq!(lines(&index), ["i SHARE UPDATE EXCLUSIVE"]);
    assert!(index.alone);
    assert_eq!(touches("REINDEX TABLE t"), ["t ACCESS EXCLUSIVE builds"]);
    assert_eq!(touches("REINDEX INDEX CONCURRENTLY i"), ["i SHARE UPDATE EXCLUSIVE builds"]);
}

#[test]
fn other_statements_have_their_locks() {
    for (sql, expected) in [
        ("VACUUM FULL t", "t ACCESS EXCLUSIVE rewrites"),
        ("VACUUM (FULL, ANALYZE) t", "t ACCESS EXCLUSIVE rewrites"),
        ("VACUUM t", "t SHARE UPDATE EXCLUSIVE"),
        ("CLUSTER t USING i", "t ACCESS EXCLUSIVE rewrites"),
        ("TRUNCATE t", "t ACCESS EXCLUSIVE"),
        ("DROP TABLE IF EXISTS s.t", "s.t ACCESS EXCLUSIVE drops"),
        ("DROP VIEW s.v", "s.v ACCESS EXCLUSIVE"),
        ("ALTER VIEW v RENAME TO w", "v ACCESS EXCLUSIVE"),
        ("DROP SEQUENCE s", "s ACCESS EXCLUSIVE"),
        ("ALTER SEQUENCE s RESTART", "s SHARE ROW EXCLUSIVE"),
        ("REFRESH MATERIALIZED VIEW v", "v ACCESS EXCLUSIVE rewrites"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", "v EXCLUSIVE rewrites"),
        ("LOCK TABLE t IN SHARE MODE", "t SHARE"),
        ("LOCK t", "t ACCESS EXCLUSIVE"),
        ("UPDATE t SET a = 1", "t ROW EXCLUSIVE scans"),
        ("UPDATE t SET a = 1 WHERE b = 2", "t ROW EXCLUSIVE"),
        ("DELETE FROM t", "t ROW EXCLUSIVE scans"),
        ("INSERT INTO t VALUES (1)", "t ROW EXCLUSIVE"),
        ("CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", "t SHARE ROW EXCLUSIVE"),
        ("DROP TRIGGER g ON t", "t ACCESS EXCLUSIVE"),
        ("CREATE POLICY p ON t USING (true)", "t ACCESS EXCLUSIVE"),
        ("COMMENT ON TABLE t IS 'x'", "t SHARE UPDATE EXCLUSIVE"),
    ] {
        assert_eq!(touches(sql), [expected], "{sql}");
    }
    assert!(one("VACUUM t").alone);
    assert!(touches("ALTER DOMAIN d ADD CONSTRAINT k CHECK (VALUE > 0) NOT VALID").is_empty());
    assert!(touches("CREATE TYPE mood AS ENUM ('sad')").is_empty());
    let view = one("CREATE OR REPLACE VIEW v AS SELECT * FROM t");
    assert_eq!(lines(&view), ["t ACCESS SHARE", "v ACCESS EXCLUSIVE"]);
    assert_eq!(lines(&one("CREATE VIEW v AS SELECT * FROM t")), ["t ACCESS SHARE"]);
}

#[test]
fn versions_differ() {
    let sql = "ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1)";
    assert_eq!(lines(&at(sql, 180_000)), ["t ACCESS EXCLUSIVE"]);
    assert_eq!(lines(&at(sql, 170_000)), ["t ACCESS EXCLUSIVE rewrites"]);
}

#[test]
fn what_is_not_understood_is_told() {
    let (statements, _) = read(
        "m.sql",
        "CREATE TABLE a (b int);\nALTER TABEL t ADD c int;\n\nDROP TABLE a;",
        150_000,
    );
    let unread: Vec<usize> = statements
        .iter()
        .filter(|one| matches!(one.unread, Some(Unread::Unparsed(_))))
        .map(|one| one.line)
        .collect();
    assert!(unread.contains(&2), "{statements:?}");
    let (statements, _) = read("m.sql", "DO $$ BEGIN EXECUTE 'x'; END $$;", 150_000);
    assert!(matches!(statements[0].unread, Some(Unread::Opaque(_))), "{statements:?}");
    for sql in [
        "DROP VIEW v CASCADE",
        "DROP TYPE mood CASCADE",
        "ALTER TABLE t DROP COLUMN c CASCADE",
        "ALTER DOMAIN d SET NOT NULL",
        "ALTER DOMAIN d ADD CONSTRAINT k CHECK (VALUE > 0)",
        "REASSIGN OWNED BY a TO b",
        "PREPARE TRANSACTION 'x'",
    ] {
        let unread = one(sql).unread;
        assert!(matches!(unread, Some(Unread::Opaque(_))), "{sql}: {unread:?}");
    }
}

#[test]
fn lines_and_texts_are_kept() {
    let sql = "-- first\nSET lock_timeout = '5s';\n\n/* x */ ALTER TABLE t\n  ADD COLUMN c text \
               DEFAULT 'secret';";
    let (statements, _) = read("m.sql", sql, 150_000);
    assert_eq!(statements[1].line, 4);
    assert_eq!(statements[1].text, "ALTER TABLE t ADD COLUMN c text DEFAULT '..'");
    assert_eq!(statements[1].kind, "ALTER TABLE");
}

#[test]
fn new_names_count_as_made() {
    for (sql, made) in [
        ("ALTER TABLE s.t RENAME TO u", "u"),
        ("ALTER TABLE t SET SCHEMA s", "s.t"),
        ("ALTER VIEW v RENAME TO w", "w"),
        ("CREATE SEQUENCE s.q", "s.q"),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1", "m"),
        ("CREATE TABLE c AS SELECT 1", "c"),
        ("SELECT 1 INTO i", "i"),
    ] {
        let made_here: Vec<String> = one(sql).makes.iter().map(ToString::to_string).collect();
        assert_eq!(made_here, [made], "{sql}");
    }
    assert!(one("/* x */ ALTER TABLE IF EXISTS t ADD c int").is_if_exists());
    assert!(!one("ALTER TABLE t DROP COLUMN IF EXISTS c").is_if_exists());
}

#[test]
fn the_linter_names_file_and_line() {
    let (_, lints) = read("m.sql", "SELECT 1;\nCREATE INDEX i ON t (a);", 150_000);
    let lints: Vec<_> = lints.iter().map(|lint| (lint.line, lint.rule.as_str())).collect();
    assert_eq!(lints, [(2, "require-concurrent-index-creation")]);
}

#[test]
fn what_a_with_changes_counts() {
    for (sql, touch) in [
        (
            "WITH gone AS (DELETE FROM t RETURNING id) SELECT count(*) FROM gone",
            "t ROW EXCLUSIVE scans",
        ),
        (
            "WITH x AS (UPDATE t SET a = 1 WHERE id = 1 RETURNING id) INSERT INTO u SELECT id FROM x",
            "t ROW EXCLUSIVE",
        ),
    ] {
        assert!(touches(sql).contains(&touch.to_owned()), "{sql}: {:?}", touches(sql));
    }
}
