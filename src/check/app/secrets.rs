//! What was never filled in, what can be guessed, and what tells too much.

use super::life::{Life, URLS, declared, life, not_known};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::settings::{UrlFault, Weakness};

pub fn placeholders(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("everything is filled in");
    not_known(&mut verdict, &declared, &URLS);
    for server in &declared.servers {
        let variable = &server.variable;
        let parts = server.placeholders.join(", ");
        let says = match &server.fault {
            Some((UrlFault::Placeholder, cause)) => format!("{variable}: {cause}"),
            _ if declared.values.get(variable).is_some_and(|value| value.placeholder) => continue,
            _ if parts.is_empty() => continue,
            _ => format!("{variable} has words of a guide for {parts}: fill them in"),
        };
        verdict.find(Level::Critical, variable, says);
    }
    for (name, _) in declared.values.iter().filter(|(_, value)| value.placeholder) {
        verdict.find(Level::Critical, name, format!("{name} is still the placeholder of a guide"));
    }
    Ok(verdict)
}

/// Variables with a secret that is judged.
const SECRETS: [&str; 3] = ["DATABASE_PASSWORD", "JWT_SECRET_KEY", "VAULT_SECRET_ID"];

pub fn secrets(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let life = life(look, &declared);
    let mut verdict = look.verdict().saying("no secret can be guessed");
    if life != Life::Development {
        not_known(&mut verdict, &declared, &[URLS.as_slice(), &SECRETS].concat());
    }
    let of_servers = declared.servers.iter().filter_map(|server| {
        let filled = server.placeholders.is_empty()
            && !matches!(server.fault, Some((UrlFault::Placeholder, _)));
        let weakness = server.password.filter(|_| filled)?;
        Some((server.variable.as_str(), "the password of ", weakness))
    });
    let of_values = declared.values.iter().filter_map(|(name, value)| {
        let weakness = value.weakness.filter(|_| !value.placeholder)?;
        Some((name.as_str(), "", weakness))
    });
    let found: Vec<(&str, &str, Weakness)> = of_servers.chain(of_values).collect();
    for (name, what, weakness) in found {
        if let Some(level) = life.level(Level::Critical) {
            let words = weakness.words();
            verdict.find(level, name, format!("{what}{name} {words}"));
        }
    }
    Ok(verdict)
}

/// Switches, by the value that is not for production.
const SWITCHES: [&str; 5] = ["SQL_ECHO", "DEBUG", "DJANGO_DEBUG", "FLASK_DEBUG", "APP_DEBUG"];

pub fn debug(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("nothing is being debugged in production");
    if life(look, &declared) != Life::Production {
        return Ok(verdict.saying("it is not production"));
    }
    let mut find = |object: &str, says: String| {
        verdict.find(Level::Warning, object, says);
    };
    for name in SWITCHES.iter().filter(|name| declared.boolean(name) == Some(true)) {
        find(name, format!("{name} is on in production"));
    }
    if let Some(level) = declared.value("LOG_LEVEL")
        && ["debug", "trace", "notset"].contains(&level.to_ascii_lowercase().as_str())
    {
        find("LOG_LEVEL", format!("LOG_LEVEL is {level} in production"));
    }
    if let Some(flask) = declared.value("FLASK_ENV")
        && flask.eq_ignore_ascii_case("development")
    {
        find("FLASK_ENV", "FLASK_ENV is development in production".to_owned());
    }
    for server in &declared.servers {
        let echo = server.parameters.get("echo").is_some_and(|echo| {
            ["true", "1", "debug"].contains(&echo.to_ascii_lowercase().as_str())
        });
        if echo {
            find(&server.variable, format!("{} has every statement logged", server.variable));
        }
    }
    Ok(verdict)
}
