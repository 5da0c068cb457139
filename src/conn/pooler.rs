//! Is there a transaction pooler in between?

use super::server::Server;

/// Ports that poolers have by default: PgBouncer (also Azure's), and Supavisor's transaction
/// mode.
const POOLER_PORTS: [u16; 2] = [6432, 6543];

/// Seconds by which a server process may be older than our connection: its clock and ours
/// count from different moments.
const SLACK: f64 = 2.0;

/// What a session knows about its own way to the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// The port that was dialled.
    pub port: u16,
    /// The port of our own end; `None` for a Unix socket.
    pub local_port: Option<u16>,
    /// Seconds since dialling began, when the server answered.
    pub elapsed: f64,
    /// The server process of a later transaction.
    pub later_pid: Option<i32>,
}

/// Why a transaction pooler seems to be in between; `None` when nothing speaks for one.
///
/// Two transactions in two server processes prove it. A pooler's port together with a sign
/// that the connection does not end at the server (our port is not the one it sees, or its
/// process is older than our connection) is taken for one too.
pub(super) fn detect(server: &Server, way: &Way) -> Option<String> {
    if let Some(later) = way.later_pid.filter(|later| *later != server.pid) {
        return Some(format!(
            "two transactions ran in two server processes ({} and {later})",
            server.pid
        ));
    }
    if !POOLER_PORTS.contains(&way.port) {
        return None;
    }
    let other_end = way.local_port.map(i32::from) != server.client_port;
    let pooled = server.backend_age.is_some_and(|age| age > way.elapsed + SLACK);
    (other_end || pooled).then(|| {
        format!("port {} is a pooler's, and the connection does not end at the server", way.port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(client_port: Option<i32>, backend_age: f64) -> Server {
        Server {
            version_number: 150_018,
            version: "15.18".to_owned(),
            in_recovery: false,
            role: "u".to_owned(),
            superuser: false,
            system_identifier: 1,
            database: "d".to_owned(),
            database_oid: 5,
            encoding: "UTF8".to_owned(),
            block_size: 8192,
            max_connections: 100,
            pid: 7,
            read_only: false,
            client_port,
            server_port: Some(5432),
            backend_age: Some(backend_age),
        }
    }

    fn found(server: &Server, port: u16, local_port: Option<u16>, later_pid: i32) -> bool {
        let way = Way { port, local_port, elapsed: 0.1, later_pid: Some(later_pid) };
        detect(server, &way).is_some()
    }

    #[test]
    fn a_pooler_shows_in_processes_or_in_its_port() {
        let direct = server(Some(40_000), 0.05);
        assert!(!found(&direct, 5432, Some(40_000), 7));
        assert!(!found(&direct, 6432, Some(40_000), 7), "a server may listen there itself");
        assert!(found(&direct, 5432, Some(40_000), 8));
        assert!(found(&direct, 6432, Some(40_001), 7));
        assert!(!found(&direct, 5432, Some(40_001), 7), "a tunnel or a container");
        let socket = server(None, 0.05);
        assert!(!found(&socket, 6432, None, 7));
        assert!(found(&server(None, 60.0), 6432, None, 7));
    }
}
