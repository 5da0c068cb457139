//! The report of `--show-server`.

use jiff::Timestamp;
use serde::Serialize;

use super::Report;
use crate::conn::{Certificate, Provider, Statements};
use crate::exit::Exit;
use crate::settings::Pooler;

/// A server, and the way to it.
#[derive(Debug, Clone, Serialize)]
pub struct ServerReport {
    /// The name that was asked for; for a Unix socket its folder.
    pub host: String,
    pub port: u16,
    /// The address that was dialled; none for a Unix socket.
    pub address: Option<String>,
    /// Milliseconds from dialling to the answer to the first statement.
    pub connect_ms: f64,
    pub pooler: Option<Pooler>,
    /// Signs of something that passes the connection on whole: a tunnel, a container's port.
    pub relay: Vec<String>,
    /// As the server says it: `15.18 (Debian 15.18-1)`.
    pub version: String,
    /// 150018 is 15.18.
    pub version_number: u32,
    pub in_recovery: bool,
    /// Whether a transaction is read-only when nobody asks for it.
    pub read_only: bool,
    /// A number of 64 bits, as text: JSON's numbers are too short for it.
    pub system_identifier: String,
    pub database: String,
    pub encoding: String,
    pub user: String,
    pub superuser: bool,
    /// Whether the session is encrypted, as far as the first stop.
    pub encrypted: bool,
    /// The server's certificate, or the pooler's.
    pub certificate: Option<Certificate>,
    /// The end of the life of that certificate.
    pub certificate_expires: Option<Timestamp>,
    /// Whole days until then; negative when it is over.
    pub certificate_days_left: Option<i64>,
    /// None when the server did not tell; `unseen` says why.
    pub session: Option<SessionReport>,
    /// What is not known or cannot be seen, and why.
    pub unseen: Vec<String>,
    /// Which of several servers this is.
    pub route: RouteReport,
}

/// What the session may do, and what it can see.
#[derive(Debug, Clone, Serialize)]
pub struct SessionReport {
    pub provider: Provider,
    /// Who logged in; differs from `user` after a `SET ROLE`.
    pub login: String,
    /// `scram-sha-256:app`; none before PostgreSQL 16, and for a login without authentication.
    /// Behind a pooler it is the pooler's login.
    pub authenticated: Option<String>,
    /// `superuser`, `createdb`, `createrole`, `replication`, `bypassrls`.
    pub attributes: Vec<&'static str>,
    /// Roles whose privileges it has; not listed for a superuser, who has all.
    pub held_roles: Vec<String>,
    pub extensions: Vec<Extension>,
    pub pg_stat_statements: Statements,
    /// Sees the statements of other roles.
    pub sees_activity: bool,
    /// Sees every setting.
    pub sees_settings: bool,
    /// Of the connection that the server sees, which is a pooler's when there is one.
    pub tls_version: Option<String>,
    pub tls_cipher: Option<String>,
}

/// An extension of the database.
#[derive(Debug, Clone, Serialize)]
pub struct Extension {
    pub name: String,
    pub version: String,
}

/// Which server was taken, and why.
#[derive(Debug, Clone, Serialize)]
pub struct RouteReport {
    /// `primary`, `replica` or `backup`; a fallback is a primary.
    pub taken: &'static str,
    /// For people.
    pub why: String,
    /// The servers that could not be used, with the reason.
    pub skipped: Vec<String>,
    /// What could not be found out about the server that was taken.
    pub unknown: Option<String>,
}

impl Report for ServerReport {
    fn outcome(&self) -> Exit {
        Exit::Good
    }
}
