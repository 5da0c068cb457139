//! Which entry belongs to which: an index to its table, a comment to its index.
//!
//! The archive knows only "must be made before"; a foreign key depends on both of its tables
//! alike. Whose it is stands in its statements, which are read; tags run names together with
//! spaces and cannot be taken apart again.

use std::collections::HashMap;

use super::plan::Plan;
use super::statement::{Qualified, altered, identifier, qualified};
use super::words;
use crate::archive::toc::Entry;

/// The entry that each entry belongs to.
pub struct Belonging {
    owner: Vec<Option<usize>>,
    /// The partitioned table of each partition.
    root: HashMap<usize, usize>,
}

/// Whether it is a table, or stands where a table can stand.
pub fn is_relation(entry: &Entry) -> bool {
    matches!(entry.kind(), "TABLE" | "FOREIGN TABLE" | "VIEW" | "MATERIALIZED VIEW" | "SEQUENCE")
}

/// Whether its sequence is a column's GENERATED AS IDENTITY: no object without the table.
pub fn is_identity(entry: &Entry) -> bool {
    entry.kind() == "SEQUENCE" && altered(entry.definition()).is_some()
}

impl Belonging {
    /// Finds the owner of every entry.
    pub fn new(plan: &Plan) -> Self {
        let mut root = HashMap::new();
        for entry in plan.toc.entries.iter().filter(|entry| entry.kind() == "TABLE ATTACH") {
            let is_child = |other: &Entry| same_name(entry, other);
            let tables = || plan.needs_of(entry).filter(|at| is_relation(plan.entry(*at)));
            let child = tables().find(|at| is_child(plan.entry(*at)));
            let parent = tables().find(|at| Some(*at) != child);
            root.extend(child.zip(parent));
        }
        let entries = 0..plan.toc.entries.len();
        let mut belonging = Self { owner: Vec::new(), root };
        let owner = entries.map(|index| belonging.find(plan, index)).collect();
        belonging.owner = owner;
        belonging
    }

    fn find(&self, plan: &Plan, index: usize) -> Option<usize> {
        let entry = plan.entry(index);
        let mut needs = plan.needs_of(entry);
        let of_kind = |kind: &'static str| move |at: &usize| plan.entry(*at).kind() == kind;
        match entry.kind() {
            "ACL" | "COMMENT" | "SECURITY LABEL" | "STATISTICS DATA" => needs.next(),
            "TABLE DATA"
            | "MATERIALIZED VIEW DATA"
            | "SEQUENCE SET"
            | "SEQUENCE OWNED BY"
            | "TABLE ATTACH" => needs.find(|at| same_name(entry, plan.entry(*at))),
            "SEQUENCE" => {
                needs.find(|at| matches!(plan.entry(*at).kind(), "TABLE" | "FOREIGN TABLE"))
            }
            "TABLE" | "FOREIGN TABLE" => self.root.get(&index).copied(),
            "PUBLICATION TABLE" => needs.find(|at| is_relation(plan.entry(*at))),
            "DEFAULT ACL" | "PUBLICATION TABLES IN SCHEMA" | "EXTENSION" => {
                needs.find(of_kind("SCHEMA"))
            }
            "INDEX ATTACH" => {
                let tables: Vec<usize> = needs.filter(|at| is_relation(plan.entry(*at))).collect();
                let is_root = |at: &usize| tables.iter().any(|other| self.is_below(*other, *at));
                tables.iter().copied().find(|at| !is_root(at))
            }
            "USER MAPPING" => plan.toc.entries.iter().position(|other| {
                other.kind() == "SERVER"
                    && entry.name().ends_with(&format!(" SERVER {}", other.name()))
            }),
            _ => {
                let (schema, name) = named_owner(entry)?;
                needs.find(|at| {
                    let other = plan.entry(*at);
                    (is_relation(other) || other.kind() == "DOMAIN")
                        && other.schema() == schema
                        && other.name() == name
                })
            }
        }
    }

    /// Whether `table` is a partition of `root`, on whatever level.
    fn is_below(&self, table: usize, root: usize) -> bool {
        let mut parents = std::iter::successors(self.root.get(&table), |at| self.root.get(at));
        parents.any(|at| *at == root)
    }

    /// The entry that entry number `index` belongs to.
    pub fn owner(&self, index: usize) -> Option<usize> {
        self.owner[index]
    }

    /// The entry itself, what it belongs to, what that belongs to ..
    pub fn chain(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(index), |at| self.owner[*at])
    }

    /// The partitioned table that it is a partition of.
    pub fn root(&self, table: usize) -> Option<usize> {
        self.root.get(&table).copied()
    }

    /// Whether it has partitions.
    pub fn has_partitions(&self, table: usize) -> bool {
        self.root.values().any(|root| *root == table)
    }

    /// What must be there before entry number `index` can be made.
    ///
    /// Not the table of an owned sequence, which is made without it; that of its OWNED BY.
    pub fn needs(&self, plan: &Plan, index: usize) -> Vec<usize> {
        let entry = plan.entry(index);
        let mut needs: Vec<usize> = plan.needs_of(entry).collect();
        if entry.kind() == "SEQUENCE" && !is_identity(entry) {
            needs.retain(|at| Some(*at) != self.owner[index]);
        }
        if entry.kind() == "SEQUENCE OWNED BY" {
            needs.extend(self.owner[index].and_then(|sequence| self.owner[sequence]));
        }
        if entry.kind() == "USER MAPPING" {
            needs.extend(self.owner[index]);
        }
        needs.retain(|at| !plan.entry(*at).has_data);
        needs
    }
}

fn same_name(a: &Entry, b: &Entry) -> bool {
    is_relation(b) && a.schema() == b.schema() && a.name() == b.name()
}

/// The table (view, domain) that an entry's own statements say it is of.
pub fn named_owner(entry: &Entry) -> Option<Qualified> {
    let definition = entry.definition();
    match entry.kind() {
        "DEFAULT" | "CONSTRAINT" | "CHECK CONSTRAINT" | "FK CONSTRAINT" | "ROW SECURITY" => {
            altered(definition).map(|(owner, _)| owner)
        }
        "INDEX" => {
            let rest = definition.strip_prefix("CREATE UNIQUE INDEX ");
            let rest = rest.or_else(|| definition.strip_prefix("CREATE INDEX "))?;
            let rest = identifier(rest)?.1.strip_prefix(" ON ")?;
            Some(qualified(rest.strip_prefix("ONLY ").unwrap_or(rest))?.0)
        }
        "RULE" | "TRIGGER" | "POLICY" => {
            if let Some(rest) = definition.strip_prefix("CREATE OR REPLACE VIEW ") {
                return Some(qualified(rest)?.0);
            }
            // A partition's trigger is only switched on or off, and not dropped.
            let Some(rest) = entry.drop_statement().strip_prefix("DROP ") else {
                return Some(altered(definition)?.0);
            };
            let rest = rest.strip_prefix(entry.kind())?.strip_prefix(' ')?;
            Some(qualified(identifier(rest)?.1.strip_prefix(" ON ")?)?.0)
        }
        "STATISTICS" => {
            let made = *words::split(definition).first()?;
            made.match_indices(" FROM ").find_map(|(place, found)| {
                let (owner, rest) = qualified(&made[place + found.len()..])?;
                rest.is_empty().then_some(owner)
            })
        }
        _ => None,
    }
}
