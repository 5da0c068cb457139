//! Sessions counted by what they have in common, and by how they are encrypted.

use std::collections::BTreeMap;

use crate::cli::sessions::GroupBy;
use crate::report::connections::{Group, Session, TlsUse};

/// The largest group first.
pub fn groups<'a>(sessions: impl Iterator<Item = &'a Session>, by: &[GroupBy]) -> Vec<Group> {
    let mut groups: BTreeMap<Vec<Option<String>>, Group> = BTreeMap::new();
    for session in sessions {
        let values: Vec<Option<String>> = by.iter().map(|by| value(session, *by)).collect();
        let named = || by.iter().map(|by| by.key()).zip(values.iter().cloned()).collect();
        let empty = || Group { by: named(), ..Group::default() };
        count(groups.entry(values.clone()).or_insert_with(empty), session);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    // Sorted by their values before, and the sort is stable.
    groups.sort_by_key(|group| std::cmp::Reverse(group.sessions));
    groups
}

fn value(session: &Session, by: GroupBy) -> Option<String> {
    match by {
        GroupBy::State => session.state.clone(),
        GroupBy::App => Some(session.application.clone()),
        GroupBy::User => session.user.clone(),
        GroupBy::Db => session.database.clone(),
        GroupBy::Addr => session.client.clone(),
        GroupBy::Tls => session.tls.clone(),
    }
}

fn count(group: &mut Group, session: &Session) {
    group.sessions += 1;
    group.active += u64::from(session.is_active());
    group.idle += u64::from(session.state.as_deref() == Some("idle"));
    group.idle_in_transaction += u64::from(session.is_idle_in_transaction());
    group.blocked += u64::from(session.is_blocked());
    group.hidden += u64::from(session.hidden);
    group.longest_seconds = match (group.longest_seconds, session.state_seconds) {
        (Some(longest), Some(seconds)) => Some(longest.max(seconds)),
        (longest, seconds) => longest.or(seconds),
    };
}

/// How they are encrypted.
pub fn tls<'a>(sessions: impl Iterator<Item = &'a Session>) -> TlsUse {
    let mut tls = TlsUse::default();
    for session in sessions {
        match session.tls.as_deref() {
            None => tls.hidden += 1,
            Some("local") => tls.sockets += 1,
            Some("plain") => {
                tls.plain += 1;
                tls.plain_loopback += u64::from(is_loopback(session.client.as_deref()));
            }
            Some(version) => {
                tls.encrypted += 1;
                *tls.versions.entry(version.to_owned()).or_default() += 1;
            }
        }
    }
    tls
}

fn is_loopback(client: Option<&str>) -> bool {
    let address = client.and_then(|client| client.parse::<std::net::IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(application: &str, state: &str, seconds: f64) -> Session {
        Session {
            application: application.into(),
            state: (!state.is_empty()).then(|| state.to_owned()),
            hidden: state.is_empty(),
            state_seconds: Some(seconds).filter(|_| !state.is_empty()),
            ..Session::default()
        }
    }

    #[test]
    fn groups_are_counted_and_the_largest_is_first() {
        let mut sessions = [
            session("web", "idle", 5.0),
            session("web", "active", 7.0),
            session("web", "idle in transaction (aborted)", 3.0),
            session("job", "", 0.0),
        ];
        sessions[1].blocked_by = vec![9];
        let by_app = groups(sessions.iter(), &[GroupBy::App]);
        let web = &by_app[0];
        assert_eq!(web.by["application"].as_deref(), Some("web"));
        assert_eq!((web.sessions, web.active, web.idle), (3, 1, 1));
        assert_eq!((web.idle_in_transaction, web.blocked), (1, 1));
        assert_eq!(web.longest_seconds, Some(7.0));
        assert_eq!((by_app[1].hidden, by_app[1].longest_seconds), (1, None));
        assert_eq!(groups(sessions.iter(), &[GroupBy::App, GroupBy::State]).len(), 4);
        assert_eq!(groups(sessions.iter(), &[GroupBy::State])[0].by["state"], None);
    }

    #[test]
    fn plain_connections_of_the_same_machine_are_told_apart() {
        let of = |tls: &str, client: &str| Session {
            tls: Some(tls.into()),
            client: Some(client.into()),
            ..Session::default()
        };
        let sessions = [
            of("plain", "127.0.0.1"),
            of("plain", "::1"),
            of("plain", "10.0.0.1"),
            of("local", "local"),
            of("TLSv1.3", "10.0.0.1"),
            of("GSS", "10.0.0.1"),
            Session::default(),
        ];
        let tls = tls(sessions.iter());
        assert_eq!((tls.encrypted, tls.plain, tls.plain_loopback), (2, 3, 2));
        assert_eq!((tls.sockets, tls.hidden), (1, 1));
        assert_eq!(tls.versions["TLSv1.3"], 1);
    }
}
