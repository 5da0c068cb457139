//! Sessions without encryption.

use serde::Deserialize;

use crate::check::activity::SESSIONS;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::Unit;
use crate::settings::Stage;

pub const NONTLS: Check = Check {
    id: "act.nontls",
    kind: Kind::Runtime,
    title: "sessions over a network without encryption",
    why: "Whoever is on the way reads the password's exchange, every statement and every row.",
    remedy: "Set sslmode=verify-full in the client; then let pg_hba.conf take hostssl only \
             (rds.force_ssl = 1 on RDS).",
    limits: &[LimitSpec::above(
        "sessions from other machines without TLS or GSS encryption",
        Unit::Count,
        1.0,
        10.0,
    )],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&SESSIONS],
    judge: nontls,
};

#[derive(Debug, Deserialize)]
struct Group {
    role: Option<String>,
    plain_client: Option<String>,
    sessions: f64,
}

fn nontls(look: &Look<'_>) -> Judged {
    if look.stage() == Some(Stage::Development) {
        return Err(Silence::not_applicable("in development nobody asks for TLS"));
    }
    let mut groups: Vec<Group> = look.rows(&SESSIONS)?;
    groups.retain(|group| group.plain_client.is_some());
    let total: f64 = groups.iter().map(|group| group.sessions).sum();
    let mut says =
        format!("{} came over a network without encryption", words::amount(total, "session"));
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "plain", total, None));
    if let Some(level) = look.level("", "server", total, None) {
        let mut from: Vec<String> = groups
            .iter()
            .filter_map(|group| {
                let role = group.role.as_deref().unwrap_or("nobody");
                Some(format!("{role} from {}", group.plain_client.as_deref()?))
            })
            .collect();
        from.sort_unstable();
        from.dedup();
        from.truncate(5);
        says = format!("{says}: {}", from.join(", "));
        verdict.find(level, "server", says).with_value(total);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn development_has_several_names() {
        let row = json!({"role": "app", "plain_client": "10.0.0.1", "sessions": 1});
        let mut sample = Sample::of("sessions", &[row]);
        let mut judged = |environment| {
            sample.environment = environment;
            sample.judged(&NONTLS)
        };
        for name in ["dev", "Development", "local"] {
            assert!(matches!(judged(Some(name)), Err(Silence::NotApplicable(_))), "{name}");
        }
        for name in [None, Some("prod"), Some("eu-west")] {
            assert_eq!(judged(name).unwrap().findings.len(), 1, "{name:?}");
        }
    }
}
