//! The backup that is restored.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::honest;
use super::loader::{damaged, expand, read_frame};
use crate::archive::frame::{Compression, Decoder};
use crate::archive::manifest::{Kind, Manifest, ManifestError, Object, hex};
use crate::archive::toc::{self, Toc};
use crate::backup::catalog::Found;
use crate::backup::objects::{self, Reader};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::Store;

/// A complete backup whose record and table of contents are whole.
#[derive(Debug)]
pub struct Source {
    /// The repository.
    pub store: Store,
    /// Its place there.
    pub found: Found,
    /// Its record.
    pub manifest: Manifest,
    /// Its table of contents.
    pub toc: Toc,
}

impl Source {
    /// Reads record and table of contents; nothing but whole ones are handed to pg_restore.
    pub async fn open(store: &Store, found: Found) -> Result<Self> {
        let damaged = |what: &str| {
            Error::new(Exit::Critical, format!("backup {} is damaged", found.id))
                .because(what)
                .next("see what else is: pgtend verify-backup --level content")
                .next("or restore another one: pgtend backup list")
        };
        let manifest = match found.manifest(store).await? {
            None => {
                return Err(Error::new(
                    Exit::Critical,
                    format!("backup {} is incomplete", found.id),
                )
                .because("it has no manifest: it is still running, or was broken off")
                .next("restore another one: pgtend backup list"));
            }
            Some(Err(error @ ManifestError::Newer(_))) => {
                return Err(Error::usage("cannot restore this backup").caused_by(&error));
            }
            Some(Err(error)) => return Err(damaged(&error.to_string())),
            Some(Ok(manifest)) if manifest.hidden => return Err(found.is_sealed(&manifest)),
            Some(Ok(manifest)) => manifest,
        };
        let object = manifest.objects.iter().find(|object| object.kind == Kind::Toc);
        let object: &Object = object.ok_or_else(|| damaged("its record names no toc.dat"))?;
        let key = format!("{}{}", found.folder, object.name);
        let bytes = store.read(&key, object.bytes).await?;
        let bytes = bytes.ok_or_else(|| damaged("toc.dat is not in the store"))?;
        if hex(&Sha256::digest(&bytes)) != object.sha256 {
            return Err(damaged("toc.dat is not what was written (SHA-256)"));
        }
        let bytes = objects::opened(object, bytes, &found.identities)
            .map_err(|error| damaged(&format!("toc.dat: {error}")))?;
        let toc = Toc::read(&mut &bytes[..]).map_err(|error| damaged(&error.to_string()))?;
        if let Some(complaint) = honest::complaint(&toc) {
            return Err(damaged(&complaint));
        }
        Ok(Self { store: store.clone(), found, manifest, toc })
    }

    /// An error unless every object is in the store with its size.
    pub async fn all_there(&self) -> Result<()> {
        let listed: HashMap<String, u64> = self
            .store
            .objects(&self.found.folder)
            .await?
            .into_iter()
            .map(|object| (object.name, object.bytes))
            .collect();
        let lacking = |object: &&Object| listed.get(&object.name) != Some(&object.bytes);
        let lacking: Vec<&str> =
            self.manifest.objects.iter().filter(lacking).map(|o| o.name.as_str()).collect();
        let Some(first) = lacking.first() else { return Ok(()) };
        Err(Error::new(Exit::Critical, format!("backup {} is damaged", self.found.id))
            .because(format!(
                "{first} is not in the store with its size ({} such objects)",
                lacking.len()
            ))
            .next("see what else is: pgtend verify-backup --level content")
            .next("or restore another one: pgtend backup list"))
    }

    /// Opens an object, which must be there.
    pub async fn open_object(&self, object: &Object) -> Result<Reader> {
        let found = &self.found;
        let reader = Reader::open(&self.store, &found.folder, object, &found.identities).await?;
        reader.ok_or_else(|| damaged(object, "it is not in the store"))
    }

    /// Reads the bytes of some objects against their checksums, before anything is given up for
    /// them.
    pub async fn read_through(&self, objects: &[usize]) -> Result<()> {
        for number in objects {
            let object = &self.manifest.objects[*number];
            let mut reader = self.open_object(object).await?;
            for frame in &object.frames {
                // A directory's reads never wait: here whoever stops the run gets a turn.
                tokio::task::yield_now().await;
                read_frame(&mut reader, object, frame).await?;
            }
        }
        Ok(())
    }

    /// The text of globals.sql; `None` for a backup without it.
    pub async fn globals(&self) -> Result<Option<String>> {
        let object = self.manifest.objects.iter().find(|object| object.kind == Kind::Globals);
        let Some(object) = object else { return Ok(None) };
        let found = &self.found;
        let reader = Reader::open(&self.store, &found.folder, object, &found.identities).await?;
        let mut reader = reader.ok_or_else(|| {
            Error::new(Exit::Critical, format!("{} is not in the store", object.name))
                .next("restore without --globals")
        })?;
        let mut decoder = Decoder::default();
        let mut text = Vec::new();
        for frame in &object.frames {
            let stored = read_frame(&mut reader, object, frame).await?;
            let compression = Compression::of_name(&object.name);
            let (blocks, _) = expand(&mut decoder, compression, object, frame, &stored)?;
            blocks.iter().for_each(|block| text.extend_from_slice(block));
        }
        String::from_utf8(text).map(Some).map_err(|error| {
            Error::new(Exit::Io, format!("{} is not UTF-8", object.name)).caused_by(&error)
        })
    }

    /// Major version of the pg_dump that wrote the table of contents.
    pub fn dump_major(&self) -> u32 {
        toc::major(&self.toc.dump_version())
    }
}
