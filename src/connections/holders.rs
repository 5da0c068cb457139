//! What keeps vacuum from removing dead rows.

use crate::report::connections::{Holder, Prepared, Replica, Session};

/// A slot and what it keeps.
#[derive(Debug, Clone)]
pub struct Slot {
    pub name: String,
    /// Rows of all tables; how many transactions ago.
    pub age: Option<i64>,
    /// Rows of the system catalogs.
    pub catalog_age: Option<i64>,
}

/// The oldest first.
pub fn holders(
    sessions: &[Session],
    prepared: &[Prepared],
    slots: &[Slot],
    replicas: &[Replica],
) -> Vec<Holder> {
    let mut holders = Vec::new();
    let mut add = |kind, name: String, age, catalog_only| {
        if let Some(age) = age {
            holders.push(Holder { kind, name, age, catalog_only });
        }
    };
    for session in sessions.iter().filter(|session| counts(session, replicas)) {
        add("session", session.pid.to_string(), session.xmin_age, false);
    }
    for one in prepared {
        add("prepared transaction", one.gid.clone(), Some(one.age), false);
    }
    for slot in slots {
        add("replication slot", slot.name.clone(), slot.age, false);
        add("replication slot", slot.name.clone(), slot.catalog_age, true);
    }
    for replica in replicas {
        add("standby", replica.application.clone(), replica.xmin_age, false);
    }
    holders.sort_by(|a, b| b.age.cmp(&a.age).then_with(|| a.name.cmp(&b.name)));
    holders
}

/// A sender of WAL shows its standby's snapshot, a parallel worker its leader's, and vacuum's own
/// holds nobody up.
fn counts(session: &Session, replicas: &[Replica]) -> bool {
    let kind = session.kind.as_deref();
    !session.own
        && session.leader_pid.is_none()
        && !matches!(kind, Some("autovacuum worker" | "walsender"))
        && !replicas.iter().any(|replica| replica.pid == session.pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_is_told_once_and_the_oldest_first() {
        let session = |pid, kind: &str, age| Session {
            pid,
            kind: Some(kind.into()),
            xmin_age: age,
            ..Session::default()
        };
        let sessions = [
            session(1, "client backend", Some(5)),
            session(2, "client backend", None),
            session(3, "walsender", Some(9)),
            session(4, "autovacuum worker", Some(99)),
            Session { leader_pid: Some(1), ..session(5, "parallel worker", Some(5)) },
            Session { own: true, ..session(6, "client backend", Some(7)) },
        ];
        let replica = Replica {
            pid: 3,
            user: None,
            application: "standby".into(),
            client: None,
            state: None,
            sync: None,
            lag_bytes: None,
            lag_seconds: None,
            xmin_age: Some(9),
        };
        let slot = Slot { name: "s".into(), age: None, catalog_age: Some(70) };
        let found = holders(&sessions, &[], &[slot], &[replica]);
        let told: Vec<(&str, &str, i64)> =
            found.iter().map(|one| (one.kind, one.name.as_str(), one.age)).collect();
        assert_eq!(
            told,
            [("replication slot", "s", 70), ("standby", "standby", 9), ("session", "1", 5)]
        );
        assert!(found[0].catalog_only);
    }
}
