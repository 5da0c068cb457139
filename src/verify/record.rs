//! The record of a verification, in the backup's folder: what a list shows, and what a rotation
//! goes by.

use std::collections::HashSet;

use super::Request;
use super::rotation::Veil;
use crate::archive::manifest::Manifest;
use crate::backup::catalog::{self, Found, Record};
use crate::error::{Error, Result};
use crate::report::verify::{Part, Problem, Trial, Verified};

/// Leaves one: when it ended, the result, and the tables that it has proven. That of a sealed
/// backup tells no names: whoever reads the store reads it.
///
/// # Errors
/// The store's.
pub async fn leave(
    request: &Request,
    found: &Found,
    manifest: &Manifest,
    (at, result, mut covered): (jiff::Timestamp, &Verified, Vec<String>),
) -> Result<()> {
    // How it looked beside others then is of no use later.
    let mut result = Verified { canaries: None, coverage: None, ..result.clone() };
    if !manifest.recipients.is_empty() {
        result = without_names(result, manifest);
        // Without the whole record nothing is covered.
        let veil = Veil::of(manifest);
        covered = veil.map_or_else(Vec::new, |veil| covered.iter().map(|n| veil.hide(n)).collect());
    }
    let record = Record { at, pgtend: env!("CARGO_PKG_VERSION").into(), result, covered };
    let mut bytes = serde_json::to_vec_pretty(&record)
        .map_err(|error| Error::bug("cannot write the verification's record").caused_by(&error))?;
    bytes.push(b'\n');
    let folder = format!("{}{}", found.folder, catalog::VERIFICATIONS);
    let name = at.strftime("%Y%m%dT%H%M%S.%6fZ.json");
    if request.store.objects(&folder).await?.is_empty() {
        request.store.ensure_folder(&folder).await?;
    }
    request.store.publish(&format!("{folder}{name}"), &bytes).await
}

/// Counts, and what kind of problem which object has; no text that may hold a name or a value.
fn without_names(result: Verified, manifest: &Manifest) -> Verified {
    // The header tells these too.
    let stored: HashSet<&str> =
        manifest.objects.iter().map(|object| object.name.as_str()).collect();
    let problem = |problem: Problem| Problem {
        kind: problem.kind,
        object: problem.object.filter(|name| stored.contains(name.as_str())),
        table: None,
        what: "not told here: the backup is sealed".into(),
    };
    let trial = |trial: Trial| Trial {
        scratch: String::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
        ..trial
    };
    Verified {
        problems: result.problems.into_iter().map(problem).collect(),
        trial: result.trial.map(trial),
        part: result.part.map(|part| Part { not_tried: Vec::new(), ..part }),
        ..result
    }
}
