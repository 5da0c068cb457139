//! What was restored beside what was backed up.
//!
//! Each part looks at one kind of thing and returns problems; none of them changes the database,
//! but for the extension amcheck.

mod amcheck;
mod assertions;
mod large_objects;
mod pool;
mod rows;
mod sequences;
mod structure;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::archive::manifest::Manifest;
use crate::archive::toc::Toc;
use crate::backup::preflight;
use crate::backup::statements::PINS;
use crate::conn::{self, Session, SessionOptions};
use crate::error::Result;
use crate::report::Progress;
use crate::report::verify::{Problem, ProblemKind};
use crate::settings::Target;

pub use assertions::AssertionFile;
pub use large_objects::{LargeObjects, Piece};

/// The setting that is the source's own and may not be had elsewhere.
const MONETARY: &str = "lc_monetary";

/// What is compared, and how.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The restored database.
    pub target: &'a Target,
    /// The record of the backup.
    pub manifest: &'a Manifest,
    /// Its table of contents.
    pub toc: &'a Toc,
    /// pg_dump's numbers of the entries that were not restored on purpose.
    pub left_out: &'a HashSet<i32>,
    /// Parallel sessions.
    pub jobs: usize,
    /// What the operator sees.
    pub progress: &'a Arc<Progress>,
    /// Stops it.
    pub cancel: &'a CancellationToken,
}

/// A comparison that goes on: a session at the restored database, and what was found.
#[derive(Debug)]
pub struct Comparison<'a> {
    inputs: Inputs<'a>,
    session: Session,
    options: SessionOptions,
    /// Why a value may have another text here, where there is a reason.
    other_versions: Option<String>,
    has_monetary: bool,
    /// What does not hold.
    pub problems: Vec<Problem>,
    /// How much was looked at.
    pub counts: Counts,
}

/// How much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tables that were read.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Sequences.
    pub sequences: u64,
    /// Large objects.
    pub large_objects: u64,
    /// Objects that the table of contents names and the catalog has.
    pub objects: u64,
    /// Btree indexes that amcheck found whole; `None` where it is not available.
    pub indexes_checked: Option<u64>,
    /// Tables whose pages amcheck found whole; `None` where it is not available.
    pub heaps_checked: Option<u64>,
    /// Assertions that ran.
    pub assertions: u64,
}

impl<'a> Comparison<'a> {
    /// Opens the first session.
    ///
    /// # Errors
    /// Exit 69 when the database cannot be reached.
    pub async fn start(inputs: Inputs<'a>) -> Result<Self> {
        let (settings, ignored) = settings(&inputs.manifest.database.settings);
        if !ignored.is_empty() {
            inputs.progress.note(format!(
                "the backup's record names settings that no backup has, which are ignored: {}",
                ignored.join(", ")
            ));
        }
        let mut options = SessionOptions {
            application: "pgtend/verify".into(),
            read_only: true,
            settings,
            ..SessionOptions::default()
        };
        let mut has_monetary = true;
        let session = match conn::connect(inputs.target, &options).await {
            Ok(session) => session,
            Err(error) => {
                let monetary = options.settings.iter().position(|(name, _)| name == MONETARY);
                let Some(at) = monetary else { return Err(error) };
                let (_, locale) = options.settings.remove(at);
                has_monetary = false;
                let session = conn::connect(inputs.target, &options).await?;
                inputs.progress.note(format!(
                    "the source's lc_monetary {locale} cannot be had here: values of the type \
                     money have another text"
                ));
                session
            }
        };
        let other_versions = other_versions(&session, inputs.manifest).await?;
        Ok(Self {
            inputs,
            session,
            options,
            other_versions,
            has_monetary,
            problems: Vec::new(),
            counts: Counts::default(),
        })
    }

    fn add(&mut self, kind: ProblemKind, table: Option<String>, what: String) {
        self.problems.push(Problem { kind, object: None, table, what });
    }

    fn pool(&self) -> pool::Pool {
        pool::Pool {
            target: self.session.same_server(),
            options: self.options.clone(),
            jobs: self.inputs.jobs,
            cancel: self.inputs.cancel.child_token(),
        }
    }
}

/// Our pins, the source's lc_monetary, and the names of what else the record has. A record's
/// digest is no signature: it must not set `role`, nor a pin to another value.
fn settings(recorded: &[(String, String)]) -> (Vec<(String, String)>, Vec<String>) {
    let mut settings: Vec<(String, String)> =
        PINS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut ignored = Vec::new();
    for (name, value) in recorded {
        if name == MONETARY {
            settings.push((name.clone(), value.clone()));
        } else if !PINS.iter().any(|(pinned, _)| pinned == name) {
            ignored.push(name.clone());
        }
    }
    (settings, ignored)
}

/// What is of another version here than at the source: then the same value may have another text.
async fn other_versions(session: &Session, manifest: &Manifest) -> Result<Option<String>> {
    let mut differences = Vec::new();
    let source = manifest.source.version_num / 10_000;
    let here = session.server().major();
    if here != source {
        differences.push(format!("the server is PostgreSQL {here}, the source was {source}"));
    }
    let installed: BTreeMap<String, String> =
        preflight::extensions(session).await?.into_iter().collect();
    for (name, version) in &manifest.database.extensions {
        match installed.get(name) {
            Some(here) if here != version => differences
                .push(format!("extension {name} has version {here} here, {version} at the source")),
            _ => {}
        }
    }
    Ok((!differences.is_empty()).then(|| differences.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_sets_lc_monetary_and_nothing_else() {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let recorded = own(&[
            ("role", "postgres"),
            ("search_path", "evil"),
            ("Row_Security", "on"),
            ("lc_monetary", "de_DE.UTF-8"),
        ]);
        let (settings, ignored) = settings(&recorded);
        let expected = [PINS, &[("lc_monetary", "de_DE.UTF-8")]].concat();
        assert_eq!(settings, own(&expected));
        assert_eq!(ignored, ["role", "Row_Security"]);
    }
}
