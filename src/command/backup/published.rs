//! What follows a backup that is published: a look back, and what the rules let go.

use super::prune;
use crate::backup::catalog::Found;
use crate::backup::drift::{self, Limits};
use crate::command::Context;
use crate::error::Error;
use crate::report::backup::Backup;
use crate::settings::Retention;
use crate::store::Store;

/// Compares a backup with those before it, and removes older ones by the rules.
pub(super) async fn follow(
    context: &Context,
    store: &Store,
    rules: &Retention,
    report: &mut Backup,
) {
    if !report.published {
        return;
    }
    tell_canaries(context, store, report).await;
    prune::after(context, store, rules, report).await;
}

/// Notes what looks unlike the backups before; verify-backup judges it.
async fn tell_canaries(context: &Context, store: &Store, report: &Backup) {
    let found = Found::new(&report.id, &report.cluster, &report.database, &report.folder);
    let compared = async {
        let Some(Ok(manifest)) = found.manifest(store).await? else { return Ok(Vec::new()) };
        let compared = drift::look_back(store, &found, &manifest, &Limits::default()).await?;
        Ok::<_, Error>(compared.warnings)
    };
    match compared.await {
        Ok(warnings) => warnings.iter().for_each(|warning| {
            let table =
                warning.table.as_ref().map_or_else(String::new, |table| format!("{table} "));
            let database = &report.database;
            let what = &warning.what;
            context.ui.note(&format!("{database} is unlike the backups before: {table}{what}"));
        }),
        Err(error) => {
            context.ui.note(&format!("it could not be compared with the backups before: {error}"));
        }
    }
}
