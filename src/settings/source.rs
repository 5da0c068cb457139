//! What one source says of a server, before defaults are filled in.

use super::dsn;
use super::layer::Layer;
use super::login::Login;
use super::origin::Origin;
use super::target::{ApplicationSetting, SslMode};
use crate::error::{Error, Result};

/// What a replica does not have from its target, or from its env file's `PG*`.
pub(super) const NOT_FOR_REPLICAS: [&str; 8] = [
    "host",
    "hostaddr",
    "load_balance_hosts",
    "password",
    "port",
    "service",
    "servicefile",
    "target_session_attrs",
];

/// The chosen source.
#[derive(Default)]
pub(super) struct Source {
    pub layer: Layer,
    /// For people: `--url`, `prod (pgtend.toml)`.
    pub title: String,
    /// Of pgtend.toml.
    pub target: Option<String>,
    /// It was named, and takes neither place nor user from the environment.
    pub explicit: bool,
    /// The `PG*` variables of an env file: above those of the process.
    pub below: Layer,
    /// `sslmode` may not be weaker.
    pub floors: Vec<Floor>,
    /// Stronger `sslmode` that others asked for in vain: a note says so.
    pub demands: Vec<Floor>,
    /// It names no place, so that a flag which names one does not move it.
    pub anywhere: bool,
    pub replicas: Vec<Candidate>,
    pub backup: Option<Box<Candidate>>,
    pub login: Option<Login>,
    pub environment: Option<(String, Origin)>,
    pub tags: Vec<String>,
    pub application: Vec<ApplicationSetting>,
    pub unused: Vec<UnusedVariable>,
    pub notes: Vec<String>,
}

/// The weakest `sslmode` that a setting lets pass.
#[derive(Clone)]
pub(super) struct Floor {
    /// `verify-ca` counts only when authorities are given.
    pub mode: SslMode,
    pub origin: Origin,
}

/// Another server of a source. What is wrong with it matters only when it is to be used.
pub(super) struct Candidate {
    pub source: Result<Source>,
    pub weight: u32,
    pub origin: Origin,
}

/// A variable that was seen and is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedVariable {
    pub name: String,
    pub origin: Origin,
    /// Why, without its value.
    pub why: String,
}

impl Source {
    /// Reads a connection string.
    pub fn of_conninfo(text: &str, origin: &Origin) -> Result<Self> {
        let info = dsn::parse(text).map_err(|cause| {
            Error::usage(format!("cannot read the connection string of {origin}")).because(cause)
        })?;
        let application = info.application.iter().map(|(name, value)| ApplicationSetting {
            name: name.clone(),
            value: value.clone(),
            origin: origin.clone(),
        });
        let mut source = Self {
            title: origin.to_string(),
            notes: info.notes.clone(),
            application: application.collect(),
            ..Self::default()
        };
        for (name, value) in info.into_values() {
            source.layer.put(name, value, origin.clone());
        }
        Ok(source)
    }
}
