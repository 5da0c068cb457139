//! Time limits, as each role that is no superuser's has them.

use std::collections::BTreeMap;

use super::settings::{
    LOGIN_ROLES, LoginRole, ROLE_SETTINGS, RoleSetting, Settings, change, in_unit,
};
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence};
use crate::report::check::Level;
use crate::sql::quote_name;

/// Roles with such words in their names change schemas or copy data: their statements take long.
const MIGRATORS: [&str; 5] = ["migrat", "flyway", "liquibase", "alembic", "deploy"];
const KEEPERS: [&str; 7] =
    ["backup", "dump", "monitor", "exporter", "replica", "pgbouncer", "admin"];

const IDLE: &str = "idle_in_transaction_session_timeout";

/// What sessions of roles have, by `pg_db_role_setting`.
pub struct Limits<'a> {
    settings: &'a Settings,
    own: Vec<RoleSetting>,
    database: &'a str,
    me: String,
}

impl<'a> Limits<'a> {
    pub fn of(look: &Look<'a>, settings: &'a Settings) -> Result<Self, Silence> {
        Ok(Self {
            settings,
            own: look.rows(&ROLE_SETTINGS)?,
            database: &look.facts.server.database,
            me: look.facts.sight.role.clone(),
        })
    }

    fn own(&self, role: Option<&str>, database: Option<&str>, name: &str) -> Option<&str> {
        let found = self.own.iter().find(|own| {
            own.role.as_deref() == role && own.database.as_deref() == database && own.name == name
        });
        found.map(|own| own.value.as_str())
    }

    /// What is written for a role, its database or all.
    fn written(&self, role: Option<&str>, name: &str) -> Option<&str> {
        let here = Some(self.database);
        let of_role = role
            .and_then(|role| self.own(Some(role), here, name).or(self.own(Some(role), None, name)));
        let of_all = || self.own(None, here, name).or(self.own(None, None, name));
        of_role.or_else(of_all)
    }

    /// Whether this session has another one by its own role than the server has.
    fn is_mine(&self, name: &str) -> bool {
        let of_me = |database| self.own(Some(&self.me), database, name).is_some();
        of_me(Some(self.database)) || of_me(None)
    }

    /// Seconds that a role has for `name`, 0 for no limit; none where it cannot be told, as this
    /// session has another one by its own role.
    pub fn seconds(&self, role: Option<&str>, name: &str) -> Option<f64> {
        match self.written(role, name) {
            Some(written) => written_seconds(written),
            None if self.is_mine(name) => None,
            None => self.settings.number(name).ok(),
        }
    }

    /// The same of a setting that is no number, as it is written.
    pub fn text(&self, role: Option<&str>, name: &str) -> Option<&str> {
        let servers = || self.settings.value(name).ok().filter(|_| !self.is_mine(name));
        self.written(role, name).or_else(servers)
    }
}

/// Reads `30s`, `5min`, `30000` (milliseconds).
pub fn written_seconds(written: &str) -> Option<f64> {
    let written = written.trim().trim_matches('\'');
    let end = written.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(written.len());
    let (number, unit) = written.split_at(end);
    match unit.trim() {
        "" => in_unit(number, Some("ms")),
        "us" => in_unit(number, Some("ms")).map(|seconds| seconds / 1000.0),
        "h" => in_unit(number, Some("min")).map(|seconds| seconds * 60.0),
        "d" => in_unit(number, Some("min")).map(|seconds| seconds * 1440.0),
        unit => in_unit(number, Some(unit)),
    }
}

/// Roles for people and their programs, not for care and change.
fn applications(roles: &[LoginRole]) -> Vec<&LoginRole> {
    let plain = roles.iter().filter(|role| !role.is_superuser && !role.is_replication);
    let not = |role: &LoginRole, words: &[&str]| {
        let name = role.role.to_ascii_lowercase();
        !words.iter().any(|word| name.contains(word))
    };
    plain.filter(|role| !role.is_me && not(role, &MIGRATORS) && not(role, &KEEPERS)).collect()
}

pub fn judge(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let limits = Limits::of(look, &settings)?;
    let roles: Vec<LoginRole> = look.rows(&LOGIN_ROLES)?;
    let applications = applications(&roles);
    let mut verdict = look.verdict().saying("statements and idle transactions have time limits");
    let mut untold = BTreeMap::new();
    let server = limits.seconds(None, IDLE);
    let without: Vec<&str> = applications
        .iter()
        .filter(|role| limits.seconds(Some(&role.role), IDLE) == Some(0.0))
        .map(|role| role.role.as_str())
        .collect();
    if server.is_none() {
        untold.insert(IDLE, ());
    }
    if server == Some(0.0) && (applications.is_empty() || !without.is_empty()) {
        let says = "a transaction may stay idle for ever, with its locks \
                    (idle_in_transaction_session_timeout is 0)";
        verdict.find(Level::Warning, IDLE, says).with_remedy(change(look, IDLE, "5min", "user"));
    } else {
        for role in without {
            let says = format!("{role} may leave a transaction idle for ever");
            verdict
                .find(Level::Warning, format!("{role} {IDLE}"), says)
                .with_remedy(format!("ALTER ROLE {} SET {IDLE} = '5min';", quote_name(role)));
        }
    }
    for LoginRole { role, .. } in &applications {
        let name = "statement_timeout";
        match limits.seconds(Some(role), name) {
            Some(0.0) => {
                let says = format!("statements of {role} have no time limit");
                verdict
                    .find(Level::Warning, role, says)
                    .with_remedy(format!("ALTER ROLE {} SET {name} = '30s';", quote_name(role)));
            }
            Some(_) => {}
            None => drop(untold.insert(name, ())),
        }
    }
    let migrators = roles.iter().filter(|role| {
        let name = role.role.to_ascii_lowercase();
        !role.is_superuser && MIGRATORS.iter().any(|word| name.contains(word))
    });
    for LoginRole { role, .. } in migrators {
        let name = "lock_timeout";
        match limits.seconds(Some(role), name) {
            Some(0.0) => {
                let says = format!("{role} waits for locks for ever, and all others behind it");
                verdict
                    .find(Level::Warning, format!("{role} {name}"), says)
                    .with_remedy(format!("ALTER ROLE {} SET {name} = '5s';", quote_name(role)));
            }
            Some(_) => {}
            None => drop(untold.insert(name, ())),
        }
    }
    if !untold.is_empty() {
        let names: Vec<&str> = untold.into_keys().collect();
        verdict.unseen = Some(format!(
            "what other roles have for {} cannot be told: {} has its own",
            names.join(", "),
            look.facts.sight.role
        ));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_server_reads_them() {
        for (written, seconds) in [
            ("30s", 30.0),
            ("'5min'", 300.0),
            ("30000", 30.0),
            ("250ms", 0.25),
            ("1h", 3600.0),
            ("1 d", 86_400.0),
            ("0", 0.0),
        ] {
            assert_eq!(written_seconds(written), Some(seconds), "{written}");
        }
        assert_eq!(written_seconds("soon"), None);
    }
}
