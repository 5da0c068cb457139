//! Checks of the family `dep`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
