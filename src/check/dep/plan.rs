//! The migrations of a folder, read: kept with the facts, so that they are judged together.

use serde::{Deserialize, Serialize};

use super::lint::Lint;
use super::read::read;
use super::sources::{Layout, Source, forward};
use super::statement::{Statement, Unread};
use crate::check::facts::Facts;
use crate::check::migration::tables_of;
use crate::check::verdict::Silence;

/// Under which it is kept in [`Facts::beside`].
const BESIDE: &str = "migrations";

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub path: String,
    pub version: Option<String>,
    /// Not yet in the version table, or there is none.
    pub is_pending: bool,
}

/// The migrations of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub layout: Layout,
    pub files: Vec<File>,
    /// Of the pending files, in their order.
    pub statements: Vec<Statement>,
    pub lints: Vec<Lint>,
    /// What has to be told of files that were not read.
    pub notes: Vec<String>,
    /// The role that runs them; none for the one that checks.
    pub role: Option<String>,
}

impl Plan {
    /// Reads what is pending.
    pub fn new(sources: &[Source], role: Option<&str>, facts: &Facts) -> Self {
        let (layout, files, notes) = forward(sources);
        let tables = tables_of(facts, layout);
        let mut plan = Self {
            layout,
            files: Vec::new(),
            statements: Vec::new(),
            lints: Vec::new(),
            notes,
            role: role.map(str::to_owned),
        };
        for file in files {
            // Applied is what all of them have: a step too many is better than one too few.
            let is_pending = match &file.version {
                Some(version) if !tables.is_empty() => tables.iter().any(|table| {
                    !table.has(version) || table.failed.iter().any(|(one, _)| one == version)
                }),
                _ => true,
            };
            if is_pending {
                let version_number = facts.server.version_number;
                let (statements, lints) = read(&file.path, &file.text, version_number);
                plan.statements.extend(statements);
                plan.lints.extend(lints);
            }
            plan.files.push(File { path: file.path, version: file.version, is_pending });
        }
        plan
    }

    /// Keeps it with the facts.
    ///
    /// # Errors
    /// A bug.
    pub fn keep(&self, facts: &mut Facts) -> serde_json::Result<()> {
        facts.beside.insert(BESIDE.to_owned(), serde_json::to_value(self)?);
        Ok(())
    }

    /// The one that is kept with the facts.
    ///
    /// # Errors
    /// Unknown, when it cannot be read.
    pub fn of(facts: &Facts) -> Result<Option<Self>, Silence> {
        let Some(value) = facts.beside.get(BESIDE) else { return Ok(None) };
        Self::deserialize(value)
            .map(Some)
            .map_err(|error| Silence::unknown(format!("the migrations cannot be read: {error}")))
    }

    /// Statements that the parser did not understand.
    pub fn unparsed(&self) -> impl Iterator<Item = (&Statement, &str)> {
        self.statements.iter().filter_map(|one| match &one.unread {
            Some(Unread::Unparsed(why)) => Some((one, why.as_str())),
            _ => None,
        })
    }
}
