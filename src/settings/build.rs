//! From keywords to the values that they mean: the last step of resolving a target.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::env::Environment;
use super::keyword::{self, Use};
use super::layer::Layer;
use super::learned::Learned;
use super::masked::GIVE_URL;
use super::secret::Secret;
use super::target::{
    ChannelBinding, ClientCertificate, Host, Keepalive, Roots, SessionAttrs, SslMode, Target,
    TlsSettings, TlsVersion,
};
use crate::error::{Error, Result};

/// Used when nobody says otherwise; libpq would wait for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where servers put their socket, as Debian, the PGDG packages and the source have it.
pub(super) const SOCKET_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// Keywords that a child process gets as well.
const PASSED_ON: &[&str] = &[
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "sslcert",
    "sslcertmode",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "tcp_user_timeout",
];

/// Gives every keyword its meaning. Passwords of a password file are not looked up here.
pub(super) fn target(env: &Environment, layer: &Layer, may_prompt: bool) -> Result<Target> {
    refuse_what_cannot_be_honoured(layer)?;
    let user = match layer.get("user").or_else(|| env.user()) {
        Some(user) => user.to_owned(),
        None => {
            return Err(Error::usage("no user name is known").next("give one with --username"));
        }
    };
    let database = layer.get("dbname").unwrap_or(&user).to_owned();
    Ok(Target {
        name: None,
        hosts: hosts(layer)?,
        database,
        options: layer.get("options").unwrap_or_default().to_owned(),
        application_name: layer.get("application_name").map(str::to_owned),
        connect_timeout: connect_timeout(layer)?,
        keepalive: keepalive(layer)?,
        tls: tls(env, layer)?,
        session_attrs: choice(layer, "target_session_attrs", SESSION_ATTRS, SessionAttrs::Any)?,
        load_balance: choice(layer, "load_balance_hosts", LOAD_BALANCE, false)?,
        may_prompt,
        prompt_first: false,
        passed_on: PASSED_ON
            .iter()
            .filter_map(|name| layer.get(name).map(|value| (*name, value.to_owned())))
            .collect(),
        origins: layer.iter().map(|(name, _, origin)| (name, origin.clone())).collect(),
        given: layer
            .iter()
            .filter(|(name, ..)| !keyword::is_secret(name))
            .map(|(name, value, _)| (name, value.to_owned()))
            .collect(),
        user,
        passfile: None,
        login: None,
        learned: Learned::default(),
        replicas: Vec::new(),
        backup_server: None,
        application: Vec::new(),
        environment: None,
        tags: Vec::new(),
        between: None,
    })
}

const SESSION_ATTRS: &[(&str, SessionAttrs)] = &[
    ("any", SessionAttrs::Any),
    ("read-write", SessionAttrs::ReadWrite),
    ("read-only", SessionAttrs::ReadOnly),
    ("primary", SessionAttrs::Primary),
    ("standby", SessionAttrs::Standby),
    ("prefer-standby", SessionAttrs::PreferStandby),
];
const LOAD_BALANCE: &[(&str, bool)] = &[("disable", false), ("random", true)];
const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];
/// What a word means as `sslmode`.
pub(super) fn ssl_mode(word: &str) -> Option<SslMode> {
    SSL_MODES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, mode)| *mode)
}

/// The word of one of several values.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, meaning)| meaning == value).map_or("", |(word, _)| word)
}

impl SslMode {
    /// As libpq writes it.
    pub fn word(self) -> &'static str {
        word(SSL_MODES, &self)
    }
}

impl SessionAttrs {
    /// As libpq writes it.
    pub fn word(self) -> &'static str {
        word(SESSION_ATTRS, &self)
    }
}

impl ChannelBinding {
    /// As libpq writes it.
    pub fn word(self) -> &'static str {
        word(BINDINGS, &self)
    }
}

impl TlsVersion {
    /// As libpq writes it.
    pub fn word(self) -> &'static str {
        word(VERSIONS, &self)
    }
}

const BINDINGS: &[(&str, ChannelBinding)] = &[
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];
const VERSIONS: &[(&str, TlsVersion)] = &[
    ("TLSv1", TlsVersion::Tls10),
    ("TLSv1.1", TlsVersion::Tls11),
    ("TLSv1.2", TlsVersion::Tls12),
    ("TLSv1.3", TlsVersion::Tls13),
];
const NEGOTIATIONS: &[(&str, bool)] = &[("postgres", false), ("direct", true)];
const CERTIFICATE_MODES: &[(&str, bool)] = &[("disable", false), ("allow", true)];
const GSS_MODES: &[(&str, ())] = &[("disable", ()), ("prefer", ())];

/// One of several words, in small letters as libpq wants it. The error names the key, its origin
/// and the words, not the value.
fn choice<T: Copy>(layer: &Layer, name: &str, words: &[(&str, T)], default: T) -> Result<T> {
    refuse_nothing(layer, name)?;
    let Some(value) = layer.get(name) else { return Ok(default) };
    match words.iter().find(|(word, _)| *word == value) {
        Some((_, meaning)) => Ok(*meaning),
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(invalid(layer, name, &format!("it is one of {}", known.join(", "))))
        }
    }
}

/// Where libpq has no meaning for an empty value, an unset variable of a script must not become
/// a default that is weaker than what was meant.
fn refuse_nothing(layer: &Layer, name: &str) -> Result<()> {
    match layer.is_blank(name) {
        true => Err(invalid(layer, name, "it is empty")),
        false => Ok(()),
    }
}

/// A version of TLS, the one word that libpq takes in capitals and in small letters.
fn version(layer: &Layer, name: &str) -> Result<Option<TlsVersion>> {
    let Some(value) = layer.get(name) else { return Ok(None) };
    match VERSIONS.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)) {
        Some((_, version)) => Ok(Some(*version)),
        None => choice(layer, name, VERSIONS, TlsVersion::Tls12).map(Some),
    }
}

fn whole_number(layer: &Layer, name: &str) -> Result<Option<i32>> {
    refuse_nothing(layer, name)?;
    layer
        .get(name)
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|_| invalid(layer, name, "it is not a whole number of 32 bits"))
        })
        .transpose()
}

/// A number above zero; zero, less and nothing are the system's default.
fn positive(layer: &Layer, name: &str) -> Result<Option<u32>> {
    match whole_number(layer, name)? {
        Some(number) if number > 0 => u32::try_from(number)
            .map(Some)
            .map_err(|_| invalid(layer, name, "the number is too large")),
        _ => Ok(None),
    }
}

fn invalid(layer: &Layer, name: &str, why: &str) -> Error {
    Error::usage(format!("invalid {name} from {}", layer.origin(name))).because(why)
}

fn refuse_what_cannot_be_honoured(layer: &Layer) -> Result<()> {
    for (name, value, origin) in layer.iter() {
        let Some(keyword) = keyword::find(name) else { continue };
        let refused = match keyword.used {
            Use::Honoured | Use::Ignored => false,
            Use::Only(harmless) => !harmless.contains(&value),
        };
        if refused {
            return Err(Error::usage(format!("{name} from {origin} cannot be honoured"))
                .because(
                    "pgtend does not support it, and ignoring it would weaken what it asks for",
                )
                .next(format!("take {name} out of {origin} if you can do without it")));
        }
    }
    choice(layer, "gssencmode", GSS_MODES, ())
}

fn hosts(layer: &Layer) -> Result<Vec<Host>> {
    let split = |name| layer.get(name).map(|text| text.split(',').collect::<Vec<&str>>());
    let (names, addresses) = (split("host"), split("hostaddr"));
    for (name, list) in [("host", &names), ("hostaddr", &addresses)] {
        if list.iter().flatten().any(|part| is_no_host(part)) {
            return Err(invalid(layer, name, "it is not a host's name but a connection string")
                .next(GIVE_URL));
        }
    }
    let ports = split("port").unwrap_or_default();
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    if let (Some(names), Some(addresses)) = (&names, &addresses)
        && names.len() != addresses.len()
    {
        return Err(Error::usage(format!(
            "{} host names do not match {} values of hostaddr",
            names.len(),
            addresses.len()
        )));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::usage(format!("{} ports do not match {count} hosts", ports.len())));
    }
    (0..count)
        .map(|at| {
            let text = ports.get(at).or(ports.first().filter(|_| ports.len() == 1));
            let port = port(layer, text.copied().unwrap_or_default())?;
            let part = |list: &Option<Vec<&str>>| {
                list.as_ref().and_then(|list| list.get(at)).copied().unwrap_or_default().to_owned()
            };
            let address = Some(part(&addresses)).filter(|address| !address.is_empty());
            let mut name = part(&names);
            if name.is_empty() && address.is_none() {
                name = default_socket_folder(port);
            }
            Ok(Host { name, address, port, password: None })
        })
        .collect()
}

/// What no name of a host has; a path may have all but the first, an abstract socket starts
/// with '@'.
fn is_no_host(text: &str) -> bool {
    let odd = |text: &str| text.contains(['=', '@']);
    text.contains("://") || (!text.starts_with('/') && odd(text.strip_prefix('@').unwrap_or(text)))
}

fn port(layer: &Layer, text: &str) -> Result<u16> {
    match text.trim() {
        "" => Ok(5432),
        text => text
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| invalid(layer, "port", "it is not a number from 1 to 65535")),
    }
}

/// The folder where the socket lies; without one, the first folder that exists.
fn default_socket_folder(port: u16) -> String {
    let name = format!(".s.PGSQL.{port}");
    SOCKET_FOLDERS
        .iter()
        .find(|folder| Path::new(folder).join(&name).exists())
        .or_else(|| SOCKET_FOLDERS.iter().find(|folder| Path::new(folder).is_dir()))
        .map_or_else(|| "localhost".to_owned(), |folder| (*folder).to_owned())
}

fn connect_timeout(layer: &Layer) -> Result<Option<Duration>> {
    Ok(match whole_number(layer, "connect_timeout")? {
        None => Some(CONNECT_TIMEOUT),
        Some(seconds) => {
            u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
        }
    })
}

fn keepalive(layer: &Layer) -> Result<Keepalive> {
    let seconds = |name| {
        positive(layer, name)
            .map(|number| number.map(|seconds| Duration::from_secs(u64::from(seconds))))
    };
    Ok(Keepalive {
        enabled: whole_number(layer, "keepalives")? != Some(0),
        idle: seconds("keepalives_idle")?,
        interval: seconds("keepalives_interval")?,
        count: positive(layer, "keepalives_count")?,
        user_timeout: positive(layer, "tcp_user_timeout")?,
    })
}

fn tls(env: &Environment, layer: &Layer) -> Result<TlsSettings> {
    let own = env.home().map(|home| home.join(".postgresql"));
    let roots = match (layer.get("sslrootcert"), &own) {
        (Some("system"), _) => Roots::System,
        (Some(path), _) => Roots::File(PathBuf::from(path)),
        (None, Some(own)) => Roots::File(own.join("root.crt")),
        (None, None) => Roots::Nowhere,
    };
    let default = match roots {
        Roots::System => SslMode::VerifyFull,
        _ => SslMode::Prefer,
    };
    let mode = choice(layer, "sslmode", SSL_MODES, default)?;
    if roots == Roots::System && mode != SslMode::VerifyFull {
        return Err(Error::usage("sslrootcert=system needs sslmode=verify-full")
            .because("anybody can get a certificate from a public authority, for another name"));
    }
    let direct = choice(layer, "sslnegotiation", NEGOTIATIONS, false)?;
    if direct && mode < SslMode::Require {
        return Err(Error::usage("sslnegotiation=direct needs sslmode=require or stronger"));
    }
    let minimum = version(layer, "ssl_min_protocol_version")?.unwrap_or(TlsVersion::Tls12);
    let maximum = version(layer, "ssl_max_protocol_version")?;
    if maximum.is_some_and(|maximum| maximum < minimum) {
        return Err(Error::usage(
            "ssl_max_protocol_version is older than ssl_min_protocol_version",
        ));
    }
    refuse_revocation_list(own.as_deref(), mode, &roots)?;
    Ok(TlsSettings {
        mode,
        direct,
        roots,
        certificate: certificate(own.as_deref(), layer)?,
        minimum,
        maximum,
        // libpq takes any other value for a no.
        sni: layer.get("sslsni").map_or(!layer.is_blank("sslsni"), |text| text.starts_with('1')),
        channel_binding: choice(layer, "channel_binding", BINDINGS, ChannelBinding::Prefer)?,
    })
}

/// libpq would honour this file without being told to.
fn refuse_revocation_list(own: Option<&Path>, mode: SslMode, roots: &Roots) -> Result<()> {
    let list = own.map(|own| own.join("root.crl")).filter(|list| list.exists());
    match (list, roots) {
        (Some(list), Roots::File(roots)) if mode != SslMode::Disable && roots.exists() => {
            Err(Error::usage(format!("{} cannot be honoured", list.display()))
                .because("the TLS library of pgtend cannot check revocation lists")
                .next("move the file away if you can do without it"))
        }
        _ => Ok(()),
    }
}

fn certificate(own: Option<&Path>, layer: &Layer) -> Result<Option<ClientCertificate>> {
    let file = |keyword, name| {
        let given = layer.get(keyword).map(PathBuf::from);
        given.or_else(|| own.map(|own| own.join(name)))
    };
    if !choice(layer, "sslcertmode", CERTIFICATE_MODES, true)? {
        return Ok(None);
    }
    let files = file("sslcert", "postgresql.crt").zip(file("sslkey", "postgresql.key"));
    Ok(files.map(|(certificate, key)| ClientCertificate {
        certificate,
        key,
        password: layer.get("sslpassword").map(Secret::new),
    }))
}
