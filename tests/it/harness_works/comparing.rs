//! Databases that are equal compare equal, and every kind of difference is seen.

use crate::harness::compare;
use crate::harness::{Cluster, ClusterSpec, Database};

/// Stock pg_dump and pg_restore, from one database to another.
fn copy(from: &Database<'_>, to: &Database<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump").display().to_string();
    // The newer programs of the two sides, for both.
    let newer = if from.cluster().major() > to.cluster().major() { from } else { to };
    for (db, program, arguments) in [
        (from, "pg_dump", ["-Fc", "-Z0", "-f", &file, "-d", from.name()].as_slice()),
        (to, "pg_restore", ["-e", "-d", to.name(), &file].as_slice()),
    ] {
        let mut command = newer.cluster().client(program);
        command.env("PGHOST", db.cluster().socket_dir());
        command.env("PGPORT", db.cluster().port().to_string()).args(arguments);
        crate::harness::command::run(&mut command, "").expect_success(program);
    }
}

#[test]
fn an_awkward_database_and_its_restored_copy_are_equal() {
    let cluster = Cluster::shared();
    let (a, b) = (cluster.create_db("awkward"), cluster.create_db("copy"));
    a.load_awkward();
    copy(&a, &b);
    compare::assert_equal(cluster, a.name(), cluster, b.name());
}

#[test]
fn an_awkward_database_loads_and_compares_on_newer_majors() {
    let old = Cluster::shared();
    let a = old.create_db("awkward");
    a.load_awkward();
    for major in [16, 17, 18] {
        let new = ClusterSpec::major(major).start();
        let (b, c) = (new.create_db("awkward"), new.create_db("copy"));
        b.load_awkward();
        copy(&b, &c);
        compare::assert_equal(&new, b.name(), &new, c.name());
    }
}

#[test]
fn each_kind_of_difference_is_seen() {
    let cluster = Cluster::shared();
    let (a, b) = (cluster.create_db("left"), cluster.create_db("right"));
    let both = "CREATE TABLE t (id int PRIMARY KEY, v text);
        INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 100) g;
        CREATE SEQUENCE s; SELECT nextval('s'); SELECT lo_from_bytea(4711, 'abc');
        CREATE MATERIALIZED VIEW m AS SELECT 1";
    a.psql(both);
    b.psql(both);
    let difference = || compare::difference(cluster, a.name(), cluster, b.name());
    assert_eq!(difference(), None);
    for (change, undo, shown) in [
        (
            "UPDATE t SET v = 'x' WHERE id = 7",
            "UPDATE t SET v = 'v7' WHERE id = 7",
            "rows \"public.t\"|100|",
        ),
        ("INSERT INTO t VALUES (101)", "DELETE FROM t WHERE id = 101", "rows \"public.t\"|101|"),
        ("CREATE INDEX i ON t (v)", "DROP INDEX i", "CREATE INDEX i"),
        ("GRANT SELECT ON t TO PUBLIC", "REVOKE ALL ON t FROM PUBLIC", "GRANT SELECT"),
        ("SELECT nextval('s')", "SELECT setval('s', 1)", "sequence \"public.s\"|2|t"),
        ("SELECT lo_put(4711, 0, 'x')", "SELECT lo_put(4711, 0, 'a')", "large object 4711"),
        (
            "COMMENT ON LARGE OBJECT 4711 IS 'x'",
            "COMMENT ON LARGE OBJECT 4711 IS NULL",
            "large object 4711",
        ),
        (
            "REFRESH MATERIALIZED VIEW m WITH NO DATA",
            "REFRESH MATERIALIZED VIEW m",
            "not populated",
        ),
    ] {
        b.psql(change);
        let seen = difference().unwrap_or_else(|| panic!("not seen: {change}"));
        assert!(seen.contains(shown), "{change}:\n{seen}");
        b.psql(undo);
        // Rights once granted stay as an explicit list.
        assert!(difference().is_none() || change.starts_with("GRANT"), "{undo}");
    }
}

#[test]
fn rows_are_compared_whatever_their_order_and_partition() {
    let cluster = Cluster::shared();
    let (a, b) = (cluster.create_db("left"), cluster.create_db("right"));
    // The labels get other OIDs, so rows may hash to other partitions.
    b.psql("CREATE TYPE burnt AS ENUM ('a', 'b', 'c'); DROP TYPE burnt");
    for (db, order) in [(&a, "ASC"), (&b, "DESC")] {
        db.psql(&format!(
            "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
             CREATE TABLE r (k mood, v int) PARTITION BY HASH (k);
             CREATE TABLE r0 PARTITION OF r FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE r1 PARTITION OF r FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             INSERT INTO r SELECT (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood, g
             FROM generate_series(1, 30) g ORDER BY g {order}"
        ));
    }
    compare::assert_equal(cluster, a.name(), cluster, b.name());
    let content = compare::content(cluster, a.name());
    assert!(content.starts_with("rows \"public.r\"|30|"), "{content}");
}
