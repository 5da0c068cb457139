//! Vacuum: whether old rows and old transaction numbers are cleaned up in time.

mod age;
mod table;
mod worker;

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[
    age::XID_DB,
    age::XID_TABLE,
    age::MXID_DB,
    worker::ANTIWRAP_RUNNING,
    table::OFF,
    table::TABLE_OFF,
    table::OVERDUE,
    table::NEVER_ANALYZED,
    worker::WORKERS,
    worker::STUCK,
];
