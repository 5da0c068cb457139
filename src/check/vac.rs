//! Checks of the family `vac`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
