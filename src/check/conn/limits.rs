//! Limits of roles and databases.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

pub const ROLE_LIMIT: Check = Check {
    id: "conn.role_limit",
    kind: Kind::Runtime,
    title: "connections of roles and databases with a limit of their own",
    why: "A role or a database with CONNECTION LIMIT refuses its next client when the limit is \
          reached, though the server has connections left.",
    remedy: "Find out who keeps the connections (pgtend connections --group user); lower the pools, \
             or raise the limit with ALTER ROLE or ALTER DATABASE .. CONNECTION LIMIT.",
    limits: &[LimitSpec::share("the role's or database's own limit", Unit::Count, 80.0, 95.0)],
    needs: &[],
    since: 130_000,
    asks: &[&LIMITS],
    judge: role_limit,
};

const LIMITS: Question =
    Question::of("connection_limits", &[(130_000, sql::CHECK_CONNECTION_LIMITS)]);

#[derive(Deserialize)]
struct Limited {
    /// `role` or `database`
    kind: String,
    name: String,
    allowed: f64,
    used: f64,
    /// Of the used ones, those that may be no clients.
    hidden: f64,
}

fn role_limit(look: &Look<'_>) -> Judged {
    let limited: Vec<Limited> = look.rows(&LIMITS)?;
    let mut verdict = look.verdict().saying(match limited.len() {
        0 => "no role and no database has a limit of its own".to_owned(),
        _ => "roles and databases are within their limits".to_owned(),
    });
    for one in limited {
        let object = format!("{} {}", one.kind, one.name);
        let says = format!(
            "{object} uses {} of {}",
            words::count(one.used),
            words::amount(one.allowed, "connection")
        );
        verdict.measures.extend(look.measure("", &object, one.used, Some(one.allowed)));
        let level = |used| look.level("", &object, used, Some(one.allowed));
        let surely = level(one.used - one.hidden);
        if level(one.used) > surely {
            verdict.unseen = Some(format!(
                "{says} at most: {} does not see which of them are workers of the server",
                look.facts.sight.role
            ));
        }
        if let Some(level) = surely {
            verdict.find(level, object, says).with_value(one.used);
        }
    }
    Ok(verdict)
}
