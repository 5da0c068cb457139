//! Facts that the server does not tell: of this machine, of files, of the repository.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::check::{self, APPLICATION, BASELINE, Baseline, Check, Facts, MACHINE};
use crate::command::Context;
use crate::error::{Error, Result};
use crate::settings;

/// Adds what the chosen checks need.
///
/// # Errors
/// Usage, when the application's settings cannot be read; what else cannot be is a fact too.
pub async fn add(context: &Context, checks: &[&Check], facts: &mut Facts) -> Result<()> {
    let wanted = |id: &str| checks.iter().any(|check| check.id.starts_with(id));
    if wanted("conf.")
        && is_here(&facts.server.host)
        && let Some(machine) = settings::machine()
    {
        put(facts, MACHINE, &machine)?;
    }
    if wanted("conf.drift")
        && let Some(path) = &context.settings.check.settings_baseline
    {
        let folder = context.settings.environment().folder();
        put(facts, BASELINE, &baseline(&folder.join(path)))?;
    }
    if (wanted("app.") || wanted("conn.budget"))
        && let Some(path) = &context.connect.env_file
    {
        put(facts, APPLICATION, &context.settings.declared(path)?)?;
    }
    Ok(())
}

fn put<T: Serialize>(facts: &mut Facts, name: &str, fact: &T) -> Result<()> {
    let value: Value = serde_json::to_value(fact)
        .map_err(|error| Error::bug("a fact is not JSON").caused_by(&error))?;
    facts.beside.insert(name.to_owned(), value);
    Ok(())
}

/// Whether a server is on this machine: it answers on a socket, or on the machine's own address.
fn is_here(host: &str) -> bool {
    let numeric = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    host.starts_with(['/', '@']) || host == "localhost" || numeric
}

fn baseline(path: &Path) -> Baseline {
    match check::load(path) {
        Ok(facts) => Baseline::of(&facts),
        Err(error) => Baseline::Unreadable(error.to_string()),
    }
}
