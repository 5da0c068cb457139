//! What a command found out, as values. [`crate::render`] turns them into bytes.

pub mod backup;
pub mod blocking;
pub mod check;
pub mod checks;
pub mod connections;
pub mod copy;
pub mod ended;
pub mod export;
pub mod forecast;
pub mod health;
pub mod party;
pub mod permissions;
pub mod pgbouncer;
pub mod prune;
pub mod restore;
pub mod self_test;
pub mod server;
pub mod settings;
pub mod slow_queries;
pub mod story;
pub mod table_locks;
pub mod verify;

mod failure;
mod progress;

pub use failure::Failure;
pub use progress::{News, Progress, Reading};

use serde::Serialize;

use crate::exit::Exit;

/// What a command answers.
pub trait Report: Serialize {
    /// The verdict, which is the exit code.
    fn outcome(&self) -> Exit;
}
