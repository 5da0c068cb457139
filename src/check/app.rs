//! Checks of the family `app`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
