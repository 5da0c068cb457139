//! Replication: who follows, how far behind, and what is kept for those who do not.

mod slots;
mod standbys;
mod subscriptions;

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
