//! What is in force, and where it came from.

use crate::report::settings::{Setting, SettingsReport};
use crate::settings::{Origin, Resolved, Settings};

/// Lists what is in force; `resolved` is the server that is meant.
pub fn settings(settings: &Settings, resolved: &Resolved) -> SettingsReport {
    let target = &resolved.target;
    let mut list = Vec::new();
    let mut add = |name: &str, value: String, origin: Origin| {
        list.push(Setting { name: name.to_owned(), value, origin: origin.to_string() });
    };
    let hosts: Vec<String> = target.hosts.iter().map(ToString::to_string).collect();
    add("hosts", hosts.join(","), target.origin("host"));
    add("dbname", target.database.clone(), target.origin("dbname"));
    add("user", target.user.clone(), target.origin("user"));
    SettingsReport {
        config: settings.config_path().map(|path| path.display().to_string()),
        settings: list,
        notes: resolved.notes.clone(),
    }
}
