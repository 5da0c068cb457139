//! Pings a service that watches over jobs (<https://healthchecks.io> and its like): `URL/start`
//! when a run starts, `URL` when its backup stands, `URL/fail` when it has failed.
//!
//! The URL is a secret, for whoever knows it can answer for the job: only its host is ever told.

use std::time::Duration;

use http::{Request, Uri};

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::http::{Body, Client, whole};
use crate::settings::Secret;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a ping may take.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// At most so many.
    pub number: u32,
    /// The limit of each.
    pub limit: Duration,
}

impl Tries {
    /// When nothing hurries.
    pub const PATIENT: Self = Self { number: 3, limit: Duration::from_secs(10) };
    /// After a signal: whoever sent it will not wait for long.
    pub const HURRIED: Self = Self { number: 1, limit: Duration::from_secs(3) };
}

/// Where to ping.
#[derive(Clone)]
pub struct Ping {
    client: Client,
    url: Secret,
    host: String,
}

impl std::fmt::Debug for Ping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ping").field("host", &self.host).finish_non_exhaustive()
    }
}

/// How one try failed.
enum Fault {
    /// Another one may do better.
    Again(String),
    /// It would end the same.
    Final(String),
}

impl Ping {
    /// # Errors
    /// Usage, without the URL: it is none, or holds a user's name.
    pub fn new(client: Client, url: &Secret, origin: &str) -> Result<Self> {
        let invalid = |cause: &str| {
            Error::usage(format!("invalid ping URL from {origin}"))
                .because(cause)
                .next("give it as the service shows it: https://HOST/PATH")
        };
        let uri: Uri = url.expose().parse().map_err(|_| invalid("it is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid("it does not start with https:// or http://"));
        }
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(invalid("it has no host, or a user's name in it"));
        }
        let host = uri.host().unwrap_or_default().to_owned();
        Ok(Self { client, url: url.clone(), host })
    }

    /// The host that is pinged; all of the URL that may be told.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends `body` to the URL with `signal` behind its path: `start`, `fail`, or nothing.
    ///
    /// # Errors
    /// It did not arrive, or was not taken.
    pub async fn send(&self, signal: &str, body: &str, tries: Tries) -> Result<()> {
        let url = with_path(self.url.expose(), signal);
        let mut cause = String::new();
        for number in 1..=tries.number {
            let sent = tokio::time::timeout(tries.limit, self.try_once(&url, body)).await;
            match sent {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(Fault::Final(why))) => {
                    cause = why;
                    break;
                }
                Ok(Err(Fault::Again(why))) => cause = why,
                Err(_) => cause = format!("no answer within {} s", tries.limit.as_secs()),
            }
            if number < tries.number {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(Error::new(Exit::Unavailable, format!("the ping to {} did not arrive", self.host))
            .because(cause))
    }

    async fn try_once(&self, url: &str, body: &str) -> Result<(), Fault> {
        let request: Request<Body> = Request::post(url)
            .header("content-type", "text/plain; charset=utf-8")
            .header("user-agent", concat!("pgtend/", env!("CARGO_PKG_VERSION")))
            .body(whole(body.to_owned()))
            .map_err(|_| Fault::Final("its address cannot be used".into()))?;
        let answer = self.client.send(request).await.map_err(|fault| {
            let mut why = fault.to_string();
            if let Some(source) = std::error::Error::source(&fault) {
                why.push_str(&format!(": {source}"));
            }
            Fault::Again(why)
        })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            // Too early, too many: the words of a busy server.
            status if status.is_server_error() || [408, 425, 429].contains(&status.as_u16()) => {
                Err(Fault::Again(format!("the answer was {status}")))
            }
            status => Err(Fault::Final(format!("the answer was {status}"))),
        }
    }
}

/// With `signal` as the last part of its path, before a query.
fn with_path(url: &str, signal: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    if signal.is_empty() {
        return url.to_owned();
    }
    let (path, query) = url.find('?').map_or((url, ""), |at| url.split_at(at));
    format!("{}/{signal}{query}", path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_the_last_part_of_the_path() {
        for (url, signal, expected) in [
            ("https://hc/u", "", "https://hc/u"),
            ("https://hc/u", "start", "https://hc/u/start"),
            ("https://hc/u/", "fail", "https://hc/u/fail"),
            ("https://hc/u?rid=1", "fail", "https://hc/u/fail?rid=1"),
            ("https://hc/u#x", "", "https://hc/u"),
            ("https://hc", "start", "https://hc/start"),
        ] {
            assert_eq!(with_path(url, signal), expected);
        }
    }
}
