//! Connection strings, read exactly as libpq reads them.
//!
//! Source: `conninfo_parse` and `conninfo_uri_parse` of `fe-connect.c`, PostgreSQL 18. What
//! applications write beyond libpq (drivers, pool settings) is taken off with a note. No
//! error repeats the string: it may hold a password anywhere.

use super::target::SslMode;
use super::{build, keyword};

/// The keywords that a connection string sets; a later one replaces an earlier.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Conninfo {
    values: Vec<(&'static str, String)>,
    /// What was taken off and is kept for judging: the driver and the settings of its pool.
    pub application: Vec<(String, String)>,
    /// What was taken off, for the operator.
    pub notes: Vec<String>,
}

/// Query parameters of SQLAlchemy, Prisma, asyncpg and their kind that are no business of
/// the server.
const APPLICATION_KEYS: &[&str] = &[
    "command_timeout",
    "connection_limit",
    "echo",
    "max_overflow",
    "pgbouncer",
    "pool_max_size",
    "pool_min_size",
    "pool_pre_ping",
    "pool_recycle",
    "pool_reset_on_return",
    "pool_size",
    "pool_timeout",
    "pool_use_lifo",
    "prepared_statement_cache_size",
    "prepared_statements",
    "schema",
    "statement_cache_size",
];

/// Whether libpq would read this as a connection string where a database name may stand.
pub(super) fn is_conninfo(text: &str) -> bool {
    text.contains('=') || text.contains("://")
}

/// Whether a text is a URL of that scheme, with or without a driver.
fn is_url(text: &str, scheme: &str) -> bool {
    let rest = text.strip_prefix(scheme);
    rest.is_some_and(|rest| rest.starts_with("://") || rest.starts_with('+'))
}

/// Why a connection string cannot be read: a cause without any part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Characters that have to be percent-encoded.
    Encoding(String),
    /// Another kind of database.
    Scheme(String),
    /// A part of a guide that was never filled in.
    Placeholder(String),
    Other(String),
}

impl Fault {
    /// The cause.
    pub fn into_words(self) -> String {
        match self {
            Self::Encoding(words)
            | Self::Scheme(words)
            | Self::Placeholder(words)
            | Self::Other(words) => words,
        }
    }
}

impl From<String> for Fault {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}

impl From<&str> for Fault {
    fn from(words: &str) -> Self {
        Self::Other(words.to_owned())
    }
}

/// Reads a URI or a `key=value` string.
///
/// The error is a cause without any part of a value.
pub(super) fn parse(text: &str) -> Result<Conninfo, String> {
    let mut info = read(text).map_err(Fault::into_words)?;
    placeholders(&mut info)?;
    Ok(info)
}

/// The same, whatever was filled in.
pub(super) fn read(text: &str) -> Result<Conninfo, Fault> {
    let mut info = Conninfo::default();
    let bare = text.trim_start_matches(|c| is_space(c) || "'\"".contains(c));
    if bare.len() < text.len() && ["postgresql", "postgres"].iter().any(|s| is_url(bare, s)) {
        return Err("a blank or a quote stands before its postgresql://: take it off".into());
    }
    match scheme(text)? {
        Some(Scheme { rest, driver }) => {
            if let Some(driver) = driver {
                info.notes.push(format!(
                    "the driver \"+{driver}\" of the URL was taken off; psql would refuse it"
                ));
                info.application.push(("driver".to_owned(), driver.to_owned()));
            }
            uri(&mut info, rest).map_err(|cause| match holds_placeholder(rest) {
                true => Fault::Placeholder(format!("a part of it {PLACEHOLDER}: fill it in")),
                false => cause,
            })?;
        }
        None => key_value(&mut info, text)?,
    }
    Ok(info)
}

impl Conninfo {
    /// The keywords with their values.
    pub fn into_values(self) -> impl Iterator<Item = (&'static str, String)> {
        self.values.into_iter()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    fn store(&mut self, name: &str, value: String) -> Result<(), String> {
        // libpq keeps this spelling of old for sslmode.
        let (name, value) = match name {
            "requiressl" if value.starts_with('1') => ("sslmode", "require".to_owned()),
            "requiressl" => ("sslmode", "prefer".to_owned()),
            _ => (name, value),
        };
        let keyword = keyword::find(name).ok_or_else(|| match name {
            "ssl" => ssl_advice(&value),
            _ => unknown(name),
        })?;
        self.values.retain(|(known, _)| *known != keyword.name);
        self.values.push((keyword.name, value));
        Ok(())
    }
}

/// What is said of a key that libpq does not know. It is named only when it is near to one that
/// is known.
pub(super) fn unknown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
        return "it sets something that is not a keyword of libpq".to_owned();
    }
    let known = keyword::KEYWORDS.iter().map(|keyword| keyword.name);
    match keyword::nearest(name, known) {
        Some(near) => format!("unknown key \"{name}\"; did you mean \"{near}\"?"),
        None if APPLICATION_KEYS.contains(&name) => format!("unknown key \"{name}\""),
        // It may be the rest of a password with a blank in it.
        None => "it sets something that is not a keyword of libpq".to_owned(),
    }
}

/// libpq knows `ssl=true` in a URL only; others write the mode there. No weaker one is advised.
fn ssl_advice(value: &str) -> String {
    let mode = match value.to_ascii_lowercase().as_str() {
        "false" | "0" | "no" | "off" => "disable",
        word => build::ssl_mode(word).map_or("require", SslMode::word),
    };
    format!("unknown key \"ssl\"; write sslmode={mode}")
}

/// Schemes that a connection string is given with by mistake. Another one may be a part of a
/// password.
const FOREIGN: &[&str] = &[
    "amqp",
    "cockroachdb",
    "file",
    "http",
    "https",
    "jdbc",
    "mariadb",
    "mongodb",
    "mssql",
    "mysql",
    "oracle",
    "redis",
    "rediss",
    "sqlite",
    "sqlserver",
    "ssh",
    "tcp",
    "unix",
];

struct Scheme<'a> {
    rest: &'a str,
    driver: Option<&'a str>,
}

/// What follows `postgresql://`; `None` for a string that is not a URI.
fn scheme(text: &str) -> Result<Option<Scheme<'_>>, Fault> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(None);
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "+.-:_".contains(c);
    if scheme.is_empty() || !scheme.chars().all(plain) {
        return Ok(None);
    }
    let (name, driver) = match scheme.split_once('+') {
        Some((name, driver)) => (name, Some(driver)),
        None => (scheme, None),
    };
    match name {
        "postgresql" | "postgres" => Ok(Some(Scheme { rest, driver })),
        "jdbc:postgresql" => Err("a JDBC URL: take \"jdbc:\" off".into()),
        _ if name.eq_ignore_ascii_case("postgresql") || name.eq_ignore_ascii_case("postgres") => {
            Err("write the scheme in lower case: postgresql://".into())
        }
        _ => {
            let name = match FOREIGN.iter().find(|known| name.eq_ignore_ascii_case(known)) {
                Some(known) => format!("{known}://"),
                None => "its scheme".to_owned(),
            };
            let words = format!("{name} is not PostgreSQL, and pgtend works with PostgreSQL only");
            Err(Fault::Scheme(words))
        }
    }
}

/// `conninfo_uri_parse_options`; `rest` follows the scheme.
fn uri(info: &mut Conninfo, mut rest: &str) -> Result<(), Fault> {
    // Credentials end at the first '@' that comes before any '/'.
    let credentials = rest.find(['@', '/']).filter(|at| rest[*at..].starts_with('@'));
    if let Some(at) = credentials {
        let (user, password) = match rest[..at].split_once(':') {
            Some((user, password)) => (user, password),
            None => (&rest[..at], ""),
        };
        store_decoded(info, "user", user)?;
        store_decoded(info, "password", password)?;
        rest = &rest[at + 1..];
        // Azure's old user@server form, or a password with an '@' in it.
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        if authority.contains('@') {
            return Err(Fault::Encoding(
                "there are two '@' before the first '/': an '@' inside the user name or the \
                 password is written %40"
                    .to_owned(),
            ));
        }
    }
    let rest = addresses(info, rest)?;
    let (database, parameters) = match rest.split_once('?') {
        Some((database, parameters)) => (database, parameters),
        None => (rest, ""),
    };
    store_decoded(info, "dbname", database.strip_prefix('/').unwrap_or(database))?;
    uri_parameters(info, parameters)
}

/// The `host[:port],host[:port]` part; returns what follows it, from '/' or '?' on.
fn addresses<'a>(info: &mut Conninfo, mut rest: &'a str) -> Result<&'a str, Fault> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    loop {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or("the IPv6 address has no closing ']'")?;
            if end == 0 {
                return Err("the IPv6 address between '[' and ']' is empty".into());
            }
            hosts.push_str(&inner[..end]);
            rest = &inner[end + 1..];
            if !rest.is_empty() && !rest.starts_with([':', '/', '?', ',']) {
                return Err(Fault::Placeholder(
                    "after the ']' of an IPv6 address only ':', '/', '?' or ',' may stand (a \
                     placeholder like [HOST] has to be replaced)"
                        .to_owned(),
                ));
            }
        } else {
            let end = rest.find([':', '/', '?', ',']).unwrap_or(rest.len());
            hosts.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        if let Some(port) = rest.strip_prefix(':') {
            let end = port.find(['/', '?', ',']).unwrap_or(port.len());
            ports.push_str(&port[..end]);
            rest = &port[end..];
        }
        match rest.strip_prefix(',') {
            Some(next) => {
                rest = next;
                hosts.push(',');
                ports.push(',');
            }
            None => break,
        }
    }
    store_decoded(info, "host", &hosts)?;
    store_decoded(info, "port", &ports)?;
    Ok(rest)
}

/// `conninfo_uri_parse_params`.
fn uri_parameters(info: &mut Conninfo, parameters: &str) -> Result<(), Fault> {
    let mut taken_off = Vec::new();
    let mut hosts = Vec::new();
    let driver = info.application.iter().any(|(name, _)| name == "driver");
    let asyncpg = info.application.iter().any(|(_, driver)| driver == "asyncpg");
    if parameters.is_empty() {
        return Ok(());
    }
    // A '&' at the end is accepted, an empty parameter elsewhere is not.
    let parameters = parameters.strip_suffix('&').unwrap_or(parameters);
    for parameter in parameters.split('&') {
        let (name, value) =
            parameter.split_once('=').ok_or("a query parameter has no '=' and no value")?;
        if value.contains('=') {
            let words = "a query parameter has two '=': the second is written %3D";
            return Err(Fault::Encoding(words.to_owned()));
        }
        let (name, value) = (decode(name)?, decode(value)?);
        match (name.as_str(), value.as_str()) {
            ("ssl", "true") => {
                if let Some(mode) = info.get("sslmode").and_then(build::ssl_mode)
                    && mode > SslMode::Require
                {
                    info.notes.push(format!(
                        "ssl=true after sslmode={} of the URL means sslmode=require, as in psql: \
                         take it off",
                        mode.word()
                    ));
                }
                info.store("sslmode", "require".to_owned())?;
            }
            ("host", _) => hosts.push(value),
            // asyncpg's word for it.
            ("ssl", mode) if asyncpg => info.store("sslmode", mode.to_owned())?,
            (key, _) if APPLICATION_KEYS.contains(&key) => {
                taken_off.push(name.clone());
                info.application.push((name, value));
            }
            _ => info.store(&name, value)?,
        }
    }
    store_hosts(info, hosts, driver)?;
    if !taken_off.is_empty() {
        info.notes.push(format!(
            "{} of the URL is for the application's pool and was taken off; psql would refuse it",
            taken_off.join(", ")
        ));
    }
    Ok(())
}

/// The port behind a host's name. A path may have colons, and so has a bare IPv6 address.
fn port_of(host: &str) -> Option<&str> {
    let (name, port) = host.rsplit_once(':')?;
    (!host.starts_with('/') && !name.contains(':')).then_some(port)
}

/// The values of `host=` in a query. libpq takes the last one as it is; SQLAlchemy takes all of
/// them, each with its port: `host=a:5432&host=b:5433`.
fn store_hosts(info: &mut Conninfo, mut values: Vec<String>, driver: bool) -> Result<(), Fault> {
    let count = values.len();
    let Some(last) = values.pop() else { return Ok(()) };
    if !driver {
        if count > 1 {
            info.notes.push(format!(
                "the URL has host= {count} times: the last one counts, as in psql; several stand \
                 in one, with commas"
            ));
        }
        return Ok(info.store("host", last)?);
    }
    values.push(last);
    let parts: Vec<&str> = values.iter().flat_map(|value| value.split(',')).collect();
    let ports: Vec<&str> = parts.iter().map(|part| port_of(part).unwrap_or("")).collect();
    if ports.iter().all(|port| port.is_empty()) {
        return Ok(info.store("host", parts.join(","))?);
    }
    if info.get("port").is_some() {
        return Err(
            "ports stand both behind the hosts of host= and in another place: leave one".into()
        );
    }
    let names = parts.iter().map(|part| match port_of(part) {
        Some(port) => &part[..part.len() - port.len() - 1],
        None => part,
    });
    let names: Vec<&str> = names.collect();
    info.store("host", names.join(","))?;
    Ok(info.store("port", ports.join(","))?)
}

/// An empty part of a URI leaves the keyword unset.
fn store_decoded(info: &mut Conninfo, name: &str, text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Ok(());
    }
    let value = decode(text)?;
    Ok(info.store(name, value)?)
}

/// `conninfo_uri_decode`: spaces around are dropped, inside they are an error.
fn decode(text: &str) -> Result<String, Fault> {
    // Blanks only: a tab or the end of a line is a part of the value.
    let text = text.trim_matches(' ');
    if text.contains(' ') {
        return Err(Fault::Encoding("there is a space inside: it is written %20".to_owned()));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return Err(bad_percent()) };
        let byte = hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low);
        match byte {
            None => return Err(bad_percent()),
            Some(0) => return Err("%00 cannot be part of a value".into()),
            Some(byte) => bytes.push(byte),
        }
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| "a percent-encoded value is not UTF-8".into())
}

fn bad_percent() -> Fault {
    let words = "a '%' is not followed by two hexadecimal digits: a '%' itself is written %25";
    Fault::Encoding(words.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// C's `isspace` in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// `conninfo_parse`.
fn key_value(info: &mut Conninfo, text: &str) -> Result<(), String> {
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = rest.find(|c| c == '=' || is_space(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..]
            .trim_start_matches(is_space)
            .strip_prefix('=')
            .ok_or("a word has no '=' after it (a value with spaces needs '..' around it)")?
            .trim_start_matches(is_space);
        let (value, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted_value(quoted)?,
            None => plain_value(rest),
        };
        info.store(name, value)?;
        rest = after.trim_start_matches(is_space);
    }
    Ok(())
}

/// A value up to the next space; a backslash takes the next character as it is.
fn plain_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c if is_space(c) => return (value, &text[at..]),
            c => value.push(c),
        }
    }
    (value, "")
}

/// A value up to the closing quote.
fn quoted_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' => return Ok((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    Err("a quoted value has no closing quote".to_owned())
}

const PLACEHOLDER: &str = "is still the placeholder of a guide";

/// Whether a string that cannot be read has a word in brackets, like `[password]`. An address
/// in brackets has colons.
fn holds_placeholder(text: &str) -> bool {
    text.split('[').skip(1).filter_map(|rest| rest.split_once(']')).any(|(inner, _)| {
        inner.starts_with(|c: char| c.is_ascii_alphabetic())
            && inner.chars().all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c))
    })
}

/// Refuses what was copied from a guide and never filled in, and notes what looks like it.
fn placeholders(info: &mut Conninfo) -> Result<(), String> {
    for name in ["host", "user", "password", "dbname", "port"] {
        let Some(value) = info.get(name) else { continue };
        if is_placeholder(name, value) {
            return Err(format!("the {name} {PLACEHOLDER}: fill it in"));
        }
        if may_be_placeholder(value) {
            info.notes.push(format!("the {name} looks like the placeholder of a guide"));
        }
    }
    Ok(())
}

/// Words of the guides, and others that nobody has for a value.
const GUIDES_WORDS: [&str; 14] = [
    "your_database",
    "your_database_name",
    "your_db_name",
    "your_db_password",
    "your_db_user",
    "your_db_username",
    "your_host",
    "your_password",
    "your_secure_db_password",
    "your_secure_password",
    "your_user",
    "your_username",
    "your_rds_endpoint",
    "your_rds_host",
];

/// Whether a value begins as placeholders do, and may still be meant.
pub(super) fn may_be_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["your-", "your_"].iter().any(|prefix| lower.starts_with(prefix))
}

/// Whether the value of a keyword is a word that a guide has there.
pub(super) fn is_placeholder(name: &str, value: &str) -> bool {
    if name == "port" {
        return value.split(',').any(|port| port.eq_ignore_ascii_case("port"))
            || value.starts_with(['[', '<']);
    }
    let word = |inner: &str| {
        inner.len() > 1
            && inner.starts_with(|c: char| c.is_ascii_uppercase())
            && inner.chars().all(|c| c.is_ascii_uppercase() || "-_ 0123456789".contains(c))
    };
    let bracketed = |open, close| {
        let inside = value.split_once(open).and_then(|(before, rest)| {
            rest.split_once(close).map(|(inner, after)| (before, inner, after))
        });
        // A real password may well contain [AB]: there the whole of it has to look so.
        inside.is_some_and(|(before, inner, after)| {
            let whole = before.is_empty() && after.is_empty();
            let plain = inner.chars().all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c));
            (name != "password" || whole)
                && (word(inner) || (whole && (open == '<' || (plain && name != "host"))))
        })
    };
    let capitals = ["YOUR-", "YOUR_"].iter().any(|prefix| value.starts_with(prefix))
        && value.chars().all(|c| c.is_ascii_uppercase() || c == '-' || c == '_');
    let plain = value.replace('-', "_");
    // An endpoint has the region and the provider behind it.
    let first = plain.split('.').next().unwrap_or_default();
    let guides = if name == "host" { first } else { &plain };
    bracketed('[', ']') || bracketed('<', '>') || capitals || GUIDES_WORDS.contains(&guides)
}

#[cfg(test)]
#[path = "dsn_tests.rs"]
mod tests;
