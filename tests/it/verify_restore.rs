//! verify-backup --level restore: a trial restore into a server of its own, and what it finds.

mod damage;
mod scratch;
mod settings;
pub mod trial;
