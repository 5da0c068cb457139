//! TLS exactly as libpq's `ssl*` keywords mean it, on native-tls.
//!
//! Source: `fe-secure-openssl.c` and `fe-connect.c`, PostgreSQL 17.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use jiff::Timestamp;
use native_tls::{Protocol, TlsConnector, TlsConnectorBuilder};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::{X509, X509NameEntryRef, X509NameRef};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::identity;
use super::socket::Socket;
use crate::error::{Error, Result};
use crate::settings::{Roots, SslMode, TlsSettings, TlsVersion};

/// The way of a target to TLS.
#[derive(Clone)]
pub(super) enum Connector {
    Ready(Ready),
    /// Its files are of no use, and why. `allow` and `prefer` go on in plain text, as libpq does.
    Unusable(String),
}

/// TLS that can be used. It is made when a server first agrees to it, for OpenSSL then reads the
/// system's authorities, which takes 70 ms; its copies share it.
#[derive(Clone)]
pub(super) struct Ready(Arc<(TlsConnectorBuilder, OnceLock<TlsConnector>)>);

impl Ready {
    fn connector(&self) -> Result<&TlsConnector, native_tls::Error> {
        let (builder, made) = &*self.0;
        if let Some(made) = made.get() {
            return Ok(made);
        }
        let built = builder.build()?;
        Ok(made.get_or_init(|| built))
    }
}

/// What was made before in this process.
static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
struct Made {
    settings: TlsSettings,
    /// When its files were written.
    times: Vec<Option<SystemTime>>,
    ready: Ready,
}

/// More than the servers of one run.
const MADE_AT_MOST: usize = 32;

/// The connector of a target, the same one for all its connections.
///
/// # Errors
/// Usage: a mode that insists on TLS has a certificate or a key that cannot be used.
pub(super) fn connector(settings: &TlsSettings) -> Result<Connector> {
    let times = times(settings);
    let is_it = |made: &&Made| made.settings == *settings && made.times == times;
    let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = made().iter().find(is_it).map(|made| made.ready.clone());
    if let Some(ready) = known {
        return Ok(Connector::Ready(ready));
    }
    match build(settings, times.iter().any(Option::is_some)) {
        Ok(ready) => {
            let mut all = made();
            if all.len() < MADE_AT_MOST {
                all.push(Made { settings: settings.clone(), times, ready: ready.clone() });
            }
            Ok(Connector::Ready(ready))
        }
        Err(error) if settings.mode < SslMode::Require => {
            Ok(Connector::Unusable(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// When its files were written; `None` for one that is not there.
fn times(settings: &TlsSettings) -> Vec<Option<SystemTime>> {
    let roots = match &settings.roots {
        Roots::File(path) => Some(path),
        _ => None,
    };
    let own = settings.certificate.iter().flat_map(|own| [&own.certificate, &own.key]);
    let modified = |path: &PathBuf| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    roots.into_iter().chain(own).map(modified).collect()
}

/// With files in it, it is made at once: they may be of no use.
fn build(settings: &TlsSettings, with_files: bool) -> Result<Ready> {
    let mut builder = TlsConnector::builder();
    builder
        .min_protocol_version(Some(protocol(settings.minimum)))
        .max_protocol_version(settings.maximum.map(protocol))
        .use_sni(settings.sni);
    match &settings.roots {
        Roots::System => {}
        Roots::File(path) if path.exists() => {
            // An existing file is honoured by the weaker modes too.
            builder.disable_built_in_roots(true);
            for certificate in authorities(path)? {
                builder.add_root_certificate(certificate);
            }
            builder.danger_accept_invalid_hostnames(settings.mode != SslMode::VerifyFull);
        }
        missing if settings.mode >= SslMode::VerifyCa => return Err(no_roots(missing)),
        _ => {
            builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
        }
    }
    if let Some(files) = &settings.certificate
        && let Some(identity) = identity::load(files)?
    {
        builder.identity(identity);
    }
    if settings.direct {
        postgres_native_tls::set_postgresql_alpn(&mut builder);
    }
    let ready = Ready(Arc::new((builder, OnceLock::new())));
    if with_files {
        ready.connector().map_err(|error| Error::usage("cannot set TLS up").caused_by(&error))?;
    }
    Ok(ready)
}

fn no_roots(roots: &Roots) -> Error {
    let what = match roots {
        Roots::File(path) => format!("root certificate file {} does not exist", path.display()),
        _ => "no root certificate file is known".to_owned(),
    };
    Error::usage(what)
        .because("sslmode asks to verify the server's certificate")
        .next("give the authority's certificate with sslrootcert, or sslrootcert=system")
}

/// All certificates of a bundle; none at all would trust nobody and is an error.
fn authorities(path: &Path) -> Result<Vec<native_tls::Certificate>> {
    let fault = || Error::usage(format!("cannot use root certificate file {}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| fault().caused_by(&error))?;
    let found = native_tls::Certificate::stack_from_pem(&bytes)
        .map_err(|error| fault().caused_by(&error))?;
    if found.is_empty() {
        return Err(fault().because("it holds no certificate"));
    }
    Ok(found)
}

fn protocol(version: TlsVersion) -> Protocol {
    match version {
        TlsVersion::Tls10 => Protocol::Tlsv10,
        TlsVersion::Tls11 => Protocol::Tlsv11,
        TlsVersion::Tls12 => Protocol::Tlsv12,
        TlsVersion::Tls13 => Protocol::Tlsv13,
    }
}

/// A connector for one attempt.
#[derive(Clone)]
pub(super) struct HostTls {
    ready: Ready,
    domain: String,
    seen: Arc<Seen>,
}

/// What an attempt learned.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Set when the server agreed to TLS and the handshake began.
    began: OnceLock<()>,
    certificate: OnceLock<Certificate>,
}

impl Seen {
    pub fn began(&self) -> bool {
        self.began.get().is_some()
    }

    /// The server's certificate.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.get()
    }
}

impl HostTls {
    pub fn new(ready: &Ready, domain: &str) -> Self {
        Self { ready: ready.clone(), domain: domain.to_owned(), seen: Arc::new(Seen::default()) }
    }

    pub fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }
}

impl TlsConnect<Socket> for HostTls {
    type Stream = Encrypted<tokio_native_tls::TlsStream<Socket>>;
    type Error = native_tls::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, native_tls::Error>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            self.seen.began.get_or_init(|| ());
            let connector = tokio_native_tls::TlsConnector::from(self.ready.connector()?.clone());
            let stream = connector.connect(&self.domain, socket).await?;
            if let Some(peer) = stream.get_ref().peer_certificate()? {
                self.seen.certificate.get_or_init(|| Certificate::of(&peer));
            }
            // An Ed25519 certificate has none; channel_binding=require fails later.
            let binding = stream.get_ref().tls_server_end_point().unwrap_or_default();
            Ok(Encrypted { stream, binding })
        })
    }
}

/// What a server's or a client's certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Whose it is: `CN=db.example.com`; empty when it cannot be read.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The end of its life; `None` when openssl cannot read its own date.
    pub expires: Option<Timestamp>,
}

impl Certificate {
    fn of(peer: &native_tls::Certificate) -> Self {
        let read = peer.to_der().ok().and_then(|der| X509::from_der(&der).ok());
        match read {
            Some(certificate) => Self::read(&certificate),
            None => Self { subject: String::new(), issuer: String::new(), expires: None },
        }
    }

    pub(super) fn read(certificate: &X509) -> Self {
        Self {
            subject: name(certificate.subject_name()),
            issuer: name(certificate.issuer_name()),
            expires: timestamp(certificate.not_after()),
        }
    }
}

/// `CN=db.example.com, O=Example`.
fn name(name: &X509NameRef) -> String {
    let part = |entry: &X509NameEntryRef| {
        let value = String::from_utf8_lossy(entry.data().as_slice()).into_owned();
        format!("{}={value}", entry.object().nid().short_name().unwrap_or("?"))
    };
    name.entries().map(part).collect::<Vec<_>>().join(", ")
}

fn timestamp(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Timestamp::from_second(i64::from(since.days) * 86_400 + i64::from(since.secs)).ok()
}

/// An encrypted stream, with what a login can be bound to.
#[derive(Debug)]
pub(super) struct Encrypted<S> {
    pub stream: S,
    /// The hash of the server's certificate; Ed25519 certificates have none.
    pub binding: Option<Vec<u8>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Encrypted<S> {
    /// What the server said before it closed, when that is an alert. With TLS 1.3 it looks at the
    /// client's certificate after the handshake is complete for us: it may be gone while we
    /// still write, with the reason waiting to be read.
    fn last_words(&mut self, context: &mut Context<'_>, error: io::Error) -> io::Error {
        let mut byte = [0];
        match Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Err(alert)) => alert,
            _ => error,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.last_words(context, error))),
            written => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.last_words(context, error))),
            flushed => flushed,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.binding {
            Some(bytes) => ChannelBinding::tls_server_end_point(bytes.clone()),
            None => ChannelBinding::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_date_becomes_a_timestamp() {
        let time = Asn1Time::from_unix(1_893_456_000).unwrap();
        assert_eq!(timestamp(&time).unwrap().to_string(), "2030-01-01T00:00:00Z");
    }
}
