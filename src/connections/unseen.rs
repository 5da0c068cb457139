//! What could not be seen, and what would show it.

use crate::report::connections::{Replica, Standby};
use crate::sql::quote_name;

use super::activity::{Activity, MOST};

/// What shows a role what others do.
pub fn grant(role: &str) -> String {
    format!("GRANT pg_monitor TO {}", quote_name(role))
}

/// What is hidden of so many sessions, where nothing but sessions is looked at.
pub fn of_sessions(hidden: usize, role: &str) -> Vec<String> {
    if hidden == 0 {
        return Vec::new();
    }
    let sessions = if hidden == 1 { "session" } else { "sessions" };
    let grant = grant(role);
    vec![format!(
        "state, times and statement of {hidden} {sessions} are hidden from this role: {grant}"
    )]
}

/// What is hidden from a role.
pub fn unseen(
    activity: &Activity,
    replicas: &[Replica],
    standby: Option<&Standby>,
    role: &str,
) -> Vec<String> {
    let grant = grant(role);
    let mut unseen = Vec::new();
    let hidden = activity.clients().filter(|session| session.hidden).count();
    if hidden > 0 {
        let (sessions, them) = if hidden == 1 { ("session", "it") } else { ("sessions", "them") };
        unseen.push(format!(
            "what {hidden} {sessions} of other roles do, since when and from where (workers of \
             parallel queries may be among {them}): a superuser can show it by {grant}"
        ));
    }
    let silent = activity.clients().filter(|one| one.state.as_deref() == Some("disabled")).count();
    if silent > 0 {
        let (sessions, them) = if silent == 1 { ("session", "it") } else { ("sessions", "them") };
        unseen.push(format!("what {silent} {sessions} do: track_activities is off for {them}"));
    }
    let hidden = replicas.iter().filter(|replica| replica.state.is_none()).count();
    if hidden > 0 {
        unseen.push(format!(
            "state and lag of what streams from this server ({hidden}): a superuser can show it \
             by {grant}"
        ));
    }
    if standby.is_some_and(|standby| standby.receiving && standby.status.is_none()) {
        unseen
            .push(format!("where this standby receives from: a superuser can show it by {grant}"));
    }
    if activity.left_out() > 0 {
        unseen.push(format!(
            "{} of {} processes: no more than {MOST} are read",
            activity.left_out(),
            activity.total
        ));
    }
    unseen
}
