//! The page: what is wrong, worst first, what to do, and how many checks there were.

use std::cmp::Reverse;

use super::super::forecast;
use super::super::grid::Grid;
use super::super::{Page, amount, printable};
use crate::exit::Exit;
use crate::report::check::{
    CheckReport, Checked, Checklist, Counts, Finding, Level, ServerChecks, Status,
};

/// Findings of one check on the page.
const FINDINGS: usize = 5;
/// Remedies of one check, and statements that let more be seen.
const REMEDIES: usize = 3;
/// From this many servers on a table of all of them stands at the end.
const FLEET: usize = 2;

/// Its lines.
pub fn text(report: &CheckReport, page: &Page) -> String {
    let mut parts: Vec<String> =
        report.servers.iter().map(|server| of_server(server, report.all, page)).collect();
    if report.servers.len() >= FLEET {
        parts.push(fleet(report, page));
    }
    if !report.notes.is_empty() {
        let notes = report.notes.iter().map(|note| wrapped(&format!("note: {note}"), 0, page));
        parts.push(notes.collect());
    }
    parts.join("\n")
}

/// `healthy`, `warning`, `critical` or `unknown`.
pub fn verdict(exit: Exit) -> &'static str {
    match exit {
        Exit::Good => "healthy",
        Exit::Warning => "warning",
        Exit::Critical => "critical",
        _ => "unknown",
    }
}

fn of_server(server: &ServerChecks, all: bool, page: &Page) -> String {
    let mut text = wrapped(&heading(server), 0, page);
    if let Some(failed) = &server.failed {
        text.push_str(&wrapped(failed, 2, page));
        return text;
    }
    let rows = rows(server, all);
    if !rows.is_empty() {
        let mut grid = Grid::new(page, &["=STATUS", "=CHECK", "FOUND"]);
        rows.into_iter().for_each(|(_, row)| grid.row(row));
        text.push_str(&format!("\n{}", grid.text()));
    }
    if let Some(forecast) = &server.forecast {
        text.push_str(&format!("\n{}", forecast::text(page, forecast)));
    }
    if let Some(checklist) = &server.checklist {
        text.push_str(&format!("\n{}", checklist_text(checklist, page)));
    }
    text.push_str(&remedies(server, all, page));
    text.push_str(&grants(server, all, page));
    text.push_str(&format!("\n{}", wrapped(&counts(&server.counts()), 0, page)));
    text
}

/// A checklist, line by line, with the verdict first.
fn checklist_text(checklist: &Checklist, page: &Page) -> String {
    let title = format!("CHECKLIST ({})", checklist.profile);
    let mut grid = Grid::new(page, &["=STATUS", "=GUIDE", title.as_str(), "FOUND"]);
    for line in &checklist.lines {
        let status = line.status.map_or("-", Status::word);
        // What is well needs no more words.
        let found = match line.status {
            Some(Status::Healthy) => line.ids.join(", "),
            _ => printable(&line.why),
        };
        grid.row([status.to_owned(), line.guide.clone(), line.says.clone(), found]);
    }
    grid.text()
}

/// `shop, db.example.com:5432/app, PostgreSQL 15.4, primary, as monitor: critical`
fn heading(server: &ServerChecks) -> String {
    let mut parts: Vec<String> = server.target.iter().cloned().collect();
    match &server.server {
        None => parts.push(server.place.clone()),
        Some(looked) => {
            let host = match looked.host.contains(':') {
                true => format!("[{}]", looked.host),
                false => looked.host.clone(),
            };
            parts.push(format!("{host}:{}/{}", looked.port, looked.database));
            parts.push(format!("PostgreSQL {}", looked.version));
            parts.push(if looked.in_recovery { "standby" } else { "primary" }.to_owned());
            parts.push(format!("as {}", looked.user));
        }
    }
    format!("{}: {}", parts.join(", "), verdict(server.outcome))
}

/// The rows, worst first, otherwise in the order of the catalogue.
fn rows(server: &ServerChecks, all: bool) -> Vec<(Status, [String; 3])> {
    let mut rows = Vec::new();
    for check in &server.checks {
        let mut add = |status: Status, word: &str, says: &str| {
            rows.push((status, [word.to_owned(), check.id.clone(), says.to_owned()]));
        };
        if let Some(unseen) = check.unseen() {
            add(Status::Unknown, Status::Unknown.word(), unseen);
        }
        let counted: Vec<&Finding> = check.counted().collect();
        let shown = if all { counted.len() } else { counted.len().min(FINDINGS) };
        for finding in &counted[..shown] {
            add(status(finding.level), finding.level.word(), &finding.says);
        }
        if let Some(rest) = counted.get(shown) {
            let more = format!("and {} more", counted.len() - shown);
            add(status(rest.level), rest.level.word(), &more);
        }
        if all {
            if matches!(check.status, Status::Healthy | Status::NotApplicable) {
                add(check.status, check.status.word(), &check.says);
            }
            for finding in check.excused() {
                let why = finding.excused.as_deref().unwrap_or_default();
                add(Status::Healthy, "excused", &format!("{} ({why})", finding.says));
            }
        }
    }
    rows.sort_by_key(|(status, _)| Reverse(*status));
    rows
}

/// A finding's part in how its check ended.
pub const fn status(level: Level) -> Status {
    match level {
        Level::Info => Status::Info,
        Level::Warning => Status::Warning,
        Level::Critical => Status::Critical,
    }
}

/// What to do: the statements of the findings, else the check's own words.
fn remedies(server: &ServerChecks, all: bool, page: &Page) -> String {
    let mut checks: Vec<&Checked> = server.checks.iter().filter(|check| weighs(check)).collect();
    checks.sort_by_key(|check| Reverse(check.counted().map(|finding| finding.level).max()));
    let mut text = String::new();
    for check in checks {
        let heavy = check.counted().filter(|finding| finding.level > Level::Info);
        let mut own: Vec<&str> = heavy.filter_map(|finding| finding.remedy.as_deref()).collect();
        own.dedup();
        text.push_str(&format!("  {}\n", check.id));
        if own.is_empty() {
            text.push_str(&wrapped(&check.remedy, 4, page));
        }
        text.push_str(&listed(&own, all, 4, "--verbose shows them", page));
    }
    titled("What to do:", text)
}

fn weighs(check: &Checked) -> bool {
    check.counted().any(|finding| finding.level > Level::Info)
}

/// What would let the role see what is unknown.
fn grants(server: &ServerChecks, all: bool, page: &Page) -> String {
    let mut grants: Vec<&str> = Vec::new();
    for grant in server.checks.iter().flat_map(|check| &check.grants) {
        if !grants.contains(&grant.as_str()) {
            grants.push(grant);
        }
    }
    titled(
        "To see what is unknown:",
        listed(&grants, all, 2, "--explain-permissions shows them", page),
    )
}

/// Each on a line of its own, however long: the end of a wrapped statement would be another one.
fn listed(lines: &[&str], all: bool, indent: usize, rest: &str, page: &Page) -> String {
    let shown = if all { lines.len() } else { lines.len().min(REMEDIES) };
    let pad = " ".repeat(indent);
    let line = |line: &&str| format!("{pad}{}\n", printable(line));
    let mut text: String = lines[..shown].iter().map(line).collect();
    if shown < lines.len() {
        let more = format!("and {} more: {rest}", lines.len() - shown);
        text.push_str(&wrapped(&more, indent, page));
    }
    text
}

fn titled(title: &str, text: String) -> String {
    if text.is_empty() { text } else { format!("\n{title}\n{text}") }
}

/// `97 checks: 90 healthy, 3 warnings, 1 critical, 2 unknown, 1 not applicable`
pub fn counts(counts: &Counts) -> String {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let warnings = if counts.warnings == 1 { "warning" } else { "warnings" };
    let parts: Vec<String> = [
        (counts.healthy, "healthy"),
        (counts.info, "worth knowing"),
        (counts.warnings, warnings),
        (counts.critical, "critical"),
        (counts.unknown, "unknown"),
        (counts.not_applicable, "not applicable"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let mut text = format!("{}: {}", amount(number(counts.checks), "check"), parts.join(", "));
    if counts.excused > 0 {
        let do_not = if counts.excused == 1 { "does not" } else { "do not" };
        let findings = amount(number(counts.excused), "finding");
        text.push_str(&format!("; {findings} {do_not} count (ignored, or in the baseline)"));
    }
    text
}

/// All servers in one table.
fn fleet(report: &CheckReport, page: &Page) -> String {
    let mut grid = Grid::new(page, &["=VERDICT", "SERVER", "FOUND"]);
    for server in &report.servers {
        let found = match &server.failed {
            Some(failed) => failed.clone(),
            None => counts(&server.counts()),
        };
        grid.row([verdict(server.outcome).to_owned(), server.name().to_owned(), found]);
    }
    grid.text()
}

/// Lines that fit the page, with so many spaces before each. A word that is too long stands alone.
fn wrapped(text: &str, indent: usize, page: &Page) -> String {
    let width = usize::from(page.width).saturating_sub(indent).max(20);
    let pad = " ".repeat(indent);
    let mut lines = String::new();
    let mut line = String::new();
    let text = printable(text);
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&format!("{pad}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    format!("{lines}{pad}{line}\n")
}
