//! Findings in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS).

use std::collections::BTreeMap;

use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, LogicalLocation, Message, MultiformatMessageString,
    Notification, PhysicalLocation, ReportingDescriptor, ReportingDescriptorReference,
    Result as Found, ResultKind, ResultLevel, Run, Sarif, Suppression, Tool, ToolComponent,
};

use crate::error::{Error, Result};
use crate::report::check::{CheckReport, Checked, Finding, Level, ServerChecks};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The name of the fingerprint: a finding is the same from run to run.
const FINGERPRINT: &str = "pgtend/1";

/// The document.
///
/// # Errors
/// A bug, when it cannot be written.
pub fn text(report: &CheckReport) -> Result<String> {
    let rules = rules(report);
    let at: BTreeMap<String, i64> = rules.iter().map(|rule| rule.id.clone()).zip(0_i64..).collect();
    let results = report.servers.iter().flat_map(|server| of_server(server, &at));
    let driver = ToolComponent::builder()
        .name("pgtend")
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(rules);
    let run = Run::builder()
        .tool(Tool::builder().driver(driver.build()).build())
        .results(results.collect::<Vec<_>>())
        .invocations(vec![invocation(report)]);
    let document = Sarif::builder().schema(SCHEMA).version("2.1.0").runs(vec![run.build()]).build();
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::bug("cannot write SARIF").caused_by(&error))?;
    text.push('\n');
    Ok(text)
}

/// The checks that were run, each once.
fn rules(report: &CheckReport) -> Vec<ReportingDescriptor> {
    let mut rules: Vec<ReportingDescriptor> = Vec::new();
    for check in report.servers.iter().flat_map(|server| &server.checks) {
        if rules.iter().any(|rule| rule.id == check.id) {
            continue;
        }
        let text = |text: &str| MultiformatMessageString::builder().text(text).build();
        let rule = ReportingDescriptor::builder()
            .id(check.id.clone())
            .short_description(text(&check.title))
            .help(text(&check.remedy));
        rules.push(rule.build());
    }
    rules
}

fn of_server(server: &ServerChecks, at: &BTreeMap<String, i64>) -> Vec<Found> {
    let all = server.checks.iter().flat_map(|check| {
        check.findings.iter().map(move |finding| result(server, check, finding, at))
    });
    all.collect()
}

fn result(
    server: &ServerChecks,
    check: &Checked,
    finding: &Finding,
    at: &BTreeMap<String, i64>,
) -> Found {
    let text = match &finding.remedy {
        Some(remedy) => format!("{}\n{remedy}", finding.says),
        None => finding.says.clone(),
    };
    let object = LogicalLocation::builder()
        .name(finding.object.clone())
        .fully_qualified_name(format!("{}/{}", server.name(), finding.object))
        .build();
    let location = Location::builder()
        .physical_location(place(server))
        .logical_locations(vec![object])
        .build();
    let print = format!("{}/{}", server.name(), finding.key);
    let mut found = Found::builder()
        .message(message(&text))
        .rule_id(check.id.clone())
        .kind(ResultKind::Fail)
        .level(match finding.level {
            Level::Info => ResultLevel::Note,
            Level::Warning => ResultLevel::Warning,
            Level::Critical => ResultLevel::Error,
        })
        .locations(vec![location])
        .partial_fingerprints(BTreeMap::from([(FINGERPRINT.to_owned(), print)]))
        .build();
    found.rule_index = at.get(&check.id).copied();
    found.suppressions = finding.excused.as_ref().map(|why| {
        vec![Suppression::builder().kind("external").justification(why.clone()).build()]
    });
    found
}

/// `postgresql://db.example.com:5432/app`
fn place(server: &ServerChecks) -> PhysicalLocation {
    let safe = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let host = |host: &str| match host.contains(':') {
        true => format!("[{host}]"),
        // Letters, digits, dots and hyphens are a host's own; a socket's folder is not.
        false => safe(host).replace("%2E", ".").replace("%2D", "-"),
    };
    let uri = match &server.server {
        Some(looked) => {
            let database = safe(&looked.database);
            format!("postgresql://{}:{}/{database}", host(&looked.host), looked.port)
        }
        None => format!("postgresql:{}", safe(&server.place)),
    };
    PhysicalLocation::builder()
        .artifact_location(ArtifactLocation::builder().uri(uri).build())
        .build()
}

/// How the run went: what could not be seen stands here, as it is no finding.
fn invocation(report: &CheckReport) -> Invocation {
    let mut notifications = Vec::new();
    for server in &report.servers {
        if let Some(failed) = &server.failed {
            let text = format!("{}: {failed}", server.name());
            notifications
                .push(Notification::builder().message(message(&text)).level("error").build());
        }
        for (check, unseen) in
            server.checks.iter().filter_map(|check| check.unseen().map(|unseen| (check, unseen)))
        {
            let text = format!("{}: {} is unknown: {unseen}", server.name(), check.id);
            let rule = ReportingDescriptorReference::builder().id(check.id.clone()).build();
            notifications.push(
                Notification::builder()
                    .message(message(&text))
                    .level("warning")
                    .associated_rule(rule)
                    .build(),
            );
        }
    }
    let mut invocation = Invocation::builder()
        .execution_successful(report.servers.iter().all(|server| server.failed.is_none()))
        .build();
    invocation.tool_execution_notifications = Some(notifications);
    invocation
}

fn message(text: &str) -> Message {
    Message::builder().text(text).build()
}
