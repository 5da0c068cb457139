//! Whether a deployment can begin now: what its migrations do, and who is in their way.
//!
//! [`read`] tells what statements do (squawk parses them), [`live`] what is on the server,
//! [`gate`] puts both together for the checks, [`step`] for the statements of the [`forecast`].

mod beside;
mod folder;
mod forecast;
mod gate;
mod lint;
mod live;
mod lock;
mod migrations;
mod not_null;
mod plan;
mod read;
mod renames;
mod room;
mod schemas;
mod server;
mod sessions;
mod sources;
mod statement;
mod step;
mod types;

pub use folder::sources;
pub use forecast::forecast;
pub use gate::Shared;
pub use plan::Plan;
pub use room::{DISK, Disk, EXTENSION};
pub use sources::{Layout, Source, plain};

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[
    sessions::DUMP_RUNNING,
    sessions::LONG_XACT,
    sessions::LOCKS_ON_TARGET,
    sessions::ANTIWRAP_ON_TARGET,
    migrations::ROLE_TIMEOUTS,
    migrations::REWRITE,
    migrations::MIGRATION_LINT,
    migrations::INVALID_LEFTOVERS,
    room::HEADROOM,
    room::DISK_FOR_REWRITE,
    server::REPLICA_LAG,
    server::SLOT_LAG,
    server::BACKUP_FRESH,
    server::PERF_BASELINE,
];
