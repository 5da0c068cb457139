//! The declared settings, and what a fault weighs where they are from.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::verdict::{Silence, Verdict};
use crate::report::check::Level;
use crate::settings::{Declared, DeclaredServer, Stage};

/// Under this name the application's settings stand beside the facts.
pub const APPLICATION: &str = "application";

/// What a fault weighs here that is critical in production, a warning in staging and none in
/// development.
pub const fn level(stage: Stage, in_production: Level) -> Option<Level> {
    match (stage, in_production) {
        (Stage::Production, level) => Some(level),
        (Stage::Staging, Level::Critical) => Some(Level::Warning),
        (Stage::Staging | Stage::Development, _) => None,
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
pub fn stage(look: &Look<'_>, declared: &Declared) -> Stage {
    if let Some(named) = declared.environment.as_deref().or(look.environment) {
        return Stage::of(named).unwrap_or(Stage::Production);
    }
    // Google's proxy makes sockets for servers that are elsewhere.
    let local = declared.primary().is_some_and(|server| {
        server.is_local() && !server.hosts.iter().any(|(host, _)| host.starts_with("/cloudsql"))
    });
    if local { Stage::Development } else { Stage::Production }
}

/// Which of the variables are not known, as they refer to others that nobody defined.
pub fn undefined(declared: &Declared, of: &[&str]) -> Option<String> {
    let unknown = declared.values.iter().filter_map(|(name, value)| {
        let plain = value.known_as.as_deref().unwrap_or(name);
        value.not_known(name).filter(|_| of.contains(&plain))
    });
    let unknown: Vec<String> = unknown.collect();
    (!unknown.is_empty()).then(|| unknown.join("; "))
}

/// Says which of the variables are not known.
pub fn not_known(verdict: &mut Verdict, declared: &Declared, of: &[&str]) {
    if let Some(why) = undefined(declared, of) {
        verdict.not_seen(why);
    }
}

/// Says what is not known of the server that is written to.
pub fn primary_not_known(verdict: &mut Verdict, declared: &Declared) {
    let of = match declared.primary().map(|server| server.variable.as_str()) {
        None | Some("DATABASE_HOST") => PRIMARY.as_slice(),
        // The first wins over the one that is used.
        Some(_) => &PRIMARY[..1],
    };
    not_known(verdict, declared, of);
}

/// A number of the variable, or else of the connection string.
///
/// # Errors
/// Unknown where it cannot be read: it is not one that nobody has set.
pub fn number(
    declared: &Declared,
    variable: &str,
    parameter: &str,
) -> Result<Option<f64>, Silence> {
    or_of_url(declared, declared.number(variable), |server| server.number(parameter))
}

/// The same for a boolean.
///
/// # Errors
/// As [`number`].
pub fn boolean(
    declared: &Declared,
    variable: &str,
    parameter: &str,
) -> Result<Option<bool>, Silence> {
    or_of_url(declared, declared.boolean(variable), |server| server.boolean(parameter))
}

fn or_of_url<T>(
    declared: &Declared,
    own: Result<Option<T>, String>,
    of_url: impl FnOnce(&DeclaredServer) -> Result<Option<T>, String>,
) -> Result<Option<T>, Silence> {
    let told = match own {
        Ok(None) => declared.primary().map_or(Ok(None), of_url),
        own => own,
    };
    told.map_err(Silence::Unknown)
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

/// Variables that say which server is written to, and as whom; the first wins.
const PRIMARY: [&str; 5] =
    ["DATABASE_URL", "PRIMARY_DB_URL", "DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER"];

/// Variables that name replicas.
pub const REPLICAS: [&str; 2] = ["REPLICA_DB_URL", "DB_READ_REPLICA_URLS"];
