//! Facts in a file: kept from run to run, or sent to somebody who judges them elsewhere.

use std::path::Path;

use super::facts::{Facts, SCHEMA};
use crate::error::{Error, Result};
use crate::kept::{self, Form};

/// Facts of one server.
const FORM: Form = Form {
    schema: SCHEMA,
    what: "file of facts",
    made_by: "pgtend check --save FILE",
    largest: 256 << 20,
};

/// Reads facts; see [`kept::load`].
pub fn load(path: &Path) -> Result<Facts> {
    kept::load(path, &FORM)
}

/// Saves facts; see [`kept::save`].
pub fn save(facts: &Facts, path: &Path) -> Result<()> {
    kept::save(facts, path, &FORM)
}

/// The facts of an earlier run, from the file that keeps them; none before the first run.
///
/// # Errors
/// Usage, when the file cannot be read; whose facts it holds, [`same_server`] looks.
pub fn earlier(path: &Path) -> Result<Option<Facts>> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(None);
    }
    load(path).map(Some)
}

/// Whether earlier facts are about the same database of the same server.
///
/// # Errors
/// Usage, when they are not.
pub fn same_server(facts: &Facts, earlier: &Facts, path: &Path) -> Result<()> {
    if facts.is_of_same(earlier) {
        return Ok(());
    }
    Err(Error::usage(format!("{} is about another database", path.display()))
        .because(format!(
            "it holds facts of {} at {}",
            earlier.server.database, earlier.server.host
        ))
        .next("take a file of its own for each database"))
}
