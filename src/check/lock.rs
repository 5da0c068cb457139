//! Checks of the family `lock`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
