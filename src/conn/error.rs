//! Why a connection could not be made, and what the operator can do: one table.

use std::io::ErrorKind;
use std::time::Duration;

use super::query_error::chain;
use crate::error::Error;
use crate::exit::Exit;
use crate::settings::{Origin, SslMode};

/// Why one address could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The name could not be looked up.
    Lookup(String),
    /// Dialling failed.
    Dial(ErrorKind, String),
    /// The connection broke before the login was complete.
    Broken(String),
    /// Nothing was heard in time.
    Silent(Duration),
    /// The server said no: SQLSTATE and message.
    Server(String, String),
    /// The handshake failed.
    Tls(String),
    /// The certificates or the key given for TLS are of no use.
    TlsFiles(String),
    TlsNotOffered,
    PasswordMissing,
    /// Not the kind of server that `target_session_attrs` asks for.
    WrongKind(&'static str),
    /// A major version that is too old.
    TooOld(u32),
    Other(String),
}

impl Cause {
    pub fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(server) = error.as_db_error() {
            return Self::Server(server.code().code().to_owned(), server.message().to_owned());
        }
        let source = std::error::Error::source(error);
        if let Some(tls) = source.and_then(|source| source.downcast_ref::<native_tls::Error>()) {
            return Self::Tls(tls.to_string());
        }
        if let Some(io) = source.and_then(|source| source.downcast_ref::<std::io::Error>()) {
            return Self::Broken(io.to_string());
        }
        // The rest can be told apart by its words only.
        let text = chain(error);
        match () {
            () if text.contains("password missing") => Self::PasswordMissing,
            () if text.contains("does not support TLS") => Self::TlsNotOffered,
            () if error.is_closed() => Self::Broken(text),
            () => Self::Other(text),
        }
    }

    /// Whether it may pass by itself, so that trying again makes sense.
    pub fn can_pass(&self) -> bool {
        match self {
            Self::Dial(kind, _) => matches!(
                kind,
                ErrorKind::ConnectionRefused
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
            ),
            Self::Broken(_) => true,
            Self::Server(state, _) => state == "57P03" || state == "53300",
            _ => false,
        }
    }

    /// Whether other hosts would say the same: libpq does not go on after a refused login.
    pub fn is_final(&self) -> bool {
        match self {
            Self::PasswordMissing => true,
            Self::Server(state, _) => state.starts_with("28") || state == "3D000",
            _ => false,
        }
    }
}

/// What an attempt was made with.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// `db:5432`.
    pub place: String,
    pub socket: bool,
    pub ipv6: bool,
    pub user: String,
    pub database: String,
    pub password: Option<Origin>,
    pub mode: SslMode,
}

/// One failed attempt.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub context: Context,
    pub cause: Cause,
}

/// The error of a run out of all that was tried; there is at least one failure. Exit 75 when
/// all that is missing is a free connection.
pub(super) fn report(failures: &[Failure]) -> Error {
    let mut places: Vec<&str> = failures.iter().map(|one| one.context.place.as_str()).collect();
    places.dedup();
    let full = |one: &Failure| matches!(&one.cause, Cause::Server(state, _) if state == "53300");
    let exit = if failures.iter().all(full) { Exit::Busy } else { Exit::Unavailable };
    let mut error = Error::new(exit, format!("cannot connect to {}", places.join(", ")));
    let mut seen: Vec<String> = Vec::new();
    let mut steps: Vec<String> = Vec::new();
    for failure in failures {
        let (mut text, step) = explain(&failure.cause, &failure.context);
        if places.len() > 1 {
            text = format!("{}: {text}", failure.context.place);
        }
        if !seen.contains(&text) {
            error = error.because(text.clone());
            seen.push(text);
        }
        if let Some(step) = step.filter(|step| !steps.contains(step)) {
            error = error.next(step.clone());
            steps.push(step);
        }
    }
    error
}

/// The cause in words, and the next step.
pub(super) fn explain(cause: &Cause, context: &Context) -> (String, Option<String>) {
    let place = &context.place;
    match cause {
        Cause::Lookup(text) => (
            format!("the host name cannot be looked up: {text}"),
            Some("check the spelling of the host name, and DNS or VPN from here".to_owned()),
        ),
        Cause::Dial(kind, text) => dial(*kind, text, context),
        Cause::Broken(text) => (
            format!("the connection broke before the login was complete: {text}"),
            Some(format!("check that a PostgreSQL server, and not something else, is at {place}")),
        ),
        Cause::Silent(limit) => (
            format!("no answer within {} s", limit.as_secs()),
            Some(format!(
                "check the way to {place} (firewall, security group, VPN), or raise connect_timeout"
            )),
        ),
        Cause::Server(state, message) => server(state, message, context),
        Cause::Tls(text) => tls(text),
        Cause::TlsFiles(text) => (format!("TLS could not be used: {text}"), None),
        Cause::TlsNotOffered => (
            "the server does not offer TLS, and sslmode asks for it".to_owned(),
            Some("switch ssl on in the server, or connect with sslmode=prefer".to_owned()),
        ),
        Cause::PasswordMissing => (
            format!("the server asks for the password of {}, and none is known", context.user),
            Some(format!(
                "set PGPASSWORD, or add a line for {place} to ~/.pgpass (chmod 0600), or run it \
                 on a terminal without --no-password"
            )),
        ),
        Cause::WrongKind(what) => (
            format!("{what}, and target_session_attrs asks for another kind of server"),
            Some("give the other host, or another target_session_attrs".to_owned()),
        ),
        Cause::TooOld(major) => (
            format!("the server is PostgreSQL {major}, and pgtend needs 13 or newer"),
            Some("upgrade the server: its version has reached its end of life".to_owned()),
        ),
        Cause::Other(text) => (text.clone(), other(text).map(str::to_owned)),
    }
}

fn dial(kind: ErrorKind, text: &str, context: &Context) -> (String, Option<String>) {
    let place = &context.place;
    let (cause, step) = match kind {
        ErrorKind::NotFound if context.socket => (
            "there is no socket file".to_owned(),
            "start the server, or give --host with its name or with the folder of its socket"
                .to_owned(),
        ),
        ErrorKind::ConnectionRefused if context.socket => (
            "nobody listens on the socket".to_owned(),
            "start the server: it left this socket file behind".to_owned(),
        ),
        ErrorKind::PermissionDenied if context.socket => (
            "the socket may not be used by this user".to_owned(),
            "run pgtend as a user who may, or connect by TCP with --host".to_owned(),
        ),
        ErrorKind::ConnectionRefused => (
            "the connection was refused: nobody listens there".to_owned(),
            "check host and port, that the server runs, and that it listens there \
             (listen_addresses, security group)"
                .to_owned(),
        ),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable if context.ipv6 => (
            format!("there is no route to its IPv6 address: {text}"),
            "use an IPv4 address of the server (a session pooler's, say), or get IPv6 here"
                .to_owned(),
        ),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
            (format!("there is no route: {text}"), "check VPN, routes and the address".to_owned())
        }
        ErrorKind::TimedOut => (
            "no answer".to_owned(),
            format!("check the way to {place} (firewall, security group, VPN)"),
        ),
        _ => return (text.to_owned(), None),
    };
    (cause, Some(step))
}

fn server(state: &str, message: &str, context: &Context) -> (String, Option<String>) {
    let Context { user, database, place, .. } = context;
    let has = |words: &str| message.contains(words);
    let (cause, step) = match state {
        _ if has("unsupported startup parameter") => (
            format!("a pooler is in between, and it refuses a startup parameter: {message}"),
            "take options (PGOPTIONS) out, or connect to the server itself".to_owned(),
        ),
        "28P01" => {
            let origin = context.password.as_ref();
            let from = origin.map(|origin| format!(" (the password is from {origin})"));
            (
                format!("{message}{}", from.unwrap_or_default()),
                match origin {
                    Some(origin) => format!("check --username, and the password in {origin}"),
                    None => "check user and password".to_owned(),
                },
            )
        }
        "28000"
            // "SSL off" is the wording of PostgreSQL 13.
            if (has("no encryption") || has("SSL off")) && context.mode == SslMode::Disable => (
            format!("the server asks for TLS: {message}"),
            "connect with sslmode=require or stronger".to_owned(),
        ),
        "28000" if has("pg_hba.conf") => (
            message.to_owned(),
            format!(
                "add a line for {user}, {database} and this client to the server's pg_hba.conf"
            ),
        ),
        "28000" if has("client certificate") => (
            message.to_owned(),
            "give a certificate that the server trusts with sslcert and sslkey".to_owned(),
        ),
        "28000" if has("does not exist") => {
            (message.to_owned(), "check --username, or create the role".to_owned())
        }
        "28000" if has("authentication failed") => {
            (message.to_owned(), "check the server's pg_hba.conf and pg_ident.conf".to_owned())
        }
        "3D000" => (message.to_owned(), "check --dbname; psql -l lists the databases".to_owned()),
        "42501" => (message.to_owned(), format!("grant connect on database {database} to {user}")),
        "53300" => (
            format!("too many connections: {message}"),
            "end idle sessions, or raise max_connections or the role's limit".to_owned(),
        ),
        "57P03" => (message.to_owned(), format!("wait until {place} is up, and try again")),
        _ => (format!("{message} (SQLSTATE {state})"), String::new()),
    };
    (cause, Some(step).filter(|step| !step.is_empty()))
}

fn other(text: &str) -> Option<&'static str> {
    if text.contains("channel binding") {
        Some("channel_binding=require needs TLS and a password stored as scram-sha-256")
    } else if text.contains("unsupported authentication") {
        Some("pgtend logs in with a password or a certificate: have pg_hba.conf ask for one")
    } else {
        None
    }
}

fn tls(text: &str) -> (String, Option<String>) {
    let lower = text.to_ascii_lowercase();
    let has = |words: &str| lower.contains(words);
    let step = if has("mismatch") {
        Some("connect by a name that the certificate holds, or use sslmode=verify-ca")
    } else if has("has expired") {
        Some("renew the server's certificate, or update the file of sslrootcert")
    } else if has("self-signed") || has("self signed") || has("issuer") || has("unable to verify") {
        Some(
            "give the authority that signed the server's certificate with sslrootcert (RDS: \
             https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)",
        )
    } else if has("protocol version") || has("unsupported protocol") {
        Some("check ssl_min_protocol_version and ssl_max_protocol_version against the server's")
    } else if has("eof") || has("alpn") {
        Some("sslnegotiation=direct needs PostgreSQL 17")
    } else {
        None
    };
    // openssl's line of numbers, functions and files ends with the reason.
    let reason = match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        Some((_, reason)) => format!("the server's certificate was not accepted: {reason}"),
        None => format!("TLS: {text}"),
    };
    (reason, step.map(str::to_owned))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
