//! Security: what is said in clear, who may do too much, and what ends soon.

mod login;
mod rights;
mod rows;
mod transport;

pub use transport::CLIENT;

use super::registry::Check;

/// The family.
pub const CHECKS: &[Check] = &[
    transport::TLS,
    login::PASSWORD_HASH,
    login::PRIVILEGED_LOGIN,
    rights::PUBLIC_CREATE,
    rights::PUBLIC_CONNECT,
    rights::SECDEF,
    login::PW_EXPIRY,
    rows::RLS,
    transport::SERVER_CERT,
    transport::CLIENT_CERT,
];
