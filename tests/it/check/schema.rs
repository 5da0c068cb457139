//! The schema.

use super::stage::{Fault, Stage, checked, play};
use crate::harness::{Cluster, Pgtend};

pub const STAGES: &[Stage] = &[
    Stage::new("schema.no_pk", "warning", "public.loose", Fault::Sql("CREATE TABLE loose (a int)")),
    Stage::new(
        "schema.pub_no_replident",
        "critical",
        "public.loose",
        Fault::Sql("CREATE TABLE loose (a int); CREATE PUBLICATION p FOR TABLE loose"),
    ),
    Stage::new(
        "schema.not_valid",
        "warning",
        "public.orders.positive",
        Fault::Sql("ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID"),
    )
    .after("CREATE TABLE orders (id bigint PRIMARY KEY)"),
    Stage::new(
        "schema.fk_type_mismatch",
        "warning",
        "public.lines.order_id",
        Fault::Sql("CREATE TABLE lines (order_id int REFERENCES orders)"),
    )
    .after("CREATE TABLE orders (id bigint PRIMARY KEY)"),
    Stage::new(
        "schema.unlogged",
        "warning",
        "public.fast",
        Fault::Sql("CREATE UNLOGGED TABLE fast (id bigserial PRIMARY KEY)"),
    ),
    Stage::new(
        "schema.disabled_triggers",
        "critical",
        "public.lines.lines_order_id_fkey",
        Fault::Sql("ALTER TABLE lines DISABLE TRIGGER ALL"),
    )
    .after(
        "CREATE TABLE orders (id bigint PRIMARY KEY);
         CREATE TABLE lines (order_id bigint REFERENCES orders)",
    ),
    Stage::new(
        "schema.ext_outdated",
        "warning",
        "hstore",
        Fault::Sql("CREATE EXTENSION hstore VERSION '1.4'"),
    ),
    Stage::new(
        "schema.collation",
        "critical",
        "pg_catalog.\"und-x-icu\"",
        Fault::Sql("UPDATE pg_collation SET collversion = '0' WHERE collname = 'und-x-icu'"),
    )
    .after("CREATE TABLE names (name text COLLATE \"und-x-icu\" PRIMARY KEY)"),
    Stage::new(
        "schema.int_pk",
        "info",
        "public.orders.id",
        Fault::Sql("CREATE TABLE orders (id serial PRIMARY KEY)"),
    ),
    Stage::new(
        "schema.partition_future",
        "warning",
        "public.events",
        Fault::Sql(
            "ALTER TABLE events DETACH PARTITION events_old;
             CREATE TABLE events_new PARTITION OF events
             FOR VALUES FROM (MINVALUE) TO (now() + interval '3 days')",
        ),
    )
    .after(
        "CREATE TABLE events (at timestamptz) PARTITION BY RANGE (at);
         CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('9000-01-01')",
    ),
    Stage::new(
        "schema.name_overflow",
        "info",
        "public.a_name_that_somebody_wrote_",
        Fault::Sql(
            "CREATE TABLE a_name_that_somebody_wrote_without_counting_how_many_letters_it_has ()",
        ),
    ),
    Stage::new(
        "schema.expected",
        "critical",
        "column public.orders.id bigint",
        Fault::Sql("ALTER TABLE orders ALTER COLUMN id TYPE int"),
    )
    .after("CREATE TABLE orders (id bigint); CREATE FUNCTION f(int) RETURNS int RETURN 1")
    .with(concat!(
        "[check.schema]\nexpected = \"",
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/data/check/expected_schema.txt\""
    )),
];

#[test]
fn every_check_of_the_family_fires() {
    play(Cluster::shared(), STAGES);
}

#[test]
fn the_primary_key_that_is_proposed_can_be_made() {
    let db = Cluster::shared().create_db("check");
    db.psql(
        "CREATE TABLE plain (a int); INSERT INTO plain VALUES (1), (1);
         CREATE TABLE named (id int); INSERT INTO named VALUES (1);
         CREATE TABLE parts (id int, \"K\" int) PARTITION BY LIST (\"K\");
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
         CREATE TABLE other (k int) PARTITION BY LIST (k);
         CREATE TABLE other_1 PARTITION OF other FOR VALUES IN (1);
         INSERT INTO other VALUES (1), (1)",
    );
    let check = checked(&db.url(), "schema.no_pk", "", &[]);
    let findings = check["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 4, "{check}");
    for finding in findings {
        db.psql(finding["remedy"].as_str().unwrap());
    }
    let check = checked(&db.url(), "schema.no_pk", "", &[]);
    assert_eq!(check["status"], "healthy", "{check}");
}

#[test]
fn rows_in_a_default_partition_and_a_gap_are_told() {
    let db = Cluster::shared().create_db("check");
    db.psql(
        "CREATE TABLE events (day date) PARTITION BY RANGE (day);
         CREATE TABLE events_rest PARTITION OF events DEFAULT;
         CREATE TABLE events_far PARTITION OF events FOR VALUES FROM ('8000-01-01') TO (MAXVALUE);
         CREATE TABLE numbers (n int) PARTITION BY RANGE (n);
         INSERT INTO events VALUES ('2000-01-01')",
    );
    // Whatever the database shows dates in.
    db.psql(&format!("ALTER DATABASE {} SET datestyle = 'German'", db.name()));
    let check = checked(&db.url(), "schema.partition_future", "", &[]);
    let objects: Vec<&str> = check["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["object"].as_str().unwrap())
        .collect();
    assert_eq!(objects, ["public.events", "public.events_rest"], "{check}");
    let says = check["says"].as_str().unwrap();
    assert!(says.contains("no partition for now: its rows fall into public.events_rest"), "{says}");
    // An object can have its own limit.
    let off = "[check.limits]\n\"schema.partition_future:public.events\" = \
               { warning = \"off\", critical = \"off\" }";
    let check = checked(&db.url(), "schema.partition_future", off, &[]);
    assert_eq!(check["status"], "warning", "{check}");
}

#[test]
fn a_list_of_objects_that_is_not_there_is_a_usage_error() {
    let db = Cluster::shared().create_db("check");
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("check.toml");
    std::fs::write(&config, "[check.schema]\nexpected = \"/nowhere/schema.txt\"").unwrap();
    let arguments = ["check", "--url", &db.url(), "--only", "schema.expected", "--config"];
    let output = pgtend.args(arguments).arg(&config).run();
    assert_eq!(output.code, 64, "{}", output.stderr);
    assert!(output.stderr.contains("/nowhere/schema.txt"), "{}", output.stderr);
    // Nobody asks for it without the setting.
    let check = checked(&db.url(), "schema.expected", "", &[]);
    assert_eq!(check["status"], "not-applicable", "{check}");
}
