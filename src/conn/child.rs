//! The same connection for a child process: `pg_dump` and its kin.

use super::password::with_token;
use super::socket::Address;
use crate::error::Result;
use crate::settings::{Between, Host, Login, Secret, Target};

/// What a child process of libpq needs to reach the very server that a session is at.
#[derive(Debug, Clone)]
pub struct ChildConnection {
    /// A `key=value` string without secrets and server options; see [`dsn`](Self::dsn).
    words: String,
    options: String,
    /// A pooler refuses the login with options, in every mode.
    takes_options: bool,
    /// Variables to add, with the password when one is known. The caller removes the other
    /// `PG*` variables.
    pub env: Vec<(String, Secret)>,
    /// Logs in with a token for each child.
    token: Option<Box<(Target, Host)>>,
    /// The pass phrase of the client's key, for which libpq has no variable: only a service file
    /// keeps it out of the arguments.
    pub key_password: Option<Secret>,
}

impl ChildConnection {
    /// `target` has the one host that `address` is of, and says what is in between.
    pub(super) fn new(target: &Target, address: &Address, application: &str) -> Self {
        let mut words: Vec<(&str, String)> = vec![("host", address.host.clone())];
        // A name may stand for several servers: pin the one with the session's snapshot.
        if let Some(ip) = address.ip {
            words.push(("hostaddr", ip.to_string()));
        }
        words.push(("port", address.port.to_string()));
        words.push(("user", target.user.clone()));
        words.push(("dbname", target.database.clone()));
        words.push(("application_name", application.to_owned()));
        // Kept apart: more may be added.
        let options = target.passed_on.iter().find(|(name, _)| *name == "options");
        let options = options.map_or_else(String::new, |(_, value)| value.clone());
        let passed_on = target.passed_on.iter().filter(|(name, _)| *name != "options");
        words.extend(passed_on.map(|(name, value)| (*name, value.clone())));
        if !target.passed_on.iter().any(|(name, _)| *name == "connect_timeout")
            && let Some(limit) = target.connect_timeout
        {
            words.push(("connect_timeout", limit.as_secs().to_string()));
        }
        let dsn: Vec<String> =
            words.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
        let password = target.hosts.first().and_then(|host| host.password.as_ref());
        let env = password.map(|(password, _)| ("PGPASSWORD".to_owned(), password.clone()));
        let certificate = target.tls.certificate.as_ref();
        let key_password = certificate.and_then(|certificate| certificate.password.clone());
        let takes_options = !matches!(target.between, Some(Between::Pooler(_)));
        let env = env.into_iter().collect();
        let token =
            matches!(target.login, Some(Login::Iam(_))).then(|| target.hosts.first().cloned());
        let token = token.flatten().map(|host| Box::new((target.clone(), host)));
        Self { words: dsn.join(" "), options, takes_options, env, token, key_password }
    }

    /// The same for a child that starts now: with a new token where tokens log in, for they live
    /// 15 minutes.
    ///
    /// # Errors
    /// Those of making a token.
    pub async fn for_now(&self) -> Result<Self> {
        let mut now = self.clone();
        if let Some((target, host)) = self.token.as_deref() {
            let host = with_token(target, host).await?;
            let token = host.password.map(|(token, _)| token);
            now.env = token.map(|token| ("PGPASSWORD".to_owned(), token)).into_iter().collect();
        }
        Ok(now)
    }
}

impl ChildConnection {
    /// A `key=value` string without secrets, for `--dbname`.
    pub fn dsn(&self) -> String {
        if self.options.is_empty() {
            return self.words.clone();
        }
        format!("{} options={}", self.words, quote(&self.options))
    }

    /// Adds settings (`name=value`, without blanks) that the session starts with; not behind a
    /// pooler, which takes none.
    pub fn add_options(&mut self, settings: &[&str]) {
        if !self.takes_options {
            return;
        }
        for setting in settings {
            if !self.options.is_empty() {
                self.options.push(' ');
            }
            self.options.push_str("-c ");
            self.options.push_str(setting);
        }
    }
}

/// A value as libpq's `conninfo_parse` reads it back.
fn quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+@%".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::{ConnectArgs, Environment, Settings};

    #[test]
    fn a_child_gets_one_host_and_no_password_in_its_arguments() {
        let env = Environment::from_list(Path::new("/nowhere"), [("PGPASSWORD", "hunter2")]);
        let args = ConnectArgs {
            url: Some("postgres://me@a,b:5433/my%20db?sslmode=require".to_owned()),
            ..ConnectArgs::default()
        };
        let target = Settings::load(env, None).unwrap().target(&args).unwrap().target;
        let target = target.at(target.hosts[1].clone());
        let ip = Some("192.0.2.1".parse().unwrap());
        let address = Address { host: "b".to_owned(), port: 5433, ip };
        let child = ChildConnection::new(&target, &address, "pgtend/backup");
        assert_eq!(
            child.dsn(),
            "host=b hostaddr=192.0.2.1 port=5433 user=me dbname='my db' \
             application_name=pgtend/backup sslmode=require connect_timeout=10"
        );
        assert_eq!(child.env[0].1.expose(), "hunter2");
        assert!(!format!("{child:?}").contains("hunter2"));
    }

    #[test]
    fn quotes_and_backslashes_survive() {
        assert_eq!(quote(r"it's \x"), r"'it\'s \\x'");
        assert_eq!(quote(""), "''");
    }
}
