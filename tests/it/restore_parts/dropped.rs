//! Somebody dropped a table: it comes back, and all that was its.

use pgtend::restore::parts::{Narrowed, include};

use super::{CLIENTS, Dump, copy, missing, narrowed, schemas, shop, tables};
use crate::harness::{Cluster, Database, compare};

/// What goes with `shop.orders` and does not come back with it.
const LOST: &str = "DROP VIEW shop.open, shop.grouped; DROP MATERIALIZED VIEW shop.sums;
    DROP FUNCTION shop.newest();";

/// As the foreign keys of others come back.
const NOT_VALID: &str = "
    ALTER TABLE shop.items DROP CONSTRAINT \"of \"\"order\";
    ALTER TABLE shop.items ADD CONSTRAINT \"of \"\"order\" FOREIGN KEY (order_id)
        REFERENCES shop.orders ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;
    COMMENT ON CONSTRAINT \"of \"\"order\" ON shop.items IS 'goes with it';
    ALTER TABLE \"We ird\".\"items\n\"\".of FOREIGN KEY\" DROP CONSTRAINT \"to\norders FOREIGN KEY\";
    ALTER TABLE \"We ird\".\"items\n\"\".of FOREIGN KEY\" ADD CONSTRAINT \"to\norders FOREIGN KEY\"
        FOREIGN KEY (\"for\") REFERENCES shop.orders (number) NOT VALID;
    ALTER TABLE shop.events DROP CONSTRAINT events_order_id_fkey;";

fn same(a: &Database<'_>, b: &Database<'_>) {
    compare::assert_equal(a.cluster(), a.name(), b.cluster(), b.name());
}

#[test]
fn a_dropped_table_comes_back_with_all_that_was_its() {
    let source = shop(Cluster::shared());
    let expected = copy(&source);
    expected.psql(&format!("{LOST}{NOT_VALID}"));
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &tables(&["shop.orders"]));
        let target = copy(&source);
        target.psql("SET client_min_messages = warning; DROP TABLE shop.orders CASCADE");
        dump.restore(&plan, &target);
        same(&expected, &target);
        let told: Vec<_> =
            narrowed.incoming.iter().map(|key| (key.label.as_str(), key.not_valid)).collect();
        assert_eq!(
            told,
            [
                ("\"We ird\".\"items\n\"\".of FOREIGN KEY\"(\"for\")", true),
                ("shop.events(order_id)", false),
                ("shop.items(order_id)", true),
            ],
            "client {client}"
        );
        // The statements are ready to run.
        for key in &narrowed.incoming {
            target.psql(&key.statement);
        }
        source.psql("SELECT 1");
        let whole = copy(&source);
        whole.psql(LOST);
        same(&whole, &target);
        assert_eq!(
            narrowed.dependents,
            [
                "FUNCTION shop.newest() depends on it and is not restored",
                "MATERIALIZED VIEW shop.sums depends on it and is not restored",
                "VIEW shop.grouped depends on it and is not restored",
                "VIEW shop.open depends on it and is not restored",
            ]
        );
        assert_eq!(
            missing(&plan),
            ["FK CONSTRAINT shop.events events_order_id_fkey: its rows may not fit, and a \
              partitioned table takes no NOT VALID foreign key before PostgreSQL 18: ALTER TABLE \
              shop.events ADD CONSTRAINT events_order_id_fkey FOREIGN KEY (order_id) REFERENCES \
              shop.orders(id);"]
        );
    }
}

#[test]
fn a_partitioned_table_comes_back_with_its_partitions() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let target = copy(&source);
        let dropped =
            "SET client_min_messages = warning; DROP TABLE shop.log, shop.by_state CASCADE";
        target.psql(dropped);
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &tables(&["shop.log", "by_state"]));
        dump.restore(&plan, &target);
        target.psql("ALTER TABLE shop.log_notes VALIDATE CONSTRAINT log_notes_id_at_fkey");
        same(&source, &target);
        assert_eq!(narrowed.incoming.len(), 1);
        assert!(narrowed.dependents.is_empty(), "{:?}", narrowed.dependents);
    }
}

/// The foreign key to shop.log goes with a partition of it, and comes back with it.
fn validate_notes(target: &Database<'_>, narrowed: &Narrowed) {
    let [key] = &narrowed.incoming[..] else { panic!("{:?}", narrowed.incoming) };
    assert_eq!(key.label, "shop.log_notes(id, at)");
    assert!(key.of_root && key.not_valid);
    target.psql(&key.statement);
}

#[test]
fn a_dropped_partition_comes_back_into_its_table() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let target = copy(&source);
        target.psql(
            "ALTER TABLE shop.log_notes DROP CONSTRAINT log_notes_id_at_fkey;
            DROP TABLE shop.log_1, \"We ird\".log_2b",
        );
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &tables(&["log_1", "\"We ird\".\"log_2b\""]));
        dump.restore(&plan, &target);
        validate_notes(&target, &narrowed);
        same(&source, &target);
        assert!(narrowed.dependents.is_empty(), "{:?}", narrowed.dependents);
    }
}

/// Its rows can only go through the root, so that is there before.
#[test]
fn a_partition_that_is_loaded_through_its_root_comes_back() {
    let source = shop(Cluster::shared());
    source.psql("CREATE INDEX ON shop.by_state (v); ALTER TABLE shop.by_state ADD UNIQUE (k, v)");
    let dump = Dump::of(&source, 15);
    let target = copy(&source);
    target.psql("DROP TABLE shop.by_state_1");
    let mut plan = dump.plan();
    narrowed(&mut plan, &tables(&["by_state_1"]));
    dump.restore(&plan, &target);
    same(&source, &target);
}

#[test]
fn a_partitioned_partition_comes_back_into_its_table() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let target = copy(&source);
        target.psql(
            "ALTER TABLE shop.log_notes DROP CONSTRAINT log_notes_id_at_fkey;
            DROP TABLE shop.log_2",
        );
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &tables(&["log_2"]));
        dump.restore(&plan, &target);
        validate_notes(&target, &narrowed);
        same(&source, &target);
    }
}

#[test]
fn tables_of_all_shapes_come_back() {
    let source = shop(Cluster::shared());
    let dump = Dump::of(&source, 15);
    for (name, drop) in [
        ("We ird.T", "DROP TABLE \"We ird\".\"T\""),
        ("\"We ird\".\"dot.ted\"", "DROP TABLE \"We ird\".\"dot.ted\""),
        ("Upper", "DROP TABLE \"Upper\""),
        ("plain", "DROP TABLE plain"),
        ("We ird.orders", "DROP TABLE \"We ird\".orders"),
        ("child", "DROP TABLE shop.child"),
        ("typed", "DROP TABLE shop.typed"),
        ("far", "DROP FOREIGN TABLE shop.far"),
        ("open", "DROP VIEW shop.open"),
        ("grouped", "DROP VIEW shop.grouped"),
        ("sums", "DROP MATERIALIZED VIEW shop.sums"),
        ("customers_id_seq", "DROP SEQUENCE shop.customers_id_seq CASCADE"),
    ] {
        let target = copy(&source);
        target.psql(&format!("SET client_min_messages = warning; {drop}"));
        let mut plan = dump.plan();
        narrowed(&mut plan, &tables(&[name]));
        dump.restore(&plan, &target);
        if name == "customers_id_seq" {
            // The column's default is the table's.
            target.psql(
                "ALTER TABLE shop.customers ALTER id SET DEFAULT nextval('shop.customers_id_seq')",
            );
        }
        same(&source, &target);
    }
}

#[test]
fn a_dropped_schema_comes_back() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &schemas(&["We ird"]));
        assert_eq!(
            narrowed.dependents, [""; 0],
            "the partition is of shop.log, and looks at nothing here"
        );
        let target = copy(&source);
        target.psql("SET client_min_messages = warning; DROP SCHEMA \"We ird\" CASCADE");
        dump.restore(&plan, &target);
        validate_notes(&target, &narrowed);
        same(&source, &target);
    }
}

/// pg_restore -j alone lost a foreign key or an index to a deadlock here, every few runs.
#[test]
fn partition_trees_are_finished_without_a_deadlock() {
    let source = shop(Cluster::shared());
    for client in [15, 18] {
        let mut dump = Dump::of(&source, client);
        dump.jobs = 4;
        for _ in 0..4 {
            let target = copy(&source);
            target.psql("SET client_min_messages = warning; DROP TABLE shop.log CASCADE");
            let mut plan = dump.plan();
            narrowed(&mut plan, &tables(&["shop.log"]));
            dump.restore(&plan, &target);
        }
    }
}

#[test]
fn what_the_target_lacks_is_made_first() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &tables(&["shop.orders"]));
        let target = source.cluster().create_db("empty");
        include(&mut plan, &narrowed, &narrowed.needed);
        dump.restore(&plan, &target);
        assert_eq!(target.psql("SELECT count(*) FROM shop.orders"), "500");
        assert_eq!(target.psql("SELECT nextval('shop.numbers')"), "1501");
        let tables = "SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relkind = 'r'
            AND relnamespace = 'shop'::regnamespace";
        assert_eq!(target.psql(tables), "orders");
        let lacks = missing(&plan);
        for (what, needs) in [
            ("FK CONSTRAINT shop.orders of_customer", "TABLE shop.customers"),
            ("FK CONSTRAINT shop.items items of \"order", "TABLE shop.items"),
            ("PUBLICATION TABLE shop.pub orders", "PUBLICATION pub"),
        ] {
            let what = what.replace("items items", "items");
            let wanted = format!("it needs {needs}, which is not on the target");
            assert!(lacks.iter().any(|told| told.contains(&wanted)), "{what}: {lacks:#?}");
        }
        assert_eq!(target.psql("SELECT count(*) FROM pg_extension WHERE extname = 'citext'"), "0");
    }
}

#[test]
fn a_partition_brings_its_table_where_that_is_gone() {
    let source = shop(Cluster::shared());
    let dump = Dump::of(&source, 15);
    let mut plan = dump.plan();
    let narrowed = narrowed(&mut plan, &tables(&["shop.log_1"]));
    let target = source.cluster().create_db("empty");
    include(&mut plan, &narrowed, &narrowed.needed);
    dump.restore(&plan, &target);
    assert_eq!(target.psql("SELECT count(*) FROM shop.log"), "366");
    assert_eq!(
        plan.notes,
        ["TABLE shop.log is made without its rows: what was asked for needs it"]
    );
}
