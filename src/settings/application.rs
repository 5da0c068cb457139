//! What the variables of an application say: its server, replicas, and what is judged only.

use super::env_file::{Variable, Variables};
use super::keyword::KEYWORDS;
use super::origin::Origin;
use super::source::{Floor, Source, UnusedVariable};
use super::target::{ApplicationSetting, SslMode};
use super::variables::{self, Effect, KNOWN, Kind, KnownVariable};
use super::{build, dsn, inherit, other_servers};
use crate::error::{Error, Result};

/// The source that the variables are; `None` when they name no server.
///
/// # Errors
/// Usage, for values that decide about the server.
pub(super) fn source(given: &Variables) -> Result<Option<Source>> {
    let mut source = server(given)?;
    if source.title.is_empty() {
        return Ok(None);
    }
    add_demands(given, &mut source)?;
    other_servers::add(given, &mut source)?;
    Ok(Some(source))
}

/// The source of variables that name no server, for a server that a flag or libpq's variables
/// name: all that they say beside the place.
///
/// # Errors
/// As [`source`].
pub(super) fn without_place(given: &Variables) -> Result<Source> {
    let mut source = server(given)?;
    if given.file.is_some() {
        add_parts(given, &mut source)?;
    }
    add_demands(given, &mut source)?;
    for (name, variable) in given.iter() {
        let effect = variables::find(name).map(|found| found.known.effect);
        let of_a_server = match effect {
            Some(Effect::Part(_)) => given.file.is_none(),
            Some(Effect::Replica | Effect::Replicas | Effect::Weight | Effect::Backup) => true,
            _ => false,
        };
        if of_a_server {
            source.unused.push(UnusedVariable {
                name: name.to_owned(),
                origin: variable.origin.clone(),
                why: "its kind name no server: DATABASE_URL or DATABASE_HOST is not set".to_owned(),
            });
        }
    }
    Ok(source)
}

/// Adds what holds for the server however it is named.
fn add_demands(given: &Variables, source: &mut Source) -> Result<()> {
    source.explicit = given.file.is_some();
    let url = urls(given, Effect::Url).next().map(|variable| &variable.origin);
    for everywhere in [false, true] {
        add_keywords(given, source, everywhere, url)?;
    }
    source.floors = floors(given)?;
    describe(given, source, false);
    Ok(())
}

/// Lists the process's variables that would decide about the server, when another one is named.
pub(super) fn leave(given: &Variables, source: &mut Source) {
    for (name, variable) in given.iter() {
        let effect = variables::find(name).map(|found| found.known.effect);
        if !matches!(effect, None | Some(Effect::Judged | Effect::Environment)) {
            source.unused.push(UnusedVariable {
                name: name.to_owned(),
                origin: variable.origin.clone(),
                why: format!("{} names the server", source.title),
            });
        }
    }
    source.demands.extend(demands(given));
}

/// What the variables ask for as the least `sslmode`, as far as it can be read.
pub(super) fn demands(given: &Variables) -> Vec<Floor> {
    let asked = |name: &str, variable: &Variable| {
        let value = variable.known().ok()?;
        let effect = variables::find(name).map(|found| found.known.effect);
        match effect {
            Some(Effect::Keyword("sslmode") | Effect::PrimaryKeyword("sslmode")) => {
                build::ssl_mode(value)
            }
            Some(Effect::RequireTls) => variables::boolean(value)?.then_some(SslMode::Require),
            Some(Effect::VerifyTls) => {
                value.eq_ignore_ascii_case("required").then_some(SslMode::Require)
            }
            None if name == "PGSSLMODE" => build::ssl_mode(value),
            None if name == "PGREQUIRESSL" => value.starts_with('1').then_some(SslMode::Require),
            _ => None,
        }
    };
    let found = given.iter().filter_map(|(name, variable)| {
        Some(Floor { mode: asked(name, variable)?, origin: variable.origin.clone() })
    });
    found.collect()
}

/// The variable that names a server, when one does.
pub(super) fn names_a_server(given: &Variables) -> Option<String> {
    let variable = urls(given, Effect::Url).next().or_else(|| naming_part(given))?;
    Some(title(&variable.origin))
}

/// The part that names a server: a password or a user alone does not.
fn naming_part(given: &Variables) -> Option<&Variable> {
    let mut naming =
        KNOWN.iter().filter(|known| ["DATABASE_HOST", "DATABASE_NAME"].contains(&known.name));
    naming.find_map(|known| find_part(given, known))
}

/// Adds what the variables say of the application; with `all` that too which would decide about
/// the server, when another one was named.
pub(super) fn describe(given: &Variables, source: &mut Source, all: bool) {
    let environment = named(given, Effect::Environment).find_map(|(_, variable)| {
        let name = variable.value.clone().ok()?;
        Some((name, variable.origin.clone()))
    });
    source.environment = environment.or_else(|| given.environment.clone());
    for (name, variable) in given.iter() {
        let origin = variable.origin.clone();
        match judge(name, variable, all, &mut source.notes) {
            Judgement::Kept(value) => {
                let name = name.to_owned();
                source.application.push(ApplicationSetting { name, value, origin });
            }
            Judgement::Unused(why) => {
                source.unused.push(UnusedVariable { name: name.to_owned(), origin, why });
            }
            Judgement::NotOurs => {}
        }
    }
}

/// What becomes of a variable beside the server.
enum Judgement {
    /// Its value, masked where it is secret.
    Kept(String),
    /// Why.
    Unused(String),
    /// Somebody else's, or its effect was elsewhere.
    NotOurs,
}

fn judge(name: &str, variable: &Variable, all: bool, notes: &mut Vec<String>) -> Judgement {
    let Some(found) = variables::find(name) else {
        return match variables::nearest(name) {
            _ if !variables::is_ours(name) => Judgement::NotOurs,
            Some(near) => Judgement::Unused(format!("not known; did you mean {near}?")),
            None => Judgement::Unused("not known".to_owned()),
        };
    };
    let value = match &variable.value {
        Ok(value) => value,
        Err(undefined) => {
            let why = format!("${{{undefined}}} is not defined");
            notes.push(format!("{name} is not known: {why}"));
            return Judgement::Unused(why);
        }
    };
    let KnownVariable { name: known, effect, kind, .. } = found.known;
    if found.prefixed {
        notes.push(format!("{name} is {known} as pydantic reads it with env_prefix = \"DB_\""));
    }
    if let Some(why) = kind.fault(value) {
        notes.push(format!("{} is not used: {why}", variable.origin));
        return Judgement::Unused(why.to_owned());
    }
    match (*kind, *effect) {
        (Kind::Secret, Effect::Judged) => Judgement::Kept("***".to_owned()),
        // A connection string is not a setting, and a password not for judging.
        (Kind::Secret, _) => Judgement::NotOurs,
        (_, Effect::Judged) => Judgement::Kept(value.clone()),
        _ if all => Judgement::Kept(value.clone()),
        _ => Judgement::NotOurs,
    }
}

/// The variables of an effect, in the table's order, plain names before pydantic's.
pub(super) fn named(
    given: &Variables,
    effect: Effect,
) -> impl Iterator<Item = (&'static KnownVariable, &Variable)> {
    KNOWN.iter().filter(move |known| known.effect == effect).flat_map(move |known| {
        [known.name.to_owned(), format!("DB_{}", known.name)].into_iter().filter_map(move |name| {
            // Only names that the table knows: DB_LOG_LEVEL is not one.
            variables::find(&name)?;
            given.get(&name).map(|variable| (known, variable))
        })
    })
}

pub(super) fn urls(given: &Variables, effect: Effect) -> impl Iterator<Item = &Variable> {
    named(given, effect).map(|(_, variable)| variable)
}

/// The server itself: a connection string, else the parts, else an env file's `PG*`. Without a
/// title when none of them names one.
fn server(given: &Variables) -> Result<Source> {
    let mut urls = urls(given, Effect::Url);
    let mut source = match urls.next() {
        Some(first) => from_url(given, first, urls)?,
        None => from_parts(given)?,
    };
    let Some(path) = &given.file else { return Ok(source) };
    for keyword in KEYWORDS {
        let Some(name) = keyword.variable else { continue };
        let (value, origin) = match (given.get(name), given.blank(name)) {
            (Some(variable), _) => (variable.known()?, &variable.origin),
            (None, Some(origin)) => ("", origin),
            (None, None) => continue,
        };
        inherit::put_variable(&mut source.below, keyword.name, value, origin.clone());
    }
    // Older than PGSSLMODE, and weaker.
    if let Some(variable) = given.get("PGREQUIRESSL")
        && variable.known()?.starts_with('1')
    {
        source.below.fill("sslmode", "require", variable.origin.clone());
    }
    let first = ["host", "hostaddr", "service", "dbname", "user"].into_iter();
    if source.title.is_empty() {
        let mut set = first.filter(|name| source.below.has(name));
        let Some(name) = set.next() else { return Ok(source) };
        source.title = title(&source.below.origin(name));
    }
    source.title = format!("{} ({})", source.title, path.display());
    Ok(source)
}

/// The name of a variable, without its place.
fn title(origin: &Origin) -> String {
    match origin {
        Origin::File { name, .. } => name.clone(),
        other => other.to_string(),
    }
}

fn from_url<'a>(
    given: &Variables,
    first: &Variable,
    others: impl Iterator<Item = &'a Variable>,
) -> Result<Source> {
    let url = first.known()?;
    let mut source = Source::of_conninfo(url, &first.origin)?;
    source.title = title(&first.origin);
    let winner = title(&first.origin);
    let mut notes = Vec::new();
    for other in others {
        if other.value.as_deref() != Ok(url) {
            let name = title(&other.origin);
            notes.push(format!("{winner} and {name} disagree: {winner} wins"));
        }
    }
    for known in KNOWN {
        let (Effect::Part(keyword), Some(part)) = (known.effect, find_part(given, known)) else {
            continue;
        };
        match source.layer.get(keyword) {
            Some(value) if part.value.as_deref() == Ok(value) => {}
            Some(_) => notes.push(format!("{winner} and {} disagree: {winner} wins", known.name)),
            None => notes.push(format!("{} is not used: {winner} names the server", known.name)),
        }
    }
    source.notes.extend(notes);
    Ok(source)
}

fn from_parts(given: &Variables) -> Result<Source> {
    let mut source = Source::default();
    if let Some(variable) = naming_part(given) {
        source.title = title(&variable.origin);
        add_parts(given, &mut source)?;
    }
    Ok(source)
}

fn add_parts(given: &Variables, source: &mut Source) -> Result<()> {
    for known in KNOWN {
        let (Effect::Part(keyword), Some(variable)) = (known.effect, find_part(given, known))
        else {
            continue;
        };
        let value = variable.known()?;
        if dsn::is_placeholder(keyword, value) {
            return Err(Error::usage(format!("{} is not filled in", variable.origin))
                .because("it is still the placeholder of a guide"));
        }
        if dsn::may_be_placeholder(value) {
            let origin = &variable.origin;
            source.notes.push(format!("{origin} looks like the placeholder of a guide"));
        }
        source.layer.set(keyword, value, variable.origin.clone());
        let first = title(&variable.origin);
        for (_, other) in named(given, known.effect).skip(1) {
            if other.value != variable.value {
                let other = title(&other.origin);
                source.notes.push(format!("{first} and {other} disagree: {first} wins"));
            }
        }
    }
    Ok(())
}

/// The variable of one row, under its plain name or pydantic's.
pub(super) fn find_part<'a>(given: &'a Variables, known: &KnownVariable) -> Option<&'a Variable> {
    named(given, known.effect).map(|(_, variable)| variable).next()
}

/// Adds the keywords that have variables of their own; with `everywhere` those that hold for
/// replicas too, else those of the server itself, which come first. `url` is the origin of the
/// connection string.
pub(super) fn add_keywords(
    given: &Variables,
    source: &mut Source,
    everywhere: bool,
    url: Option<&Origin>,
) -> Result<()> {
    for known in KNOWN {
        let keyword = match known.effect {
            Effect::Keyword(keyword) if everywhere => keyword,
            Effect::PrimaryKeyword(keyword) if !everywhere => keyword,
            _ => continue,
        };
        for (_, variable) in named(given, known.effect).filter(|(found, _)| *found == known) {
            add_keyword(source, keyword, (variable.known()?, &variable.origin), url);
        }
    }
    Ok(())
}

/// Adds a keyword to what is there: a connection string wins, of two variables the stronger
/// `sslmode`, else the first.
fn add_keyword(
    source: &mut Source,
    keyword: &'static str,
    (value, origin): (&str, &Origin),
    url: Option<&Origin>,
) {
    let layer = &mut source.layer;
    let Some(present) = layer.get(keyword).map(str::to_owned) else {
        layer.set(keyword, value, origin.clone());
        return;
    };
    if present == value {
        return;
    }
    let before = layer.origin(keyword);
    let mode = build::ssl_mode;
    if keyword == "sslmode" && mode(value).is_none() {
        // It becomes an error, a URL or not: nobody knows what was meant.
        layer.set(keyword, value, origin.clone());
        return;
    }
    let stronger = keyword == "sslmode" && mode(value) > mode(&present);
    let (first, second) = (title(&before), title(origin));
    if stronger && Some(&before) != url {
        layer.set(keyword, value, origin.clone());
        source.notes.push(format!("{first} and {second} disagree: {second} wins, it is stronger"));
    } else if stronger {
        source.notes.push(format!(
            "{first} says sslmode={present}, which is weaker than {second}: {first} wins"
        ));
    } else {
        source.notes.push(format!("{first} and {second} disagree on {keyword}: {first} wins"));
    }
}

/// The least `sslmode` that the variables let pass.
pub(super) fn floors(given: &Variables) -> Result<Vec<Floor>> {
    let mut floors = Vec::new();
    let wrong = |variable: &Variable, why: &str| {
        Err(Error::usage(format!("invalid value of {}", variable.origin)).because(why))
    };
    for (_, variable) in named(given, Effect::RequireTls) {
        let value = variable.known()?;
        match variables::boolean(value) {
            Some(true) => {
                let origin = variable.origin.clone();
                floors.push(Floor { mode: SslMode::Require, origin });
            }
            Some(false) => {}
            None => return wrong(variable, Kind::Boolean.fault(value).unwrap_or_default()),
        }
    }
    for (_, variable) in named(given, Effect::VerifyTls) {
        let mode = match variable.known()?.to_ascii_lowercase().as_str() {
            "none" | "optional" => continue,
            "required" => SslMode::VerifyCa,
            _ => return wrong(variable, "it is one of none, optional, required"),
        };
        floors.push(Floor { mode, origin: variable.origin.clone() });
    }
    Ok(floors)
}
