//! The right server, by the right login, in the right time.

mod hosts;
mod passwords;
mod retries;
mod routes;
