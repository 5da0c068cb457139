//! What the environment says about the way to web servers and to the cloud.

use std::path::PathBuf;
use std::time::Duration;

use super::env::Environment;
use super::secret::Secret;

/// Longest wait for a connection, with its TLS handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time in which not one byte goes either way.
const SILENCE: Duration = Duration::from_secs(60);

/// How requests leave this machine.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// For `https://` addresses.
    pub https_proxy: Option<Proxy>,
    /// For `http://` addresses.
    pub http_proxy: Option<Proxy>,
    /// Hosts, domains and networks that are reached directly, with commas.
    pub no_proxy: String,
    /// PEM certificates of authorities that are trusted beside the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Longest wait for a connection, with its TLS handshake.
    pub connect: Duration,
    /// Longest time in which not one byte goes either way.
    pub silence: Duration,
}

/// A proxy, and the variable that named it.
#[derive(Debug, Clone)]
pub struct Proxy {
    pub variable: &'static str,
    /// It may hold a password.
    pub url: Secret,
}

/// How the cloud is reached. What is `None` here is looked for where the AWS CLI looks.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    pub http: HttpSettings,
    /// Another server than AWS, for all services.
    pub endpoint: Option<String>,
    /// The server that the environment names for S3.
    pub endpoint_of_environment: Option<String>,
    pub region: Option<String>,
    pub profile: Option<String>,
    /// Tries of one request, all told.
    pub attempts: u32,
}

/// Tries of one request when nobody says.
const ATTEMPTS: u32 = 6;
/// More would hide an outage for hours.
const MOST_ATTEMPTS: u32 = 50;

impl Environment {
    /// Proxies, authorities and time limits.
    pub fn http(&self) -> HttpSettings {
        // curl's order: HTTP_PROXY in capitals could be a request's header in a CGI program.
        let http: &[&'static str] = match self.text("REQUEST_METHOD") {
            Some(_) => &["http_proxy", "all_proxy", "ALL_PROXY"],
            None => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let no_proxy = self.text("no_proxy").or_else(|| self.text("NO_PROXY"));
        HttpSettings {
            https_proxy: self.proxy(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http_proxy: self.proxy(http),
            no_proxy: no_proxy.unwrap_or_default().to_owned(),
            ca_bundle: self.path("AWS_CA_BUNDLE").map(|path| self.folder().join(path)),
            connect: CONNECT,
            silence: SILENCE,
        }
    }

    fn proxy(&self, names: &[&'static str]) -> Option<Proxy> {
        let found = names.iter().find_map(|name| Some((*name, self.text(name)?)))?;
        Some(Proxy { variable: found.0, url: Secret::new(found.1) })
    }

    /// How the cloud is reached when no flag and no pgtend.toml says more.
    pub fn aws(&self) -> AwsSettings {
        let attempts = self.text("AWS_MAX_ATTEMPTS").and_then(|text| text.parse().ok());
        AwsSettings {
            http: self.http(),
            endpoint: None,
            endpoint_of_environment: self
                .text("AWS_ENDPOINT_URL_S3")
                .or_else(|| self.text("AWS_ENDPOINT_URL"))
                .map(str::to_owned),
            region: None,
            profile: None,
            attempts: attempts.unwrap_or(ATTEMPTS).clamp(1, MOST_ATTEMPTS),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn http(list: &[(&str, &str)]) -> HttpSettings {
        Environment::from_list(Path::new("/nowhere"), list.iter().copied()).http()
    }

    fn name(proxy: Option<Proxy>) -> Option<&'static str> {
        proxy.map(|proxy| proxy.variable)
    }

    #[test]
    fn proxies_are_found_as_curl_finds_them() {
        let settings = http(&[("HTTPS_PROXY", "http://a:1"), ("all_proxy", "http://b:2")]);
        assert_eq!(name(settings.https_proxy), Some("HTTPS_PROXY"));
        assert_eq!(name(settings.http_proxy), Some("all_proxy"));
        let of_cgi = http(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")]);
        assert_eq!(name(of_cgi.http_proxy), None);
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        let settings = http(&[("https_proxy", "http://me:hunter2@proxy:3128")]);
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn attempts_have_a_bound() {
        let attempts = |text| {
            let list = [("AWS_MAX_ATTEMPTS", text)];
            Environment::from_list(Path::new("/nowhere"), list).aws().attempts
        };
        assert_eq!((attempts("3"), attempts("0"), attempts("9999"), attempts("x")), (3, 1, 50, 6));
    }
}
