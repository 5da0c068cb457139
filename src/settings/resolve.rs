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
use super::login::Login;
use super::origin::Origin;
use super::source::{Candidate, NOT_FOR_REPLICAS, Source};
use super::target::{Replica, Target};
use super::{ConnectArgs, Resolved, advice, cloud_login, dsn, inherit, passwords, quantity};
use crate::cli::connect::ReadFrom;
use crate::error::{Error, Result};

/// Resolves the target that the flags, the file and the environment mean.
pub(super) fn resolve(
    env: &Environment,
    file: Option<&ConfigFile>,
    args: &ConnectArgs,
) -> Result<Resolved> {
    refuse_flags(args)?;
    let mut args = args.clone();
    if let Some(text) = args.dbname.take_if(|text| dsn::is_conninfo(text)) {
        if args.url.is_some() {
            return Err(Error::usage("both --url and --dbname hold a connection string"));
        }
        args.url = Some(text);
    }
    let Some(path) = &args.env_file else { return server(env, file, &args, EnvFile::None) };
    let variables = Variables::of_file(env, path)?;
    if args.url.is_some() || args.target.is_some() {
        return server(env, file, &args, EnvFile::Beside(&variables));
    }
    match server(env, file, &args, EnvFile::Names(&variables)) {
        Err(error) if does_without_file(&args) => {
            let mut resolved = server(env, file, &args, EnvFile::Beside(&variables))?;
            // Behind the line that says which server was chosen.
            resolved.notes.insert(1, error.to_string());
            Ok(resolved)
        }
        resolved => resolved,
    }
}

/// What an env file is for.
#[derive(Clone, Copy)]
enum EnvFile<'a> {
    None,
    /// It names the server.
    Names(&'a Variables),
    /// The server is named otherwise.
    Beside(&'a Variables),
}

/// Whether the flags name the server of a run that judges its env file. Other servers than the
/// one itself are known from the file only.
fn does_without_file(args: &ConnectArgs) -> bool {
    args.judges_env_file
        && args.host.is_some()
        && matches!(args.read_from, None | Some(ReadFrom::Primary))
}

/// The server, with all that belongs to it.
fn server(
    env: &Environment,
    file: Option<&ConfigFile>,
    args: &ConnectArgs,
    env_file: EnvFile<'_>,
) -> Result<Resolved> {
    let named = match env_file {
        EnvFile::Names(variables) => Some(variables),
        EnvFile::None | EnvFile::Beside(_) => None,
    };
    let mut source = choose(env, file, args, named)?;
    if let EnvFile::Beside(variables) = env_file {
        beside(variables, &mut source);
    }
    inherit::own(env, &mut source)?;
    inherit::overlay(env, &mut source, args);
    cloud_login::of_flags(env, args, &mut source);
    let title = source.title.clone();
    let unused = std::mem::take(&mut source.unused);
    let (replicas, backup) = (std::mem::take(&mut source.replicas), source.backup.take());
    let (mut target, mut notes) = finish(env, source, args.no_password)?;
    target.prompt_first = args.password;
    let wanted = matches!(args.read_from, Some(ReadFrom::Replica | ReadFrom::Any));
    for candidate in replicas {
        let weight = candidate.weight;
        if let Some(replica) = other_server(env, candidate, args, wanted, &mut notes)? {
            target.replicas.push(Replica { target: replica, weight });
        }
    }
    if let Some(candidate) = backup {
        let wanted = args.read_from == Some(ReadFrom::Backup);
        target.backup_server =
            other_server(env, *candidate, args, wanted, &mut notes)?.map(Box::new);
    }
    notes.insert(0, format!("using {title}, {target}"));
    let mut said = std::collections::BTreeSet::new();
    notes.retain(|note| said.insert(note.clone()));
    Ok(Resolved { target, unused, notes })
}

/// Refuses flags without a meaning. An empty one may be an unset variable of a script, which must
/// not pick another server than the one that was meant.
fn refuse_flags(args: &ConnectArgs) -> Result<()> {
    let path = args.env_file.as_deref().and_then(Path::to_str);
    let empty = [
        ("--url", args.url.as_deref()),
        ("--target", args.target.as_deref()),
        ("--env-file", path),
        ("--host", args.host.as_deref()),
        ("--username", args.user.as_deref()),
        ("--dbname", args.dbname.as_deref()),
        ("--secret", args.secret.as_deref()),
    ];
    if let Some(lag) = &args.max_lag {
        quantity::duration(lag)
            .map_err(|cause| Error::usage("invalid --max-lag").because(cause))?;
    }
    match empty.into_iter().find(|(_, value)| *value == Some("")) {
        Some((flag, _)) => Err(Error::usage(format!("{flag} is empty"))
            .because("it may be a variable of a script that is not set")
            .next("give it a value, or leave it out for the default")),
        None => Ok(()),
    }
}

/// An env file beside a server that is named otherwise.
fn beside(variables: &Variables, source: &mut Source) {
    let path = variables.file.as_deref().unwrap_or(Path::new("")).display();
    application::describe(variables, source, true);
    source.demands.extend(application::demands(variables));
    let title = &source.title;
    source.notes.push(format!("the server of {path} is not used: {title} names another"));
}

/// From a source, which has all of its own, to a target.
fn finish(
    env: &Environment,
    mut source: Source,
    no_password: bool,
) -> Result<(Target, Vec<String>)> {
    inherit::environment(env, &mut source);
    cloud_login::needs_tls(&mut source);
    inherit::raise(&mut source);
    let ambient = source.layer.origin("password") == Origin::Variable("PGPASSWORD".into());
    if let Some(login) = source.login.as_ref().filter(|_| ambient) {
        // Explicit beats ambient: it was written for this server.
        source.layer.remove("password");
        let (word, origin) = (login.word(), login.origin());
        source.notes.push(format!("PGPASSWORD is not used: {origin} has a {word}"));
    }
    let mut target = build::target(env, &source.layer, !no_password)?;
    target.passfile = passwords::passfile(env, &source.layer);
    let mut notes = source.notes;
    passwords::add(&mut target, &source.layer, &mut notes);
    notes.extend(inherit::weaker(&source.demands, &target));
    notes.extend(advice::notes(&target));
    target.name = source.target;
    target.login = source.login;
    cloud_login::check(&target, &mut notes)?;
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
        inherit::own(env, &mut source)?;
        inherit::overlay(env, &mut source, &names);
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

fn choose(
    env: &Environment,
    file: Option<&ConfigFile>,
    args: &ConnectArgs,
    variables: Option<&Variables>,
) -> Result<Source> {
    let process = Variables::of_process(env);
    let named = if let Some(url) = &args.url {
        of_flag(url, args)?
    } else if let Some(name) = &args.target {
        from_file(env, file, name)?
    } else if let Some(variables) = variables {
        from_env_file(variables, args)?
    } else if args.host.is_some() {
        elsewhere(file, &process)
    } else {
        if let Some(source) = application::source(&process)? {
            return Ok(source);
        }
        let libpq = libpq_variables(env);
        let default = file.and_then(|file| file.default_target.as_deref());
        match default.filter(|_| libpq.is_empty()) {
            Some(name) => from_file(env, file, name)?,
            None => {
                let flags = args.port.is_some() || args.dbname.is_some();
                let own = if flags { "the command line" } else { "libpq's defaults" };
                let title = if libpq.is_empty() { own.to_owned() } else { libpq.join(", ") };
                return Ok(Source { title, ..application::without_place(&process)? });
            }
        }
    };
    let mut source = named;
    application::leave(&process, &mut source);
    Ok(source)
}

fn of_flag(url: &str, args: &ConnectArgs) -> Result<Source> {
    if args.target.is_some() {
        return Err(Error::usage("--url and --target both name a server").next("give one of them"));
    }
    let mut source = Source::of_conninfo(url, &Origin::Flag("--url"))?;
    for (name, instead) in
        [("password", "use ~/.pgpass or PGPASSWORD"), ("sslpassword", "put it into pgtend.toml")]
    {
        if source.layer.has(name) {
            let article = if name == "password" { "a" } else { "an" };
            source.notes.push(format!("{article} {name} in --url is visible in ps: {instead}"));
        }
    }
    Ok(source)
}

/// The server of `--host`: another one than what lies in the shell, or than the usual target.
fn elsewhere(file: Option<&ConfigFile>, process: &Variables) -> Source {
    let mut source = Source { title: "the command line".to_owned(), ..Source::default() };
    let default = file.and_then(|file| file.default_target.clone());
    let unused = application::names_a_server(process).or(default);
    source
        .notes
        .extend(unused.map(|name| format!("{name} is not used: --host names another server")));
    source
}

/// The variables that name a server as libpq has it.
fn libpq_variables(env: &Environment) -> Vec<&'static str> {
    let naming = KEYWORDS.iter().filter(|keyword| {
        inherit::LOCATION.contains(&keyword.name)
            || ["service", "user", "dbname"].contains(&keyword.name)
    });
    naming.filter_map(|keyword| keyword.variable).filter(|name| env.text(name).is_some()).collect()
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
    let title = "the command line".to_owned();
    Ok(Source { title, anywhere: true, ..application::without_place(variables)? })
}

fn from_file(env: &Environment, file: Option<&ConfigFile>, name: &str) -> Result<Source> {
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
        // One that is empty has its meaning, as in a connection string.
        source.layer.put(keyword, value, origin.clone());
    }
    source.explicit = true;
    if !entry.replicas.is_empty() {
        // What its service says holds for the replicas too.
        inherit::add_service(env, &mut source)?;
    }
    source.login = entry.login.clone().map(|login| login.at(env, origin.clone()));
    source.replicas = replicas_of_file(entry, &origin, &source);
    source.target = Some(name.to_owned());
    source.tags = entry.tags.clone();
    source.environment = entry.environment.clone().map(|name| (name, origin));
    Ok(source)
}

/// What the URL of a replica leaves out is as in its target, but the password.
fn replicas_of_file(entry: &TargetEntry, origin: &Origin, target: &Source) -> Vec<Candidate> {
    // A token is made for each server by itself.
    let login = target.login.clone().filter(|login| matches!(login, Login::Iam(_)));
    let with_number = entry.replicas.iter().zip(1..);
    with_number
        .map(|(replica, number)| {
            let origin = Origin::Replica { number, of: Box::new(origin.clone()) };
            let source = Source::of_conninfo(&replica.url, &origin).map(|mut source| {
                for (name, value, origin) in target.layer.iter() {
                    if !NOT_FOR_REPLICAS.contains(&name) {
                        source.layer.fill(name, value, origin.clone());
                    }
                }
                Source { explicit: true, login: login.clone(), ..source }
            });
            Candidate { source, weight: replica.weight, origin }
        })
        .collect()
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

#[cfg(test)]
#[path = "inherit_tests.rs"]
mod inherit_tests;
