//! Level manifest: the record, and the objects' names and sizes. Reads toc.dat (of a sealed backup the
//! sealed record too), nothing else.

use std::collections::{BTreeMap, HashMap};

use crate::archive::manifest::{Kind, Manifest, Object, hex, is_object_name};
use crate::archive::toc::Toc;
use crate::backup::catalog::Found;
use crate::backup::objects;
use crate::error::Result;
use crate::report::verify::{Problem, ProblemKind, Verified};
use crate::store::Store;

use sha2::{Digest, Sha256};

/// Adds what is wrong to `result`.
pub async fn check(
    store: &Store,
    found: &Found,
    record: &Manifest,
    result: &mut Verified,
) -> Result<()> {
    let listed: HashMap<String, u64> =
        store.objects(&found.folder).await?.into_iter().map(|o| (o.name, o.bytes)).collect();
    result.problems.extend(record.objects.iter().filter_map(|object| stored_as(object, &listed)));
    if record.id != found.id {
        result.problems.push(about(
            ProblemKind::Contents,
            None,
            format!("the record is of backup {}: it does not belong in this folder", record.id),
        ));
    }
    result.objects = record.objects.len() as u64;
    if record.hidden {
        result.unseen = Some(
            "tables, rows and the table of contents: it is sealed, and no \
             identity was given"
                .into(),
        );
        // What is small enough for every night: that these are the bytes that were written.
        for object in &record.objects {
            if matches!(object.kind, Kind::Toc | Kind::Record) {
                whole(store, found, object, &listed, result).await;
            }
        }
        return Ok(());
    }
    result.problems.extend(frames_without_gaps(record));
    let Some(toc) = record.objects.iter().find(|object| object.kind == Kind::Toc) else {
        result.problems.push(about(
            ProblemKind::Contents,
            None,
            "the record names no toc.dat".into(),
        ));
        return Ok(());
    };
    let Some(bytes) = whole(store, found, toc, &listed, result).await else { return Ok(()) };
    let bytes = match objects::opened(toc, bytes, &found.identities) {
        Ok(bytes) => bytes,
        Err(error) => {
            result.problems.push(about(ProblemKind::Damaged, Some(toc), error.to_string()));
            return Ok(());
        }
    };
    result.problems.extend(match Toc::read(&mut &bytes[..]) {
        Ok(parsed) => agrees(&parsed, record),
        Err(error) => vec![about(ProblemKind::Contents, Some(toc), error.to_string())],
    });
    Ok(())
}

/// The stored bytes of an object, if they are those that were written; else what is wrong is told.
async fn whole(
    store: &Store,
    found: &Found,
    object: &Object,
    listed: &HashMap<String, u64>,
    result: &mut Verified,
) -> Option<Vec<u8>> {
    // One that is missing or has another size is told before.
    if listed.get(&object.name) != Some(&object.bytes) {
        return None;
    }
    let bytes = match store.read(&format!("{}{}", found.folder, object.name), object.bytes).await {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) => {
            result.problems.push(about(ProblemKind::Unreadable, Some(object), error.to_string()));
            return None;
        }
    };
    result.bytes += bytes.len() as u64;
    if hex(&Sha256::digest(&bytes)) != object.sha256 {
        let what = "its bytes are not those that were written (SHA-256)".into();
        result.problems.push(about(ProblemKind::Damaged, Some(object), what));
        return None;
    }
    Some(bytes)
}

/// A problem with an object.
pub fn about(kind: ProblemKind, object: Option<&Object>, what: String) -> Problem {
    Problem {
        kind,
        object: object.map(|object| object.name.clone()),
        table: object
            .and_then(|object| object.table.as_ref())
            .map(|table| format!("{}.{}", table.schema, table.name)),
        what,
    }
}

fn stored_as(object: &Object, listed: &HashMap<String, u64>) -> Option<Problem> {
    if !is_object_name(&object.name) {
        let what = "not a name that an object of a backup can have".to_owned();
        return Some(about(ProblemKind::Contents, Some(object), what));
    }
    match listed.get(&object.name) {
        None => Some(about(ProblemKind::Missing, Some(object), "it is not in the store".into())),
        Some(bytes) if *bytes != object.bytes => {
            let what = format!("it has {bytes} bytes in the store, {} were written", object.bytes);
            Some(about(ProblemKind::Size, Some(object), what))
        }
        Some(_) => None,
    }
}

/// Frames lie one behind the other, from an object's first byte to its last.
fn frames_without_gaps(record: &Manifest) -> Vec<Problem> {
    let mut problems = Vec::new();
    for object in record.objects.iter().filter(|object| object.kind != Kind::Record) {
        let end = object.frames.iter().try_fold(0_u64, |end, frame| {
            (frame.offset() == end).then(|| end.checked_add(frame.length())).flatten()
        });
        let rows: u64 = object.frames.iter().map(|frame| frame.rows()).sum();
        if end != Some(object.framed_bytes())
            || object.table.as_ref().is_some_and(|t| t.rows != rows)
        {
            let what = "its frames in the record do not add up".to_owned();
            problems.push(about(ProblemKind::Contents, Some(object), what));
        }
    }
    problems
}

/// Every entry with data has its object, and no object stands for nothing.
fn agrees(toc: &Toc, record: &Manifest) -> Vec<Problem> {
    let mut problems = Vec::new();
    let objects: BTreeMap<(i32, bool), &Object> = record
        .objects
        .iter()
        .filter(|object| matches!(object.kind, Kind::Table | Kind::LargeObjectList))
        .filter_map(|object| Some(((object.entry?, object.kind == Kind::Table), object)))
        .collect();
    let mut expected = 0;
    for entry in toc.entries.iter().filter(|entry| entry.has_data) {
        expected += 1;
        let file = String::from_utf8_lossy(&entry.file).into_owned();
        let object = objects.get(&(entry.id, entry.is_table_data()));
        match object {
            Some(object) if object.name.starts_with(&file) && !file.is_empty() => {
                let named = object.table.as_ref().is_none_or(|table| {
                    Some(table.schema.as_bytes()) == entry.namespace.as_deref()
                        && Some(table.name.as_bytes()) == entry.tag.as_deref()
                });
                if !named {
                    let what = format!("toc.dat says that it is {}", entry.label());
                    problems.push(about(ProblemKind::Contents, Some(object), what));
                }
            }
            Some(object) => {
                let what = format!("toc.dat names {file} for {}", entry.label());
                problems.push(about(ProblemKind::Contents, Some(object), what));
            }
            None => {
                let what = format!("no object holds the data of {}", entry.label());
                problems.push(about(ProblemKind::Contents, None, what));
            }
        }
    }
    if expected != objects.len() || toc.entries.len() as u64 != record.totals.entries {
        let what = "toc.dat and the record have another number of entries".to_owned();
        problems.push(about(ProblemKind::Contents, None, what));
    }
    problems
}
