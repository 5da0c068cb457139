//! The one HTTPS client: the cloud's and every other web server's.
//!
//! TLS 1.2 or newer on the same library as the connections to PostgreSQL, through the proxy
//! that the environment names. A connection and a silence have a time limit; a slow transfer
//! that goes on has none.

mod body;
mod fault;
mod proxy;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use body::{Answered, Body, empty, whole};
pub use fault::{Fault, Kind};
use http::{Request, Response};
use hyper_tls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::client::legacy::{Client as Pool, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use native_tls::{Certificate, Protocol, TlsConnector};
use tokio::time::Instant;

use body::{Progress, Watched};
use proxy::Proxies;

use crate::error::{Error, Result};
use crate::settings::HttpSettings;

/// How long an idle connection is kept: S3 closes them after 20 seconds or so, and what is sent
/// just then is lost.
const IDLE: Duration = Duration::from_secs(10);

type Direct = HttpsConnector<HttpConnector>;
type Tunnelled = HttpsConnector<Tunnel<Direct>>;

/// A pool of connections; its copies share it.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    /// To `http://` addresses.
    plain: Pool<HttpConnector, Watched>,
    tcp: HttpConnector,
    bundle: Option<PathBuf>,
    /// Made when first needed: OpenSSL takes 70 ms to read the system's authorities.
    secured: OnceLock<std::result::Result<Secured, String>>,
    proxies: Proxies,
    connect: Duration,
    silence: Duration,
}

/// The ways that need TLS, or may.
struct Secured {
    direct: Pool<Direct, Watched>,
    /// For `https://` and `http://` addresses.
    tunnelled: [Option<Pool<Tunnelled, Watched>>; 2],
}

impl Client {
    /// A client without a connection.
    ///
    /// # Errors
    /// Usage: a proxy or the bundle of authorities cannot be used.
    pub fn new(settings: &HttpSettings) -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.connect));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let client = Self(Arc::new(Inner {
            plain: pool(tcp.clone()),
            tcp,
            bundle: settings.ca_bundle.clone(),
            secured: OnceLock::new(),
            proxies: Proxies::new(settings)?,
            connect: settings.connect,
            silence: settings.silence,
        }));
        if let Some(path) = &settings.ca_bundle {
            authorities(path)?;
        }
        Ok(client)
    }

    /// Sends a request and waits for the head of the answer. Nothing is retried.
    ///
    /// # Errors
    /// There was no answer; an answer that is an error status is none.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Answered>, Fault> {
        let inner = &*self.0;
        let progress = Progress::default();
        let to = address(request.uri());
        let mut request = request.map(|body| Watched::new(body, progress.clone()));
        let mut connected = capture_connection(&mut request);
        let mut answer = std::pin::pin!(inner.start(&to, request)?);
        let limit = tokio::time::sleep(inner.connect);
        tokio::select! {
            biased;
            answer = &mut answer => return inner.finish(&to, answer),
            _ = connected.wait_for_connection_metadata() => {}
            () = limit => return Err(Fault::slow_connection(&to, inner.connect)),
        }
        loop {
            let last = progress.last();
            tokio::select! {
                biased;
                answer = &mut answer => return inner.finish(&to, answer),
                () = tokio::time::sleep_until(last + inner.silence) => {}
            }
            if progress.last() + inner.silence <= Instant::now() {
                return Err(Fault::silence(inner.silence));
            }
        }
    }
}

impl Inner {
    fn start(&self, to: &str, mut request: Request<Watched>) -> Result<ResponseFuture, Fault> {
        let proxied = self.proxies.scheme(request.uri());
        if proxied.is_none() && request.uri().scheme_str() == Some("http") {
            return Ok(self.plain.request(request));
        }
        let Secured { direct, tunnelled } = self.secured(to)?;
        let Some(pool) = proxied.and_then(|scheme| tunnelled[scheme].as_ref()) else {
            return Ok(direct.request(request));
        };
        // A tunnel without a port would lead to 443.
        *request.uri_mut() = proxy::with_port(request.uri());
        Ok(pool.request(request))
    }

    fn secured(&self, to: &str) -> Result<&Secured, Fault> {
        let made = self.secured.get_or_init(|| {
            let tls =
                tls_connector(self.bundle.as_deref()).map_err(|error| error.causes().join(": "))?;
            let direct = HttpsConnector::from((self.tcp.clone(), tls.clone().into()));
            let tunnelled = ["https", "http"].map(|scheme| {
                let tunnel = self.proxies.tunnel(scheme, direct.clone())?;
                Some(pool(HttpsConnector::from((tunnel, tls.clone().into()))))
            });
            Ok(Secured { direct: pool(direct), tunnelled })
        });
        made.as_ref().map_err(|why| Fault::no_tls(to, why))
    }

    fn finish(
        &self,
        to: &str,
        answer: Result<Response<hyper::body::Incoming>, hyper_util::client::legacy::Error>,
    ) -> Result<Response<Answered>, Fault> {
        match answer {
            Ok(answer) => Ok(answer.map(|body| Answered::new(body, self.silence))),
            Err(error) => Err(Fault::of_client(to, error)),
        }
    }
}

/// Host and port, without a login that may stand before them.
fn address(uri: &http::Uri) -> String {
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", uri.host().unwrap_or("nowhere"))
}

impl fmt::Debug for Client {
    // A proxy's address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn pool<C>(connector: C) -> Pool<C, Watched>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
{
    Pool::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector)
}

fn tls_connector(bundle: Option<&Path>) -> Result<TlsConnector> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    for certificate in bundle.map(authorities).transpose()?.into_iter().flatten() {
        builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| Error::usage("cannot set TLS up").caused_by(&error))
}

/// The authorities in a file.
fn authorities(path: &Path) -> Result<Vec<Certificate>> {
    let fault = || {
        Error::usage(format!("cannot use AWS_CA_BUNDLE ({})", path.display()))
            .next("give a file with the PEM certificates of the authorities, or unset it")
    };
    let bytes = std::fs::read(path).map_err(|error| fault().caused_by(&error))?;
    let found = Certificate::stack_from_pem(&bytes).map_err(|error| fault().caused_by(&error))?;
    if found.is_empty() {
        return Err(fault().because("it holds no certificate"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
