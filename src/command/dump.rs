//! A file of pg_dump that is named instead of a backup.

use std::path::Path;

use super::Context;
use crate::archive::manifest;
use crate::backup::catalog;
use crate::error::{Error, Result};
use crate::restore::foreign::Place;
use crate::store::Store;

const TOC: &str = "toc.dat";

/// Where it is; `None` when the name is that of a backup of pgtend. What it is, its bytes say.
pub async fn dump_at(context: &Context, name: &str) -> Result<Option<Place>> {
    // A database's name may hold anything.
    if name == "latest" || name.starts_with("latest:") {
        return Ok(None);
    }
    if name.contains("://") {
        return in_store(context, name).await;
    }
    let path = Path::new(name);
    // Without a `/` it is a file of this folder only where it can be nothing else.
    if !name.contains('/') && (!path.is_file() || catalog::is_id(name)) {
        return Ok(None);
    }
    let Ok(path) = path.canonicalize() else { return Ok(None) };
    let id = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    if path.is_dir() {
        let is_dump = path.join(TOC).is_file() && !catalog::is_id(id);
        return Ok(is_dump.then_some(Place::Folder(path)));
    }
    if id == manifest::NAME {
        return Ok(None);
    }
    if id == TOC && path.parent().is_some_and(|folder| !folder.ends_with("/")) {
        return Ok(path.parent().map(|folder| Place::Folder(folder.to_owned())));
    }
    Ok(Some(Place::File(path)))
}

async fn in_store(context: &Context, name: &str) -> Result<Option<Place>> {
    let trimmed = name.trim_end_matches('/');
    let Some((parent, key)) = trimmed.rsplit_once('/') else { return Ok(None) };
    // A bucket alone is no file.
    if parent.ends_with('/') || key == manifest::NAME || catalog::is_id(key) {
        return Ok(None);
    }
    let store = context.store_at(parent)?;
    if !name.ends_with('/') && store.open_object(key).await?.is_some() {
        return Ok(Some(Place::Object(store, key.to_owned())));
    }
    let folder = format!("{key}/");
    let has_toc = |store: &Store| {
        let (store, folder) = (store.clone(), folder.clone());
        async move { Ok::<_, Error>(store.objects(&folder).await?.iter().any(|o| o.name == TOC)) }
    };
    if has_toc(&store).await? {
        return Ok(Some(Place::Objects(store, folder)));
    }
    Err(Error::usage(format!("there is no file and no dump in directory format at {name}"))
        .next("see what is there: aws s3 ls"))
}

/// An error for what only a backup in a repository has.
pub fn only_of_backups(flags: &[(&str, bool)]) -> Result<()> {
    match flags.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::usage(format!("{flag} is for backups of pgtend"))
            .because("a file of pg_dump is named by its path alone, and holds one database")
            .next(format!("leave {flag} out"))),
    }
}
