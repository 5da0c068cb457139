//! Removing one backup: what pgtend wrote into its folder, and nothing else.

use super::catalog::{Found, VERIFICATIONS};
use super::{claim, in_use};
use crate::archive::manifest::{self, is_object_name};
use crate::error::{Error, Result};
use crate::store::Store;

/// Removes a backup, or what is left of one; gives the names in its folder that are not pgtend's:
/// they stay, and so does the folder.
///
/// The manifest goes first. When it cannot be removed nothing else is touched; what cannot be
/// removed afterwards stops nothing else, and the first fault is the error.
pub async fn backup(store: &Store, found: &Found) -> Result<Vec<String>> {
    let folder = found.folder.trim_end_matches('/');
    let (parent, name) = folder.split_at(folder.rfind('/').map_or(0, |end| end + 1));
    match all_of(store, &found.folder).await {
        Ok(left) => Ok(left),
        // Another run may have been quicker.
        Err(_) if !store.folders(parent).await?.iter().any(|there| there == name) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn all_of(store: &Store, folder: &str) -> Result<Vec<String>> {
    let record = format!("{folder}{}", manifest::NAME);
    if store.open_object(&record).await?.is_some() {
        store.remove(&record).await?;
        // Before the objects go, even when the machine stops here.
        store.sync_folder(folder).await?;
    }
    let proofs = format!("{folder}{VERIFICATIONS}");
    let mut faults = Faults::default();
    let mut left = objects(store, &proofs, is_record, &mut faults).await?;
    left.iter_mut().for_each(|name| name.insert_str(0, VERIFICATIONS));
    let folders = store.folders(folder).await?;
    if left.is_empty() && folders.iter().any(|name| format!("{name}/") == VERIFICATIONS) {
        faults.note(store.remove_folder(&proofs).await);
    }
    left.extend(folders.into_iter().map(|name| format!("{name}/")).filter(|f| f != VERIFICATIONS));
    left.extend(objects(store, folder, is_ours, &mut faults).await?);
    // Where they cannot be listed, the plan has said so.
    for upload in store.stale_uploads(folder).await.unwrap_or_default() {
        faults.note(store.abort_upload(&upload).await);
    }
    faults.first()?;
    if left.is_empty() {
        store.remove_folder(folder).await?;
    }
    Ok(left)
}

/// Removes the objects in a folder whose names are ours; gives the others.
async fn objects(
    store: &Store,
    folder: &str,
    ours: fn(&str) -> bool,
    faults: &mut Faults,
) -> Result<Vec<String>> {
    let names = store.objects(folder).await?.into_iter().map(|object| object.name);
    let (going, left): (Vec<String>, Vec<String>) = names.partition(|name| ours(name));
    faults.note(store.remove_all(folder, &going).await);
    Ok(left)
}

/// What pgtend writes beside `verifications/`; with a manifest that was being written.
fn is_ours(name: &str) -> bool {
    let written = name.strip_suffix(".tmp").unwrap_or(name);
    is_object_name(name)
        || written == manifest::NAME
        || in_use::is_mark(written)
        || claim::is_sign(written)
}

/// `20261121T174659.123456Z.json`, or being written.
fn is_record(name: &str) -> bool {
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    let Some(time) = name.strip_suffix("Z.json") else { return false };
    !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit() || b"T.".contains(&byte))
}

/// The first of several faults.
#[derive(Default)]
struct Faults(Option<Error>);

impl Faults {
    fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.0.get_or_insert(error);
        }
    }

    fn first(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_pgtend_writes_is_removed() {
        for name in ["manifest.json", "manifest.json.tmp", "toc.dat", "3357.dat.zst", "blobs.toc"] {
            assert!(is_ours(name), "{name}");
        }
        for name in ["notes.txt", "manifest.json.bak", "toc.dat.orig", "x.json", "app.dump"] {
            assert!(!is_ours(name), "{name}");
        }
        assert!(is_record("20261121T174659.123456Z.json"));
        assert!(is_record("20261121T174659.123456Z.json.tmp"));
        for name in ["notes.json", "Z.json", "report.pdf", "20261121.json"] {
            assert!(!is_record(name), "{name}");
        }
    }
}
