//! `pgtend connections --blocking`: who blocks whom.

use super::super::Context;
use crate::cli::output::Format;
use crate::error::{Error, Result};
use crate::exit::Exit;

pub const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Csv, Format::Markdown];

/// Runs it, for all tables or for one.
pub async fn run(_context: &Context, _table: Option<&str>) -> Result<Exit> {
    Err(Error::bug("not built yet"))
}
