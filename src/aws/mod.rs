//! The door to AWS.
mod config;
mod error;
pub mod login;
