//! What stands between us and a server.

use serde::Serialize;

/// What stands between us and a server, as far as it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Between {
    /// Nothing that shows.
    Nothing,
    /// Something that passes a connection on whole: a tunnel, address translation, a
    /// container's port. Holds the signs, in words.
    Relay(Vec<String>),
    Pooler(Pooler),
}

/// A connection pooler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pooler {
    pub kind: PoolerKind,
    pub mode: PoolerMode,
    /// What speaks for it, in words; at least one.
    pub evidence: Vec<String>,
}

/// Whose pooler it is, by its name or port: a pooler does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolerKind {
    PgBouncer,
    /// Supabase's.
    Supavisor,
    RdsProxy,
    /// Neon's PgBouncer.
    Neon,
    /// Azure's PgBouncer.
    Azure,
    Unknown,
}

/// For how long a pooler leaves a server process to one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolerMode {
    /// Until it disconnects: as if there were no pooler.
    Session,
    /// For one transaction.
    Transaction,
    /// For one statement: there are no transactions.
    Statement,
    Unknown,
}

impl Between {
    /// The pooler whose sessions may not keep to one server process.
    pub fn sharing_pooler(&self) -> Option<&Pooler> {
        match self {
            Self::Pooler(pooler) if pooler.mode != PoolerMode::Session => Some(pooler),
            _ => None,
        }
    }
}

/// A line for who wants to know all.
impl std::fmt::Display for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing is in between that shows"),
            Self::Relay(signs) => {
                write!(f, "a tunnel, address translation or a container's port is in between: ")?;
                f.write_str(&signs.join("; "))
            }
            Self::Pooler(pooler) => write!(f, "{pooler}: {}", pooler.evidence.join("; ")),
        }
    }
}

/// `PgBouncer in transaction mode`.
impl std::fmt::Display for Pooler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            PoolerKind::PgBouncer => "PgBouncer",
            PoolerKind::Supavisor => "Supabase's pooler",
            PoolerKind::RdsProxy => "RDS Proxy",
            PoolerKind::Neon => "Neon's pooler",
            PoolerKind::Azure => "Azure's PgBouncer",
            PoolerKind::Unknown => "a connection pooler",
        })?;
        f.write_str(match self.mode {
            PoolerMode::Session => " in session mode",
            PoolerMode::Transaction => " in transaction mode",
            PoolerMode::Statement => " in statement mode",
            PoolerMode::Unknown => " whose mode is unknown",
        })
    }
}
