//! The door to AWS, and to what speaks its protocols: nobody else knows the SDK.
//!
//! `config` makes what every client of a service is made from; `error` turns what went wrong
//! into a failure that says what to do.

mod config;
mod connector;
mod error;
pub mod login;
pub mod s3;
mod sum;

pub use config::load;
pub use error::Failed;
pub use sum::{Algorithm, Sum};
