//! Collations that sort otherwise than they did when indexes were made.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Level;
use crate::sql::{self, quote_name};

pub const COLLATION: Check = Check {
    id: "schema.collation",
    kind: Kind::Static,
    title: "collations of another version than recorded",
    why: "After an upgrade of the operating system (or a move to another one) its libraries may \
          sort otherwise: indexes on text then miss rows and let duplicates in, silently.",
    remedy: "REINDEX what uses the collation, look for duplicates, and only then REFRESH VERSION.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&COLLATIONS],
    judge: collation,
};

const COLLATIONS: Question = Question::of(
    "collations",
    &[(130_000, sql::CHECK_COLLATIONS), (150_000, sql::CHECK_COLLATIONS_15)],
);

#[derive(Deserialize)]
struct Changed {
    name: String,
    is_database: bool,
    recorded: String,
    actual: Option<String>,
    indexes: f64,
    columns: f64,
}

fn collation(look: &Look<'_>) -> Judged {
    let rows: Vec<Changed> = look.rows(&COLLATIONS)?;
    let mut verdict = look.verdict().saying(match look.major() {
        ..15 => {
            "all collations in use have the recorded version; that of the database's own is not \
             recorded before PostgreSQL 15"
        }
        _ => "all collations in use have the recorded version",
    });
    for Changed { name, is_database, recorded, actual, indexes, columns } in rows {
        let what = if is_database { "the collation of the database" } else { "the collation" };
        let says = format!(
            "{what} {name} was recorded as version {recorded} and is {} now: {} and {} use it",
            actual.as_deref().unwrap_or("without a version"),
            words::amount_of(indexes, "index", "indexes"),
            words::amount(columns, "column"),
        );
        let level = if indexes > 0.0 { Level::Critical } else { Level::Warning };
        let remedy = match is_database {
            true => format!(
                "REINDEX DATABASE {0}; ALTER DATABASE {0} REFRESH COLLATION VERSION;",
                quote_name(&name)
            ),
            false => format!(
                "ALTER COLLATION {name} REFRESH VERSION;  -- after a REINDEX of its indexes"
            ),
        };
        verdict.find(level, &name, says).with_remedy(remedy);
    }
    Ok(verdict)
}
