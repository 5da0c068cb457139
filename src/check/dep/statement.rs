//! What a statement of a migration does, as far as its text tells.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::lock::Mode;

/// The name of a table or an index, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    pub schema: Option<String>,
    pub name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// What is done to a table beside locking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Written anew with its indexes: why.
    Rewrites(String),
    /// Read from end to end: why.
    Scans(String),
    /// An index is built.
    Builds,
    /// It depends on the column's type now whether the table is rewritten.
    ChangesType { column: String, to: String, using: bool },
    /// It depends on the table's checks whether the table is read.
    NotNull { column: String },
    /// It goes, and its foreign keys with it: their triggers are on both tables.
    Drops,
    /// The same of one constraint.
    DropsConstraint { name: String },
    /// The same of one column.
    DropsColumn { column: String },
}

/// A table that a statement touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Of the table, or of an index of it.
    pub name: Name,
    pub is_index: bool,
    pub mode: Mode,
    pub works: Vec<Work>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In one line, without the values in it.
    pub text: String,
    /// Its key words: `ALTER TABLE`.
    pub kind: String,
    pub touches: Vec<Touch>,
    /// Tables that it makes.
    pub makes: Vec<Name>,
    /// It may not run in a transaction block.
    pub alone: bool,
    /// It waits until all transactions that are older than it have ended.
    pub waits_for_all: bool,
    /// A lock timeout that was set before it in its file: as written, `0` for none at all.
    pub lock_timeout: Option<String>,
    /// Why it is not known what it does.
    pub unread: Option<Unread>,
}

/// Why it is not known what a statement does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unread {
    /// The parser does not understand it: the parser's words.
    Unparsed(String),
    /// It runs code that is not in the text.
    Opaque(String),
}

impl Statement {
    /// Whether nothing is to be done where its table is not there.
    pub fn is_if_exists(&self) -> bool {
        let head = format!("{} IF EXISTS", self.kind);
        self.text.to_ascii_uppercase().starts_with(&head)
    }

    /// Whether it makes a table of this name, or one that has a sequence of this name.
    pub fn makes(&self, name: &Name) -> bool {
        self.makes.iter().any(|made| {
            let same = name.schema.is_none() || made.schema.is_none() || name.schema == made.schema;
            let is_sequence = name.name.ends_with("_seq") && name.name.starts_with(&made.name);
            same && (made.name == name.name || is_sequence)
        })
    }

    /// The strongest lock.
    pub fn strongest(&self) -> Option<Mode> {
        self.touches.iter().map(|touch| touch.mode).max()
    }
}
