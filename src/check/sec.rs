//! Checks of the family `sec`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
