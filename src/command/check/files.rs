//! Files of the operator that checks compare with: read before anything is asked.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::check::{CLIENT_CERTIFICATE, Check, EXPECTED_KINDS, EXPECTED_OBJECTS};
use crate::command::Context;
use crate::conn;
use crate::error::{Error, Result};
use crate::settings::Target;

/// Reads what the chosen checks need.
///
/// # Errors
/// Usage, for a list of objects that is not there or cannot be read.
pub fn read(
    context: &Context,
    target: &Target,
    checks: &[&Check],
) -> Result<BTreeMap<String, Value>> {
    let mut facts = BTreeMap::new();
    if let Some(path) = &context.settings.check.schema_expected
        && checks.iter().any(|check| check.id == EXPECTED_OBJECTS)
    {
        let path = context.settings.environment().folder().join(path);
        facts.insert(EXPECTED_OBJECTS.to_owned(), json!(expected(&path)?));
    }
    if let Some(files) = &target.tls.certificate
        && files.certificate.exists()
    {
        // One that cannot be read is unknown where it is used, and the login's to refuse.
        let expires = conn::client_certificate(files).ok().and_then(|read| read.expires);
        let path = files.certificate.display().to_string();
        facts.insert(CLIENT_CERTIFICATE.to_owned(), json!({ "path": path, "expires": expires }));
    }
    Ok(facts)
}

/// The checks whose questions are asked: the whole list of objects is only had by those who
/// compare it.
pub fn asked(checks: &[&'static Check], files: &BTreeMap<String, Value>) -> Vec<&'static Check> {
    let is_asked =
        |check: &&Check| check.id != EXPECTED_OBJECTS || files.contains_key(EXPECTED_OBJECTS);
    checks.iter().copied().filter(is_asked).collect()
}

/// The lines of the file of `[check.schema] expected`, without empty ones and comments.
fn expected(path: &Path) -> Result<Vec<String>> {
    let fault = || Error::usage(format!("cannot read check.schema.expected {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fault().caused_by(&error))?;
    let mut lines = Vec::new();
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let kind = line.split_whitespace().next().unwrap_or_default();
        if !EXPECTED_KINDS.contains(&kind) || kind == line {
            return Err(fault()
                .because(format!("line {number} is no kind and name: {line}"))
                .next(format!("the kinds are {}", EXPECTED_KINDS.join(", "))));
        }
        lines.push(line.to_owned());
    }
    Ok(lines)
}
