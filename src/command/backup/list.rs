//! `pgtend backup list` and `backup show`.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::labels::LabelFilter;
use crate::archive::manifest::ManifestError;
use crate::backup::catalog;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::backup::{List, Listed, Show, State};
use crate::store::AT_ONCE;
use crate::verify::coverage;

/// Lists what a repository holds.
pub(super) async fn list(context: &Context, filter: &LabelFilter) -> Result<Exit> {
    let store = context.existing_store().await?;
    let found = catalog::all(&store).await?;
    let listing = found.iter().map(|found| found.listed(&store));
    let mut backups: Vec<Listed> = stream::iter(listing).buffered(AT_ONCE).try_collect().await?;
    let wanted = &filter.label;
    backups.retain(|backup| {
        let has = |(key, value): &(String, String)| backup.labels.get(key) == Some(value);
        wanted.iter().all(has) || backup.state == State::Damaged
    });
    context.answer(None, &List { repository: store.location(), backups })
}

/// Shows one backup.
pub(super) async fn show(context: &Context, id: &str) -> Result<Exit> {
    let store = context.existing_store().await?;
    let found = catalog::resolve(&store, id).await?.opened_by(context.identities()?);
    let manifest = match found.manifest(&store).await? {
        None => {
            return Err(Error::new(Exit::Critical, format!("backup {} is incomplete", found.id))
                .because("it has no manifest: it is still running, or was broken off"));
        }
        Some(Err(error @ ManifestError::Newer(_))) => {
            return Err(Error::usage("cannot show this backup").caused_by(&error));
        }
        Some(Err(error)) => {
            return Err(Error::new(Exit::Critical, format!("backup {} is damaged", found.id))
                .caused_by(&error));
        }
        Some(Ok(mut manifest)) => {
            manifest.objects.iter_mut().for_each(|object| object.frames.clear());
            manifest
        }
    };
    let backup = found.listed(&store).await?;
    let coverage = coverage::known(&store, &found, &manifest).await?;
    context.answer(None, &Show { backup, coverage, manifest })
}
