//! Files of the operator that checks compare with: read before anything is asked.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::check::{CLIENT_CERTIFICATE, Check, EXPECTED_KINDS, EXPECTED_OBJECTS};
use crate::command::Context;
use crate::conn;
use crate::error::Result;
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
    if checks.iter().any(|check| check.id == EXPECTED_OBJECTS)
        && let Some(expected) = context.settings.expected_objects(&EXPECTED_KINDS)?
    {
        facts.insert(EXPECTED_OBJECTS.to_owned(), json!(expected));
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
