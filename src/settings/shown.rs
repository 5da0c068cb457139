//! A target as keywords again: what is in force, for people and as a pgtend.toml.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::keyword::{self, KEYWORDS, Use};
use super::masked::{MASK, masked};
use super::origin::Origin;
use super::target::{Roots, Target};

/// A keyword of libpq with what is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub name: &'static str,
    /// `None` when nothing is set and nothing is the default.
    pub value: Option<String>,
    pub origin: Origin,
    /// Its value is hidden: `***`.
    pub secret: bool,
    /// It is honoured; else it is read without effect.
    pub honoured: bool,
    /// It names a file that does not exist.
    pub missing: bool,
}

/// As RFC 3986 has it: everything else is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Target {
    /// Every keyword of libpq that is in force, in libpq's order: what was given, as it was
    /// written, and the defaults.
    pub fn keywords(&self) -> Vec<Shown> {
        let shown = |name: &'static str, used: Use| {
            let secret = keyword::is_secret(name);
            // A value that is there and empty stands for the default.
            let given = self.given.get(name).filter(|value| !value.is_empty()).cloned();
            let value = match secret {
                true => self.has_secret(name).then(|| MASK.to_owned()),
                false => given.or_else(|| self.default_value(name)),
            };
            let missing = ["passfile", "sslcert", "sslkey", "sslrootcert"].contains(&name)
                && value
                    .as_deref()
                    .is_some_and(|path| path != "system" && !Path::new(path).exists());
            let honoured = used == Use::Honoured;
            Shown { name, value, origin: self.keyword_origin(name), secret, honoured, missing }
        };
        let given = |name: &str| self.origins.contains_key(name);
        KEYWORDS
            .iter()
            .filter(|keyword| keyword.used == Use::Honoured || given(keyword.name))
            .map(|keyword| shown(keyword.name, keyword.used))
            .collect()
    }

    fn keyword_origin(&self, name: &str) -> Origin {
        let of_host = self.hosts.iter().find_map(|host| host.password.as_ref());
        match (name, of_host) {
            ("password", Some((_, origin))) => origin.clone(),
            _ => self.origin(name),
        }
    }

    fn has_secret(&self, name: &str) -> bool {
        match name {
            "password" => self.hosts.iter().any(|host| host.password.is_some()),
            _ => self.origins.contains_key(name),
        }
    }

    /// What a keyword means when nobody gave it.
    fn default_value(&self, name: &str) -> Option<String> {
        let (tls, keepalive) = (&self.tls, &self.keepalive);
        let joined = |words: Vec<String>| Some(words.join(","));
        let seconds = |time: Option<std::time::Duration>| {
            time.map_or("0".to_owned(), |time| time.as_secs().to_string())
        };
        let flag = |on: bool| Some(if on { "1" } else { "0" }.to_owned());
        let number = |number: Option<u32>| Some(number.unwrap_or(0).to_string());
        match name {
            "host" => joined(self.hosts.iter().map(|host| host.name.clone()).collect()),
            "port" => joined(self.hosts.iter().map(|host| host.port.to_string()).collect()),
            "user" => Some(self.user.clone()),
            "dbname" => Some(self.database.clone()),
            "passfile" => self.passfile.as_ref().map(|path| path.display().to_string()),
            "connect_timeout" => Some(seconds(self.connect_timeout)),
            "keepalives" => flag(keepalive.enabled),
            "keepalives_idle" => Some(seconds(keepalive.idle)),
            "keepalives_interval" => Some(seconds(keepalive.interval)),
            "keepalives_count" => number(keepalive.count),
            "tcp_user_timeout" => number(keepalive.user_timeout),
            "sslmode" => Some(tls.mode.word().to_owned()),
            "sslnegotiation" => Some(if tls.direct { "direct" } else { "postgres" }.to_owned()),
            "sslrootcert" => match &tls.roots {
                Roots::File(path) => Some(path.display().to_string()),
                Roots::System => Some("system".to_owned()),
                Roots::Nowhere => None,
            },
            "sslcert" => tls.certificate.as_ref().map(|c| c.certificate.display().to_string()),
            "sslkey" => tls.certificate.as_ref().map(|c| c.key.display().to_string()),
            "sslcertmode" => {
                Some(tls.certificate.as_ref().map_or("disable", |_| "allow").to_owned())
            }
            "sslsni" => flag(tls.sni),
            "ssl_min_protocol_version" => Some(tls.minimum.word().to_owned()),
            "ssl_max_protocol_version" => tls.maximum.map(|version| version.word().to_owned()),
            "channel_binding" => Some(tls.channel_binding.word().to_owned()),
            "target_session_attrs" => Some(self.session_attrs.word().to_owned()),
            "load_balance_hosts" => {
                Some(if self.load_balance { "random" } else { "disable" }.to_owned())
            }
            "gssencmode" => Some("disable".to_owned()),
            _ => None,
        }
    }

    /// A connection string with all that was given, without secrets. What it does not say is a
    /// default.
    pub fn url_without_secrets(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let mut url = format!("postgresql://{}@/{}", encode(&self.user), encode(&self.database));
        let mut separator = '?';
        for shown in self.keywords() {
            let own = shown.origin == Origin::Default && shown.name != "host";
            // A service's values are among the others.
            let elsewhere = ["user", "dbname", "service", "servicefile"].contains(&shown.name);
            let Some(value) = shown.value.filter(|value| !value.is_empty()) else { continue };
            if !(own || elsewhere || shown.secret) {
                url.push_str(&format!("{separator}{}={}", shown.name, encode(&masked(&value))));
                separator = '&';
            }
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConnectArgs, Environment, Settings};
    use super::*;

    fn target(url: &str) -> Target {
        let env = Environment::from_list(Path::new("/nowhere"), [("USER", "me"), ("HOME", "/h")]);
        let args = ConnectArgs { url: Some(url.to_owned()), ..ConnectArgs::default() };
        Settings::load(env, None).unwrap().target(&args).unwrap().target
    }

    /// What is shown as the default is what stands for it when it is given.
    #[test]
    fn the_default_of_every_keyword_means_the_same_when_it_is_given() {
        let plain = target("postgres://h");
        let shown = plain.keywords();
        let words: Vec<String> = shown
            .iter()
            .filter_map(|shown| Some(format!("{}='{}'", shown.name, shown.value.as_deref()?)))
            .collect();
        assert!(words.len() > 20, "{words:?}");
        let given = target(&words.join(" "));
        for (one, other) in [(&plain, &given), (&given, &plain)] {
            let one = format!("{:?} {:?} {:?}", one.hosts, one.tls, one.keepalive);
            assert_eq!(one, format!("{:?} {:?} {:?}", other.hosts, other.tls, other.keepalive));
        }
        assert_eq!(plain.to_string(), given.to_string());
        assert_eq!(plain.connect_timeout, given.connect_timeout);
        assert_eq!(
            (plain.session_attrs, plain.load_balance),
            (given.session_attrs, given.load_balance)
        );
    }

    #[test]
    fn a_connection_string_survives_without_its_secrets() {
        for url in [
            "postgresql://a%20b:hunter2@h1,h2:5433/d%2Fe?sslmode=verify-full&sslrootcert=/x%20y.pem",
            "postgresql://u@/d?host=/cloudsql/p:r:i",
            "host=h hostaddr=127.0.0.1 user=u dbname=d sslpassword=hunter2 connect_timeout=0",
            "host=a,b port=1,2 user=u dbname='x y' target_session_attrs=standby options='-c a=b'",
        ] {
            let first = target(url);
            let text = first.url_without_secrets();
            assert!(!text.contains("hunter2"), "{text}");
            let second = target(&text);
            assert_eq!(first.given, second.given, "{text}");
            assert_eq!(first.to_string(), second.to_string());
        }
    }
}
