//! A head start for large tables: they are made first, and their rows load while pg_restore, which
//! makes objects one by one, makes the rest.
//!
//! Only tables for which nothing but themselves, their schema and their types is needed: no
//! function (it may call others that are not there yet), no partition or child (attaching it later
//! would wait for its rows).

use std::collections::{BTreeSet, HashMap};

use super::belonging::Belonging;
use super::plan::{Plan, Step};
use crate::archive::manifest::Manifest;

/// Raw bytes from which on a table is worth it.
const LEAST_BYTES: u64 = 8 << 20;
/// Tables at most: the head start has to be short.
const TABLES: usize = 16;

/// What is made before all else, in two lists that keep the archive's order.
#[derive(Debug, Default)]
pub struct HeadStart {
    /// Entries of large tables, and what they need.
    pub first: Vec<usize>,
    /// All other entries of [`Step::Before`].
    pub rest: Vec<usize>,
    /// Numbers of the manifest's objects whose tables are in `first`.
    pub objects: BTreeSet<usize>,
}

/// Chooses the tables.
pub fn choose(plan: &Plan, manifest: &Manifest) -> HeadStart {
    let belonging = Belonging::new(plan);
    let before: Vec<usize> = plan.in_order(Step::Before);
    let tables: HashMap<(&str, &str), usize> = before
        .iter()
        .copied()
        .filter(|at| plan.entry(*at).kind() == "TABLE")
        .map(|at| ((plan.entry(at).schema(), plan.entry(at).name()), at))
        .collect();
    let mut large: Vec<(u64, usize, usize)> = Vec::new();
    for index in plan.step(Step::Load) {
        let entry = plan.entry(index);
        let object = manifest
            .objects
            .iter()
            .position(|object| object.entry == Some(entry.id) && object.table.is_some());
        if let Some(object) = object
            && manifest.objects[object].raw_bytes >= LEAST_BYTES
            && let Some(table) = tables.get(&(entry.schema(), entry.name()))
        {
            large.push((manifest.objects[object].raw_bytes, object, *table));
        }
    }
    large.sort_unstable_by(|a, b| b.cmp(a));
    let mut start = HeadStart::default();
    let mut first = BTreeSet::new();
    for (_, object, table) in large {
        if start.objects.len() == TABLES {
            break;
        }
        if let Some(entries) = alone(plan, &belonging, table) {
            first.extend(entries);
            start.objects.insert(object);
        }
    }
    (start.first, start.rest) = before.into_iter().partition(|at| first.contains(at));
    start
}

/// The entries of a table and of all that it needs; `None` when it needs what cannot be made alone.
fn alone(plan: &Plan, belonging: &Belonging, table: usize) -> Option<BTreeSet<usize>> {
    let is_before = |at: usize| *plan.fate(at) == super::plan::Fate::Planned(Step::Before);
    let of_table = (0..plan.toc.entries.len())
        .filter(|at| is_before(*at) && belonging.chain(*at).any(|owner| owner == table));
    let mut open: Vec<usize> = of_table.collect();
    let mut all = BTreeSet::new();
    while let Some(at) = open.pop() {
        if !all.insert(at) {
            continue;
        }
        let entry = plan.entry(at);
        let own = belonging.chain(at).any(|owner| owner == table);
        let fits = match entry.kind() {
            "TABLE" => at == table,
            "TABLE ATTACH" => false,
            "SEQUENCE" | "SEQUENCE OWNED BY" | "DEFAULT" | "COMMENT" | "SECURITY LABEL" => {
                own || matches!(entry.kind(), "COMMENT" | "SEQUENCE")
            }
            "SCHEMA" | "TYPE" | "DOMAIN" | "EXTENSION" | "COLLATION" => true,
            _ => false,
        };
        if !fits {
            return None;
        }
        // What is not planned is there, or fails by itself.
        open.extend(plan.needs_of(entry).filter(|need| is_before(*need)));
    }
    Some(all)
}
