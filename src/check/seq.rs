//! Checks of the family `seq`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
