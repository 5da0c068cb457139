//! A stream to a server: TCP or a Unix socket, and where it leads.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::either::Either;

use crate::settings::{Host, Keepalive};

/// The place that a session is really connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The name that was asked for; for a Unix socket its folder.
    pub host: String,
    pub port: u16,
    /// The address that was dialled; `None` for a Unix socket.
    pub ip: Option<IpAddr>,
}

/// `db:5432`, `[::1]:5432` or `/run/postgresql:5432`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(IpAddr::V6(_)) if self.host.contains(':') => {
                write!(f, "[{}]:{}", self.host, self.port)
            }
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Something to dial.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Endpoint {
    /// The places that a host stands for, in the resolver's order; a name may have several.
    pub async fn of(host: &Host) -> io::Result<Vec<Self>> {
        if let Some(folder) = host.socket() {
            let path = format!("{folder}/.s.PGSQL.{}", host.port);
            // An abstract socket's name starts with a zero byte.
            let path = path.strip_prefix('@').map_or(path.clone(), |name| format!("\0{name}"));
            return Ok(vec![Self::Unix(path.into())]);
        }
        let name = match &host.address {
            Some(address) => {
                address.parse::<IpAddr>().map_err(|_| {
                    io::Error::new(io::ErrorKind::InvalidInput, "hostaddr is not an IP address")
                })?;
                address
            }
            None => &host.name,
        };
        let found = tokio::net::lookup_host((name.as_str(), host.port)).await?;
        Ok(found.map(Self::Tcp).collect())
    }

    pub async fn dial(&self, keepalive: Keepalive) -> io::Result<Socket> {
        match self {
            Self::Unix(path) => Ok(Socket::new(Either::Right(UnixStream::connect(path).await?))),
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                keep_alive(&stream, keepalive)?;
                Ok(Socket::new(Either::Left(stream)))
            }
        }
    }

    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }
}

fn keep_alive(stream: &TcpStream, keepalive: Keepalive) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, keepalive.enabled)?;
    if keepalive.enabled {
        #[cfg(not(target_os = "macos"))]
        if let Some(idle) = keepalive.idle {
            sockopt::set_tcp_keepidle(stream, idle)?;
        }
        if let Some(interval) = keepalive.interval {
            sockopt::set_tcp_keepintvl(stream, interval)?;
        }
        if let Some(count) = keepalive.count {
            sockopt::set_tcp_keepcnt(stream, count)?;
        }
    }
    #[cfg(target_os = "linux")]
    if let Some(limit) = keepalive.user_timeout {
        sockopt::set_tcp_user_timeout(stream, limit)?;
    }
    Ok(())
}

/// The stream itself, read in large pieces: tokio-postgres asks for 8 KiB at a time, and a
/// system call (or with TLS several) for each costs a COPY a tenth of the client's CPU.
#[derive(Debug)]
pub(super) struct Socket {
    stream: BufReader<Either<TcpStream, UnixStream>>,
    greeting: Arc<Greeting>,
}

/// The first bytes that came: what speaks there may not be PostgreSQL.
#[derive(Debug, Default)]
pub(super) struct Greeting(OnceLock<Vec<u8>>);

/// Bytes of a greeting that are kept.
const GREETING_BYTES: usize = 32;

impl Greeting {
    /// What is speaking, when it is something else that is known.
    pub fn foreign(&self) -> Option<&'static str> {
        let bytes = self.0.get()?;
        let starts = |prefix: &[u8]| bytes.starts_with(prefix);
        match bytes.as_slice() {
            // An alert in answer to what is no TLS.
            [0x15, 0x03, ..] => Some("a server that begins with TLS (HTTPS, say)"),
            // Length, number 0, and version 10 of its protocol, with the server's version.
            [_, _, 0, 0, 10, b'0'..=b'9', ..] => Some("a MySQL or MariaDB server"),
            _ if starts(b"HTTP/") => Some("an HTTP server"),
            _ if starts(b"SSH-") => Some("an SSH server"),
            _ if starts(b"-ERR ") || starts(b"-DENIED ") => Some("a Redis server"),
            _ if starts(b"220 ") || starts(b"220-") => Some("a mail or FTP server"),
            _ => None,
        }
    }
}

/// Bytes that one read may take.
const READ_BYTES: usize = 128 << 10;

impl Socket {
    fn new(stream: Either<TcpStream, UnixStream>) -> Self {
        let stream = BufReader::with_capacity(READ_BYTES, stream);
        Self { stream, greeting: Arc::default() }
    }

    /// What came first, still to be read when it is asked for early.
    pub fn greeting(&self) -> Arc<Greeting> {
        Arc::clone(&self.greeting)
    }

    /// The port of our own end; `None` for a Unix socket.
    pub fn local_port(&self) -> Option<u16> {
        match self.stream.get_ref() {
            Either::Left(stream) => stream.local_addr().ok().map(|address| address.port()),
            Either::Right(_) => None,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let came = &buffer.filled()[before..];
        if !came.is_empty() && self.greeting.0.get().is_none() {
            // The first answer is read byte by byte: the rest of it lies in the buffer.
            let all = came.iter().chain(self.stream.buffer());
            self.greeting.0.get_or_init(|| all.take(GREETING_BYTES).copied().collect());
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_greetings_are_known() {
        let of = |bytes: &[u8]| {
            let greeting = Greeting::default();
            greeting.0.get_or_init(|| bytes.to_vec());
            greeting.foreign()
        };
        assert_eq!(of(b"HTTP/1.1 400 Bad Request"), Some("an HTTP server"));
        assert_eq!(of(b"SSH-2.0-OpenSSH_9.2p1"), Some("an SSH server"));
        assert_eq!(of(b"J\0\0\0\x0a8.0.33\0"), Some("a MySQL or MariaDB server"));
        assert!(of(b"\x15\x03\x01\0\x02\x02\x46").is_some_and(|what| what.contains("TLS")));
        // A PostgreSQL server: yes or no to TLS, a question for the password, a refusal.
        for ours in [b"S".as_slice(), b"N", b"R\0\0\0\x0c\0\0\0\x05", b"E\0\0\0\x66SFATAL"] {
            assert_eq!(of(ours), None);
        }
        assert_eq!(Greeting::default().foreign(), None);
    }
}
