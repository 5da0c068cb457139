//! The pools of all processes against the server's connections.

use super::declared::{declared, primary_not_known};
use super::pool::Pool;
use super::url::is_pooler;
use crate::check::conf::Settings;
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence};
use crate::settings::Declared;

pub fn judge(look: &Look<'_>) -> Judged {
    let declared = match declared(look) {
        // Without a file pgtend.toml may say it.
        Err(Silence::NotApplicable(_)) => Declared::default(),
        declared => declared?,
    };
    let mut verdict = look.verdict();
    primary_not_known(&mut verdict, &declared);
    let Some(pool) = Pool::of(look, &declared)? else {
        return Err(verdict.unseen.map_or_else(
            || {
                Silence::not_applicable(
                    "nobody says how large the application's pools are: --env-file with \
                     DB_POOL_SIZE, or pool in [check.application] of pgtend.toml",
                )
            },
            Silence::Unknown,
        ));
    };
    if declared.primary().is_some_and(is_pooler) {
        return Err(Silence::not_applicable(
            "the application connects through a pooler, which has its own limits",
        ));
    }
    let settings = Settings::of(look)?;
    let reserved = settings.number("superuser_reserved_connections")?
        + settings.number("reserved_connections").unwrap_or(0.0);
    let usable = settings.number("max_connections")? - reserved;
    let words = pool.words();
    let says = match pool.all() {
        Some(sum) => format!("{words} may open {sum} of {usable} usable connections"),
        None => format!("{words} have no end: they may open all {usable} usable connections"),
    };
    let sum = pool.all().unwrap_or(f64::INFINITY);
    verdict.says.clone_from(&says);
    if sum.is_finite() {
        verdict.measures.extend(look.measure("", "declared", sum, Some(usable)));
    }
    if let Some(level) = look.level("", "application", sum, Some(usable)) {
        verdict.find(level, "application", says).value = pool.all();
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::app::CHECKS;
    use crate::check::registry::Check;
    use crate::check::sample::{Sample, setting};
    use crate::report::check::Level;

    fn judged(values: Value) -> Judged {
        let check: &Check = CHECKS.iter().find(|check| check.id == "conn.budget").unwrap();
        let rows =
            [setting("max_connections", "100"), setting("superuser_reserved_connections", "3")];
        Sample::of("settings", &rows).declaring(&values).judged(check)
    }

    #[test]
    fn a_pool_without_an_end_may_open_every_connection() {
        for (size, overflow) in [("20", "-1"), ("0", "10")] {
            let values = json!({"DB_POOL_SIZE": size, "DB_MAX_OVERFLOW": overflow});
            let verdict = judged(values).unwrap();
            assert_eq!(verdict.findings[0].level, Level::Critical);
            let says = &verdict.findings[0].says;
            assert!(says.ends_with("no end: they may open all 97 usable connections"), "{says}");
            assert_eq!(verdict.findings[0].value, None);
            assert!(verdict.measures.is_empty());
        }
        let verdict = judged(json!({"DB_POOL_SIZE": "20", "DB_MAX_OVERFLOW": "0"})).unwrap();
        assert!(verdict.findings.is_empty());
        assert!(verdict.says.contains("may open 20 of 97"), "{}", verdict.says);
    }

    #[test]
    fn a_pool_that_cannot_be_read_is_unknown() {
        let why = |judged: Judged| match judged {
            Err(Silence::Unknown(why)) => why,
            other => panic!("{other:?}"),
        };
        let size = why(judged(json!({"DB_POOL_SIZE": "twenty"})));
        assert_eq!(size, "DB_POOL_SIZE cannot be read: it is not a number");
        let url = why(judged(json!({"DATABASE_URL": null})));
        assert!(url.starts_with("DATABASE_URL refers to ${ELSEWHERE}"), "{url}");
        assert!(matches!(judged(json!({})), Err(Silence::NotApplicable(_))));
        let perhaps_pooled = judged(json!({"DATABASE_URL": null, "DB_POOL_SIZE": "5"})).unwrap();
        assert!(perhaps_pooled.unseen.is_some() && perhaps_pooled.findings.is_empty());
    }
}
