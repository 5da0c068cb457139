//! The catalogue of the checks.

use serde_json::Value;

use super::grid::Grid;
use super::{Page, Sheet, Text, amount};
use crate::report::checks::{Catalogue, ListedCheck, ListedLimit};

impl Text for Catalogue {
    fn text(&self, page: &Page) -> String {
        let mut grid = Grid::new(page, &["=ID", "=KIND", "WHAT", "LIMITS", "NEEDS"]);
        for check in &self.checks {
            grid.row([
                check.id.to_owned(),
                check.kind.to_owned(),
                check.title.to_owned(),
                check.limits.iter().map(limit).collect::<Vec<_>>().join("; "),
                needs(check),
            ]);
        }
        let count = u64::try_from(self.checks.len()).unwrap_or(u64::MAX);
        format!("{}\n{}: man pgtend-checks tells of each\n", grid.text(), amount(count, "check"))
    }

    fn sheets(&self) -> Vec<Sheet> {
        let row = |check: &ListedCheck| -> Vec<Value> {
            let limits: Vec<String> =
                check.limits.iter().map(|of| format!("{}: {}", of.place, limit(of))).collect();
            vec![
                check.id.into(),
                check.kind.into(),
                check.title.into(),
                limits.join("; ").into(),
                needs(check).into(),
                check.why.into(),
                check.remedy.into(),
                (check.since / 10_000).into(),
            ]
        };
        let columns = vec!["id", "kind", "title", "limits", "needs", "why", "remedy", "since"];
        vec![Sheet { name: "checks", columns, rows: self.checks.iter().map(row).collect() }]
    }
}

/// `80% / 90%`; `critical 4` where it does not warn.
pub fn limit(limit: &ListedLimit) -> String {
    let below = if limit.below { "at most " } else { "" };
    match (&limit.warning, &limit.critical) {
        (Some(warning), Some(critical)) => format!("{below}{warning} / {critical}"),
        (Some(warning), None) => format!("{below}{warning}"),
        (None, Some(critical)) => format!("critical {below}{critical}"),
        (None, None) => "none".to_owned(),
    }
}

fn needs(check: &ListedCheck) -> String {
    check.needs.iter().map(|need| need.what).collect::<Vec<_>>().join("; ")
}
