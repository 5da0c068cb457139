//! `pgtend backup copy`, and `--copy-to` on a run.

use std::sync::Arc;

use super::super::{Context, backup_at, with_progress};
use crate::backup::catalog::{self, Found};
use crate::backup::{self, copy};
use crate::error::Result;
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::backup::Backup;
use crate::store::Store;

/// Objects that are copied at once when nobody says how many.
const JOBS: usize = 4;

const AFTER_HELP: &str = "\
Examples:
  pgtend backup copy latest:app -r /var/backups/pg --to /mnt/elsewhere/pg
  pgtend backup copy 20261120T095421Z-1a2b3c -r /var/backups/pg --to s3://bucket/pg

A copy has the backup's id, and its verification records. One that is there already is left alone:
exit 0. What a copy that was killed has left is replaced ten minutes after its last sign of life.

Exit 0: it is there. 1: it is there, but not all of its verification records are. 75: another run is
copying it. 77: refused, its folder there is another backup's or another server's.";

/// Copy a backup into another repository
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Id of the backup or the start of it, latest, latest:DATABASE, or a backup's folder
    #[arg(value_name = "ID")]
    name: String,

    /// Repository that gets the copy
    #[arg(long, value_name = "REPO")]
    to: String,

    /// Number of objects that are copied at once (default: 4)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,

    /// Let the backup's server take over a cluster's folder from another one
    #[arg(long)]
    new_cluster: bool,
}

/// Where else a backup goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct CopyFlags {
    /// Copy the backup into this repository too, once it is complete (repeatable)
    #[arg(long, value_name = "REPO")]
    copy_to: Vec<String>,
}

/// Runs `backup copy`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let (from, name) = match backup_at(context, &args.name)? {
        Some((store, id)) => (store, id),
        None => (context.existing_store().await?, args.name),
    };
    let to = context.store_at(&args.to)?;
    copy::refuse_itself(&from, &to)?;
    let found = catalog::resolve(&from, &name).await?;
    let progress = Arc::new(Progress::default());
    let request = copy::Request {
        from,
        to,
        found,
        new_cluster: args.new_cluster,
        jobs: args.jobs.map_or(JOBS, usize::from),
        progress: Arc::clone(&progress),
        cancel: context.signals.cancel.clone(),
    };
    let report = with_progress(context, &progress, copy::run(&request)).await?;
    report.warnings.iter().for_each(|warning| context.ui.warning(warning));
    context.answer(None, &report)
}

impl CopyFlags {
    /// The repositories, looked at before the backup begins: a typo must not show hours later.
    pub fn stores(&self, context: &Context, from: &Store) -> Result<Vec<Store>> {
        let stores = self.copy_to.iter().map(|location| {
            let to = context.store_at(location)?;
            copy::refuse_itself(from, &to)?;
            Ok(to)
        });
        stores.collect()
    }
}

/// Copies what `made` has published into each of `stores`. A copy that fails undoes nothing and
/// keeps no other back: it is a warning of the backup's.
pub async fn to_all(
    context: &Context,
    made: &backup::Request,
    stores: &[Store],
    backup: &mut Backup,
) {
    if !backup.published {
        return;
    }
    for to in stores {
        let location = to.location();
        let progress = Arc::new(Progress::default());
        let request = copy::Request {
            from: made.store.clone(),
            to: to.clone(),
            found: Found::new(&backup.id, &backup.cluster, &backup.database, &backup.folder),
            new_cluster: made.new_cluster,
            jobs: JOBS,
            progress: Arc::clone(&progress),
            cancel: made.cancel.clone(),
        };
        match with_progress(context, &progress, copy::run(&request)).await {
            Ok(copied) => {
                let warnings = copied.warnings.iter();
                backup.warnings.extend(warnings.map(|why| format!("copy in {location}: {why}")));
                backup.copies.push(copied);
            }
            Err(error) => backup.warnings.push(format!("no copy in {location}: {error}")),
        }
    }
}
