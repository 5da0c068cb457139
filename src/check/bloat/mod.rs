//! Bloat: room that tables and indexes take and do not need.

mod exact;
mod index;
mod newpage;
mod table;

use super::limits::LimitSpec;
use super::look::Look;
use super::registry::Check;
use crate::report::check::{Level, Unit};

/// The family.
pub const CHECKS: &[Check] = &[table::TABLE, index::INDEX, exact::EXACT, newpage::NEWPAGE];

const GIB: f64 = 1_073_741_824.0;

/// The share that is not needed.
const SHARE: LimitSpec = LimitSpec::above(
    "share of the object that its rows do not need; both limits have to be passed",
    Unit::Percent,
    50.0,
    70.0,
);

/// Passed when both limits are: much of something small is nothing, and so is little of something
/// large.
fn level(look: &Look<'_>, object: &str, bytes: f64, needed: f64) -> Option<Level> {
    let wasted = (bytes - needed).max(0.0);
    let share = look.level("", object, percent(wasted, bytes), None)?;
    look.level("bytes", object, wasted, None).map(|level| level.min(share))
}

/// Whether an object is large enough to pass the limit in bytes, if nothing of it was needed.
fn matters(look: &Look<'_>, object: &str, bytes: f64) -> bool {
    look.level("bytes", object, bytes, None).is_some()
}

/// 0 to 100.
fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

/// The next multiple of eight: how rows are aligned where pointers have 64 bits.
fn aligned(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

/// Bytes of the pages that so many entries need; `room` is what a page has for them.
fn pages(entries: f64, entry: f64, room: f64, block: f64) -> f64 {
    (entries / (room / entry).floor().max(1.0)).ceil() * block
}

/// What to say of objects that matter and whose statistics are not seen.
fn unseen(names: &[&str]) -> Option<String> {
    let first = names.first()?;
    let more = match names.len() {
        1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    Some(format!(
        "the statistics of {first}{more} are not there, or not to be seen by this role (ANALYZE \
         makes them, pg_read_all_data shows them)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_pages() {
        assert!((pages(100.0, 100.0, 1000.0, 8192.0) - 10.0 * 8192.0).abs() < 1e-9);
        assert!((pages(101.0, 100.0, 1000.0, 8192.0) - 11.0 * 8192.0).abs() < 1e-9);
        assert!((pages(3.0, 5000.0, 1000.0, 8192.0) - 3.0 * 8192.0).abs() < 1e-9);
        assert!(percent(1.0, 0.0).abs() < 1e-9);
    }
}
