//! A statement that checks ask, in the form that this server's version needs.

use crate::settings::CheckSettings;
use crate::sql::Query;

/// A question to a server. Its rows become JSON objects, one for each row, with the columns'
/// names as keys; no row limit of its own.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The name under which its answer is kept.
    pub name: &'static str,
    /// Statements with the oldest server version that each is for (150000), oldest first.
    pub variants: &'static [(u32, Query)],
    pub(super) may_be_cut: bool,
    pub(super) is_compared: bool,
    /// Whether the operator's settings make somebody read the answer.
    pub(super) is_wanted: fn(&CheckSettings) -> bool,
}

impl Question {
    /// One whose rows all count: where there are more than [`MOST_ROWS`], nothing that asks it
    /// gives an all-clear.
    pub const fn of(name: &'static str, variants: &'static [(u32, Query)]) -> Self {
        Self { name, variants, may_be_cut: false, is_compared: false, is_wanted: |_| true }
    }

    /// One whose rows come with those first that weigh most, or whose checks say themselves when
    /// it matters that rows were not read.
    #[must_use]
    pub const fn may_be_cut(self) -> Self {
        Self { may_be_cut: true, ..self }
    }

    /// One whose answer is compared with that of an earlier sample: it is asked for both samples
    /// of `--interval`.
    #[must_use]
    pub const fn compared(self) -> Self {
        Self { is_compared: true, ..self }
    }

    /// One that is asked only with settings that need its answer: it may be long.
    #[must_use]
    pub const fn wanted(self, is_wanted: fn(&CheckSettings) -> bool) -> Self {
        Self { is_wanted, ..self }
    }

    /// The statement for a server; `None` where the server is older than all.
    pub fn at(&self, version_number: u32) -> Option<&'static Query> {
        self.variants
            .iter()
            .rev()
            .find(|(since, _)| *since <= version_number)
            .map(|(_, query)| query)
    }
}

/// Rows that are read of one answer at most; more is told.
pub const MOST_ROWS: usize = 1000;

/// The statement whose one value is the answer: a JSON list of objects, one row more than
/// [`MOST_ROWS`] when there are more.
pub fn as_json(query: &Query) -> String {
    format!(
        "select coalesce(pg_catalog.json_agg(r), '[]')::pg_catalog.text as answer from (select * \
         from (\n{}\n) q limit {}) r",
        query.text.trim().trim_end_matches(';'),
        MOST_ROWS + 1
    )
}
