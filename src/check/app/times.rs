//! Time limits of the application against those of the server.

use super::life::{Life, declared, life};
use crate::check::conf::{Limits, Settings};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::settings::Declared;

/// Of the variable, or of the connection string.
fn setting<'a>(declared: &'a Declared, variable: &str, parameter: &str) -> Option<&'a str> {
    let of_url = || declared.primary()?.parameters.get(parameter).map(String::as_str);
    declared.value(variable).or_else(of_url)
}

fn pre_pings(declared: &Declared) -> Option<bool> {
    let written = setting(declared, "DB_POOL_PRE_PING", "pool_pre_ping")?;
    Some(["true", "1", "yes", "on"].contains(&written.to_ascii_lowercase().as_str()))
}

pub fn pre_ping(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("nobody has switched it off");
    if pre_pings(&declared) == Some(false) {
        let level = match life(look, &declared) {
            Life::Production => Level::Warning,
            Life::Staging | Life::Development => Level::Info,
        };
        let says = "pooled connections are not tested before their use (pool_pre_ping is off)";
        verdict.find(level, "DB_POOL_PRE_PING", says);
    }
    Ok(verdict)
}

pub fn recycle(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let verdict = look.verdict();
    let written = setting(&declared, "DB_POOL_RECYCLE", "pool_recycle");
    let Some(age) = written.and_then(|written| written.parse::<f64>().ok()) else {
        return Ok(verdict.saying("no age is set at which a connection is replaced"));
    };
    if look.major() < 14 {
        return Ok(verdict.saying("before 14 the server ends no idle session"));
    }
    let settings = Settings::of(look)?;
    let user = declared.primary().and_then(|server| server.user.as_deref());
    let limits = Limits::of(look, &settings)?;
    let mut verdict = verdict.saying("the server ends no idle session before the pool does");
    match limits.seconds(user, "idle_session_timeout") {
        None => verdict.unseen = Some("idle_session_timeout of the role is not told".to_owned()),
        Some(limit) if limit > 0.0 && (age < 0.0 || age >= limit) => {
            let says = format!(
                "connections are replaced after {age} s, and the server ends idle ones after \
                 {limit} s"
            );
            // A test finds the dead ones.
            let level =
                if pre_pings(&declared) == Some(true) { Level::Info } else { Level::Warning };
            verdict.find(level, "DB_POOL_RECYCLE", says).with_value(age);
        }
        Some(_) => {}
    }
    Ok(verdict)
}

/// Variables of an application that sets limits in this file.
const LIMITS: [&str; 8] = [
    "DB_POOL_SIZE",
    "DB_MAX_OVERFLOW",
    "DB_POOL_TIMEOUT",
    "DB_POOL_RECYCLE",
    "DB_COMMAND_TIMEOUT",
    "DB_READ_TIMEOUT",
    "DB_STATEMENT_TIMEOUT",
    "DB_IDLE_TIMEOUT",
];

pub fn timeouts(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("the limits are in order");
    let mut find = |level: Level, object: &str, says: String| {
        verdict.find(level, object, says);
    };
    let connect = declared.number("DB_CONNECT_TIMEOUT");
    let in_url =
        |server: &crate::settings::DeclaredServer| server.keywords.contains("connect_timeout");
    let sets_limits = LIMITS.iter().any(|name| declared.value(name).is_some());
    let remote = declared.primary().filter(|server| !server.is_local());
    match connect {
        Some(seconds) if seconds <= 0.0 => find(
            Level::Warning,
            "DB_CONNECT_TIMEOUT",
            "DB_CONNECT_TIMEOUT is 0: a silent server is waited for, for ever".to_owned(),
        ),
        Some(seconds) if seconds >= 1000.0 => find(
            Level::Warning,
            "DB_CONNECT_TIMEOUT",
            format!("DB_CONNECT_TIMEOUT is {seconds} seconds: it looks like milliseconds"),
        ),
        None if sets_limits
            && life(look, &declared) == Life::Production
            && remote.is_some_and(|server| !in_url(server)) =>
        {
            find(
                Level::Info,
                "DB_CONNECT_TIMEOUT",
                "no limit for connecting: a silent server holds up every request".to_owned(),
            );
        }
        _ => {}
    }
    for name in ["DB_STATEMENT_TIMEOUT", "DB_IDLE_TIMEOUT"] {
        if let Some(limit) = declared.number(name)
            && limit > 0.0
            && limit < 1000.0
        {
            let says = format!("{name} is {limit} milliseconds: it looks like seconds");
            find(Level::Warning, name, says);
        }
    }
    let statement = declared.number("DB_STATEMENT_TIMEOUT").map(|limit| limit / 1000.0);
    let settings = Settings::of(look)?;
    let limits = Limits::of(look, &settings)?;
    let user = declared.primary().and_then(|server| server.user.as_deref());
    let server = limits.seconds(user, "statement_timeout");
    for name in ["DB_READ_TIMEOUT", "DB_COMMAND_TIMEOUT"] {
        let Some(reads) = declared.number(name) else { continue };
        if let Some(statement) = statement
            && reads > 0.0
            && reads < statement
        {
            let says = format!(
                "{name} gives up after {reads} s, and the statement runs on to {statement} s"
            );
            find(Level::Warning, name, says);
        } else if let Some(server) = server
            && statement.is_none()
            && server > 0.0
            && reads > server
        {
            let says =
                format!("{name} is {reads} s, and the server ends statements after {server} s");
            find(Level::Info, name, says);
        }
    }
    Ok(verdict)
}
