//! Through which proxy a request goes, if through one.
//!
//! Every request through a proxy goes through a tunnel (`CONNECT`), `http://` too: the proxy
//! then sees no header of ours.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::error::{Error, Result};
use crate::settings::{HttpSettings, Proxy};

/// The proxies of `https://` and of `http://` addresses, and for whom they are not.
pub(super) struct Proxies {
    matcher: Matcher,
}

impl Proxies {
    /// # Errors
    /// Usage: a proxy's address cannot be used. It is not repeated: it may hold a password.
    pub fn new(settings: &HttpSettings) -> Result<Self> {
        let mut builder = Matcher::builder().no(settings.no_proxy.clone());
        if let Some(proxy) = &settings.https_proxy {
            check(proxy)?;
            builder = builder.https(proxy.url.expose().to_owned());
        }
        if let Some(proxy) = &settings.http_proxy {
            check(proxy)?;
            builder = builder.http(proxy.url.expose().to_owned());
        }
        Ok(Self { matcher: builder.build() })
    }

    /// Which proxy a request takes: 0 that of `https://`, 1 that of `http://`.
    pub fn scheme(&self, uri: &Uri) -> Option<usize> {
        if is_local(uri.host()?) || self.matcher.intercept(uri).is_none() {
            return None;
        }
        Some(usize::from(uri.scheme_str() == Some("http")))
    }

    /// The way through the proxy of a scheme.
    pub fn tunnel<C>(&self, scheme: &str, connector: C) -> Option<Tunnel<C>> {
        // A name that no list of exceptions holds.
        let anywhere = format!("{scheme}://pgtend.invalid/").parse().ok()?;
        let proxy: Intercept = self.unlisted(&anywhere)?;
        let tunnel = Tunnel::new(proxy.uri().clone(), connector);
        Some(match proxy.basic_auth() {
            Some(auth) => tunnel.with_auth(auth.clone()),
            None => tunnel,
        })
    }

    fn unlisted(&self, uri: &Uri) -> Option<Intercept> {
        self.matcher.intercept(uri)
    }
}

fn check(proxy: &Proxy) -> Result<()> {
    let refused = |why: &str| {
        Error::usage(format!("cannot use the proxy of {}", proxy.variable))
            .because(why)
            .next("write it as http://proxy.example.com:3128, or unset it")
    };
    let matcher = Matcher::builder().all(proxy.url.expose().to_owned()).build();
    let found = matcher.intercept(&Uri::from_static("https://pgtend.invalid/"));
    let found = found.ok_or_else(|| refused("it is not the address of an HTTP proxy"))?;
    match found.uri().scheme_str() {
        Some("http" | "https") => Ok(()),
        _ => Err(refused("it is a SOCKS proxy: only HTTP proxies are known")),
    }
}

/// Whether no proxy can lead there: this machine, and what only it sees (where the cloud hands
/// an instance its credentials).
fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            // fd00:ec2::254 is the instance's own, too.
            address.is_loopback()
                || address.is_unicast_link_local()
                || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

/// The same address with its port written out.
pub(super) fn with_port(uri: &Uri) -> Uri {
    let (Some(host), None) = (uri.host(), uri.port()) else { return uri.clone() };
    let port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let mut parts = uri.clone().into_parts();
    parts.authority = format!("{host}:{port}").parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn proxies(list: &[(&str, &str)]) -> Result<Proxies> {
        let env = Environment::from_list("/nowhere".as_ref(), list.iter().copied());
        Proxies::new(&env.http())
    }

    #[test]
    fn who_goes_through_the_proxy() {
        let given = [("HTTPS_PROXY", "proxy:3128"), ("NO_PROXY", "internal.example,10.0.0.0/8")];
        let proxies = proxies(&given).unwrap();
        let way = |uri: &str| proxies.scheme(&uri.parse().unwrap());
        assert_eq!(way("https://s3.eu-west-1.amazonaws.com/"), Some(0));
        for direct in [
            "http://plain.example/",
            "https://s3.internal.example/",
            "https://10.1.2.3:9000/",
            "https://localhost:9000/",
            "https://127.0.0.1/",
            "http://169.254.169.254/latest/",
            "https://[::1]:9000/",
        ] {
            assert_eq!(way(direct), None, "{direct}");
        }
    }

    #[test]
    fn an_exception_for_everybody_needs_no_tunnel() {
        let none = proxies(&[("HTTPS_PROXY", "proxy:3128"), ("NO_PROXY", "*")]).unwrap();
        assert!(none.tunnel("https", ()).is_none());
    }

    #[test]
    fn a_bad_proxy_is_named_by_its_variable_alone() {
        for url in ["socks5://me:hunter2@proxy", "ftp://me:hunter2@proxy", "http://hunter2@"] {
            let error = proxies(&[("https_proxy", url)]).err().unwrap();
            assert!(error.what().contains("https_proxy"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_tunnel_has_a_port() {
        let told = |uri: &str| with_port(&uri.parse().unwrap()).to_string();
        assert_eq!(told("http://a.example/x?y"), "http://a.example:80/x?y");
        assert_eq!(told("https://a.example/"), "https://a.example:443/");
        assert_eq!(told("https://a.example:9000/"), "https://a.example:9000/");
    }
}
