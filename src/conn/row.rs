//! Columns of a row.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::error::{Error, Result};

/// A column of a row; one that is not there, is NULL or has another type is a bug of the statement.
pub fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T> {
    row.try_get(column).map_err(|error| {
        Error::bug(format!("column {column} of a catalog query")).caused_by(&error)
    })
}
