//! Indexes that no query uses because they were never finished.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
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

pub const INDEXES: Question =
    Question::of("invalid_indexes", &[(130_000, sql::CHECK_INVALID_INDEXES)]);

#[derive(Deserialize)]
pub struct Index {
    pub index: String,
    pub table: String,
    is_unique: bool,
}

impl Index {
    /// Whether REINDEX CONCURRENTLY made it beside the true one: `t_pkey_ccnew`, `_ccold1`.
    fn is_left(&self) -> bool {
        let name = self.index.trim_end_matches('"').trim_end_matches(|c: char| c.is_ascii_digit());
        name.ends_with("_ccnew") || name.ends_with("_ccold")
    }
}

/// Whether it is seen that nobody is building one of these.
///
/// # Errors
/// Unknown where the role does not see what others build.
pub fn nobody_builds(look: &Look<'_>, rows: &[Index]) -> Result<(), Silence> {
    if let Some(first) = rows.first().filter(|_| !Need::Stats.met(&look.facts.sight)) {
        let more = match rows.len() {
            1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        let grants =
            Need::Stats.grants(&look.facts.sight.role, look.facts.server.version_number).join(" ");
        return Err(Silence::unknown(format!(
            "{} of {}{more} is not valid: whether another role is building it is not seen \
             ({grants})",
            first.index, first.table
        )));
    }
    Ok(())
}

fn invalid(look: &Look<'_>) -> Judged {
    let rows: Vec<Index> = look.rows(&INDEXES)?;
    nobody_builds(look, &rows)?;
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
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn an_index_that_another_role_may_be_building_is_unknown() {
        let row = json!({"index": "public.t_k", "table": "public.t", "is_unique": true});
        let mut sample = Sample::of("invalid_indexes", &[row.clone(), row]);
        assert_eq!(sample.judged(&INVALID).unwrap().findings[0].level, Level::Critical);
        sample.facts.sight.superuser = false;
        sample.facts.sight.role = "plain".to_owned();
        let Err(Silence::Unknown(why)) = sample.judged(&INVALID) else { panic!() };
        assert!(why.contains("public.t_k of public.t (and 1 more) is not valid"), "{why}");
        assert!(why.contains("GRANT pg_monitor TO \"plain\";"), "{why}");
        sample.facts.sight.stats = true;
        assert_eq!(sample.judged(&INVALID).unwrap().findings.len(), 2);
        sample.facts.sight.stats = false;
        let verdict = sample.with("invalid_indexes", &[]).judged(&INVALID).unwrap();
        assert!(verdict.findings.is_empty() && verdict.unseen.is_none());
    }

    #[test]
    fn what_a_reindex_left_is_known_by_its_name() {
        let left = |index: &str| {
            Index { index: index.into(), table: "t".into(), is_unique: true }.is_left()
        };
        assert!(left("public.t_pkey_ccnew") && left("public.\"T_ccold1\""));
        assert!(!left("public.t_pkey") && !left("public.t_ccnew_b"));
    }
}
