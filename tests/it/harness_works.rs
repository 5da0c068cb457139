//! The harness itself: what every other test trusts.

mod clusters;
mod comparing;
mod proxying;
mod s3;
