//! Findings as workflow commands of GitHub's runners.
//!
//! Source: "Workflow commands for GitHub Actions"; how values are escaped: actions/toolkit,
//! packages/core/src/command.ts.

use super::page::counts;
use crate::exit::Exit;
use crate::report::check::{CheckReport, Level, ServerChecks};

/// The lines.
pub fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    for server in &report.servers {
        of_server(server, &mut text);
    }
    text
}

fn of_server(server: &ServerChecks, text: &mut String) {
    let name = server.name();
    let mut add = |command: &str, title: &str, says: &str| {
        let (title, says) = (property(title), data(&format!("{says} ({name})")));
        text.push_str(&format!("::{command} title={title}::{says}\n"));
    };
    if let Some(failed) = &server.failed {
        let command = if server.outcome == Exit::Critical { "error" } else { "warning" };
        add(command, "pgtend check", failed);
        return;
    }
    for check in &server.checks {
        for finding in check.counted() {
            let command = match finding.level {
                Level::Critical => "error",
                Level::Warning => "warning",
                Level::Info => "notice",
            };
            let says = match &finding.remedy {
                Some(remedy) => format!("{}\n{remedy}", finding.says),
                None => finding.says.clone(),
            };
            add(command, &check.id, &says);
        }
        if let Some(unseen) = check.unseen() {
            add("warning", &format!("{} is unknown", check.id), unseen);
        }
    }
    // For who reads the log.
    text.push_str(&format!("{}: {}\n", printed(name), counts(&server.counts())));
}

/// A line of its own that is no command.
fn printed(text: &str) -> String {
    super::super::printable(text).trim_start_matches(':').to_owned()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_command() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
