//! One address: dial, TLS, login, as often as `sslmode` says.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_postgres::config::{self, Config};
use tokio_postgres::tls::{NoTls, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client};

use super::error::{Cause, Stage};
use super::greeted;
use super::server::{OLDEST, major_version};
use super::session::Fate;
use super::socket::{Endpoint, Socket};
use super::tls::{Connector, HostTls, Ready, Seen};
use crate::settings::{ChannelBinding, Host, Origin, Secret, SslMode, Target};

/// A login that worked; its connection runs as a task of the current runtime.
pub(super) struct Login {
    pub client: Client,
    pub fate: Arc<Fate>,
    pub seen: Option<Arc<Seen>>,
    /// The port of our own end; `None` for a Unix socket.
    pub local_port: Option<u16>,
    /// The server process that the greeting named; 0 for none.
    pub greeted: i32,
    pub began: Instant,
}

/// What all attempts at one host share.
pub(super) struct Attempt<'a> {
    pub target: &'a Target,
    pub host: &'a Host,
    pub application: &'a str,
    pub password: Option<&'a Secret>,
    pub connector: Option<&'a Connector>,
    /// Not only PostgreSQL's: a pooler's console has a version of its own.
    pub any_version: bool,
    pub reached: &'a Reached,
}

/// How far an attempt came, for who gives up waiting for it.
#[derive(Debug)]
pub(super) struct Reached(Mutex<(Stage, Option<Arc<Seen>>)>);

impl Default for Reached {
    fn default() -> Self {
        Self(Mutex::new((Stage::Dialling, None)))
    }
}

impl Reached {
    pub fn stage(&self) -> Stage {
        match &*self.lock() {
            (Stage::Accepted, Some(seen)) if seen.began() => Stage::Tls,
            (stage, _) => *stage,
        }
    }

    pub fn set(&self, stage: Stage, seen: Option<Arc<Seen>>) {
        *self.lock() = (stage, seen);
    }

    fn lock(&self) -> MutexGuard<'_, (Stage, Option<Arc<Seen>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The connector, when it can be used.
    pub fn ready(&self) -> Option<&Ready> {
        match self.connector {
            Some(Connector::Ready(connector)) => Some(connector),
            _ => None,
        }
    }

    /// Logs in at one address. `prefer` falls back to plain text when the handshake fails or
    /// the server refuses the encrypted login, `allow` to TLS when it refuses the plain one;
    /// not while the server is starting or stopping (57P03). Fails with one or two causes.
    pub async fn run(&self, endpoint: &Endpoint) -> Result<Login, Vec<Cause>> {
        use config::SslMode as Try;
        let (first, second) = match (endpoint, self.target.tls.mode) {
            // TLS is never used on a Unix socket.
            (Endpoint::Unix(_), _) | (_, SslMode::Disable) => (Try::Disable, None),
            (_, SslMode::Allow) => (Try::Disable, Some(Try::Require)),
            (_, SslMode::Prefer) => (Try::Prefer, Some(Try::Disable)),
            _ => (Try::Require, None),
        };
        let token = matches!(self.host.password, Some((_, Origin::Iam(_))));
        if token && first != Try::Require {
            // Settings raise sslmode; this is the last door.
            return Err(vec![Cause::Other("an IAM token is not sent without TLS".to_owned())]);
        }
        let (began, cause) = match self.once(endpoint, first).await {
            Ok(login) => return Ok(login),
            Err(failed) => failed,
        };
        let refused = match &cause {
            Cause::Server(state, _) => state != "57P03",
            Cause::Tls(_) | Cause::TlsFiles(_) => true,
            _ => false,
        };
        match second {
            // Prefer has been in plain text already when the server offered no TLS.
            Some(second) if refused && (began || first == Try::Disable) => {
                self.once(endpoint, second).await.map_err(|(_, again)| told(cause, again))
            }
            _ => Err(vec![cause]),
        }
    }

    /// One attempt; a failure says whether a TLS handshake began.
    async fn once(
        &self,
        endpoint: &Endpoint,
        mode: config::SslMode,
    ) -> Result<Login, (bool, Cause)> {
        if let Some(Connector::Unusable(why)) = self.connector
            && mode != config::SslMode::Disable
        {
            return Err((true, Cause::TlsFiles(why.clone())));
        }
        let began = Instant::now();
        let socket = endpoint
            .dial(self.target.keepalive)
            .await
            .map_err(|error| (false, Cause::Dial(error.kind(), error.to_string())))?;
        let local_port = socket.local_port();
        let greeting = socket.greeting();
        let config = self.config(mode);
        let tls = self.ready().map(|connector| HostTls::new(connector, self.host.tls_name()));
        let seen = tls.as_ref().map(HostTls::seen);
        self.reached.set(Stage::Accepted, seen.clone());
        let login = match tls {
            Some(tls) => log_in(&config, socket, tls, self.any_version).await,
            None => log_in(&config, socket, NoTls, self.any_version).await,
        };
        match login {
            Ok((client, fate)) => {
                let greeted = greeted::process(&client).await;
                let greeted = greeted.map_err(|error| (true, Cause::of(&error)))?;
                self.reached.set(Stage::LoggedIn, None);
                Ok(Login { client, fate, seen, local_port, greeted, began })
            }
            Err(cause) => match greeting.foreign() {
                Some(what) => Err((false, Cause::NotPostgres(what))),
                None => Err((seen.is_some_and(|seen| seen.began()), cause)),
            },
        }
    }

    fn config(&self, mode: config::SslMode) -> Config {
        let mut config = Config::new();
        config
            .user(&self.target.user)
            .dbname(&self.target.database)
            .application_name(self.application)
            .ssl_mode(mode)
            .channel_binding(match self.target.tls.channel_binding {
                ChannelBinding::Disable => config::ChannelBinding::Disable,
                ChannelBinding::Prefer => config::ChannelBinding::Prefer,
                ChannelBinding::Require => config::ChannelBinding::Require,
            });
        if self.target.tls.direct {
            config.ssl_negotiation(config::SslNegotiation::Direct);
        }
        if !self.target.options.is_empty() {
            config.options(&self.target.options);
        }
        if let Some(password) = self.password {
            config.password(password.expose());
        }
        config
    }
}

/// What of two refusals is worth telling. A server that says no over TLS and wants none without it
/// has one reason: who follows the other one's step opens the server to plain text.
fn told(first: Cause, second: Cause) -> Vec<Cause> {
    if first.is_final() && !first.is_no_entry() && second.is_no_entry() {
        return vec![first];
    }
    vec![first, second]
}

async fn log_in<T>(
    config: &Config,
    socket: Socket,
    tls: T,
    any_version: bool,
) -> Result<(Client, Arc<Fate>), Cause>
where
    T: TlsConnect<Socket>,
    T::Stream: TlsStream + Unpin + Send + 'static,
{
    let (client, mut connection) =
        config.connect_raw(socket, tls).await.map_err(|error| Cause::of(&error))?;
    if let Some(major) = connection.parameter("server_version").and_then(major_version)
        && major < OLDEST
        && !any_version
    {
        return Err(Cause::TooOld(major));
    }
    let fate = Arc::new(Fate::default());
    let told = Arc::clone(&fate);
    tokio::spawn(async move {
        // Told before the connection is dropped: statements fail after that.
        if let Err(error) = (&mut connection).await {
            told.set(&error);
        }
    });
    Ok((client, fate))
}

/// Asks a server to cancel what a session is doing.
pub(super) async fn cancel(
    token: &CancelToken,
    target: &Target,
    endpoint: &Endpoint,
    tls: Option<(&Ready, &str)>,
) -> Result<(), Cause> {
    let socket = endpoint
        .dial(target.keepalive)
        .await
        .map_err(|error| Cause::Dial(error.kind(), error.to_string()))?;
    let sent = match tls {
        Some((connector, name)) => {
            token.cancel_query_raw(socket, HostTls::new(connector, name)).await
        }
        None => token.cancel_query_raw(socket, NoTls).await,
    };
    sent.map_err(|error| Cause::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_of_the_fallback_is_not_told_beside_a_better_one() {
        let server = |state: &str, text: &str| Cause::Server(state.to_owned(), text.to_owned());
        let wrong = || server("28P01", "password authentication failed for user \"app\"");
        let hba = |end: &str| {
            let text = format!("no pg_hba.conf entry for host \"::1\", user \"app\", {end}");
            server("28000", &text)
        };
        assert_eq!(told(wrong(), hba("no encryption")), [wrong()]);
        // Both say what is wrong there.
        let (with, without) = (hba("SSL encryption"), hba("no encryption"));
        assert_eq!(told(with.clone(), without.clone()), [with, without]);
        let files = || Cause::TlsFiles("x".to_owned());
        assert_eq!(told(files(), hba("no encryption")).len(), 2);
        assert_eq!(told(hba("no encryption"), wrong()).len(), 2);
    }
}
