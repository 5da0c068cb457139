//! The drop pass, as one transaction.

use pgtend::restore::clean;

use super::{CLIENTS, Dump, copy, shop};
use crate::harness::{Cluster, ClusterSpec, Database};

/// What is left in a database that neither the server nor an extension put there.
fn left(db: &Database<'_>) -> String {
    db.psql(
        "SELECT pg_describe_object(classid, objid, 0) FROM (
             SELECT 'pg_namespace'::regclass AS classid, oid AS objid FROM pg_namespace
              WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
             UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class
              WHERE relnamespace = 'public'::regnamespace
             UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
              WHERE pronamespace = 'public'::regnamespace
             UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
              WHERE typnamespace = 'public'::regnamespace
             UNION ALL SELECT 'pg_largeobject'::regclass, oid FROM pg_largeobject_metadata
             UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension
              WHERE extname <> 'plpgsql'
             UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
             UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication
             UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
             UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE oid >= 16384
         ) x",
    )
}

fn in_one_transaction(drops: &[clean::Drop]) -> String {
    let statements: String = drops.iter().map(|drop| drop.sql.as_str()).collect();
    format!("BEGIN; SET client_min_messages = warning;\n{statements}COMMIT;")
}

/// What pg_dump writes in two steps, or drops in unusual ways.
const UNUSUAL: &str = "
    CREATE DOMAIN later AS int;
    CREATE TABLE of_later (a later);
    ALTER DOMAIN later ADD CONSTRAINT \"positive DROP CONSTRAINT\" CHECK (VALUE > 0) NOT VALID;
    CREATE TYPE base;
    CREATE FUNCTION base_in(cstring) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
    CREATE FUNCTION base_out(base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT
        AS 'int4out';
    CREATE TYPE base (input = base_in, output = base_out, like = int4);
    CREATE CAST (base AS int) WITHOUT FUNCTION;
    CREATE VIEW with_default AS SELECT 1 AS a;
    ALTER VIEW with_default ALTER COLUMN a SET DEFAULT 5;
    CREATE TABLE \" DROP CONSTRAINT x\" (a int PRIMARY KEY);
    -- Functions that come after a table and are needed by what comes after them
    CREATE TABLE looked_at (a int);
    CREATE FUNCTION looks(looked_at) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true';
    CREATE POLICY p ON looked_at USING (looks(looked_at));
    CREATE INDEX ON looked_at (looks(looked_at));
    CREATE FUNCTION set_of() RETURNS SETOF looked_at LANGUAGE sql AS 'SELECT 1';
    CREATE RULE r AS ON DELETE TO looked_at DO INSTEAD SELECT set_of();
    CREATE SEQUENCE shared;
    CREATE TABLE uses_shared (a int DEFAULT nextval('shared'));
    ALTER SEQUENCE shared OWNED BY of_later.a;
    CREATE OPERATOR FAMILY of_ints USING btree;
    CREATE OPERATOR CLASS of_int FOR TYPE int4 USING btree FAMILY of_ints AS
        OPERATOR 1 <, FUNCTION 1 btint4cmp(int4, int4);
    CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
    CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);
";

fn drops_everything_twice(cluster: &Cluster, clients: &[u32], load: impl Fn(&Database<'_>)) {
    let source = cluster.create_db("source");
    load(&source);
    for client in clients {
        let plan = Dump::of(&source, *client).plan();
        let sql = in_one_transaction(&clean::statements(&plan, |_| false));
        let copy = copy(&source);
        assert_ne!(left(&copy), "");
        for time in ["first", "second"] {
            if let Err(error) = cluster.psql_result(copy.name(), &sql) {
                panic!("client {client}, the {time} time: {error}");
            }
            assert_eq!(left(&copy), "", "client {client}, the {time} time");
        }
    }
}

#[test]
fn the_drop_pass_leaves_nothing_of_the_awkward_schema() {
    drops_everything_twice(Cluster::shared(), &CLIENTS, |db| {
        db.load_awkward();
        db.psql(UNUSUAL);
    });
}

#[test]
fn the_drop_pass_leaves_nothing_of_the_shop() {
    let cluster = Cluster::shared();
    let source = shop(cluster);
    for client in CLIENTS {
        let plan = Dump::of(&source, client).plan();
        let sql = in_one_transaction(&clean::statements(&plan, |_| false));
        let copy = copy(&source);
        for _ in 0..2 {
            copy.psql(&sql);
            assert_eq!(left(&copy), "");
        }
        // Nothing was there before either.
        let empty = cluster.create_db("empty");
        empty.psql(&sql);
    }
}

#[test]
fn the_drop_pass_works_on_the_newest_server() {
    let cluster = ClusterSpec::major(18).start();
    drops_everything_twice(&cluster, &[18], |db| {
        db.load_awkward();
        db.psql(
            "CREATE TABLE nn (a int); ALTER TABLE nn ADD CONSTRAINT n NOT NULL a NOT VALID;
             CREATE TABLE fne (a int PRIMARY KEY, b int REFERENCES fne NOT ENFORCED)",
        );
    });
}

#[test]
fn a_table_that_changed_since_is_dropped_too() {
    let source = shop(Cluster::shared());
    let plan = Dump::of(&source, 15).plan();
    let sql = in_one_transaction(&clean::statements(&plan, |_| false));
    let copy = copy(&source);
    copy.psql(
        "ALTER TABLE shop.customers DROP COLUMN id CASCADE;
         ALTER TABLE shop.orders ALTER COLUMN counter DROP DEFAULT;
         ALTER TABLE shop.orders ALTER COLUMN counter ADD GENERATED ALWAYS AS IDENTITY;
         ALTER TABLE shop.log_notes DROP CONSTRAINT log_notes_id_at_fkey;
         ALTER TABLE shop.log DETACH PARTITION shop.log_1;
         DROP VIEW shop.circular CASCADE;
         ALTER TABLE shop.items DROP CONSTRAINT \"of \"\"order\"",
    );
    copy.psql(&sql);
    assert_eq!(left(&copy), "");
}

#[test]
fn what_is_not_ours_stays() {
    let source = shop(Cluster::shared());
    let plan = Dump::of(&source, 15).plan();
    let drops = clean::statements(&plan, |entry| entry.kind() == "EXTENSION");
    source.psql(&in_one_transaction(&drops));
    assert_eq!(source.psql("SELECT count(*) FROM pg_extension"), "3");
    let names: Vec<&str> = drops.iter().map(|drop| plan.entry(drop.index).kind()).collect();
    assert!(!names.contains(&"DATABASE") && names.contains(&"SCHEMA"), "{names:?}");
}

#[test]
fn what_the_backup_does_not_know_keeps_everything() {
    let source = shop(Cluster::shared());
    let plan = Dump::of(&source, 15).plan();
    source.psql("CREATE VIEW public.later AS SELECT * FROM shop.orders");
    let before = left(&source);
    let sql = in_one_transaction(&clean::statements(&plan, |_| false));
    let error = source.cluster().psql_result(source.name(), &sql).unwrap_err();
    assert!(error.contains("view later depends on table shop.orders"), "{error}");
    assert_eq!(left(&source), before);
}

#[test]
fn a_subscription_is_not_dropped_behind_its_publisher() {
    let source = Cluster::shared().create_db("subscriber");
    source.psql(
        "CREATE SUBSCRIPTION \"it's\" CONNECTION 'host=localhost port=1' PUBLICATION p
         WITH (connect = false, enabled = false, slot_name = NONE)",
    );
    let plan = Dump::of(&source, 15).plan();
    let sql = in_one_transaction(&clean::statements(&plan, |_| false));
    let error = source.cluster().psql_result(source.name(), &sql).unwrap_err();
    assert!(error.contains("subscription it's is there: drop it first"), "{error}");
    source.psql("DROP SUBSCRIPTION \"it's\"");
    source.psql(&sql);
}
