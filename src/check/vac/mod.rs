//! Vacuum: whether old rows and old transaction numbers are cleaned up in time.

mod table;
mod worker;
mod wraparound;

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[
    wraparound::XID_DB,
    wraparound::XID_TABLE,
    wraparound::MXID_DB,
    worker::ANTIWRAP_RUNNING,
    table::OFF,
    table::TABLE_OFF,
    table::OVERDUE,
    table::NEVER_ANALYZED,
    worker::WORKERS,
    worker::STUCK,
];
