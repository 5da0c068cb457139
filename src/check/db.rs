//! Checks of the family `db`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
