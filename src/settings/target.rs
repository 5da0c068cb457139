//! The server that a run works with, fully resolved.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::between::Between;
use super::learned::Learned;
use super::login::Login;
use super::origin::Origin;
use super::secret::Secret;
use super::variables::{self, Kind};

/// Where and how to connect. No default is left open, and `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in pgtend.toml, when it is from there.
    pub name: Option<String>,
    /// The places to try, in order; at least one.
    pub hosts: Vec<Host>,
    pub user: String,
    pub database: String,
    /// Options for the server's command line (`-c name=value`); empty when none were given.
    pub options: String,
    /// The name that the operator wants to see in `pg_stat_activity`, instead of the command's.
    pub application_name: Option<String>,
    /// The limit for one address, from dialling to the end of the login; `None` waits for ever.
    pub connect_timeout: Option<Duration>,
    pub keepalive: Keepalive,
    pub tls: TlsSettings,
    pub session_attrs: SessionAttrs,
    /// Try the hosts and their addresses in random order.
    pub load_balance: bool,
    /// Ask for a password on the terminal when the server wants one and none is known.
    pub may_prompt: bool,
    /// Ask for it before connecting, whatever is known.
    pub prompt_first: bool,
    /// What was given of the keywords that a child process (`pg_dump`) needs too: `sslmode`,
    /// `sslrootcert`, `connect_timeout` .. Neither address nor secret is among them.
    pub passed_on: Vec<(&'static str, String)>,
    /// Where each given keyword came from.
    pub origins: BTreeMap<&'static str, Origin>,
    /// Each given keyword as it was written, save those that are secret.
    pub given: BTreeMap<&'static str, String>,
    /// The password file; it need not exist.
    pub passfile: Option<PathBuf>,
    /// How the password is had, when it is not written down.
    pub login: Option<Login>,
    /// What was learned while connecting.
    pub learned: Learned,
    /// Other servers with the same data, for reading.
    pub replicas: Vec<Replica>,
    /// The server that backups are read from with `--read-from backup` (`DB_BACKUP_URL`).
    pub backup_server: Option<Box<Target>>,
    /// What the application's settings say beyond the connection: pool sizes, time limits.
    /// Judged by `check`, without effect on pgtend's own sessions.
    pub application: Vec<ApplicationSetting>,
    /// `production`, `staging` ..; for people.
    pub environment: Option<(String, Origin)>,
    pub tags: Vec<String>,
    /// What stands between us and the server, when an earlier session has found it out.
    pub between: Option<Between>,
}

/// A server with the data of another one.
#[derive(Debug, Clone)]
pub struct Replica {
    pub target: Target,
    /// How often it is taken, against the others' weights; at least 1.
    pub weight: u32,
}

/// A setting of the application: `pool_size` of its URL, or `DB_POOL_SIZE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationSetting {
    /// As it was written there.
    pub name: String,
    pub value: String,
    pub origin: Origin,
}

impl ApplicationSetting {
    /// Whether it is one whose value is never shown; `value` is masked then.
    pub fn is_secret(&self) -> bool {
        variables::find(&self.name).is_some_and(|found| found.known.kind == Kind::Secret)
    }
}

impl Target {
    /// `db.example.com:5432`, or several with commas.
    pub fn servers(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        hosts.join(",")
    }

    /// `db.example.com:5432/app`
    pub fn place(&self) -> String {
        format!("{}/{}", self.servers(), self.database)
    }

    /// Where the value of a libpq keyword came from.
    pub fn origin(&self, keyword: &str) -> Origin {
        self.origins.get(keyword).cloned().unwrap_or(Origin::Default)
    }

    /// A server of our own behind a Unix socket, which asks for no password.
    pub fn own_server(folder: &Path, port: u16, user: &str, database: &str) -> Self {
        let name = folder.display().to_string();
        Self {
            name: None,
            hosts: vec![Host { name, address: None, port, password: None }],
            user: user.to_owned(),
            database: database.to_owned(),
            options: String::new(),
            application_name: None,
            connect_timeout: Some(Duration::from_secs(10)),
            keepalive: Keepalive {
                enabled: false,
                idle: None,
                interval: None,
                count: None,
                user_timeout: None,
            },
            tls: TlsSettings {
                mode: SslMode::Disable,
                direct: false,
                roots: Roots::Nowhere,
                certificate: None,
                minimum: TlsVersion::Tls12,
                maximum: None,
                sni: false,
                channel_binding: ChannelBinding::Disable,
            },
            session_attrs: SessionAttrs::Any,
            load_balance: false,
            may_prompt: false,
            prompt_first: false,
            passed_on: Vec::new(),
            origins: BTreeMap::new(),
            given: BTreeMap::new(),
            passfile: None,
            login: None,
            learned: Learned::default(),
            replicas: Vec::new(),
            backup_server: None,
            application: Vec::new(),
            environment: None,
            tags: Vec::new(),
            between: None,
        }
    }

    /// The same server, another database; a pooler may have another mode for it.
    #[must_use]
    pub fn in_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), between: None, ..self.clone() }
    }

    /// The same target with one host only.
    #[must_use]
    pub fn at(&self, host: Host) -> Self {
        Self { hosts: vec![host], ..self.clone() }
    }
}

/// `db.example.com:5432/app as app`, with all hosts.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if at == 0 { "" } else { "," })?;
        }
        write!(f, "/{} as {}", self.database, self.user)
    }
}

/// One place to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name, an address, or the folder of a Unix socket; empty when only `address` was given.
    pub name: String,
    /// The numeric address to dial instead of looking `name` up (`hostaddr`).
    pub address: Option<String>,
    pub port: u16,
    /// What to log in with here, and where it came from.
    pub password: Option<(Secret, Origin)>,
}

impl Host {
    /// The folder of the Unix socket, or the name of an abstract one (`@..`), when it is one.
    pub fn socket(&self) -> Option<&str> {
        (self.address.is_none() && self.name.starts_with(['/', '@'])).then_some(&*self.name)
    }

    /// What the server's certificate has to name.
    pub fn tls_name(&self) -> &str {
        match &self.address {
            Some(address) if self.name.is_empty() => address,
            _ => &self.name,
        }
    }
}

/// `db:5432`, `[::1]:5432` or `/run/postgresql:5432`.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.tls_name();
        if name.contains(':') && !name.starts_with('/') {
            write!(f, "[{name}]:{}", self.port)
        } else {
            write!(f, "{name}:{}", self.port)
        }
    }
}

/// TCP keepalives; a zero or `None` leaves the system's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    pub enabled: bool,
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    /// Lost probes before the connection counts as dead.
    pub count: Option<u32>,
    /// Milliseconds that sent data may stay unacknowledged (`tcp_user_timeout`).
    pub user_timeout: Option<u32>,
}

/// TLS as libpq's `ssl*` keywords describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    pub mode: SslMode,
    /// Start TLS at once instead of asking first (`sslnegotiation=direct`).
    pub direct: bool,
    pub roots: Roots,
    /// The client's certificate; a file that does not exist counts as none.
    pub certificate: Option<ClientCertificate>,
    pub minimum: TlsVersion,
    pub maximum: Option<TlsVersion>,
    /// Tell the server which host is meant (`sslsni`).
    pub sni: bool,
    pub channel_binding: ChannelBinding,
}

/// libpq's `sslmode`, from the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Which authorities are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Those of a file; when it does not exist nothing is verified, and verify-* fails.
    File(PathBuf),
    /// The system's (`sslrootcert=system`).
    System,
    /// No file is configured and there is no home folder to look in.
    Nowhere,
}

/// The files of a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Opens an encrypted key.
    pub password: Option<Secret>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

/// Whether the login is bound to the TLS channel (SCRAM only).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAttrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}
