//! The page, whole.

use std::collections::BTreeMap;

use super::super::{Page, Text};
use crate::report::connections::{
    Blocked, ConnectionsReport, Group, Headroom, Holder, Kind, Limit, Looked, Prepared, Root,
    Session, TlsUse,
};

fn session(pid: i32, application: &str, state: &str, seconds: f64, query: &str) -> Session {
    Session {
        pid,
        client_backend: true,
        user: Some("shop".into()),
        database: Some("shop".into()),
        application: application.into(),
        client: Some("10.0.0.7".into()),
        state: Some(state.into()),
        state_seconds: Some(seconds),
        transaction_seconds: Some(seconds + 60.0),
        query: Some(query.into()),
        ..Session::default()
    }
}

fn group(state: &str, sessions: u64, blocked: u64) -> Group {
    let by = [("state", Some(state.to_owned()))].into();
    Group { by, sessions, blocked, longest_seconds: Some(192.0), ..Group::default() }
}

fn report() -> ConnectionsReport {
    let update = "UPDATE stock\n   SET number = number - 1\n WHERE id = 4711 AND number > 0";
    let mut blocked = session(4713, "shop-job", "active", 33.0, update);
    blocked.blocked_by = vec![4711];
    blocked.blocked_seconds = Some(32.0);
    ConnectionsReport {
        server: Looked {
            host: "db1".into(),
            port: 5432,
            version_number: 150_018,
            version: "15.18 (Debian 15.18-1)".into(),
            in_recovery: false,
            database: "shop".into(),
            user: "watcher".into(),
            superuser: false,
            sees_activity: true,
            pooler: None,
        },
        headroom: Headroom {
            used: 8,
            usable: 97,
            left: 89,
            used_percent: Some(8.2),
            max_connections: 100,
            superuser_reserved: 3,
            others: vec![
                Kind { kind: Some("checkpointer".into()), count: 1 },
                Kind { kind: Some("walsender".into()), count: 2 },
            ],
            ..Headroom::default()
        },
        grouped_by: vec!["state"],
        groups: vec![group("active", 4, 1), group("idle in transaction", 3, 0)],
        counted: Vec::new(),
        tls: TlsUse {
            encrypted: 6,
            plain: 1,
            versions: BTreeMap::from([("TLSv1.3".into(), 6)]),
            ..TlsUse::default()
        },
        sessions: vec![
            session(4711, "shop-web", "idle in transaction", 192.0, "SELECT 1"),
            blocked,
        ],
        sessions_matched: 5,
        sessions_all: false,
        filtered: false,
        blocked: Blocked {
            count: 1,
            longest_seconds: Some(32.0),
            roots: vec![Root {
                pid: 4711,
                blocks: 1,
                user: Some("shop".into()),
                application: Some("shop-web".into()),
                state: Some("idle in transaction".into()),
                transaction_seconds: Some(252.0),
                ..Root::default()
            }],
        },
        xmin_holders: vec![Holder {
            kind: "session",
            name: "4711".into(),
            age: 12_345,
            catalog_only: false,
        }],
        prepared: vec![Prepared {
            gid: "order-7".into(),
            user: "shop".into(),
            database: "shop".into(),
            seconds: 8000.0,
            age: 99,
        }],
        limits: vec![Limit { kind: "role".into(), name: "shop".into(), limit: 10, used: 7 }],
        replicas: Vec::new(),
        standby: None,
        advice: None,
        judged: Vec::new(),
        unseen: Vec::new(),
    }
}

/// The table of sessions, and that no line is wider.
fn sessions(width: u16) -> Vec<String> {
    let page = report().text(&Page { width });
    for line in page.lines() {
        assert!(line.chars().count() <= usize::from(width), "{line}");
    }
    let table = page.lines().skip_while(|line| !line.starts_with(" PID"));
    table.take(4).map(str::to_owned).collect()
}

#[test]
fn a_narrow_terminal_has_what_matters() {
    assert_eq!(
        sessions(80),
        [
            " PID  USER  APPLICATION  STATE       FOR  TRANS  QUERY",
            "4711  shop  shop-web     in trans  3m12s  4m12s  SELECT 1",
            "4713  shop  shop-job     blocked     32s    93s  UPDATE stock SET number = n..",
            "and 3 more: --limit 5",
        ]
    );
}

#[test]
fn a_wide_terminal_is_used() {
    assert_eq!(
        sessions(140),
        [
            " PID  USER  APPLICATION  DATABASE  CLIENT    STATE       FOR  TRANS  WAITS FOR  QUERY",
            "4711  shop  shop-web     shop      10.0.0.7  in trans  3m12s  4m12s  -          SELECT 1",
            "4713  shop  shop-job     shop      10.0.0.7  blocked     32s    93s  4711       UPDATE \
             stock SET number = number - 1 WHERE id = 4711 AND..",
            "and 3 more: --limit 5",
        ]
    );
}

#[test]
fn the_server_is_told_in_words() {
    let page = report().text(&Page { width: 120 });
    for words in [
        "db1:5432, PostgreSQL 15.18, primary",
        "watcher (sees what others do)",
        "8 of 97 (8%), 89 left; this look is one of them",
        "3 of 100 for superusers",
        "beside     2 walsenders",
        "6 encrypted (6 TLSv1.3), 1 not encrypted",
        "1 waits for a lock, 32.0 s at most; --blocking shows who blocks whom",
        "- 1 session by 4711 (shop, shop-web, idle in transaction, 4 min 12 s in its transaction)",
        "idle in transaction         3        0    3m12s",
        "session           4711            12,345",
        "role      shop     7     10",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(!page.contains("checkpointer"), "{page}");
}
