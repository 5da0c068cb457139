//! Rules that no server of the tests can show: services, versions, what is missing.

use super::{Wishes, rehearse};
use crate::archive::toc::sample::{entry, toc};
use crate::archive::toc::{Entry, Section};
use crate::restore::plan::{Fate, Plan, Weight};
use crate::restore::target::{Extension, Facts, Locale, Provider, Role, Schema};

/// A role `me` that owns a database of a service or a superuser's, on 15.
fn facts() -> Facts {
    let mut facts = Facts {
        role: "me".into(),
        may_create: true,
        version: "15.18".into(),
        version_number: 150_018,
        ..Facts::default()
    };
    let locale = Locale {
        encoding: "UTF8".into(),
        collate: "C".into(),
        ctype: "C".into(),
        provider: "c".into(),
        locale: None,
    };
    facts.locale = locale;
    facts.roles.insert("me".into(), Role { usable: true, ..Role::default() });
    let public = Schema { owned: true, may_create: true, ..Schema::default() };
    facts.schemas.insert("public".into(), public);
    facts.languages.insert("sql".into(), true);
    facts.access_methods.insert("heap".into());
    let available = Extension { available: true, superuser: true, ..Extension::default() };
    facts.extensions.insert("pg_cron".into(), available);
    facts
}

fn plan(entries: Vec<Entry>) -> Plan {
    Plan::new(toc("15.18", entries))
}

#[track_caller]
fn left_out(plan: &Plan, index: usize) -> (Weight, &str) {
    match plan.fate(index) {
        Fate::LeftOut(left) => (left.weight, &left.reason),
        other => panic!("{}: {other:?}", plan.toc.entries[index].label()),
    }
}

fn extension(id: i32, name: &str) -> Entry {
    let definition = format!("CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA public;\n");
    entry(id, "EXTENSION", "", name, &definition).of_section(Section::PreData)
}

#[test]
fn admins_of_rds_may_what_aws_lends_them() {
    let all = vec![
        extension(1, "pg_cron"),
        entry(2, "COMMENT", "", "EXTENSION pg_cron", "COMMENT ..").depending_on(&[1]),
        entry(3, "EVENT TRIGGER", "", "e", "CREATE EVENT TRIGGER e ON x;"),
        entry(4, "PUBLICATION", "", "p", "CREATE PUBLICATION p FOR ALL TABLES;"),
        entry(5, "SUBSCRIPTION", "", "s", "CREATE SUBSCRIPTION s CONNECTION 'password=x';"),
        entry(6, "OPERATOR FAMILY", "public", "o", "CREATE OPERATOR FAMILY o USING btree;"),
    ];
    let mut facts = facts();
    let mut plain = plan(all.clone());
    rehearse(&mut plain, &facts, &Wishes::default());
    assert!((0..6).all(|index| left_out(&plain, index).0 == Weight::Missing));

    facts.provider = Some(Provider::Rds);
    let mut lent = plan(all.clone());
    rehearse(&mut lent, &facts, &Wishes::default());
    assert!([0, 2, 3, 4].into_iter().all(|index| lent.is_planned(index)));
    assert_eq!(left_out(&lent, 1), (Weight::Needless, "the extension brings its own comment"));
    assert_eq!(left_out(&lent, 5).1, "only a superuser may create operator families");
    assert_eq!(lent.notes, ["subscription s comes back disabled"]);

    facts.allowed_extensions = Some(["hstore".to_owned()].into());
    let mut closed = plan(all);
    rehearse(&mut closed, &facts, &Wishes::default());
    assert_eq!(left_out(&closed, 0).1, "not on the service's list of allowed extensions");
    let reason =
        "needs extension pg_cron, which is not on the service's list of allowed extensions";
    assert_eq!(left_out(&closed, 1), (Weight::Missing, reason));
}

#[test]
fn what_a_missing_extension_carries_goes_with_it() {
    let data = |id, name| entry(id, "TABLE DATA", "cron", name, "").of_section(Section::Data);
    let mut plan = plan(vec![
        extension(1, "timescaledb"),
        entry(2, "TABLE", "public", "t", "CREATE TABLE t ..").depending_on(&[1]),
        entry(3, "TABLE DATA", "public", "t", "").depending_on(&[2]),
        entry(4, "VIEW", "public", "v", "CREATE VIEW v ..").depending_on(&[2]),
        entry(5, "COMMENT", "public", "VIEW v", "COMMENT ..").depending_on(&[4]),
        data(6, "job").depending_on(&[99]),
        entry(7, "TABLE", "public", "u", "CREATE TABLE u ..").depending_on(&[98]),
    ]);
    rehearse(&mut plan, &facts(), &Wishes::default());
    assert_eq!(left_out(&plan, 0), (Weight::Missing, "this server does not have it"));
    let reason = "needs extension timescaledb, which this server does not have";
    for index in 1..=4 {
        assert_eq!(left_out(&plan, index), (Weight::Missing, reason));
    }
    let rows = "needs extension timescaledb, which is left out";
    assert_eq!(left_out(&plan, 5), (Weight::Missing, rows));
    assert!(plan.is_planned(6));
}

#[test]
fn access_methods_that_nobody_brings_become_heap() {
    let table = |id, name: &str, definition| {
        let mut table = entry(id, "TABLE", "public", name, definition);
        table.access_method = Some(b"columnar".to_vec());
        table.tablespace = Some(b"fast".to_vec());
        table
    };
    let parted = "CREATE TABLE public.p (\n    a integer\n)\nPARTITION BY LIST (a);\n";
    let mut plan = plan(vec![table(1, "t", "CREATE TABLE public.t ();"), table(2, "p", parted)]);
    rehearse(&mut plan, &facts(), &Wishes::default());
    assert_eq!(plan.toc.entries[0].access_method.as_deref(), Some(&b"heap"[..]));
    assert_eq!(plan.toc.entries[1].access_method, None);
    assert_eq!(plan.toc.entries[0].tablespace.as_deref(), Some(&b""[..]));
    assert_eq!(
        plan.notes,
        [
            "tablespace fast does not exist: 2 objects will lie in the database's own",
            "table access method columnar does not exist: 2 objects will use heap",
        ]
    );
}

#[test]
fn rights_that_others_granted_are_granted_by_the_owner() {
    let definition = "GRANT SELECT ON TABLE t TO a WITH GRANT OPTION;\n\
                      SET SESSION AUTHORIZATION a;\nGRANT SELECT ON TABLE t TO b;\n\
                      RESET SESSION AUTHORIZATION;\nGRANT INSERT ON TABLE t TO gone;\n\
                      REVOKE ALL ON TABLE t FROM gone;\n";
    let table = entry(1, "TABLE", "public", "t", "CREATE TABLE public.t ();");
    let acl = entry(2, "ACL", "public", "TABLE t", definition).depending_on(&[1]);
    let mut facts = facts();
    for role in ["a", "b"] {
        facts.roles.insert(role.into(), Role::default());
    }
    let mut by_owner = plan(vec![table.clone(), acl.clone()]);
    rehearse(&mut by_owner, &facts, &Wishes::default());
    let kept = "GRANT SELECT ON TABLE t TO a WITH GRANT OPTION;\nGRANT SELECT ON TABLE t TO b;\n";
    assert_eq!(by_owner.toc.entries[1].definition(), kept);
    let lost = "role gone does not exist: its rights on 1 object are left out (INSERT on TABLE t)";
    assert_eq!(by_owner.notes, [lost]);

    facts.superuser = true;
    let mut by_superuser = plan(vec![table, acl]);
    rehearse(&mut by_superuser, &facts, &Wishes::default());
    let kept = "GRANT SELECT ON TABLE t TO a WITH GRANT OPTION;\nSET SESSION AUTHORIZATION a;\n\
                GRANT SELECT ON TABLE t TO b;\nRESET SESSION AUTHORIZATION;\n";
    assert_eq!(by_superuser.toc.entries[1].definition(), kept);
}

#[test]
fn the_databases_own_entries_wait_for_create() {
    let made =
        "CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'LATIN1' LOCALE = 'de_DE';";
    let properties =
        "ALTER DATABASE app SET role TO 'x';\nALTER ROLE gone IN DATABASE app SET a TO 'b';";
    let all = vec![
        entry(1, "DATABASE", "", "app", made).of_section(Section::PreData),
        entry(2, "ACL", "", "DATABASE app", "GRANT CONNECT ON DATABASE app TO PUBLIC;\n")
            .depending_on(&[1]),
        entry(3, "DATABASE PROPERTIES", "", "app", properties).of_section(Section::PreData),
    ];
    let mut into = plan(all.clone());
    rehearse(&mut into, &facts(), &Wishes::default());
    let reason = "belongs to the database itself: restored with --create or --swap";
    assert_eq!(left_out(&into, 0), (Weight::Unwanted, reason));
    assert!((1..3).all(|index| left_out(&into, index) == (Weight::Needless, reason)));
    assert_eq!(
        into.notes,
        [
            "the database's encoding was LATIN1, here it is UTF8: text is converted",
            "the database's locale was de_DE (libc), here it is C (libc): text will sort differently",
        ]
    );

    let mut new = plan(all);
    rehearse(&mut new, &facts(), &Wishes { create: true, ..Wishes::default() });
    assert!((0..3).all(|index| new.is_planned(index)));
    assert_eq!(new.toc.entries[2].definition(), "ALTER DATABASE app SET role TO 'x';\n");
    assert_eq!(new.notes.len(), 1, "{:?}", new.notes);
}

#[test]
fn a_newer_archive_is_noted_and_statistics_need_18() {
    let statistics = entry(1, "STATISTICS DATA", "public", "t", "SELECT * FROM x();");
    let mut plan = Plan::new(toc("18.1", vec![statistics]));
    rehearse(&mut plan, &facts(), &Wishes::default());
    assert_eq!(left_out(&plan, 0).0, Weight::Needless);
    assert!(plan.notes[0].starts_with("the backup is of PostgreSQL 18.1, the target is 15.18"));
}
