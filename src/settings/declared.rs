//! What an env file declares of an application, for judging: without any of its secrets.
//!
//! Unlike what a target is made of, this reads on where a connection string is wrong: the rest of
//! the file is judged too.

mod reader;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use super::strength::Weakness;
use super::variables;
pub(super) use reader::read;

/// The settings of an application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    pub file: String,
    /// `production`, where a variable or the file's name says so.
    pub environment: Option<String>,
    pub servers: Vec<DeclaredServer>,
    /// By the names as they are written.
    pub values: BTreeMap<String, DeclaredValue>,
    /// TLS that no server of the file is named for.
    pub tls: Option<DeclaredTls>,
    /// Pairs of variables that say different things: the one that counts comes first.
    pub conflicts: Vec<(String, String)>,
}

/// One variable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredValue {
    /// None for what is secret, and for what is not known.
    pub value: Option<String>,
    /// It refers to a variable that nobody defined.
    pub undefined: Option<String>,
    /// Of a secret that is no connection string.
    pub weakness: Option<Weakness>,
    /// It was never filled in.
    pub placeholder: bool,
    /// Pydantic's name for another variable.
    pub known_as: Option<String>,
}

/// What a connection string is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerRole {
    Primary,
    Replica,
    Backup,
    /// `postgres_exporter`'s.
    Exporter,
}

/// What is wrong with a connection string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UrlFault {
    /// Characters that have to be percent-encoded.
    Encoding,
    /// Another kind of database.
    Scheme,
    /// A part of a guide that was never filled in.
    Placeholder,
    Unreadable,
}

/// One server of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclaredServer {
    /// `DATABASE_URL`, `DB_READ_REPLICA_URLS[1]`.
    pub variable: String,
    pub role: ServerRole,
    /// What is wrong, with the cause, without any part of the string.
    pub fault: Option<(UrlFault, String)>,
    /// `postgres` where the scheme has its short name.
    pub scheme: String,
    pub driver: Option<String>,
    pub hosts: Vec<(String, String)>,
    pub user: Option<String>,
    pub database: Option<String>,
    pub tls: DeclaredTls,
    /// The query's parameters that are libpq's, and those that are the application's, with values.
    pub keywords: BTreeSet<String>,
    pub parameters: BTreeMap<String, String>,
    pub password: Option<Weakness>,
    /// Parts that were never filled in.
    pub placeholders: Vec<String>,
    /// As it is written.
    pub weight: Option<String>,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredTls {
    /// libpq's word; none where nothing is said.
    pub mode: Option<String>,
    /// The variable that decides.
    pub from: Option<String>,
    pub has_root: bool,
}

impl Declared {
    /// The value of a known variable, under its plain name or pydantic's.
    pub fn value(&self, name: &str) -> Option<&str> {
        let of = |name: &str| self.values.get(name).and_then(|value| value.value.as_deref());
        of(name).or_else(|| of(&format!("DB_{name}")))
    }

    /// The same as a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The same as a boolean.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        variables::boolean(self.value(name)?)
    }

    /// The server that is written to.
    pub fn primary(&self) -> Option<&DeclaredServer> {
        self.servers.iter().find(|server| server.role == ServerRole::Primary)
    }
}

impl DeclaredServer {
    /// Whether nobody can listen on the way: a socket, or this machine.
    pub fn is_local(&self) -> bool {
        !self.hosts.is_empty()
            && self.hosts.iter().all(|(host, _)| {
                host.starts_with(['/', '@'])
                    || host.starts_with("127.")
                    || ["", "localhost", "::1"].contains(&host.as_str())
            })
    }
}

#[cfg(test)]
#[path = "declared_tests.rs"]
mod tests;
