//! A stream to a server: TCP or a Unix socket, and where it leads.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use rustix::net::sockopt;
use tokio::io::BufReader;
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
            Self::Unix(path) => {
                let stream = Either::Right(UnixStream::connect(path).await?);
                Ok(BufReader::with_capacity(READ_BYTES, stream))
            }
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                keep_alive(&stream, keepalive)?;
                Ok(BufReader::with_capacity(READ_BYTES, Either::Left(stream)))
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
pub(super) type Socket = BufReader<Either<TcpStream, UnixStream>>;

/// Bytes that one read may take.
const READ_BYTES: usize = 128 << 10;

/// The port of our own end; `None` for a Unix socket.
pub(super) fn local_port(socket: &Socket) -> Option<u16> {
    match socket.get_ref() {
        Either::Left(stream) => stream.local_addr().ok().map(|address| address.port()),
        Either::Right(_) => None,
    }
}
