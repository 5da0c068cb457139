//! Checks of the family `repl`.

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[];
