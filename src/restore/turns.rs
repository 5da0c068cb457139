//! What must not run at the same time when pg_restore makes things in parallel.
//!
//! pg_restore keeps two statements apart that lock the same table, as far as it knows: by the
//! tables' rows. A partitioned table has none, so `ALTER INDEX .. ATTACH PARTITION` runs beside a
//! foreign key or a trigger that goes down the same tree, and the two end in a deadlock, which
//! loses one of them (seen with pg_restore 15 and 18, -j2). So all that works on a tree of
//! partitions is made one after another, behind the indexes, which stay parallel.

use std::collections::BTreeSet;

use super::belonging::Belonging;
use super::plan::{Fate, Plan, Step};

/// Adds the dependencies that keep statements on partition trees apart. Call it once, when all
/// is decided.
pub fn take_turns(plan: &mut Plan) {
    let belonging = Belonging::new(plan);
    let in_tree = |index: usize| {
        belonging
            .chain(index)
            .any(|at| belonging.root(at).is_some() || belonging.has_partitions(at))
    };
    let planned = |index: &usize| *plan.fate(*index) == Fate::Planned(Step::Finish);
    let entries = (0..plan.toc.entries.len()).filter(planned);
    let (mut builds, mut turns) = (Vec::new(), Vec::new());
    for index in entries {
        let touches = in_tree(index) || plan.needs_of(plan.entry(index)).any(in_tree);
        if !touches || plan.is_late(index) {
            continue;
        }
        match plan.entry(index).kind() {
            "INDEX" | "CONSTRAINT" => builds.push(index),
            "CHECK CONSTRAINT" | "FK CONSTRAINT" | "INDEX ATTACH" | "POLICY" | "ROW SECURITY"
            | "RULE" | "TRIGGER" => turns.push(index),
            _ => {}
        }
    }
    let builds_before = behind(plan, &builds, &turns);
    for (at, index) in turns.iter().copied().enumerate() {
        let before = match at.checked_sub(1) {
            Some(last) => vec![turns[last]],
            None => builds_before.clone(),
        };
        plan.make_after(index, &before);
    }
    let last = turns.last().map_or(builds_before, |last| vec![*last]);
    plan.chain_late(&last);
}

/// Those builds that do not themselves wait for one of the turns.
fn behind(plan: &Plan, builds: &[usize], turns: &[usize]) -> Vec<usize> {
    let mut waits: BTreeSet<usize> = turns.iter().copied().collect();
    for index in 0..plan.toc.entries.len() {
        if plan.needs_of(plan.entry(index)).any(|at| waits.contains(&at)) {
            waits.insert(index);
        }
    }
    builds.iter().copied().filter(|index| !waits.contains(index)).collect()
}
