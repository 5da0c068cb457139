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

const SLOTS: Question = Question { name: "slots", variants: &[(130_000, sql::CHECK_SLOTS)] };

#[derive(Deserialize)]
struct Slots {
    used: f64,
    /// Of the used ones, those that may be no clients: what they are is hidden.
    perhaps_workers: f64,
    max_connections: f64,
    superuser_reserved: f64,
    reserved: f64,
}

fn utilization(look: &Look<'_>) -> Judged {
    let slots: Slots = look.row(&SLOTS)?;
    let usable = slots.max_connections - slots.superuser_reserved - slots.reserved;
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
