//! The declared settings, and how serious the environment is.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::verdict::{Silence, Verdict};
use crate::report::check::Level;
use crate::settings::Declared;

/// Under this name the application's settings stand beside the facts.
pub const APPLICATION: &str = "application";

/// What a fault costs where the application runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Life {
    Development,
    Staging,
    Production,
}

impl Life {
    /// What a fault weighs here that is critical in production, a warning in staging and none in
    /// development.
    pub const fn level(self, in_production: Level) -> Option<Level> {
        match (self, in_production) {
            (Self::Production, level) => Some(level),
            (Self::Staging, Level::Critical) => Some(Level::Warning),
            (Self::Staging | Self::Development, _) => None,
        }
    }
}

/// The settings of the file.
///
/// # Errors
/// Not applicable without one.
pub fn declared(look: &Look<'_>) -> Result<Declared, Silence> {
    let Some(found) = look.facts.beside.get(APPLICATION) else {
        return Err(Silence::not_applicable("no file with the application's settings: --env-file"));
    };
    Declared::deserialize(found)
        .map_err(|error| Silence::unknown(format!("the application's settings: {error}")))
}

/// The environment: a variable, the file's name, the target's; else production, unless the server
/// is on the application's own machine.
pub fn life(look: &Look<'_>, declared: &Declared) -> Life {
    let named = declared.environment.as_deref().or(look.environment);
    let Some(named) = named.map(str::to_ascii_lowercase) else {
        // Google's proxy makes sockets for servers that are elsewhere.
        let local = declared.primary().is_some_and(|server| {
            server.is_local() && !server.hosts.iter().any(|(host, _)| host.starts_with("/cloudsql"))
        });
        return if local { Life::Development } else { Life::Production };
    };
    match named.as_str() {
        "ci" | "dev" | "develop" | "development" | "local" | "test" | "testing" => {
            Life::Development
        }
        "preprod" | "qa" | "stage" | "staging" | "uat" => Life::Staging,
        _ => Life::Production,
    }
}

/// Says which of the variables are not known, as they refer to others.
pub fn not_known(verdict: &mut Verdict, declared: &Declared, of: &[&str]) {
    let unknown = declared.values.iter().filter_map(|(name, value)| {
        let undefined = value.undefined.as_ref()?;
        let plain = value.known_as.as_deref().unwrap_or(name);
        of.contains(&plain)
            .then(|| format!("{name} refers to ${{{undefined}}}, which is not defined here"))
    });
    let unknown: Vec<String> = unknown.collect();
    if !unknown.is_empty() {
        verdict.unseen = Some(unknown.join("; "));
    }
}

/// Variables that are connection strings.
pub const URLS: [&str; 6] = [
    "DATABASE_URL",
    "PRIMARY_DB_URL",
    "REPLICA_DB_URL",
    "DB_READ_REPLICA_URLS",
    "DB_BACKUP_URL",
    "DATA_SOURCE_NAME",
];
