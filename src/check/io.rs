//! Checks of the family `io`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
