//! `backup prune` for people.

use super::backup::{state_name, verified_name};
use super::grid::Grid;
use super::{Page, Text, bytes, printable};
use crate::report::prune::{Action, Prune, Pruned};

impl Text for Prune {
    fn text(&self, page: &Page) -> String {
        if self.backups.is_empty() {
            return format!("no backups to judge in {}\n", printable(&self.repository));
        }
        let here = |a: &Pruned, b: &Pruned| a.cluster == b.cluster && a.database == b.database;
        let mut text = String::new();
        for group in self.backups.chunk_by(here) {
            let name = format!("{} (cluster {})", group[0].database, group[0].cluster);
            text.push_str(&format!("{}\n{}\n", printable(&name), self.group(page, group)));
        }
        for row in &self.backups {
            if let Some(problem) = &row.problem {
                text.push_str(&format!("{}: {}\n", row.id, printable(problem)));
            }
        }
        text.push_str(&self.sum());
        text
    }
}

impl Prune {
    fn group(&self, page: &Page, rows: &[Pruned]) -> String {
        // An id begins with its time: that leaves room for the reasons.
        let mut grid = Grid::new(page, &["=ID", "=STATE", "=VERIFIED", "=", "WHY"]);
        for row in rows {
            grid.row([
                row.id.clone(),
                state_name(row.state).to_owned(),
                verified_name(row.state, row.verified.as_ref()),
                self.what_became(row).to_owned(),
                row.reasons.join(", "),
            ]);
        }
        grid.text()
    }

    const fn what_became(&self, row: &Pruned) -> &'static str {
        match row.action {
            Action::Keep => "keep",
            Action::Remove if row.removed => "removed",
            Action::Remove if self.dry_run => "remove",
            Action::Remove => "FAILED",
        }
    }

    fn sum(&self) -> String {
        if self.dry_run {
            let all: Vec<&Pruned> = self.going().collect();
            return format!("dry run: nothing was removed; {} would be\n", self.part(&all));
        }
        format!("{}\n", self.in_short())
    }

    /// What became of them, in half a line.
    pub(super) fn in_short(&self) -> String {
        let (gone, left): (Vec<&Pruned>, Vec<&Pruned>) = self.going().partition(|row| row.removed);
        let mut text = format!("removed {}", self.part(&gone));
        if !left.is_empty() {
            text.push_str(&format!(", could not remove {}", self.part(&left)));
        }
        text
    }

    fn part(&self, rows: &[&Pruned]) -> String {
        let sum: u64 = rows.iter().filter_map(|row| row.bytes).sum();
        let (number, all) = (rows.len(), self.backups.len());
        let s = if all == 1 { "" } else { "s" };
        format!("{number} of {all} backup{s} ({})", bytes(sum))
    }
}
