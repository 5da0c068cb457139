//! What is known of a server once a session is open.

use crate::conn::{Choice, Session};
use crate::report::server::{RouteReport, ServerReport};

/// Describes the server of a session and the way to it.
pub fn server(session: &Session, choice: &Choice) -> ServerReport {
    let (server, address) = (session.server(), session.address());
    ServerReport {
        host: address.host.clone(),
        port: address.port,
        address: address.ip.map(|ip| ip.to_string()),
        database: server.database.clone(),
        user: server.role.clone(),
        superuser: server.superuser,
        version: server.version.clone(),
        in_recovery: server.in_recovery,
        read_only: server.read_only,
        system_identifier: server.system_identifier.to_string(),
        encrypted: session.is_encrypted(),
        certificate_expires: session.certificate_expiry(),
        route: RouteReport {
            taken: choice.taken.word(),
            why: choice.why.clone(),
            skipped: choice.skipped.clone(),
            unknown: choice.unknown.clone(),
        },
        pooler: session.behind_pooler(),
    }
}
