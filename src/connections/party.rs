//! A session out of a row of `pg_stat_activity`.

use super::HIDDEN;
use crate::conn::{Row, get};
use crate::error::Result;
use crate::report::party::Party;

/// Reads the columns that the statements of this folder have in common.
pub(super) fn party(row: &Row) -> Result<Party> {
    let query: Option<String> = get(row, "query")?;
    Ok(Party {
        pid: get(row, "pid")?,
        gid: None,
        user: get(row, "role_name")?,
        database: get(row, "database_name")?,
        application: get(row, "application")?,
        client: get(row, "client")?,
        state: get(row, "state")?,
        backend_type: get(row, "backend_type")?,
        transaction_seconds: get(row, "transaction_age")?,
        statement_seconds: get(row, "statement_age")?,
        state_seconds: get(row, "state_age")?,
        query: query.filter(|query| query != HIDDEN && !query.is_empty()),
        hidden: get(row, "hidden")?,
    })
}
