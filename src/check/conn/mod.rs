//! Connections: whether the next client gets one, and how they are used.

mod limits;
pub mod slots;
mod traffic;
mod usage;

use super::limits::LimitSpec;
use super::look::Look;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use super::words;
use crate::report::check::Unit;

/// The family.
pub const CHECKS: &[Check] = &[
    REACHABLE,
    slots::UTILIZATION,
    limits::ROLE_LIMIT,
    usage::IDLE_SHARE,
    traffic::CHURN,
    traffic::ABANDONED,
    usage::APP_UNNAMED,
];

/// A server that cannot be reached is told by the command.
const REACHABLE: Check = Check {
    id: "conn.reachable",
    kind: Kind::Runtime,
    title: "time of connecting",
    why: "What every new connection waits before its first statement: name, network, TLS, login. A \
          server that is slow to let clients in is overloaded, far away or asks something slow \
          (DNS, LDAP).",
    remedy: "Look at the way there (name server, proxy, distance) and at the server's load; let a \
             pool keep connections, so that few have to be made.",
    limits: &[LimitSpec::warn_above("time from dialling to the first answer", Unit::Seconds, 0.5)],
    needs: &[],
    since: 130_000,
    asks: &[],
    judge: reachable,
};

fn reachable(look: &Look<'_>) -> Judged {
    let seconds = look.facts.server.connect_seconds;
    let says = format!("connecting took {}", words::time(seconds));
    Ok(look.weigh("connect", "server", seconds, None, says))
}
