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
    Question::of("new_page_updates", &[(160_000, sql::CHECK_NEW_PAGE_UPDATES_16)]).may_be_cut();

#[derive(Deserialize)]
struct Updated {
    table: String,
    updates: f64,
    moved: f64,
}

fn newpage(look: &Look<'_>) -> Judged {
    let rows: Vec<Updated> = look.rows(&NEW_PAGES)?;
    let mut verdict = look.verdict().saying("updates find room beside their old rows");
    let fewest = rows.last().map(|row| row.moved);
    for row in rows {
        let share = super::percent(row.moved, row.updates);
        let many = look.is_enough("updates", &row.table, row.updates);
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
    if fewest.is_some_and(|moved| may_pass(look, moved)) {
        verdict.unseen = look.cut(&NEW_PAGES);
    }
    Ok(verdict)
}

/// Whether a table with so many moved rows can be over the limits, with whatever number of updates.
fn may_pass(look: &Look<'_>, moved: f64) -> bool {
    let bounds = look.limit("", "").map(|limit| [limit.warning, limit.critical]);
    let shares = bounds.into_iter().flatten().flatten().filter_map(|bound| bound.at(None));
    let most = |share: f64| 100.0 * moved / share.max(1.0);
    shares.map(most).any(|updates| look.is_enough("updates", "", updates))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn tables_that_were_not_read_are_unseen_where_they_could_pass() {
        let unseen = |tables: usize, moved: f64| {
            let row = json!({"table": "public.t", "updates": 1e9, "moved": moved});
            let sample = Sample::of("new_page_updates", &vec![row; tables]);
            sample.judged(&NEWPAGE).unwrap().unseen.is_some()
        };
        assert!(unseen(1001, 2_000.0), "a fifth of 10,000");
        assert!(!unseen(1001, 1_999.0));
        assert!(!unseen(1000, 2_000.0));
    }
}
