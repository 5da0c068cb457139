//! `restore` for people.

use super::printable;
use super::{Page, Text, amount, bytes, count, duration, rate};
use crate::report::restore::{DumpFile, Restored};

/// Objects that are listed of each kind; the rest is counted.
const SHOWN: usize = 20;

impl Text for Restored {
    fn text(&self, _page: &Page) -> String {
        let mut text = headline(self);
        if let Some(dump) = &self.dump {
            text.push_str(&format!("  file          {}\n", printable(&what(dump))));
        }
        if !self.dry_run {
            text.push_str(&match &self.dump {
                Some(_) => {
                    "  rows          not compared: a file of pg_dump has no record of them\n"
                        .to_owned()
                }
                None => format!(
                    "  rows          {} in {}, equal to the backup's record ({})\n",
                    count(self.rows),
                    amount(self.tables, "table"),
                    bytes(self.raw_bytes)
                ),
            });
            if self.large_objects > 0 {
                text.push_str(&format!("  large objects {}\n", count(self.large_objects)));
            }
            let parts: Vec<String> = self
                .phases
                .iter()
                .map(|phase| format!("{} {}", phase.name, duration(phase.seconds)))
                .collect();
            let speed = match &self.dump {
                Some(_) => String::new(),
                None => format!(" ({})", rate(self.raw_bytes, self.seconds)),
            };
            text.push_str(&format!(
                "  time          {}{speed} with {} sessions\n",
                duration(self.seconds),
                self.jobs
            ));
            text.push_str(&format!("                {}\n", parts.join(", ")));
        }
        if let Some(previous) = &self.previous {
            text.push_str(&format!(
                "  replaced      the old database is {}\n",
                printable(previous)
            ));
        }
        section(
            &mut text,
            "failed",
            self.failed.iter().map(|failed| {
                let statement = match failed.statement.lines().next() {
                    Some(first) => format!(" [{first}]"),
                    None => String::new(),
                };
                let colon = if failed.object.is_empty() { "" } else { ": " };
                format!("{}{colon}{}{statement}", failed.object, failed.error)
            }),
        );
        section(
            &mut text,
            "left out",
            self.left_out.iter().map(|left| {
                let missing = if left.missing { "missing: " } else { "" };
                format!("{missing}{}: {}", left.object, left.reason)
            }),
        );
        section(
            &mut text,
            "not checked",
            self.not_validated
                .iter()
                .map(|key| format!("{}; check it with: {}", key.constraint, key.statement)),
        );
        section(&mut text, "notes", self.notes.iter().cloned());
        text
    }
}

/// `custom format, gzip, by pg_dump 15.18 of a server 15.18, 1.2 MiB`
pub fn what(dump: &DumpFile) -> String {
    let version = |text: &str| text.split_whitespace().next().unwrap_or("?").to_owned();
    let mut parts = vec![match dump.format.as_str() {
        "plain" => "plain SQL".to_owned(),
        "pg_dumpall" => "plain SQL of pg_dumpall".to_owned(),
        other => format!("{other} format"),
    }];
    parts.extend(dump.compressed.iter().map(|name| format!("in {name}")));
    let (by, of) = (version(&dump.pg_dump), version(&dump.server));
    parts.push(format!("by pg_dump {by} of a server {of}"));
    parts.push(bytes(dump.bytes));
    parts.join(", ")
}

fn headline(report: &Restored) -> String {
    let (id, source) = (&report.id, printable(&report.source));
    let (database, address) = (printable(&report.database), &report.address);
    let objects = if report.restored == report.objects {
        format!("all {} objects", count(report.objects))
    } else {
        format!("{} of {} objects", count(report.restored), count(report.objects))
    };
    if report.dry_run {
        return format!(
            "would restore backup {id} of {source} into {database} at {address}: {objects}\n"
        );
    }
    if report.complete {
        return format!(
            "restored backup {id} of {source} into {database} at {address}: {objects}\n"
        );
    }
    let number = report.failed.len();
    let mut text = format!(
        "backup {id} of {source} was NOT wholly restored into {database} at {address}: \
         {objects}, {number} failed\n"
    );
    if let Some(kept) = &report.kept_as {
        text.push_str(&format!(
            "  kept as       {} (the next restore drops it); {database} was not touched\n",
            printable(kept)
        ));
    }
    text
}

fn section(text: &mut String, title: &str, lines: impl ExactSizeIterator<Item = String>) {
    let number = lines.len();
    for (at, line) in lines.take(SHOWN).enumerate() {
        let title = if at == 0 { title } else { "" };
        text.push_str(&format!("  {title:<13} {}\n", printable(&line)));
    }
    if number > SHOWN {
        let more = number - SHOWN;
        text.push_str(&format!("                and {more} more (all of them: --format json)\n"));
    }
}
