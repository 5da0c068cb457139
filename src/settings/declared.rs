//! What an env file declares of an application, for judging: without any of its secrets.
//!
//! Unlike what a target is made of, this reads on where a connection string is wrong: the rest of
//! the file is judged too.

mod reader;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use super::strength::Weakness;
use super::variables::{self, Kind};
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
    /// A known variable under its plain name or pydantic's; one with a value first.
    fn find(&self, name: &str) -> Option<(&str, &DeclaredValue)> {
        let prefixed = format!("DB_{name}");
        let [plain, prefixed] = [name, &prefixed].map(|name| {
            self.values.get_key_value(name).map(|(name, value)| (name.as_str(), value))
        });
        let has_value = |found: &(&str, &DeclaredValue)| found.1.value.is_some();
        plain.filter(has_value).or(prefixed.filter(has_value)).or(plain).or(prefixed)
    }

    /// The value of a known variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name)?.1.value.as_deref()
    }

    /// The same as a number; none where it is not set.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn number(&self, name: &str) -> Result<Option<f64>, String> {
        Ok(self.read(name, NUMBER)?.and_then(|text| text.parse().ok()))
    }

    /// The same as a boolean.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, String> {
        Ok(self.read(name, Kind::Boolean)?.and_then(variables::boolean))
    }

    fn read(&self, name: &str, kind: Kind) -> Result<Option<&str>, String> {
        let Some((name, value)) = self.find(name) else { return Ok(None) };
        match value.not_known(name) {
            Some(why) => Err(why),
            None => value.value.as_deref().map(|text| of_kind(name, text, kind)).transpose(),
        }
    }

    /// The server that is written to.
    pub fn primary(&self) -> Option<&DeclaredServer> {
        self.servers.iter().find(|server| server.role == ServerRole::Primary)
    }
}

impl DeclaredValue {
    /// Why its value is not known, when it is set and refers to something else.
    pub fn not_known(&self, name: &str) -> Option<String> {
        let undefined = self.undefined.as_ref()?;
        Some(format!("{name} refers to ${{{undefined}}}, which is not defined here"))
    }
}

impl DeclaredServer {
    /// A parameter of the application as a number; none where it is not set.
    ///
    /// # Errors
    /// Why it is none, without what stands there.
    pub fn number(&self, parameter: &str) -> Result<Option<f64>, String> {
        Ok(self.read(parameter, NUMBER)?.and_then(|text| text.parse().ok()))
    }

    /// The same as a boolean.
    ///
    /// # Errors
    /// Why it is none, without what stands there.
    pub fn boolean(&self, parameter: &str) -> Result<Option<bool>, String> {
        Ok(self.read(parameter, Kind::Boolean)?.and_then(variables::boolean))
    }

    fn read(&self, parameter: &str, kind: Kind) -> Result<Option<&str>, String> {
        let name = format!("{parameter} of {}", self.variable);
        self.parameters.get(parameter).map(|text| of_kind(&name, text, kind)).transpose()
    }

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

const NUMBER: Kind = Kind::Number("");

fn of_kind<'a>(name: &str, text: &'a str, kind: Kind) -> Result<&'a str, String> {
    let text = text.trim();
    match kind.fault(text) {
        Some(why) => Err(format!("{name} cannot be read: {why}")),
        None => Ok(text),
    }
}

#[cfg(test)]
#[path = "declared_tests.rs"]
mod tests;
