//! Every way that a connection fails: one error that names the server, the cause and the next
//! step, with exit code 69 (64 for faults of settings), as text and as JSON, without a secret.
//!
//! The texts are what the operator sees. They are compared as they are, save for ports, folders
//! and addresses that differ from run to run.

mod cases;
mod settings;
mod transcript;
