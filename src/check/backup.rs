//! Checks of the family `backup`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
