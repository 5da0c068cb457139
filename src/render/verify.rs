//! `verify-backup` for people.

use super::printable;
use super::{Page, Text, bytes, count, duration, rate};
use crate::report::restore::DumpFile;
use crate::report::verify::{Level, ProblemKind, Trial, Verification, Verified};

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
        "  file          {}\n  made          {time}\n  read          {} objects, {} tables, {} raw \
         in {seconds}\n",
        printable(&super::restore::what(dump)),
        count(backup.objects),
        count(backup.tables),
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
        (!of_dump).then(|| format!("{} tables, {} rows", count(trial.tables), count(trial.rows))),
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
            format!("  amcheck       {} btree indexes, {} tables\n", count(indexes), count(heaps))
        }
    });
    for left in &trial.left_out {
        text.push_str(&printable(&format!("  left out      {}: {}", left.object, left.reason)));
        text.push('\n');
    }
    text
}

fn one(backup: &Verified) -> String {
    let what = match (&backup.dump, backup.database.as_str()) {
        (None, database) => format!("backup {} of {}", backup.id, printable(database)),
        (Some(_), "") => printable(&backup.id),
        (Some(_), database) => format!("{} of {}", printable(&backup.id), printable(database)),
    };
    let level = backup.level.name();
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
        Level::Restore => {
            backup.trial.as_ref().map_or_else(String::new, |of_trial| trial(of_trial, false))
        }
    });
    text
}
