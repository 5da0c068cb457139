//! Which statements take the time.
//!
//! [`ready`] finds out what the server can tell, [`take`] takes a sample of its counters; a
//! ranking is made of one sample or of the [`difference`] of two. Nothing is ever reset.

mod difference;
pub mod enable;
mod explain;
mod live;
mod rank;
mod sample;
mod source;

pub use difference::{Change, Difference, difference};
pub use explain::explain;
pub use live::live;
pub use rank::{Asked, Sort, compared, narrowed, over_period, ranked};
pub use sample::{Counters, Sample, load, save};
pub use source::{Ready, Scope, Source, Wanted, ready, take};
