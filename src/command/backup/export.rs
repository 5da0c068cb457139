//! `pgtend backup export`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::{Context, backup_at, with_progress};
use crate::archive::custom::Compression;
use crate::backup::catalog;
use crate::backup::in_use::Mark;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::{Progress, Report};
use crate::restore::export::{self, Output};

const AFTER_HELP: &str = "\
Examples:
  pgtend backup export latest:app -r /var/backups/pg -o app.dump
  pgtend backup export latest -r /var/backups/pg -o - | ssh db2 pg_restore -d app

The file is what pg_dump -Fc writes: stock pg_restore reads it, also with -j. Standard output (-o -)
and a FIFO cannot be written to twice, so the dump does not say where its blocks are: pg_restore of a
file then searches, and -j gains less. Roles and tablespaces are in no dump: take them from
globals.sql.";

/// Write a backup as one file in pg_dump's custom format
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Id of the backup or the start of it, latest, latest:DATABASE, or a backup's folder
    #[arg(value_name = "ID")]
    name: String,

    /// File to write, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,

    /// Compression: gzip[:LEVEL] or none; every pg_restore reads both
    #[arg(long, value_name = "METHOD", default_value = "gzip:1")]
    compress: Compression,
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let output = if args.output.as_os_str() == "-" {
        if std::io::stdout().is_terminal() {
            return Err(Error::usage("a dump is nothing for a terminal")
                .next("send it to a program or a file: -o - | .., or -o FILE"));
        }
        Output::Stream
    } else {
        Output::File { path: args.output, replace: args.force }
    };
    let (store, name) = match backup_at(context, &args.name)? {
        Some((store, id)) => (store, id),
        None => (context.existing_store().await?, args.name),
    };
    let found = catalog::resolve(&store, &name).await?.opened_by(context.identities()?);
    let progress = Arc::new(Progress::default());
    let request = export::Request {
        store,
        found,
        output,
        compress: args.compress,
        progress: Arc::clone(&progress),
        cancel: context.signals.cancel.clone(),
    };
    let mark = Mark::set(&request.store, &request.found, "backup-export").await;
    let report = with_progress(context, &progress, export::run(&request)).await;
    mark.lift().await;
    let report = report?;
    if request.output == Output::Stream {
        // Standard output is the dump.
        context.ui.note(&format!(
            "exported backup {} of {}: {} bytes, without the offsets that help pg_restore -j",
            report.id, report.database, report.bytes
        ));
        return Ok(report.outcome());
    }
    context.answer(None, &report)
}
