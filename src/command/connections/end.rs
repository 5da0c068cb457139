//! `pgtend connections cancel` and `terminate`.

use super::super::Context;
use crate::cli::output::Format;
use crate::error::{Error, Result};
use crate::exit::Exit;

pub const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Csv, Format::Markdown];

#[derive(Debug, Clone, Copy)]
pub enum How {
    Cancel,
    Terminate,
}

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub async fn run(_context: &Context, _args: Args, _how: How) -> Result<Exit> {
    Err(Error::bug("not built yet"))
}
