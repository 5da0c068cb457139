//! What is in force, and where it came from.

use crate::report::settings::{OtherServer, Setting, SettingsReport, Unused};
use crate::settings::{
    ApplicationSetting, BackupDefaults, MASK, Origin, Resolved, Settings, Shown, Target, masked,
    quantity,
};

/// What the command line says beside the server.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub repo: Option<String>,
    /// `primary`, `replica`, `any` or `backup`.
    pub read_from: Option<String>,
    /// Flags that have a default in `[backup]`, by the name that they have there.
    pub backup: Vec<(&'static str, String)>,
    /// What backups are made with when nobody says so.
    pub standard: BackupDefaults,
}

/// Lists what is in force; `resolved` is the server that is meant.
pub fn settings(settings: &Settings, resolved: &Resolved, given: &Given) -> SettingsReport {
    let target = &resolved.target;
    let replicas = target.replicas.iter();
    SettingsReport {
        config: settings.config_path().map(|path| path.display().to_string()),
        target: target.name.clone(),
        server: target.keywords().into_iter().map(keyword).collect(),
        pgtend: own(settings, target, given),
        tags: target.tags.clone(),
        replicas: replicas.map(|replica| other(&replica.target, Some(replica.weight))).collect(),
        backup_server: target.backup_server.as_deref().map(|server| other(server, None)),
        backup: backup(settings, given),
        application: target.application.iter().map(application).collect(),
        unused: resolved
            .unused
            .iter()
            .map(|unused| Unused {
                name: unused.name.clone(),
                origin: unused.origin.to_string(),
                why: unused.why.clone(),
            })
            .collect(),
        notes: resolved.notes.iter().map(|note| masked(note)).collect(),
    }
}

fn keyword(shown: Shown) -> Setting {
    Setting {
        name: shown.name.to_owned(),
        value: shown.value.as_deref().map(masked),
        default: shown.origin == Origin::Default,
        origin: shown.origin.to_string(),
        secret: shown.secret,
        effect: shown.honoured,
        missing: shown.missing,
    }
}

fn plain(name: &str, value: Option<String>, origin: &str) -> Setting {
    Setting {
        name: name.to_owned(),
        value: value.as_deref().map(masked),
        origin: origin.to_owned(),
        default: origin == "default",
        secret: false,
        effect: true,
        missing: false,
    }
}

fn own(settings: &Settings, target: &Target, given: &Given) -> Vec<Setting> {
    let default = || (None, "default".to_owned());
    let with_origin = |found: Option<(String, Origin)>| {
        found.map_or_else(default, |(value, origin)| (Some(value), origin.to_string()))
    };
    let (repo, from) = with_origin(settings.repo_of(given.repo.as_deref(), target.name.as_deref()));
    let mut list = vec![plain("repo", repo, &from)];
    let read_from = given.read_from.clone();
    let from = if read_from.is_some() { "--read-from" } else { "default" };
    list.push(plain("read-from", read_from.or(Some("primary".to_owned())), from));
    let command = target.password_command.as_ref();
    list.push(Setting {
        secret: true,
        ..plain(
            "password_command",
            command.map(|_| MASK.to_owned()),
            &command.map_or("default".to_owned(), |command| command.origin.to_string()),
        )
    });
    let (environment, from) = with_origin(target.environment.clone());
    list.push(plain("environment", environment, &from));
    let tags = (!target.tags.is_empty()).then(|| target.tags.join(", "));
    let from = target.name.as_deref().filter(|_| tags.is_some()).unwrap_or("default");
    list.push(plain("tags", tags, from));
    list
}

fn other(target: &Target, weight: Option<u32>) -> OtherServer {
    OtherServer {
        server: target.to_string(),
        url: target.url_without_secrets(),
        weight,
        settings: target
            .keywords()
            .into_iter()
            .filter(|shown| shown.origin != Origin::Default)
            .map(keyword)
            .collect(),
    }
}

fn backup(settings: &Settings, given: &Given) -> Vec<Setting> {
    let file = settings.config_path().map(|path| format!("[backup] ({})", path.display()));
    let (own, standard) = (values(&settings.backup), values(&given.standard));
    let own_and_standard = own.into_iter().zip(standard);
    own_and_standard
        .map(|((name, own), (_, standard))| {
            let flag = given.backup.iter().find(|(key, _)| *key == name);
            if let Some((_, value)) = flag {
                let origin = format!("--{}", name.replace('_', "-"));
                return plain(name, Some(value.clone()), &origin);
            }
            match (own, &file) {
                (Some(value), Some(file)) => plain(name, Some(value), file),
                _ => plain(name, standard, "default"),
            }
        })
        .collect()
}

/// As they stand in `[backup]`.
fn values(defaults: &BackupDefaults) -> [(&'static str, Option<String>); 4] {
    [
        ("jobs", defaults.jobs.map(|jobs| jobs.to_string())),
        ("compress", defaults.compress.clone()),
        ("chunk", defaults.chunk.map(quantity::written_bytes)),
        ("max_age", defaults.max_age.map(quantity::written_duration)),
    ]
}

fn application(setting: &ApplicationSetting) -> Setting {
    Setting {
        secret: setting.is_secret(),
        effect: false,
        ..plain(&setting.name, Some(setting.value.clone()), &setting.origin.to_string())
    }
}
