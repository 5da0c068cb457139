//! Removing what the rules of [`retention`] let go, and what runs that were
//! broken off left behind.
//!
//! Only folders with a backup's id are looked at, and in them only what pgtend writes is removed:
//! names are matched whole, never by their beginning. The manifest goes first: from then on the
//! folder is no backup, whatever ends the run. Each database is judged again right before its
//! backups go, and each backup once more.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::catalog::{self, Found};
use super::history::Known;
use super::remove;
use super::retention::{self, Policy, Reason};
use crate::consent::Consent;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::prune::{Action, Prune, Pruned, Rule};
use crate::settings::quantity::written_duration;
use crate::store::{AT_ONCE, Store, encode_part};

/// How old what a broken-off run left has to be, unless the operator says otherwise.
pub const SWEEP_AGE: Duration = Duration::from_secs(24 * 3600);
/// The same where the store cannot tell when something was last written: no backup runs so long.
const SWEEP_AGE_BLIND: Duration = Duration::from_secs(7 * 24 * 3600);

/// What may go, and of what.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository.
    pub store: Store,
    /// Without one only leftovers go.
    pub policy: Option<Policy>,
    /// The policy as it was written, for the report.
    pub rules: Vec<Rule>,
    /// Which databases.
    pub scope: Scope,
    /// Age of leftovers that go; `None` leaves all.
    pub sweep: Option<Duration>,
    /// The present.
    pub now: Timestamp,
    /// Stops the run.
    pub cancel: CancellationToken,
}

/// The databases that are meant: all of them where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The one cluster.
    pub cluster: Option<String>,
    /// The one database.
    pub database: Option<String>,
}

impl Scope {
    /// The folder of the one database, when it is one.
    fn folder(&self) -> Option<String> {
        let (cluster, database) = (self.cluster.as_ref()?, self.database.as_ref()?);
        Some(format!("{}/{}/", encode_part(cluster), encode_part(database)))
    }

    /// By the folders' names, which are exact where a shown name may be cut.
    fn has(&self, found: &Found) -> bool {
        let mut parts = found.folder.split('/');
        [&self.cluster, &self.database].into_iter().all(|name| {
            let part = parts.next();
            name.as_ref().is_none_or(|name| part == Some(encode_part(name).as_str()))
        })
    }
}

/// Looks, and says what would go; nothing is changed.
pub async fn plan(request: &Request) -> Result<Prune> {
    let looked = async {
        let (mut found, mut problems) = match request.scope.folder() {
            Some(folder) => found_in(request, &folder).await?,
            None => found_in(request, "").await?,
        };
        found.retain(|found| request.scope.has(found));
        found.sort_by(|a, b| a.folder.cmp(&b.folder));
        let mut backups = Vec::new();
        for group in found.chunk_by(|a, b| parent(&a.folder) == parent(&b.folder)) {
            backups.extend(judge(request, group).await.into_iter().map(|(row, _)| row));
        }
        problems.extend(warnings(&backups));
        Ok(Prune {
            repository: request.store.location(),
            dry_run: true,
            rules: request.rules.clone(),
            warnings: problems,
            backups,
        })
    };
    tokio::select! {
        biased;
        () = request.cancel.cancelled() => Err(stopped().because("nothing was removed")),
        plan = looked => plan,
    }
}

/// The backups in the folder of one database, or in all (`""`); with those of which there is
/// nothing yet but an upload that was not finished. Where uploads cannot be listed that is told.
async fn found_in(request: &Request, folder: &str) -> Result<(Vec<Found>, Vec<String>)> {
    let mut found = match folder {
        "" => catalog::all(&request.store).await?,
        folder => catalog::of_database(&request.store, folder).await?,
    };
    if request.sweep.is_none() {
        return Ok((found, Vec::new()));
    }
    let uploads = match request.store.stale_uploads(folder).await {
        Ok(uploads) => uploads,
        Err(error) => return Ok((found, vec![format!("unfinished uploads may be left: {error}")])),
    };
    for upload in uploads {
        let of = Found::of_key(&upload.key);
        found.extend(of.filter(|of| found.iter().all(|other| other.folder != of.folder)));
    }
    Ok((found, Vec::new()))
}

/// Removes what `plan` says, where it is still right. A fault with one backup stops no other.
pub async fn apply(request: &Request, plan: Prune, _consent: &Consent) -> Result<Prune> {
    let told = warnings(&plan.backups);
    let mut done = Prune { dry_run: false, ..plan };
    let mut from = 0;
    while let Some(first) = done.backups.get(from) {
        let here = parent(&first.folder).to_owned();
        let rows = done.backups[from..].iter().take_while(|row| parent(&row.folder) == here);
        let to = from + rows.count();
        let before = done.backups[..from].iter().filter(|row| row.removed).count();
        one_group(request, &here, &mut done.backups[from..to], before).await?;
        from = to;
    }
    done.warnings.retain(|warning| !told.contains(warning));
    done.warnings.extend(warnings(&done.backups));
    Ok(done)
}

/// The same for the backups of one database; `before` are gone already.
async fn one_group(
    request: &Request,
    parent: &str,
    rows: &mut [Pruned],
    before: usize,
) -> Result<()> {
    if rows.iter().all(|row| row.action == Action::Keep) {
        return Ok(());
    }
    let fresh = match found_in(request, parent).await {
        Ok((found, _)) => judge(request, &found).await,
        Err(error) => {
            let going = rows.iter_mut().filter(|row| row.action == Action::Remove);
            going.for_each(|row| row.problem = Some(error.to_string()));
            return Ok(());
        }
    };
    let mut gone = before;
    for row in rows.iter_mut().filter(|row| row.action == Action::Remove) {
        if request.cancel.is_cancelled() {
            return Err(stopped().because(format!("{gone} were removed until then")));
        }
        let Some((now, known)) = fresh.iter().find(|(fresh, _)| fresh.id == row.id) else {
            row.reasons.push("already gone".into());
            row.removed = true;
            continue;
        };
        if now.action == Action::Keep {
            *row = now.clone();
            continue;
        }
        one(request, row, known).await;
        gone += usize::from(row.removed);
    }
    Ok(())
}

/// Removes one, unless something has become of it since it was judged.
async fn one(request: &Request, row: &mut Pruned, known: &Known) {
    let found = Found::new(&row.id, &row.cluster, &row.database, &row.folder);
    let again = Known::read(&request.store, &found).await;
    if again.member != known.member {
        row.action = Action::Keep;
        row.reasons =
            vec!["it has changed while others were removed: left for the next run".into()];
        return;
    }
    match remove::backup(&request.store, &found).await {
        Ok(left) => (row.removed, row.left) = (true, left),
        Err(error) => row.problem = Some(error.to_string()),
    }
}

/// Judges the backups of one database.
async fn judge(request: &Request, group: &[Found]) -> Vec<(Pruned, Known)> {
    let reading = group.iter().map(|found| Known::read(&request.store, found));
    let known: Vec<Known> = stream::iter(reading).buffered(AT_ONCE).collect().await;
    let members: Vec<_> = known.iter().map(|known| known.member.clone()).collect();
    let policy = request.policy.clone().unwrap_or_else(Policy::without_rules);
    let decisions = retention::decide(&policy, request.now, &members);
    let mut judged = Vec::new();
    for ((found, known), decision) in group.iter().zip(known).zip(decisions) {
        let mut row = Pruned {
            id: found.id.clone(),
            cluster: found.cluster.clone(),
            database: found.database.clone(),
            folder: found.folder.clone(),
            state: known.state,
            taken: match known.member.state {
                retention::State::Complete { taken } => Some(taken),
                _ => None,
            },
            bytes: known.bytes,
            verified: known.verified.clone(),
            action: if decision.keep { Action::Keep } else { Action::Remove },
            reasons: decision.reasons.iter().map(Reason::to_string).collect(),
            removed: false,
            left: Vec::new(),
            problem: known.unreadable.clone(),
        };
        if known.member.state == retention::State::Incomplete
            && known.member.in_use.is_none()
            && let Some(age) = request.sweep
        {
            sweep(request, found, age, &mut row).await;
        }
        judged.push((row, known));
    }
    judged
}

/// Whether what a broken-off run left may go: when neither its start nor its newest object is
/// younger than `age`. A backup that runs for days writes all the time.
async fn sweep(request: &Request, found: &Found, age: Duration, row: &mut Pruned) {
    let Some(started) = started(&found.id) else {
        row.reasons = vec!["incomplete: its id is no time".into()];
        return;
    };
    let changed = match request.store.changed(&found.folder).await {
        Ok(changed) => changed,
        Err(error) => {
            row.problem = Some(error.to_string());
            return;
        }
    };
    let age = if changed.is_some() { age } else { age.max(SWEEP_AGE_BLIND) };
    let last = changed.map_or(started, |changed| changed.max(started));
    let written = written_duration(age);
    if Duration::try_from(request.now.duration_since(last)).is_ok_and(|since| since > age) {
        row.action = Action::Remove;
        row.reasons = vec![format!("incomplete, and untouched for more than {written}")];
    } else {
        row.reasons = vec![format!("incomplete, and may be running: touched within {written}")];
    }
}

/// When a backup of this id was started.
fn started(id: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", id.get(..16)?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// What the operator must know, beside faults.
fn warnings(backups: &[Pruned]) -> Vec<String> {
    let future = Reason::Future.to_string();
    let name = |row: &Pruned| format!("{} of {} (cluster {})", row.id, row.database, row.cluster);
    let of = |row: &Pruned| {
        let early = row.reasons.contains(&future).then(|| format!("{}: {future}", name(row)));
        let left = (!row.left.is_empty()).then(|| {
            let what = row.left.join(", ");
            format!("{} is removed, but {what} in its folder is not pgtend's and stays", name(row))
        });
        early.into_iter().chain(left)
    };
    backups.iter().flat_map(of).collect()
}

/// `<cluster>/<database>/` of a backup's folder.
fn parent(folder: &str) -> &str {
    let trimmed = folder.trim_end_matches('/');
    trimmed.rfind('/').map_or("", |end| &trimmed[..=end])
}

fn stopped() -> Error {
    Error::new(Exit::Interrupted, "prune was stopped")
}
