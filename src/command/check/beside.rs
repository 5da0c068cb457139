//! Facts that the server does not tell: of this machine, of files, of the repository.

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::Value;

use crate::backup::catalog::{self, Found};
use crate::check::{
    self, APPLICATION, BACKUPS, BASELINE, Backups, Baseline, Check, Facts, MACHINE, OneBackup,
};
use crate::command::Context;
use crate::conn::{Server, Session};
use crate::error::{Error, Result};
use crate::report::backup::State;
use crate::report::verify::Level;
use crate::settings;
use crate::store::{Store, encode_part};

/// What is known when facts beside the server's own are read.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The target's name: each of several may have a repository of its own.
    pub target: Option<&'a str>,
    /// The environment of `--profile`.
    pub profile: Option<&'a str>,
    /// Time for a repository to be read.
    pub left: Duration,
}

/// Adds what the chosen checks need, and the backups that were found.
///
/// # Errors
/// Usage, when the application's settings cannot be read; what else cannot be is a fact too.
pub fn add(
    context: &Context,
    moment: Moment<'_>,
    checks: &[&Check],
    backups: Option<Backups>,
    facts: &mut Facts,
) -> Result<()> {
    let wanted = |id: &str| are_wanted(checks, &[id]);
    if wanted("conf.")
        && check::runs_here(facts)
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
        let mut declared = context.settings.declared(path)?;
        // What the operator says now wins over what the file says.
        declared.environment = moment.profile.map(str::to_owned).or(declared.environment);
        put(facts, APPLICATION, &declared)?;
    }
    if let Some(backups) = backups {
        put(facts, BACKUPS, &backups)?;
    }
    Ok(())
}

/// Whether one of the checks, or of the families, is run.
fn are_wanted(checks: &[&Check], ids: &[&str]) -> bool {
    checks.iter().any(|check| ids.iter().any(|id| check.id.starts_with(id)))
}

/// Backups that are looked at, of one folder: the newest.
const NEWEST: usize = 60;
/// Backups that are read at a time.
const READ_AT_A_TIME: usize = 8;

/// What the repository has of the session's database; none where no repository is known, or no
/// check asks.
pub async fn backups(
    context: &Context,
    moment: Moment<'_>,
    checks: &[&Check],
    session: &Session,
) -> Option<Backups> {
    if !are_wanted(checks, &["backup.", "dep.backup"]) {
        return None;
    }
    let target = moment.target.or(context.connect.target.as_deref());
    let (repository, _) = context.settings.repo_of(context.repo.as_deref(), target)?;
    let failed = |problem: String| Backups {
        repository: repository.clone(),
        problem: Some(format!("the repository cannot be read: {problem}")),
        backups: Vec::new(),
    };
    let read = of_repository(context, &repository, session.server());
    Some(match tokio::time::timeout(moment.left, read).await {
        Ok(Ok(backups)) => backups,
        Ok(Err(error)) => failed(error.to_string()),
        Err(_) => failed("it did not answer within the time limit".to_owned()),
    })
}

/// The backups of this database of this server, whatever the cluster is named there.
async fn of_repository(context: &Context, location: &str, server: &Server) -> Result<Backups> {
    let store = context.store_at(location)?;
    store.must_exist().await?;
    let mut backups = Vec::new();
    let database = encode_part(&server.database);
    let system = server.system_identifier.to_string();
    for cluster in store.folders("").await? {
        let parent = format!("{cluster}/{database}/");
        let found = catalog::of_database(&store, &parent).await?;
        if found.is_empty() || catalog::other_cluster(&store, &parent, &system).await?.is_some() {
            continue;
        }
        backups.extend(newest(&store, &found).await?);
    }
    backups.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Backups { repository: store.location(), problem: None, backups })
}

/// The newest, down to one that is complete and proven: an older one says nothing more.
async fn newest(store: &Store, found: &[Found]) -> Result<Vec<OneBackup>> {
    let newest = found.iter().rev().take(NEWEST);
    let mut read = stream::iter(newest).map(|one| of_backup(store, one)).buffered(READ_AT_A_TIME);
    let mut backups = Vec::new();
    while let Some(backup) = read.try_next().await? {
        let is_enough = backup.taken.is_some() && backup.proven.is_some();
        backups.push(backup);
        if is_enough {
            break;
        }
    }
    Ok(backups)
}

async fn of_backup(store: &Store, one: &Found) -> Result<OneBackup> {
    let listed = one.listed(store).await?;
    let proof = listed.verified.as_ref();
    Ok(OneBackup {
        taken: listed.taken.filter(|_| listed.state == State::Complete),
        proven: proof
            .filter(|proof| proof.passed && proof.level >= Level::Content)
            .map(|proof| proof.at),
        failed: proof.filter(|proof| !proof.passed).map(|proof| proof.at),
        damaged: listed.problem,
        id: listed.id,
    })
}

fn put<T: Serialize>(facts: &mut Facts, name: &str, fact: &T) -> Result<()> {
    let value: Value = serde_json::to_value(fact)
        .map_err(|error| Error::bug("a fact is not JSON").caused_by(&error))?;
    facts.beside.insert(name.to_owned(), value);
    Ok(())
}

fn baseline(path: &Path) -> Baseline {
    match check::load(path) {
        Ok(facts) => Baseline::of(&facts),
        Err(error) => Baseline::Unreadable(error.to_string()),
    }
}
