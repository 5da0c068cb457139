//! The schema: what is missing in it, what lies about itself and what will not hold for long.

mod collation;
mod constraints;
mod expected;
mod names;
mod partitions;
mod tables;

pub use expected::{KINDS, LINES};

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[
    tables::NO_PK,
    tables::PUB_NO_REPLIDENT,
    constraints::NOT_VALID,
    constraints::FK_TYPE_MISMATCH,
    tables::UNLOGGED,
    constraints::DISABLED_TRIGGERS,
    names::EXT_OUTDATED,
    collation::COLLATION,
    tables::INT_PK,
    partitions::PARTITION_FUTURE,
    names::NAME_OVERFLOW,
    expected::EXPECTED,
];
