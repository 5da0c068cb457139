//! `verify-backup` for people.

use super::printable;
use super::{Page, Text, amount, bytes, count, duration, rate};
use crate::report::restore::DumpFile;
use crate::report::verify::{
    Canaries, Coverage, Level, Part, ProblemKind, Trial, Verification, Verified,
};

/// Problems that are listed; the rest is counted.
const SHOWN: usize = 20;

impl Text for Verification {
    fn text(&self, _page: &Page) -> String {
        let mut text: String = self.backups.iter().map(one).collect();
        if self.backups.iter().any(|backup| backup.passed) {
            let in_part = self.backups.iter().any(|backup| backup.part.is_some());
            let of = if in_part { "of the tables of the part: " } else { "" };
            let but = if in_part { "the other tables' rows; " } else { "" };
            text.push_str(&format!("\n  proves        {of}{}\n", self.proves));
            text.push_str(&format!("  not proved    {but}{}\n", self.does_not_prove));
        }
        text
    }
}

/// What a file of pg_dump is.
fn file(backup: &Verified, dump: &DumpFile) -> String {
    let time = match (backup.taken, &dump.time_from) {
        (Some(taken), Some(from)) => {
            format!("{} ({})", taken.strftime("%Y-%m-%d %H:%M:%S UTC"), printable(from))
        }
        _ => "unknown".to_owned(),
    };
    let seconds = duration(backup.seconds);
    format!(
        "  file          {}\n  made          {time}\n  read          {}, {}, {} raw in {seconds}\n",
        printable(&super::restore::what(dump)),
        amount(backup.objects, "object"),
        amount(backup.tables, "table"),
        bytes(backup.raw_bytes),
    )
}

fn trial(trial: &Trial, of_dump: bool) -> String {
    let phases: Vec<String> = trial
        .phases
        .iter()
        .map(|phase| format!("{} {}", phase.name, duration(phase.seconds)))
        .collect();
    let mut text = format!(
        "  restored      {} of {} objects in {} on {}\n                {}\n",
        count(trial.restored),
        count(trial.objects),
        duration(trial.restore_seconds),
        printable(&trial.scratch),
        phases.join(", ")
    );
    let several = |number: u64, what: &str, more: &str| {
        (number > 0)
            .then(|| format!("{} {what}{}", count(number), if number == 1 { "" } else { more }))
    };
    let compared: Vec<String> = [
        (!of_dump)
            .then(|| format!("{}, {}", amount(trial.tables, "table"), amount(trial.rows, "row"))),
        several(trial.sequences, "sequence", "s"),
        several(trial.large_objects, "large object", "s"),
        several(trial.objects_found, "object", "s"),
        several(trial.assertions, "assertion", "s"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let compared = if compared.is_empty() { "nothing".to_owned() } else { compared.join(", ") };
    text.push_str(&format!("  compared      {compared} in {}\n", duration(trial.compare_seconds)));
    text.push_str(&match (trial.indexes_checked, trial.heaps_checked) {
        (None, _) => "  amcheck       not available\n".to_owned(),
        (Some(indexes), None) => format!("  amcheck       {} btree indexes\n", count(indexes)),
        (Some(indexes), Some(heaps)) => {
            format!(
                "  amcheck       {} btree indexes, {}\n",
                count(indexes),
                amount(heaps, "table")
            )
        }
    });
    for left in &trial.left_out {
        text.push_str(&printable(&format!("  left out      {}: {}", left.object, left.reason)));
        text.push('\n');
    }
    text
}

/// The share of a rotation, behind the level: ` 2/7`.
fn share(backup: &Verified) -> String {
    backup.part.as_ref().map_or_else(String::new, |part| format!(" {}", part.share))
}

fn part(part: &Part) -> String {
    let mut text = format!(
        "  part          {}: {} of {} tables, {} of {} raw\n",
        part.share,
        count(part.tables),
        count(part.of_tables),
        bytes(part.raw_bytes),
        bytes(part.of_raw_bytes)
    );
    if part.overdue > 0 {
        let overdue = count(part.overdue);
        text.push_str(&format!("                {overdue} of them overdue by the records\n"));
    }
    for what in part.not_tried.iter().take(SHOWN) {
        text.push_str(&format!("  not tried     {}\n", printable(what)));
    }
    if part.not_tried.len() > SHOWN {
        let more = part.not_tried.len() - SHOWN;
        text.push_str(&format!("                and {more} more (all of them: --format json)\n"));
    }
    text
}

fn canaries(canaries: &Canaries) -> String {
    // Alone it has nothing to be compared with.
    let number = canaries.compared_with.len();
    if number == 0 {
        return String::new();
    }
    let kinds = canaries.warnings.iter().take(SHOWN).map(|warning| match &warning.table {
        Some(table) => format!("{table} {}", warning.kind.name()),
        None => format!("the backup {}", warning.kind.name()),
    });
    let unusual = match canaries.warnings.len() {
        0 => "quiet".to_owned(),
        _ => kinds.collect::<Vec<_>>().join(", "),
    };
    let plural = if number == 1 { "" } else { "s" };
    let unusual = printable(&unusual);
    format!(
        "  canaries      {unusual}\n                {} tables beside {number} earlier \
         backup{plural}; newest row known of {}, largest id of {}\n",
        count(canaries.tables),
        count(canaries.newest_known),
        count(canaries.ids_known)
    )
}

/// `every table within 3.0 days; oldest: shop.orders, 3.0 days ago`
pub fn coverage(coverage: &Coverage) -> String {
    let level = coverage.level.name();
    let age = coverage.oldest.as_ref().map(|oldest| {
        let seconds = coverage.at.duration_since(oldest.proven).as_secs_f64();
        (&oldest.table, days(seconds.max(0.0)))
    });
    match age {
        Some((table, age)) if coverage.proven == coverage.tables => {
            format!("every table at level {level} within {age} (oldest: {table})")
        }
        Some((table, age)) => format!(
            "{} of {} tables at level {level}, the oldest {age} ago ({table}); never: {}{}",
            count(coverage.proven),
            count(coverage.tables),
            coverage.never.iter().take(3).cloned().collect::<Vec<_>>().join(", "),
            if coverage.tables - coverage.proven > 3 { " .." } else { "" }
        ),
        None if coverage.tables == 0 => "no tables".to_owned(),
        None => format!("none of {} tables", count(coverage.tables)),
    }
}

/// Rounded up: what is shown as 7 days is not longer ago.
fn days(seconds: f64) -> String {
    let hours = (seconds / 3600.0).ceil().max(1.0);
    if hours <= 48.0 {
        return if hours < 2.0 { "1 hour".to_owned() } else { format!("{hours:.0} hours") };
    }
    format!("{:.0} days", (hours / 24.0).ceil())
}

fn one(backup: &Verified) -> String {
    let what = match (&backup.dump, backup.database.as_str()) {
        // A file that is none of pg_dump's.
        (None, "") => printable(&backup.id),
        (None, database) => format!("backup {} of {}", backup.id, printable(database)),
        (Some(_), "") => printable(&backup.id),
        (Some(_), database) => format!("{} of {}", printable(&backup.id), printable(database)),
    };
    let level = format!("{}{}", backup.level.name(), share(backup));
    if !backup.passed {
        let number = backup.problems.len();
        let problems = if number == 1 { "problem" } else { "problems" };
        let unknown = backup.problems.iter().all(|problem| problem.kind == ProblemKind::Unknown);
        let verdict = if unknown { "could not be judged" } else { "FAILED verification" };
        let mut text = format!("{what} {verdict} at level {level}: {number} {problems}\n");
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
        text.push_str(&backup.canaries.as_ref().map_or_else(String::new, canaries));
        return text;
    }
    let mut text = format!("{what} passed verification at level {level}\n");
    if let Some(dump) = &backup.dump {
        text.push_str(&file(backup, dump));
        if let Some(of_trial) = &backup.trial {
            text.push_str(&trial(of_trial, true));
        }
        return text;
    }
    let objects = amount(backup.objects, "object");
    text.push_str(&match backup.level {
        Level::Manifest => {
            format!("  {objects} found in {}\n", duration(backup.seconds))
        }
        Level::Content => format!(
            "  {objects}, {}, {}; {} stored, {} raw in {} ({})\n",
            amount(backup.tables, "table"),
            amount(backup.rows, "row"),
            bytes(backup.bytes),
            bytes(backup.raw_bytes),
            duration(backup.seconds),
            rate(backup.raw_bytes, backup.seconds)
        ),
        Level::Restore => {
            backup.trial.as_ref().map_or_else(String::new, |of_trial| trial(of_trial, false))
        }
    });
    if let Some(unseen) = &backup.unseen {
        text.push_str(&format!("  not seen      {unseen}\n"));
    }
    text.push_str(&backup.part.as_ref().map_or_else(String::new, part));
    text.push_str(&backup.canaries.as_ref().map_or_else(String::new, canaries));
    if let Some(known) = &backup.coverage {
        text.push_str(&format!("  coverage      {}\n", printable(&coverage(known))));
    }
    text
}
