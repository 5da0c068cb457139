//! Indexes: those that lie, those that cost and those that are missing.

use serde::Deserialize;

use super::look::Look;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use crate::report::check::Level;
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[Check {
    id: "idx.invalid",
    kind: Kind::Static,
    title: "indexes that are not valid",
    why: "A CREATE INDEX CONCURRENTLY that failed leaves an index that every write maintains and \
          no query uses; a unique one does not even keep duplicates out.",
    remedy: "Drop the index and make it again, or REINDEX INDEX CONCURRENTLY it.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&INVALID],
    judge: invalid,
}];

const INVALID: Question =
    Question { name: "invalid_indexes", variants: &[(130_000, sql::CHECK_INVALID_INDEXES)] };

#[derive(Deserialize)]
struct Invalid {
    index: String,
    table: String,
    is_unique: bool,
}

fn invalid(look: &Look<'_>) -> Judged {
    let rows: Vec<Invalid> = look.rows(&INVALID)?;
    let mut verdict = look.verdict().saying("all indexes are valid");
    for row in rows {
        let level = if row.is_unique { Level::Critical } else { Level::Warning };
        let says = format!("{} of {} is not valid", row.index, row.table);
        verdict
            .find(level, &row.index, says)
            .with_remedy(format!("REINDEX INDEX CONCURRENTLY {};", row.index));
    }
    Ok(verdict)
}
