//! A database to restore into and throw away: on a server of our own, or on one that the operator
//! names.
//!
//! Restoring runs the dump's code with the rights of whoever restores, so a server of our own is
//! closed in: `local` says how.

mod keeper;
mod local;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::manifest::Manifest;
use crate::error::Result;
use crate::report::Progress;
use crate::settings::{Environment, Target};

pub use local::Local;
pub use server::{OnServer, for_writing};

/// Where a backup is tried.
#[derive(Debug, Clone)]
pub enum Place {
    /// A server of our own, from installed programs.
    Local {
        /// The folder for its files; the system's for temporary ones without.
        folder: Option<PathBuf>,
        /// The operating system's user to run it as, when we are root.
        user: Option<String>,
    },
    /// A server that runs already; the target's database is where we log in to make another.
    Server(Box<Target>),
}

/// A database of our own, empty at first. Dropping it ends it; [`Self::end`] says what went wrong
/// with that, and is needed for one on a running server.
#[derive(Debug)]
pub enum Scratch {
    /// On a server of our own.
    Local(Local),
    /// On a running server.
    Server(Box<OnServer>),
}

impl Scratch {
    /// Makes room for a backup, of which so many bytes of COPY text are loaded.
    ///
    /// # Errors
    /// Exit 69 without a server; 74 without room for its files.
    pub async fn start(
        place: &Place,
        environment: &Environment,
        manifest: &Manifest,
        raw_bytes: u64,
        definition: &str,
        jobs: usize,
        progress: &Arc<Progress>,
    ) -> Result<Self> {
        Ok(match place {
            Place::Local { folder, user } => {
                let wanted = local::Wanted {
                    source_major: manifest.source.version_num / 10_000,
                    raw_bytes,
                    jobs,
                    folder: folder.as_deref(),
                    user: user.as_deref(),
                };
                let server = Local::start(environment, &wanted, progress).await?;
                server.create_database(definition, progress).await?;
                Self::Local(server)
            }
            Place::Server(target) => {
                let started = OnServer::start(target, manifest, definition, progress);
                Self::Server(Box::new(started.await?))
            }
        })
    }

    /// The database.
    pub fn target(&self) -> Target {
        match self {
            Self::Local(local) => local.target(),
            Self::Server(server) => server.target(),
        }
    }

    /// What it runs on, for people.
    pub fn label(&self) -> String {
        match self {
            Self::Local(local) => local.label(),
            Self::Server(server) => server.label(),
        }
    }

    /// What the server said last, where that is ours to read.
    pub fn log(&self) -> Option<String> {
        match self {
            Self::Local(local) => Some(local.log()),
            Self::Server(_) => None,
        }
    }

    /// Ends it: nothing stays.
    ///
    /// # Errors
    /// The database on a running server could not be dropped.
    pub async fn end(self) -> Result<()> {
        match self {
            Self::Local(local) => {
                drop(local);
                Ok(())
            }
            Self::Server(server) => server.end().await,
        }
    }
}
