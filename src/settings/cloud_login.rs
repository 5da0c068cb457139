//! Logins by way of AWS: `iam`, `secret`, `aws_region` and `aws_profile` of a target, `--iam` and
//! `--secret`.

use std::sync::Arc;

use toml::Value;

use super::ConnectArgs;
use super::env::Environment;
use super::file::Section;
use super::login::{CloudAccess, Login, PasswordCommand};
use super::origin::Origin;
use super::source::{Floor, Source};
use super::target::{ChannelBinding, SslMode, Target};
use crate::error::{Error, Result};

/// What a target of pgtend.toml says of its login.
#[derive(Debug, Clone)]
pub(super) enum LoginEntry {
    /// For `sh -c`.
    Command(String),
    SecretsManager {
        id: String,
        account: Account,
    },
    Iam(Account),
}

/// `aws_region` and `aws_profile`.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    region: Option<String>,
    profile: Option<String>,
}

impl LoginEntry {
    pub fn is_command(&self) -> bool {
        matches!(self, Self::Command(_))
    }

    /// The login of a target, which is at `origin`.
    pub fn at(self, env: &Environment, origin: Origin) -> Login {
        match self {
            Self::Command(command) => Login::Command(PasswordCommand { command, origin }),
            Self::SecretsManager { id, account } => {
                Login::SecretsManager { id, cloud: account.access(env, origin) }
            }
            Self::Iam(account) => Login::Iam(account.access(env, origin)),
        }
    }
}

impl Account {
    fn access(self, env: &Environment, origin: Origin) -> CloudAccess {
        let environment = Arc::new(env.clone());
        CloudAccess { region: self.region, profile: self.profile, origin, environment }
    }
}

/// The keys of a login, while a target's table is read.
#[derive(Default)]
pub(super) struct LoginKeys {
    command: Option<String>,
    secret: Option<String>,
    iam: bool,
    account: Account,
}

impl LoginKeys {
    /// Takes a key that is one of a login.
    pub fn take(&mut self, section: &Section<'_>, key: &str, value: &Value) -> Result<bool> {
        let text = |section: &Section<'_>| section.filled(key, value).map(Some);
        match key {
            "password_command" => self.command = text(section)?,
            "secret" => self.secret = text(section)?,
            "aws_region" => self.account.region = text(section)?,
            "aws_profile" => self.account.profile = text(section)?,
            "iam" => {
                let iam = value.as_bool();
                self.iam =
                    iam.ok_or_else(|| section.invalid(key).because("it is true or false, bare"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The one login of the target.
    pub fn finish(self, section: &Section<'_>) -> Result<Option<LoginEntry>> {
        let Self { command, secret, iam, account } = self;
        let unused = account.region.is_some() || account.profile.is_some();
        match (command, secret, iam) {
            (None, Some(id), false) => Ok(Some(LoginEntry::SecretsManager { id, account })),
            (None, None, true) => Ok(Some(LoginEntry::Iam(account))),
            (None, None, false) if unused => Err(section
                .invalid(if account.region.is_some() { "aws_region" } else { "aws_profile" })
                .because("the target has neither iam = true nor a secret, which it is for")),
            (command, None, false) => Ok(command.map(LoginEntry::Command)),
            (command, ..) => {
                let first = if command.is_some() { "password_command" } else { "secret" };
                let second = if iam { "iam" } else { "secret" };
                Err(section
                    .invalid(second)
                    .because(format!("the target has a {first} too, and one login is enough")))
            }
        }
    }
}

/// `--iam` and `--secret`: above what the source says, with its account.
pub(super) fn of_flags(env: &Environment, args: &ConnectArgs, source: &mut Source) {
    let account = match source.login.take() {
        Some(Login::SecretsManager { cloud, .. } | Login::Iam(cloud))
            if args.iam || args.secret.is_some() =>
        {
            Account { region: cloud.region, profile: cloud.profile }
        }
        login if !args.iam && args.secret.is_none() => {
            source.login = login;
            return;
        }
        _ => Account::default(),
    };
    let entry = match &args.secret {
        Some(id) => LoginEntry::SecretsManager { id: id.clone(), account },
        None => LoginEntry::Iam(account),
    };
    let flag = if args.secret.is_some() { "--secret" } else { "--iam" };
    source.login = Some(entry.at(env, Origin::Flag(flag)));
}

/// A token travels as a password in clear, so that TLS is the least.
pub(super) fn needs_tls(source: &mut Source) {
    if let Some(Login::Iam(cloud)) = &source.login {
        source.floors.push(Floor { mode: SslMode::Require, origin: cloud.origin.clone() });
    }
}

/// Refuses what a token cannot be used with.
pub(super) fn check(target: &Target, notes: &mut Vec<String>) -> Result<()> {
    let Some(Login::Iam(cloud)) = &target.login else { return Ok(()) };
    let origin = &cloud.origin;
    let cannot = || Error::usage(format!("cannot log in to {target} with an IAM token ({origin})"));
    if target.hosts.iter().any(|host| host.socket().is_some()) {
        return Err(cannot()
            .because("it has a Unix socket, and a token needs TLS")
            .next("give the endpoint of the RDS instance as host"));
    }
    if target.tls.mode < SslMode::Require {
        return Err(cannot()
            .because(format!("sslmode={} could send it in clear", target.tls.mode.word()))
            .next("give sslmode=verify-full and the certificates of RDS (sslrootcert)"));
    }
    if target.tls.channel_binding == ChannelBinding::Require {
        return Err(cannot()
            .because("channel_binding=require is for SCRAM, and a token is sent as it is")
            .next("leave channel_binding out"));
    }
    if target.tls.mode < SslMode::VerifyCa {
        notes.push(format!(
            "the IAM token goes to whoever answers as {}: sslmode={} does not verify the server; \
             take verify-full and the certificates of RDS",
            target.hosts.first().map_or("", |host| host.tls_name()),
            target.tls.mode.word()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Settings;

    const RDS: &str = "postgresql://app@db.c1.eu-west-1.rds.amazonaws.com/shop";

    /// With this target in pgtend.toml.
    fn resolve(target: &str, args: ConnectArgs) -> Result<(Target, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgtend.toml");
        std::fs::write(&path, format!("[target.prod]\n{target}\n")).unwrap();
        let list = [("HOME", folder.path().to_str().unwrap()), ("PGPASSWORD", "ambient")];
        let env = Environment::from_list(Path::new("/nowhere"), list);
        let resolved = Settings::load(env, Some(&path))?.target(&args)?;
        Ok((resolved.target, resolved.notes))
    }

    fn prod() -> ConnectArgs {
        ConnectArgs { target: Some("prod".to_owned()), ..ConnectArgs::default() }
    }

    #[test]
    fn a_token_asks_for_tls_whatever_is_set() {
        for mode in ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"] {
            let (target, notes) =
                resolve(&format!("url = '{RDS}{mode}'\niam = true"), prod()).unwrap();
            assert_eq!(target.tls.mode, SslMode::Require, "{mode}");
            assert!(target.passed_on.contains(&("sslmode", "require".to_owned())), "{mode}");
            assert!(target.hosts[0].password.is_none(), "PGPASSWORD is another login");
            assert!(notes.iter().any(|note| note.contains("goes to whoever answers")), "{notes:?}");
        }
        let (target, notes) =
            resolve(&format!("url = '{RDS}?sslmode=verify-full'\niam = true"), prod()).unwrap();
        assert_eq!(target.tls.mode, SslMode::VerifyFull);
        assert!(!notes.iter().any(|note| note.contains("goes to whoever")), "{notes:?}");
    }

    #[test]
    fn a_target_has_one_login() {
        for (keys, key) in [
            ("iam = true\nsecret = 'x'", "iam"),
            ("iam = true\npassword_command = 'x'", "iam"),
            ("password_command = 'x'\nsecret = 'x'", "secret"),
            ("aws_region = 'eu-west-1'", "aws_region"),
            ("iam = false\naws_profile = 'x'", "aws_profile"),
            ("iam = 'true'", "iam"),
            ("secret = ''", "secret"),
        ] {
            let error = resolve(&format!("url = '{RDS}'\n{keys}"), prod()).unwrap_err();
            assert!(error.what().contains(&format!("target.prod.{key} ")), "{error}");
        }
    }

    #[test]
    fn a_secret_stays_with_its_server_and_a_flag_stands_above() {
        let keys = format!("url = '{RDS}'\nsecret = 'x'\naws_profile = 'p'");
        let (target, _) = resolve(&keys, prod()).unwrap();
        let Some(Login::SecretsManager { id, cloud }) = &target.login else { panic!("no secret") };
        assert_eq!((id.as_str(), cloud.profile.as_deref()), ("x", Some("p")));
        let other = ConnectArgs { host: Some("elsewhere".to_owned()), ..prod() };
        let (moved, notes) = resolve(&keys, other).unwrap();
        assert!(moved.login.is_none());
        assert!(notes.iter().any(|note| note.starts_with("secret of prod")), "{notes:?}");
        let iam = ConnectArgs { iam: true, ..prod() };
        let (target, _) = resolve(&keys, iam).unwrap();
        let Some(Login::Iam(cloud)) = &target.login else { panic!("no token") };
        assert_eq!(cloud.profile.as_deref(), Some("p"));
    }
}
