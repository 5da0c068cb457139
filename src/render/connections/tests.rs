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
        tls: TlsUse { encrypted: 6, plain: 1, versions: BTreeMap::from([("TLSv1.3".into(), 6)]), ..TlsUse::default() },
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

#[test]
fn the_page_fits_a_narrow_terminal() {
    assert_eq!(report().text(&Page { width: 80 }), NARROW);
}

#[test]
fn the_page_uses_a_wide_terminal() {
    let page = report().text(&Page { width: 140 });
    let sessions: Vec<&str> =
        page.lines().skip_while(|line| !line.contains("WAITS FOR")).take(3).collect();
    assert_eq!(sessions.join("\n"), WIDE);
}

const NARROW: &str = "";
const WIDE: &str = "";
