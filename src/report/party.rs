//! Who a session is, or a prepared transaction.

use serde::Serialize;

/// A session, or a prepared transaction, which has no process. Source: `pg_stat_activity`,
/// `pg_prepared_xacts`. What the role may not see is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Party {
    /// The server process; null for a prepared transaction.
    pub pid: Option<i32>,
    /// The name of a prepared transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<String>,
    /// The role.
    pub user: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// `application_name`; null for none.
    pub application: Option<String>,
    /// The client's address; null on a Unix socket.
    pub client: Option<String>,
    /// As the server says it: `idle in transaction`.
    pub state: Option<String>,
    /// As the server says it: `client backend`.
    pub backend_type: Option<String>,
    /// Seconds since its transaction began (was prepared).
    pub transaction_seconds: Option<f64>,
    /// Seconds since its last statement began.
    pub statement_seconds: Option<f64>,
    /// Seconds that it has been in this state.
    pub state_seconds: Option<f64>,
    /// Its statement, or the last one; as long as the server has it.
    pub query: Option<String>,
    /// Whether the role may not see more than who it is.
    pub hidden: bool,
}

impl Party {
    /// Whether a transaction is open that no statement runs in: there is nothing to cancel.
    pub fn is_idle_in_transaction(&self) -> bool {
        self.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
    }

    /// Its process, or the name of the prepared transaction.
    pub fn name(&self) -> String {
        match (self.pid, &self.gid) {
            (Some(pid), _) => pid.to_string(),
            (None, Some(gid)) => format!("prepared '{gid}'"),
            (None, None) => "?".to_owned(),
        }
    }
}
