//! pgtend.toml.
//!
//! Search order: `--config`, `PGTEND_CONFIG`, `./pgtend.toml`,
//! `$XDG_CONFIG_HOME/pgtend/pgtend.toml` (or `~/.config`), `/etc/pgtend/pgtend.toml`. Only
//! the first one found is read.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use super::check::{self, CheckSettings};
use super::cloud_login::{LoginEntry, LoginKeys};
use super::env::Environment;
use super::labels::Labels;
use super::retention::Retention;
use super::secret::Secret;
use super::{bounded, dsn, keyword, quantity};
use crate::cli::repository::S3Flags;
use crate::error::{Error, Result};

/// What may stand at the top.
const TOP_KEYS: [&str; 7] =
    ["default_target", "repo", "identity", "repository", "target", "backup", "check"];
/// What may stand in a target, beside libpq's keywords.
const TARGET_KEYS: [&str; 10] = [
    "url",
    "repo",
    "replicas",
    "password_command",
    "secret",
    "iam",
    "aws_region",
    "aws_profile",
    "environment",
    "tags",
];
/// What may stand in one of `replicas`.
const REPLICA_KEYS: [&str; 2] = ["url", "weight"];
/// What may stand in `[backup]`.
const BACKUP_KEYS: [&str; 13] = [
    "jobs",
    "compress",
    "chunk",
    "max_age",
    "recipients",
    "rate_limit",
    "labels",
    "ping",
    "metrics_file",
    "before",
    "after",
    "on_failure",
    "hook_timeout",
];

/// What may stand in `[repository."s3://.."]`.
const REPOSITORY_KEYS: [&str; 11] = [
    "endpoint",
    "region",
    "profile",
    "path_style",
    "checksum",
    "sse",
    "kms_key",
    "storage_class",
    "object_lock",
    "expected_bucket_owner",
    "uploads",
];

/// What a file says.
#[derive(Default)]
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub default_target: Option<String>,
    pub repo: Option<String>,
    /// File with the secret keys of sealed backups.
    pub identity: Option<String>,
    pub targets: BTreeMap<String, TargetEntry>,
    pub backup: BackupDefaults,
    pub check: CheckSettings,
    /// By address, without a closing `/`.
    pub repositories: BTreeMap<String, S3Flags>,
}

/// One `[target.NAME]`.
#[derive(Default)]
pub(super) struct TargetEntry {
    pub url: Option<String>,
    pub repo: Option<String>,
    pub replicas: Vec<ReplicaEntry>,
    pub login: Option<LoginEntry>,
    pub environment: Option<String>,
    pub tags: Vec<String>,
    /// libpq's keywords.
    pub keywords: Vec<(&'static str, String)>,
}

/// One of `replicas`.
pub(super) struct ReplicaEntry {
    pub url: String,
    /// At least 1, which is the default.
    pub weight: u32,
}

/// `[backup]`: defaults for the flags of the same names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupDefaults {
    /// Workers.
    pub jobs: Option<usize>,
    /// As `--compress` takes it.
    pub compress: Option<String>,
    /// Bytes.
    pub chunk: Option<u64>,
    pub max_age: Option<Duration>,
    /// Public keys that backups are sealed to: `age1..`.
    pub recipients: Vec<String>,
    /// `keep_last` and its like.
    pub retention: Retention,
    /// Bytes in a second.
    pub rate_limit: Option<u64>,
    /// What `--label` adds to and replaces.
    pub labels: Labels,
    /// Whoever knows it can answer for this job.
    pub ping: Option<Secret>,
    pub metrics_file: Option<PathBuf>,
    /// For `sh -c`, as the two that follow.
    pub before: Option<String>,
    pub after: Option<String>,
    pub on_failure: Option<String>,
    pub hook_timeout: Option<Duration>,
}

impl BackupDefaults {
    fn has_hooks(&self) -> bool {
        [&self.before, &self.after, &self.on_failure].into_iter().any(Option::is_some)
    }
}

/// Reads the first file of the search order; `None` when there is none. A place where it could
/// not be looked for is noted.
pub(super) fn load(
    env: &Environment,
    config: Option<&Path>,
    notes: &mut Vec<String>,
) -> Result<Option<ConfigFile>> {
    let named = config.or_else(|| env.path("PGTEND_CONFIG"));
    let path = match named {
        Some(path) => env.folder().join(path),
        None => match search(env, notes)? {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let cannot = |error: &std::io::Error| {
        Error::usage(format!("cannot read {}", path.display())).caused_by(error)
    };
    let opened = bounded::open(&path).map_err(|error| cannot(&error))?;
    let (mode, owner) = (opened.metadata.mode(), opened.metadata.uid());
    if named.is_none() && path == in_current_folder(env) {
        may_be_found(&path, mode, owner)?;
    }
    let bytes = opened.read(bounded::SETTINGS).map_err(|error| cannot(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Error::usage(format!("cannot read {}", path.display()))
            .because(format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
    })?;
    let file = parse(&text, &path)?;
    if file.targets.values().any(|entry| entry.login.as_ref().is_some_and(LoginEntry::is_command)) {
        may_hold_a_command(&path, mode, owner, "a password_command")?;
    }
    if file.backup.has_hooks() {
        may_hold_a_command(&path, mode, owner, "hooks of [backup]")?;
    }
    if mode & 0o077 != 0 && file.backup.ping.is_some() {
        notes.push(format!(
            "{} holds the ping URL and others can read it: chmod 0600, or set PGTEND_PING",
            path.display()
        ));
    }
    if mode & 0o077 != 0 && file.targets.values().any(TargetEntry::holds_a_password) {
        return Err(Error::usage(format!(
            "{} holds a password and others can read it",
            path.display()
        ))
        .next(format!("run chmod 0600 {}, or put the password into ~/.pgpass", path.display())));
    }
    Ok(Some(file))
}

/// The first place with a file.
fn search(env: &Environment, notes: &mut Vec<String>) -> Result<Option<PathBuf>> {
    let own = env.path("XDG_CONFIG_HOME").map(|folder| folder.join(IN_CONFIG));
    for path in places(env) {
        match path.try_exists() {
            Ok(true) => return Ok(Some(path)),
            Ok(false) => {}
            // HOME=/dev/null of a service.
            Err(error) if error.kind() == ErrorKind::NotADirectory => {}
            Err(error) if own.as_ref() == Some(&path) => {
                return Err(Error::usage(format!("cannot look for {}", path.display()))
                    .caused_by(&error)
                    .next("set XDG_CONFIG_HOME to a folder that you can read, or take --config"));
            }
            Err(error) => {
                notes.push(format!("{} was not looked for: {error}", path.display()));
            }
        }
    }
    Ok(None)
}

/// In a folder of settings.
const IN_CONFIG: &str = "pgtend/pgtend.toml";

fn in_current_folder(env: &Environment) -> PathBuf {
    env.folder().join("pgtend.toml")
}

fn is_of_another(owner: u32) -> bool {
    owner != 0 && owner != rustix::process::geteuid().as_raw()
}

/// In a folder like /tmp anybody could lay one, and send us to a server of his.
fn may_be_found(path: &Path, mode: u32, owner: u32) -> Result<()> {
    let why = match (mode & 0o002 != 0, is_of_another(owner)) {
        (true, _) => "everybody can write it",
        (_, true) => "it belongs to another user",
        _ => return Ok(()),
    };
    let path = path.display();
    Err(Error::usage(format!("{path} of the current folder is not obeyed"))
        .because(why)
        .next(format!("name it with --config {path} if it is the one you mean")))
}

/// What others can write is theirs to run as us.
fn may_hold_a_command(path: &Path, mode: u32, owner: u32, what: &str) -> Result<()> {
    let path = path.display();
    let refused = Error::usage(format!("{path} holds {what} and others can write it"));
    if mode & 0o022 != 0 {
        return Err(refused
            .because("whoever can write the file could have any command run")
            .next(format!("run chmod go-w {path}")));
    }
    if is_of_another(owner) {
        return Err(refused
            .because("the file belongs to another user, who could have any command run")
            .next("name a file of your own with --config"));
    }
    Ok(())
}

fn places(env: &Environment) -> Vec<PathBuf> {
    let own = env
        .path("XDG_CONFIG_HOME")
        .map(Path::to_owned)
        .or_else(|| env.home().map(|home| home.join(".config")));
    [
        Some(in_current_folder(env)),
        own.map(|folder| folder.join(IN_CONFIG)),
        Some(PathBuf::from("/etc/pgtend/pgtend.toml")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Reads the text; `path` is for errors. They never repeat a line: it may hold a password.
pub(super) fn parse(text: &str, path: &Path) -> Result<ConfigFile> {
    let table: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| {
            text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count() + 1
        });
        Error::usage(format!("{}, line {line}: not valid TOML", path.display()))
            .because(error.message().lines().next().unwrap_or_default())
            .next("texts stand in quotes: host = \"db.example.com\"")
    })?;
    let section = |place: &str| Section { path, place: place.to_owned() };
    let top = section("");
    let mut file = ConfigFile { path: path.to_owned(), ..ConfigFile::default() };
    for (key, value) in table {
        match key.as_str() {
            "default_target" => file.default_target = Some(top.text(&key, &value)?),
            "repo" => file.repo = Some(top.text(&key, &value)?),
            "identity" => file.identity = Some(top.filled(&key, &value)?),
            "target" => {
                for (name, value) in top.table(&key, value)? {
                    let place = section(&format!("target.{name}"));
                    let entry = target(&place, top.table(&name, value)?)?;
                    file.targets.insert(name, entry);
                }
            }
            "repository" => {
                for (address, value) in top.table(&key, value)? {
                    let place = section(&format!("repository.{address:?}"));
                    if !address.starts_with("s3://") {
                        return Err(top.invalid(&place.place).because(
                            "a repository with options is in S3: [repository.\"s3://bucket/pg\"]",
                        ));
                    }
                    let options = repository(&place, top.table(&address, value)?)?;
                    file.repositories.insert(address.trim_end_matches('/').to_owned(), options);
                }
            }
            "backup" => file.backup = backup(&section("backup"), top.table(&key, value)?)?,
            "check" => file.check = check::read(&section("check"), top.table(&key, value)?)?,
            _ => return Err(top.unknown(&key, &TOP_KEYS)),
        }
    }
    Ok(file)
}

fn target(section: &Section<'_>, table: Table) -> Result<TargetEntry> {
    let mut entry = TargetEntry::default();
    let mut login = LoginKeys::default();
    for (key, value) in table {
        if login.take(section, &key, &value)? {
            continue;
        }
        match (key.as_str(), keyword::find(&key)) {
            ("url", _) => entry.url = Some(section.text(&key, &value)?),
            ("repo", _) => entry.repo = Some(section.text(&key, &value)?),
            ("replicas", _) => entry.replicas = replicas(section, &key, value)?,
            ("environment", _) => entry.environment = Some(section.filled(&key, &value)?),
            ("tags", _) => {
                let tags = section.list(&key, value)?;
                entry.tags =
                    tags.iter().map(|tag| section.filled(&key, tag)).collect::<Result<_>>()?;
            }
            (_, Some(keyword)) => {
                entry.keywords.push((keyword.name, section.scalar(&key, &value)?));
            }
            _ => {
                let mut known: Vec<&str> = keyword::KEYWORDS.iter().map(|k| k.name).collect();
                known.extend(TARGET_KEYS);
                return Err(section.unknown(&key, &known));
            }
        }
    }
    entry.login = login.finish(section)?;
    Ok(entry)
}

fn replicas(section: &Section<'_>, key: &str, value: Value) -> Result<Vec<ReplicaEntry>> {
    let entries = section.list(key, value)?.into_iter().zip(1..);
    entries
        .map(|(value, number)| {
            let name = format!("{key}[{number}]");
            let table = section.table(&name, value)?;
            replica(&Section { path: section.path, place: section.name(&name) }, table)
        })
        .collect()
}

fn replica(section: &Section<'_>, table: Table) -> Result<ReplicaEntry> {
    let (mut url, mut weight) = (None, 1);
    for (key, value) in table {
        match key.as_str() {
            "url" => url = Some(section.text(&key, &value)?),
            "weight" => {
                let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
                weight = number
                    .filter(|number| *number > 0)
                    .ok_or_else(|| section.invalid(&key).because("it is a whole number from 1"))?;
            }
            _ => return Err(section.unknown(&key, &REPLICA_KEYS)),
        }
    }
    match url {
        Some(url) => Ok(ReplicaEntry { url, weight }),
        None => Err(section.invalid("url").because("a replica needs one")),
    }
}

fn backup(section: &Section<'_>, table: Table) -> Result<BackupDefaults> {
    let mut defaults = BackupDefaults::default();
    for (key, value) in table {
        let invalid = |cause: String| section.invalid(&key).because(cause);
        match key.as_str() {
            "jobs" => {
                let jobs = value.as_integer().and_then(|jobs| usize::try_from(jobs).ok());
                let jobs = jobs.filter(|jobs| *jobs > 0);
                defaults.jobs =
                    Some(jobs.ok_or_else(|| invalid("it is a number from 1".to_owned()))?);
            }
            "compress" => defaults.compress = Some(section.scalar(&key, &value)?),
            "chunk" => {
                let text = section.scalar(&key, &value)?;
                defaults.chunk = Some(quantity::bytes(&text).map_err(invalid)?);
            }
            "max_age" => {
                let text = section.scalar(&key, &value)?;
                defaults.max_age = Some(quantity::duration(&text).map_err(invalid)?);
            }
            "recipients" => {
                let keys = section.list(&key, value)?;
                defaults.recipients =
                    keys.iter().map(|name| section.filled(&key, name)).collect::<Result<_>>()?;
            }
            "keep_within" => {
                let text = section.scalar(&key, &value)?;
                let within = quantity::duration(&text).map_err(invalid)?;
                if within.is_zero() {
                    return Err(invalid("it is a time, like 30d".to_owned()));
                }
                defaults.retention.within = Some(within);
            }
            "rate_limit" => {
                let text = section.scalar(&key, &value)?;
                defaults.rate_limit = Some(quantity::rate(&text).map_err(invalid)?);
            }
            "labels" => {
                for (name, value) in section.table(&key, value)? {
                    let text = section.scalar(&name, &value)?;
                    defaults.labels.add(&name, &text).map_err(invalid)?;
                }
            }
            "ping" => defaults.ping = Some(Secret::new(section.filled(&key, &value)?)),
            "metrics_file" => {
                defaults.metrics_file = Some(PathBuf::from(section.filled(&key, &value)?));
            }
            "before" => defaults.before = Some(section.filled(&key, &value)?),
            "after" => defaults.after = Some(section.filled(&key, &value)?),
            "on_failure" => defaults.on_failure = Some(section.filled(&key, &value)?),
            "hook_timeout" => {
                let text = section.scalar(&key, &value)?;
                defaults.hook_timeout = Some(quantity::duration(&text).map_err(invalid)?);
            }
            _ => match defaults.retention.number(&key) {
                Some(place) => {
                    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
                    let number = number.filter(|number| *number > 0);
                    *place = Some(number.ok_or_else(|| invalid("it is a number from 1".into()))?);
                }
                None => {
                    return Err(
                        section.unknown(&key, &[&BACKUP_KEYS[..], &Retention::KEYS].concat())
                    );
                }
            },
        }
    }
    Ok(defaults)
}

/// The options of a repository, under the names of their flags.
fn repository(section: &Section<'_>, table: Table) -> Result<S3Flags> {
    let mut options = S3Flags::default();
    for (key, value) in table {
        let place = match key.as_str() {
            "endpoint" => &mut options.endpoint_url,
            "region" => &mut options.s3_region,
            "profile" => &mut options.s3_profile,
            "checksum" => &mut options.s3_checksum,
            "sse" => &mut options.s3_sse,
            "kms_key" => &mut options.s3_kms_key,
            "storage_class" => &mut options.s3_storage_class,
            "object_lock" => &mut options.s3_object_lock,
            "expected_bucket_owner" => &mut options.s3_expected_owner,
            "path_style" => {
                let style = value.as_bool();
                let style =
                    style.ok_or_else(|| section.invalid(&key).because("it is true or false"))?;
                options.s3_path_style = Some(style);
                continue;
            }
            "uploads" => {
                let number = value.as_integer().and_then(|number| u16::try_from(number).ok());
                let number = number.filter(|number| *number > 0);
                options.s3_uploads =
                    Some(number.ok_or_else(|| {
                        section.invalid(&key).because("it is a whole number from 1")
                    })?);
                continue;
            }
            _ => return Err(section.unknown(&key, &REPOSITORY_KEYS)),
        };
        *place = Some(section.filled(&key, &value)?);
    }
    Ok(options)
}

impl TargetEntry {
    fn holds_a_password(&self) -> bool {
        let secret = keyword::is_secret;
        let mut urls = self.url.iter().chain(self.replicas.iter().map(|replica| &replica.url));
        self.keywords.iter().any(|(name, _)| secret(name))
            // What cannot be read may hold one.
            || urls.any(|url| {
                dsn::parse(url).map_or(true, |info| info.into_values().any(|(name, _)| secret(name)))
            })
    }
}

/// A table of the file, for messages.
pub(super) struct Section<'a> {
    pub(super) path: &'a Path,
    pub(super) place: String,
}

impl Section<'_> {
    pub(super) fn name(&self, key: &str) -> String {
        match self.place.as_str() {
            "" => key.to_owned(),
            place => format!("{place}.{key}"),
        }
    }

    pub(super) fn invalid(&self, key: &str) -> Error {
        Error::usage(format!("invalid {} in {}", self.name(key), self.path.display()))
    }

    pub(super) fn unknown(&self, key: &str, known: &[&str]) -> Error {
        let error =
            Error::usage(format!("unknown key {} in {}", self.name(key), self.path.display()));
        match keyword::nearest(key, known.iter().copied()) {
            Some(near) => error.next(format!("did you mean \"{near}\"?")),
            None => error,
        }
    }

    pub(super) fn text(&self, key: &str, value: &Value) -> Result<String> {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.invalid(key).because("it is a text in quotes"))
    }

    /// A text that is not empty.
    pub(super) fn filled(&self, key: &str, value: &Value) -> Result<String> {
        let text = self.text(key, value)?;
        if text.is_empty() {
            return Err(self.invalid(key).because("it is empty"));
        }
        Ok(text)
    }

    pub(super) fn list(&self, key: &str, value: Value) -> Result<Vec<Value>> {
        match value {
            Value::Array(list) => Ok(list),
            _ => Err(self.invalid(key).because("it is a list in [ ]")),
        }
    }

    /// A text or a whole number.
    pub(super) fn scalar(&self, key: &str, value: &Value) -> Result<String> {
        match value {
            Value::Integer(number) => Ok(number.to_string()),
            _ => self.text(key, value),
        }
    }

    pub(super) fn table(&self, key: &str, value: Value) -> Result<Table> {
        match value {
            Value::Table(table) => Ok(table),
            _ => Err(self.invalid(key).because("it is a table")),
        }
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
