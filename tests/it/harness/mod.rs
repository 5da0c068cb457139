//! What the tests stand on: servers to throw away, a proxy that breaks connections, certificates,
//! and pgtend itself in an environment that is the same everywhere.

pub mod activity;
pub mod aws;
pub mod cluster;
pub mod command;
pub mod compare;
pub mod database;
pub mod dice;
pub mod directory;
pub mod impostor;
pub mod listener;
pub mod oracle;
pub mod pgbouncer;
pub mod pgtend;
pub mod pki;
pub mod proxy;
pub mod s3;
pub mod server;
pub mod tools;

pub use cluster::{Cluster, ClusterSpec};
pub use database::Database;
pub use listener::Listener;
pub use pgbouncer::PgBouncer;
pub use pgtend::Pgtend;
pub use pki::TlsVariant;
pub use proxy::Proxy;
