//! Checks of the family `bloat`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
