//! All checks.

use super::limits::LimitSpec;
use super::look::Look;
use super::need::Need;
use super::question::Question;
use super::verdict::Judged;
use super::{
    act, app, backup, bloat, cache, conf, conn, db, dep, idx, io, lock, migration, repl, schema,
    sec, seq, size, stats, stmt, vac, ver, wal,
};

/// When a check can tell something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From the catalog alone: on an empty database in CI too.
    Static,
    /// From what the server does and has counted.
    Runtime,
    /// From two samples.
    Rate,
    /// Whether a deployment can begin now; asked with `--pre-deploy`.
    Deploy,
}

impl Kind {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Runtime => "runtime",
            Self::Rate => "rate",
            Self::Deploy => "deploy",
        }
    }
}

/// One check: what it looks at and how it judges. All texts are for people.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// `idx.invalid`: family and name. It never changes.
    pub id: &'static str,
    pub kind: Kind,
    /// What it looks at, in a few words without an end: `indexes that are not valid`.
    pub title: &'static str,
    /// Why it matters: whole sentences.
    pub why: &'static str,
    /// What to do about findings: whole sentences.
    pub remedy: &'static str,
    pub limits: &'static [LimitSpec],
    /// What a role must be allowed to see; what is missing makes the check unknown.
    pub needs: &'static [Need],
    /// Oldest server: 160000.
    pub since: u32,
    pub asks: &'static [&'static Question],
    pub judge: fn(&Look<'_>) -> Judged,
}

impl Check {
    /// The part before the dot.
    pub fn family(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }
}

/// The families, in the order in which they are shown.
const FAMILIES: &[&[Check]] = &[
    conn::CHECKS,
    act::CHECKS,
    lock::CHECKS,
    vac::CHECKS,
    bloat::CHECKS,
    idx::CHECKS,
    schema::CHECKS,
    seq::CHECKS,
    repl::CHECKS,
    wal::CHECKS,
    cache::CHECKS,
    io::CHECKS,
    db::CHECKS,
    stats::CHECKS,
    stmt::CHECKS,
    conf::CHECKS,
    sec::CHECKS,
    ver::CHECKS,
    size::CHECKS,
    backup::CHECKS,
    app::CHECKS,
    migration::CHECKS,
    dep::CHECKS,
];

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().copied().flatten()
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own_and_its_texts() {
        let mut ids = BTreeSet::new();
        for check in all() {
            assert!(ids.insert(check.id), "{} twice", check.id);
            let parts: Vec<&str> = check.id.split('.').collect();
            assert_eq!(parts.len(), 2, "{}", check.id);
            for (text, sentence) in [(check.title, false), (check.why, true), (check.remedy, true)]
            {
                assert!(text.len() > 8, "{}: {text:?}", check.id);
                assert_eq!(text.ends_with('.'), sentence, "{}: {text:?}", check.id);
            }
            let names: BTreeSet<&str> = check.limits.iter().map(|spec| spec.name).collect();
            assert_eq!(names.len(), check.limits.len(), "{}: limits of one name", check.id);
        }
    }

    #[test]
    fn one_name_is_one_question() {
        let mut seen = std::collections::BTreeMap::new();
        for question in all().flat_map(|check| check.asks) {
            let texts: Vec<&str> = question.variants.iter().map(|(_, query)| query.text).collect();
            let before = seen.insert(question.name, texts.clone());
            assert!(before.is_none_or(|before| before == texts), "{}", question.name);
        }
    }
}
