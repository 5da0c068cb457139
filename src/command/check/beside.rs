//! Facts that the server does not tell: of this machine, of files, of the repository.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::backup::catalog;
use crate::check::{
    self, APPLICATION, BACKUPS, BASELINE, Backups, Baseline, Check, Facts, MACHINE, OneBackup,
};
use crate::command::Context;
use crate::error::{Error, Result};
use crate::report::backup::State;
use crate::report::verify::Level;
use crate::settings;
use crate::store::encode_part;

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

/// Adds what the chosen checks need.
///
/// # Errors
/// Usage, when the application's settings cannot be read; what else cannot be is a fact too.
pub async fn add(
    context: &Context,
    moment: Moment<'_>,
    checks: &[&Check],
    facts: &mut Facts,
) -> Result<()> {
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
        let mut declared = context.settings.declared(path)?;
        // What the operator says now wins over what the file says.
        declared.environment = moment.profile.map(str::to_owned).or(declared.environment);
        put(facts, APPLICATION, &declared)?;
    }
    if (wanted("backup.") || wanted("dep.backup"))
        && let Some(backups) = backups(context, moment, facts).await
    {
        put(facts, BACKUPS, &backups)?;
    }
    Ok(())
}

/// Backups that are looked at, of one folder: the newest.
const NEWEST: usize = 60;

/// What the repository has of this database; none where no repository is known.
async fn backups(context: &Context, moment: Moment<'_>, facts: &Facts) -> Option<Backups> {
    let target = moment.target.or(context.connect.target.as_deref());
    let (repository, _) = context.settings.repo_of(context.repo.as_deref(), target)?;
    let failed = |problem: String| Backups {
        repository: repository.clone(),
        problem: Some(format!("the repository cannot be read: {problem}")),
        backups: Vec::new(),
    };
    let read = tokio::time::timeout(moment.left, of_repository(context, &repository, facts));
    Some(match read.await {
        Ok(Ok(backups)) => backups,
        Ok(Err(error)) => failed(error.to_string()),
        Err(_) => failed("it did not answer within the time limit".to_owned()),
    })
}

/// The backups of this database of this server, whatever the cluster is named there.
async fn of_repository(context: &Context, location: &str, facts: &Facts) -> Result<Backups> {
    let store = context.store_at(location)?;
    store.must_exist().await?;
    let mut backups = Vec::new();
    let database = encode_part(&facts.server.database);
    for cluster in store.folders("").await? {
        let parent = format!("{cluster}/{database}/");
        let found = catalog::of_database(&store, &parent).await?;
        if found.is_empty()
            || catalog::other_cluster(&store, &parent, &facts.system_identifier).await?.is_some()
        {
            continue;
        }
        for one in found.iter().rev().take(NEWEST) {
            let listed = one.listed(&store).await?;
            let proof = listed.verified.as_ref();
            backups.push(OneBackup {
                id: listed.id.clone(),
                taken: listed.taken.filter(|_| listed.state == State::Complete),
                damaged: listed.problem.clone(),
                proven: proof
                    .filter(|proof| proof.passed && proof.level >= Level::Content)
                    .map(|proof| proof.at),
                failed: proof.filter(|proof| !proof.passed).map(|proof| proof.at),
            });
        }
    }
    backups.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Backups { repository: store.location(), problem: None, backups })
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
