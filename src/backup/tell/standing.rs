//! Whether yesterday's backup stands: asked when today's has failed.

use std::time::Duration;

use crate::backup::catalog;
use crate::error::Result;
use crate::report::backup::{Listed, State};
use crate::store::Store;

/// The newest complete backup of a database in `cluster`'s folder; where that has none, in
/// another folder's with a database of this name, when there is only one. `None` in `limit` means
/// that the store did not answer.
pub async fn standing(
    store: &Store,
    cluster: Option<&str>,
    database: &str,
    limit: Duration,
) -> Result<Option<Option<Listed>>> {
    let (sender, found) = tokio::sync::oneshot::channel();
    let (store, cluster, database) =
        (store.clone(), cluster.map(str::to_owned), database.to_owned());
    // A thread of its own: a mounted store whose server is gone never answers.
    let look = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let found = match runtime {
            Ok(runtime) => runtime.block_on(newest(&store, cluster.as_deref(), &database)),
            Err(_) => Ok(None),
        };
        // Nobody may wait for it any more.
        sender.send(found).unwrap_or(());
    };
    if std::thread::Builder::new().name("standing".into()).spawn(look).is_err() {
        return Ok(None);
    }
    match tokio::time::timeout(limit, found).await {
        Ok(Ok(found)) => found.map(Some),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

async fn newest(store: &Store, cluster: Option<&str>, database: &str) -> Result<Option<Listed>> {
    let mut all = catalog::all(store).await?;
    all.retain(|found| found.database == database);
    let mut clusters: Vec<String> = all.iter().map(|found| found.cluster.clone()).collect();
    clusters.sort();
    clusters.dedup();
    let same = clusters.iter().find(|name| Some(name.as_str()) == cluster);
    let Some(cluster) = same.or(clusters.first().filter(|_| clusters.len() == 1)) else {
        return Ok(None);
    };
    for found in all.iter().rev().filter(|found| found.cluster == *cluster) {
        let listed = found.listed(store).await?;
        if listed.state == State::Complete {
            return Ok(Some(listed));
        }
    }
    Ok(None)
}
