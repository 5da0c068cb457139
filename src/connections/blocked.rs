//! Who waits for locks, and who is at the start of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::connections::{Blocked, Root, Session};

/// Of all processes: a worker or autovacuum may wait and block too.
pub fn blocked(sessions: &[Session]) -> Blocked {
    let waiting: BTreeMap<i32, &Session> = sessions
        .iter()
        .filter(|session| session.is_blocked())
        .map(|session| (session.pid, session))
        .collect();
    let mut roots: BTreeMap<i32, Vec<&Session>> = BTreeMap::new();
    for session in waiting.values() {
        for root in roots_of(session, &waiting) {
            roots.entry(root).or_default().push(session);
        }
    }
    let mut roots: Vec<Root> = roots
        .into_iter()
        .map(|(pid, waits)| root(pid, &waits, sessions.iter().find(|one| one.pid == pid)))
        .collect();
    roots.sort_by(|a, b| b.blocks.cmp(&a.blocks).then(a.pid.cmp(&b.pid)));
    Blocked {
        count: waiting.len() as u64,
        longest_seconds: longest(waiting.values().copied()),
        roots,
    }
}

/// Those who wait for nobody, whom it waits for, through others too. A circle has none: the
/// server ends it within deadlock_timeout.
fn roots_of(session: &Session, waiting: &BTreeMap<i32, &Session>) -> BTreeSet<i32> {
    let mut seen = BTreeSet::new();
    let mut next = session.blocked_by.clone();
    let mut roots = BTreeSet::new();
    while let Some(pid) = next.pop() {
        if !seen.insert(pid) {
            continue;
        }
        match waiting.get(&pid) {
            Some(between) => next.extend(&between.blocked_by),
            None => drop(roots.insert(pid)),
        }
    }
    roots
}

fn root(pid: i32, waits: &[&Session], who: Option<&Session>) -> Root {
    Root {
        pid,
        blocks: waits.len() as u64,
        longest_seconds: longest(waits.iter().copied()),
        user: who.and_then(|who| who.user.clone()),
        database: who.and_then(|who| who.database.clone()),
        application: who.map(|who| who.application.clone()),
        state: who.and_then(|who| who.state.clone()),
        transaction_seconds: who.and_then(|who| who.transaction_seconds),
        query: who.and_then(|who| who.query.clone()),
    }
}

fn longest<'a>(sessions: impl Iterator<Item = &'a Session>) -> Option<f64> {
    sessions.filter_map(|session| session.blocked_seconds).max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, blocked_by: &[i32], blocked_seconds: f64) -> Session {
        let blocked_seconds = (!blocked_by.is_empty()).then_some(blocked_seconds);
        Session { pid, blocked_by: blocked_by.to_vec(), blocked_seconds, ..Session::default() }
    }

    fn roots(sessions: &[Session]) -> Vec<(i32, u64)> {
        blocked(sessions).roots.iter().map(|root| (root.pid, root.blocks)).collect()
    }

    #[test]
    fn a_chain_has_one_root_and_a_prepared_transaction_is_one() {
        let chain = [session(1, &[], 0.0), session(2, &[1], 9.0), session(3, &[2, 1], 5.0)];
        let found = blocked(&chain);
        assert_eq!((found.count, found.longest_seconds), (2, Some(9.0)));
        assert_eq!(roots(&chain), [(1, 2)]);
        assert_eq!(roots(&[session(4, &[0], 1.0)]), [(0, 1)]);
        // The holder came after the look, or does not fit.
        assert_eq!(roots(&[session(4, &[77], 1.0)]), [(77, 1)]);
    }

    #[test]
    fn a_circle_ends() {
        let circle = [session(1, &[2], 1.0), session(2, &[1], 1.0)];
        assert_eq!(blocked(&circle).count, 2);
        assert!(roots(&circle).is_empty());
        let with_root = [session(1, &[2, 3], 1.0), session(2, &[1], 1.0), session(3, &[], 0.0)];
        assert_eq!(roots(&with_root), [(3, 2)]);
    }
}
