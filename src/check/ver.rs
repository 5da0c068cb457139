//! Checks of the family `ver`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
