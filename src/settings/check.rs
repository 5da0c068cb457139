//! `[check]` of pgtend.toml.

use std::path::PathBuf;

use jiff::civil::Date;
use toml::{Table, Value};

use super::file::Section;
use super::quantity;
use crate::error::Result;

/// What checks are told by the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckSettings {
    /// `[check.limits]`: where (`id`, `id/name`, `id:object`), warning, critical, as written.
    pub limits: Vec<LimitEntry>,
    /// `[[check.ignore]]`.
    pub ignores: Vec<Ignore>,
    /// Ids, families or kinds that are left out.
    pub skip: Vec<String>,
    /// Patterns of tables (`public.*`) that must have row-level security.
    pub rls_required: Vec<String>,
    /// Names (application_name) of standbys that must be there.
    pub standbys: Vec<String>,
    /// `[check.schema] expected`: file with the objects that must be there.
    pub schema_expected: Option<PathBuf>,
    /// Bytes of memory of the server's machine.
    pub memory: Option<u64>,
    /// A file of `--save` with the settings that the server should have.
    pub settings_baseline: Option<PathBuf>,
    /// `[check.application]`.
    pub application: ApplicationSize,
}

/// How large the application is. What is not said comes from `--env-file`, or is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationSize {
    /// Connections of a pool, and those beyond it.
    pub pool: Option<u32>,
    pub overflow: Option<u32>,
    /// Each with a pool of its own: workers of one instance, and instances.
    pub processes: Option<u32>,
    pub instances: Option<u32>,
    /// A deployment starts the new ones before it ends the old ones.
    pub rolling: bool,
}

/// One line of `[check.limits]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitEntry {
    pub place: String,
    pub warning: Option<String>,
    pub critical: Option<String>,
}

/// A finding that is known and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// `id:object`, or `id` for all of a check; a closing `*` stands for any end.
    pub key: String,
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

impl Ignore {
    /// Whether it is about the finding with this key.
    pub fn covers(&self, key: &str) -> bool {
        match self.key.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => {
                key == self.key
                    || key.strip_prefix(&self.key).is_some_and(|rest| rest.starts_with(':'))
            }
        }
    }
}

/// What may stand in `[check]`.
pub(super) const KEYS: &[&str] = &[
    "limits",
    "ignore",
    "skip",
    "rls_required",
    "standbys",
    "schema",
    "memory",
    "settings_baseline",
    "application",
];
/// What may stand in `[check.application]`.
const APPLICATION_KEYS: [&str; 5] = ["pool", "overflow", "processes", "instances", "rolling"];

/// Reads the section. Ids are looked at later: they are the checks' own.
pub(super) fn read(section: &Section<'_>, table: Table) -> Result<CheckSettings> {
    let mut settings = CheckSettings::default();
    for (key, value) in table {
        match key.as_str() {
            "limits" => {
                for (place, value) in section.table(&key, value)? {
                    settings.limits.push(limit(section, &place, value)?);
                }
            }
            "ignore" => {
                for (value, number) in section.list(&key, value)?.into_iter().zip(1..) {
                    let name = format!("{key}[{number}]");
                    settings.ignores.push(ignore(section, &name, value)?);
                }
            }
            "skip" => settings.skip = texts(section, &key, value)?,
            "rls_required" => settings.rls_required = texts(section, &key, value)?,
            "standbys" => settings.standbys = texts(section, &key, value)?,
            "schema" => {
                let inner = inside(section, &key);
                for (key, value) in section.table("schema", value)? {
                    match key.as_str() {
                        "expected" => {
                            let path = inner.filled(&key, &value)?;
                            settings.schema_expected = Some(PathBuf::from(path));
                        }
                        _ => return Err(inner.unknown(&key, &["expected"])),
                    }
                }
            }
            "memory" => {
                let text = section.scalar(&key, &value)?;
                let bytes =
                    quantity::bytes(&text).map_err(|cause| section.invalid(&key).because(cause))?;
                settings.memory = Some(bytes);
            }
            "settings_baseline" => {
                settings.settings_baseline = Some(PathBuf::from(section.filled(&key, &value)?));
            }
            "application" => settings.application = application(section, value)?,
            _ => return Err(section.unknown(&key, KEYS)),
        }
    }
    Ok(settings)
}

fn application(section: &Section<'_>, value: Value) -> Result<ApplicationSize> {
    let inner = inside(section, "application");
    let mut size = ApplicationSize::default();
    for (key, value) in section.table("application", value)? {
        let number = || {
            let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
            number.ok_or_else(|| inner.invalid(&key).because("it is a whole number: 20"))
        };
        match key.as_str() {
            "pool" => size.pool = Some(number()?),
            "overflow" => size.overflow = Some(number()?),
            "processes" => size.processes = Some(number()?),
            "instances" => size.instances = Some(number()?),
            "rolling" => {
                size.rolling = value
                    .as_bool()
                    .ok_or_else(|| inner.invalid(&key).because("it is true or false"))?;
            }
            _ => return Err(inner.unknown(&key, &APPLICATION_KEYS)),
        }
    }
    Ok(size)
}

fn inside<'a>(section: &Section<'a>, key: &str) -> Section<'a> {
    Section { path: section.path, place: section.name(key) }
}

fn texts(section: &Section<'_>, key: &str, value: Value) -> Result<Vec<String>> {
    section.list(key, value)?.iter().map(|value| section.filled(key, value)).collect()
}

fn limit(section: &Section<'_>, place: &str, value: Value) -> Result<LimitEntry> {
    let inner = inside(section, &format!("limits.{place:?}"));
    let mut entry = LimitEntry { place: place.to_owned(), warning: None, critical: None };
    for (key, value) in section.table(&format!("limits.{place:?}"), value)? {
        let text = match &value {
            Value::Float(number) => number.to_string(),
            other => inner.scalar(&key, other)?,
        };
        match key.as_str() {
            "warning" => entry.warning = Some(text),
            "critical" => entry.critical = Some(text),
            _ => return Err(inner.unknown(&key, &["warning", "critical"])),
        }
    }
    Ok(entry)
}

fn ignore(section: &Section<'_>, name: &str, value: Value) -> Result<Ignore> {
    let inner = inside(section, name);
    let (mut ignored, mut reason, mut until) = (None, None, None);
    for (key, value) in section.table(name, value)? {
        match key.as_str() {
            "key" => ignored = Some(inner.filled(&key, &value)?),
            "reason" => reason = Some(inner.filled(&key, &value)?),
            "until" => {
                let text = match &value {
                    Value::Datetime(date) => date.to_string(),
                    other => inner.filled(&key, other)?,
                };
                let date = text
                    .parse::<Date>()
                    .map_err(|_| inner.invalid(&key).because("it is a date like 2027-01-31"))?;
                until = Some(date);
            }
            _ => return Err(inner.unknown(&key, &["key", "reason", "until"])),
        }
    }
    let missing = |key| inner.invalid(key).because("what is ignored needs a key and a reason");
    Ok(Ignore {
        key: ignored.ok_or_else(|| missing("key"))?,
        reason: reason.ok_or_else(|| missing("reason"))?,
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignore_covers_a_finding_a_check_or_a_start() {
        let covers = |key: &str, finding: &str| {
            Ignore { key: key.into(), reason: "r".into(), until: None }.covers(finding)
        };
        assert!(covers("idx.invalid", "idx.invalid:public.a"));
        assert!(!covers("idx.invalid", "idx.invalidated:public.a"));
        assert!(covers("idx.invalid:public.a", "idx.invalid:public.a"));
        assert!(!covers("idx.invalid:public.a", "idx.invalid:public.ab"));
        assert!(covers("idx.invalid:public.*", "idx.invalid:public.ab"));
    }
}
