//! A run as a file for the textfile collector of Prometheus's node_exporter.
//!
//! The file is the memory too: what the newest good backup was is kept from it when a run fails.
//! Source: the text exposition format 0.0.4.

use std::fmt::Write as _;

use super::exposition::escaped;
use crate::report::story::{Run, Story};
use crate::settings::masked;

/// Each with its help; the order of [`Series::values`].
const METRICS: [(&str, &str); 8] = [
    ("last_run_timestamp_seconds", "When the last run ended, good or not"),
    ("last_success_timestamp_seconds", "When the last run that published a backup ended"),
    ("last_exit_code", "Exit code of the last run: 0 good, 1 published with a warning"),
    ("duration_seconds", "How long the last run took"),
    ("bytes", "Stored bytes of the newest backup"),
    ("raw_bytes", "Bytes of the newest backup before compression"),
    ("rows", "Rows of the newest backup"),
    ("tables", "Tables of the newest backup"),
];
const PREFIX: &str = "pgtend_backup_";
const LABELS: [&str; 3] = ["cluster", "database", "repository"];

/// One database's values; `None` where nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Series {
    labels: [String; 3],
    values: [Option<String>; 8],
}

/// The new text of the file, from its old text and what happened since. A database that is not
/// in this run is left out, unless the run failed before it knew which they are.
pub fn text(story: &Story, old: &str) -> String {
    let old = parse(old);
    let mut all: Vec<Series> = Vec::new();
    for run in &story.runs {
        match &run.database {
            None if !old.is_empty() => {
                all.extend(old.iter().map(|old| after(story, run, Some(old))));
            }
            _ => all.push(after(story, run, before(story, run, &old))),
        }
    }
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all.dedup_by(|a, b| a.labels == b.labels);
    let mut text = String::new();
    for (number, (name, help)) in METRICS.iter().enumerate() {
        let lines: Vec<String> = all.iter().filter_map(|series| series.line(number)).collect();
        if !lines.is_empty() {
            let lines = lines.concat();
            let name = format!("{PREFIX}{name}");
            // Writing to a string does not fail.
            write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{lines}").unwrap_or(());
        }
    }
    text
}

/// The database's series before this run. A run that failed may not know the cluster as one that
/// connected does.
fn before<'a>(story: &Story, run: &Run, old: &'a [Series]) -> Option<&'a Series> {
    let labels = labels(story, run);
    old.iter().find(|old| old.labels == labels).or_else(|| {
        let mut same = old.iter().filter(|old| old.labels[1..] == labels[1..]);
        same.next().filter(|_| run.outcome.is_err() && same.next().is_none())
    })
}

fn labels(story: &Story, run: &Run) -> [String; 3] {
    let text = |text: &Option<String>| masked(text.as_deref().unwrap_or_default());
    let cluster =
        run.outcome.as_ref().map_or_else(|_| run.cluster.clone(), |b| Some(b.cluster.clone()));
    [text(&cluster), text(&run.database), text(&story.repository)]
}

fn after(story: &Story, run: &Run, old: Option<&Series>) -> Series {
    // Of a single database the whole story is its own: a ping that failed too.
    let exit = if story.runs.len() == 1 { story.exit() } else { run.exit() };
    let ended = Some(run.ended.as_second().to_string());
    let code = Some(exit.code().to_string());
    let seconds = Some(format!("{:.3}", run.seconds));
    match &run.outcome {
        Ok(backup) => {
            let totals = &backup.totals;
            let of = |number: u64| Some(number.to_string());
            let values = [
                ended.clone(),
                ended,
                code,
                seconds,
                of(totals.bytes),
                of(totals.raw_bytes),
                of(totals.rows),
                of(totals.tables),
            ];
            Series { labels: labels(story, run), values }
        }
        Err(_) => {
            let labels = old.map_or_else(|| labels(story, run), |old| old.labels.clone());
            let mut values = old.map(|old| old.values.clone()).unwrap_or_default();
            (values[0], values[2], values[3]) = (ended, code, seconds);
            Series { labels, values }
        }
    }
}

impl Series {
    fn line(&self, number: usize) -> Option<String> {
        let value = self.values[number].as_deref()?;
        let labels: Vec<String> = LABELS
            .iter()
            .zip(&self.labels)
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        Some(format!("{PREFIX}{}{{{}}} {value}\n", METRICS[number].0, labels.join(",")))
    }
}

/// What an earlier run wrote; lines of others are passed over.
fn parse(text: &str) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for line in text.lines() {
        let Some((number, labels, value)) = parse_line(line) else { continue };
        let at = all.iter().position(|series| series.labels == labels).unwrap_or_else(|| {
            all.push(Series { labels, values: Default::default() });
            all.len() - 1
        });
        all[at].values[number] = Some(value);
    }
    all
}

fn parse_line(line: &str) -> Option<(usize, [String; 3], String)> {
    let (name, rest) = line.strip_prefix(PREFIX)?.split_once('{')?;
    let number = METRICS.iter().position(|(metric, _)| *metric == name)?;
    let mut rest = rest;
    let mut labels: [String; 3] = Default::default();
    for (name, label) in LABELS.iter().zip(&mut labels) {
        rest = rest.strip_prefix(',').unwrap_or(rest);
        rest = rest.strip_prefix(name)?.strip_prefix("=\"")?;
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => label.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => label.push(other),
            }
        };
        rest = &rest[end + 1..];
    }
    let value = rest.strip_prefix("} ")?.trim();
    value.parse::<f64>().ok()?;
    Some((number, labels, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::exit::Exit;

    fn story(outcomes: Vec<(Option<&str>, Error)>, at: i64) -> Story {
        let at = jiff::Timestamp::from_second(at).unwrap();
        let runs = outcomes.into_iter().map(|(database, error)| Run {
            database: database.map(str::to_owned),
            cluster: Some("h-5432".into()),
            outcome: Err(error),
            seconds: 1.5,
            ended: at,
        });
        let repository = Some("s3://u:hunter2@h/d".to_owned());
        Story { repository, started: at, ended: at, runs: runs.collect(), warnings: vec![] }
    }

    fn failure() -> Error {
        Error::new(Exit::Unavailable, "x")
    }

    #[test]
    fn a_first_failure_tells_no_success_and_no_secret() {
        let text = text(&story(vec![(Some("a\"b\\\nc"), failure())], 100), "");
        assert_eq!(
            text,
            "# HELP pgtend_backup_last_run_timestamp_seconds When the last run ended, good or not\n\
             # TYPE pgtend_backup_last_run_timestamp_seconds gauge\n\
             pgtend_backup_last_run_timestamp_seconds{cluster=\"h-5432\",database=\"a\\\"b\\\\\\nc\",repository=\"s3://u:***@h/d\"} 100\n\
             # HELP pgtend_backup_last_exit_code Exit code of the last run: 0 good, 1 published with a warning\n\
             # TYPE pgtend_backup_last_exit_code gauge\n\
             pgtend_backup_last_exit_code{cluster=\"h-5432\",database=\"a\\\"b\\\\\\nc\",repository=\"s3://u:***@h/d\"} 69\n\
             # HELP pgtend_backup_duration_seconds How long the last run took\n\
             # TYPE pgtend_backup_duration_seconds gauge\n\
             pgtend_backup_duration_seconds{cluster=\"h-5432\",database=\"a\\\"b\\\\\\nc\",repository=\"s3://u:***@h/d\"} 1.500\n"
        );
        assert_eq!(parse(&text)[0].labels[1], "a\"b\\\nc");
    }

    #[test]
    fn the_last_success_is_kept_when_a_run_fails() {
        let old = "pgtend_backup_last_success_timestamp_seconds{cluster=\"prod\",database=\"app\",repository=\"s3://u:***@h/d\"} 50\n\
                   pgtend_backup_rows{cluster=\"prod\",database=\"app\",repository=\"s3://u:***@h/d\"} 6000\n\
                   pgtend_backup_rows{cluster=\"prod\",database=\"gone\",repository=\"s3://u:***@h/d\"} 1\n\
                   other_metric 1\npgtend_backup_rows nonsense\n";
        let named = text(&story(vec![(Some("app"), failure())], 100), old);
        assert!(named.contains("success_timestamp_seconds{cluster=\"prod\",database=\"app\",repository=\"s3://u:***@h/d\"} 50\n"), "{named}");
        assert!(
            named.contains(
                "rows{cluster=\"prod\",database=\"app\",repository=\"s3://u:***@h/d\"} 6000\n"
            ),
            "{named}"
        );
        assert!(
            named.contains(
                "exit_code{cluster=\"prod\",database=\"app\",repository=\"s3://u:***@h/d\"} 69\n"
            ),
            "{named}"
        );
        assert!(!named.contains("gone") && !named.contains("other_metric"), "{named}");
        // All of them have failed when nobody knows which they are.
        let unknown = text(&story(vec![(None, failure())], 100), old);
        assert_eq!(unknown.matches("} 69\n").count(), 2, "{unknown}");
    }
}
