//! What `--show-settings` and `--show-server` answer: what is in force, and what is there.

mod server;
mod settings;

pub use server::server;
pub use settings::{Given, settings};
