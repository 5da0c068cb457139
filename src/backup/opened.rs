//! A session that may back up, before it locks anything.

use std::time::Duration;

use super::preflight::{self, Lockable, Room};
use super::run::Stop;
use super::{Request, lock};
use crate::conn::{self, Session, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::Programs;
use crate::settings::{Pooler, PoolerMode};

/// A session of which nothing is known that would stand against a backup.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// How long another backup was waited for.
    pub waited: Duration,
    /// What the server has room for.
    pub room: Room,
    pub programs: Programs,
    pub warnings: Vec<String>,
    /// Tables to lock before the snapshot is taken.
    pub tables: Vec<Lockable>,
}

impl Opened {
    /// Connects, and refuses what cannot work.
    ///
    /// `again` says that an earlier session of this run was lost; its advisory lock may live on
    /// for a moment.
    pub async fn connect(
        request: &Request,
        options: &SessionOptions,
        again: bool,
    ) -> Result<Self, Stop> {
        request.progress.phase("connecting");
        let session = tokio::select! {
            session = conn::connect(&request.target, options) => session?,
            () = request.cancel.cancelled() => return Err(Stop::Asked),
        };
        request.progress.phase("looking at the server");
        if let Some(pooler) = session.sharing_pooler().filter(|_| !request.allow_pooler) {
            return Err(refuse_pooler(pooler).into());
        }
        if let Some(pooler) = session.sharing_pooler() {
            // They set search_path and time limits before their transaction, or without one.
            request.progress.note(format!(
                "forced through {pooler}: pg_dump and pg_dumpall leave settings of theirs there, \
                 for its other clients"
            ));
        }
        let programs = Programs::find(&request.environment, session.server().major())?;
        // A dry run reads nothing that another backup could disturb.
        let waited = if request.dry_run {
            Duration::ZERO
        } else {
            lock::wait_for(&session, request, again).await?
        };
        let room = Room::ask(&session).await?;
        // Before pg_dump fails for want of one.
        room.jobs(request.jobs)?;
        let mut warnings = Vec::new();
        if session.server().in_recovery {
            warnings.extend(room.standby_warning());
        }
        // With filters only pg_dump knows what will be read, and locks it.
        let (tables, sequences) = if request.filters.is_empty() {
            (preflight::lockable(&session).await?, preflight::unreadable_sequences(&session).await?)
        } else {
            (vec![], vec![])
        };
        preflight::privileges(&tables, &sequences, &room)?;
        room.locks_fit(tables.len())?;
        let tables = if room.locks_fit_twice(tables.len()) { tables } else { vec![] };
        Ok(Self { session, waited, room, programs, warnings, tables })
    }
}

fn refuse_pooler(pooler: &Pooler) -> Error {
    let mut error = Error::new(Exit::Refused, format!("cannot back up through {pooler}"));
    for shown in &pooler.evidence {
        error = error.because(shown);
    }
    error = error.next("give the server's own address and port");
    if pooler.mode == PoolerMode::Unknown {
        error = error.next("or, if you know that it is in session mode: --allow-pooler");
    }
    error
}
