//! The checklists of the guides: each line with the checks that answer it.
//!
//! Source: guide 001 (development, production, security), 002 (production) and 004 (production),
//! in their order, in our words.

use crate::report::check::{Checked, Checklist, ChecklistLine, covers};

/// A line of a checklist.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The guide that it is from.
    pub guide: &'static str,
    pub says: &'static str,
    /// Ids or families; empty where nobody can tell it from here.
    pub ids: &'static [&'static str],
}

/// A checklist for one kind of environment.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    pub name: &'static str,
    pub lines: &'static [Line],
}

const fn line(guide: &'static str, says: &'static str, ids: &'static [&'static str]) -> Line {
    Line { guide, says, ids }
}

const DEVELOPMENT: &[Line] = &[
    line("001", "PostgreSQL is installed on this machine", &["conn.reachable", "ver"]),
    line("001", "a database for development", &["db.encoding"]),
    line("001", "the environment's variables", &["app.url", "app.placeholder", "app.conflict"]),
    line("001", "a connection pool", &["app.pool", "conn.budget"]),
    line("001", "no TLS on the own machine", &["app.tls"]),
    line("001", "debug messages", &["app.debug"]),
    line("001", "queries are logged", &["conf.logging"]),
];

const PRODUCTION: &[Line] = &[
    line("001", "a database for production", &["conn.reachable", "ver"]),
    line("001", "TLS", &["sec.tls", "app.tls", "act.nontls"]),
    line("001", "the connection pool", &["conn.budget", "app.pool", "conn.utilization"]),
    line("001", "performance", &["conf.tuned", "conf.memory", "cache", "conf.planner"]),
    line("001", "monitoring", &["stmt.available", "conf.logging"]),
    line("001", "backups", &["backup"]),
    line("001", "rules of security", &["sec", "conf.hba"]),
    line("001", "health checks", &["conn.reachable"]),
    line("001", "sslmode is require or more", &["app.tls"]),
    line("001", "certificates are verified", &["app.tls", "sec.server_cert", "sec.client_cert"]),
    line("001", "strong passwords", &["sec.password_hash", "app.secret"]),
    line("001", "the key of the tokens", &["app.secret"]),
    line(
        "001",
        "users may do no more than they need",
        &["sec.privileged_login", "sec.public_create"],
    ),
    line("001", "row-level security", &["sec.rls"]),
    line("001", "nobody comes without encryption", &["act.nontls", "conf.hba"]),
    line("002", "certificates that are valid", &["sec.server_cert", "sec.client_cert"]),
    line("002", "pools that fit the load", &["conn.budget", "app.pool"]),
    line("002", "replicas", &["app.replicas", "repl"]),
    line("002", "backups are verified", &["backup.verified"]),
    line("002", "performance is watched", &["stmt.available", "stmt.slow_mean"]),
    line("002", "limits of the circuit breaker", &[]),
    line("002", "addresses for health checks", &[]),
    line("002", "an orderly shutdown", &[]),
    line("004", "the encoding is UTF-8", &["db.encoding"]),
    line("004", "a user of the application with few rights", &["sec.privileged_login"]),
    line("004", "all tables and indexes", &["schema.expected", "idx.invalid"]),
    line("004", "TLS, verified", &["sec.tls", "app.tls"]),
    line("004", "a pool, or PgBouncer", &["conn.budget", "app.pool", "app.pooler_features"]),
    line("004", "backups that run and were tested", &["backup"]),
    line("004", "monitoring and alarms", &["stmt.available"]),
    line("004", "replicas, where they are needed", &["repl", "app.replicas"]),
    line("004", "performance", &["conf.tuned"]),
    line("004", "only the application's servers come in", &["conf.hba"]),
    line("004", "secrets are kept in a manager", &["app.secret", "app.placeholder"]),
    line("004", "connection strings were tried from there", &["app.url", "app.url_parameters"]),
];

/// The checklists; a staging server is judged as the one that comes after it.
pub const PROFILES: &[Profile] = &[
    Profile { name: "production", lines: PRODUCTION },
    Profile { name: "staging", lines: PRODUCTION },
    Profile { name: "development", lines: DEVELOPMENT },
];

/// The checklist with its verdicts. A line is as bad as the worst of its checks; one that nobody
/// can see from here has none.
pub fn fill(profile: &Profile, checked: &[Checked]) -> Checklist {
    let lines = profile.lines.iter().map(|line| {
        let mine = checked.iter().filter(|check| line.ids.iter().any(|id| covers(id, &check.id)));
        let mine: Vec<&Checked> = mine.collect();
        let worst = mine.iter().max_by_key(|check| check.status);
        ChecklistLine {
            guide: line.guide.to_owned(),
            says: line.says.to_owned(),
            ids: mine.iter().map(|check| check.id.clone()).collect(),
            status: worst.map(|check| check.status),
            why: worst.map_or_else(
                || match line.ids {
                    [] => "nobody can tell from here".to_owned(),
                    _ => "its checks were left out".to_owned(),
                },
                |check| check.says.clone(),
            ),
        }
    });
    Checklist { profile: profile.name.to_owned(), lines: lines.collect() }
}

/// Checks that are left out in development: nobody encrypts the way to the own machine, and
/// `app.tls` and `app.debug` are silent there by themselves.
pub const NOT_IN_DEVELOPMENT: [&str; 2] = ["act.nontls", "sec.tls"];

#[cfg(test)]
mod tests {
    use super::super::registry;
    use super::*;

    #[test]
    fn every_line_is_answered_by_checks_that_there_are() {
        for line in PROFILES.iter().flat_map(|profile| profile.lines) {
            for id in line.ids {
                assert!(registry::all().any(|check| covers(id, check.id)), "{}: {id}", line.says);
            }
        }
    }
}
