//! Owners: a role that is not there or out of reach cannot own; the object is kept.
//!
//! Giving an object away takes more than being able to become its new owner: unless a superuser
//! does it, that role must itself be allowed to create in the object's schema.

use std::collections::{BTreeMap, HashMap};

use crate::archive::toc::Entry;
use crate::restore::identity::large_objects_made_by;
use crate::restore::target::is_reserved;

use super::Rehearsal;

/// Kinds that pg_restore gives an owner. Source: `_getObjectDescription` and
/// `_printTocEntry` in pg_backup_archiver.c, versions 15 to 18.
const OWNED: [&str; 28] = [
    "AGGREGATE",
    "BLOB",
    "BLOB METADATA",
    "COLLATION",
    "CONVERSION",
    "DATABASE",
    "DOMAIN",
    "EVENT TRIGGER",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "FUNCTION",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "PROCEDURAL LANGUAGE",
    "PROCEDURE",
    "PUBLICATION",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "STATISTICS",
    "SUBSCRIPTION",
    "TABLE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TYPE",
    "VIEW",
];

/// Why a role does not become the owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// It is not there.
    Unknown,
    /// The session cannot act as it.
    Unusable,
    /// It may not create in this schema.
    NoCreate(String),
    /// It may not create in the database.
    NoCreateInDatabase,
    /// Only superusers can own this kind.
    NoSuperuser(String),
    /// It may not use the wrapper of a server.
    NoServer,
}

/// The role that an entry's object is given to; `None` for kinds without an owner.
pub(super) fn owner_of(entry: &Entry) -> Option<&str> {
    (OWNED.contains(&entry.kind()) && !entry.owner_name().is_empty()).then(|| entry.owner_name())
}

impl Rehearsal<'_> {
    pub(super) fn owners(&mut self) {
        let mut lost: BTreeMap<(String, Why), usize> = BTreeMap::new();
        // Schemas first: whether an object can be given away depends on its schema's owner.
        let (schemas, others): (Vec<usize>, Vec<usize>) = self
            .all_planned()
            .into_iter()
            .partition(|index| self.plan.toc.entries[*index].kind() == "SCHEMA");
        let mut owners: HashMap<String, String> = HashMap::new();
        for index in schemas.into_iter().chain(others) {
            if self.wishes.no_owner {
                self.plan.toc.entries[index].owner = None;
            } else if let Some((owner, why)) = self.why_no_owner(index, &owners) {
                let entry = &mut self.plan.toc.entries[index];
                // Sequences of identity columns and others go where their table goes.
                let count = if entry.drop_statement().is_empty() {
                    0
                } else {
                    large_objects_made_by(entry).len().max(1)
                };
                entry.owner = None;
                *lost.entry((owner, why)).or_default() += count;
            }
            let entry = &self.plan.toc.entries[index];
            if entry.kind() == "SCHEMA" {
                let owner = owner_of(entry).unwrap_or(&self.facts.role);
                owners.insert(entry.name().to_owned(), owner.to_owned());
            }
        }
        for ((owner, why), count) in lost {
            let note = self.note(&owner, &why, count);
            self.plan.notes.push(note);
        }
    }

    fn why_no_owner(
        &self,
        index: usize,
        schemas: &HashMap<String, String>,
    ) -> Option<(String, Why)> {
        let entry = &self.plan.toc.entries[index];
        let owner = owner_of(entry)?;
        if owner == self.facts.role {
            return None;
        }
        let why = self.why_not_own(entry, owner, schemas)?;
        Some((owner.to_owned(), why))
    }

    fn why_not_own(
        &self,
        entry: &Entry,
        owner: &str,
        schemas: &HashMap<String, String>,
    ) -> Option<Why> {
        let Some(role) = self.facts.roles.get(owner) else { return Some(Why::Unknown) };
        let superusers = match entry.kind() {
            "EVENT TRIGGER" | "FOREIGN DATA WRAPPER" => true,
            "SUBSCRIPTION" => self.facts.major() < 16,
            _ => false,
        };
        if superusers && !role.superuser {
            return Some(Why::NoSuperuser(entry.label()));
        }
        if self.facts.superuser {
            return None;
        }
        if !role.usable {
            return Some(Why::Unusable);
        }
        match entry.kind() {
            "DATABASE" | "BLOB" | "BLOB METADATA" => None,
            "SERVER" => Some(Why::NoServer),
            _ if entry.schema().is_empty() => (!role.may_create).then_some(Why::NoCreateInDatabase),
            _ => {
                let schema = entry.schema();
                let may = match (schemas.get(schema), self.facts.schemas.get(schema)) {
                    (Some(made), _) => made == owner || role.has_rights_of.contains(made),
                    (None, Some(found)) => found.creators.contains(owner),
                    (None, None) => false,
                };
                (!may).then(|| Why::NoCreate(schema.to_owned()))
            }
        }
    }

    fn note(&self, owner: &str, why: &Why, count: usize) -> String {
        let role = self.role();
        let cause = match why {
            Why::Unknown if is_reserved(owner) => {
                format!("role {owner} of another service does not exist")
            }
            Why::Unknown => format!("role {owner} does not exist"),
            Why::Unusable => format!("role {role} cannot act as role {owner}"),
            Why::NoCreate(schema) => format!("role {owner} may not create in schema {schema}"),
            Why::NoCreateInDatabase => format!("role {owner} lacks CREATE on the database"),
            Why::NoSuperuser(object) => {
                return format!("role {owner} is no superuser: {object} will belong to {role}");
            }
            Why::NoServer => format!("only a superuser can give servers to role {owner}"),
        };
        format!("{cause}: {} will belong to {role}", super::objects(count))
    }
}
