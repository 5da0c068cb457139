//! Groups of command-line arguments that several commands share. No behaviour.

pub mod connect;
pub mod output;
pub mod repository;
pub mod sessions;
pub mod show;
pub mod watch;
