//! The report of `--show-server`.

use jiff::Timestamp;
use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// A server, and the way to it.
#[derive(Debug, Clone, Serialize)]
pub struct ServerReport {
    /// The name that was asked for; for a Unix socket its folder.
    pub host: String,
    pub port: u16,
    /// The address that was dialled; none for a Unix socket.
    pub address: Option<String>,
    pub database: String,
    pub user: String,
    pub superuser: bool,
    /// As the server says it: `15.18 (Debian 15.18-1)`.
    pub version: String,
    pub in_recovery: bool,
    /// Whether a transaction is read-only when nobody asks for it.
    pub read_only: bool,
    /// A number of 64 bits, as text: JSON's numbers are too short for it.
    pub system_identifier: String,
    /// Whether the session is encrypted.
    pub encrypted: bool,
    /// The end of the life of the server's certificate.
    pub certificate_expires: Option<Timestamp>,
    /// Which of several servers this is.
    pub route: RouteReport,
    /// Why a transaction pooler seems to be in between.
    pub pooler: Option<String>,
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
