//! From "who waits for whom" to a tree.

use std::collections::BTreeMap;

use crate::report::blocking::{Blocker, Node, Wait};
use crate::report::party::Party;

/// A session or a prepared transaction, with whom it waits for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub party: Party,
    pub wait: Option<Wait>,
    /// Whom it waits for: places in the list of entries, with what each holds.
    pub blockers: Vec<(usize, Option<String>)>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    depth: usize,
    /// `None` for a root.
    under: Option<usize>,
}

/// Builds the tree: the roots with most waiters first. Entries that wait for nobody, and nobody
/// for them, are left out: their wait ended while it was looked.
pub(super) fn tree(entries: Vec<Entry>) -> Vec<Node> {
    let mut places: Vec<Option<Place>> = vec![None; entries.len()];
    let mut rings: BTreeMap<usize, Vec<i32>> = BTreeMap::new();
    while let Some(first) = places.iter().position(Option::is_none) {
        let mut moved = false;
        for at in first..entries.len() {
            let ready = |(blocker, _): &(usize, Option<String>)| places[*blocker].is_some();
            if places[at].is_none() && entries[at].blockers.iter().all(ready) {
                places[at] = Some(place(&entries[at], &places));
                moved = true;
            }
        }
        if !moved {
            // Whoever is left waits for a ring, or is in it.
            let ring = ring(&entries, &places, first);
            let root = ring.iter().copied().min().unwrap_or(first);
            places[root] = Some(Place { depth: 0, under: None });
            rings.insert(root, ring.iter().filter_map(|at| entries[*at].party.pid).collect());
        }
    }
    let under: Vec<Option<usize>> =
        places.iter().map(|place| place.and_then(|place| place.under)).collect();
    let mut roots: Vec<Node> = (0..entries.len())
        .filter(|at| under[*at].is_none())
        .map(|at| node(at, &entries, &under, &rings))
        .filter(|root| root.waiting_behind > 0 || !root.deadlock.is_empty())
        .collect();
    roots.sort_by_key(|root| std::cmp::Reverse(root.waiting_behind));
    roots
}

/// Under the deepest of those who hold the lock; else of those who stand before in the queue.
fn place(entry: &Entry, places: &[Option<Place>]) -> Place {
    let deepest = |held: bool| {
        let of = entry.blockers.iter().filter(|(_, lock)| lock.is_some() == held);
        // The first of several that are as deep.
        of.filter_map(|(at, _)| Some((places[*at]?.depth, std::cmp::Reverse(*at)))).max()
    };
    match deepest(true).or_else(|| deepest(false)) {
        Some((depth, std::cmp::Reverse(at))) => Place { depth: depth + 1, under: Some(at) },
        None => Place { depth: 0, under: None },
    }
}

/// The ring that is come to from `start`, by the first blocker that has no place yet.
fn ring(entries: &[Entry], places: &[Option<Place>], start: usize) -> Vec<usize> {
    let mut way = vec![start];
    let mut at = start;
    loop {
        let mut blockers = entries[at].blockers.iter().map(|(blocker, _)| *blocker);
        let Some(next) = blockers.find(|next| places[*next].is_none()) else { return vec![at] };
        if let Some(begin) = way.iter().position(|seen| *seen == next) {
            return way.split_off(begin);
        }
        way.push(next);
        at = next;
    }
}

fn node(
    at: usize,
    entries: &[Entry],
    under: &[Option<usize>],
    rings: &BTreeMap<usize, Vec<i32>>,
) -> Node {
    let Entry { party, wait, blockers } = &entries[at];
    let waiters: Vec<Node> = (0..entries.len())
        .filter(|other| under[*other] == Some(at))
        .map(|other| node(other, entries, under, rings))
        .collect();
    let blocker = |(at, held): &(usize, Option<String>)| Blocker {
        pid: entries[*at].party.pid,
        gid: entries[*at].party.gid.clone(),
        held: held.clone(),
    };
    Node {
        party: party.clone(),
        waits_for: wait.clone(),
        blocked_by: blockers.iter().map(blocker).collect(),
        deadlock: rings.get(&at).cloned().unwrap_or_default(),
        waiting_behind: waiters.iter().map(|waiter| waiter.waiting_behind + 1).sum(),
        remedy: None,
        waiters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries with pids 0, 1 ..; of each whom it waits for, with a `q` where only in the queue.
    fn shape(blockers: &[&[&str]]) -> Vec<String> {
        let entries = blockers.iter().enumerate().map(|(pid, blockers)| Entry {
            party: Party { pid: i32::try_from(pid).ok(), ..Party::default() },
            wait: (!blockers.is_empty()).then(Wait::default),
            blockers: blockers
                .iter()
                .map(|text| {
                    let held = (!text.ends_with('q')).then(|| "ExclusiveLock".to_owned());
                    (text.trim_end_matches('q').parse().unwrap(), held)
                })
                .collect(),
        });
        tree(entries.collect()).iter().map(shown).collect()
    }

    fn shown(node: &Node) -> String {
        let mut text = node.party.name();
        if !node.deadlock.is_empty() {
            text.push_str(&format!("{:?}", node.deadlock));
        }
        if !node.waiters.is_empty() {
            let waiters: Vec<String> = node.waiters.iter().map(shown).collect();
            text.push_str(&format!("({})", waiters.join(" ")));
        }
        text
    }

    #[test]
    fn a_chain_has_as_many_levels_as_sessions() {
        assert_eq!(shape(&[&["1"], &["2"], &[]]), ["2(1(0))"]);
    }

    #[test]
    fn who_holds_the_lock_comes_before_who_stands_in_the_queue() {
        // 1 and 2 both want what 0 holds; 3 reads and waits behind 1 in the queue alone.
        assert_eq!(shape(&[&[], &["0"], &["0", "1q"], &["1q"]]), ["0(1(3) 2)"]);
        // Of two holders the deeper one.
        assert_eq!(shape(&[&[], &["0"], &["0", "1"]]), ["0(1(2))"]);
    }

    #[test]
    fn roots_come_by_their_waiters_and_who_has_none_is_no_root() {
        assert_eq!(shape(&[&[], &["0"], &[], &["2"], &["2"], &[]]), ["2(3 4)", "0(1)"]);
        assert!(shape(&[&[]]).is_empty());
    }

    #[test]
    fn a_ring_is_a_deadlock_and_ends() {
        assert_eq!(shape(&[&["1"], &["0"], &["1"]]), ["0[0, 1](1(2))"]);
        // Somebody who waits for a ring comes first in the list.
        assert_eq!(shape(&[&["1"], &["2"], &["1"]]), ["1[1, 2](0 2)"]);
        assert_eq!(shape(&[&["0"]]), ["0[0]"]);
    }
}
