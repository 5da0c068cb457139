//! Which server is meant: precedence, and what may be inherited from where.
//!
//! Flags > `--target` > `DATABASE_URL` > `DATABASE_HOST` and its kind > libpq's own (service
//! file, then `PG*`) > `default_target` > libpq's defaults. A password belongs to the place
//! that it was written for: it is not carried to another host or port.

use std::path::{Path, PathBuf};

use super::build::{self, SOCKET_FOLDERS};
use super::env::Environment;
use super::file::ConfigFile;
use super::keyword::KEYWORDS;
use super::layer::Layer;
use super::origin::Origin;
use super::passfile::{Key, Passfile};
use super::secret::Secret;
use super::target::{Host, Target};
use super::{ConnectArgs, Resolved, dsn, service};
use crate::error::{Error, Result};

/// What says where a server is.
const LOCATION: [&str; 3] = ["host", "hostaddr", "port"];

/// What a target of pgtend.toml does not take from the environment: explicit beats ambient.
const NOT_FOR_TARGETS: [&str; 6] = ["host", "hostaddr", "port", "user", "dbname", "service"];

/// The variables of guides, used together when `DATABASE_URL` is not set.
const DATABASE_VARIABLES: [(&str, &str); 5] = [
    ("host", "DATABASE_HOST"),
    ("port", "DATABASE_PORT"),
    ("dbname", "DATABASE_NAME"),
    ("user", "DATABASE_USER"),
    ("password", "DATABASE_PASSWORD"),
];

/// The chosen source.
#[derive(Default)]
struct Source {
    layer: Layer,
    /// For people: `--url`, `prod (pgtend.toml)`.
    title: String,
    /// Of pgtend.toml.
    target: Option<String>,
    notes: Vec<String>,
}

/// Resolves the target that the flags, the file and the environment mean.
pub(super) fn resolve(
    env: &Environment,
    file: Option<&ConfigFile>,
    args: &ConnectArgs,
) -> Result<Resolved> {
    let mut args = args.clone();
    if let Some(text) = args.dbname.take_if(|text| dsn::is_conninfo(text)) {
        if args.url.is_some() {
            return Err(Error::usage("both --url and --dbname hold a connection string"));
        }
        args.url = Some(text);
    }
    let mut source = choose(env, file, &args)?;
    overlay(&mut source, &args);
    add_service(env, &mut source)?;
    add_environment(env, &mut source);
    let mut target = build::target(env, &source.layer, !args.no_password)?;
    target.name = source.target;
    let mut notes = source.notes;
    add_passwords(env, &mut target, &source.layer, &mut notes);
    notes.insert(0, format!("using {}, {target}", source.title));
    Ok(Resolved { target, notes })
}

fn choose(env: &Environment, file: Option<&ConfigFile>, args: &ConnectArgs) -> Result<Source> {
    if let Some(url) = &args.url {
        if args.target.is_some() {
            return Err(
                Error::usage("--url and --target both name a server").next("give one of them")
            );
        }
        let mut source = from_conninfo(url, &Origin::Flag("--url"))?;
        if source.layer.has("password") {
            source.notes.push(
                "a password in --url is visible in ps: use ~/.pgpass or PGPASSWORD".to_owned(),
            );
        }
        return Ok(source);
    }
    if let Some(name) = &args.target {
        return from_file(file, name);
    }
    // Another host on the command line is another server than the one lying in the shell.
    if args.host.is_none() {
        if let Some(source) = from_database_variables(env)? {
            return Ok(source);
        }
        let libpq = KEYWORDS.iter().filter(|keyword| {
            LOCATION.contains(&keyword.name)
                || ["service", "user", "dbname"].contains(&keyword.name)
        });
        let set: Vec<&str> = libpq
            .filter_map(|keyword| keyword.variable)
            .filter(|name| env.text(name).is_some())
            .collect();
        if !set.is_empty() {
            return Ok(Source { title: set.join(", "), ..Source::default() });
        }
        if let Some(name) = file.and_then(|file| file.default_target.as_deref()) {
            return from_file(file, name);
        }
    }
    let flags = args.host.is_some() || args.port.is_some() || args.dbname.is_some();
    let title = if flags { "the command line" } else { "libpq's defaults" };
    Ok(Source { title: title.to_owned(), ..Source::default() })
}

fn from_conninfo(text: &str, origin: &Origin) -> Result<Source> {
    let info = dsn::parse(text).map_err(|cause| {
        Error::usage(format!("cannot read the connection string of {origin}")).because(cause)
    })?;
    let mut source =
        Source { title: origin.to_string(), notes: info.notes.clone(), ..Source::default() };
    for (name, value) in info.into_values() {
        source.layer.set(name, value, origin.clone());
    }
    Ok(source)
}

fn from_file(file: Option<&ConfigFile>, name: &str) -> Result<Source> {
    let Some(file) = file else {
        return Err(Error::usage(format!("there is no target \"{name}\""))
            .because("no pgtend.toml was found")
            .next("name the file with --config"));
    };
    let Some(entry) = file.targets.get(name) else {
        let known: Vec<&str> = file.targets.keys().map(String::as_str).collect();
        return Err(Error::usage(format!(
            "there is no target \"{name}\" in {}",
            file.path.display()
        ))
        .next(format!("its targets are: {}", known.join(", "))));
    };
    let origin = Origin::Config { target: name.to_owned(), path: file.path.clone() };
    let mut source = match &entry.url {
        Some(url) => from_conninfo(url, &origin)?,
        None => Source { title: origin.to_string(), ..Source::default() },
    };
    for (keyword, value) in &entry.keywords {
        source.layer.set(keyword, value, origin.clone());
    }
    source.target = Some(name.to_owned());
    Ok(source)
}

fn from_database_variables(env: &Environment) -> Result<Option<Source>> {
    let parts = DATABASE_VARIABLES.iter().filter_map(|(keyword, variable)| {
        env.text(variable).map(|value| (*keyword, value, *variable))
    });
    if let Some(url) = env.text("DATABASE_URL") {
        let mut source = from_conninfo(url, &Origin::Variable("DATABASE_URL"))?;
        for (keyword, value, variable) in parts {
            if source.layer.get(keyword).is_some_and(|known| known != value) {
                source
                    .notes
                    .push(format!("DATABASE_URL and {variable} disagree: DATABASE_URL wins"));
            }
        }
        return Ok(Some(source));
    }
    let mut source = Source::default();
    for (keyword, value, variable) in parts {
        source.layer.set(keyword, value, Origin::Variable(variable));
    }
    // A password or a user alone names no server.
    if !source.layer.has("host") && !source.layer.has("dbname") {
        return Ok(None);
    }
    source.title = if source.layer.has("host") { "DATABASE_HOST" } else { "DATABASE_NAME" }.into();
    Ok(Some(source))
}

/// Puts the single flags over the source. Another place or user leaves the password behind.
fn overlay(source: &mut Source, args: &ConnectArgs) {
    let port = args.port.map(|port| port.to_string());
    let flags = [
        ("host", "--host", args.host.as_deref()),
        ("port", "--port", port.as_deref()),
        ("user", "--username", args.user.as_deref()),
        ("dbname", "--dbname", args.dbname.as_deref()),
    ];
    let layer = &mut source.layer;
    let mut moved = None;
    for (keyword, flag, value) in flags {
        let Some(value) = value else { continue };
        if keyword != "dbname" && layer.get(keyword) != Some(value) {
            moved = Some(flag);
        }
        if keyword == "host" {
            layer.remove("hostaddr");
        }
        layer.set(keyword, value, Origin::Flag(flag));
    }
    let password = layer.origin("password");
    if let Some(flag) = moved
        && layer.remove("password")
    {
        source.notes.push(format!("the password of {password} is not used with another {flag}"));
    }
}

fn add_service(env: &Environment, source: &mut Source) -> Result<()> {
    let ambient = if source.target.is_none() { env.text("PGSERVICE") } else { None };
    let layer = &mut source.layer;
    let Some(name) = layer.get("service").or(ambient).map(str::to_owned) else {
        return Ok(());
    };
    let found = service::read(env, layer.get("servicefile"), &name)?;
    let origin = Origin::Service { name, path: found.path };
    let mut below = Layer::default();
    for (keyword, value) in found.values {
        below.set(keyword, value, origin.clone());
    }
    fill(layer, &below, &[]);
    Ok(())
}

fn add_environment(env: &Environment, source: &mut Source) {
    let mut below = Layer::default();
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        if let Some(value) = env.text(variable) {
            below.set(keyword.name, value, Origin::Variable(variable));
        }
    }
    let not: &[&str] = if source.target.is_some() { &NOT_FOR_TARGETS } else { &[] };
    fill(&mut source.layer, &below, not);
}

/// Fills what is not set yet from a lower layer, save its password when it belongs elsewhere,
/// and save `host` under `hostaddr` or the other way round: together they would name two servers.
fn fill(layer: &mut Layer, below: &Layer, not: &[&str]) {
    let placed = layer.has("host") || layer.has("hostaddr");
    let elsewhere = LOCATION.iter().any(|name| {
        let usual = if *name == "port" { "5432" } else { "" };
        let fixed = not.contains(name) || (placed && *name != "port");
        let other = layer.get(name).or(fixed.then_some(usual));
        below.get(name).zip(other).is_some_and(|(below, above)| below != above)
    });
    for (name, value, origin) in below.iter() {
        let foreign = (name == "password" && elsewhere)
            || (placed && (name == "host" || name == "hostaddr"))
            || not.contains(&name);
        if !foreign {
            layer.fill(name, value, origin.clone());
        }
    }
}

/// Gives each host its password: the one that was given, else its line of the password file.
fn add_passwords(env: &Environment, target: &mut Target, layer: &Layer, notes: &mut Vec<String>) {
    if let Some(password) = layer.get("password") {
        let password = (Secret::new(password), layer.origin("password"));
        for host in &mut target.hosts {
            host.password = Some(password.clone());
        }
        return;
    }
    let path = layer.get("passfile").map(PathBuf::from);
    let Some(path) = path.or_else(|| env.home().map(|home| home.join(".pgpass"))) else { return };
    let (passfile, warning) = Passfile::read(&path);
    notes.extend(warning);
    for host in &mut target.hosts {
        let (user, database) = (&target.user, &target.database);
        let key = Key { host: passfile_name(host, layer), port: host.port, database, user };
        host.password = passfile.find(key).map(|(line, password)| {
            (password.clone(), Origin::Passfile { path: path.clone(), line })
        });
    }
}

/// The default socket goes by the name of localhost, other sockets by their folder.
fn passfile_name<'a>(host: &'a Host, layer: &Layer) -> &'a str {
    let chosen = !layer.has("host") && host.socket().is_some();
    // Anybody can make a socket in /tmp, so there it has to have been looked for by default.
    let usual = SOCKET_FOLDERS.iter().any(|folder| *folder == host.name)
        && Path::new(&host.name) != Path::new("/tmp");
    if chosen || usual { "localhost" } else { host.tls_name() }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
