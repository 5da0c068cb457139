//! What is known of a server once a session is open.

use jiff::Timestamp;

use crate::conn::{Capabilities, Choice, Session, Statements};
use crate::report::server::{Extension, RouteReport, ServerReport, SessionReport};
use crate::settings::{Between, PoolerMode};

const SECONDS_PER_DAY: i64 = 86_400;

/// Describes the server of a session and the way to it. What the server does not tell is said,
/// and ends nothing.
pub async fn server(session: &Session, choice: &Choice) -> ServerReport {
    let capabilities = session.capabilities().await;
    let (server, address) = (session.server(), session.address());
    let (pooler, relay) = match session.between() {
        Between::Nothing => (None, Vec::new()),
        Between::Relay(signs) => (None, signs.clone()),
        Between::Pooler(pooler) => (Some(pooler.clone()), Vec::new()),
    };
    let mut unseen = Vec::new();
    if pooler.as_ref().is_some_and(|pooler| pooler.mode == PoolerMode::Statement) {
        unseen.push(
            "two statements may run in two server processes, and settings cannot be made: \
             statement mode has no transactions"
                .to_owned(),
        );
    }
    let told = match capabilities {
        Ok(told) => {
            unseen.extend(hidden(&told, server.major()));
            Some(told)
        }
        Err(error) => {
            let causes = error.causes().join("; ");
            unseen.push(format!("{}: {causes}", error.what()));
            None
        }
    };
    let expires = session.certificate_expiry();
    ServerReport {
        host: address.host.clone(),
        port: address.port,
        address: address.ip.map(|ip| ip.to_string()),
        connect_ms: session.connect_time().as_secs_f64() * 1000.0,
        pooler,
        relay,
        version: server.version.clone(),
        version_number: server.version_number,
        in_recovery: server.in_recovery,
        read_only: server.read_only,
        system_identifier: server.system_identifier.to_string(),
        database: server.database.clone(),
        encoding: server.encoding.clone(),
        user: server.role.clone(),
        superuser: server.superuser,
        encrypted: session.is_encrypted(),
        certificate: session.certificate().cloned(),
        certificate_expires: expires,
        certificate_days_left: expires.map(|at| days_left(at, Timestamp::now())),
        session: told.map(describe),
        unseen,
        route: RouteReport {
            taken: choice.taken.word(),
            why: choice.why.clone(),
            skipped: choice.skipped.clone(),
            unknown: choice.unknown.clone(),
        },
    }
}

/// Whole days; one that has ended an hour ago has -1 left.
fn days_left(expires: Timestamp, now: Timestamp) -> i64 {
    (expires.as_second() - now.as_second()).div_euclid(SECONDS_PER_DAY)
}

/// What the role cannot see, and what would show it.
fn hidden(told: &Capabilities, major: u32) -> Vec<String> {
    let mut unseen = Vec::new();
    let mut add = |hidden: bool, what: &str| {
        if hidden {
            unseen.push(what.to_owned());
        }
    };
    add(!told.sees_activity, "statements of other roles: needs pg_read_all_stats");
    add(!told.sees_settings, "settings for superusers only: needs pg_read_all_settings");
    add(
        told.statements == Statements::NoExtension,
        "statistics of statements: CREATE EXTENSION pg_stat_statements in this database",
    );
    add(
        matches!(told.statements, Statements::NotLoaded | Statements::Absent),
        "statistics of statements: pg_stat_statements is not in shared_preload_libraries",
    );
    add(major < 16, "how the login was authenticated: PostgreSQL 16 and newer say it");
    unseen
}

fn describe(told: Capabilities) -> SessionReport {
    let attributes = [
        (told.superuser, "superuser"),
        (told.create_db, "createdb"),
        (told.create_role, "createrole"),
        (told.replication, "replication"),
        (told.bypass_rls, "bypassrls"),
    ];
    let extension = |(name, version)| Extension { name, version };
    let (tls_version, tls_cipher) = told.tls.unzip();
    SessionReport {
        provider: told.provider,
        login: told.login,
        authenticated: told.authenticated,
        attributes: attributes.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect(),
        held_roles: told.held,
        extensions: told.extensions.into_iter().map(extension).collect(),
        pg_stat_statements: told.statements,
        sees_activity: told.sees_activity,
        sees_settings: told.sees_settings,
        tls_version,
        tls_cipher,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_an_ended_life_is_negative() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-21T12:00:00Z");
        assert_eq!(days_left(at("2026-11-22T11:59:59Z"), now), 0);
        assert_eq!(days_left(at("2026-11-22T12:00:00Z"), now), 1);
        assert_eq!(days_left(at("2026-11-21T11:00:00Z"), now), -1);
    }
}
