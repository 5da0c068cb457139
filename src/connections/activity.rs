//! The processes of a server, as `pg_stat_activity` and `pg_locks` show them.

use tokio::time::Instant;

use crate::conn::{QueryError, Row, Type, get};
use crate::error::Result;
use crate::report::connections::Session;
use crate::sql;

/// Most processes of one look.
pub const MOST: i64 = 10_000;

/// One look at all processes.
#[derive(Debug, Clone)]
pub struct Activity {
    /// At most [`MOST`]; the server's own first, then clients by the age of their transaction.
    pub sessions: Vec<Session>,
    /// How many there were.
    pub total: i64,
    /// How many of them take a connection.
    pub clients: i64,
    pub at: Instant,
}

impl Activity {
    /// Clients without this look itself.
    pub fn clients(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| session.client_backend && !session.own)
    }

    /// How many did not fit.
    pub fn left_out(&self) -> i64 {
        self.total - i64::try_from(self.sessions.len()).unwrap_or(i64::MAX)
    }
}

/// Looks once: one round trip. Needs no privilege; see [`Session`] for what is hidden then.
///
/// # Errors
/// As [`crate::conn::Session::read`].
pub async fn rows(session: &crate::conn::Session) -> Result<Vec<Row>, QueryError> {
    session.read(sql::ACTIVITY.text, &[(&MOST, Type::INT8)]).await
}

/// Looks once.
///
/// # Errors
/// Exit 69 or 77, when the server does not tell.
pub async fn look(session: &crate::conn::Session) -> Result<Activity> {
    let rows = rows(session).await;
    read(&rows.map_err(|error| error.into_error(UNREADABLE))?)
}

/// What could not be done.
pub const UNREADABLE: &str = "cannot read the server's sessions";

/// The processes of [`rows`].
///
/// # Errors
/// A bug of the statement.
pub fn read(rows: &[Row]) -> Result<Activity> {
    let count = |name| rows.first().map_or(Ok(0), |row| get::<i64>(row, name));
    Ok(Activity {
        total: count("total")?,
        clients: count("clients")?,
        sessions: rows.iter().map(one).collect::<Result<_>>()?,
        at: Instant::now(),
    })
}

fn one(row: &Row) -> Result<Session> {
    let text = |column| get::<Option<String>>(row, column);
    // Clocks may be set back, and a state may begin while it is read.
    let seconds =
        |column| Ok(get::<Option<f64>>(row, column)?.map(|seconds: f64| seconds.max(0.0)));
    let hidden: bool = get(row, "hidden")?;
    Ok(Session {
        pid: get(row, "pid")?,
        kind: text("kind")?,
        client_backend: get(row, "client_backend")?,
        user: text("role")?,
        database: text("database")?,
        application: get(row, "application")?,
        client: text("client")?,
        tls: text("tls")?,
        state: text("state")?,
        wait_event_type: text("wait_event_type")?,
        wait_event: text("wait_event")?,
        blocked_by: get(row, "blocked_by")?,
        blocked_seconds: seconds("blocked_seconds")?,
        session_seconds: seconds("session_seconds")?,
        transaction_seconds: seconds("transaction_seconds")?,
        statement_seconds: seconds("statement_seconds")?,
        state_seconds: seconds("state_seconds")?,
        xmin_age: get(row, "xmin_age")?,
        leader_pid: get(row, "leader_pid")?,
        query: text("query")?.filter(|query| !hidden && !query.is_empty()),
        hidden,
        own: get(row, "own")?,
    })
}
