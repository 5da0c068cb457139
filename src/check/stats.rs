//! Checks of the family `stats`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
