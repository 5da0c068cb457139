//! Reading without leaving anything behind.
//!
//! A session of our own is set up once, and its statements run as they are: one round trip
//! each. Behind a pooler a setting may stay on for other clients, and a later statement may run
//! in another process: there each read is a transaction of its own with `SET LOCAL` settings,
//! sent in one go, which is one round trip too. In statement mode there are no transactions:
//! only the bare statement can be sent.

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::query_error::QueryError;
use super::session::Session;
use crate::settings::PoolerMode;

/// A statement's parameters with their types.
pub type Params<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

impl Session {
    /// Runs one statement that reads, with the settings of the session; see
    /// [`rows`](Self::rows) for its columns. Reads that are joined (`join!`) are sent together.
    pub async fn read(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, QueryError> {
        if !self.needs_transactions() {
            return self.rows(sql, params).await;
        }
        let (begun, set, rows, ended) = tokio::join!(
            self.batch(self.begin_reading()),
            self.set(&self.wanted, true),
            self.rows(sql, params),
            self.batch("COMMIT"),
        );
        begun?;
        set?;
        let rows = rows?;
        ended?;
        Ok(rows)
    }

    /// Begins a transaction that reads one state of the database in several statements, in one
    /// server process.
    ///
    /// # Errors
    /// Fails behind a pooler in statement mode.
    pub async fn reading(&self) -> Result<Reading<'_>, QueryError> {
        // Made first: what was sent must be ended, whatever becomes of this future.
        let mut reading = Reading { session: self, open: true };
        let begin = self.begin_reading();
        let (begun, set) = tokio::join!(self.batch(begin), async {
            match self.needs_transactions() {
                true => self.set(&self.wanted, true).await,
                false => Ok(()),
            }
        });
        reading.open = begun.is_ok();
        begun?;
        set?;
        Ok(reading)
    }

    fn begin_reading(&self) -> &'static str {
        if self.read_only {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        } else {
            "BEGIN ISOLATION LEVEL REPEATABLE READ"
        }
    }

    fn needs_transactions(&self) -> bool {
        let statement = PoolerMode::Statement;
        !self.is_set_up && self.sharing_pooler().is_none_or(|pooler| pooler.mode != statement)
    }
}

/// A transaction that reads; it is rolled back when it is dropped without an end.
#[derive(Debug)]
pub struct Reading<'a> {
    session: &'a Session,
    open: bool,
}

impl Reading<'_> {
    /// Runs one statement; see [`Session::rows`]. After one that failed only the end is left.
    pub async fn rows(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, QueryError> {
        self.session.rows(sql, params).await
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<(), QueryError> {
        self.open = false;
        self.session.batch("COMMIT").await
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if self.open {
            self.session.send_rollback();
        }
    }
}
