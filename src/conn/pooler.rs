//! What shows that a session does not end at the server: signs, before anything is tried.
//!
//! What is said here of the providers' poolers is from their documentation, not tried:
//! supabase.com/docs/guides/database/connecting-to-postgres, neon.com/docs/connect/connection-pooling,
//! docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html,
//! learn.microsoft.com/azure/postgresql/flexible-server/concepts-pgbouncer.

use super::server::Server;
use crate::settings::{Between, Pooler, PoolerKind, PoolerMode};

/// Seconds by which a server process may be older than our connection: its clock and ours
/// count from different moments.
const SLACK: f64 = 2.0;

/// What a session knows about its own way to the server.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The name that was dialled.
    pub host: String,
    /// The port that was dialled.
    pub port: u16,
    /// The port of our own end; `None` for a Unix socket.
    pub local_port: Option<u16>,
    /// The server process that the greeting named; 0 for none.
    pub greeted: i32,
    /// Seconds since dialling began, when the server answered.
    pub elapsed: f64,
}

/// What the signs say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signs {
    /// They settle it.
    Settled(Between),
    /// A pooler; its mode has to be tried out.
    Suspicion(Pooler),
}

impl Signs {
    /// What is known so far.
    pub fn settled(&self) -> Between {
        match self {
            Self::Settled(between) => between.clone(),
            Self::Suspicion(pooler) => Between::Pooler(pooler.clone()),
        }
    }
}

/// Judges what a session has seen. The greeting's number proves a pooler, and so does a server
/// process that is older than the connection; a provider's name counts for one too. A pooler's
/// port alone does not: a server may listen there itself, or behind a container's port.
pub(super) fn judge(server: &Server, way: &Way) -> Signs {
    let (kind, documented) = named(&way.host, way.port);
    let mut evidence = Vec::new();
    if way.greeted != server.pid {
        evidence.push(format!(
            "the greeting named process {}, but {} answered",
            way.greeted, server.pid
        ));
    }
    if server.backend_age.is_some_and(|age| age > way.elapsed + SLACK) {
        evidence.push("the server process is older than this connection".to_owned());
    }
    let proven = !evidence.is_empty();
    let other_end = way.local_port.map(i32::from) != server.client_port;
    let other_port = server.server_port.is_some_and(|port| port != i32::from(way.port));
    if other_end {
        evidence.push("the server sees another port of ours".to_owned());
    }
    if other_port {
        evidence
            .push("the server listens on another port than the one that was dialled".to_owned());
    }
    let by_host = documented.is_some();
    if !(proven || by_host) {
        return Signs::Settled(match evidence.is_empty() {
            true => Between::Nothing,
            false => Between::Relay(evidence),
        });
    }
    if by_host {
        evidence.insert(0, format!("{}:{} is a pooler's address", way.host, way.port));
    } else if kind != PoolerKind::Unknown {
        evidence.insert(0, format!("port {} is a pooler's", way.port));
    }
    let mode = documented.unwrap_or(PoolerMode::Unknown);
    let pooler = Pooler { kind, mode, evidence };
    if mode == PoolerMode::Unknown {
        return Signs::Suspicion(pooler);
    }
    let mut pooler = pooler;
    pooler.evidence.push("its mode is from the provider's documentation".to_owned());
    Signs::Settled(Between::Pooler(pooler))
}

/// Whose pooler has this address, and the mode that its provider documents for it: `None` when
/// the address does not say that it is a pooler's, unknown when the mode can be configured.
fn named(host: &str, port: u16) -> (PoolerKind, Option<PoolerMode>) {
    use PoolerMode::{Session, Transaction, Unknown};
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let under = |domain: &str| host.ends_with(domain);
    if under(".pooler.supabase.com") {
        let mode = if port == 6543 { Transaction } else { Session };
        return (PoolerKind::Supavisor, Some(mode));
    }
    if under(".supabase.co") && port == 6543 {
        return (PoolerKind::PgBouncer, Some(Transaction));
    }
    // `name.proxy-abc123.region` and `name.endpoint.proxy-abc123.region`.
    let amazon = under(".rds.amazonaws.com") || under(".rds.amazonaws.com.cn");
    if amazon && labels.iter().skip(1).any(|label| label.starts_with("proxy-")) {
        return (PoolerKind::RdsProxy, Some(Transaction));
    }
    if under(".neon.tech") && labels.first().is_some_and(|label| label.ends_with("-pooler")) {
        return (PoolerKind::Neon, Some(Transaction));
    }
    match port {
        6432 if under(".postgres.database.azure.com") => (PoolerKind::Azure, Some(Unknown)),
        6432 => (PoolerKind::PgBouncer, None),
        6543 => (PoolerKind::Supavisor, None),
        _ => (PoolerKind::Unknown, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(client_port: Option<i32>, server_port: Option<i32>, backend_age: f64) -> Server {
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
            server_port,
            backend_age: Some(backend_age),
        }
    }

    fn way(host: &str, port: u16, local_port: Option<u16>, greeted: i32) -> Way {
        Way { host: host.to_owned(), port, local_port, greeted, elapsed: 0.1 }
    }

    /// `-` nothing, `~` a relay, `?` a suspicion, else kind and mode.
    fn verdict(server: &Server, way: &Way) -> String {
        match judge(server, way) {
            Signs::Settled(Between::Nothing) => "-".to_owned(),
            Signs::Settled(Between::Relay(signs)) => format!("~{}", signs.len()),
            Signs::Settled(Between::Pooler(pooler)) => pooler.to_string(),
            Signs::Suspicion(pooler) => format!("?{:?}", pooler.kind),
        }
    }

    #[test]
    fn a_direct_way_has_no_signs() {
        let direct = server(Some(40_000), Some(5432), 0.05);
        assert_eq!(verdict(&direct, &way("db", 5432, Some(40_000), 7)), "-");
        let there = server(Some(40_000), Some(6432), 0.05);
        assert_eq!(verdict(&there, &way("db", 6432, Some(40_000), 7)), "-", "it may listen there");
        let socket = server(None, None, 0.05);
        assert_eq!(verdict(&socket, &way("/run/postgresql", 6432, None, 7)), "-");
    }

    #[test]
    fn a_tunnel_and_a_container_are_no_poolers() {
        let beyond = server(Some(51_111), Some(5432), 0.05);
        assert_eq!(verdict(&beyond, &way("localhost", 5432, Some(40_000), 7)), "~1");
        assert_eq!(verdict(&beyond, &way("localhost", 15_432, Some(40_000), 7)), "~2");
        let mapped = way("localhost", 6432, Some(40_000), 7);
        assert_eq!(verdict(&beyond, &mapped), "~2", "a container's port may be any");
        // Through a Unix socket that a tunnel made.
        assert_eq!(verdict(&beyond, &way("/tmp", 5432, None, 7)), "~1");
    }

    #[test]
    fn a_foreign_number_is_a_pooler_on_every_port() {
        let beyond = server(Some(51_111), Some(5432), 0.05);
        for greeted in [0, 8, -123_456] {
            assert_eq!(verdict(&beyond, &way("db", 5432, Some(40_000), greeted)), "?Unknown");
        }
        assert_eq!(verdict(&beyond, &way("db", 6432, Some(40_000), 8)), "?PgBouncer");
        // Beside the server, over Unix sockets all the way.
        assert_eq!(verdict(&server(None, None, 0.0), &way("/tmp", 6432, None, 8)), "?PgBouncer");
        let old = server(Some(51_111), Some(5432), 60.0);
        assert_eq!(verdict(&old, &way("db", 5432, Some(40_000), 7)), "?Unknown");
    }

    #[test]
    fn the_providers_poolers_are_known_by_their_names() {
        let beyond = server(Some(51_111), Some(5432), 0.05);
        let of = |host: &str, port| verdict(&beyond, &way(host, port, Some(40_000), 7));
        let supabase = "aws-0-eu-west-1.pooler.supabase.com";
        assert_eq!(of(supabase, 6543), "Supabase's pooler in transaction mode");
        assert_eq!(of(supabase, 5432), "Supabase's pooler in session mode");
        assert_eq!(of("db.abc.supabase.co", 6543), "PgBouncer in transaction mode");
        assert_eq!(of("db.abc.supabase.co", 5432), "~1");
        let proxy = "shop.proxy-abc123.eu-west-1.rds.amazonaws.com";
        assert_eq!(of(proxy, 5432), "RDS Proxy in transaction mode");
        let reader = "ro.endpoint.proxy-abc123.eu-west-1.rds.amazonaws.com.";
        assert_eq!(of(reader, 5432), "RDS Proxy in transaction mode");
        assert_eq!(of("proxy-db.abc.eu-west-1.rds.amazonaws.com", 5432), "~1");
        let neon = "ep-cool-1-pooler.eu-central-1.aws.neon.tech";
        assert_eq!(of(neon, 5432), "Neon's pooler in transaction mode");
        assert_eq!(of("ep-cool-1.eu-central-1.aws.neon.tech", 5432), "~1");
        assert_eq!(of("x.postgres.database.azure.com", 6432), "?Azure");
        assert_eq!(of("pooler.supabase.com.evil.example", 5432), "~1");
    }
}
