//! `verify-backup` for people.

use super::grid::printable;
use super::{Page, Text, bytes, count, duration, rate};
use crate::report::verify::{Level, Verification, Verified};

/// Problems that are listed; the rest is counted.
const SHOWN: usize = 20;

impl Text for Verification {
    fn text(&self, _page: &Page) -> String {
        let mut text: String = self.backups.iter().map(one).collect();
        if self.backups.iter().any(|backup| backup.passed) {
            text.push_str(&format!("\n  proves        {}\n", self.proves));
            text.push_str(&format!("  not proved    {}\n", self.does_not_prove));
        }
        text
    }
}

fn one(backup: &Verified) -> String {
    let what = format!("backup {} of {}", backup.id, printable(&backup.database));
    let level = backup.level.name();
    if !backup.passed {
        let number = backup.problems.len();
        let problems = if number == 1 { "problem" } else { "problems" };
        let mut text =
            format!("{what} FAILED verification at level {level}: {number} {problems}\n");
        for problem in backup.problems.iter().take(SHOWN) {
            let object = problem.object.as_deref().unwrap_or("");
            let table = problem.table.as_ref().map_or(String::new(), |t| format!(" ({t})"));
            let colon = if object.is_empty() { "" } else { ": " };
            text.push_str(&printable(&format!("  {object}{table}{colon}{}", problem.what)));
            text.push('\n');
        }
        if number > SHOWN {
            let more = number - SHOWN;
            text.push_str(&format!("  and {more} more (all of them: --format json)\n"));
        }
        return text;
    }
    let mut text = format!("{what} passed verification at level {level}\n");
    let objects = count(backup.objects);
    text.push_str(&match backup.level {
        Level::Manifest => {
            format!("  {objects} objects are there in {}\n", duration(backup.seconds))
        }
        Level::Content => format!(
            "  {objects} objects, {} tables, {} rows; {} stored, {} raw in {} ({})\n",
            count(backup.tables),
            count(backup.rows),
            bytes(backup.bytes),
            bytes(backup.raw_bytes),
            duration(backup.seconds),
            rate(backup.raw_bytes, backup.seconds)
        ),
    });
    text
}
