//! What is known of a server, read once per session in one round trip.

use tokio_postgres::Row;

/// Facts of the server and of the session's own process.
///
/// Sources: `pg_settings`, `pg_control_system()`, `pg_stat_activity`; see `sql/conn/facts.sql`.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// `server_version_num`: 150018 is 15.18.
    pub version_number: u32,
    /// `server_version`: `15.18 (Debian 15.18-1)`.
    pub version: String,
    /// A standby, or a server that is still replaying its log.
    pub in_recovery: bool,
    /// `current_user`.
    pub role: String,
    pub superuser: bool,
    /// Made by initdb and shared with all standbys.
    pub system_identifier: u64,
    pub database: String,
    pub database_oid: u32,
    /// The database's encoding: `UTF8`.
    pub encoding: String,
    /// Bytes.
    pub block_size: u32,
    pub max_connections: u32,
    /// The server process of the session.
    pub pid: i32,
    /// Whether a transaction is read-only when nobody asks for it: on a standby, or by
    /// `default_transaction_read_only`.
    pub read_only: bool,
    /// The ports as the server sees them; `None` on a Unix socket.
    pub(super) client_port: Option<i32>,
    pub(super) server_port: Option<i32>,
    /// Seconds since the server process was started.
    pub(super) backend_age: Option<f64>,
}

/// The oldest version that pgtend works with.
pub(super) const OLDEST: u32 = 13;

impl Server {
    /// The major version: 15.
    pub fn major(&self) -> u32 {
        self.version_number / 10_000
    }

    pub(super) fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            version_number: row.try_get::<_, i32>("version_number")?.unsigned_abs(),
            version: row.try_get("version")?,
            in_recovery: row.try_get("in_recovery")?,
            role: row.try_get("role")?,
            superuser: row.try_get("superuser")?,
            system_identifier: row.try_get::<_, i64>("system_identifier")?.cast_unsigned(),
            database: row.try_get("database")?,
            database_oid: row.try_get("database_oid")?,
            encoding: row.try_get("encoding")?,
            block_size: row.try_get::<_, i32>("block_size")?.unsigned_abs(),
            max_connections: row.try_get::<_, i32>("max_connections")?.unsigned_abs(),
            pid: row.try_get("pid")?,
            read_only: row.try_get("read_only")?,
            client_port: row.try_get("client_port")?,
            server_port: row.try_get("server_port")?,
            backend_age: row.try_get("backend_age")?,
        })
    }
}

/// The major version in the server's greeting (`15.18 (Debian)`, `9.6.24`, `17beta1`); `None`
/// when it does not start with a number.
pub(super) fn major_version(greeting: &str) -> Option<u32> {
    let end = greeting.find(|c: char| !c.is_ascii_digit()).unwrap_or(greeting.len());
    greeting[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_the_greeting() {
        assert_eq!(major_version("15.18 (Debian 15.18-1)"), Some(15));
        assert_eq!(major_version("9.6.24"), Some(9));
        assert_eq!(major_version("18beta1"), Some(18));
        assert_eq!(major_version("PostgreSQL"), None);
    }
}
