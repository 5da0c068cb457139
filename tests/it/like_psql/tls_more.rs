//! More of TLS.
