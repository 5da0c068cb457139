//! `--as`: a table under another name, beside the one that is there.

use pgtend::restore::clean;
use pgtend::restore::parts::{Parts, include, narrow};

use super::{CLIENTS, Dump, copy, labels, missing, narrowed, planned, shop, tables};
use crate::harness::{Cluster, Database};

fn beside(table: &str, schema: Option<&str>, name: &str) -> Parts {
    Parts { rename: Some((schema.map(str::to_owned), name.to_owned())), ..tables(&[table]) }
}

#[track_caller]
fn same_rows(db: &Database<'_>, a: &str, b: &str) {
    let differ = db.psql(&format!(
        "(TABLE ONLY {a} EXCEPT ALL TABLE ONLY {b})
        UNION ALL (TABLE ONLY {b} EXCEPT ALL TABLE ONLY {a})"
    ));
    assert_eq!(differ, "");
    assert_ne!(db.psql(&format!("SELECT count(*) FROM ONLY {b}")), "0");
}

#[test]
fn a_table_is_restored_beside_itself() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let target = copy(&source);
        let before = target.psql("\\d shop.orders");
        let mut plan = dump.plan();
        let narrowed = narrowed(&mut plan, &beside("shop.orders", Some("We ird"), "orders \"old"));
        dump.restore(&plan, &target);
        same_rows(&target, "shop.orders", "\"We ird\".\"orders \"\"old\"");
        assert_eq!(target.psql("\\d shop.orders"), before);
        assert_eq!(
            planned(&plan),
            [
                "CHECK CONSTRAINT We ird.orders \"old late",
                "CONSTRAINT We ird.orders \"old the key",
                "TABLE DATA We ird.orders \"old",
                "TABLE We ird.orders \"old",
            ]
        );
        assert_eq!(
            target.psql(
                "SELECT conname, contype, convalidated FROM pg_constraint
                 WHERE conrelid = '\"We ird\".\"orders \"\"old\"'::regclass AND contype <> 'n'
                 ORDER BY 1"
            ),
            "late|c|f\norders \"old_pkey|p|t\nsmall|c|t"
        );
        assert_eq!(
            target.psql(
                "SELECT relacl IS NULL, relowner::regrole, relrowsecurity FROM pg_class
                WHERE oid = '\"We ird\".\"orders \"\"old\"'::regclass"
            ),
            "t|app_owner|f"
        );
        assert_eq!(missing(&plan), [""; 0]);
        assert!(plan.left_out().count() > 20);
        assert!(narrowed.incoming.is_empty() && narrowed.dependents.is_empty());
        let needed = labels(&plan, &narrowed.needed);
        for need in ["SCHEMA We ird", "SCHEMA shop", "TYPE shop.state", "SEQUENCE shop.numbers"] {
            assert!(needed.iter().any(|label| label.trim() == need), "{need}: {needed:?}");
        }
        // Cleaning up drops the copy and never the original.
        let drops: String =
            clean::statements(&plan, |_| false).into_iter().map(|drop| drop.sql).collect();
        assert_eq!(drops, "DROP TABLE IF EXISTS \"We ird\".\"orders \"\"old\";\n");
    }
}

#[test]
fn the_new_name_may_be_in_the_same_schema() {
    let source = shop(Cluster::shared());
    for (client, table, new) in
        [(15, "We ird.T", "T2"), (16, "We ird.T", "T3"), (18, "We ird.T", "T4")]
    {
        let dump = Dump::of(&source, client);
        let mut plan = dump.plan();
        narrowed(&mut plan, &beside(table, None, new));
        dump.restore(&plan, &source);
        same_rows(&source, "\"We ird\".\"T\"", &format!("\"We ird\".\"{new}\""));
    }
}

#[test]
fn partitions_can_stand_alone() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let dump = Dump::of(&source, client);
        let target = copy(&source);
        // One of them is loaded through its root elsewhere.
        // Which one has rows depends on the OIDs of the enum's labels.
        let by_state = source.psql("SELECT tableoid::regclass FROM shop.by_state LIMIT 1");
        for partition in [by_state.as_str(), "shop.log_1"] {
            let mut plan = dump.plan();
            narrowed(&mut plan, &beside(partition, Some("public"), "alone"));
            dump.restore(&plan, &target);
            same_rows(&target, partition, "public.alone");
            target.psql("DROP TABLE alone");
        }
    }
}

#[test]
fn what_cannot_stand_beside_is_refused() {
    let source = shop(Cluster::shared());
    let dump = Dump::of(&source, 15);
    for (table, name, why) in [
        ("shop.child", "b", "it inherits columns from another table"),
        ("shop.log", "b", "it is partitioned"),
        ("shop.open", "b", "it is a view, not a table"),
        ("shop.far", "b", "it is a foreign table, not a table"),
        ("shop.orders", "orders", "that is the name that it has"),
    ] {
        let error = narrow(&mut dump.plan(), &beside(table, None, name)).unwrap_err();
        assert_eq!(error.exit().code(), 64);
        assert!(error.to_string().ends_with(why), "{error}");
    }
    let mut two = beside("shop.orders", None, "b");
    two.tables.push("plain".into());
    let error = narrow(&mut dump.plan(), &two).unwrap_err();
    assert_eq!(error.to_string(), "--as needs exactly one --table");
}

#[test]
fn an_empty_database_gets_what_the_copy_needs() {
    let source = shop(Cluster::shared());
    let dump = Dump::of(&source, 15);
    let mut plan = dump.plan();
    let narrowed = narrowed(&mut plan, &beside("shop.orders", Some("public"), "old"));
    let target = source.cluster().create_db("empty");
    include(&mut plan, &narrowed, &narrowed.needed);
    dump.restore(&plan, &target);
    assert_eq!(target.psql("SELECT count(*), sum(net) > 0 FROM public.old"), "500|t");
}
