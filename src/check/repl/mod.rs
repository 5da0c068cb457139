//! Replication: who follows, how far behind, and what is kept for those who do not.

pub mod slots;
pub mod standbys;
mod subscriptions;

pub use slots::{SETTINGS as WAL_SETTINGS, WalSettings, drop_statement};

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[
    standbys::LAG,
    standbys::STANDBY_LAG,
    standbys::EXPECTED,
    slots::INACTIVE,
    slots::RETAINED,
    slots::STATUS,
    slots::UNBOUNDED,
    subscriptions::ERRORS,
];
