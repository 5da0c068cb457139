//! What was never filled in, what can be guessed, and what tells too much.

use super::declared::{URLS, declared, level, not_known, stage};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::settings::{DeclaredServer, Stage, UrlFault, Weakness};

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
    let stage = stage(look, &declared);
    let mut verdict = look.verdict().saying("no secret can be guessed");
    if stage != Stage::Development {
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
        if let Some(level) = level(stage, Level::Critical) {
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
    if stage(look, &declared) != Stage::Production {
        return Ok(verdict.saying("it is not production"));
    }
    not_known(&mut verdict, &declared, &[URLS.as_slice(), &["LOG_LEVEL", "FLASK_ENV"]].concat());
    let mut found = Vec::new();
    for name in SWITCHES {
        match declared.boolean(name) {
            Ok(Some(true)) => found.push((name, format!("{name} is on in production"))),
            Ok(_) => {}
            Err(why) => verdict.not_seen(why),
        }
    }
    if let Some(level) = declared.value("LOG_LEVEL")
        && ["debug", "trace", "notset"].contains(&level.to_ascii_lowercase().as_str())
    {
        found.push(("LOG_LEVEL", format!("LOG_LEVEL is {level} in production")));
    }
    if let Some(flask) = declared.value("FLASK_ENV")
        && flask.eq_ignore_ascii_case("development")
    {
        found.push(("FLASK_ENV", "FLASK_ENV is development in production".to_owned()));
    }
    for server in &declared.servers {
        let variable = server.variable.as_str();
        match echoes(server) {
            Ok(true) => found.push((variable, format!("{variable} has every statement logged"))),
            Ok(false) => {}
            Err(why) => verdict.not_seen(why),
        }
    }
    for (object, says) in found {
        verdict.find(Level::Warning, object, says);
    }
    Ok(verdict)
}

/// Whether SQLAlchemy logs every statement; `debug` is more than true.
fn echoes(server: &DeclaredServer) -> Result<bool, String> {
    let echo = server.parameters.get("echo");
    if echo.is_some_and(|echo| echo.eq_ignore_ascii_case("debug")) {
        return Ok(true);
    }
    Ok(server.boolean("echo")? == Some(true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::check::app::CHECKS;
    use crate::check::sample::Sample;

    #[test]
    fn a_switch_that_cannot_be_read_is_not_off() {
        let check = CHECKS.iter().find(|check| check.id == "app.debug").unwrap();
        let judged = |values| Sample::of("-", &[]).declaring(&values).judged(check).unwrap();
        let verdict = judged(json!({"SQL_ECHO": "maybe", "DEBUG": "on"}));
        let why = "SQL_ECHO cannot be read: it is one of true, false, 1, 0, yes, no, on, off";
        assert_eq!(verdict.unseen.as_deref(), Some(why));
        assert_eq!(verdict.findings[0].object, "DEBUG");
        let verdict = judged(json!({"LOG_LEVEL": null, "SQL_ECHO": "false"}));
        let why = "LOG_LEVEL refers to ${ELSEWHERE}, which is not defined here";
        assert_eq!(verdict.unseen.as_deref(), Some(why));
        assert_eq!(judged(json!({"SQL_ECHO": "false"})).unseen, None);
    }
}
