//! What is known of a server once a session is open.

use crate::conn::Session;
use crate::report::server::ServerReport;

/// Describes the server of a session and the way to it.
pub fn server(session: &Session) -> ServerReport {
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
        pooler: session.behind_pooler(),
    }
}
