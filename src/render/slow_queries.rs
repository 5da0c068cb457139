//! The page of `slow-queries`, its tables, its plugin line and its metrics.

use std::collections::BTreeMap;

use serde_json::Value;

use super::grid::Grid;
use super::units::{bytes, count, duration};
use super::{Metric, Page, Performance, Plugin, Sheet, Text, printable};
use crate::report::slow_queries::{
    Comparison, LiveStatement, Plan, RankedQuery, SlowQueriesReport,
};

/// The least that is left for the text of a statement.
const LEAST_TEXT: usize = 20;

/// A cell's distance to the next one.
const GAP: usize = 2;

impl Text for SlowQueriesReport {
    fn text(&self, page: &Page) -> String {
        let mut text = wrapped(page, "", &self.head());
        if self.trust.is_none() {
            text.push_str(&self.live_table(page));
        } else if !self.queries.is_empty() {
            text.push_str(&self.table(page));
        }
        if let Some(comparison) = &self.comparison {
            text.push_str(&wrapped(page, "", &verdict(comparison)));
        }
        if self.left_out > 0 {
            text.push_str(&wrapped(page, "", &self.left_out()));
        }
        if self.limit_reached {
            text.push_str(&wrapped(page, "", "there are more: --limit"));
        }
        if let Some(plan) = &self.plan {
            text.push_str(&planned(page, plan));
        }
        for step in &self.enable {
            text.push_str(&wrapped(page, "to enable: ", step));
        }
        for note in &self.notes {
            text.push_str(&wrapped(page, "note: ", note));
        }
        for what in &self.unseen {
            text.push_str(&wrapped(page, "not seen: ", what));
        }
        if let Some(file) = &self.saved {
            text.push_str(&wrapped(page, "saved: ", file));
        }
        text
    }

    fn sheets(&self) -> Vec<Sheet> {
        if self.trust.is_none() {
            return vec![Sheet {
                name: "live_statements",
                columns: LIVE_COLUMNS.to_vec(),
                rows: self.live.iter().map(|one| values(one, &LIVE_COLUMNS)).collect(),
            }];
        }
        let rows = self.queries.iter().map(|one| values(one, &COLUMNS)).collect();
        vec![Sheet { name: "slow_queries", columns: COLUMNS.to_vec(), rows }]
    }

    fn plugin(&self) -> Option<Plugin> {
        let says = if self.trust.is_none() {
            self.unseen.first().cloned().unwrap_or_default()
        } else if let Some(comparison) = &self.comparison {
            verdict(comparison)
        } else if let Some(fail) = &self.fail_mean {
            let limit = milliseconds(fail.limit_ms);
            format!("{} with a mean over {limit}", amount(fail.over))
        } else {
            let shown = amount(number(self.queries.len()));
            format!("{shown} with a mean of {} and more", milliseconds(self.min_mean_ms))
        };
        let mut more: Vec<String> = self.queries.iter().take(LONG_OUTPUT).map(line).collect();
        more.extend(self.unseen.iter().map(|what| format!("not seen: {what}")));
        let performance = if self.trust.is_some() { self.performance() } else { Vec::new() };
        Some(Plugin { service: "PGTEND SLOW-QUERIES".to_owned(), says, performance, more })
    }

    fn metrics(&self) -> Vec<Metric> {
        let Some(trust) = &self.trust else { return Vec::new() };
        // Over a period they go down again from one run to the next.
        let kind = if self.period.is_some() { "gauge" } else { "counter" };
        // Databases that are gone have no name to tell them apart, and a series stands once.
        let mut folded: BTreeMap<_, (i64, f64, i64)> = BTreeMap::new();
        for one in self.queries.iter().filter(|one| one.query_id.is_some()) {
            let sums = folded.entry(labels(one)).or_default();
            sums.0 = sums.0.saturating_add(one.calls);
            sums.1 += one.total_ms / 1000.0;
            sums.2 = sums.2.saturating_add(one.rows);
        }
        let each = |value: fn(&(i64, f64, i64)) -> f64| {
            folded.iter().map(|(labels, sums)| (labels.clone(), value(sums))).collect::<Vec<_>>()
        };
        let metric = |name, help, kind, samples| Metric { name, help, kind, samples };
        let mut metrics = vec![
            metric("statement_calls", "Calls of a statement", kind, each(|sums| float(sums.0))),
            metric(
                "statement_seconds",
                "Time of a statement's calls in seconds",
                kind,
                each(|sums| sums.1),
            ),
            metric("statement_rows", "Rows of a statement", kind, each(|sums| float(sums.2))),
            metric(
                "statement_mean_seconds",
                "Mean time of a statement in seconds",
                "gauge",
                each(|sums| sums.1 / float(sums.0.max(1))),
            ),
            Metric::gauge(
                "statements_entries",
                "Statements that pg_stat_statements keeps",
                vec![(Vec::new(), float(trust.entries))],
            ),
        ];
        let known = [
            ("statements_max", "Statements that it keeps at most", "gauge", trust.max),
            (
                "statements_deallocations",
                "Times that statements were thrown out for others",
                "counter",
                trust.dealloc,
            ),
        ];
        for (name, help, kind, value) in known {
            let samples = value.map(|value| (Vec::new(), float(value)));
            metrics.push(metric(name, help, kind, samples.into_iter().collect()));
        }
        metrics
    }
}

/// Statements in a plugin's long output.
const LONG_OUTPUT: usize = 5;

const LIVE_COLUMNS: [&str; 7] =
    ["pid", "user", "database", "application", "seconds", "waits_for", "query"];

const COLUMNS: [&str; 34] = [
    "query_id",
    "user",
    "database",
    "toplevel",
    "share",
    "calls",
    "total_ms",
    "mean_ms",
    "min_ms",
    "max_ms",
    "stddev_ms",
    "rows",
    "rows_per_call",
    "hit_percent",
    "shared_hit_blocks",
    "shared_read_blocks",
    "shared_dirtied_blocks",
    "shared_written_blocks",
    "io_ms",
    "read_ms",
    "write_ms",
    "local_io_ms",
    "temp_io_ms",
    "temp_bytes",
    "wal_bytes",
    "wal_records",
    "plans",
    "plan_ms",
    "parallel_workers",
    "since",
    "before_mean_ms",
    "change_percent",
    "slower",
    "query",
];

/// The fields of a value by name.
fn values<T: serde::Serialize>(of: &T, columns: &[&str]) -> Vec<Value> {
    let value = serde_json::to_value(of).unwrap_or(Value::Null);
    columns.iter().map(|name| value.get(name).cloned().unwrap_or(Value::Null)).collect()
}

fn labels(of: &RankedQuery) -> Vec<(&'static str, String)> {
    let mut labels = vec![
        ("query_id", of.query_id.clone().unwrap_or_default()),
        ("user", of.user.clone()),
        ("database", of.database.clone().unwrap_or_default()),
    ];
    if let Some(toplevel) = of.toplevel {
        labels.push(("toplevel", toplevel.to_string()));
    }
    labels
}

impl SlowQueriesReport {
    /// `statements of database shop by total time, since 2026-11-20 10:00:00Z`
    fn head(&self) -> String {
        let of = self
            .database
            .as_ref()
            .map_or_else(|| "of all databases".to_owned(), |name| format!("of database {name}"));
        let who = self.user.as_ref().map(|name| format!(", of user {name}")).unwrap_or_default();
        let Some(trust) = &self.trust else {
            return format!("statements {of}{who} that run now");
        };
        let when = match (&self.period, trust.reset) {
            (Some(period), _) => {
                let from = period.from.strftime("%Y-%m-%d %H:%M:%SZ");
                format!(" in {} since {from}", duration(period.seconds))
            }
            (None, Some(reset)) => format!(" since {}", reset.strftime("%Y-%m-%d %H:%M:%SZ")),
            (None, None) => String::new(),
        };
        format!(
            "statements {of}{who} by {}{when}: {} calls of {}, {}",
            self.sort,
            count(self.calls.unsigned_abs()),
            amount(self.statements),
            milliseconds(self.total_ms)
        )
    }

    fn left_out(&self) -> String {
        let share = self.left_out_share.map(|share| format!(" with {share:.1}% of the time"));
        let mut why = format!("a mean below {} (--min-mean)", milliseconds(self.min_mean_ms));
        if self.min_calls > 1 {
            why.push_str(&format!(", fewer than {} calls", self.min_calls));
        }
        let left_out = amount(self.left_out);
        format!("{left_out}{} not shown: {why}, or another text", share.unwrap_or_default())
    }

    fn table(&self, page: &Page) -> String {
        let columns: Vec<&Column> =
            COLUMNS_OF_PAGE.iter().filter(|column| column.fits(page, self)).collect();
        let cells: Vec<Vec<String>> = self
            .queries
            .iter()
            .map(|one| columns.iter().map(|column| printable(&(column.value)(one))).collect())
            .collect();
        let mut headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
        headings.push("QUERY");
        let left = left_for_text(page, &headings, &cells);
        let mut grid = Grid::new(page, &headings);
        for (mut row, one) in cells.into_iter().zip(&self.queries) {
            row.push(cut(one.query.as_deref().unwrap_or("(hidden)"), left));
            grid.row(row);
        }
        grid.text()
    }

    fn live_table(&self, page: &Page) -> String {
        if self.live.is_empty() {
            return String::new();
        }
        let headings = [">PID", "=USER", ">FOR", "=WAITS FOR", "QUERY"];
        let cell = |one: &LiveStatement| {
            vec![
                one.pid.to_string(),
                printable(one.user.as_deref().unwrap_or("-")),
                one.seconds.map_or_else(|| "-".to_owned(), duration),
                one.waits_for.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        let cells: Vec<Vec<String>> = self.live.iter().map(cell).collect();
        let left = left_for_text(page, &headings, &cells);
        let mut grid = Grid::new(page, &headings);
        for (mut row, one) in cells.into_iter().zip(&self.live) {
            row.push(cut(one.query.as_deref().unwrap_or(""), left));
            grid.row(row);
        }
        grid.text()
    }

    fn performance(&self) -> Vec<Performance> {
        let mut numbers = vec![
            Performance::new("statements", float(self.statements), ""),
            Performance::new("shown", float(number(self.queries.len())), ""),
        ];
        if let Some(fail) = &self.fail_mean {
            numbers.push(Performance::new("over", float(fail.over), ""));
            if let Some(longest) = fail.longest_ms {
                numbers.push(Performance {
                    critical: Some(fail.limit_ms / 1000.0),
                    least: Some(0.0),
                    ..Performance::new("longest_mean", longest / 1000.0, "s")
                });
            }
        }
        if let Some(comparison) = &self.comparison {
            numbers.push(Performance::new("judged", float(comparison.judged), ""));
            numbers.push(Performance::new("slower", float(comparison.slower), ""));
        }
        for one in self.queries.iter().take(LONG_OUTPUT) {
            if let Some(id) = &one.query_id {
                numbers.push(Performance::new(format!("mean_{id}"), one.mean_ms / 1000.0, "s"));
            }
        }
        numbers
    }
}

/// A column of the page.
struct Column {
    heading: &'static str,
    /// Columns of the terminal from which on it is shown.
    from: u16,
    /// Of a comparison only.
    compared: bool,
    value: fn(&RankedQuery) -> String,
}

impl Column {
    const fn new(heading: &'static str, from: u16, value: fn(&RankedQuery) -> String) -> Self {
        Self { heading, from, compared: false, value }
    }

    fn fits(&self, page: &Page, report: &SlowQueriesReport) -> bool {
        page.width >= self.from && (!self.compared || report.comparison.is_some())
    }
}

const COLUMNS_OF_PAGE: [Column; 16] = [
    Column::new(">SHARE", 0, |one| percent(one.share)),
    Column::new(">CALLS", 0, |one| count(one.calls.unsigned_abs())),
    Column::new(">TOTAL", 0, |one| milliseconds(one.total_ms)),
    Column { heading: ">BEFORE", from: 0, compared: true, value: |one| time(one.before_mean_ms) },
    Column::new(">MEAN", 0, |one| milliseconds(one.mean_ms)),
    Column {
        heading: ">CHANGE",
        from: 0,
        compared: true,
        value: |one| one.change_percent.map_or_else(|| "-".to_owned(), |one| format!("{one:+.0}%")),
    },
    Column::new(">MAX", 96, |one| time(one.max_ms)),
    Column::new(">STDDEV", 150, |one| time(one.stddev_ms)),
    Column::new(">ROWS/CALL", 110, |one| format!("{:.1}", one.rows_per_call)),
    Column::new(">HIT", 110, |one| percent(one.hit_percent)),
    Column::new(">IO", 120, |one| time(one.io_ms)),
    Column::new(">TEMP", 130, |one| bytes(one.temp_bytes.unsigned_abs())),
    Column::new(">WAL", 130, |one| bytes(one.wal_bytes.unsigned_abs())),
    Column::new("=USER", 150, |one| one.user.clone()),
    Column::new("=DATABASE", 160, |one| one.database.clone().unwrap_or_else(|| "-".to_owned())),
    Column::new("=ID", 180, |one| one.query_id.clone().unwrap_or_else(|| "-".to_owned())),
];

fn left_for_text(page: &Page, headings: &[&str], cells: &[Vec<String>]) -> usize {
    let width = |at: usize, heading: &str| {
        let cells = cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(heading.trim_start_matches(['>', '=']).chars().count())
    };
    let before = headings.split_last().map_or(&[][..], |(_, before)| before);
    let taken: usize = before.iter().enumerate().map(|(at, one)| width(at, one) + GAP).sum();
    // The last cell has its distance too.
    usize::from(page.width).saturating_sub(taken + GAP).max(LEAST_TEXT)
}

/// On one line, and no longer than that; what was cut ends in two dots.
fn cut(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = printable(&line);
    if line.chars().count() <= width {
        return line;
    }
    let start: String = line.chars().take(width.saturating_sub(2)).collect();
    format!("{}..", start.trim_end())
}

fn planned(page: &Page, plan: &Plan) -> String {
    let id = plan.query_id.as_deref().unwrap_or("");
    let width = usize::from(page.width).saturating_sub(GAP);
    let mut text = format!("\nplan of {id} (generic, not run)\n");
    if let Some(query) = &plan.query {
        text.push_str(&format!("  {}\n", cut(query, width.saturating_sub(GAP))));
    }
    for line in &plan.lines {
        text.push_str(&format!("  {}\n", printable(line)));
    }
    if let Some(why) = &plan.failed {
        text.push_str(&wrapped(page, "  no plan: ", why));
    }
    text.push('\n');
    text
}

fn verdict(of: &Comparison) -> String {
    let of_what = format!("{} compared with {}", amount(of.judged), of.file);
    match of.limit_percent {
        Some(limit) => format!("{} of {of_what} became slower by more than {limit}%", of.slower),
        None => of_what,
    }
}

/// Of a plugin's long output.
fn line(one: &RankedQuery) -> String {
    let query = cut(one.query.as_deref().unwrap_or("(hidden)"), 100);
    format!("{} x {}: {query}", count(one.calls.unsigned_abs()), milliseconds(one.mean_ms))
}

/// Words behind a label, in lines of the page's width.
fn wrapped(page: &Page, label: &str, text: &str) -> String {
    let width = usize::from(page.width).max(40);
    let (mut lines, mut line) = (String::new(), label.to_owned());
    let mut used = false;
    for word in printable(text).split(' ') {
        if used && line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&format!("{}\n", line.trim_end()));
            line = " ".repeat(label.chars().count());
            used = false;
        }
        if used {
            line.push(' ');
        }
        line.push_str(word);
        used = true;
    }
    lines + line.trim_end() + "\n"
}

/// `0.42 ms`, `420 ms`, `3.1 s`.
fn milliseconds(time: f64) -> String {
    match time {
        time if time < 10.0 => format!("{time:.2} ms"),
        time if time < 999.5 => format!("{time:.0} ms"),
        time => duration(time / 1000.0),
    }
}

fn time(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".to_owned(), milliseconds)
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}%"))
}

fn amount(statements: i64) -> String {
    super::amount(statements.unsigned_abs(), "statement")
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_on_one_line() {
        assert_eq!(cut("select 1", 8), "select 1");
        assert_eq!(cut("select\n  1,\t2", 11), "select 1, 2");
        assert_eq!(cut("select 1, 2", 10), "select 1..");
        assert_eq!(cut("é\u{7}x", 20), "é\\u{7}x");
    }

    #[test]
    fn words_stay_within_the_page_under_their_label() {
        let page = Page { width: 40 };
        let text = wrapped(&page, "note: ", &"word ".repeat(12));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 40), "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with("      word"), "{text}");
    }

    #[test]
    fn times_have_their_unit() {
        let times = [0.004, 4.25, 99.6, 999.4, 999.6, 61_000.0].map(milliseconds);
        assert_eq!(times, ["0.00 ms", "4.25 ms", "100 ms", "999 ms", "1.00 s", "61.0 s"]);
    }
}
