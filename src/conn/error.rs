//! Why a connection could not be made: from what libraries and servers say to a row of the table
//! in [`super::rows`].

use std::io::ErrorKind;
use std::time::Duration;

use super::query_error::chain;
use super::rows::Row;
use crate::error::Error;
use crate::exit::Exit;
use crate::settings::{Origin, SslMode};

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Dialling,
    /// The connection was accepted.
    Accepted,
    /// The server has agreed to TLS.
    Tls,
    /// The login is complete.
    LoggedIn,
}

/// What PgBouncer says when it takes no more clients.
const POOLER_FULL: &str = "no more connections allowed";

/// Why one address could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The name could not be looked up.
    Lookup(String),
    /// Dialling failed.
    Dial(ErrorKind, String),
    /// The connection broke before the login was complete.
    Broken(String),
    /// Not all was heard in time.
    Silent(Duration, Stage),
    /// What speaks there is not PostgreSQL.
    NotPostgres(&'static str),
    /// The server said no: SQLSTATE and message.
    Server(String, String),
    /// The handshake failed.
    Tls(String),
    /// The certificates or the key given for TLS are of no use.
    TlsFiles(String),
    /// The server ended TLS for a reason of its own, after the handshake.
    Alert(String),
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
            let more = server.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            let message = format!("{}{more}", server.message());
            return Self::Server(server.code().code().to_owned(), message);
        }
        let source = std::error::Error::source(error);
        if let Some(tls) = source.and_then(|source| source.downcast_ref::<native_tls::Error>()) {
            return Self::Tls(tls.to_string());
        }
        if let Some(io) = source.and_then(|source| source.downcast_ref::<std::io::Error>()) {
            let text = io.to_string();
            return if text.contains(" alert ") { Self::Alert(text) } else { Self::Broken(text) };
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
            Self::Server(state, message) => state == "57P03" || is_full(state, message),
            _ => false,
        }
    }

    /// Whether another password may help.
    pub fn is_wrong_password(&self) -> bool {
        matches!(self, Self::Server(state, _) if state == "28P01")
    }

    /// Whether `pg_hba.conf` has no line, or a line that rejects.
    pub fn is_no_entry(&self) -> bool {
        matches!(self, Self::Server(state, message) if state == "28000" && message.contains("pg_hba.conf"))
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
    /// The name alone.
    pub host: String,
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
    let full = |one: &Failure| matches!(&one.cause, Cause::Server(state, message) if is_full(state, message));
    let exit = if failures.iter().all(full) { Exit::Busy } else { Exit::Unavailable };
    let mut error = Error::new(exit, format!("cannot connect to {}", places.join(", ")));
    let mut seen: Vec<String> = Vec::new();
    let mut steps: Vec<String> = Vec::new();
    for Failure { context, cause } in failures {
        let (row, mut text) = explain(cause, context);
        if places.len() > 1 {
            text = format!("{}: {text}", context.place);
        }
        if !seen.contains(&text) {
            error = error.because(text.clone());
            seen.push(text);
        }
        for row in [Some(row), row.of_provider(&context.host)].into_iter().flatten() {
            error = error.reason(row.id());
            let step = row.step(context);
            if !steps.contains(&step) {
                error = error.next(step.clone());
                steps.push(step);
            }
        }
    }
    error
}

/// The error when the operator was asked, and gave an empty answer.
pub(super) fn nothing_typed(context: &Context) -> Error {
    let context = Context { password: Some(Origin::Prompt), ..context.clone() };
    report(&[Failure { context, cause: Cause::PasswordMissing }])
}

/// The row of the table, and the cause in words.
pub(super) fn explain(cause: &Cause, context: &Context) -> (Row, String) {
    match cause {
        Cause::Lookup(text) => (Row::Lookup, format!("the host name cannot be looked up: {text}")),
        Cause::Dial(kind, text) => dial(*kind, text, context),
        Cause::Broken(text) => {
            (Row::Broken, format!("the connection broke before the login was complete: {text}"))
        }
        Cause::Silent(limit, stage) => silent(*limit, *stage),
        Cause::NotPostgres(what) => {
            (Row::NotPostgres, format!("what answers there is not PostgreSQL, but {what}"))
        }
        Cause::Server(state, message) => server(state, message, context),
        Cause::Tls(text) => tls(text),
        Cause::TlsFiles(text) => (Row::TlsFiles, format!("TLS could not be used: {text}")),
        Cause::Alert(text) => alert(text),
        Cause::TlsNotOffered => (
            Row::TlsNotOffered,
            "the server does not offer TLS, and sslmode asks for it".to_owned(),
        ),
        Cause::PasswordMissing => {
            let typed = matches!(context.password, Some(Origin::Prompt));
            let but = if typed { "nothing was typed" } else { "none is known" };
            let text = format!("the server asks for the password of {}, and {but}", context.user);
            (Row::PasswordMissing, text)
        }
        Cause::WrongKind(what) => (
            Row::WrongKind,
            format!("{what}, and target_session_attrs asks for another kind of server"),
        ),
        Cause::TooOld(major) => {
            (Row::TooOld, format!("the server is PostgreSQL {major}, and pgtend needs 13 or newer"))
        }
        Cause::Other(text) => (other(text), text.clone()),
    }
}

fn silent(limit: Duration, stage: Stage) -> (Row, String) {
    let within = format!("within {} s", limit.as_secs());
    match stage {
        Stage::Dialling => (Row::Silent, format!("no answer {within}")),
        Stage::Accepted => (
            Row::SilentServer,
            format!("the connection was accepted, and then nothing was said {within}"),
        ),
        Stage::Tls => (Row::SilentTls, format!("TLS was agreed on, and not completed {within}")),
        Stage::LoggedIn => (
            Row::SilentLogin,
            format!("the login was accepted, and the first statement not answered {within}"),
        ),
    }
}

fn dial(kind: ErrorKind, text: &str, context: &Context) -> (Row, String) {
    let Context { socket, ipv6, .. } = *context;
    match kind {
        ErrorKind::NotFound if socket => (Row::SocketMissing, "there is no socket file".to_owned()),
        ErrorKind::ConnectionRefused if socket => {
            (Row::SocketStale, "nobody listens on the socket".to_owned())
        }
        ErrorKind::PermissionDenied if socket => {
            (Row::SocketForbidden, "the socket may not be used by this user".to_owned())
        }
        ErrorKind::InvalidInput if socket => {
            (Row::SocketPath, "the path of the socket file is longer than the system allows".into())
        }
        ErrorKind::ConnectionRefused => {
            (Row::Refused, "the connection was refused: nobody listens there".to_owned())
        }
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable if ipv6 => {
            (Row::NoRouteIpv6, format!("there is no route to its IPv6 address: {text}"))
        }
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
            (Row::NoRoute, format!("there is no route: {text}"))
        }
        ErrorKind::TimedOut => (Row::Silent, "no answer".to_owned()),
        _ => (Row::Dial, text.to_owned()),
    }
}

/// What PgBouncer says under the one state that it has for its own refusals.
fn pooler(message: &str) -> Option<Row> {
    const ROWS: [(&str, Row); 6] = [
        ("no such database", Row::PoolerDatabase),
        ("no such user", Row::PoolerLogin),
        ("authentication failed", Row::PoolerLogin),
        (POOLER_FULL, Row::PoolerFull),
        ("query_wait_timeout", Row::PoolerWait),
        ("server login", Row::PoolerWait),
    ];
    ROWS.iter().find(|(words, _)| message.contains(words)).map(|(_, row)| *row)
}

/// All places of the server, or of a pooler, are taken.
fn is_full(state: &str, message: &str) -> bool {
    state == "53300" || (state == "08P01" && message.contains(POOLER_FULL))
}

fn server(state: &str, message: &str, context: &Context) -> (Row, String) {
    let has = |words: &str| message.contains(words);
    let row = match state {
        _ if has("unsupported startup parameter") => {
            let text =
                format!("a pooler is in between, and it refuses a startup parameter: {message}");
            return (Row::StartupParameter, text);
        }
        "08P01" if let Some(row) = pooler(message) => {
            return (row, format!("a pooler is in between, and it says: {message}"));
        }
        "28000" | "28P01"
            if has("authentication failed") && matches!(context.password, Some(Origin::Iam(_))) =>
        {
            return (Row::TokenRefused, format!("the server refused the IAM token: {message}"));
        }
        "28P01" => {
            let from = match &context.password {
                None => String::new(),
                Some(Origin::Prompt) => " (with the password that was typed)".to_owned(),
                Some(origin) => format!(" (the password is from {origin})"),
            };
            return (Row::WrongPassword, format!("{message}{from}"));
        }
        // "SSL off" is the wording of PostgreSQL 13.
        "28000" if (has("no encryption") || has("SSL off")) && context.mode == SslMode::Disable => {
            return (Row::TlsRequired, format!("the server asks for TLS: {message}"));
        }
        "28000" if has("pg_hba.conf") => Row::NoPgHbaEntry,
        "28000" if has("client certificate") => Row::ClientCertificateMissing,
        "28000" if has("does not exist") => Row::UnknownRole,
        "28000" if has("not permitted to log in") => Row::NoLogin,
        "28000" if has("authentication failed") => Row::AuthenticationFailed,
        "3D000" => Row::UnknownDatabase,
        "55000" if has("not currently accepting connections") => Row::DatabaseClosed,
        "42501" => Row::NoConnectPrivilege,
        "53300" => {
            let row = match () {
                () if has("for role") => Row::TooManyRole,
                () if has("for database") => Row::TooManyDatabase,
                () if has("reserved") => Row::TooManyReserved,
                () => Row::TooManyServer,
            };
            return (row, format!("too many connections: {message}"));
        }
        "57P03" if has("shutting down") => Row::Stopping,
        "57P03" if has("recovery mode") => Row::Recovering,
        // PostgreSQL 13 says that it is starting up, for ever.
        "57P03" if has("Hot standby mode is disabled") => Row::NotHot,
        "57P03" => Row::Starting,
        "42704" | "22023" | "55P02" => Row::ServerOption,
        _ => return (Row::ServerOther, format!("{message} (SQLSTATE {state})")),
    };
    (row, message.to_owned())
}

fn other(text: &str) -> Row {
    if text.contains("channel binding") {
        Row::ChannelBinding
    } else if text.contains("unsupported authentication") {
        Row::AuthenticationUnsupported
    } else {
        Row::Unexpected
    }
}

/// The handshake failed on our side, or the server's alert ended it.
fn tls(text: &str) -> (Row, String) {
    let lower = text.to_ascii_lowercase();
    let has = |words: &str| lower.contains(words);
    if has(" alert ") {
        return alert(text);
    }
    // openssl's line of numbers, functions and files ends with the reason.
    if let Some((_, reason)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        let row = match () {
            () if has("ip address mismatch") => Row::CertificateAddress,
            () if has("mismatch") => Row::CertificateName,
            () if has("has expired") => Row::CertificateExpired,
            () if has("not yet valid") => Row::CertificateEarly,
            () if has("in certificate chain") => Row::CertificateIssuer,
            () if has("self-signed") || has("self signed") => Row::CertificateSelfSigned,
            () if has("issuer") || has("unable to verify") => Row::CertificateIssuer,
            () => Row::CertificateOther,
        };
        return (row, format!("the server's certificate was not accepted: {reason}"));
    }
    let row = match () {
        () if has("unsupported protocol") => Row::TlsVersion,
        () if has("eof") || has("alpn") => Row::TlsDirect,
        () => Row::TlsFailed,
    };
    (row, format!("TLS: {}", openssl_reason(text)))
}

/// The fifth part of `error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:..`.
fn openssl_reason(text: &str) -> &str {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        ["error", _, _, _, reason, ..] => reason,
        _ => text,
    }
}

/// What the server does not like about us.
fn alert(text: &str) -> (Row, String) {
    let reason = openssl_reason(text);
    let has = |words: &str| reason.contains(words);
    let row = match () {
        () if has("unknown ca") => Row::ClientCertificateUntrusted,
        () if has("expired") => Row::ClientCertificateExpired,
        () if has("certificate") || has("access denied") => Row::ClientCertificateRefused,
        () if has("protocol version") => Row::TlsVersion,
        () => Row::TlsFailed,
    };
    (row, format!("the server ended TLS: {reason}"))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
