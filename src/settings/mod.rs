//! What the operator means: flags, pgtend.toml, libpq's files and the environment, resolved
//! once. Nobody else reads an environment variable or one of those files.
//!
//! [`Environment`] is the process's environment as it was at the start; [`Settings`] adds
//! pgtend.toml; [`Settings::target`] puts both and the flags together to a [`Target`], in
//! which no default is open.

mod advice;
mod application;
mod between;
mod bounded;
mod build;
mod check;
mod cloud;
mod cloud_login;
pub mod conninfo;
mod declared;
mod dotenv;
mod dsn;
mod env;
mod env_file;
mod expected;
mod file;
mod identity_file;
mod inherit;
mod keyword;
mod labels;
mod layer;
mod learned;
mod login;
mod machine;
mod masked;
mod origin;
mod other_servers;
mod passfile;
mod passwords;
mod prompt;
pub mod quantity;
mod resolve;
mod retention;
mod s3;
mod secret;
mod service;
mod shown;
mod source;
mod stage;
mod strength;
mod target;
mod variables;

use std::path::{Path, PathBuf};

pub use between::{Between, Pooler, PoolerKind, PoolerMode};
pub use check::{ApplicationSize, CheckSettings, Ignore, LimitEntry};
pub use cloud::{AwsSettings, HttpSettings, Proxy};
pub use declared::{
    Declared, DeclaredServer, DeclaredTls, DeclaredValue, ServerRole, UrlFault, Weakness,
};
pub use env::Environment;
pub use file::BackupDefaults;
pub use identity_file::{identity_file, recipients_file};
pub use labels::Labels;
pub use learned::Learned;
pub use login::{CloudAccess, Login, PasswordCommand};
pub use machine::{Machine, machine};
pub use masked::{GIVE_URL, MASK, masked};
pub use origin::Origin;
pub use prompt::{Asked, ask_password};
pub use retention::Retention;
pub use s3::{ObjectLock, S3Checksum, S3Encryption, S3Settings, UPLOADS, Until};
pub use secret::Secret;
pub use shown::Shown;
pub use source::UnusedVariable;
pub use stage::Stage;
pub use target::{
    ApplicationSetting, ChannelBinding, ClientCertificate, Host, Keepalive, Replica, Roots,
    SessionAttrs, SslMode, Target, TlsSettings, TlsVersion,
};
pub use variables::{Effect, KNOWN as KNOWN_VARIABLES, Kind, KnownVariable};

use crate::cli::connect::{ConnectFlags, ReadFrom};
use crate::cli::repository::S3Flags;
use crate::error::{Error, Result};

/// The connection flags as they were given.
#[derive(Clone, Default)]
pub struct ConnectArgs {
    /// A connection string: URI or `key=value`.
    pub url: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    /// A name, or a connection string as in psql.
    pub dbname: Option<String>,
    /// Never ask for a password.
    pub no_password: bool,
    /// Ask for the password before connecting, whatever is known.
    pub password: bool,
    /// A name of pgtend.toml.
    pub target: Option<String>,
    /// A file with the variables of an application.
    pub env_file: Option<PathBuf>,
    /// What is wrong in the file is judged: it hinders nobody when flags name the server.
    pub judges_env_file: bool,
    /// Which of the servers with the same data to read from; `None` is the primary.
    pub read_from: Option<ReadFrom>,
    /// How far a replica may be behind to be read from; `None` is a minute.
    pub max_lag: Option<String>,
    /// Log in with a token of RDS.
    pub iam: bool,
    /// Name or ARN of the secret of AWS Secrets Manager to log in with.
    pub secret: Option<String>,
    /// For [`Settings::load`].
    pub config: Option<PathBuf>,
}

impl From<&ConnectFlags> for ConnectArgs {
    fn from(flags: &ConnectFlags) -> Self {
        Self {
            url: flags.url.clone(),
            host: flags.host.clone(),
            port: flags.port,
            user: flags.username.clone(),
            dbname: flags.dbname.clone(),
            no_password: flags.no_password,
            password: flags.password,
            target: flags.target.clone(),
            env_file: flags.env_file.clone(),
            judges_env_file: false,
            read_from: flags.read_from,
            max_lag: flags.max_lag.clone(),
            iam: flags.iam,
            secret: flags.secret.clone(),
            config: flags.config.clone(),
        }
    }
}

impl ConnectArgs {
    /// Looks for a connection string where a name belongs.
    ///
    /// # Errors
    /// Usage, naming the flag and not its value.
    pub fn check(&self) -> Result<()> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        for (flag, value) in [
            ("--username", self.user.clone()),
            ("--target", self.target.clone()),
            ("--env-file", path(&self.env_file)),
            ("--config", path(&self.config)),
        ] {
            if value.is_some_and(|value| masked::is_slip(&value)) {
                return Err(
                    Error::usage(format!("{flag} holds a connection string")).next(GIVE_URL)
                );
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for ConnectArgs {
    // The URL may hold a password, and so may a connection string in `dbname`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectArgs")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("target", &self.target)
            .field("env_file", &self.env_file)
            .field("read_from", &self.read_from)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A target, and what the operator should know about how it was chosen.
#[derive(Debug)]
pub struct Resolved {
    pub target: Target,
    /// Variables of the application that were seen and are not used.
    pub unused: Vec<UnusedVariable>,
    /// Lines for standard error, without secrets; the first says which server was chosen.
    pub notes: Vec<String>,
}

/// The environment and pgtend.toml.
pub struct Settings {
    /// Defaults for the flags of `backup`.
    pub backup: BackupDefaults,
    /// What `check` is told.
    pub check: CheckSettings,
    env: Environment,
    file: Option<file::ConfigFile>,
    /// What was odd when pgtend.toml was looked for.
    notes: Vec<String>,
}

impl Settings {
    /// Reads pgtend.toml: `config`, or the first of the search order.
    ///
    /// # Errors
    /// Usage: the named file is missing, a key is unknown, a value is invalid, the file holds a
    /// password and others can read it, one of the current folder is another user's to write, or
    /// a variable that is read is not UTF-8.
    pub fn load(env: Environment, config: Option<&Path>) -> Result<Self> {
        variables::refuse_unreadable(&env)?;
        let mut notes = Vec::new();
        let file = file::load(&env, config, &mut notes)?;
        let backup = file.as_ref().map(|file| file.backup.clone()).unwrap_or_default();
        let check = file.as_ref().map(|file| file.check.clone()).unwrap_or_default();
        Ok(Self { backup, check, env, file, notes })
    }

    /// The server that `args` mean.
    ///
    /// # Errors
    /// Usage, without any part of a connection string.
    pub fn target(&self, args: &ConnectArgs) -> Result<Resolved> {
        let mut resolved = resolve::resolve(&self.env, self.file.as_ref(), args)?;
        resolved.notes.extend(self.notes.iter().cloned());
        Ok(resolved)
    }

    /// The names of the targets of pgtend.toml; with `tags`, of those that have one of them.
    pub fn target_names(&self, tags: &[String]) -> Vec<String> {
        let targets = self.file.iter().flat_map(|file| &file.targets);
        let tagged = |of: &[String]| tags.is_empty() || of.iter().any(|tag| tags.contains(tag));
        let names = targets.filter(|(_, entry)| tagged(&entry.tags));
        names.map(|(name, _)| name.clone()).collect()
    }

    /// What an application's env file declares, for judging.
    ///
    /// # Errors
    /// Usage, when it cannot be read.
    pub fn declared(&self, path: &Path) -> Result<Declared> {
        declared::read(&self.env, path)
    }

    /// The backup repository: `flag`, `PGTEND_REPO`, `repo` of the target (`target`, else
    /// `default_target`), or `repo` at the top of pgtend.toml.
    ///
    /// # Errors
    /// Usage, when none of them is set.
    pub fn repo(&self, flag: Option<&str>, target: Option<&str>) -> Result<String> {
        self.repo_of(flag, target).map(|(repo, _)| repo).ok_or_else(|| {
            Error::usage("no backup repository is known").next(
                "give --repo, set PGTEND_REPO, or put repo into the target or the top of \
                 pgtend.toml",
            )
        })
    }

    /// The same with where it is from; `None` when no repository is known.
    pub fn repo_of(&self, flag: Option<&str>, target: Option<&str>) -> Option<(String, Origin)> {
        let flag = flag.map(|repo| (repo, Origin::Flag("--repo")));
        let variable = || {
            self.env.text("PGTEND_REPO").map(|repo| (repo, Origin::Variable("PGTEND_REPO".into())))
        };
        let of_target = || {
            let file = self.file.as_ref()?;
            let name = target.or(file.default_target.as_deref())?;
            let repo = file.targets.get(name)?.repo.as_deref()?;
            Some((repo, Origin::Config { target: name.to_owned(), path: file.path.clone() }))
        };
        let of_file = || {
            let file = self.file.as_ref()?;
            let target = "the top".to_owned();
            Some((file.repo.as_deref()?, Origin::Config { target, path: file.path.clone() }))
        };
        let found = flag.or_else(variable).or_else(of_target).or_else(of_file);
        found.map(|(repo, origin)| (repo.to_owned(), origin))
    }

    /// Files with the secret keys of sealed backups: `flags`, else `PGTEND_IDENTITY_FILE`, else
    /// `identity` of pgtend.toml.
    pub fn identity_files(&self, flags: &[PathBuf]) -> Vec<(PathBuf, Origin)> {
        if !flags.is_empty() {
            return flags.iter().map(|path| (path.clone(), Origin::Flag("--identity"))).collect();
        }
        let variable = self.env.path("PGTEND_IDENTITY_FILE");
        let variable =
            variable.map(|path| (path.to_owned(), Origin::Variable("PGTEND_IDENTITY_FILE".into())));
        let of_file = || {
            let file = self.file.as_ref()?;
            let home = || self.env.home();
            let named = file.identity.as_deref()?;
            let path = match (named.strip_prefix("~/"), home()) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => PathBuf::from(named),
            };
            let origin = Origin::Config { target: "identity".into(), path: file.path.clone() };
            Some((path, origin))
        };
        variable.or_else(of_file).into_iter().collect()
    }

    /// How the repository at `location` is reached, were it in S3: `flags`, then
    /// `[repository."s3://.."]`, then the environment.
    ///
    /// # Errors
    /// Usage, for values that cannot be.
    pub fn s3(&self, location: &str, flags: &S3Flags) -> Result<S3Settings> {
        let file = self.file.as_ref();
        let entry = file.and_then(|file| file.repositories.get(location.trim_end_matches('/')));
        s3::resolve(self.env.aws(), flags, entry)
    }

    /// What was given for the repository at `location`, were it in S3: keys of
    /// `[repository."s3://.."]`, values, and where they come from.
    pub fn s3_given(&self, location: &str, flags: &S3Flags) -> Vec<(&'static str, String, Origin)> {
        let entry = self.file.as_ref().and_then(|file| {
            let location = location.trim_end_matches('/');
            Some((file.repositories.get(location)?, &file.path))
        });
        let origin = |flag: Option<&'static str>| match (flag, entry) {
            (Some(flag), _) => Origin::Flag(flag),
            (None, Some((_, path))) => Origin::Config {
                target: format!("[repository.\"{location}\"]"),
                path: path.clone(),
            },
            (None, None) => Origin::Default,
        };
        let given = s3::given(flags, entry.map(|(options, _)| options)).into_iter();
        given.map(|(key, value, flag)| (key, value, origin(flag))).collect()
    }

    /// The URL to ping: `flag`, `PGTEND_PING`, or `ping` of `[backup]`.
    pub fn ping(&self, flag: Option<&Secret>) -> Option<(Secret, Origin)> {
        let flag = flag.map(|url| (url.clone(), Origin::Flag("--ping")));
        let variable = || {
            let url = self.env.text("PGTEND_PING")?;
            Some((Secret::new(url), Origin::Variable("PGTEND_PING".into())))
        };
        let of_file = || {
            let path = self.file.as_ref()?.path.clone();
            Some((self.backup.ping.clone()?, Origin::Config { target: "[backup]".into(), path }))
        };
        flag.or_else(variable).or_else(of_file)
    }

    /// The process's environment as it was at the start.
    pub fn environment(&self) -> &Environment {
        &self.env
    }

    /// The pgtend.toml that was read.
    pub fn config_path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("backup", &self.backup)
            .field("env", &self.env)
            .field("config", &self.config_path())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod fuzz_tests;
