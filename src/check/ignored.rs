//! What the operator should know of his `[[check.ignore]]`.

use jiff::civil::Date;

use super::registry;
use crate::report::check::ServerChecks;
use crate::settings::CheckSettings;

/// Ignores that name no check.
pub fn unknown(settings: &CheckSettings) -> Option<&str> {
    let known = |key: &str| {
        let id = key.split(':').next().unwrap_or_default();
        match id.strip_suffix('*').filter(|_| !key.contains(':')) {
            Some(start) => registry::all().any(|check| check.id.starts_with(start)),
            None => registry::find(id).is_some(),
        }
    };
    settings.ignores.iter().map(|ignore| ignore.key.as_str()).find(|key| !known(key))
}

/// Ignores that are over and whose findings are still there, so that they count again.
pub fn over(servers: &[ServerChecks], settings: &CheckSettings, today: Date) -> Vec<String> {
    let ended = |until: Option<Date>| until.filter(|until| *until < today);
    let keys =
        || servers.iter().flat_map(|server| &server.checks).flat_map(|check| &check.findings);
    let mut notes = Vec::new();
    for ignore in &settings.ignores {
        let Some(until) = ended(ignore.until) else { continue };
        let count = keys().filter(|finding| ignore.covers(&finding.key)).count();
        if count > 0 {
            let what = if count == 1 { "it counts" } else { "they count" };
            let reason = &ignore.reason;
            notes.push(format!(
                "the ignore of {} ended on {until}: {what} again ({reason})",
                ignore.key
            ));
        }
    }
    notes
}

/// Ignores of checks that were run and found nothing of the kind.
pub fn idle(servers: &[ServerChecks], settings: &CheckSettings) -> Vec<String> {
    let checks = || servers.iter().flat_map(|server| &server.checks);
    let is_run = |key: &str| {
        let id = key.split(':').next().unwrap_or_default();
        checks().any(|check| match id.strip_suffix('*') {
            Some(start) => check.id.starts_with(start),
            None => check.id == id,
        })
    };
    let idle = settings.ignores.iter().filter(|ignore| {
        is_run(&ignore.key)
            && !checks()
                .flat_map(|check| &check.findings)
                .any(|finding| ignore.covers(&finding.key))
    });
    idle.map(|ignore| format!("the ignore of {} matches nothing: it can go", ignore.key)).collect()
}
