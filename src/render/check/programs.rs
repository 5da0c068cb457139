//! Checks as a table of values, as a line of a monitoring plugin and as metrics.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{Metric, Performance, Plugin, Sheet};
use super::page::{counts, status, verdict};
use crate::exit::Exit;
use crate::report::check::{
    CheckReport, Checked, Finding, Level, Measure, ServerChecks, Status, Unit,
};

const COLUMNS: [&str; 12] = [
    "target", "host", "port", "database", "check", "status", "object", "says", "value", "remedy",
    "key", "excused",
];

/// One row for each finding, for each check that is unknown and for each server that failed.
pub fn sheet(report: &CheckReport) -> Sheet {
    let mut rows = Vec::new();
    for server in &report.servers {
        if let Some(failed) = &server.failed {
            let row = [verdict(server.outcome).into(), Value::Null, failed.clone().into()];
            rows.push(row_of(server, Value::Null, row, [const { Value::Null }; 4]));
        }
        for check in &server.checks {
            let id = || Value::from(check.id.clone());
            if let Some(unseen) = check.unseen() {
                let row = ["unknown".into(), Value::Null, unseen.into()];
                let grants = match check.grants.as_slice() {
                    [] => Value::Null,
                    grants => grants.join(" ").into(),
                };
                let rest = [Value::Null, grants, Value::Null, Value::Null];
                rows.push(row_of(server, id(), row, rest));
            }
            rows.extend(check.findings.iter().map(|finding| {
                let object = finding.object.clone().into();
                let row = [finding.level.word().into(), object, finding.says.clone().into()];
                let rest = [
                    finding.value.into(),
                    finding.remedy.clone().into(),
                    finding.key.clone().into(),
                    finding.excused.clone().into(),
                ];
                row_of(server, id(), row, rest)
            }));
        }
    }
    Sheet { name: "findings", columns: COLUMNS.to_vec(), rows }
}

fn row_of(server: &ServerChecks, check: Value, found: [Value; 3], rest: [Value; 4]) -> Vec<Value> {
    let looked = server.server.as_ref();
    let place = [
        server.name().into(),
        looked.map(|looked| looked.host.clone()).into(),
        looked.map(|looked| looked.port).into(),
        looked.map(|looked| looked.database.clone()).into(),
        check,
    ];
    place.into_iter().chain(found).chain(rest).collect()
}

/// The line of one server; of several the worst first.
pub fn plugin(report: &CheckReport) -> Plugin {
    let mut servers: Vec<&ServerChecks> = report.servers.iter().collect();
    servers.sort_by_key(|server| Reverse(server.outcome.weight()));
    let says = match servers.as_slice() {
        [] => "no server was asked".to_owned(),
        [server] => of_one(server),
        [worst, ..] if worst.outcome == Exit::Good => {
            format!("all {} servers are healthy", servers.len())
        }
        [worst, ..] => {
            let bad = servers.iter().filter(|server| server.outcome != Exit::Good).count();
            let all = servers.len();
            format!("{bad} of {all} servers are not healthy: {}: {}", worst.name(), of_one(worst))
        }
    };
    let several = servers.len() > 1;
    let mut more = Vec::new();
    for server in &servers {
        let place = if several { format!("{}: ", server.name()) } else { String::new() };
        more.extend(server.failed.iter().filter(|_| several).map(|why| format!("{place}{why}")));
        more.extend(lines(server).into_iter().map(|(_, line)| format!("{place}{line}")));
    }
    Plugin { service: "PGTEND CHECK".into(), says, performance: performance(report), more }
}

fn of_one(server: &ServerChecks) -> String {
    if let Some(failed) = &server.failed {
        return failed.clone();
    }
    let counted = counts(&server.counts());
    match lines(server).into_iter().next() {
        Some((_, worst)) => format!("{worst}; {counted}"),
        None => counted,
    }
}

/// One line for each finding and each check that is unknown, worst first.
fn lines(server: &ServerChecks) -> Vec<(Status, String)> {
    let mut lines = Vec::new();
    for check in &server.checks {
        if let Some(unseen) = check.unseen() {
            lines.push((Status::Unknown, format!("unknown: {}: {unseen}", check.id)));
        }
        for finding in check.counted() {
            if finding.level > Level::Info {
                let line = format!("{}: {}: {}", finding.level.word(), check.id, finding.says);
                lines.push((status(finding.level), line));
            }
        }
    }
    lines.sort_by_key(|(status, _)| Reverse(*status));
    lines
}

/// The numbers of all checks with labels of their own: `conn.utilization:used`, with the server's
/// name before it where there are several.
fn performance(report: &CheckReport) -> Vec<Performance> {
    let several = report.servers.len() > 1;
    let mut seen = BTreeSet::new();
    let mut numbers = Vec::new();
    for server in &report.servers {
        for (check, measure) in measures(server) {
            let place = if several { format!("{}/", server.name()) } else { String::new() };
            let own = if measure.name.is_empty() { "" } else { ":" };
            let label = format!("{place}{}{own}{}", check.id, measure.name);
            let label = unique(&mut seen, label);
            let finite = |limit: Option<f64>| limit.filter(|limit| limit.is_finite());
            numbers.push(Performance {
                warning: finite(measure.warning),
                critical: finite(measure.critical),
                most: finite(measure.most),
                below: measure.below,
                ..Performance::new(label, measure.value, unit(measure.unit))
            });
        }
    }
    numbers
}

/// The numbers that are numbers.
fn measures(server: &ServerChecks) -> impl Iterator<Item = (&Checked, &Measure)> {
    let all = server
        .checks
        .iter()
        .flat_map(|check| check.measures.iter().map(move |measure| (check, measure)));
    all.filter(|(_, measure)| measure.value.is_finite())
}

/// The label, or one with a number where it is taken.
fn unique(seen: &mut BTreeSet<String>, label: String) -> String {
    let mut own = label.clone();
    let mut number = 2_u32;
    while !seen.insert(own.clone()) {
        own = format!("{label}_{number}");
        number = number.saturating_add(1);
    }
    own
}

/// As plugins write it: nothing for what they have no letter for.
const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "%",
        Unit::Bytes => "B",
        Unit::Seconds => "s",
        Unit::Count | Unit::PerSecond | Unit::PerHour | Unit::BytesPerHour => "",
    }
}

type Samples = Vec<(Vec<(&'static str, String)>, f64)>;

/// What each check says, as numbers: 0 healthy, 1 warning, 2 critical, 3 unknown.
pub fn metrics(report: &CheckReport) -> Vec<Metric> {
    let (mut up, mut verdicts, mut at) = (Samples::new(), Samples::new(), Samples::new());
    let (mut status, mut values, mut findings) = (Samples::new(), Samples::new(), Samples::new());
    let mut seen = BTreeSet::new();
    for server in &report.servers {
        let target = || ("target", server.name().to_owned());
        up.push((vec![target()], f64::from(u8::from(server.failed.is_none()))));
        verdicts.push((vec![target()], f64::from(server.outcome.code().min(3))));
        at.push((vec![target()], seconds(server.at)));
        for check in &server.checks {
            let labels = || vec![target(), ("id", check.id.clone())];
            status.push((labels(), f64::from(check.status.exit().code())));
            let heavy = |finding: &&Finding| finding.level > Level::Info;
            let count = u32::try_from(check.counted().filter(heavy).count()).unwrap_or(u32::MAX);
            findings.push((labels(), f64::from(count)));
        }
        for (check, measure) in measures(server) {
            let key = format!("{}\n{}\n{}", server.name(), check.id, measure.name);
            // A series is there once.
            if seen.insert(key) {
                let name = ("name", measure.name.clone());
                let labels = vec![target(), ("id", check.id.clone()), name];
                values.push((labels, measure.value));
            }
        }
    }
    vec![
        Metric::gauge("check_up", "1 where the server answered", up),
        Metric::gauge(
            "check_verdict",
            "0 healthy, 1 warning, 2 critical, 3 unknown: the whole server",
            verdicts,
        ),
        Metric::gauge("check_status", "0 healthy, 1 warning, 2 critical, 3 unknown", status),
        Metric::gauge("check_findings", "Findings that weigh at least a warning", findings),
        Metric::gauge("check_value", "What a check looked at: bytes, seconds, percent", values),
        Metric::gauge("check_last_run_timestamp_seconds", "When the server was looked at", at),
    ]
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
