//! Single settings, each judged by itself.

use super::settings::{ROLE_SETTINGS, RoleSetting, Settings, change, reset};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;

/// Settings that wait for a restart.
pub fn pending_restart(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let mut verdict = look.verdict().saying("no setting waits for a restart");
    for setting in settings.iter().filter(|setting| setting.pending_restart) {
        let now = setting.reset_val.as_deref().unwrap_or("(not told)");
        let says = format!("{} was changed and is still {now} until a restart", setting.name);
        verdict.find(Level::Warning, &setting.name, says);
    }
    Ok(verdict)
}

/// Settings with the value that loses data, and how.
const DANGEROUS: [(&str, &str, &str); 4] = [
    ("fsync", "off", "a crash of the machine destroys the database"),
    ("full_page_writes", "off", "a page that is half written in a crash stays damaged"),
    ("zero_damaged_pages", "on", "reading a damaged page erases its rows"),
    ("ignore_checksum_failure", "on", "damaged pages are read as if they were good"),
];

/// Settings that lose data.
pub fn dangerous(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let mut verdict = look.verdict().saying("none of them is set");
    for (name, bad, effect) in DANGEROUS {
        if settings.value(name)? != bad {
            continue;
        }
        let remedy = settings.get(name).map(|setting| reset(look, setting));
        let finding = verdict.find(Level::Critical, name, format!("{name} is {bad}: {effect}"));
        finding.remedy = remedy;
    }
    Ok(verdict)
}

/// What the log does not tell.
pub fn logging(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let mut verdict = look.verdict().saying("slow statements and waits for locks are logged");
    let mut find = |name: &str, value: &str, says: &str| {
        let context = settings.get(name).map_or("", |setting| setting.context.as_str());
        verdict.find(Level::Info, name, says).with_remedy(change(look, name, value, context));
    };
    if settings.number("log_min_duration_statement")? < 0.0
        && settings.number("log_min_duration_sample")? < 0.0
    {
        let says = "no slow statement is logged (log_min_duration_statement is -1)";
        find("log_min_duration_statement", "1s", says);
    }
    for (name, says) in [
        ("log_lock_waits", "waits for locks are not logged (log_lock_waits is off)"),
        (
            "track_io_timing",
            "the time of reads and writes is not measured (track_io_timing is off)",
        ),
        ("log_checkpoints", "checkpoints are not logged (log_checkpoints is off)"),
    ] {
        if settings.value(name)? == "off" {
            find(name, "on", says);
        }
    }
    Ok(verdict)
}

/// What the planner is told.
pub fn planner(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let mut verdict = look.verdict().saying("every kind of plan is allowed");
    for setting in settings.iter().filter(|setting| setting.name.starts_with("enable_")) {
        let is = |value: &Option<String>, word| value.as_deref() == Some(word);
        if is(&setting.reset_val, "off") && is(&setting.boot_val, "on") {
            let says = format!("{} is off for every session", setting.name);
            verdict.find(Level::Warning, &setting.name, says).with_remedy(reset(look, setting));
        }
    }
    if settings.number("random_page_cost")? >= 4.0 {
        let says = "random_page_cost is 4, that of spinning disks";
        verdict.find(Level::Info, "random_page_cost", says).with_remedy(change(
            look,
            "random_page_cost",
            "1.1",
            "user",
        ));
    }
    Ok(verdict)
}

/// What roles and databases have of their own.
pub fn role_overrides(look: &Look<'_>) -> Judged {
    let rows: Vec<RoleSetting> = look.rows(&ROLE_SETTINGS)?;
    let mut verdict = look.verdict().saying("no role and no database has settings of its own");
    for row in rows {
        let whose = match (&row.role, &row.database) {
            (Some(role), Some(database)) => format!("{role} in {database}"),
            (Some(role), None) => format!("role {role}"),
            (None, Some(database)) => format!("database {database}"),
            (None, None) => "every role".to_owned(),
        };
        let says = format!("{whose} has {} = {}", row.name, row.value);
        verdict.find(Level::Info, format!("{whose} {}", row.name), says);
    }
    Ok(verdict)
}
