//! Checks of the family `migration`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
