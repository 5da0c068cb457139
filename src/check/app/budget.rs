//! The pools of all processes against the server's connections.

use super::life::declared;
use super::pool::Pool;
use super::url::is_pooler;
use crate::check::conf::Settings;
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence};

pub fn judge(look: &Look<'_>) -> Judged {
    let declared = declared(look).ok();
    let Some(pool) = Pool::of(look, declared.as_ref()) else {
        return Err(Silence::not_applicable(
            "nobody says how large the application's pools are: --env-file with DB_POOL_SIZE, or \
             pool in [check.application] of pgtend.toml",
        ));
    };
    if declared.as_ref().and_then(|declared| declared.primary()).is_some_and(is_pooler) {
        return Err(Silence::not_applicable(
            "the application connects through a pooler, which has its own limits",
        ));
    }
    let settings = Settings::of(look)?;
    let reserved = settings.number("superuser_reserved_connections")?
        + settings.number("reserved_connections").unwrap_or(0.0);
    let usable = settings.number("max_connections")? - reserved;
    let sum = pool.all();
    let says = format!("{} may open {sum} of {usable} usable connections", pool.words());
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "declared", sum, Some(usable)));
    if let Some(level) = look.level("", "application", sum, Some(usable)) {
        verdict.find(level, "application", says).with_value(sum);
    }
    Ok(verdict)
}
