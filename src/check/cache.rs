//! Checks of the family `cache`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
