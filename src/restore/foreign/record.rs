//! The record that a file of pg_dump does not have, as far as its header knows it.

use super::Dump;
use std::collections::BTreeMap;

use crate::archive::frame::Compression;
use crate::archive::manifest::{self, Database, Manifest, Options, Snapshot, Totals};
use crate::archive::toc::{self, Toc};
use crate::backup::catalog::Found;
use crate::error::Result;
use crate::restore::{Request, Source};
use crate::store::Store;

impl Dump {
    /// The file in the shape of a backup without objects.
    pub(in crate::restore) fn source(&self, request: &Request) -> Result<Source> {
        self.refuse(request)?;
        Ok(self.as_source(&request.store))
    }

    /// The same, whatever is to become of it.
    pub fn as_source(&self, store: &Store) -> Source {
        Source {
            store: store.clone(),
            found: self.found(),
            manifest: self.manifest(),
            toc: self.toc.clone(),
        }
    }

    /// A table of contents that names every role that the file does: a script has none, but its
    /// statements name them.
    pub fn toc_with_roles(&self) -> Toc {
        match &self.script {
            None => self.toc.clone(),
            Some(facts) => Toc::of_owners(&facts.roles),
        }
    }

    /// Where a backup of pgtend would lie.
    pub fn found(&self) -> Found {
        Found { database: self.toc.database(), ..Found::no_backup(&self.name) }
    }

    /// Of what is not known it says nothing: no object, no identifier.
    pub fn manifest(&self) -> Manifest {
        let time = self.time.map_or(jiff::Timestamp::UNIX_EPOCH, |(time, _)| time);
        Manifest {
            format: manifest::FORMAT,
            id: self.name.clone(),
            pgtend: String::new(),
            started: time,
            finished: time,
            source: manifest::Source {
                cluster: String::new(),
                address: String::new(),
                system_identifier: String::new(),
                version: self.toc.server_version(),
                version_num: toc::major(&self.toc.server_version()) * 10_000,
                in_recovery: false,
                pg_dump: self.toc.dump_version(),
            },
            database: Database {
                name: match self.toc.database() {
                    unknown if unknown.is_empty() => "an unknown database".into(),
                    name => name,
                },
                oid: 0,
                encoding: String::new(),
                text_encoding: String::new(),
                settings: Vec::new(),
                extensions: Vec::new(),
            },
            snapshot: Snapshot {
                taken: time,
                lsn: String::new(),
                held_seconds: 0.0,
                xmin: String::new(),
            },
            options: Options {
                jobs: 0,
                compress: Compression::None,
                chunk: 0,
                filters: Vec::new(),
            },
            warnings: Vec::new(),
            totals: Totals { raw_bytes: self.raw_bytes, ..Totals::default() },
            objects: Vec::new(),
            labels: BTreeMap::new(),
            recipients: Vec::new(),
            hidden: false,
        }
    }
}
