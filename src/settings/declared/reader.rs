//! From the lines of an env file to what it declares.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::application::{find_part, named};
use super::super::env::Environment;
use super::super::env_file::{Variable, Variables};
use super::super::other_servers::split_urls;
use super::super::stage::Stage;
use super::super::target::SslMode;
use super::super::variables::{self, Effect, KNOWN, Kind};
use super::super::{build, dsn, keyword, strength};
use super::{Declared, DeclaredServer, DeclaredTls, DeclaredValue, ServerRole, UrlFault};
use crate::error::Result;

/// Variables that are not of the guides and tell whether an application is being debugged.
const DEBUG: [&str; 4] = ["DEBUG", "DJANGO_DEBUG", "FLASK_DEBUG", "APP_DEBUG"];
/// Variables that name the environment, the first that is set counts.
const ENVIRONMENTS: [&str; 6] =
    ["ENVIRONMENT", "FLASK_ENV", "APP_ENV", "NODE_ENV", "RAILS_ENV", "DJANGO_ENV"];

/// Reads a file.
///
/// # Errors
/// Usage, naming file and line, without what stands there.
pub fn read(env: &Environment, path: &Path) -> Result<Declared> {
    let given = Variables::of_file(env, path)?;
    let file = given.file.clone().unwrap_or_default();
    let mut declared = Declared {
        environment: environment(&given, &file),
        servers: servers(&given),
        values: values(&given),
        file: file.display().to_string(),
        ..Declared::default()
    };
    if declared.primary().is_none() {
        let tls = tls(&given, None, true);
        declared.tls = tls.mode.is_some().then_some(tls);
    }
    declared.conflicts = conflicts(&given, declared.primary());
    Ok(declared)
}

fn environment(given: &Variables, file: &Path) -> Option<String> {
    let known = |name: &&str| given.get(name).and_then(|variable| variable.value.clone().ok());
    let named = ENVIRONMENTS.iter().find_map(known);
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // `.env.production`, `production.env`
    let of_file = || {
        let rest = name.strip_prefix(".env.").or_else(|| name.strip_suffix(".env"))?;
        let words = rest.split(['.', '-', '_']);
        words.map(str::to_lowercase).find(|word| Stage::of(word).is_some())
    };
    named.or_else(|| given.environment.as_ref().map(|(name, _)| name.clone())).or_else(of_file)
}

fn values(given: &Variables) -> BTreeMap<String, DeclaredValue> {
    let mut values = BTreeMap::new();
    for (name, variable) in given.iter() {
        let found = variables::find(name);
        if found.is_none() && !DEBUG.contains(&name) && !ENVIRONMENTS.contains(&name) {
            continue;
        }
        let mut declared = DeclaredValue::default();
        let text = match &variable.value {
            Ok(text) => text,
            Err(undefined) => {
                declared.undefined = Some(undefined.clone());
                values.insert(name.to_owned(), declared);
                continue;
            }
        };
        if let Some(found) = found {
            let known = found.known;
            declared.known_as = found.prefixed.then(|| known.name.to_owned());
            match (known.kind, known.effect) {
                (Kind::Secret, Effect::Part(_)) => {
                    declared.weakness = strength::of_password(text, None);
                    declared.placeholder = dsn::is_placeholder("password", text);
                }
                (Kind::Secret, Effect::Judged) if known.name == "JWT_SECRET_KEY" => {
                    declared.weakness = strength::of_key(text);
                }
                (Kind::Secret, Effect::Judged) if !text.contains("://") => {
                    declared.weakness = strength::of_password(text, None);
                }
                (Kind::Secret, _) => {}
                (_, Effect::Part(keyword)) => {
                    declared.placeholder =
                        dsn::is_placeholder(keyword, text) || is_word_of_guide(keyword, text);
                    declared.value = Some(text.clone());
                }
                _ => declared.value = Some(text.clone()),
            }
        } else {
            declared.value = Some(text.clone());
        }
        values.insert(name.to_owned(), declared);
    }
    values
}

/// Words that stand for themselves: `postgresql://username:password@host/database`.
fn is_word_of_guide(keyword: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let words: &[&str] = match keyword {
        "host" => &["host", "hostname", "host1", "host2", "rds-endpoint", "endpoint"],
        "user" => &["username"],
        _ => &[],
    };
    words.contains(&value.as_str())
}

fn servers(given: &Variables) -> Vec<DeclaredServer> {
    let mut servers = Vec::new();
    let mut add = |variable: String, role, url: &str, weight| {
        servers.push(server(given, variable, role, url, weight));
    };
    let urls = |effect| {
        let found = named(given, effect);
        found.filter_map(|(known, variable)| {
            // As it is written: plain, or with pydantic's prefix.
            let plain = given.get(known.name).is_some_and(|plain| std::ptr::eq(plain, variable));
            let name = if plain { known.name.to_owned() } else { format!("DB_{}", known.name) };
            Some((name, variable.value.as_deref().ok()?))
        })
    };
    // Of several the first counts.
    if let Some((name, url)) = urls(Effect::Url).next() {
        add(name, ServerRole::Primary, url, None);
    }
    for (name, url) in urls(Effect::Replica) {
        add(name, ServerRole::Replica, url, None);
    }
    for (name, list) in urls(Effect::Replicas) {
        for (url, number) in split_urls(list).into_iter().zip(1..) {
            let weight = given.get(&format!("DB_READ_REPLICA_{number}_WEIGHT"));
            let weight = weight.and_then(|variable| variable.value.clone().ok());
            add(format!("{name}[{number}]"), ServerRole::Replica, url, weight);
        }
    }
    for (name, url) in urls(Effect::Backup) {
        add(name, ServerRole::Backup, url, None);
    }
    if let Some(Ok(url)) = given.get("DATA_SOURCE_NAME").map(|variable| &variable.value) {
        add("DATA_SOURCE_NAME".to_owned(), ServerRole::Exporter, url, None);
    }
    if !servers.iter().any(|server| server.role == ServerRole::Primary) {
        servers.extend(of_parts(given));
    }
    servers
}

/// The server of `DATABASE_HOST` and its kind.
fn of_parts(given: &Variables) -> Option<DeclaredServer> {
    let part = |keyword: &'static str| {
        let known = KNOWN.iter().find(|known| known.effect == Effect::Part(keyword))?;
        find_part(given, known)?.value.clone().ok()
    };
    let host = part("host")?;
    Some(DeclaredServer {
        variable: "DATABASE_HOST".to_owned(),
        role: ServerRole::Primary,
        fault: None,
        scheme: "postgresql".to_owned(),
        driver: None,
        hosts: vec![(host, part("port").unwrap_or_default())],
        user: part("user"),
        database: part("dbname"),
        tls: tls(given, None, true),
        keywords: BTreeSet::new(),
        parameters: BTreeMap::new(),
        // Judged with its own variable, as what was not filled in.
        password: None,
        placeholders: Vec::new(),
        weight: None,
    })
}

fn server(
    given: &Variables,
    variable: String,
    role: ServerRole,
    url: &str,
    weight: Option<String>,
) -> DeclaredServer {
    let (info, fault) = match dsn::read(url) {
        Ok(info) => (Some(info), None),
        Err(fault) => {
            let kind = kind(&fault);
            // What else is wrong shows once the rest can be read.
            let info = (kind == UrlFault::Encoding).then(|| repaired(url)).flatten();
            (info, Some((kind, fault.into_words())))
        }
    };
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let get = |name: &str| info.as_ref().and_then(|info| info.get(name)).map(str::to_owned);
    let list = |name: &str| -> Vec<String> {
        get(name).map(|all| all.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let ports = list("port");
    let hosts = list("host").into_iter().enumerate().map(|(at, host)| {
        let port = ports.get(at).or_else(|| ports.first()).cloned().unwrap_or_default();
        (host, port)
    });
    let mut placeholders = Vec::new();
    for name in ["host", "user", "password", "dbname", "port"] {
        if let Some(value) = get(name)
            && (dsn::is_placeholder(name, &value) || is_word_of_guide(name, &value))
        {
            placeholders.push(name.to_owned());
        }
    }
    let user = get("user");
    let application = info.as_ref().map(|info| info.application.clone()).unwrap_or_default();
    DeclaredServer {
        keywords: keywords(url),
        tls: match role {
            ServerRole::Exporter => own_tls(info.as_ref(), &variable),
            _ => tls(
                given,
                info.as_ref().map(|info| (info, &*variable)),
                role == ServerRole::Primary,
            ),
        },
        password: get("password")
            .and_then(|password| strength::of_password(&password, user.as_deref())),
        driver: application.iter().find(|(name, _)| name == "driver").map(|(_, d)| d.clone()),
        parameters: application.into_iter().filter(|(name, _)| name != "driver").collect(),
        scheme: scheme.split('+').next().unwrap_or_default().to_owned(),
        hosts: hosts.collect(),
        database: get("dbname"),
        placeholders,
        user,
        variable,
        role,
        fault,
        weight,
    }
}

/// The parameters of a URL that libpq knows, as they are written.
fn keywords(url: &str) -> BTreeSet<String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').filter_map(|parameter| parameter.split_once('='));
    let known = names.filter(|(name, _)| keyword::find(name).is_some());
    known.map(|(name, _)| name.to_owned()).collect()
}

const fn kind(fault: &dsn::Fault) -> UrlFault {
    match fault {
        dsn::Fault::Encoding(_) => UrlFault::Encoding,
        dsn::Fault::Scheme(_) => UrlFault::Scheme,
        dsn::Fault::Placeholder(_) => UrlFault::Placeholder,
        dsn::Fault::Other(_) => UrlFault::Unreadable,
    }
}

/// A URL whose user or password has an `@` in it, read as it was meant: the last one counts.
fn repaired(url: &str) -> Option<dsn::Conninfo> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let at = rest[..end].rfind('@')?;
    let text = format!("{scheme}://{}{}", rest[..at].replace('@', "%40"), &rest[at..]);
    dsn::read(&text).ok()
}

fn own_tls(info: Option<&dsn::Conninfo>, variable: &str) -> DeclaredTls {
    let mode = info.and_then(|info| info.get("sslmode")).map(str::to_owned);
    DeclaredTls {
        from: Some(variable.to_owned()),
        mode,
        has_root: info.is_some_and(|info| info.get("sslrootcert").is_some()),
    }
}

/// What holds for a server: its URL's own, else the strongest of the variables, raised by those
/// that only raise.
fn tls(given: &Variables, url: Option<(&dsn::Conninfo, &str)>, is_primary: bool) -> DeclaredTls {
    let asked = |keyword: &'static str| {
        let everywhere = named(given, Effect::Keyword(keyword));
        let primary = named(given, Effect::PrimaryKeyword(keyword)).filter(move |_| is_primary);
        everywhere
            .chain(primary)
            .filter_map(|(known, variable)| Some((known.name, variable.value.as_deref().ok()?)))
    };
    let root = url.is_some_and(|(info, _)| info.get("sslrootcert").is_some())
        || asked("sslrootcert").next().is_some();
    let of_url = url
        .and_then(|(info, name)| Some((build::ssl_mode(info.get("sslmode")?)?, name.to_owned())));
    let strongest = || {
        let mut modes: Vec<(SslMode, String)> = asked("sslmode")
            .filter_map(|(name, value)| Some((build::ssl_mode(value)?, name.to_owned())))
            .collect();
        modes.sort_by_key(|(mode, _)| *mode);
        modes.pop()
    };
    let mut found = of_url.or_else(strongest);
    let floors = named(given, Effect::RequireTls).chain(named(given, Effect::VerifyTls));
    for (known, variable) in floors {
        let Ok(value) = &variable.value else { continue };
        let floor = match known.effect {
            Effect::RequireTls if variables::boolean(value) == Some(true) => SslMode::Require,
            Effect::VerifyTls if value.eq_ignore_ascii_case("required") && root => {
                SslMode::VerifyCa
            }
            Effect::VerifyTls if value.eq_ignore_ascii_case("required") => SslMode::Require,
            _ => continue,
        };
        if found.as_ref().is_none_or(|(mode, _)| *mode < floor) {
            found = Some((floor, known.name.to_owned()));
        }
    }
    let (mode, from) = found.unzip();
    DeclaredTls { mode: mode.map(|mode| mode.word().to_owned()), from, has_root: root }
}

/// Variables that say other things than the connection string, and strings that differ.
fn conflicts(given: &Variables, primary: Option<&DeclaredServer>) -> Vec<(String, String)> {
    let mut conflicts = Vec::new();
    let mut urls = named(given, Effect::Url);
    let Some((first, variable)) = urls.next() else { return conflicts };
    for (known, other) in urls {
        if other.value != variable.value {
            conflicts.push((first.name.to_owned(), known.name.to_owned()));
        }
    }
    let placeholders = primary.map(|server| server.placeholders.as_slice()).unwrap_or_default();
    let Some(info) = variable.value.as_deref().ok().and_then(|url| dsn::read(url).ok()) else {
        return conflicts;
    };
    for known in KNOWN {
        let Effect::Part(keyword) = known.effect else { continue };
        let Some(Variable { value: Ok(part), .. }) = find_part(given, known) else { continue };
        // One that was never filled in is another fault.
        let unfilled =
            placeholders.iter().any(|name| name == keyword) || dsn::is_placeholder(keyword, part);
        if !unfilled && info.get(keyword).is_some_and(|value| value != part) {
            conflicts.push((first.name.to_owned(), known.name.to_owned()));
        }
    }
    let modes = named(given, Effect::Keyword("sslmode"))
        .chain(named(given, Effect::PrimaryKeyword("sslmode")));
    for (known, variable) in modes {
        let (Some(of_url), Ok(value)) = (info.get("sslmode"), &variable.value) else { continue };
        if build::ssl_mode(value) != build::ssl_mode(of_url) {
            conflicts.push((first.name.to_owned(), known.name.to_owned()));
        }
    }
    conflicts
}
