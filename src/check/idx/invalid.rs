//! Indexes that no query uses because they were never finished.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::sql;

pub const INVALID: Check = Check {
    id: "idx.invalid",
    kind: Kind::Static,
    title: "indexes that are not valid",
    why: "A CREATE INDEX CONCURRENTLY that failed leaves an index that every write maintains and \
          no query uses; a unique one does not even keep duplicates out.",
    remedy: "Drop the index and make it again, or REINDEX INDEX CONCURRENTLY it; what an \
             interrupted REINDEX left (its name ends with _ccnew or _ccold) is only dropped.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&INDEXES],
    judge: invalid,
};

const INDEXES: Question =
    Question { name: "invalid_indexes", variants: &[(130_000, sql::CHECK_INVALID_INDEXES)] };

#[derive(Deserialize)]
struct Index {
    index: String,
    table: String,
    is_unique: bool,
}

impl Index {
    /// Whether REINDEX CONCURRENTLY made it beside the true one: `t_pkey_ccnew`, `_ccold1`.
    fn is_left(&self) -> bool {
        let name = self.index.trim_end_matches('"').trim_end_matches(|c: char| c.is_ascii_digit());
        name.ends_with("_ccnew") || name.ends_with("_ccold")
    }
}

fn invalid(look: &Look<'_>) -> Judged {
    let rows: Vec<Index> = look.rows(&INDEXES)?;
    let mut verdict = look.verdict().saying("all indexes are valid");
    for row in rows {
        let level = match row.is_unique && !row.is_left() {
            true => Level::Critical,
            false => Level::Warning,
        };
        let remedy = match row.is_left() {
            true => format!("DROP INDEX CONCURRENTLY {};", row.index),
            false => format!("REINDEX INDEX CONCURRENTLY {};", row.index),
        };
        let says = format!("{} of {} is not valid", row.index, row.table);
        verdict.find(level, &row.index, says).with_remedy(remedy);
    }
    if look.is_cut(&INDEXES) {
        verdict.unseen = Some("there are more such indexes than are read".to_owned());
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reindex_left_is_known_by_its_name() {
        let left = |index: &str| {
            Index { index: index.into(), table: "t".into(), is_unique: true }.is_left()
        };
        assert!(left("public.t_pkey_ccnew") && left("public.\"T_ccold1\""));
        assert!(!left("public.t_pkey") && !left("public.t_ccnew_b"));
    }
}
