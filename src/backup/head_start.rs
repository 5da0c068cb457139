//! What is surely in a backup is copied while pg_dump still writes its table of contents.
//!
//! Without filters that is every ordinary table that the coordinator has locked. pg_dump needs a
//! third of a second for 500 tables (measured), and more for more.

use std::cell::OnceCell;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::catalog::Place;
use super::chunks::{self, Chunk};
use super::coordinator::Snapshot;
use super::copying::Copying;
use super::run::Start;
use super::table::{Facts, Table};
use super::{Request, text_encoding};
use crate::conn::{Session, SessionOptions};
use crate::error::Result;

/// Where the rows of one attempt go, and who takes them there.
#[derive(Debug)]
pub struct Ground<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// How readers connect.
    pub options: &'a SessionOptions,
    /// The backup's place.
    pub place: &'a Place,
    /// How many readers there may be.
    pub jobs: usize,
    /// Whether the server has room for all of them beside pg_dump.
    pub has_room: bool,
    /// The folder, once it is made.
    pub made: &'a OnceCell<String>,
}

/// Tables that are being copied before the table of contents is there.
#[derive(Debug)]
pub struct Ahead {
    /// Who copies them.
    pub copying: Copying,
    /// Their oids.
    pub oids: HashSet<u32>,
}

impl Ground<'_> {
    /// Makes the backup's folder, if that was not done.
    pub async fn make(&self) -> Result<()> {
        if self.made.get().is_none() {
            self.request.store.create_folder(&self.place.folder).await?;
            self.made.get_or_init(|| self.place.folder.clone());
        }
        Ok(())
    }

    /// Removes what was stored, so that its names are free; `false` where they may not be: S3 may
    /// still obey a request whose sender is gone.
    pub async fn clear(&self) -> Result<bool> {
        match self.made.get() {
            Some(_) if self.request.store.is_remote() => Ok(false),
            Some(folder) => {
                self.request.store.clear_folder(folder, |_| false).await?;
                Ok(true)
            }
            None => Ok(true),
        }
    }

    /// Starts the readers of this snapshot, without work.
    pub fn begin(&self, session: &Session, snapshot: &Snapshot) -> Result<Copying> {
        let request = self.request;
        let start = Start {
            target: session.same_server(),
            session: self.options.clone(),
            snapshot: snapshot.id.clone(),
            encoding: text_encoding(session.server()).into(),
            compress: request.compress,
            recipients: request.recipients.clone(),
            store: request.store.clone(),
            folder: self.place.folder.clone(),
            pace: request.pace.clone(),
            progress: Arc::clone(&request.progress),
            stop: request.cancel.child_token(),
        };
        Copying::begin(start, self.jobs)
    }

    /// Cuts tables into chunks.
    pub fn cut(&self, session: &Session, tables: &[Table]) -> VecDeque<Chunk> {
        let server = session.server();
        let block = u64::from(server.block_size);
        chunks::cut(tables, self.request.chunk, block, server.version_number)
    }

    /// Begins to copy these tables; nothing of none, of a dry run, or where a reader might have the
    /// connection that pg_dump needs.
    pub async fn head_start(
        &self,
        session: &Session,
        snapshot: &Snapshot,
        known: &[Facts],
    ) -> Result<Option<Ahead>> {
        let is_in_the_way = session.is_pooled() || !self.has_room;
        if known.is_empty() || self.request.dry_run || is_in_the_way {
            return Ok(None);
        }
        self.make().await?;
        let copying = self.begin(session, snapshot)?;
        let tables: Vec<Table> = known.iter().map(|facts| facts.table.clone()).collect();
        copying.run.add(&tables, self.cut(session, &tables));
        Ok(Some(Ahead { copying, oids: tables.iter().map(|table| table.oid).collect() }))
    }
}
