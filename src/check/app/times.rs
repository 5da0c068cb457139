//! Time limits of the application against those of the server.

use super::declared::{boolean, declared, number, primary_not_known, stage};
use crate::check::conf::{Limits, Settings};
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence, Verdict};
use crate::report::check::Level;
use crate::settings::{Declared, DeclaredServer, Stage};

fn pre_pings(declared: &Declared) -> Result<Option<bool>, Silence> {
    boolean(declared, "DB_POOL_PRE_PING", "pool_pre_ping")
}

pub fn pre_ping(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("nobody has switched it off");
    match pre_pings(&declared)? {
        Some(true) => {}
        Some(false) => {
            let level = match stage(look, &declared) {
                Stage::Production => Level::Warning,
                Stage::Staging | Stage::Development => Level::Info,
            };
            let says = "pooled connections are not tested before their use (pool_pre_ping is off)";
            verdict.find(level, "DB_POOL_PRE_PING", says);
        }
        None => primary_not_known(&mut verdict, &declared),
    }
    Ok(verdict)
}

pub fn recycle(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict();
    let Some(age) = number(&declared, "DB_POOL_RECYCLE", "pool_recycle")? else {
        primary_not_known(&mut verdict, &declared);
        return Ok(verdict.saying("no age is set at which a connection is replaced"));
    };
    if look.major() < 14 {
        return Ok(verdict.saying("before 14 the server ends no idle session"));
    }
    primary_not_known(&mut verdict, &declared);
    let settings = Settings::of(look)?;
    let user = declared.primary().and_then(|server| server.user.as_deref());
    let limits = Limits::of(look, &settings)?;
    match limits.seconds(user, "idle_session_timeout") {
        None => verdict.not_seen("idle_session_timeout of the role is not told"),
        Some(limit) if limit > 0.0 && (age < 0.0 || age >= limit) => {
            let says = format!(
                "connections are replaced after {age} s, and the server ends idle ones after \
                 {limit} s"
            );
            // A test finds the dead ones.
            let level = match pre_pings(&declared) {
                Ok(Some(true)) => Level::Info,
                _ => Level::Warning,
            };
            verdict.find(level, "DB_POOL_RECYCLE", says).with_value(age);
        }
        Some(_) => {}
    }
    Ok(verdict.saying("the server ends no idle session before the pool does"))
}

/// Variables of an application that sets limits in this file.
const LIMITS: [&str; 8] = [
    "DB_POOL_SIZE",
    "DB_MAX_OVERFLOW",
    "DB_POOL_TIMEOUT",
    "DB_POOL_RECYCLE",
    "DB_COMMAND_TIMEOUT",
    "DB_READ_TIMEOUT",
    STATEMENT,
    "DB_IDLE_TIMEOUT",
];

const CONNECT: &str = "DB_CONNECT_TIMEOUT";
const STATEMENT: &str = "DB_STATEMENT_TIMEOUT";

pub fn timeouts(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("the limits are in order");
    primary_not_known(&mut verdict, &declared);
    connecting(look, &declared, &mut verdict);
    for name in [STATEMENT, "DB_IDLE_TIMEOUT"] {
        match declared.number(name) {
            Ok(Some(limit)) if limit > 0.0 && limit < 1000.0 => {
                let says = format!("{name} is {limit} milliseconds: it looks like seconds");
                verdict.find(Level::Warning, name, says);
            }
            Ok(_) => {}
            Err(why) => verdict.not_seen(why),
        }
    }
    for name in ["DB_READ_TIMEOUT", "DB_COMMAND_TIMEOUT"] {
        match declared.number(name) {
            Ok(Some(reads)) if reads > 0.0 => {
                reading(look, &declared, &mut verdict, (name, reads))?;
            }
            Ok(_) => {}
            Err(why) => verdict.not_seen(why),
        }
    }
    Ok(verdict)
}

/// The limit for connecting.
fn connecting(look: &Look<'_>, declared: &Declared, verdict: &mut Verdict) {
    let (level, says) = match declared.number(CONNECT) {
        Ok(Some(seconds)) if seconds <= 0.0 => {
            (Level::Warning, format!("{CONNECT} is 0: a silent server is waited for, for ever"))
        }
        Ok(Some(seconds)) if seconds >= 1000.0 => {
            (Level::Warning, format!("{CONNECT} is {seconds} seconds: it looks like milliseconds"))
        }
        Ok(None) if waits_for_ever(look, declared) => (
            Level::Info,
            "no limit for connecting: a silent server holds up every request".to_owned(),
        ),
        Ok(_) => return,
        Err(why) => {
            verdict.not_seen(why);
            return;
        }
    };
    verdict.find(level, CONNECT, says);
}

/// Whether an application that sets limits has none for connecting to another machine.
fn waits_for_ever(look: &Look<'_>, declared: &Declared) -> bool {
    let in_url = |server: &DeclaredServer| server.keywords.contains("connect_timeout");
    LIMITS.iter().any(|name| declared.value(name).is_some())
        && stage(look, declared) == Stage::Production
        && declared.primary().is_some_and(|server| !server.is_local() && !in_url(server))
}

/// The limit for reading an answer, in seconds, against that of the statement.
fn reading(
    look: &Look<'_>,
    declared: &Declared,
    verdict: &mut Verdict,
    (name, reads): (&str, f64),
) -> Result<(), Silence> {
    // Of one that cannot be read it was said already.
    let Ok(statement) = declared.number(STATEMENT) else { return Ok(()) };
    if let Some(statement) = statement.map(|limit| limit / 1000.0) {
        if reads < statement {
            let says = format!(
                "{name} gives up after {reads} s, and the statement runs on to {statement} s"
            );
            verdict.find(Level::Warning, name, says);
        }
        return Ok(());
    }
    let settings = Settings::of(look)?;
    let user = declared.primary().and_then(|server| server.user.as_deref());
    match Limits::of(look, &settings)?.seconds(user, "statement_timeout") {
        Some(server) if server > 0.0 && reads > server => {
            let says =
                format!("{name} is {reads} s, and the server ends statements after {server} s");
            verdict.find(Level::Info, name, says);
        }
        Some(_) => {}
        None => verdict.not_seen("statement_timeout of the role is not told"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::app::CHECKS;
    use crate::check::sample::{Sample, setting};

    fn judged(id: &str, values: Value) -> Judged {
        let check = CHECKS.iter().find(|check| check.id == id).unwrap();
        let rows = [setting("statement_timeout", "0"), setting("idle_session_timeout", "0")];
        // This session has a limit of its own, and so nobody sees that of others.
        let own = json!({"database": null, "role": "me", "name": "statement_timeout",
                         "value": "5s"});
        let mut sample = Sample::of("settings", &rows).with("role_settings", &[own]);
        sample.facts.sight.role = "me".to_owned();
        sample.declaring(&values).declaring_server("db", Some("app")).judged(check)
    }

    #[test]
    fn an_age_or_a_switch_that_cannot_be_read_is_unknown() {
        for (id, name) in
            [("app.pool_recycle", "DB_POOL_RECYCLE"), ("app.pre_ping", "DB_POOL_PRE_PING")]
        {
            let why = judged(id, json!({name: "some"})).unwrap_err();
            assert!(matches!(&why, Silence::Unknown(why) if why.contains(name)), "{why:?}");
            assert_eq!(judged(id, json!({})).unwrap().unseen, None);
        }
        let verdict = judged("app.pre_ping", json!({"DB_POOL_PRE_PING": "OFF"})).unwrap();
        assert_eq!(verdict.findings.len(), 1);
    }

    #[test]
    fn limits_that_are_not_known_are_not_in_order() {
        let unseen = |values| {
            let verdict = judged("app.timeouts", values).unwrap();
            let only_advice = verdict.findings.iter().all(|found| found.level == Level::Info);
            assert!(only_advice, "{:?}", verdict.findings);
            verdict.unseen
        };
        for name in [
            "DB_CONNECT_TIMEOUT",
            "DB_STATEMENT_TIMEOUT",
            "DB_IDLE_TIMEOUT",
            "DB_READ_TIMEOUT",
            "DB_COMMAND_TIMEOUT",
        ] {
            let why = format!("{name} cannot be read: it is not a number");
            assert_eq!(unseen(json!({name: "10s"})).as_deref(), Some(&*why));
        }
        let hidden = unseen(json!({"DB_READ_TIMEOUT": "30", "DB_COMMAND_TIMEOUT": "30"}));
        assert_eq!(hidden.as_deref(), Some("statement_timeout of the role is not told"));
        let own = json!({"DB_READ_TIMEOUT": "35", "DB_STATEMENT_TIMEOUT": "30000"});
        assert_eq!(unseen(own), None);
    }
}
