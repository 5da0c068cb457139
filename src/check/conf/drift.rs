//! Settings against those of an earlier moment, or of another server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settings::{Setting, Settings};
use crate::check::facts::{Answer, Facts};
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence};
use crate::report::check::Level;

/// Under this name the baseline stands beside the facts.
pub const BASELINE: &str = "settings_baseline";

/// The settings of a file that `--save` wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    Known {
        /// For people: `db.example.com:5432, 2026-11-20`.
        of: String,
        /// By name; none for what was not told.
        settings: BTreeMap<String, Option<String>>,
    },
    /// Why it could not be read.
    Unreadable(String),
}

impl Baseline {
    /// From the facts of a file.
    pub fn of(facts: &Facts) -> Self {
        let server = &facts.server;
        let of = format!("{}:{}, {}", server.host, server.port, facts.at.strftime("%Y-%m-%d"));
        let Some(Answer::Rows(rows)) = facts.answers.get(super::SETTINGS.name) else {
            return Self::Unreadable("the file has no settings: save one with all checks".into());
        };
        let rows = rows.iter().filter_map(|row| Setting::deserialize(row).ok());
        Self::Known { of, settings: rows.map(|row| (row.name, row.reset_val)).collect() }
    }
}

/// What two servers differ in by their nature.
const OWN: [&str; 17] = [
    "application_name",
    "client_encoding",
    "cluster_name",
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "in_hot_standby",
    "listen_addresses",
    "port",
    "primary_conninfo",
    "primary_slot_name",
    "server_version",
    "server_version_num",
    "unix_socket_directories",
    "debug_assertions",
];

pub fn judge(look: &Look<'_>) -> Judged {
    let Some(baseline) = look.facts.beside.get(BASELINE) else {
        return Err(Silence::not_applicable(
            "there is no baseline: settings_baseline in [check] of pgtend.toml names a file of \
             --save",
        ));
    };
    let baseline = Baseline::deserialize(baseline)
        .map_err(|error| Silence::unknown(format!("the baseline cannot be read: {error}")))?;
    let (of, baseline) = match baseline {
        Baseline::Known { of, settings } => (of, settings),
        Baseline::Unreadable(why) => return Err(Silence::unknown(why)),
    };
    let settings = Settings::of(look)?;
    let mut verdict = look.verdict().saying(format!("the settings are those of {of}"));
    let compared = settings.iter().filter(|setting| !OWN.contains(&setting.name.as_str()));
    for Setting { name, reset_val, .. } in compared {
        // What only one of the two servers has is a matter of their versions.
        let (Some(Some(then)), Some(now)) = (baseline.get(name), reset_val) else { continue };
        if then != now {
            let says = format!("{name} is {now:?}, and was {then:?} ({of})");
            verdict.find(Level::Warning, name, says);
        }
    }
    Ok(verdict)
}
