//! The server's settings, as several checks read them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::verdict::Silence;
use crate::sql;

/// Every setting.
pub const SETTINGS: Question = Question::of("settings", &[(130_000, sql::CHECK_SETTINGS)]);
/// What roles and databases have instead.
pub const ROLE_SETTINGS: Question =
    Question::of("role_settings", &[(130_000, sql::CHECK_ROLE_SETTINGS)]);
/// Roles that can log in.
pub const LOGIN_ROLES: Question = Question::of("login_roles", &[(130_000, sql::CHECK_LOGIN_ROLES)]);
/// Rules of pg_hba.conf.
pub const HBA_RULES: Question = Question::of(
    "hba_rules",
    &[(130_000, sql::CHECK_HBA_RULES), (160_000, sql::CHECK_HBA_RULES_16)],
);
/// Size and limit of the database.
pub const THIS_DATABASE: Question =
    Question::of("this_database", &[(130_000, sql::CHECK_THIS_DATABASE)]);

/// One setting.
#[derive(Debug, Clone, Deserialize)]
pub struct Setting {
    pub name: String,
    /// What a new session of this role has, in the setting's unit; none where it is not told.
    pub reset_val: Option<String>,
    pub boot_val: Option<String>,
    pub unit: Option<String>,
    pub context: String,
    pub source: String,
    pub pending_restart: bool,
}

/// What a role or a database has.
#[derive(Debug, Clone, Deserialize)]
pub struct RoleSetting {
    /// None for all.
    pub database: Option<String>,
    /// None for all.
    pub role: Option<String>,
    pub name: String,
    pub value: String,
}

/// A role that can log in to this database.
#[derive(Debug, Clone, Deserialize)]
pub struct LoginRole {
    pub role: String,
    pub is_superuser: bool,
    pub is_replication: bool,
    /// -1 for none.
    pub connection_limit: f64,
    pub is_me: bool,
}

/// This database.
#[derive(Debug, Clone, Deserialize)]
pub struct ThisDatabase {
    pub database: String,
    pub bytes: f64,
    /// -1 for none.
    pub connection_limit: f64,
}

/// All settings by name.
pub struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Those of the server.
    ///
    /// # Errors
    /// Unknown where they could not be read.
    pub fn of(look: &Look<'_>) -> Result<Self, Silence> {
        let rows: Vec<Setting> = look.rows(&SETTINGS)?;
        Ok(Self(rows.into_iter().map(|row| (row.name.clone(), row)).collect()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }

    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    /// The value that a new session has.
    ///
    /// # Errors
    /// Unknown where it is not told.
    pub fn value(&self, name: &str) -> Result<&str, Silence> {
        let value = self.get(name).and_then(|setting| setting.reset_val.as_deref());
        value.ok_or_else(|| Silence::unknown(format!("the server does not tell {name}")))
    }

    /// The value as a number, in bytes, in seconds, or without a unit.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn number(&self, name: &str) -> Result<f64, Silence> {
        let setting = self.get(name);
        let unit = setting.and_then(|setting| setting.unit.as_deref());
        in_unit(self.value(name)?, unit)
            .ok_or_else(|| Silence::unknown(format!("{name} is not a number")))
    }

    /// Whether the value is the one that PostgreSQL is built with.
    pub fn is_default(&self, name: &str) -> bool {
        self.get(name).is_some_and(|setting| setting.reset_val == setting.boot_val)
    }
}

/// A number of `pg_settings` in bytes or seconds. Negative ones have a meaning of their own.
pub fn in_unit(value: &str, unit: Option<&str>) -> Option<f64> {
    let number: f64 = value.trim().parse().ok()?;
    if number < 0.0 {
        return Some(number);
    }
    let factor = match unit {
        None | Some("" | "B" | "s") => 1.0,
        Some("kB") => 1024.0,
        Some("8kB") => 8192.0,
        Some("16kB") => 16_384.0,
        Some("32kB") => 32_768.0,
        Some("MB") => 1_048_576.0,
        Some("16MB") => 16_777_216.0,
        Some("ms") => 0.001,
        Some("min") => 60.0,
        Some(_) => return None,
    };
    Some(number * factor)
}

/// How a setting is changed here: a statement, or a word where a provider has its own way.
pub fn change(look: &Look<'_>, name: &str, value: &str, context: &str) -> String {
    let sight = &look.facts.sight;
    if let Some(provider) = sight.provider {
        return format!("set {name} = {value} where {provider} keeps its parameters");
    }
    let (reload, restart) = match context {
        "postmaster" => ("", Some("then restart the server".to_owned())),
        _ => (" SELECT pg_reload_conf();", None),
    };
    let perhaps = sight
        .perhaps
        .map(|provider| format!("if this is {provider}, set it where that keeps its parameters"));
    let notes: Vec<String> = restart.into_iter().chain(perhaps).collect();
    let notes = if notes.is_empty() { String::new() } else { format!("  -- {}", notes.join("; ")) };
    format!("ALTER SYSTEM SET {name} = '{value}';{reload}{notes}")
}

/// How a setting is taken back.
pub fn reset(look: &Look<'_>, setting: &Setting) -> String {
    let name = &setting.name;
    let database = sql::quote_name(&look.facts.server.database);
    // It is read as this role: what the role has is its own.
    let role = sql::quote_name(&look.facts.sight.role);
    match setting.source.as_str() {
        "database" => format!("ALTER DATABASE {database} RESET {name};"),
        "user" => format!("ALTER ROLE {role} RESET {name};"),
        "database user" => format!("ALTER ROLE {role} IN DATABASE {database} RESET {name};"),
        _ => {
            change(look, &setting.name, setting.boot_val.as_deref().unwrap_or(""), &setting.context)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::check::conf::CHECKS;
    use crate::check::sample::Sample;

    #[test]
    fn a_setting_is_taken_back_where_it_was_set() {
        let setting = |name: &str, value: &str, source: &str| {
            json!({"name": name, "reset_val": value, "boot_val": "off", "unit": null,
                   "context": "superuser", "source": source, "pending_restart": false})
        };
        let remedy = |source| {
            let rows = [
                setting("fsync", "on", "default"),
                setting("full_page_writes", "on", "default"),
                setting("zero_damaged_pages", "on", source),
                setting("ignore_checksum_failure", "off", "default"),
            ];
            let mut sample = Sample::of("settings", &rows);
            sample.facts.server.database = "Shop 1".to_owned();
            sample.facts.sight.role = "app".to_owned();
            let check = CHECKS.iter().find(|check| check.id == "conf.dangerous").unwrap();
            sample.judged(check).unwrap().findings.remove(0).remedy.unwrap()
        };
        assert_eq!(remedy("database"), "ALTER DATABASE \"Shop 1\" RESET zero_damaged_pages;");
        assert_eq!(remedy("user"), "ALTER ROLE \"app\" RESET zero_damaged_pages;");
        let both = "ALTER ROLE \"app\" IN DATABASE \"Shop 1\" RESET zero_damaged_pages;";
        assert_eq!(remedy("database user"), both);
        let system = "ALTER SYSTEM SET zero_damaged_pages = 'off'; SELECT pg_reload_conf();";
        assert_eq!(remedy("configuration file"), system);
    }
}
