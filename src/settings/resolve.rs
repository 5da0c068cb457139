//! Which server is meant: precedence, and what may be inherited from where.
//!
//! Flags > `--target` > `--env-file` > `DATABASE_URL` > `DATABASE_HOST` and its kind > libpq's
//! own (service file, then `PG*`) > `default_target` > libpq's defaults. A password belongs to
//! the place that it was written for: it is not carried to another host or port.

use std::path::Path;

use super::application;
use super::build;
use super::env::Environment;
use super::env_file::Variables;
use super::file::{ConfigFile, TargetEntry};
use super::keyword::KEYWORDS;
use super::layer::Layer;
use super::origin::Origin;
use super::source::{Candidate, Source};
use super::target::{PasswordCommand, Replica, SslMode, Target};
use super::{ConnectArgs, Resolved, advice, dsn, passwords, service};
use crate::cli::connect::ReadFrom;
use crate::error::{Error, Result};

/// What says where a server is.
const LOCATION: [&str; 3] = ["host", "hostaddr", "port"];

/// What a source that was named does not take from the environment: explicit beats ambient.
const NOT_FOR_NAMED: [&str; 6] = ["host", "hostaddr", "port", "user", "dbname", "service"];

/// What a replica of pgtend.toml does not have from its target.
const NOT_FOR_REPLICAS: [&str; 8] = [
    "host",
    "hostaddr",
    "load_balance_hosts",
    "password",
    "port",
    "service",
    "servicefile",
    "target_session_attrs",
];

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
    let variables = match &args.env_file {
        Some(path) => Some(Variables::of_file(env, path)?),
        None => None,
    };
    let mut source = choose(env, file, &args, variables.as_ref())?;
    if let Some(variables) = &variables
        && (args.url.is_some() || args.target.is_some())
    {
        let path = variables.file.as_deref().unwrap_or(Path::new(""));
        application::describe(variables, &mut source, true);
        source.notes.push(format!(
            "the server of {} is not used: {} names another",
            path.display(),
            source.title
        ));
    }
    overlay(&mut source, &args);
    let title = source.title.clone();
    let unused = std::mem::take(&mut source.unused);
    let (replicas, backup) = (std::mem::take(&mut source.replicas), source.backup.take());
    let (mut target, mut notes) = finish(env, source, args.no_password)?;
    target.prompt_first = args.password;
    let wanted = matches!(args.read_from, Some(ReadFrom::Replica | ReadFrom::Any));
    for candidate in replicas {
        let weight = candidate.weight;
        if let Some(server) = other_server(env, candidate, &args, wanted, &mut notes)? {
            target.replicas.push(Replica { target: server, weight });
        }
    }
    if let Some(candidate) = backup {
        let wanted = args.read_from == Some(ReadFrom::Backup);
        target.backup_server =
            other_server(env, *candidate, &args, wanted, &mut notes)?.map(Box::new);
    }
    notes.insert(0, format!("using {title}, {target}"));
    let mut said = std::collections::BTreeSet::new();
    notes.retain(|note| said.insert(note.clone()));
    Ok(Resolved { target, unused, notes })
}

/// From a source to a target, with what stands below the source.
fn finish(
    env: &Environment,
    mut source: Source,
    no_password: bool,
) -> Result<(Target, Vec<String>)> {
    add_service(env, &mut source)?;
    let below = std::mem::take(&mut source.below);
    fill(&mut source.layer, &below, &[]);
    add_environment(env, &mut source);
    raise(&mut source);
    let ambient = source.layer.origin("password") == Origin::Variable("PGPASSWORD".into());
    if let Some(command) = source.password_command.as_ref().filter(|_| ambient) {
        // Explicit beats ambient: the command was written for this server.
        source.layer.remove("password");
        source
            .notes
            .push(format!("PGPASSWORD is not used: {} has a password_command", command.origin));
    }
    let mut target = build::target(env, &source.layer, !no_password)?;
    target.passfile = passwords::passfile(env, &source.layer);
    let mut notes = source.notes;
    passwords::add(&mut target, &source.layer, &mut notes);
    notes.extend(advice::notes(&target));
    target.name = source.target;
    target.password_command = source.password_command;
    target.application = source.application;
    target.environment = source.environment;
    target.tags = source.tags;
    Ok((target, notes))
}

/// A replica, or the server for backups. What is wrong with it stops only a run that `wanted`
/// it; another is told.
fn other_server(
    env: &Environment,
    candidate: Candidate,
    args: &ConnectArgs,
    wanted: bool,
    notes: &mut Vec<String>,
) -> Result<Option<Target>> {
    let origin = candidate.origin;
    let result = candidate.source.and_then(|mut source| {
        // The same database by the same role, at another place.
        let names = ConnectArgs {
            user: args.user.clone(),
            dbname: args.dbname.clone(),
            ..ConnectArgs::default()
        };
        overlay(&mut source, &names);
        finish(env, source, args.no_password)
    });
    match result {
        Ok((target, more)) => {
            notes.extend(more);
            Ok(Some(target))
        }
        Err(error) if wanted => Err(error),
        Err(error) => {
            let told = error.to_string().contains(&origin.to_string());
            let place = if told { String::new() } else { format!("{origin}: ") };
            notes.push(format!("{place}{error}: a run that needs it will fail"));
            Ok(None)
        }
    }
}

/// Lifts `sslmode` to what was asked for as the least.
fn raise(source: &mut Source) {
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

fn choose(
    env: &Environment,
    file: Option<&ConfigFile>,
    args: &ConnectArgs,
    variables: Option<&Variables>,
) -> Result<Source> {
    if let Some(url) = &args.url {
        if args.target.is_some() {
            return Err(
                Error::usage("--url and --target both name a server").next("give one of them")
            );
        }
        let mut source = Source::of_conninfo(url, &Origin::Flag("--url"))?;
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
    if let Some(variables) = variables {
        return from_env_file(variables, args);
    }
    // Another host on the command line is another server than the one lying in the shell.
    if args.host.is_none() {
        if let Some(source) = application::source(&Variables::of_process(env))? {
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

fn from_env_file(variables: &Variables, args: &ConnectArgs) -> Result<Source> {
    let path = variables.file.as_deref().unwrap_or(Path::new("")).display();
    if let Some(source) = application::source(variables)? {
        return Ok(source);
    }
    if args.host.is_none() {
        return Err(Error::usage(format!("{path} names no server")).next(
            "set DATABASE_URL in it, or DATABASE_HOST and its kind, or PGHOST, or name a server \
             with --url or --target",
        ));
    }
    let mut source =
        Source { title: "the command line".to_owned(), explicit: true, ..Source::default() };
    application::describe(variables, &mut source, true);
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
        Some(url) => Source::of_conninfo(url, &origin)?,
        None => Source { title: origin.to_string(), ..Source::default() },
    };
    for (keyword, value) in &entry.keywords {
        source.layer.set(keyword, value, origin.clone());
    }
    source.replicas = replicas_of_file(entry, &origin, &source.layer);
    source.explicit = true;
    source.target = Some(name.to_owned());
    source.tags = entry.tags.clone();
    source.environment = entry.environment.clone().map(|name| (name, origin.clone()));
    source.password_command =
        entry.password_command.clone().map(|command| PasswordCommand { command, origin });
    Ok(source)
}

/// What the URL of a replica leaves out is as in its target, but the password.
fn replicas_of_file(entry: &TargetEntry, origin: &Origin, target: &Layer) -> Vec<Candidate> {
    let with_number = entry.replicas.iter().zip(1..);
    with_number
        .map(|(replica, number)| {
            let origin = Origin::Replica { number, of: Box::new(origin.clone()) };
            let source = Source::of_conninfo(&replica.url, &origin).map(|mut source| {
                for (name, value, origin) in target.iter() {
                    if !NOT_FOR_REPLICAS.contains(&name) {
                        source.layer.fill(name, value, origin.clone());
                    }
                }
                Source { explicit: true, ..source }
            });
            Candidate { source, weight: replica.weight, origin }
        })
        .collect()
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
            // Another place counts more than another user.
            moved = moved.filter(|_| keyword == "user").or(Some(flag));
        }
        if keyword == "host" {
            layer.remove("hostaddr");
        }
        layer.set(keyword, value, Origin::Flag(flag));
    }
    let password = layer.origin("password");
    let Some(flag) = moved else { return };
    if layer.remove("password") {
        source.notes.push(format!("the password of {password} is not used with another {flag}"));
    }
    if let Some(command) = source.password_command.take() {
        let origin = command.origin;
        source.notes.push(format!("password_command of {origin} is not used with another {flag}"));
    }
    if flag != "--username" && (!source.replicas.is_empty() || source.backup.is_some()) {
        source.replicas.clear();
        source.backup = None;
        source.notes.push(format!("replicas of another server are not used with another {flag}"));
    }
}

fn add_service(env: &Environment, source: &mut Source) -> Result<()> {
    let ambient = if source.explicit { None } else { env.text("PGSERVICE") };
    let (layer, own) = (&mut source.layer, &source.below);
    let named = layer.get("service").or_else(|| own.get("service")).or(ambient);
    let Some(name) = named.map(str::to_owned) else {
        return Ok(());
    };
    let file = layer.get("servicefile").or_else(|| own.get("servicefile"));
    let found = service::read(env, file, &name)?;
    let origin = Origin::Service { name, path: found.path };
    let mut below = Layer::default();
    for (keyword, value) in found.values {
        below.put(keyword, value, origin.clone());
    }
    fill(layer, &below, &[]);
    Ok(())
}

fn add_environment(env: &Environment, source: &mut Source) {
    let mut below = Layer::default();
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        if let Some(value) = env.text(variable) {
            below.set(keyword.name, value, Origin::Variable(variable.into()));
        }
    }
    let not: &[&str] = if source.explicit { &NOT_FOR_NAMED } else { &[] };
    fill(&mut source.layer, &below, not);
    // Older than PGSSLMODE, and weaker than what system authorities ask for.
    let required = env.text("PGREQUIRESSL").is_some_and(|text| text.starts_with('1'));
    if required && source.layer.get("sslrootcert") != Some("system") {
        source.layer.fill("sslmode", "require", Origin::Variable("PGREQUIRESSL".into()));
    }
}

/// Fills what is not set yet from a lower layer, save its password when it belongs elsewhere,
/// and save `host` under `hostaddr` or the other way round: together they would name two servers.
fn fill(layer: &mut Layer, below: &Layer, not: &[&str]) {
    let placed = layer.has("host") || layer.has("hostaddr");
    let elsewhere = LOCATION.iter().any(|name| {
        let usual = if *name == "port" { "5432" } else { "" };
        let fixed = not.contains(name) || (placed && *name != "port");
        let other = layer.get(name).or((fixed || layer.is_blank(name)).then_some(usual));
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

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "application_tests.rs"]
mod application_tests;

#[cfg(test)]
#[path = "env_file_tests.rs"]
mod env_file_tests;
