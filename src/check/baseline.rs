//! What was there before: findings that do not count again.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::registry::Kind;
use crate::error::Result;
use crate::kept::{self, Form};
use crate::report::check::{Level, ServerChecks};

const SCHEMA: &str = "pgtend/baseline/1";
const FORM: Form = Form {
    schema: SCHEMA,
    what: "baseline",
    made_by: "pgtend check --write-baseline FILE",
    largest: 64 << 20,
};

/// The findings of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct OfServer {
    database: String,
    keys: Vec<String>,
}

/// The findings of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    schema: String,
    /// The version that wrote it.
    pgtend: String,
    at: Timestamp,
    /// By the servers' names, else by where they are.
    servers: BTreeMap<String, OfServer>,
}

impl Known {
    /// Reads one.
    ///
    /// # Errors
    /// Usage, when it cannot be read or is none.
    pub fn load(path: &Path) -> Result<Self> {
        kept::load(path, &FORM)
    }

    /// What these servers have and is not ignored.
    pub fn of(servers: &[ServerChecks]) -> Self {
        let known = |server: &ServerChecks| {
            let looked = server.server.as_ref();
            // What hinders a deployment today is no excuse for tomorrow's.
            let lasting = server.checks.iter().filter(|check| check.kind != Kind::Deploy.word());
            let findings = lasting.flat_map(|check| &check.findings);
            // What is ignored counts again on the day after.
            let kept = findings.filter(|finding| {
                finding.level > Level::Info
                    && finding.excused.as_deref().is_none_or(|why| why == STANDS)
            });
            let mut keys: Vec<String> = kept.map(|finding| finding.key.clone()).collect();
            keys.sort();
            keys.dedup();
            let database = looked.map(|looked| looked.database.clone()).unwrap_or_default();
            (server.name().to_owned(), OfServer { database, keys })
        };
        Self {
            schema: SCHEMA.to_owned(),
            pgtend: env!("CARGO_PKG_VERSION").to_owned(),
            at: Timestamp::now(),
            servers: servers.iter().map(known).collect(),
        }
    }

    /// Writes it under its name at once.
    ///
    /// # Errors
    /// Usage, when another file is there; exit 74, when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        kept::save(self, path, &FORM)
    }

    /// How many findings it holds.
    pub fn count(&self) -> usize {
        self.servers.values().map(|known| known.keys.len()).sum()
    }

    /// The keys of a server. A database that is `alone` may have been at another place then: the
    /// only one of a baseline, by the same name, is taken for it.
    pub fn keys(&self, name: &str, database: &str, alone: bool) -> &[String] {
        let only = || {
            let only = self.servers.values().next().filter(|_| alone && self.servers.len() == 1);
            only.filter(|known| known.database == database)
        };
        self.servers.get(name).or_else(only).map_or(&[], |known| known.keys.as_slice())
    }
}

/// Why a finding of a baseline does not count.
pub const STANDS: &str = "it stands in the baseline";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_its_own_keys_and_a_lone_one_is_known_elsewhere() {
        let known = |database: &str, key: &str| OfServer {
            database: database.into(),
            keys: vec![key.into()],
        };
        let mut baseline = Known::of(&[]);
        baseline.servers.insert("a:5432/app".into(), known("app", "x.y:z"));
        assert_eq!(baseline.keys("a:5432/app", "app", false), ["x.y:z"]);
        assert_eq!(baseline.keys("b:1/app", "app", true), ["x.y:z"]);
        assert!(baseline.keys("b:1/app", "app", false).is_empty());
        assert!(baseline.keys("b:1/other", "other", true).is_empty());
        baseline.servers.insert("c".into(), known("app", "x.y:w"));
        assert!(baseline.keys("b:1/app", "app", true).is_empty());
        assert_eq!(baseline.count(), 2);
    }
}
