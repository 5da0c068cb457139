//! Checks of the family `conf`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
