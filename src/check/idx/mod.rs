//! Indexes: those that lie, those that cost and those that are missing.

mod column;
mod foreign_key;
pub mod invalid;
mod same;
mod usage;

use super::look::Look;
use super::registry::Check;
use crate::report::check::Level;

/// The family.
pub const CHECKS: &[Check] = &[
    invalid::INVALID,
    same::DUPLICATE,
    same::REDUNDANT_PREFIX,
    usage::UNUSED,
    foreign_key::FK_MISSING,
    column::NULL_HEAVY,
    usage::SEQSCAN_HEAVY,
    column::BTREE_ON_ARRAY,
    column::BOOLEAN,
    usage::USAGE,
];

/// What a number weighs in a check that only advises: a warning is worth knowing, no more; an
/// operator who wants more gives a critical limit.
fn advice(look: &Look<'_>, name: &str, object: &str, value: f64) -> Option<Level> {
    let level = look.level(name, object, value, None)?;
    Some(if level == Level::Critical { level } else { Level::Info })
}
