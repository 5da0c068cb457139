//! What a source has from elsewhere: its service and its env file's `PG*` below it, the single
//! flags over it, the process's `PG*` below all. A password stays with the place that it was
//! written for.

use super::build;
use super::env::Environment;
use super::keyword::KEYWORDS;
use super::layer::Layer;
use super::origin::Origin;
use super::source::{Floor, Source};
use super::target::{SslMode, Target};
use super::{ConnectArgs, service, variables};
use crate::error::{Error, Result};

/// What says where a server is.
pub(super) const LOCATION: [&str; 3] = ["host", "hostaddr", "port"];

/// What a source that was named does not take from the environment: explicit beats ambient.
const NOT_FOR_NAMED: [&str; 6] = ["host", "hostaddr", "port", "user", "dbname", "service"];

/// Keywords whose variable psql refuses when it is set to nothing.
const NEVER_EMPTY: [&str; 11] = [
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "service",
    "sslcertmode",
    "sslmode",
    "sslnegotiation",
    "target_session_attrs",
];

/// Sets a keyword from its `PG*` variable. One that is set to nothing counts as unset, save where
/// psql refuses it: then the empty value is kept, and becomes an error if nothing lies over it.
pub(super) fn put_variable(layer: &mut Layer, name: &'static str, value: &str, origin: Origin) {
    if !value.is_empty() || NEVER_EMPTY.contains(&name) {
        layer.put(name, value, origin);
    }
}

/// Adds what is the source's own: its service, then the `PG*` of its env file.
pub(super) fn own(env: &Environment, source: &mut Source) -> Result<()> {
    add_service(env, source)?;
    let below = std::mem::take(&mut source.below);
    fill(source, &below, &[]);
    Ok(())
}

/// Adds the values of the source's service, which may be added twice.
pub(super) fn add_service(env: &Environment, source: &mut Source) -> Result<()> {
    let (layer, own) = (&source.layer, &source.below);
    let ambient = || env.written("PGSERVICE").filter(|_| !source.explicit);
    let named = layer.written("service").or_else(|| own.written("service")).or_else(ambient);
    let Some(name) = named else { return Ok(()) };
    let name = name.to_owned();
    if name.is_empty() {
        let mut origin = [layer, own].map(|layer| layer.origin("service")).into_iter();
        let origin = origin.find(|origin| *origin != Origin::Default);
        let origin = origin.unwrap_or(Origin::Variable("PGSERVICE".into()));
        return Err(Error::usage(format!("invalid service from {origin}"))
            .because("it is empty")
            .next("name a service, or leave it out altogether"));
    }
    let file = layer.get("servicefile").or_else(|| own.get("servicefile"));
    let found = service::read(env, file, &name)?;
    let origin = Origin::Service { name, path: found.path };
    let mut below = Layer::default();
    for (keyword, value) in found.values {
        below.put(keyword, value, origin.clone());
    }
    fill(source, &below, &[]);
    Ok(())
}

/// Puts the single flags over the source, which has all of its own. Another place or user leaves
/// every password of the source behind.
pub(super) fn overlay(env: &Environment, source: &mut Source, args: &ConnectArgs) {
    let port = args.port.map(|port| port.to_string());
    let flags = [
        ("host", "--host", args.host.as_deref()),
        ("port", "--port", port.as_deref()),
        ("user", "--username", args.user.as_deref()),
        ("dbname", "--dbname", args.dbname.as_deref()),
    ];
    let mut moved = None;
    for (keyword, flag, value) in flags {
        let Some(value) = value else { continue };
        let open = keyword == "dbname" || (source.anywhere && keyword != "user");
        if !open && meant(env, source, keyword) != Some(value) {
            // Another place counts more than another user.
            moved = moved.filter(|_| keyword == "user").or(Some(flag));
        }
        let layer = &mut source.layer;
        if keyword == "host" && layer.get("host") != Some(value) {
            layer.remove("hostaddr");
        }
        layer.set(keyword, value, Origin::Flag(flag));
    }
    if let Some(flag) = moved {
        leave_behind(source, flag);
    }
}

/// What a source means by a keyword, before flags lie over it.
fn meant<'a>(env: &'a Environment, source: &'a Source, keyword: &str) -> Option<&'a str> {
    let layer = &source.layer;
    let ambient = |name| env.text(name).filter(|_| !source.explicit && !layer.is_blank(keyword));
    let given = layer.get(keyword);
    match keyword {
        "host" if layer.has("hostaddr") => given,
        "host" => given.or_else(|| ambient("PGHOST")),
        "port" => given.or_else(|| ambient("PGPORT")).or(Some("5432")),
        "user" => given.or_else(|| ambient("PGUSER")).or_else(|| env.user()),
        _ => given,
    }
}

/// Takes away what belongs to another place or user than the one of `flag`.
fn leave_behind(source: &mut Source, flag: &str) {
    let password = source.layer.origin("password");
    if source.layer.has("password") && source.layer.remove("password") {
        source.notes.push(format!("the password of {password} is not used with another {flag}"));
    }
    if let Some(login) = source.login.take() {
        let (word, origin) = (login.word(), login.origin());
        source.notes.push(format!("{word} of {origin} is not used with another {flag}"));
    }
    if flag != "--username" && (!source.replicas.is_empty() || source.backup.is_some()) {
        source.replicas.clear();
        source.backup = None;
        source.notes.push(format!("replicas of another server are not used with another {flag}"));
    }
}

/// Fills what is still open from the process's variables.
pub(super) fn environment(env: &Environment, source: &mut Source) {
    let mut below = Layer::default();
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        if let Some(value) = env.written(variable) {
            put_variable(&mut below, keyword.name, value, Origin::Variable(variable.into()));
        }
    }
    let not: &[&str] = if source.explicit { &NOT_FOR_NAMED } else { &[] };
    fill(source, &below, not);
    // Older than PGSSLMODE, and weaker than what system authorities ask for.
    let required = env.text("PGREQUIRESSL").is_some_and(|text| text.starts_with('1'));
    if required && source.layer.get("sslrootcert") != Some("system") {
        source.layer.fill("sslmode", "require", Origin::Variable("PGREQUIRESSL".into()));
    }
}

/// Fills what is not set yet from a lower layer, save its password when it belongs elsewhere,
/// and save `host` under `hostaddr` or the other way round: together they would name two servers.
fn fill(source: &mut Source, below: &Layer, not: &[&str]) {
    keep_sslmode(source, below);
    let has_password = source.layer.origin("password") != Origin::Default;
    let layer = &mut source.layer;
    let placed = layer.has("host") || layer.has("hostaddr");
    let elsewhere = LOCATION.into_iter().find(|name| {
        let usual = if *name == "port" { "5432" } else { "" };
        let fixed = not.contains(name) || (placed && *name != "port");
        let other = layer.get(name).or((fixed || layer.is_blank(name)).then_some(usual));
        below.get(name).zip(other).is_some_and(|(below, above)| below != above)
    });
    for (name, value, origin) in below.iter() {
        let foreign = (name == "password" && elsewhere.is_some())
            || (placed && (name == "host" || name == "hostaddr"))
            || not.contains(&name);
        if !foreign {
            layer.fill(name, value, origin.clone());
        }
    }
    let Some(place) = elsewhere.filter(|_| below.has("password") && !has_password) else { return };
    let (password, place_origin) = (below.origin("password"), below.origin(place));
    let word = if place == "port" { "port" } else { "host" };
    source.notes.push(match password == place_origin {
        true => format!("the password of {password} is not used: it is for another {word}"),
        false => format!("{password} is not used: {place_origin} names another {word}"),
    });
}

/// When a lower layer asks for a stronger `sslmode`: it wins over a variable of the application,
/// as of two of these the stronger does; over anything else it does not, which is told.
fn keep_sslmode(source: &mut Source, below: &Layer) {
    let mode = |layer: &Layer| layer.get("sslmode").and_then(build::ssl_mode);
    let Some((lower, upper)) = mode(below).zip(mode(&source.layer)) else { return };
    if lower <= upper {
        return;
    }
    let (origin, above) = (below.origin("sslmode"), source.layer.origin("sslmode"));
    if variables::is_keyword(&above) {
        source.notes.push(format!("{above} and {origin} disagree: {origin} wins, it is stronger"));
        source.layer.set("sslmode", lower.word(), origin);
    } else {
        source.demands.push(Floor { mode: lower, origin });
    }
}

/// Lines for the stronger `sslmode` that were asked for in vain.
pub(super) fn weaker(demands: &[Floor], target: &Target) -> Vec<String> {
    if target.hosts.iter().all(|host| host.socket().is_some()) {
        // No TLS there, whatever is asked.
        return Vec::new();
    }
    let mode = target.tls.mode;
    let unmet = demands.iter().filter(|demand| mode < demand.mode);
    let from = target.origin("sslmode");
    unmet
        .map(|Floor { mode: asked, origin }| {
            let (asked, mode) = (asked.word(), mode.word());
            format!(
                "{origin} asks for sslmode={asked} and is not used: sslmode={mode} is from {from}"
            )
        })
        .collect()
}

/// Lifts `sslmode` to what was asked for as the least.
pub(super) fn raise(source: &mut Source) {
    for floor in std::mem::take(&mut source.floors) {
        let layer = &mut source.layer;
        let least = match floor.mode {
            SslMode::VerifyCa if !layer.has("sslrootcert") => SslMode::Require,
            mode => mode,
        };
        let present = match layer.get("sslmode") {
            // Its default is verify-full.
            None if layer.get("sslrootcert") == Some("system") => continue,
            None => None,
            Some(word) => match build::ssl_mode(word) {
                Some(mode) if mode < least => Some(mode),
                // Strong enough, or no mode at all, which is an error of its own.
                _ => continue,
            },
        };
        if let Some(present) = present {
            source.notes.push(format!(
                "{} raises sslmode={} of {} to {}",
                floor.origin,
                present.word(),
                layer.origin("sslmode"),
                least.word()
            ));
        }
        layer.set("sslmode", least.word(), floor.origin);
    }
}
