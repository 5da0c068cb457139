//! Behind PgBouncer: its mode is found out, nothing is left in the sessions of others, and what
//! needs a session of its own is refused or works.

pub mod detected;
mod quiet;
mod refused;
