//! The report of `connections --pgbouncer`.

use serde::Serialize;

use super::Report;
use crate::exit::Exit;

/// The pools of a PgBouncer, at one moment. Sources: `SHOW VERSION`, `POOLS`, `CLIENTS`,
/// `DATABASES` and `CONFIG` of its console. What its version does not say is null.
#[derive(Debug, Clone, Serialize)]
pub struct PgBouncer {
    /// Where: `db:6432`.
    pub server: String,
    /// `PgBouncer 1.18.0`.
    pub version: String,
    /// Clients of all pools.
    pub clients: usize,
    /// The most clients that it takes (`max_client_conn`).
    pub max_clients: Option<i64>,
    /// Pools with a client or a server connection, those with waiters first.
    pub pools: Vec<Pool>,
    /// Clients by `application_name`, most first.
    pub applications: Vec<Clients>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<String>,
    /// Whether a client waits longer than `--fail-waiting`.
    pub failed: bool,
}

/// The pool of a database and a user.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Pool {
    /// Name of the database at the pooler.
    pub database: String,
    /// The user.
    pub user: String,
    /// `session`, `transaction` or `statement`.
    pub mode: Option<String>,
    /// Clients that are connected and do not wait.
    pub clients_active: i64,
    /// Clients that wait for a server connection.
    pub clients_waiting: i64,
    /// Server connections that clients use.
    pub servers_active: i64,
    /// Server connections that are free.
    pub servers_idle: i64,
    /// Server connections that were free for a while and are to be checked first.
    pub servers_used: i64,
    /// Server connections that are being opened.
    pub servers_login: i64,
    /// Seconds that the first client in the queue has waited.
    pub max_wait_seconds: f64,
    /// Server connections that the pool may have (without its reserve).
    pub size: Option<i64>,
    /// Whether its database is paused.
    pub paused: bool,
}

/// The clients of one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clients {
    /// `application_name`; null where the client gave none.
    pub application: Option<String>,
    /// How many.
    pub clients: usize,
    /// Of them, with a server connection.
    pub with_server: usize,
    /// Of them, waiting for one.
    pub waiting: usize,
}

impl Pool {
    /// Server connections of every kind.
    pub fn servers(&self) -> i64 {
        self.servers_active + self.servers_idle + self.servers_used + self.servers_login
    }
}

impl Report for PgBouncer {
    fn outcome(&self) -> Exit {
        match (self.failed, self.unseen.is_empty()) {
            (true, _) => Exit::Critical,
            (false, false) => Exit::Unknown,
            (false, true) => Exit::Good,
        }
    }
}
