//! How connections come and go, from two samples.

use crate::check::counters::{Between, COUNTERS, Counters};
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;

pub const CHURN: Check = Check {
    id: "conn.churn",
    kind: Kind::Rate,
    title: "new connections in a second",
    why: "Each connection costs a process and a login: an application that connects for every \
          request spends more on that than on its statements.",
    remedy: "Let the application keep a pool of connections, or put a pooler in front.",
    limits: &[LimitSpec::above(
        "sessions that began in this database",
        Unit::PerSecond,
        10.0,
        50.0,
    )],
    needs: &[],
    since: 140_000,
    asks: &[&COUNTERS],
    judge: churn,
};

pub const ABANDONED: Check = Check {
    id: "conn.abandoned",
    kind: Kind::Rate,
    title: "connections that ended badly",
    why: "Sessions that are lost without a goodbye, end by a fatal error or are killed are those \
          of applications that crash, of networks that cut and of timeouts that strike.",
    remedy: "Read the server's log for the ends of sessions (log_disconnections) and the \
             application's for its own; look for idle timeouts of proxies between them.",
    limits: &[LimitSpec::warn_above(
        "sessions of this database that were lost, ended by an error or killed; less than a \
         minute counts as one",
        Unit::PerSecond,
        0.1,
    )],
    needs: &[],
    since: 140_000,
    asks: &[&COUNTERS],
    judge: abandoned,
};

/// So that one event of a short sample is no rate.
const SHORTEST: f64 = 60.0;

fn churn(look: &Look<'_>) -> Judged {
    let between = Between::of(look)?;
    let began = between.grown(|counters| counters.sessions.unwrap_or_default());
    let says =
        format!("{} in {}", words::amount(began, "new session"), words::time(between.seconds));
    let database = look.facts.server.database.as_str();
    Ok(look.weigh(database, database, began / between.seconds, None, says))
}

fn abandoned(look: &Look<'_>) -> Judged {
    let between = Between::of(look)?;
    let grown = |of: fn(&Counters) -> Option<f64>| between.grown(|one| of(one).unwrap_or_default());
    let lost = grown(|one| one.sessions_abandoned);
    let fatal = grown(|one| one.sessions_fatal);
    let killed = grown(|one| one.sessions_killed);
    let rate = (lost + fatal + killed) / between.seconds.max(SHORTEST);
    let says = format!(
        "in {} {} were lost, {} ended by an error, {} were killed",
        words::time(between.seconds),
        words::amount(lost, "session"),
        words::count(fatal),
        words::count(killed)
    );
    let database = look.facts.server.database.as_str();
    Ok(look.weigh(database, database, rate, None, says))
}
