//! Whether yesterday's backup stands: asked when today's has failed.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::{OnceCell, mpsc};

use crate::backup::catalog::{self, Found};
use crate::error::Result;
use crate::report::backup::{Listed, State};
use crate::store::{AT_ONCE, Store, encode_part};

/// A database whose backup has failed.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name.
    pub database: String,
    /// The cluster's folder, as far as it is known.
    pub cluster: Option<String>,
}

/// The newest complete backup of each: in the cluster's folder; where that has none, in another
/// folder's with a database of this name, when there is only one. Several are looked for at once.
/// `None` means that the store did not tell within `limit`, which is for all of them.
pub async fn standing(
    store: &Store,
    asked: Vec<Asked>,
    limit: Duration,
) -> Vec<Option<Result<Option<Listed>>>> {
    let mut found: Vec<_> = asked.iter().map(|_| None).collect();
    let (sender, mut answers) = mpsc::unbounded_channel();
    let store = store.clone();
    // A thread of its own: a mounted store whose server is gone never answers.
    let look = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        let all = OnceCell::new();
        let looks = asked.iter().enumerate().map(|(number, asked)| {
            let look = newest(&store, asked, &all);
            async move { (number, look.await) }
        });
        runtime.block_on(stream::iter(looks).buffer_unordered(AT_ONCE).for_each(async |answer| {
            // Nobody may wait for it any more.
            sender.send(answer).unwrap_or(());
        }));
    };
    if std::thread::Builder::new().name("standing".into()).spawn(look).is_err() {
        return found;
    }
    let collect = async {
        while let Some((number, answer)) = answers.recv().await {
            found[number] = Some(answer);
        }
    };
    // Those that are missing then are not known.
    tokio::time::timeout(limit, collect).await.unwrap_or(());
    found
}

/// `all` becomes what the whole repository holds, once somebody needs that: it may hold much.
async fn newest(
    store: &Store,
    asked: &Asked,
    all: &OnceCell<Vec<Found>>,
) -> Result<Option<Listed>> {
    let mut found = match &asked.cluster {
        Some(cluster) => {
            let (cluster, database) = (encode_part(cluster), encode_part(&asked.database));
            catalog::of_database(store, &format!("{cluster}/{database}/")).await?
        }
        None => Vec::new(),
    };
    if found.is_empty() {
        let all = all.get_or_try_init(|| catalog::all(store)).await?;
        found.extend(all.iter().filter(|found| found.database == asked.database).cloned());
        if found.windows(2).any(|pair| pair[0].cluster != pair[1].cluster) {
            return Ok(None);
        }
    }
    for found in found.iter().rev() {
        let listed = found.listed(store).await?;
        if listed.state == State::Complete {
            return Ok(Some(listed));
        }
    }
    Ok(None)
}
