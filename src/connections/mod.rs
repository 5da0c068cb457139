//! Who is connected, what they hold, who blocks whom, and how to end it.

pub mod activity;
mod advise;
mod blocked;
pub mod blocking;
pub mod end;
pub mod filter;
mod groups;
mod holders;
mod judge;
mod modes;
mod overview;
mod party;
pub mod pgbouncer;
pub mod table_locks;
mod tree;
mod unseen;

pub use blocked::blocked;
pub use filter::Filter;
pub use judge::{Limits, Slots};
pub use overview::{Wanted, look};
pub use unseen::grant;

/// What `pg_stat_activity` says instead of a statement that a role may not see.
const HIDDEN: &str = "<insufficient privilege>";
