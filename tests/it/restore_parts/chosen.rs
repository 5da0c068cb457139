//! What a name chooses, and what the catalog says of the rest.

use pgtend::restore::parts::{Parts, narrow};
use pgtend::sql;

use super::{CLIENTS, Dump, labels, narrowed, planned, schemas, shop, tables};
use crate::harness::Cluster;

#[test]
fn all_that_belongs_to_a_table_is_planned() {
    let source = shop(Cluster::shared());
    for client in CLIENTS {
        let mut plan = Dump::of(&source, client).plan();
        let narrowed = narrowed(&mut plan, &tables(&["shop.orders"]));
        let wanted = "\
ACL shop.COLUMN orders.note
ACL shop.SEQUENCE orders_counter_seq
ACL shop.TABLE orders
CHECK CONSTRAINT shop.orders late
COMMENT shop.COLUMN orders.note
COMMENT shop.CONSTRAINT \"of \"\"order\" ON items
COMMENT shop.CONSTRAINT \"the key\" ON orders
COMMENT shop.CONSTRAINT small ON orders
COMMENT shop.INDEX orders_state
COMMENT shop.POLICY mine ON orders
COMMENT shop.RULE keep ON orders
COMMENT shop.SEQUENCE orders_counter_seq
COMMENT shop.STATISTICS orders_st
COMMENT shop.TABLE orders
COMMENT shop.TRIGGER touch ON orders
CONSTRAINT shop.orders late_check
CONSTRAINT shop.orders one_number
CONSTRAINT shop.orders the key
DEFAULT shop.orders counter
FK CONSTRAINT We ird.items
\".of FOREIGN KEY to
orders FOREIGN KEY
FK CONSTRAINT shop.items of \"order
FK CONSTRAINT shop.orders follows
FK CONSTRAINT shop.orders of_customer
INDEX shop.orders_net_idx
INDEX shop.orders_state
POLICY shop.orders mine
PUBLICATION TABLE shop.pub orders
ROW SECURITY shop.orders
RULE shop.orders keep
SEQUENCE OWNED BY shop.orders_counter_seq
SEQUENCE SET shop.orders_counter_seq
SEQUENCE SET shop.orders_id_seq
SEQUENCE shop.orders_counter_seq
SEQUENCE shop.orders_id_seq
STATISTICS shop.orders_st
TABLE DATA shop.orders
TABLE shop.orders
TRIGGER shop.orders touch";
        assert_eq!(planned(&plan).join("\n"), wanted, "client {client}");
        let needed = labels(&plan, &narrowed.needed);
        let table = "TABLE We ird.items\n\".of FOREIGN KEY";
        for need in [
            "DOMAIN shop.money_amount",
            "FUNCTION shop.net(numeric)",
            "FUNCTION shop.stamp()",
            "SEQUENCE shop.numbers",
            "TABLE shop.customers",
            "TYPE shop.state",
            table,
        ] {
            assert!(needed.iter().any(|label| label == need), "{need}: {needed:#?}");
        }
    }
}

#[test]
fn nothing_asked_for_is_everything() {
    let source = shop(Cluster::shared());
    let mut plan = Dump::of(&source, 15).plan();
    let before = planned(&plan);
    narrowed(&mut plan, &Parts::default());
    assert_eq!(planned(&plan), before);
}

#[test]
fn a_schema_leaves_out_what_is_the_databases() {
    let source = shop(Cluster::shared());
    let mut plan = Dump::of(&source, 15).plan();
    let narrowed = narrowed(&mut plan, &schemas(&["SHOP"]));
    let planned = planned(&plan);
    for kind in ["EVENT TRIGGER", "PUBLICATION p", "PUBLICATION e", "BLOB", "DATABASE", "EXTENSION"]
    {
        assert!(!planned.iter().any(|label| label.starts_with(kind)), "{kind}: {planned:#?}");
    }
    for label in [
        "SCHEMA shop",
        "COMMENT SCHEMA shop",
        "ACL SCHEMA shop",
        "TABLE We ird.log_2b",
        "DEFAULT ACL shop.DEFAULT PRIVILEGES FOR TABLES",
    ] {
        assert!(planned.iter().any(|other| other.trim() == label), "{label}: {planned:#?}");
    }
    assert!(
        narrowed
            .dependents
            .contains(&"TABLE public.plain depends on it and is not restored".into()),
        "{:?}",
        narrowed.dependents
    );
}

#[test]
fn a_wrong_name_is_answered_with_the_nearest() {
    let source = shop(Cluster::shared());
    let dump = Dump::of(&source, 15);
    for (parts, wanted) in [
        (
            tables(&["shop.ordres"]),
            "the backup has no table, view or sequence shop.ordres: the \
            nearest: shop.orders",
        ),
        (
            tables(&["orders"]),
            "the backup has several tables orders: \"We ird\".orders, shop.orders",
        ),
        (tables(&["a.b.c"]), "\"a.b.c\" is no name"),
        (schemas(&["shp"]), "the backup has no schema shp: the nearest: shop"),
        (
            schemas(&["entirely"]),
            "the backup has no schema entirely: it has \"We ird\", public, shop",
        ),
        (
            tables(&["shop.orders_id_seq"]),
            "sequence shop.orders_id_seq cannot be restored alone: \
            it is part of an identity column",
        ),
    ] {
        let mut plan = dump.plan();
        let error = narrow(&mut plan, &parts).unwrap_err();
        assert_eq!(error.exit().code(), 64);
        assert!(error.to_string().starts_with(wanted), "{error}");
        assert_eq!(planned(&plan), planned(&dump.plan()), "nothing is changed");
    }
    let both = Parts { schemas: vec!["shop".into()], ..tables(&["orders"]) };
    assert_eq!(narrow(&mut dump.plan(), &both).unwrap_err().exit().code(), 64);
}

#[test]
fn the_catalog_tells_what_depends_from_outside() {
    let source = shop(Cluster::shared());
    source.psql(
        "CREATE TABLE shop.log_3 PARTITION OF shop.log FOR VALUES FROM ('2030-01-01')
        TO ('2031-01-01'); CREATE TABLE keeps (o shop.orders[])",
    );
    let outside = |relations: &str, schemas: &str| {
        let text = sql::OUTSIDE_DEPENDENTS.text;
        source.psql(&format!(
            "SET search_path = ''; PREPARE q (text[], text[]) AS {text};
             EXECUTE q (ARRAY[{relations}]::text[], ARRAY[{schemas}]::text[])"
        ))
    };
    let all = "'shop.orders', 'shop.orders_id_seq', 'shop.orders_counter_seq'";
    assert_eq!(
        outside(all, ""),
        "foreign key|We ird|items\n\".of FOREIGN KEY|r|to\norders FOREIGN KEY|FOREIGN KEY (\"for\") \
         REFERENCES shop.orders(number)
foreign key|shop|events|p|events_order_id_fkey|FOREIGN KEY (order_id) REFERENCES shop.orders(id)
foreign key|shop|items|r|of \"order|FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE \
         CASCADE DEFERRABLE INITIALLY DEFERRED
other||||function shop.newest()|
relation|public|keeps|r||
relation|shop|grouped|v||
relation|shop|open|v||
relation|shop|sums|m||"
    );
    assert!(!outside(all, "'shop'").contains("|shop|"));
    assert_eq!(
        outside("'shop.log', 'shop.log_1', 'shop.log_2', 'shop.log_2a', '\"We ird\".log_2b'", ""),
        "foreign key|shop|log_notes|r|log_notes_id_at_fkey|FOREIGN KEY (id, at) REFERENCES \
         shop.log(id, at)\npartition|shop|log_3|r||"
    );
    assert_eq!(outside("'shop.parent'", ""), "relation|shop|child|r||");
    assert_eq!(outside("'shop.customers_id_seq'", ""), "relation|shop|customers|r||");
    assert_eq!(outside("'shop.gone'", ""), "");
}
