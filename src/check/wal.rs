//! Checks of the family `wal`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
