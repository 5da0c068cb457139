//! What checks need to see, and what a role sees of it.

use serde_json::json;

use super::grid::Grid;
use super::{Page, Sheet, Text, printable};
use crate::report::permissions::{PermissionsReport, Permitted};

impl Text for PermissionsReport {
    fn text(&self, page: &Page) -> String {
        let kind = if self.superuser { ", a superuser" } else { "" };
        let role = printable(&self.role);
        let mut text = format!("Role {role}{kind}, PostgreSQL {}\n\n", printable(&self.version));
        let mut grid = Grid::new(page, &["=CHECK", "NEEDS TO SEE", "=SEEN"]);
        let mut enough = 0;
        for check in &self.checks {
            if let Some(since) = check.since {
                let why = format!("nothing: it is for PostgreSQL {since} and newer");
                grid.row([check.id.clone(), why, "-".to_owned()]);
            } else if check.needs.is_empty() {
                enough += 1;
            }
            for need in &check.needs {
                let seen = if need.seen { "yes" } else { "no" };
                grid.row([check.id.clone(), need.what.clone(), seen.to_owned()]);
            }
        }
        if enough < self.checks.len() {
            text.push_str(&grid.text());
            text.push('\n');
        }
        text.push_str(&format!(
            "A login is enough for {enough} of {} checks.\n",
            self.checks.len()
        ));
        text.push_str(&match self.checks.iter().filter(|check| !check.seen).count() {
            0 => format!("{role} sees all that these checks need.\n"),
            unseen => {
                format!("{unseen} would be unknown (exit 3). A superuser lets {role} see:\n\n")
            }
        });
        for grant in &self.grants {
            text.push_str(&format!("  {}\n", printable(grant)));
        }
        text
    }

    fn sheets(&self) -> Vec<Sheet> {
        let needs = |check: &Permitted| {
            let words: Vec<&str> = check.needs.iter().map(|need| need.what.as_str()).collect();
            words.join("; ")
        };
        let rows = self.checks.iter();
        let checks =
            rows.map(|check| vec![json!(check.id), json!(needs(check)), json!(check.seen)]);
        let grants = self.grants.iter().map(|grant| vec![json!(grant)]);
        vec![
            Sheet { name: "checks", columns: vec!["id", "needs", "seen"], rows: checks.collect() },
            Sheet { name: "grants", columns: vec!["statement"], rows: grants.collect() },
        ]
    }
}
