//! Checks of the family `schema`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
