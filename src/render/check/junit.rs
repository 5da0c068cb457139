//! Checks as tests: a suite for each server, a case for each check.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::page::verdict;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::{CheckReport, Checked, Gate, Status};

/// The document.
///
/// # Errors
/// A bug, when it cannot be written.
pub fn text(report: &CheckReport) -> Result<String> {
    let mut document = Report::new("pgtend check");
    for server in &report.servers {
        let mut suite = TestSuite::new(server.name());
        if let Some(failed) = &server.failed {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(failed.as_str()).set_type(verdict(server.outcome));
            let mut case = TestCase::new("connect", status);
            case.set_classname("pgtend");
            suite.add_test_case(case);
        }
        for check in &server.checks {
            suite.add_test_case(case(check, &report.gate));
        }
        document.add_test_suite(suite);
    }
    let mut text = document
        .to_string()
        .map_err(|error| Error::bug("cannot write JUnit's XML").caused_by(&error))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn case(check: &Checked, gate: &Gate) -> TestCase {
    let failed = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(check.says.as_str()).set_type(check.status.word());
        status.set_description(lines(check));
        status
    };
    let status = match (gate.exit(check), check.status) {
        (Exit::Critical | Exit::Warning, _) => failed(NonSuccessKind::Failure),
        (Exit::Unknown, _) => failed(NonSuccessKind::Error),
        // Not asked for, or allowed: neither good nor bad.
        (_, Status::NotApplicable | Status::Unknown) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(check.says.as_str());
            status
        }
        _ => TestCaseStatus::success(),
    };
    let is_success = matches!(status, TestCaseStatus::Success { .. });
    let mut case = TestCase::new(check.id.as_str(), status);
    case.set_classname(format!("pgtend.{}", check.id.split('.').next().unwrap_or_default()));
    if let Some(milliseconds) = check.milliseconds
        && let Ok(time) = Duration::try_from_secs_f64(milliseconds / 1000.0)
    {
        case.set_time(time);
    }
    if is_success {
        case.set_system_out(if check.findings.is_empty() {
            check.says.clone()
        } else {
            lines(check)
        });
    }
    case
}

/// What was found, a line each, and what to do.
fn lines(check: &Checked) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in &check.findings {
        let excused = finding.excused.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        lines.push(format!("{}: {}{excused}", finding.level.word(), finding.says));
        lines.extend(finding.remedy.clone());
    }
    lines.extend(check.unseen().map(|unseen| format!("unknown: {unseen}")));
    lines.extend(check.grants.iter().cloned());
    if check.counted().next().is_some() {
        lines.push(check.remedy.clone());
    }
    lines.join("\n")
}
