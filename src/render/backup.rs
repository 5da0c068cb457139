//! `backup`, `backup list` and `backup show` for people.

use std::collections::BTreeMap;

use super::grid::Grid;
use super::printable;
use super::verify::coverage;
use super::{Page, Text, amount, bytes, count, duration, rate};
use crate::archive::manifest::Totals;
use crate::report::backup::{
    All, Backup, Became, LeftOut, List, Listed, OfDatabase, Proof, Show, State,
};
use crate::report::prune::Prune;

/// Objects of `backup show` that are listed.
const SHOWN_OBJECTS: usize = 40;

impl Text for Backup {
    fn text(&self, page: &Page) -> String {
        let what = format!("{} (cluster {})", printable(&self.database), printable(&self.cluster));
        let mut text = if self.dry_run {
            format!("dry run: nothing was written; this is what a backup of {what} would read\n\n")
        } else {
            format!("backup {} of {what} is complete\n\n", self.id)
        };
        let mut line = |label: &str, value: String| {
            if !value.is_empty() {
                text.push_str(&format!("  {label:<9} {value}\n"));
            }
        };
        line("contents", contents(&self.totals, self.dry_run));
        if self.dry_run {
            let size = bytes(self.totals.raw_bytes);
            line("size", format!("{size} in tables and TOAST, in {} chunks", self.totals.chunks));
            if let Some(seconds) = self.estimated_seconds {
                let time = duration(seconds.max(0.01));
                line(
                    "time",
                    format!("about {time} at -j {}: estimated from the size alone", self.jobs),
                );
            }
        } else {
            let (raw, stored) = (self.totals.raw_bytes, self.totals.bytes);
            line(
                "size",
                format!(
                    "{} read, {} stored ({}{})",
                    bytes(raw),
                    bytes(stored),
                    self.compress,
                    ratio(raw, stored)
                ),
            );
            let readers =
                if self.jobs == 1 { "1 reader".into() } else { format!("{} readers", self.jobs) };
            line(
                "time",
                format!("{}, {} with {readers}", duration(self.seconds), rate(raw, self.seconds)),
            );
        }
        line(
            "snapshot",
            format!(
                "{} at {}, held {}",
                self.snapshot_taken.strftime("%Y-%m-%d %H:%M:%SZ"),
                self.snapshot_lsn,
                duration(self.snapshot_held_seconds)
            ),
        );
        if self.totals.retried_chunks > 0 {
            let (again, all) = (self.totals.retried_chunks, self.totals.chunks);
            line(
                "retried",
                format!("{again} of {all} chunks were read again after a lost connection"),
            );
        }
        line(
            "place",
            printable(&format!("{}/{}", self.repository, self.folder.trim_end_matches('/'))),
        );
        for copy in &self.copies {
            let place = format!("{}/{}", copy.to, copy.folder.trim_end_matches('/'));
            line("copy", printable(&place));
        }
        line("pruned", self.pruned.as_ref().map_or(String::new(), Prune::in_short));
        if !self.tables.is_empty() {
            let mut grid = Grid::new(page, &["LARGEST TABLES", ">SIZE", ">CHUNKS"]);
            for table in &self.tables {
                let name = format!("{}.{}", table.schema, table.name);
                grid.row([name, bytes(table.bytes), table.chunks.to_string()]);
            }
            text.push('\n');
            text.push_str(&grid.text());
        }
        text
    }
}

impl Text for All {
    fn text(&self, page: &Page) -> String {
        let what = if self.dry_run { "dry run: nothing was written;" } else { "backups of" };
        let server = printable(&self.server);
        let mut text = format!("{what} every database of {server}\n\n");
        let mut grid =
            Grid::new(page, &["DATABASE", "=OUTCOME", "=BACKUP", ">ROWS", ">STORED", ">TIME"]);
        for OfDatabase { database, outcome, backup, .. } in &self.databases {
            let of = |value: fn(&Backup) -> String| backup.as_ref().map_or(String::new(), value);
            grid.row([
                database.clone(),
                became(*outcome).to_owned(),
                of(|backup| if backup.published { backup.id.clone() } else { String::new() }),
                of(|backup| if backup.dry_run { String::new() } else { count(backup.totals.rows) }),
                of(|backup| {
                    let totals = &backup.totals;
                    bytes(if backup.dry_run { totals.raw_bytes } else { totals.bytes })
                }),
                of(|backup| duration(backup.seconds)),
            ]);
        }
        text.push_str(&grid.text());
        if !self.left_out.is_empty() {
            let mut grid = Grid::new(page, &["LEFT OUT", "WHY"]);
            for LeftOut { database, reason } in &self.left_out {
                grid.row([database.clone(), reason.clone()]);
            }
            text.push('\n');
            text.push_str(&grid.text());
        }
        text
    }
}

const fn became(outcome: Became) -> &'static str {
    match outcome {
        Became::Published => "complete",
        Became::Planned => "planned",
        Became::Failed => "FAILED",
        Became::Stopped => "STOPPED",
        Became::NotStarted => "NOT STARTED",
    }
}

fn contents(totals: &Totals, dry_run: bool) -> String {
    let mut parts = vec![amount(totals.tables, "table")];
    if !dry_run {
        parts.push(amount(totals.rows, "row"));
    }
    if totals.large_objects > 0 {
        parts.push(amount(totals.large_objects, "large object"));
    }
    parts.push(format!("{} entries in the table of contents", count(totals.entries)));
    parts.join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn ratio(raw: u64, stored: u64) -> String {
    if stored == 0 || raw <= stored {
        return String::new();
    }
    format!(", {:.1}x", raw as f64 / stored as f64)
}

impl Text for List {
    fn text(&self, page: &Page) -> String {
        if self.backups.is_empty() {
            return format!("no backups in {}\n", printable(&self.repository));
        }
        let place = |backup: &Listed| (backup.cluster.clone(), backup.database.clone());
        let mut places: Vec<_> = self.backups.iter().map(place).collect();
        places.sort();
        places.dedup();
        let groups = places.iter().map(|(cluster, database)| {
            let here =
                self.backups.iter().filter(|b| b.cluster == *cluster && b.database == *database);
            let name = printable(&format!("{database} (cluster {cluster})"));
            format!("{name}\n{}", group(page, here))
        });
        groups.collect::<Vec<_>>().join("\n")
    }
}

/// The backups of one database; an id and its numbers fit 80 columns.
fn group<'a>(page: &Page, backups: impl Iterator<Item = &'a Listed>) -> String {
    let backups: Vec<_> = backups.collect();
    // A column that nobody uses would only take room.
    let labelled = backups.iter().any(|backup| !backup.labels.is_empty());
    let headings = ["=ID", "=STATE", ">ROWS", ">STORED", "VERIFIED", "LABELS"];
    let mut grid = Grid::new(page, if labelled { &headings } else { &headings[..5] });
    for backup in backups {
        let of = |value: fn(&Totals) -> String| backup.totals.as_ref().map_or(String::new(), value);
        let cells = [
            backup.id.clone(),
            state_name(backup.state).to_owned(),
            of(|totals| count(totals.rows)),
            of(|totals| bytes(totals.bytes)),
            verified(backup),
        ];
        match labelled {
            true => grid.row([cells.as_slice(), &[labels(&backup.labels)]].concat()),
            false => grid.row(cells),
        }
    }
    grid.text()
}

/// A state in a table.
pub(super) const fn state_name(state: State) -> &'static str {
    match state {
        State::Complete => "complete",
        State::Incomplete => "incomplete",
        State::Damaged => "DAMAGED",
    }
}

/// The best proof of a backup in this state, in a table.
pub(super) fn verified_name(state: State, verified: Option<&Proof>) -> String {
    match verified {
        None => String::from(if state == State::Complete { "never" } else { "" }),
        Some(proof) => {
            let day = proof.at.strftime("%Y-%m-%d");
            if proof.passed {
                format!("{} {day}", proof.level.name())
            } else {
                format!("FAILED {day}")
            }
        }
    }
}

fn verified(backup: &Listed) -> String {
    match &backup.partly {
        Some(part) if backup.verified.is_none() => {
            format!("{} {} {}", part.level.name(), part.share, part.at.strftime("%Y-%m-%d"))
        }
        _ => verified_name(backup.state, backup.verified.as_ref()),
    }
}

/// `team=shop, ticket=4711`.
fn labels(labels: &BTreeMap<String, String>) -> String {
    let all: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    all.join(", ")
}

impl Text for Show {
    fn text(&self, page: &Page) -> String {
        let manifest = &self.manifest;
        let source = &manifest.source;
        let totals = &manifest.totals;
        let mut text = format!("backup {}\n\n", manifest.id);
        let mut line = |label: &str, value: String| {
            if !value.is_empty() {
                text.push_str(&format!("  {label:<9} {}\n", printable(&value)));
            }
        };
        line("database", format!("{} ({})", manifest.database.name, manifest.database.encoding));
        let standby = if source.in_recovery { ", a standby" } else { "" };
        let address = if manifest.hidden { "sealed address" } else { &source.address };
        line("server", format!("{address}, PostgreSQL {}{standby}", source.version));
        line(
            "cluster",
            format!("{}, system identifier {}", source.cluster, source.system_identifier),
        );
        line("made by", format!("pgtend {}, pg_dump {}", manifest.pgtend, source.pg_dump));
        line("contents", contents(totals, false));
        line(
            "size",
            format!(
                "{} read, {} stored ({}{})",
                bytes(totals.raw_bytes),
                bytes(totals.bytes),
                manifest.options.compress,
                ratio(totals.raw_bytes, totals.bytes)
            ),
        );
        let taken = manifest.snapshot.taken.strftime("%Y-%m-%d %H:%M:%SZ");
        let held = duration(manifest.snapshot.held_seconds);
        line("snapshot", format!("{taken} at {}, held {held}", manifest.snapshot.lsn));
        line("labels", labels(&manifest.labels));
        line("filters", manifest.options.filters.join(" "));
        line("sealed to", manifest.recipients.join(", "));
        if manifest.hidden {
            let what = "names and rows of tables, filters, warnings, the server's address";
            line("not seen", format!("{what}: give --identity FILE"));
        }
        line("verified", verified(&self.backup));
        if self.coverage.tables > 0 || totals.tables == 0 {
            line("proven", coverage(&self.coverage));
        }
        for warning in &manifest.warnings {
            line("warning", warning.clone());
        }
        let mut tables: Vec<_> = manifest.objects.iter().filter(|o| o.table.is_some()).collect();
        tables.sort_by_key(|object| std::cmp::Reverse(object.bytes));
        let mut grid = Grid::new(page, &["TABLE", ">ROWS", ">RAW", ">STORED", "OBJECT"]);
        for object in tables.iter().take(SHOWN_OBJECTS) {
            if let Some(table) = &object.table {
                grid.row([
                    format!("{}.{}", table.schema, table.name),
                    count(table.rows),
                    bytes(object.raw_bytes),
                    bytes(object.bytes),
                    object.name.clone(),
                ]);
            }
        }
        text.push('\n');
        text.push_str(&grid.text());
        if tables.len() > SHOWN_OBJECTS {
            let more = tables.len() - SHOWN_OBJECTS;
            text.push_str(&format!("and {more} smaller tables (all of them: --format json)\n"));
        }
        text
    }
}
