//! `pgtend slow-queries`.

use super::Context;
use crate::cli::output::Format;
use crate::error::{Error, Result};
use crate::exit::Exit;

pub const FORMATS: [Format; 6] = [
    Format::Table,
    Format::Json,
    Format::Csv,
    Format::Markdown,
    Format::Nagios,
    Format::Prometheus,
];

/// Show which statements take the server's time
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub async fn run(_context: &Context, _args: Args) -> Result<Exit> {
    Err(Error::bug("not built yet"))
}
