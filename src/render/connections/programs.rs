//! Raw values: tables for csv and markdown, a plugin's line, metrics.

use serde::Serialize;
use serde_json::Value;

use super::super::{Metric, Performance, Plugin, Sheet};
use crate::report::connections::{ConnectionsReport, Group, Headroom, Judged, Limit, Verdict};

/// The sessions first when every one was asked for, else the groups: csv has the first.
pub fn sheets(report: &ConnectionsReport) -> Vec<Sheet> {
    let sessions = sheet(
        "sessions",
        &[
            "pid",
            "user",
            "database",
            "application",
            "client",
            "tls",
            "state",
            "state_seconds",
            "transaction_seconds",
            "statement_seconds",
            "wait_event_type",
            "wait_event",
            "blocked_by",
            "blocked_seconds",
            "xmin_age",
            "query",
        ],
        &report.sessions,
    );
    let first = if report.sessions_all { 0 } else { 1 };
    let mut sheets = vec![sessions];
    sheets.insert(1 - first, groups(report));
    let holders = &["kind", "name", "age", "catalog_only"];
    sheets.push(sheet("xmin_holders", holders, &report.xmin_holders));
    let prepared = &["gid", "user", "database", "seconds", "age"];
    sheets.push(sheet("prepared", prepared, &report.prepared));
    sheets.push(sheet("limits", &["kind", "name", "limit", "used"], &report.limits));
    let replicas =
        &["pid", "user", "application", "client", "state", "sync", "lag_bytes", "lag_seconds"];
    sheets.push(sheet("replicas", replicas, &report.replicas));
    sheets
}

fn sheet<T: Serialize>(name: &'static str, columns: &[&'static str], rows: &[T]) -> Sheet {
    let row = |row: &T| {
        // Values of our own always are JSON.
        let row = serde_json::to_value(row).unwrap_or_default();
        columns.iter().map(|column| plain(row.get(*column).cloned().unwrap_or_default())).collect()
    };
    Sheet { name, columns: columns.to_vec(), rows: rows.iter().map(row).collect() }
}

/// A list as words.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(values) => {
            values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").into()
        }
        value => value,
    }
}

fn groups(report: &ConnectionsReport) -> Sheet {
    let mut columns = report.grouped_by.clone();
    let counts = [
        "sessions",
        "active",
        "idle",
        "idle_in_transaction",
        "blocked",
        "hidden",
        "longest_seconds",
    ];
    columns.extend(counts);
    let row = |group: &Group| {
        let by = |by: &&'static str| group.by.get(by).cloned().flatten().into();
        let mut values: Vec<Value> = report.grouped_by.iter().map(by).collect();
        let Group { sessions, active, idle, idle_in_transaction, blocked, hidden, .. } = group;
        let counts = [sessions, active, idle, idle_in_transaction, blocked, hidden];
        values.extend(counts.map(|count| Value::from(*count)));
        values.push(group.longest_seconds.into());
        values
    };
    Sheet { name: "groups", columns, rows: report.groups.iter().map(row).collect() }
}

/// What counts; nothing of it is said of sessions that are hidden.
struct Counts {
    active: u64,
    idle: u64,
    idle_in_transaction: u64,
}

fn counts(report: &ConnectionsReport) -> Option<Counts> {
    let sum = |of: fn(&Group) -> u64| report.counted.iter().map(of).sum();
    let hidden: u64 = sum(|group| group.hidden);
    (hidden == 0).then(|| Counts {
        active: sum(|group| group.active),
        idle: sum(|group| group.idle),
        idle_in_transaction: sum(|group| group.idle_in_transaction),
    })
}

/// The line of a monitoring plugin.
pub fn plugin(report: &ConnectionsReport) -> Plugin {
    let bad = report.judged.iter().filter(|judged| judged.verdict != Verdict::Good);
    let mut says: Vec<String> = bad.map(|judged| judged.text.clone()).collect();
    if says.is_empty() {
        let Headroom { used, usable, used_percent, .. } = &report.headroom;
        let percent = used_percent.map(|used| format!(" ({used:.0}%)")).unwrap_or_default();
        says.push(format!("{used} of {usable} connections are used{percent}"));
    }
    let counts = counts(report);
    if let Some(Counts { idle_in_transaction, .. }) = counts {
        says.push(format!("{idle_in_transaction} idle in transaction"));
    }
    says.push(format!("{} blocked", report.blocked.count));
    if !report.unseen.is_empty() {
        says.push("not all could be seen".to_owned());
    }
    Plugin {
        service: "PGTEND CONNECTIONS".to_owned(),
        says: says.join(", "),
        performance: performance(report, counts.as_ref()),
        more: report.unseen.iter().map(|what| format!("not seen: {what}")).collect(),
    }
}

fn performance(report: &ConnectionsReport, counts: Option<&Counts>) -> Vec<Performance> {
    let judged = |id: &str| report.judged.iter().find(|judged| judged.id == id);
    let limited = |label: &str, value: f64, unit, by: Option<&Judged>| Performance {
        warning: by.and_then(|by| by.warning),
        critical: by.and_then(|by| by.critical),
        ..Performance::new(label, value, unit)
    };
    let headroom = &report.headroom;
    let mut numbers = vec![Performance {
        least: Some(0.0),
        most: Some(headroom.usable as f64),
        ..limited("used", headroom.used as f64, "", judged("used"))
    }];
    if let Some(counts) = counts {
        numbers.push(Performance::new("active", counts.active as f64, ""));
        numbers.push(Performance::new("idle", counts.idle as f64, ""));
        let idle_in_transaction = counts.idle_in_transaction as f64;
        numbers.push(Performance::new("idle_in_transaction", idle_in_transaction, ""));
    }
    numbers.push(Performance::new("blocked", report.blocked.count as f64, ""));
    let longest = report.blocked.longest_seconds.unwrap_or(0.0);
    if report.blocked.count == 0 || report.blocked.longest_seconds.is_some() {
        numbers.push(limited("blocked_longest", longest, "s", judged("blocked")));
    }
    if let Some(oldest) = report.xmin_holders.first() {
        numbers.push(Performance::new("oldest_xmin", oldest.age as f64, ""));
    }
    numbers
}

/// Metrics; what is hidden has no sample.
pub fn metrics(report: &ConnectionsReport) -> Vec<Metric> {
    let headroom = &report.headroom;
    let one = |value: f64| vec![(Vec::new(), value)];
    let some = |value: Option<f64>| value.map(one).unwrap_or_default();
    let mut metrics = vec![
        Metric::gauge(
            "connections_used",
            "Connections that clients hold, this look included",
            one(headroom.used as f64),
        ),
        Metric::gauge(
            "connections_usable",
            "max_connections without the reserved ones",
            one(headroom.usable as f64),
        ),
        Metric::gauge("connections_max", "max_connections", one(headroom.max_connections as f64)),
        Metric::gauge(
            "connections_sessions",
            "Sessions of clients by state, application and user; an empty state is hidden",
            by_group(report, |group| Some(group.sessions as f64)),
        ),
        Metric::gauge(
            "connections_longest_seconds",
            "The longest time in the present state",
            by_group(report, |group| group.longest_seconds),
        ),
        Metric::gauge(
            "connections_blocked",
            "Sessions that wait for locks",
            one(report.blocked.count as f64),
        ),
        Metric::gauge(
            "connections_blocked_longest_seconds",
            "The longest wait for a lock",
            some(report.blocked.longest_seconds),
        ),
    ];
    metrics.extend(held(report));
    metrics
}

fn held(report: &ConnectionsReport) -> [Metric; 4] {
    let oldest = |kind: &str| {
        let ages = report.xmin_holders.iter().filter(|one| one.kind == kind).map(|one| one.age);
        ages.max().map(|age| (vec![("kind", kind.to_owned())], age as f64))
    };
    let kinds = ["session", "prepared transaction", "replication slot", "standby"];
    let limit = |value: fn(&Limit) -> i64| {
        let labels =
            |limit: &Limit| vec![("kind", limit.kind.clone()), ("name", limit.name.clone())];
        report.limits.iter().map(|one| (labels(one), value(one) as f64)).collect()
    };
    let lag = report.replicas.iter().filter_map(|replica| {
        let labels =
            vec![("application", replica.application.clone()), ("pid", replica.pid.to_string())];
        Some((labels, replica.lag_bytes? as f64))
    });
    [
        Metric::gauge(
            "connections_xmin_age_transactions",
            "How many transactions ago the oldest snapshot of its kind is",
            kinds.iter().filter_map(|kind| oldest(kind)).collect(),
        ),
        Metric::gauge("connections_limit", "A role's or database's limit", limit(|one| one.limit)),
        Metric::gauge("connections_limit_used", "Connections under it", limit(|one| one.used)),
        Metric::gauge(
            "connections_replica_lag_bytes",
            "Bytes of WAL that a replica has yet to replay",
            lag.collect(),
        ),
    ]
}

fn by_group(
    report: &ConnectionsReport,
    value: fn(&Group) -> Option<f64>,
) -> Vec<(Vec<(&'static str, String)>, f64)> {
    let labels = |group: &Group| {
        group.by.iter().map(|(by, value)| (*by, value.clone().unwrap_or_default())).collect()
    };
    let samples = report.counted.iter();
    samples.filter_map(|group| Some((labels(group), value(group)?))).collect()
}
