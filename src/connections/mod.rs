//! Who is connected, what they hold, who blocks whom, and how to end it.

pub mod activity;
mod advise;
mod blocked;
pub mod filter;
mod groups;
mod holders;
mod judge;
mod overview;
mod unseen;

pub use filter::Filter;
pub use judge::{Limits, Slots};
pub use overview::{Wanted, look};
pub use unseen::grant;
