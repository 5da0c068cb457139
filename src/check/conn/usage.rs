//! How connections are used.

use serde::Deserialize;

use crate::check::activity::SESSIONS;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;

pub const IDLE_SHARE: Check = Check {
    id: "conn.idle_share",
    kind: Kind::Runtime,
    title: "share of idle connections",
    why: "Connections that do nothing cost memory and take the places of those that would. Where \
          most are idle, the applications' pools are larger than their work.",
    remedy: "Lower pool_size of the applications, or put a pooler in transaction mode in front \
             (pgtend connections --advise).",
    limits: &[
        LimitSpec::warn_above("share of the client sessions that are idle", Unit::Percent, 70.0),
        LimitSpec::warn_above("sessions from which on the share counts", Unit::Count, 50.0)
            .named("sessions"),
    ],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&SESSIONS],
    judge: idle_share,
};

pub const APP_UNNAMED: Check = Check {
    id: "conn.app_unnamed",
    kind: Kind::Runtime,
    title: "connections without application_name",
    why: "Without application_name nobody can tell which service holds a lock, leaks connections \
          or runs the slow statement.",
    remedy: "Set application_name in the connection URL (?application_name=web) or in the \
             driver's options; ALTER ROLE .. SET application_name gives a role's sessions one.",
    limits: &[LimitSpec::warn_above("share of the client sessions", Unit::Percent, 20.0)],
    needs: &[],
    since: 130_000,
    asks: &[&SESSIONS],
    judge: app_unnamed,
};

/// Clients of one role in one database.
#[derive(Debug, Deserialize)]
struct Group {
    role: Option<String>,
    unnamed: bool,
    sessions: f64,
    idle: f64,
    /// Sessions whose state is not told.
    unseen: f64,
}

/// The groups, and how many sessions they are; the provider's own aside.
fn groups(look: &Look<'_>) -> Result<(Vec<Group>, f64), crate::check::Silence> {
    let mut groups: Vec<Group> = look.rows(&SESSIONS)?;
    groups.retain(|group| group.role.as_deref() != Some("rdsadmin"));
    let total = groups.iter().map(|group| group.sessions).sum();
    Ok((groups, total))
}

fn idle_share(look: &Look<'_>) -> Judged {
    let (groups, total) = groups(look)?;
    let sum = |of: fn(&Group) -> f64| groups.iter().map(of).sum::<f64>();
    let (idle, unseen) = (sum(|group| group.idle), sum(|group| group.unseen));
    let says = format!("{} of {} are idle", words::count(idle), words::amount(total, "session"));
    let mut verdict = look.verdict().saying(says.clone());
    let share = if total > 0.0 { 100.0 * idle / total } else { 0.0 };
    verdict.measures.extend(look.measure("", "idle", share, None));
    let many = look.is_enough("sessions", "server", total);
    let level = |share| look.level("", "server", share, None).filter(|_| many);
    if let Some(level) = level(share) {
        verdict.find(level, "server", says).with_value(share);
    } else if unseen > 0.0 && level(100.0 * (idle + unseen) / total).is_some() {
        verdict.unseen =
            Some(format!("the state of {} is hidden", words::amount(unseen, "session")));
    }
    Ok(verdict)
}

fn app_unnamed(look: &Look<'_>) -> Judged {
    let (mut groups, total) = groups(look)?;
    groups.retain(|group| group.unnamed);
    let unnamed: f64 = groups.iter().map(|group| group.sessions).sum();
    let share = if total > 0.0 { 100.0 * unnamed / total } else { 0.0 };
    let mut says = format!(
        "{} of {} have no application_name",
        words::count(unnamed),
        words::amount(total, "session")
    );
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "unnamed", share, None));
    if let Some(level) = look.level("", "server", share, None) {
        let mut roles: Vec<&str> =
            groups.iter().filter_map(|group| group.role.as_deref()).collect();
        roles.sort_unstable();
        roles.dedup();
        if !roles.is_empty() {
            roles.truncate(5);
            says.push_str(&format!(" (roles: {})", roles.join(", ")));
        }
        verdict.find(level, "server", says).with_value(share);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::check::verdict::Verdict;

    fn sample(sessions: u32, idle: u32, unseen: u32) -> Sample {
        let group = |role: &str, unnamed: bool, sessions: u32, idle: u32, unseen: u32| {
            json!({"role": role, "database": "shop", "unnamed": unnamed, "plain_client": null,
                   "sessions": sessions, "idle": idle, "unseen": unseen})
        };
        let rows =
            [group("shop", true, sessions, idle, unseen), group("rdsadmin", false, 99, 99, 0)];
        Sample::of("sessions", &rows)
    }

    #[test]
    fn few_sessions_have_no_share_and_hidden_ones_may_be_idle() {
        let judged = |sessions, idle, unseen| -> Verdict {
            sample(sessions, idle, unseen).judged(&IDLE_SHARE).unwrap()
        };
        assert!(judged(40, 40, 0).findings.is_empty());
        assert_eq!(judged(60, 42, 0).findings.len(), 1);
        assert!(judged(60, 41, 0).findings.is_empty());
        assert_eq!(judged(60, 41, 0).unseen, None);
        assert!(judged(60, 30, 20).unseen.is_some());
    }

    #[test]
    fn roles_without_a_name_are_named() {
        let found = sample(5, 0, 0).judged(&APP_UNNAMED).unwrap().findings;
        assert_eq!(found[0].says, "5 of 5 sessions have no application_name (roles: shop)");
    }
}
