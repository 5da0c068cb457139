//! Advice on pools, for people.

use super::super::grid::Grid;
use super::super::{Page, amount, count, duration};
use super::tables::cut;
use crate::report::connections::Advice;

/// Applications on the page.
const SHOWN: usize = 10;

/// Its lines.
pub fn text(advice: &Advice, page: &Page) -> String {
    let headings = ["POOL OF", "USER", ">HELD", ">BUSY", ">ENOUGH", ">ADDRESSES"];
    let mut grid = Grid::new(page, &headings);
    let known = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), count);
    for pool in advice.pools.iter().take(SHOWN) {
        let name = if pool.application.is_empty() { "(none)" } else { &pool.application };
        grid.row([
            cut(name, 24),
            cut(pool.user.as_deref().unwrap_or("?"), 16),
            count(pool.held),
            known(pool.busy),
            known(pool.enough),
            count(pool.clients),
        ]);
    }
    let mut text = grid.text();
    if advice.pools.len() > SHOWN {
        text.push_str(&format!("and {} more: --format json\n", advice.pools.len() - SHOWN));
    }
    let mut grid = Grid::new(page, &["ADVICE", ""]);
    let looks = amount(u64::from(advice.looks), "look");
    let time = duration(advice.seconds);
    let percent = advice.held_percent.map(|share| format!(" ({share:.0}%)")).unwrap_or_default();
    let sum = format!(
        "{looks} in {time}: {} of {} usable connections held{percent}",
        advice.held, advice.usable
    );
    grid.row(["seen".to_owned(), sum]);
    for said in &advice.says {
        grid.row([said.id.replace('-', " "), said.text.clone()]);
    }
    for formula in &advice.formulas {
        let (name, how) = formula.split_once(": ").unwrap_or((formula, ""));
        grid.row([name.to_owned(), how.to_owned()]);
    }
    text.push('\n');
    text.push_str(&grid.text());
    text
}
