//! restore: a backup becomes a database again.
//!
//! [`prepare`] looks at the backup and at the target and changes nothing: [`plan`] says what
//! becomes of every entry of the table of contents, [`rehearsal`] adapts it to the [`target`],
//! [`globals`] makes the roles that it lacks. [`run`] takes the operator's consent: stock
//! pg_restore makes the `objects` from toc.dat alone, `loader`s load the rows straight from the
//! store, several parts of one table at once.
//!
//! [`parts`] narrows a plan to some tables or schemas, [`beside`] gives one table another name,
//! [`clean`] drops what a plan makes again. [`export`] makes one file of a backup instead.

mod analyze;
mod belonging;
pub mod beside;
pub mod clean;
mod data;
pub mod dependents;
pub mod dressing;
pub mod export;
mod fit;
pub mod globals;
mod head_start;
mod honest;
pub mod identity;
mod large_objects;
mod loader;
pub mod names;
mod objects;
pub mod parts;
mod pieces;
pub mod plan;
mod prepare;
pub mod rehearsal;
mod replace;
mod run;
mod safety;
mod side;
pub mod some_rows;
mod source;
mod statement;
pub mod target;
pub mod turns;
pub mod words;
mod work;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::backup::catalog::Found;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::Progress;
use crate::settings::{Environment, Target};
use crate::store::Store;

pub use parts::Parts;
pub use prepare::{Prepared, prepare};
pub use run::run;
pub use source::Source;

/// The error of a restore that a signal ended.
pub fn stopped() -> Error {
    Error::new(Exit::Interrupted, "the restore was stopped")
}

/// Which database a restore goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One that is there.
    Existing,
    /// One that is made for it (`--create`).
    Create,
    /// One that is made beside another and takes its place at the end (`--swap`).
    Swap,
}

/// What to restore, where to, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The server. Its database is the one to restore into, or with [`Mode::Create`] and
    /// [`Mode::Swap`] one to connect to while that is made.
    pub target: Target,
    /// The database to restore into.
    pub into: String,
    /// Which one that is.
    pub mode: Mode,
    /// PATH and the like, for child processes.
    pub environment: Environment,
    /// The repository.
    pub store: Store,
    /// The backup.
    pub backup: Found,
    /// Parallel sessions.
    pub jobs: usize,
    /// What of the backup; all of it when nothing is named.
    pub parts: Parts,
    /// Whether roles that the server lacks are created from the backup's globals.
    pub globals: bool,
    /// Whether objects of the target that the backup has too are dropped before.
    pub clean: bool,
    /// Whether the target may be the very database that was backed up.
    pub overwrite_source: bool,
    /// Leave owners out.
    pub no_owner: bool,
    /// Leave rights out.
    pub no_privileges: bool,
    /// Role to become after the login.
    pub role: Option<String>,
    /// Whether statistics are gathered at the end.
    pub analyze: bool,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the run.
    pub cancel: CancellationToken,
}
