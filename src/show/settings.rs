//! What is in force, and where it came from.

use std::path::PathBuf;

use crate::cli::repository::S3Flags;
use crate::report::settings::{OtherServer, Setting, SettingsReport, Unused};
use crate::settings::{
    ApplicationSetting, BackupDefaults, Host, Labels, Login, MASK, Origin, Resolved, Secret,
    Settings, Shown, Target, masked, quantity,
};

/// What the command line says beside the server.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub repo: Option<String>,
    /// How a repository in S3 is reached.
    pub s3: S3Flags,
    /// `--identity`.
    pub identity: Vec<PathBuf>,
    /// `primary`, `replica`, `any` or `backup`.
    pub read_from: Option<String>,
    /// What a session is called in `pg_stat_activity` when nobody says so.
    pub application_name: String,
    /// Flags that have a default in `[backup]`, by the name that they have there.
    pub backup: Vec<(&'static str, String)>,
    /// `--label`.
    pub labels: Labels,
    /// What backups are made with when nobody says so.
    pub standard: BackupDefaults,
    /// As `--ping` takes it.
    pub ping: Option<Secret>,
    /// As `--max-lag` takes it.
    pub max_lag: Option<String>,
    /// What it is when nobody says so.
    pub standard_lag: std::time::Duration,
}

/// Lists what is in force; `resolved` is the server that is meant.
pub fn settings(settings: &Settings, resolved: &Resolved, given: &Given) -> SettingsReport {
    let target = &resolved.target;
    let replicas = target.replicas.iter();
    SettingsReport {
        config: settings.config_path().map(|path| path.display().to_string()),
        target: target.name.clone(),
        server: server(target, &given.application_name),
        pgtend: own(settings, target, given),
        repository: repository(settings, target, given),
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

/// What nobody set is `own_name` for the sessions' name.
fn server(target: &Target, own_name: &str) -> Vec<Setting> {
    let mut list = Vec::new();
    for shown in target.keywords() {
        match shown.name {
            "password" => list.extend(passwords(target, shown)),
            "application_name" if shown.value.is_none() => {
                let value = Some(own_name.to_owned());
                list.push(keyword(Shown { value, origin: Origin::Default, ..shown }));
            }
            _ => list.push(keyword(shown)),
        }
    }
    list
}

/// One line, or one for each host where they have not the same password.
fn passwords(target: &Target, shown: Shown) -> Vec<Setting> {
    let origin = |host: &Host| host.password.as_ref().map(|(_, origin)| origin.clone());
    let first = target.hosts.first().and_then(origin);
    if target.hosts.iter().all(|host| origin(host) == first) {
        return vec![keyword(shown)];
    }
    let of_host = |host: &Host| {
        let origin = origin(host);
        let setting = keyword(Shown {
            value: origin.as_ref().map(|_| MASK.to_owned()),
            origin: origin.unwrap_or(Origin::Default),
            ..shown.clone()
        });
        Setting { name: format!("password ({host})"), ..setting }
    };
    target.hosts.iter().map(of_host).collect()
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
    list.extend(settings.identity_files(&given.identity).into_iter().map(|(path, origin)| {
        let missing = !path.exists();
        let path = Some(path.display().to_string());
        Setting { missing, ..plain("identity", path, &origin.to_string()) }
    }));
    let read_from = given.read_from.clone();
    let from = if read_from.is_some() { "--read-from" } else { "default" };
    list.push(plain("read-from", read_from.or(Some("primary".to_owned())), from));
    let lag = given.max_lag.clone();
    let from = if lag.is_some() { "--max-lag" } else { "default" };
    let lag = lag.unwrap_or_else(|| quantity::written_duration(given.standard_lag));
    list.push(plain("max-lag", Some(lag), from));
    list.extend(login(target));
    let (environment, from) = with_origin(target.environment.clone());
    list.push(plain("environment", environment, &from));
    let tags = (!target.tags.is_empty()).then(|| target.tags.join(", "));
    let from = target.name.as_deref().filter(|_| tags.is_some()).unwrap_or("default");
    list.push(plain("tags", tags, from));
    list
}

/// What was given for a repository in S3.
fn repository(settings: &Settings, target: &Target, given: &Given) -> Vec<Setting> {
    let repo = settings.repo_of(given.repo.as_deref(), target.name.as_deref());
    let Some((repo, _)) = repo.filter(|(repo, _)| repo.starts_with("s3://")) else {
        return Vec::new();
    };
    let options = settings.s3_given(&repo, &given.s3).into_iter();
    options.map(|(key, value, origin)| plain(key, Some(value), &origin.to_string())).collect()
}

/// How the password is had: the command hidden, the name of a secret not.
fn login(target: &Target) -> Vec<Setting> {
    let login = target.login.as_ref();
    let from = login.map_or("default".to_owned(), |login| login.origin().to_string());
    let of = |word: &str, value: Option<String>| {
        let from = if value.is_some() { from.as_str() } else { "default" };
        plain(word, value, from)
    };
    let command = login.filter(|login| matches!(login, Login::Command(_)));
    let command = of("password_command", command.map(|_| MASK.to_owned()));
    let mut list = vec![Setting { secret: true, ..command }];
    let cloud = match login {
        Some(Login::SecretsManager { id, cloud }) => {
            list.push(of("secret", Some(id.clone())));
            cloud
        }
        Some(Login::Iam(cloud)) => {
            list.push(of("iam", Some("true".to_owned())));
            cloud
        }
        _ => return list,
    };
    list.extend(cloud.region.clone().map(|region| of("aws_region", Some(region))));
    list.extend(cloud.profile.clone().map(|profile| of("aws_profile", Some(profile))));
    list
}

/// What is shown of every other server, given or not: it decides where and how.
const ALWAYS: [&str; 5] = ["user", "dbname", "host", "port", "sslmode"];

fn other(target: &Target, weight: Option<u32>) -> OtherServer {
    OtherServer {
        server: target.to_string(),
        url: target.url_without_secrets(),
        weight,
        settings: target
            .keywords()
            .into_iter()
            .filter(|shown| shown.origin != Origin::Default || ALWAYS.contains(&shown.name))
            .map(keyword)
            .collect(),
    }
}

fn backup(settings: &Settings, given: &Given) -> Vec<Setting> {
    let file = settings.config_path().map(|path| format!("[backup] ({})", path.display()));
    let (own, standard) = (values(&settings.backup), values(&given.standard));
    let own_and_standard = own.into_iter().zip(standard);
    let labels = settings.backup.labels.iter().map(|label| (label, false));
    let labels = labels.filter(|((key, _), _)| given.labels.iter().all(|(own, _)| own != *key));
    let labels = labels.chain(given.labels.iter().map(|label| (label, true))).map(
        |((key, value), is_flag)| {
            let origin = if is_flag { "--label" } else { file.as_deref().unwrap_or_default() };
            plain(&format!("labels.{key}"), Some(value.to_owned()), origin)
        },
    );
    let ping = settings.ping(given.ping.as_ref());
    let from = ping.as_ref().map_or("default".to_owned(), |(_, origin)| origin.to_string());
    let ping = ping.map(|_| MASK.to_owned());
    let ping = Setting { secret: true, ..plain("ping", ping, &from) };
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
        .chain([ping])
        .chain(labels)
        .collect()
}

/// As they stand in `[backup]`.
fn values(defaults: &BackupDefaults) -> Vec<(&'static str, Option<String>)> {
    let own = [
        ("jobs", defaults.jobs.map(|jobs| jobs.to_string())),
        ("compress", defaults.compress.clone()),
        ("chunk", defaults.chunk.map(quantity::written_bytes)),
        ("max_age", defaults.max_age.map(quantity::written_duration)),
        ("recipients", (!defaults.recipients.is_empty()).then(|| defaults.recipients.join(" "))),
        ("rate_limit", defaults.rate_limit.map(quantity::written_rate)),
        ("metrics_file", defaults.metrics_file.as_ref().map(|path| path.display().to_string())),
        ("before", defaults.before.clone()),
        ("after", defaults.after.clone()),
        ("on_failure", defaults.on_failure.clone()),
        ("hook_timeout", defaults.hook_timeout.map(quantity::written_duration)),
    ];
    own.into_iter().chain(defaults.retention.values()).collect()
}

fn application(setting: &ApplicationSetting) -> Setting {
    Setting {
        secret: setting.is_secret(),
        effect: false,
        ..plain(&setting.name, Some(setting.value.clone()), &setting.origin.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::settings::{ConnectArgs, Environment};

    /// What is shown for a connection string, with these variables and a password file.
    fn shown(url: &str, variables: &[(&str, &str)], passfile: &str) -> SettingsReport {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".pgpass");
        std::fs::write(&file, passfile).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let own = [("HOME", home.path().to_str().unwrap()), ("USER", "me")];
        let list = variables.iter().copied().chain(own);
        let all = Settings::load(Environment::from_list(home.path(), list), None).unwrap();
        let args = match url {
            "" => ConnectArgs::default(),
            url => ConnectArgs { url: Some(url.to_owned()), ..Default::default() },
        };
        let resolved = all.target(&args).unwrap();
        let given = Given { application_name: "pgtend/backup".to_owned(), ..Given::default() };
        settings(&all, &resolved, &given)
    }

    fn line(list: &[Setting], name: &str) -> (String, String) {
        let found = list.iter().find(|setting| setting.name == name);
        let found = found.unwrap_or_else(|| panic!("no {name} in {list:?}"));
        let origin = found.origin.rsplit('/').next().unwrap_or_default().to_owned();
        (found.value.clone().unwrap_or("-".to_owned()), origin)
    }

    fn is(list: &[Setting], name: &str, value: &str, origin: &str) {
        assert_eq!(line(list, name), (value.to_owned(), origin.to_owned()), "{name}");
    }

    #[test]
    fn what_is_in_force_is_shown_and_not_what_was_written() {
        let report = shown("host=h user='' dbname='' port='' sslsni=''", &[], "");
        for (name, value) in [("user", "me"), ("dbname", "me"), ("port", "5432"), ("sslsni", "0")] {
            is(&report.server, name, value, "--url");
        }
    }

    #[test]
    fn pgrequiressl_has_its_name() {
        let variable = [("PGREQUIRESSL", "1")];
        is(&shown("host=h", &variable, "").server, "sslmode", "require", "PGREQUIRESSL");
        let given = shown("host=h sslmode=prefer", &variable, "");
        is(&given.server, "sslmode", "prefer", "--url");
        let system = shown("host=h sslrootcert=system", &variable, "");
        is(&system.server, "sslmode", "verify-full", "default");
        is(&shown("host=h", &[], "").server, "sslmode", "prefer", "default");
    }

    #[test]
    fn the_sessions_name_is_the_one_that_is_sent() {
        is(&shown("host=h", &[], "").server, "application_name", "pgtend/backup", "default");
        let report = shown("host=h application_name=x", &[], "");
        is(&report.server, "application_name", "x", "--url");
    }

    #[test]
    fn hosts_with_other_passwords_are_told_apart() {
        let report = shown("host=a,b", &[], "a:*:*:*:hunter2\n");
        is(&report.server, "password (a:5432)", "***", ".pgpass, line 1");
        is(&report.server, "password (b:5432)", "-", "default");
        let report = shown("host=a,b", &[], "*:*:*:*:hunter2\n");
        is(&report.server, "password", "***", ".pgpass, line 1");
    }

    #[test]
    fn another_server_is_shown_with_what_decides() {
        let variables = [
            ("DATABASE_URL", "postgresql://h/d"),
            ("REPLICA_DB_URL", "postgresql://r"),
            ("VAULT_URL", "https://u:hunter2@vault"),
            ("JWT_SECRET_KEY", "hunter2"),
        ];
        let report = shown("", &variables, "");
        let replica = &report.replicas[0].settings;
        for (name, value) in [("user", "me"), ("dbname", "me"), ("sslmode", "prefer")] {
            is(replica, name, value, "default");
        }
        is(&report.application, "VAULT_URL", "https://u:***@vault", "VAULT_URL");
        is(&report.application, "JWT_SECRET_KEY", "***", "JWT_SECRET_KEY");
        let secret = report.application.iter().filter(|setting| setting.secret);
        assert_eq!(
            secret.map(|setting| setting.name.as_str()).collect::<Vec<_>>(),
            ["JWT_SECRET_KEY"]
        );
    }
}
