//! The pre-deploy gate and the health check: facts of a server are read in one go, and each
//! check is a pure function of them.
//!
//! A [`Check`] names the [`Question`]s that it needs; [`observe`] asks all questions of all
//! checks together, and each answer is kept as it came, so that facts can be saved, replayed
//! and recorded. What could not be seen is unknown, never healthy.

mod activity;
mod counters;
mod facts;
mod file;
mod judge;
mod limits;
mod look;
mod need;
mod observe;
mod permissions;
mod profile;
mod question;
mod rate;
mod registry;
#[cfg(test)]
mod sample;
mod verdict;

mod act;
mod app;
mod backup;
mod baseline;
mod bloat;
mod cache;
mod conf;
mod conn;
mod db;
mod dep;
mod health;
mod here;
mod idx;
mod ignored;
mod io;
mod listing;
mod lock;
mod migration;
mod repl;
mod schema;
mod sec;
mod seq;
mod size;
mod stats;
mod stmt;
mod vac;
mod ver;
mod wal;

use crate::words;

pub use app::APPLICATION;
pub use backup::{BACKUPS, Backups, OneBackup};
pub use baseline::Known;
pub use conf::{BASELINE, Baseline, MACHINE};
pub use dep::{DISK, Plan, Source, forecast, sources};
pub use facts::{Answer, Facts, Sight};
pub use file::{earlier, load, same_server, save};
pub use health::health;
pub use here::{disk, runs_here};
pub use ignored::{idle, over, unknown};
pub use judge::{Asked, judge};
pub use limits::{Bound, LimitSpec, Limits};
pub use listing::listing;
pub use look::Look;
pub use need::Need;
pub use observe::{observe, observe_compared, sight};
pub use permissions::permissions;
pub use profile::{NOT_IN_DEVELOPMENT, PROFILES, Profile, fill};
pub use question::{MOST_ROWS, Question, as_json};
pub use registry::{Check, Kind, all, find};
pub use schema::{KINDS as EXPECTED_KINDS, LINES as EXPECTED_OBJECTS};
pub use sec::CLIENT as CLIENT_CERTIFICATE;
pub use verdict::{Judged, Silence, Verdict};
