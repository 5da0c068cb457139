//! Checks of the family `size`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
