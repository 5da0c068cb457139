//! How many connections are left.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::report::check::Unit;
use crate::sql;

pub const UTILIZATION: Check = Check {
    id: "conn.utilization",
    kind: Kind::Runtime,
    title: "connections in use",
    why: "When the last usable connection is taken, the next client is refused and the \
          application is down, however well the server feels.",
    remedy: "Put a pooler in front or lower the applications' pools; raise max_connections only \
             after that, as each connection costs memory.",
    limits: &[LimitSpec::share(
        "usable connections (without both reserves)",
        Unit::Count,
        80.0,
        90.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS],
    judge: utilization,
};

pub const SLOTS: Question = Question::of("slots", &[(130_000, sql::CHECK_SLOTS)]);

#[derive(Deserialize)]
pub struct Slots {
    pub used: f64,
    /// Of the used ones, those that may be no clients: what they are is hidden.
    pub perhaps_workers: f64,
    max_connections: f64,
    superuser_reserved: f64,
    reserved: f64,
}

impl Slots {
    /// Connections without both reserves.
    pub fn usable(&self) -> f64 {
        self.max_connections - self.superuser_reserved - self.reserved
    }
}

fn utilization(look: &Look<'_>) -> Judged {
    let slots: Slots = look.row(&SLOTS)?;
    let usable = slots.usable();
    let says = format!("{} of {usable} usable connections are used", slots.used);
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "used", slots.used, Some(usable)));
    let level = |used| look.level("", "server", used, Some(usable));
    let surely = level(slots.used - slots.perhaps_workers);
    if level(slots.used) > surely {
        verdict.unseen = Some(format!(
            "{says} at most: {} of them may be workers of the server, which {} does not see",
            slots.perhaps_workers, look.facts.sight.role
        ));
    }
    if let Some(level) = surely {
        verdict.find(level, "server", says).with_value(slots.used);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::check::verdict::Verdict;
    use crate::report::check::Level;

    fn judged(used: u32, perhaps_workers: u32) -> Verdict {
        let row = json!({"used": used, "perhaps_workers": perhaps_workers, "max_connections": 110,
                         "superuser_reserved": 3, "reserved": 7});
        Sample::of("slots", &[row]).judged(&UTILIZATION).unwrap()
    }

    #[test]
    fn reserves_are_not_usable_and_workers_are_no_clients() {
        let level = |verdict: &Verdict| verdict.findings.first().map(|finding| finding.level);
        assert_eq!(level(&judged(79, 0)), None);
        assert_eq!(level(&judged(80, 0)), Some(Level::Warning));
        assert_eq!(level(&judged(98, 8)), Some(Level::Critical));
        assert_eq!(judged(98, 8).unseen, None);
        // Up to 8 of them may be workers: not surely too many, and not surely few enough.
        let perhaps = judged(85, 8);
        assert_eq!(level(&perhaps), None);
        assert!(perhaps.unseen.unwrap().contains("8 of them may be workers"));
    }
}
