//! Checks of the family `act`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
