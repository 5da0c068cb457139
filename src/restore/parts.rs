//! Parts of a backup: some tables, or all of some schemas.
//!
//! What belongs to them comes with them: rows, owned sequences, indexes, constraints, triggers,
//! rights, partitions. What they need (types, functions, the schema) is left to the caller, who
//! knows what the target has: [`include()`]. What merely looks at them (views, functions) is only
//! listed. Foreign keys of other tables that point at them come back `NOT VALID`: the rows on
//! both sides are of different times.

use std::collections::{BTreeMap, BTreeSet};

use super::belonging::{Belonging, is_identity};
use super::plan::{Plan, Weight};
use super::statement::{altered, find_bare, identifier, parenthesis};
use super::{beside, names};
use crate::archive::toc::Entry;
use crate::error::{Error, Result};
use crate::sql::{quote_name, quote_qualified};

/// What of a backup is wanted; names as [`names`] reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// `--table`: tables, views, materialised views, sequences, foreign tables.
    pub tables: Vec<String>,
    /// `--schema`: all of a schema.
    pub schemas: Vec<String>,
    /// `--as`: another schema (empty for the table's own) and name for the one table.
    pub rename: Option<(Option<String>, String)>,
    /// Of a whole schema only these rows, by pg_dump's numbers of their entries:
    /// [`super::some_rows`].
    pub rows: Option<BTreeSet<i32>>,
}

impl Parts {
    /// Whether all of the backup is wanted.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.schemas.is_empty()
    }
}

/// What [`narrow`] found; numbers are those of the plan's entries, in the archive's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// What was named: the tables, or for a schema all that is in it.
    pub chosen: Vec<usize>,
    /// What the part needs and does not hold; not planned until [`include()`] says so.
    pub needed: Vec<usize>,
    /// Foreign keys of other tables.
    pub incoming: Vec<Incoming>,
    /// `VIEW shop.open depends on it and is not restored`, sorted.
    pub dependents: Vec<String>,
}

/// A foreign key of another table that points at a chosen one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its entry.
    pub index: usize,
    /// The entry of the table that it is of; among [`Narrowed::needed`].
    pub table: usize,
    /// `shop.items(order_id)`, for people.
    pub label: String,
    /// Whether it comes back, without its rows being looked at. A partitioned table takes no
    /// such foreign key before PostgreSQL 18: left out, as missing.
    pub not_valid: bool,
    /// Whether it points at the partitioned table of a chosen partition. Then it is gone only
    /// when the partition was dropped with CASCADE; where the target has it, it may stay as it
    /// is, and must be left out.
    pub of_root: bool,
    /// What is left to do: `ALTER TABLE .. VALIDATE CONSTRAINT ..;`, or the ADD CONSTRAINT for
    /// what does not come back.
    pub statement: String,
}

/// Leaves out all that is not asked for.
///
/// Nothing is changed in a plan from which nothing is asked for. Errors (usage): a name that is
/// unreadable, unknown or in several schemas; `--as` where it cannot be.
pub fn narrow(plan: &mut Plan, parts: &Parts) -> Result<Narrowed> {
    if parts.tables.is_empty() && parts.schemas.is_empty() {
        if parts.rename.is_some() {
            return Err(Error::usage("--as needs a --table"));
        }
        return Ok(Narrowed::default());
    }
    if !parts.tables.is_empty() && !parts.schemas.is_empty() {
        return Err(Error::usage("--table and --schema together")
            .because("it could mean both, or only tables that are in the schema")
            .next("give the table with its schema: --table shop.orders"));
    }
    let chosen = choose(plan, parts)?;
    if let Some((schema, name)) = &parts.rename {
        let [table] = chosen[..] else {
            return Err(Error::usage("--as needs exactly one --table"));
        };
        return beside::narrow(plan, table, schema.as_deref(), name);
    }
    let belonging = Belonging::new(plan);
    let entries = 0..plan.toc.entries.len();
    let named: BTreeSet<usize> = chosen.iter().copied().collect();
    let all: BTreeSet<usize> =
        entries.filter(|index| belonging.chain(*index).any(|at| named.contains(&at))).collect();
    let mut narrowed = Narrowed { chosen, ..Narrowed::default() };
    refuse_identities(plan, &belonging, &narrowed.chosen, &all)?;
    let incoming = incoming(plan, &belonging, &all);
    narrowed.dependents = dependents(plan, &belonging, &all, &incoming);
    let wanted = |index: &usize| {
        all.contains(index)
            || belonging.chain(*index).any(|at| incoming.iter().any(|key| key.index == at))
    };
    let wanted: BTreeSet<usize> = (0..plan.toc.entries.len()).filter(wanted).collect();
    narrowed.needed = needed(plan, &belonging, &wanted);
    only(plan, &wanted);
    for key in &incoming {
        bring_back(plan, key);
    }
    attach_late(plan, &belonging, &all);
    narrowed.incoming = incoming;
    Ok(narrowed)
}

fn choose(plan: &Plan, parts: &Parts) -> Result<Vec<usize>> {
    let mut chosen = BTreeSet::new();
    for written in &parts.tables {
        chosen.insert(names::find_table(plan, written)?);
    }
    for written in &parts.schemas {
        let schema = names::find_schema(plan, written)?;
        let entries = plan.toc.entries.iter().enumerate();
        chosen.extend(
            entries
                .filter(|(_, entry)| match entry.kind() {
                    "SCHEMA" => entry.name() == schema,
                    _ => entry.schema() == schema,
                })
                .map(|(index, _)| index),
        );
        // A cast goes with its types.
        let casts: Vec<usize> = (0..plan.toc.entries.len())
            .filter(|index| matches!(plan.entry(*index).kind(), "CAST" | "TRANSFORM"))
            .filter(|index| plan.needs_of(plan.entry(*index)).any(|at| chosen.contains(&at)))
            .collect();
        chosen.extend(casts);
    }
    Ok(chosen.into_iter().collect())
}

/// The sequence of an identity column is made by altering its table.
fn refuse_identities(
    plan: &Plan,
    belonging: &Belonging,
    chosen: &[usize],
    all: &BTreeSet<usize>,
) -> Result<()> {
    for index in chosen.iter().copied().filter(|index| is_identity(plan.entry(*index))) {
        let table = belonging.owner(index);
        if table.is_none_or(|table| !all.contains(&table)) {
            let entry = plan.entry(index);
            let name = names::typed_table(entry.schema(), entry.name());
            let error = Error::usage(format!("sequence {name} cannot be restored alone"))
                .because("it is part of an identity column");
            return Err(match table.map(|table| plan.entry(table)) {
                Some(table) => {
                    let table = names::typed_table(table.schema(), table.name());
                    error.next(format!("restore the table: --table {table}"))
                }
                None => error,
            });
        }
    }
    Ok(())
}

/// Leaves out everything else.
pub(super) fn only(plan: &mut Plan, wanted: &BTreeSet<usize>) {
    for index in 0..plan.toc.entries.len() {
        let of_database = matches!(
            plan.entry(index).kind(),
            "DATABASE" | "DATABASE PROPERTIES" | "EVENT TRIGGER" | "PUBLICATION" | "SUBSCRIPTION"
        );
        if of_database || !wanted.contains(&index) {
            plan.unwant(index);
        }
    }
}

/// What the wanted entries need, directly or not, beside themselves.
pub(super) fn needed(plan: &Plan, belonging: &Belonging, wanted: &BTreeSet<usize>) -> Vec<usize> {
    let mut open: Vec<usize> = wanted.iter().copied().collect();
    let mut needed = BTreeSet::new();
    while let Some(index) = open.pop() {
        for need in belonging.needs(plan, index) {
            if !wanted.contains(&need) && needed.insert(need) {
                open.push(need);
            }
        }
    }
    needed.into_iter().collect()
}

fn incoming(plan: &Plan, belonging: &Belonging, all: &BTreeSet<usize>) -> Vec<Incoming> {
    let mut incoming = Vec::new();
    let is_table = |at: &usize| plan.entry(*at).kind() == "TABLE";
    let tables: BTreeSet<usize> = all.iter().copied().filter(is_table).collect();
    let roots: BTreeSet<usize> =
        tables.iter().flat_map(|table| belonging.chain(*table)).filter(is_table).collect();
    for (index, entry) in plan.toc.entries.iter().enumerate() {
        if entry.kind() != "FK CONSTRAINT" || all.contains(&index) {
            continue;
        }
        let Some(table) = belonging.owner(index) else { continue };
        let points_at = |some: &BTreeSet<usize>| {
            plan.needs_of(entry).any(|at| at != table && some.contains(&at))
        };
        if points_at(&roots) {
            let of_root = !points_at(&tables);
            incoming.extend(read_incoming(plan, index, table, of_root));
        }
    }
    incoming
}

fn read_incoming(plan: &Plan, index: usize, table: usize, of_root: bool) -> Option<Incoming> {
    let entry = plan.entry(index);
    let ((schema, name), rest) = altered(entry.definition())?;
    let (constraint, rest) = identifier(rest.trim_start().strip_prefix("ADD CONSTRAINT ")?)?;
    let (columns, _) = parenthesis(rest.strip_prefix(" FOREIGN KEY ")?)?;
    let label = format!("{}({columns})", names::typed_table(&schema, &name));
    // For a partitioned table pg_dump writes no ONLY.
    let not_valid = entry.definition().starts_with("ALTER TABLE ONLY ");
    let statement = if not_valid {
        format!(
            "ALTER TABLE {} VALIDATE CONSTRAINT {};",
            quote_qualified(&schema, &name),
            quote_name(&constraint)
        )
    } else {
        entry.definition().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    Some(Incoming { index, table, label, not_valid, of_root, statement })
}

/// Makes a foreign key of another table come back without a look at its rows.
fn bring_back(plan: &mut Plan, key: &Incoming) {
    if key.not_valid {
        let definition = not_valid(plan.entry(key.index).definition());
        plan.toc.entries[key.index].defn = Some(definition.into_bytes());
    } else {
        let reason = format!(
            "its rows may not fit, and a partitioned table takes no NOT VALID foreign key before \
             PostgreSQL 18: {}",
            key.statement
        );
        plan.leave_out(key.index, Weight::Missing, reason);
    }
}

/// An `ALTER TABLE .. ADD CONSTRAINT .. FOREIGN KEY ..;` that ends in NOT VALID.
fn not_valid(definition: &str) -> String {
    let end = find_bare(definition, |c| c == ';').unwrap_or(definition.len());
    let statement = definition[..end].trim_end();
    // What is not enforced is not looked at either.
    if [" NOT VALID", " NOT ENFORCED"].iter().any(|end| statement.ends_with(end)) {
        return definition.to_owned();
    }
    format!("{statement} NOT VALID;\n")
}

fn dependents(
    plan: &Plan,
    belonging: &Belonging,
    all: &BTreeSet<usize>,
    incoming: &[Incoming],
) -> Vec<String> {
    let mut found = BTreeSet::new();
    for index in (0..plan.toc.entries.len()).filter(|index| !all.contains(index)) {
        let is_incoming =
            belonging.chain(index).any(|at| incoming.iter().any(|key| key.index == at));
        let looks = |at: &usize| all.contains(at) && plan.entry(*at).kind() != "INDEX ATTACH";
        if !is_incoming && belonging.needs(plan, index).iter().any(looks) {
            found.extend(belonging.chain(index).last());
        }
    }
    let told = |index| format!("{} depends on it and is not restored", plan.entry(index).label());
    let mut told: Vec<String> = found.into_iter().map(told).collect();
    told.sort();
    told
}

/// A partition without its partitioned table: attaching it gives it the indexes, triggers and
/// foreign keys that the partitioned table has on the target. So it is loaded and gets its own
/// indexes before, which are then taken for those; no trigger fires at its rows.
///
/// Where rows go through the root it must be attached before, and its indexes come with that.
fn attach_late(plan: &mut Plan, belonging: &Belonging, all: &BTreeSet<usize>) {
    let is_index = |kind: &str| matches!(kind, "INDEX" | "CONSTRAINT" | "INDEX ATTACH");
    for index in all.iter().copied() {
        let Some(table) = belonging.owner(index) else { continue };
        if plan.entry(index).kind() != "TABLE ATTACH"
            || belonging.owner(table).is_none_or(|root| all.contains(&root))
        {
            continue;
        }
        let mine = |at: &usize| belonging.chain(*at).any(|at| at == table);
        let of_mine = all.iter().copied().filter(mine);
        let indexes: Vec<usize> =
            of_mine.clone().filter(|at| is_index(plan.entry(*at).kind())).collect();
        let to_root = |at: &usize| {
            belonging.owner(*at) == Some(table) && plan.entry(*at).kind() == "INDEX ATTACH"
        };
        let attaching: Vec<usize> = indexes.iter().copied().filter(to_root).collect();
        let attached: Vec<usize> =
            attaching.iter().flat_map(|at| attached_index(plan, plan.entry(*at))).collect();
        if of_mine.clone().any(|at| plan.entry(at).loads_via_root()) {
            attached.iter().for_each(|at| plan.unwant(*at));
        } else {
            let before: Vec<usize> =
                indexes.into_iter().filter(|at| !attaching.contains(at)).collect();
            plan.postpone(index, &before);
        }
        attaching.iter().for_each(|at| plan.unwant(*at));
    }
}

/// The index, or the constraint with an index, that an `INDEX ATTACH` attaches.
pub(super) fn attached_index(plan: &Plan, attach: &Entry) -> Option<usize> {
    plan.needs_of(attach).find(|at| {
        let other = plan.entry(*at);
        let name = match other.kind() {
            "INDEX" => Some(other.name().to_owned()),
            "CONSTRAINT" => constraint_name(other.definition()),
            _ => None,
        };
        other.schema() == attach.schema() && name.as_deref() == Some(attach.name())
    })
}

/// The name in an `ALTER TABLE .. ADD CONSTRAINT name ..`.
fn constraint_name(definition: &str) -> Option<String> {
    let (_, rest) = altered(definition)?;
    Some(identifier(rest.trim_start().strip_prefix("ADD CONSTRAINT ")?)?.0)
}

/// Adds what the target lacks of [`Narrowed::needed`], with its rights and comments, and leaves
/// out what then cannot be.
///
/// A table is made only where another table or a function cannot be without it (a partitioned
/// table, a parent, a type), without rows, and noted. Views, foreign keys, rules, policies and
/// memberships in publications that need a table or a publication which is not there are left
/// out as missing, for the rows that they are about are not there.
pub fn include(plan: &mut Plan, narrowed: &Narrowed, lacking: &[usize]) {
    let belonging = Belonging::new(plan);
    let lacking: BTreeSet<usize> =
        narrowed.needed.iter().copied().filter(|index| lacking.contains(index)).collect();
    if lacking.is_empty() {
        return;
    }
    let with_them = |index: &usize| {
        lacking.contains(index)
            || (is_trimming(plan.entry(*index).kind())
                && belonging.chain(*index).any(|at| lacking.contains(&at)))
    };
    let candidates: BTreeSet<usize> = (0..plan.toc.entries.len()).filter(with_them).collect();
    let blocked = blocked(plan, &belonging, &lacking, &candidates);
    for (index, blocker) in &blocked {
        if plan.is_planned(*index) {
            let reason =
                format!("it needs {}, which is not on the target", plan.entry(*blocker).label());
            plan.leave_out(*index, Weight::Missing, reason);
        }
    }
    for index in reachable(plan, &belonging, &candidates) {
        if blocked.contains_key(&index) {
            continue;
        }
        plan.want(index);
        if plan.is_planned(index) && plan.entry(index).kind() == "TABLE" {
            let note = format!(
                "{} is made without its rows: what was asked for needs it",
                plan.entry(index).label()
            );
            plan.notes.push(note);
        }
    }
}

/// What comes with an object that is made only because it is needed.
fn is_trimming(kind: &str) -> bool {
    matches!(
        kind,
        "ACL"
            | "COMMENT"
            | "SECURITY LABEL"
            | "SEQUENCE SET"
            | "SEQUENCE OWNED BY"
            | "USER MAPPING"
    )
}

/// Entries that cannot be made, each with the lacking one that it needs.
fn blocked(
    plan: &Plan,
    belonging: &Belonging,
    lacking: &BTreeSet<usize>,
    candidates: &BTreeSet<usize>,
) -> BTreeMap<usize, usize> {
    let mut blocked = BTreeMap::new();
    for index in 0..plan.toc.entries.len() {
        if !plan.is_planned(index) && !candidates.contains(&index) {
            continue;
        }
        let about_rows = matches!(
            plan.entry(index).kind(),
            "VIEW"
                | "MATERIALIZED VIEW"
                | "FK CONSTRAINT"
                | "RULE"
                | "POLICY"
                | "PUBLICATION TABLE"
                | "PUBLICATION TABLES IN SCHEMA"
                | "SEQUENCE OWNED BY"
        );
        let has_rows =
            |at: usize| matches!(plan.entry(at).kind(), "TABLE" | "FOREIGN TABLE" | "PUBLICATION");
        let mut needs = belonging.needs(plan, index);
        needs.extend(belonging.owner(index));
        let blocker = needs.into_iter().find_map(|need| {
            let here = about_rows && lacking.contains(&need) && has_rows(need);
            blocked.get(&need).copied().or_else(|| here.then_some(need))
        });
        blocked.extend(blocker.map(|blocker| (index, blocker)));
    }
    blocked
}

/// The candidates that something planned needs, and what belongs to them.
fn reachable(plan: &Plan, belonging: &Belonging, candidates: &BTreeSet<usize>) -> BTreeSet<usize> {
    let entries = || 0..plan.toc.entries.len();
    let mut open: Vec<usize> = entries().filter(|index| plan.is_planned(*index)).collect();
    let mut found = BTreeSet::new();
    while let Some(index) = open.pop() {
        let needs = belonging.needs(plan, index).into_iter();
        let new = needs.filter(|need| candidates.contains(need) && found.insert(*need));
        open.extend(new.collect::<Vec<_>>());
    }
    let trimmings = candidates.iter().filter(|index| {
        is_trimming(plan.entry(**index).kind())
            && belonging.owner(**index).is_some_and(|owner| found.contains(&owner))
    });
    let trimmings: Vec<usize> = trimmings.copied().collect();
    found.extend(trimmings);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_key_comes_back_not_valid_once() {
        let made =
            "ALTER TABLE ONLY s.\"a;b\"\n    ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES s.t(id)";
        for end in ["", " ON DELETE CASCADE", " DEFERRABLE INITIALLY DEFERRED"] {
            assert_eq!(not_valid(&format!("{made}{end};\n")), format!("{made}{end} NOT VALID;\n"));
        }
        for end in [" NOT VALID", " NOT ENFORCED"] {
            let same = format!("{made}{end};\n");
            assert_eq!(not_valid(&same), same);
        }
    }
}
