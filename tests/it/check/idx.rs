//! Indexes.

use super::stage::{Fault, Stage, checked, play, until};
use crate::harness::Cluster;

/// Rows with an index that nobody uses.
const ROWS: &str = "
    CREATE TABLE t (id int PRIMARY KEY, k int, b boolean, n int, a int[]);
    INSERT INTO t SELECT g, g, g % 2 = 0, case when g % 4 = 0 then g end, array[g]
    FROM generate_series(1, 5000) g;
    ANALYZE t;
";

pub const STAGES: &[Stage] = &[
    Stage::new(
        "idx.invalid",
        "critical",
        "public.twice_k",
        // A build that fails leaves its index.
        Fault::Acted(|db| {
            let built = "CREATE UNIQUE INDEX CONCURRENTLY twice_k ON twice (k)";
            assert!(db.cluster().psql_result(db.name(), built).is_err());
            Box::new(())
        }),
    )
    .after("CREATE TABLE twice (k int); INSERT INTO twice VALUES (1), (1)"),
    Stage::new("idx.duplicate", "warning", "public.t_k2", Fault::Sql("CREATE INDEX t_k2 ON t (k)"))
        .after("CREATE TABLE t (k int); CREATE INDEX t_k ON t (k); CREATE INDEX ON t (k DESC)"),
    Stage::new(
        "idx.redundant_prefix",
        "info",
        "public.t_k",
        Fault::Sql("CREATE INDEX t_k ON t (k)"),
    )
    .after("CREATE TABLE t (k int, v int); CREATE INDEX ON t (k, v)"),
    Stage::new("idx.unused", "warning", "public.t_k", Fault::Sql("CREATE INDEX t_k ON t (k)"))
        .after(ROWS)
        .with(
            "[check.limits]\n\"idx.unused\" = { warning = \"16kB\" }\n\
             \"idx.unused/counted\" = { warning = \"0s\" }",
        ),
    Stage::new(
        "idx.fk_missing",
        "info",
        "public.child.to_parent",
        Fault::Sql(
            "ALTER TABLE child ADD CONSTRAINT to_parent FOREIGN KEY (parent) REFERENCES parent",
        ),
    )
    .after("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (parent int)"),
    Stage::new(
        "idx.fk_missing",
        "warning",
        "public.child.to_parent",
        // The rows of the parent are gone: someone deletes there.
        Fault::Acted(|db| {
            db.psql("DELETE FROM parent");
            until(db, "SELECT n_tup_del = 1 FROM pg_stat_user_tables WHERE relname = 'parent'");
            db.psql("DROP INDEX child_parent_idx");
            Box::new(())
        }),
    )
    .after(
        "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
         CREATE TABLE child (parent int CONSTRAINT to_parent REFERENCES parent);
         CREATE INDEX ON child (parent)",
    ),
    Stage::new("idx.null_heavy", "info", "public.t_n", Fault::Sql("CREATE INDEX t_n ON t (n)"))
        .after(ROWS)
        .with("[check.limits]\n\"idx.null_heavy/bytes\" = { warning = \"16kB\" }"),
    Stage::new(
        "idx.seqscan_heavy",
        "info",
        "public.t",
        Fault::Acted(|db| {
            db.psql(&"SELECT count(*) FROM t WHERE k < 0;".repeat(20));
            until(db, "SELECT seq_scan > 10 FROM pg_stat_user_tables WHERE relname = 't'");
            Box::new(())
        }),
    )
    .after(ROWS)
    .with(
        "[check.limits]\n\"idx.seqscan_heavy/rows\" = { warning = 1000 }\n\
         \"idx.seqscan_heavy/scans\" = { warning = 10 }",
    ),
    Stage::new("idx.btree_on_array", "info", "public.t_a", Fault::Sql("CREATE INDEX t_a ON t (a)"))
        .after(ROWS),
    Stage::new("idx.boolean", "info", "public.t_b", Fault::Sql("CREATE INDEX t_b ON t (b)"))
        .after(ROWS),
    Stage::new("idx.usage", "info", "public.t_k", Fault::Sql("CREATE INDEX t_k ON t (k)"))
        .after(ROWS),
];

#[test]
fn every_check_of_the_family_fires() {
    play(Cluster::shared(), STAGES);
}

/// The objects that a check names.
fn named(url: &str, id: &str, settings: &str) -> Vec<String> {
    let check = checked(url, id, settings, &[]);
    let findings = check["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["object"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn indexes_that_look_alike_are_not_the_same() {
    let db = Cluster::shared().create_db("alike");
    db.psql(
        "CREATE TABLE t (id int PRIMARY KEY, k int, v text);
         CREATE TABLE u (id int PRIMARY KEY, k int, v text);
         CREATE INDEX t_one ON t (lower(v)) WHERE k > 1;
         CREATE INDEX t_two ON t (lower(v)) WHERE k > 2;
         CREATE INDEX t_upper ON t (upper(v)) WHERE k > 1;
         CREATE INDEX t_pattern ON t (v text_pattern_ops);
         CREATE INDEX t_c ON t (v COLLATE \"C\");
         CREATE INDEX t_plain ON t (v);
         CREATE INDEX t_desc ON t (v DESC);
         CREATE INDEX t_hash ON t USING hash (v);
         CREATE INDEX t_included ON t (v) INCLUDE (k);
         CREATE INDEX u_plain ON u (v);
         CREATE UNIQUE INDEX t_k ON t (k);
         CREATE UNIQUE INDEX t_k_nulls ON t (k) NULLS NOT DISTINCT;",
    );
    assert_eq!(named(&db.url(), "idx.duplicate", ""), Vec::<String>::new());
    assert_eq!(named(&db.url(), "idx.redundant_prefix", ""), Vec::<String>::new());
    // Written otherwise, the same; and one that keeps rows unique does for one that does not.
    db.psql(
        "CREATE INDEX t_same ON t (   lower(v)   ) WHERE (k > 1);
         CREATE INDEX t_id ON t (id);
         ALTER TABLE t ADD CONSTRAINT \"Once more\" UNIQUE (id);",
    );
    let check = checked(&db.url(), "idx.duplicate", "", &[]);
    let mut found: Vec<(String, String)> = Vec::new();
    for finding in check["findings"].as_array().unwrap() {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        found.push((text("object"), text("remedy")));
    }
    found.sort();
    let drop = |name: &str| format!("DROP INDEX CONCURRENTLY {name};");
    let expected = [
        ("public.\"Once more\"", "ALTER TABLE public.t DROP CONSTRAINT \"Once more\";".to_owned()),
        ("public.t_id", drop("public.t_id")),
        ("public.t_same", drop("public.t_same")),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(object, remedy)| (object.to_owned(), remedy)).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_partitioned_is_dropped_and_measured_as_a_whole() {
    let db = Cluster::shared().create_db("parts");
    db.psql(
        "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
         CREATE TABLE t (k int, v int CONSTRAINT fk REFERENCES parent) PARTITION BY LIST (k);
         CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
         INSERT INTO t SELECT 1, 1 FROM generate_series(1, 5000);
         CREATE INDEX t_k ON t (k); CREATE INDEX t_same ON t (k);
         ANALYZE t; ANALYZE t_1",
    );
    let check = checked(&db.url(), "idx.fk_missing", "", &[]);
    assert!(check["findings"][0]["value"].as_f64().unwrap() > 100_000.0, "{check}");
    let check = checked(&db.url(), "idx.duplicate", "", &[]);
    assert_eq!(check["findings"][0]["object"], "public.t_same", "{check}");
    db.psql(check["findings"][0]["remedy"].as_str().unwrap());
    assert_eq!(named(&db.url(), "idx.duplicate", ""), Vec::<String>::new());
}

#[test]
fn an_index_that_serves_is_not_called_unused() {
    let db = Cluster::shared().create_db("serving");
    db.psql(ROWS);
    db.psql(
        "CREATE TABLE parent (id int PRIMARY KEY);
         ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (n) REFERENCES parent NOT VALID;
         CREATE INDEX t_n ON t (n);
         CREATE UNIQUE INDEX t_unique ON t (k);
         CREATE INDEX t_idle ON t (k);
         CREATE INDEX t_used ON t (a);
         SET enable_seqscan = off; SELECT count(*) FROM t WHERE a = '{2}';",
    );
    until(&db, "SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = 't_used'");
    let counted = "[check.limits]\n\"idx.unused\" = { warning = \"16kB\" }\n\
                   \"idx.unused/counted\" = { warning = \"0s\" }";
    assert_eq!(named(&db.url(), "idx.unused", counted), ["public.t_idle"]);
    // Nothing is said of what was counted for so short a time.
    let check = checked(&db.url(), "idx.unused", "", &[]);
    assert_eq!(check["status"], "not-applicable", "{check}");
    let check = checked(&db.url(), "idx.unused", counted, &[]);
    let says = check["findings"][0]["says"].as_str().unwrap();
    assert!(says.contains("what standbys use is not counted here"), "{says}");
}

#[test]
fn any_order_of_the_columns_serves_a_foreign_key_and_a_partial_index_does_not() {
    let db = Cluster::shared().create_db("keys");
    db.psql(
        "CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
         CREATE TABLE turned (a int, b int, c int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent);
         CREATE INDEX ON turned (b, a, c);
         CREATE TABLE late (a int, b int, c int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent);
         CREATE INDEX ON late (c, a, b);
         CREATE TABLE part (a int, b int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent);
         CREATE INDEX ON part (a, b) WHERE a > 0;",
    );
    let mut found = named(&db.url(), "idx.fk_missing", "");
    found.sort();
    assert_eq!(found, ["public.late.fk", "public.part.fk"]);
}
