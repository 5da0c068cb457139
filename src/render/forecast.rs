//! The forecast of a deployment.

use super::grid::Grid;
use super::{Page, bytes};
use crate::report::forecast::{Forecast, Step};

/// A table of the steps, and the verdict with its reasons.
pub fn text(page: &Page, forecast: &Forecast) -> String {
    let mut text = String::new();
    if !forecast.steps.is_empty() {
        let headings = ["=FORECAST", "=WHERE", "STATEMENT", "LOCK", "TABLE", ">SIZE", "WHY"];
        let mut grid = Grid::new(page, &headings);
        for step in &forecast.steps {
            grid.row(row(step));
        }
        text.push_str(&grid.text());
        text.push('\n');
    }
    text.push_str(&format!("forecast: {}\n", forecast.verdict.word()));
    for reason in &forecast.reasons {
        text.push_str(&format!("  {}\n", super::printable(reason)));
    }
    for note in &forecast.notes {
        text.push_str(&format!("  {}\n", super::printable(note)));
    }
    if !forecast.unasked.is_empty() {
        text.push_str(&format!("  not asked: {}\n", forecast.unasked.join(", ")));
    }
    text
}

fn row(step: &Step) -> [String; 7] {
    let lock = step.lock.clone().unwrap_or_default();
    let work = if step.rewrite {
        ", rewrites"
    } else if step.scan {
        ", scans"
    } else {
        ""
    };
    [
        step.verdict.word().to_owned(),
        format!("{}:{}", step.file, step.line),
        step.statement.clone(),
        format!("{lock}{work}"),
        step.table.clone().unwrap_or_default(),
        step.bytes.map(bytes).unwrap_or_default(),
        step.reason.clone(),
    ]
}
