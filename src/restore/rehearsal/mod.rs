//! The rehearsal: the table of contents against the target's catalog, before anything is touched.
//!
//! Entries that the target or the role cannot take are left out with a reason; owners,
//! tablespaces and rights that cannot be are taken out of the others. What is planned after this
//! pg_restore must be able to make: the tests hold the rehearsal to it.
//!
//! What a role that owns the database and nothing else may create was tried by hand on 13, 15, 16
//! and 18. What services lend their admins was tried on none of them.

mod extensions;
mod kinds;
mod notes;
mod owners;
mod rights;
mod schemas;

use std::collections::{BTreeSet, HashMap, HashSet};

use super::plan::{Fate, Plan, Step, Weight};
use super::target::Facts;

/// What the operator asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Everything is to belong to the role that restores.
    pub no_owner: bool,
    /// No rights are to be granted.
    pub no_privileges: bool,
    /// The role that restores, where it is not the one that logs in.
    pub role: Option<String>,
    /// The database is made new, by us.
    pub create: bool,
}

/// Adapts the plan to the target. With `create` the facts may be those of any database of the
/// server.
pub fn rehearse(plan: &mut Plan, facts: &Facts, wishes: &Wishes) {
    let new_database = wishes.create.then(|| facts.of_new_database());
    let found = &facts.existing;
    let facts = new_database.as_ref().unwrap_or(facts);
    let mut rehearsal = Rehearsal::new(plan, facts, found, wishes);
    rehearsal.database();
    rehearsal.schemas();
    rehearsal.extensions();
    rehearsal.kinds();
    rehearsal.places_in_schemas();
    rehearsal.objects_of_others();
    rehearsal.owners();
    rehearsal.rights();
    rehearsal.tablespaces();
    rehearsal.access_methods();
    rehearsal.notes();
}

/// Entries that are planned though their objects are on the target already; extensions, schemas
/// and large objects not counted, nor operators and their classes. In the archive's order. A
/// database that is made new has none, whatever this says of the one that was looked at.
pub fn existing(plan: &Plan, facts: &Facts) -> Vec<usize> {
    let counted = |index: &usize| {
        let entry = &plan.toc.entries[*index];
        plan.is_planned(*index) && super::identity::made_by(entry).is_some()
    };
    let mut found: Vec<usize> = facts.existing.iter().copied().filter(counted).collect();
    found.sort_unstable();
    found
}

/// Roles that planned entries name (owners, rights, policies, user mappings) and the target
/// lacks, sorted; those of services and of PostgreSQL itself not counted. To be asked before
/// [`rehearse`], which takes them out.
pub fn missing_roles(plan: &Plan, facts: &Facts) -> Vec<String> {
    let mut roles = BTreeSet::new();
    for (index, entry) in plan.toc.entries.iter().enumerate() {
        if plan.is_planned(index) {
            roles.extend(owners::owner_of(entry).map(str::to_owned));
            roles.extend(rights::roles_named(entry));
        }
    }
    roles.retain(|role| !facts.roles.contains_key(role) && !super::target::is_reserved(role));
    roles.into_iter().collect()
}

/// A plan under rehearsal.
struct Rehearsal<'a> {
    plan: &'a mut Plan,
    facts: &'a Facts,
    /// Numbers of entries about objects that the database which was looked at has.
    found: &'a HashSet<usize>,
    wishes: &'a Wishes,
    /// Numbers of the entries that depend on an id.
    dependents: HashMap<i32, Vec<usize>>,
}

impl<'a> Rehearsal<'a> {
    fn new(
        plan: &'a mut Plan,
        facts: &'a Facts,
        found: &'a HashSet<usize>,
        wishes: &'a Wishes,
    ) -> Self {
        let mut dependents: HashMap<i32, Vec<usize>> = HashMap::new();
        for (index, entry) in plan.toc.entries.iter().enumerate() {
            for id in entry.dependencies() {
                dependents.entry(id).or_default().push(index);
            }
        }
        Self { plan, facts, found, wishes, dependents }
    }

    /// Whom objects without an owner will belong to.
    fn role(&self) -> &str {
        self.wishes.role.as_deref().unwrap_or(&self.facts.role)
    }

    /// Numbers of the entries that are planned and of one of these kinds.
    fn planned(&self, kinds: &[&str]) -> Vec<usize> {
        let entries = self.plan.toc.entries.iter().enumerate();
        entries
            .filter(|(index, entry)| kinds.contains(&entry.kind()) && self.plan.is_planned(*index))
            .map(|(index, _)| index)
            .collect()
    }

    fn all_planned(&self) -> Vec<usize> {
        (0..self.plan.toc.entries.len()).filter(|index| self.plan.is_planned(*index)).collect()
    }

    /// Leaves an entry out as [`Weight::Missing`], and all that cannot be without it: what it
    /// gives to others is what they `need`.
    fn leave_out(&mut self, index: usize, reason: &str, need: &str) {
        self.plan.leave_out(index, Weight::Missing, reason);
        self.leave_out_dependents(index, need);
    }

    /// Leaves out all that depends on an entry, directly or through others.
    fn leave_out_dependents(&mut self, index: usize, reason: &str) {
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            let id = self.plan.toc.entries[index].id;
            for dependent in self.dependents.get(&id).into_iter().flatten() {
                if self.plan.is_planned(*dependent) {
                    self.plan.leave_out(*dependent, Weight::Missing, reason);
                    open.push(*dependent);
                }
            }
        }
    }

    /// Whether an entry depends directly on an extension that is planned.
    fn of_planned_extension(&self, index: usize) -> bool {
        self.plan.toc.entries[index].dependencies().any(|id| {
            self.plan.index_of(id).is_some_and(|other| {
                self.plan.is_planned(other) && self.plan.toc.entries[other].kind() == "EXTENSION"
            })
        })
    }

    /// The database's own entries, and rights that nobody wants.
    fn database(&mut self) {
        for index in self.all_planned() {
            let kind = self.plan.toc.entries[index].kind();
            if self.wishes.no_privileges && matches!(kind, "ACL" | "DEFAULT ACL") {
                self.plan.leave_out(index, Weight::Unwanted, "rights are not restored");
            } else if !self.wishes.create && *self.plan.fate(index) == Fate::Planned(Step::Database)
            {
                // The database is there: nobody misses its CREATE DATABASE.
                let weight = if kind == "DATABASE" { Weight::Unwanted } else { Weight::Needless };
                let reason = "belongs to the database itself: restored with --create or --swap";
                self.plan.leave_out(index, weight, reason);
            }
        }
    }
}

/// `a, b, c and 4 more`.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `1 object`, `14 objects`.
fn objects(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

#[cfg(test)]
mod tests;
