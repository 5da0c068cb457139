//! The door to PostgreSQL: the only user of `tokio_postgres` and of the TLS libraries.
//!
//! [`connect`] tries each host and address of a [`crate::settings::Target`] as libpq would,
//! each under one time limit from dialling to login, and gives a [`Session`]. What is run
//! there uses unnamed statements only, so that it works behind a transaction pooler.

mod attempt;
mod breaker;
mod capabilities;
mod child;
mod connect;
mod console;
mod copy;
mod error;
mod flavour;
mod greeted;
mod identity;
mod password;
mod password_command;
mod pooler;
mod probe;
mod query_error;
mod read;
mod route;
mod row;
mod rows;
mod server;
mod session;
mod socket;
mod tls;

pub use breaker::{Breaker, BreakerState};
pub use capabilities::{Capabilities, Statements};
pub use child::ChildConnection;
pub use connect::{Prompt, SessionOptions, Tell, connect};
pub use console::{Console, Shown};
pub use copy::{CopyIn, CopyOut, PreparedCopy};
pub use flavour::{Flavour, Provider};
pub use identity::client_certificate;
pub use query_error::QueryError;
pub use read::{Params, Reading};
pub use route::{Choice, Routed, Taken, route};
pub use row::get;
pub use rows::REASONS;
pub use server::Server;
pub use session::Session;
pub use socket::Address;
pub use tls::Certificate;
pub use tokio_postgres::Row;
pub use tokio_postgres::types::{FromSql, ToSql, Type};
