//! What a statement of a migration does, as far as its text tells.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::lock::Mode;
use super::renames::Names;

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
    /// It gets a partition: the default one has to hold less.
    Attaches,
    /// A partition leaves it: the default one may hold more.
    Detaches,
    /// It gets a CHECK (column IS NOT NULL), which is valid or not yet.
    RulesOutNulls { name: Option<String>, column: String, is_valid: bool },
    /// A constraint becomes valid.
    Validates { name: String },
    /// A column or a constraint of this name gets another one.
    Renames { name: String },
}

/// A table that a statement touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Of the table, or of an index of it.
    pub name: Name,
    pub is_index: bool,
    pub mode: Mode,
    pub works: Vec<Work>,
    /// `ONLY`: its partitions are neither locked nor read with it.
    #[serde(default)]
    pub only: bool,
}

/// A new name or schema for a table, an index, a view or a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    pub from: Name,
    pub is_index: bool,
    /// Without a schema where it stays in its own.
    pub to: Name,
}

impl Touch {
    /// Whether its partitions are not locked with it.
    pub fn is_alone(&self) -> bool {
        self.only || self.works.iter().any(|work| matches!(work, Work::Attaches | Work::Detaches))
    }
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
    /// What it gives another name.
    #[serde(default)]
    pub renames: Option<Rename>,
    /// The number of its transaction in its file, which holds the locks of all its statements to
    /// its end; none for one of its own.
    #[serde(default)]
    pub transaction: Option<usize>,
    /// How the names of before are called when it comes.
    #[serde(skip)]
    pub names: Names,
    /// It may not run in a transaction block.
    pub alone: bool,
    /// It waits until all transactions that are older than it have ended.
    pub waits_for_all: bool,
    /// A lock timeout that was set before it in its file: as written, `0` for none at all.
    pub lock_timeout: Option<String>,
    /// Schemas that were set before it in its file for names without one.
    pub search_path: Option<Vec<String>>,
    /// An extension that it makes unless it is there.
    pub extension: Option<String>,
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
    /// One that does nothing.
    pub fn new(file: &str, line: usize) -> Self {
        Self {
            file: file.to_owned(),
            line,
            text: String::new(),
            kind: "?".to_owned(),
            touches: Vec::new(),
            makes: Vec::new(),
            renames: None,
            transaction: None,
            names: Names::default(),
            alone: false,
            waits_for_all: false,
            lock_timeout: None,
            search_path: None,
            extension: None,
            unread: None,
        }
    }

    /// Whether it takes back what others before it did.
    pub fn rolls_back(&self) -> bool {
        self.kind.starts_with("ROLLBACK") || self.kind.starts_with("ABORT")
    }

    /// Whether it takes back the whole transaction, not what came after a savepoint.
    pub fn rolls_all_back(&self) -> bool {
        let is_less = |word: &str| matches!(word, "TO" | "PREPARED");
        self.rolls_back() && !self.kind.split(' ').any(is_less)
    }

    /// Whether it runs in the same transaction as another one.
    pub fn is_with(&self, other: &Self) -> bool {
        self.transaction.is_some()
            && (&self.file, self.transaction) == (&other.file, other.transaction)
    }

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
