//! The report of `backup prune`, and of the pruning after a backup.

use serde::Serialize;

use super::Report;
use super::backup::{Proof, State};
use crate::exit::Exit;

/// What went, or would go, of a repository; and what stays.
#[derive(Debug, Clone, Serialize)]
pub struct Prune {
    /// The repository.
    pub repository: String,
    /// Whether nothing was to be removed.
    pub dry_run: bool,
    /// The rules in force, by their names in `[backup]`, with what they keep.
    pub rules: Vec<Rule>,
    /// Every folder with a backup's id that was looked at, by cluster, database and id.
    pub backups: Vec<Pruned>,
    /// What the operator must know.
    pub warnings: Vec<String>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// As in `[backup]`: `keep_daily`.
    pub name: &'static str,
    /// As written there: `7`, `30d`.
    pub value: String,
}

/// One backup, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Its id.
    pub id: String,
    /// Folder of the cluster.
    pub cluster: String,
    /// The database.
    pub database: String,
    /// Its folder in the repository, with a `/` at its end.
    pub folder: String,
    /// What it is.
    pub state: State,
    /// When its snapshot was taken (UTC), for a complete one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<jiff::Timestamp>,
    /// Stored bytes of a complete one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The best that was proved of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Proof>,
    /// What is to become of it.
    pub action: Action,
    /// Why.
    pub reasons: Vec<String>,
    /// Whether it is gone.
    pub removed: bool,
    /// What in its folder is not pgtend's, and stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// What went wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What is to become of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
}

impl Prune {
    /// What is to go.
    pub fn going(&self) -> impl Iterator<Item = &Pruned> {
        self.backups.iter().filter(|backup| backup.action == Action::Remove)
    }

    /// How many are gone.
    pub fn removed(&self) -> usize {
        self.backups.iter().filter(|backup| backup.removed).count()
    }
}

impl Report for Prune {
    /// What could not be read or removed is a failure of the store's; the rest is done.
    fn outcome(&self) -> Exit {
        if self.backups.iter().any(|backup| backup.problem.is_some()) {
            return Exit::Io;
        }
        let damaged = self.backups.iter().any(|backup| backup.state == State::Damaged);
        if damaged || !self.warnings.is_empty() { Exit::Warning } else { Exit::Good }
    }
}
