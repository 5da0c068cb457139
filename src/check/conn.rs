//! Connections: whether the next client gets one.

use serde::Deserialize;

use super::limits::LimitSpec;
use super::look::Look;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use crate::report::check::Unit;
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[Check {
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
}];

const SLOTS: Question = Question { name: "slots", variants: &[(130_000, sql::CHECK_SLOTS)] };

#[derive(Deserialize)]
struct Slots {
    used: f64,
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
    if let Some(level) = look.level("", "server", slots.used, Some(usable)) {
        verdict.find(level, "server", says).with_value(slots.used);
    }
    Ok(verdict)
}
