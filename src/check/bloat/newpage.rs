//! Updates that find no room beside the old row.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

pub const NEWPAGE: Check = Check {
    id: "bloat.newpage",
    kind: Kind::Runtime,
    title: "updates that have to move the row to another page",
    why: "An update whose new row fits on the old one's page can leave the indexes alone. One that \
          moves writes to every index of the table, and both grow.",
    remedy: "Lower the table's fillfactor (90, 80), so that new pages keep room for updates; what \
             is there already follows with the next rewrite.",
    limits: &[
        LimitSpec::warn_above("updates that moved their row", Unit::Percent, 20.0),
        LimitSpec::warn_above("updates below which nothing is said", Unit::Count, 10_000.0)
            .named("updates"),
    ],
    needs: &[],
    since: 160_000,
    asks: &[&NEW_PAGES],
    judge: newpage,
};

const NEW_PAGES: Question =
    Question { name: "new_page_updates", variants: &[(160_000, sql::CHECK_NEW_PAGE_UPDATES_16)] };

#[derive(Deserialize)]
struct Updated {
    table: String,
    updates: f64,
    moved: f64,
}

fn newpage(look: &Look<'_>) -> Judged {
    let rows: Vec<Updated> = look.rows(&NEW_PAGES)?;
    let mut verdict = look.verdict().saying("updates find room beside their old rows");
    for row in rows {
        let share = super::percent(row.moved, row.updates);
        let many = look.level("updates", &row.table, row.updates, None).is_some();
        let level = look.level("", &row.table, share, None).filter(|_| many);
        let Some(level) = level else { continue };
        let says = format!(
            "{share:.0}% of {} of {} moved the row to another page",
            words::amount(row.updates, "update"),
            row.table,
        );
        verdict
            .find(level, &row.table, says)
            .with_value(share)
            .with_remedy(format!("ALTER TABLE {} SET (fillfactor = 90);", row.table));
    }
    Ok(verdict)
}
