//! What is on the target already, and roles that it lacks.

use pgtend::restore::plan::{Plan, Weight};
use pgtend::restore::rehearsal::{Wishes, existing, missing_roles, rehearse};

use super::scene::{PLAIN, Rehearsed, backup, facts, make_role, plan_of, target};
use crate::backup_right::repo::{Repo, client_major};
use crate::harness::cluster::SUPERUSER;
use crate::harness::{Cluster, ClusterSpec};

fn labels(plan: &Plan, numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|index| plan.toc.entries[*index].label()).collect()
}

/// One object of nearly every kind that can be in the way.
const OBJECTS: &str = r#"
    CREATE EXTENSION hstore;
    CREATE SCHEMA app;
    CREATE TABLE app."T ""x" (id int PRIMARY KEY, h hstore);
    CREATE VIEW v AS SELECT 1 AS a;
    CREATE SEQUENCE s;
    CREATE TYPE mood AS ENUM ('sad');
    CREATE DOMAIN pos AS int;
    CREATE FUNCTION f(a int, b hstore DEFAULT NULL, VARIADIC c text[] DEFAULT '{}', OUT d numeric(5,2))
        LANGUAGE sql AS 'SELECT 1.0';
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION step(int, int, mood[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE AGGREGATE total (int, mood[]) (sfunc = step, stype = int);
    CREATE AGGREGATE all_of (*) (sfunc = int8inc, stype = int8, initcond = '0');
    CREATE COLLATION c (provider = libc, locale = 'C');
    CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
    CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple);
    CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple);
    CREATE STATISTICS st (dependencies) ON id, h FROM app."T ""x";
    CREATE PUBLICATION pub;
    CREATE CAST (mood AS int) WITH INOUT;
    CREATE FOREIGN DATA WRAPPER w;
    CREATE SERVER far FOREIGN DATA WRAPPER w;
    SELECT lo_create(4711);
"#;

/// Drops nothing but one function, then asks what would be in the way.
#[test]
fn what_exists_is_found_by_kind_and_name() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("source");
    db.psql(OBJECTS);
    let plan = plan_of(&backup(&Repo::new(), &db, 15));
    let makes: Vec<usize> = (0..plan.toc.entries.len())
        .filter(|index| {
            let kind = plan.toc.entries[*index].kind();
            let parts = [
                "TABLE DATA",
                "SEQUENCE SET",
                "CONSTRAINT",
                "COMMENT",
                "ACL",
                "EXTENSION",
                "SCHEMA",
                "BLOB",
                "BLOBS",
                "DATABASE",
            ];
            plan.is_planned(*index) && !parts.contains(&kind)
        })
        .collect();
    let found = existing(&plan, &facts(&db, SUPERUSER, &plan));
    assert_eq!(labels(&plan, &found), labels(&plan, &makes));
    assert_eq!(found.len(), 20, "{:?}", labels(&plan, &found));

    db.psql("DROP FUNCTION f()");
    let left = existing(&plan, &facts(&db, SUPERUSER, &plan));
    let gone: Vec<usize> = found.into_iter().filter(|index| !left.contains(index)).collect();
    assert_eq!(labels(&plan, &gone), ["FUNCTION public.f()"]);

    let empty = cluster.create_db("target");
    assert!(existing(&plan, &facts(&empty, SUPERUSER, &plan)).is_empty());
}

#[test]
fn missing_roles_are_named_wherever_they_stand() {
    let source = ClusterSpec::major(15).start();
    let db = source.create_db("source");
    db.psql(
        "CREATE ROLE owner; CREATE ROLE granted; CREATE ROLE \"in; policy\"; CREATE ROLE mapped;
         CREATE ROLE rds_ghost; CREATE ROLE for_all;
         CREATE TABLE t (a int); ALTER TABLE t OWNER TO owner;
         GRANT SELECT ON t TO granted, rds_ghost; CREATE POLICY p ON t TO \"in; policy\";
         ALTER DEFAULT PRIVILEGES FOR ROLE for_all GRANT SELECT ON TABLES TO granted;
         CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
         CREATE USER MAPPING FOR mapped SERVER s",
    );
    let mut plan = plan_of(&backup(&Repo::new(), &db, client_major(&source)));
    let other = ClusterSpec::major(15).start();
    let target = other.create_db("target");
    let facts = facts(&target, SUPERUSER, &plan);
    let expected = ["for_all", "granted", "in; policy", "mapped", "owner"];
    assert_eq!(missing_roles(&plan, &facts), expected);
    rehearse(&mut plan, &facts, &Wishes::default());
    assert_eq!(missing_roles(&plan, &facts), [""; 0]);
}

/// `CREATE EXTENSION IF NOT EXISTS` would say nothing, and every table fail afterwards.
#[test]
fn an_extension_in_another_schema_is_seen() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    source.psql(
        "CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw;
         CREATE TABLE t (h hstore); CREATE TABLE u (a int); CREATE INDEX ON t (h);
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw",
    );
    let backup = backup(&Repo::new(), &source, 15);
    let db = target(cluster, SUPERUSER);
    db.psql("CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext");
    db.psql("CREATE EXTENSION postgres_fdw SCHEMA ext");
    let run = Rehearsed::run(&backup, 15, &db, SUPERUSER, &Wishes::default()).expect_no_surprise();
    let reason = "needs extension hstore in schema public; on the target it is in ext";
    for label in ["TABLE public.t", "TABLE DATA public.t", "INDEX public.t_h_idx"] {
        run.expect_missing(label, reason);
    }
    assert_eq!(run.fate("EXTENSION hstore"), Some((Weight::Needless, "installed already")));
    assert_eq!(run.fate("TABLE public.u"), None);
    assert_eq!(run.fate("SERVER far"), None);
}

/// A superuser installed extensions and made the schema; the role may only use them.
#[test]
fn what_a_superuser_prepared_is_used_and_left_alone() {
    let cluster = ClusterSpec::major(15).start();
    let source = cluster.create_db("source");
    source.psql(
        "CREATE EXTENSION postgres_fdw; CREATE EXTENSION pg_buffercache; CREATE SCHEMA app;
         COMMENT ON SCHEMA app IS 'mine'; CREATE TABLE app.t (a int);
         CREATE VIEW app.v AS SELECT count(*) AS n FROM pg_buffercache;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw",
    );
    let backup = backup(&Repo::new(), &source, 15);
    make_role(&cluster, PLAIN);
    for open in [false, true] {
        let db = target(&cluster, PLAIN);
        db.psql(
            "CREATE EXTENSION postgres_fdw; CREATE EXTENSION pg_buffercache; CREATE SCHEMA app",
        );
        if open {
            db.psql("GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO plain");
            db.psql("GRANT ALL ON SCHEMA app TO plain");
            db.psql("GRANT SELECT ON pg_buffercache TO plain");
        }
        let run = Rehearsed::run(&backup, 15, &db, PLAIN, &Wishes::default()).expect_no_surprise();
        assert_eq!(
            run.fate("EXTENSION pg_buffercache"),
            Some((Weight::Needless, "installed already"))
        );
        let comment = run.fate("COMMENT EXTENSION pg_buffercache");
        assert_eq!(comment, Some((Weight::Needless, "the extension brings its own comment")));
        run.expect_missing("COMMENT SCHEMA app", "schema app belongs to role postgres here");
        if open {
            assert_eq!(run.fate("TABLE app.t"), None);
            assert_eq!(run.fate("SERVER far"), None);
        } else {
            run.expect_missing("TABLE app.t", "role plain may not create in schema app");
            run.expect_missing("TABLE DATA app.t", "role plain may not create in schema app");
            run.expect_missing("SERVER far", "lacks USAGE on the foreign-data wrapper");
        }
    }
}

/// A guest may create nothing: nothing fails, nothing is there, and all of it is said.
#[test]
fn a_role_that_may_create_nothing_is_told_so() {
    let cluster = ClusterSpec::major(15).start();
    let source = cluster.create_db("source");
    source.psql(
        "CREATE EXTENSION hstore; CREATE SCHEMA app; CREATE TABLE app.t (a int);
         CREATE TABLE t (h hstore); CREATE PUBLICATION p; CREATE FUNCTION f() RETURNS int
         LANGUAGE sql AS 'SELECT 1'; CREATE OPERATOR <+> (leftarg = int, rightarg = int,
         function = int4pl); CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
    );
    let backup = backup(&Repo::new(), &source, 15);
    make_role(&cluster, "guest");
    let db = cluster.create_db("target");
    let run = Rehearsed::run(&backup, 15, &db, "guest", &Wishes::default()).expect_no_surprise();
    run.expect_missing("EXTENSION hstore", "role guest lacks CREATE on the database");
    run.expect_missing("TABLE DATA app.t", "needs schema app, which role guest may not create");
    run.expect_missing("PUBLICATION p", "role guest lacks CREATE on the database");
    run.expect_missing("OPERATOR public.<+>", "role guest may not create in schema public");
    let (all, planned) = run.plan.counts();
    assert_eq!(planned, 0, "{all} {}", run.told());
}

/// From 16 on a role may be another one without being able to become it, and the other way round.
#[test]
fn on_18_memberships_with_half_the_rights_do_not_count() {
    let cluster = ClusterSpec::major(18).start();
    cluster
        .psql("postgres", "CREATE ROLE plain LOGIN; CREATE ROLE a; CREATE ROLE b; CREATE ROLE c");
    let source = cluster.create_db("source");
    source.psql(
        "CREATE SCHEMA sa AUTHORIZATION a; CREATE SCHEMA sb AUTHORIZATION b;
         CREATE SCHEMA sc AUTHORIZATION c; CREATE TABLE sa.t (x int); CREATE TABLE sb.t (x int);
         CREATE TABLE sc.t (x int); ALTER TABLE sa.t OWNER TO a; ALTER TABLE sb.t OWNER TO b;
         ALTER TABLE sc.t OWNER TO c; INSERT INTO sa.t VALUES (1)",
    );
    let backup = backup(&Repo::new(), &source, 18);
    cluster.psql(
        "postgres",
        "GRANT a TO plain WITH SET TRUE, INHERIT FALSE; GRANT b TO plain WITH SET FALSE;
         GRANT c TO plain",
    );
    let db = target(&cluster, PLAIN);
    db.psql(&format!("GRANT CREATE ON DATABASE {} TO a, b, c", db.name()));
    let run = Rehearsed::run(&backup, 18, &db, PLAIN, &Wishes::default()).expect_no_surprise();
    run.expect_note("role plain cannot act as role a: 2 objects will belong to plain");
    run.expect_note("role plain cannot act as role b: 2 objects will belong to plain");
    let owners = "SELECT string_agg(tableowner, ',' ORDER BY schemaname) FROM pg_tables
                  WHERE tablename = 't'";
    assert_eq!(db.psql(owners), "plain,plain,c");
}

/// Before 15 public was the superuser's and everybody's; both ways over the border.
#[test]
fn public_moves_between_13_and_18() {
    let (old, new) = (ClusterSpec::major(13).start(), ClusterSpec::major(18).start());
    for (from, to) in [(&old, &new), (&new, &old)] {
        let source = from.create_db("source");
        source.psql(
            "CREATE TABLE t (a int); COMMENT ON SCHEMA public IS 'changed';
             GRANT ALL ON SCHEMA public TO PUBLIC",
        );
        let backup = backup(&Repo::new(), &source, 18);
        for role in [SUPERUSER, PLAIN] {
            let db = target(to, role);
            let run =
                Rehearsed::run(&backup, 18, &db, role, &Wishes::default()).expect_no_surprise();
            assert_eq!(run.fate("TABLE public.t"), None);
            let comment = run.fate("COMMENT SCHEMA public");
            let kept = role == SUPERUSER || to.major() > 14;
            assert_eq!(comment.is_none(), kept, "{comment:?} on {}", to.major());
            let newer = run.plan.notes.iter().any(|note| note.contains("is of PostgreSQL 18"));
            assert_eq!(newer, to.major() == 13, "{:?}", run.plan.notes);
        }
    }
}

#[test]
fn tablespaces_and_access_methods_that_are_not_there_are_taken_out() {
    let cluster = ClusterSpec::major(15).set("allow_in_place_tablespaces", "on").start();
    let source = cluster.create_db("source");
    source.psql("CREATE TABLESPACE fast LOCATION ''");
    source.psql(
        "CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
         CREATE TABLE a (x int) USING heap2 TABLESPACE fast; CREATE TABLE b (x int);
         CREATE INDEX i ON b (x) TABLESPACE fast; CREATE INDEX j ON b (x);
         CREATE TABLE parted (x int) PARTITION BY LIST (x) TABLESPACE fast",
    );
    let backup = backup(&Repo::new(), &source, 15);
    let other = ClusterSpec::major(15).start();
    let db = target(&other, SUPERUSER);
    let run = Rehearsed::run(&backup, 15, &db, SUPERUSER, &Wishes::default()).expect_no_surprise();
    run.expect_note("tablespace fast does not exist: 3 objects will lie in the database's own");
    // The access method is an object of the archive; without it the table would be a heap.
    assert_eq!(run.fate("ACCESS METHOD heap2"), None);
    let db = target(&cluster, PLAIN);
    let run = Rehearsed::run(&backup, 15, &db, PLAIN, &Wishes::default()).expect_no_surprise();
    run.expect_note(
        "tablespace fast is not open to the role: 2 objects will lie in the database's own",
    );
}

#[test]
fn wishes_are_kept() {
    let cluster = ClusterSpec::major(15).start();
    let source = cluster.create_db("source");
    source.psql(
        "CREATE ROLE other; CREATE TABLE t (a int); ALTER TABLE t OWNER TO other;
         GRANT SELECT ON t TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO other",
    );
    let backup = backup(&Repo::new(), &source, 15);
    let db = target(&cluster, SUPERUSER);
    let wishes = Wishes { no_owner: true, no_privileges: true, ..Wishes::default() };
    let run = Rehearsed::run(&backup, 15, &db, SUPERUSER, &wishes).expect_no_surprise();
    assert_eq!(run.plan.notes, [""; 0]);
    assert_eq!(db.psql("SELECT tableowner FROM pg_tables WHERE tablename = 't'"), "postgres");
    assert_eq!(db.psql("SELECT relacl IS NULL FROM pg_class WHERE relname = 't'"), "t");
    assert_eq!(run.plan.left_out().count(), 0, "{}", run.told());
}

/// The facts are of another database, full of things; the new one is empty.
#[test]
fn a_database_to_be_made_is_foreseen_from_another() {
    for major in [13, 15] {
        let cluster = ClusterSpec::major(major).start();
        let source = cluster.create_db("source");
        source.psql(
            "CREATE ROLE reader; CREATE EXTENSION hstore; CREATE EXTENSION pg_buffercache;
             CREATE SCHEMA app; CREATE TABLE app.t (h hstore); CREATE TABLE t (a int);
             CREATE VIEW v AS SELECT count(*) AS n FROM pg_buffercache;
             COMMENT ON SCHEMA public IS 'changed'; GRANT SELECT ON pg_authid TO reader",
        );
        let backup = backup(&Repo::new(), &source, 15);
        for role in [SUPERUSER, PLAIN] {
            make_role(&cluster, role);
            let facts = facts(&source, role, &plan_of(&backup));
            assert!(!existing(&plan_of(&backup), &facts).is_empty());
            let db = target(&cluster, role);
            let wishes = Wishes { create: true, ..Wishes::default() };
            let run = Rehearsed::run_knowing(&facts, &backup, 15, &db, role, &wishes);
            let run = run.expect_no_surprise();
            assert_eq!(run.fate("TABLE app.t"), None);
            assert_eq!(run.fate("EXTENSION hstore"), None);
            let as_superuser = role == SUPERUSER;
            for label in ["VIEW public.v", "ACL pg_catalog.TABLE pg_authid"] {
                assert_eq!(run.fate(label).is_none(), as_superuser, "{label}: {}", run.told());
            }
        }
    }
}
