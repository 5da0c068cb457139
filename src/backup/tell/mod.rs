//! Telling others how a backup went: the operator's commands, a file for Prometheus, a ping.

mod hook;
mod metrics_file;
mod ping;
mod standing;

pub use hook::{Group, Hook};
pub use metrics_file::{old_text, replace};
pub use ping::{Ping, Tries};
pub use standing::{Asked, standing};
