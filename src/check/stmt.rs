//! Checks of the family `stmt`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
