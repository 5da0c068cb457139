//! A whole schema with the rows of some tables: the trial of a part of a backup.
//!
//! What can only hold of all rows is left out: foreign keys from a loaded table to one that is not,
//! and the contents of materialised views.

use std::collections::BTreeSet;

use super::belonging::Belonging;
use super::plan::{Plan, Weight};

/// How the reason of everything that is left out here begins.
pub const REASON: &str = "not tried: ";

/// Leaves the rows of all other tables out, and what cannot be without them.
///
/// `rows` are pg_dump's numbers of the entries that are loaded; what they need to be loaded after
/// (tables of extensions) is loaded too.
pub fn only(plan: &mut Plan, rows: &BTreeSet<i32>) {
    let holds_rows = |plan: &Plan, at: usize| {
        let entry = plan.entry(at);
        entry.is_table_data() || entry.is_large_objects()
    };
    let all: BTreeSet<usize> =
        (0..plan.toc.entries.len()).filter(|at| holds_rows(plan, *at)).collect();
    let mut loaded = BTreeSet::new();
    let mut open: Vec<usize> =
        all.iter().copied().filter(|at| rows.contains(&plan.entry(*at).id)).collect();
    while let Some(at) = open.pop() {
        if loaded.insert(at) {
            open.extend(plan.needs_of(plan.entry(at)).filter(|need| all.contains(need)));
        }
    }
    let belonging = Belonging::new(plan);
    let with_tables = |some: &mut dyn Iterator<Item = usize>| -> BTreeSet<usize> {
        some.flat_map(|at| belonging.chain(at).collect::<Vec<_>>()).collect()
    };
    // Partitioned tables hold rows through their partitions.
    let filled = with_tables(&mut loaded.iter().copied());
    let lacking = with_tables(&mut all.difference(&loaded).copied());
    for at in all.difference(&loaded) {
        plan.unwant(*at);
    }
    for at in 0..plan.toc.entries.len() {
        let reason = match plan.entry(at).kind() {
            "FK CONSTRAINT" => {
                let Some(owner) = belonging.owner(at).filter(|owner| filled.contains(owner)) else {
                    continue;
                };
                let points_to = |need: &usize| {
                    *need != owner && plan.entry(*need).kind() == "TABLE" && lacking.contains(need)
                };
                // A partitioned table's own key to itself needs only itself.
                let to_itself = lacking.contains(&owner)
                    && !plan
                        .needs_of(plan.entry(at))
                        .any(|need| need != owner && plan.entry(need).kind() == "TABLE");
                let other = plan.needs_of(plan.entry(at)).find(points_to);
                match other.or_else(|| to_itself.then_some(owner)) {
                    Some(other) => format!("rows of {} are not loaded", plan.entry(other).label()),
                    None => continue,
                }
            }
            "MATERIALIZED VIEW DATA" => "not all rows are loaded".to_owned(),
            _ => continue,
        };
        leave_out(plan, &belonging, at, &reason);
    }
}

/// With its comment.
fn leave_out(plan: &mut Plan, belonging: &Belonging, index: usize, reason: &str) {
    for at in 0..plan.toc.entries.len() {
        if at != index && belonging.chain(at).any(|of| of == index) && plan.is_planned(at) {
            plan.unwant(at);
        }
    }
    plan.leave_out(index, Weight::Needless, format!("{REASON}{reason}"));
}
