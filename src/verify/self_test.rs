//! Who verifies the verifier: faults are put into a copy of a backup, and each must be noticed.
//!
//! The backup itself is only read. Of a large one a sample is copied; the other objects stand in
//! the copy as holes of their size, which are not read either.

mod copy;
mod faults;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{content, manifest, unless_stopped};
use crate::archive::manifest::Manifest;
use crate::backup::catalog::Found;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::self_test::{SelfTest, Tried};
use crate::report::verify::{Level, Problem, ProblemKind, Verified};

use copy::Copy;
use faults::Fault;

/// What to put to the test.
#[derive(Debug, Clone)]
pub struct Request {
    /// How a backup is verified; its level is the highest that is tried.
    pub verify: super::Request,
    /// The folder that the copy is made in.
    pub folder: PathBuf,
}

/// Puts the verifier to the test.
///
/// # Errors
/// There is no such backup, no room for a copy, or the backup itself does not pass.
pub async fn run(request: &Request) -> Result<SelfTest> {
    let verify = &request.verify;
    let found = unless_stopped(verify, super::choose(verify)).await?;
    let [found] = &found[..] else {
        return Err(Error::usage("--self-test takes one backup").next("give its id, or latest"));
    };
    let record = unless_stopped(verify, found.manifest(&verify.store)).await?;
    let record = match record {
        Some(Ok(record)) if !record.recipients.is_empty() => {
            return Err(Error::usage("--self-test does not know how to damage a sealed backup")
                .next("put the verifier to the test with one that is not sealed"));
        }
        Some(Ok(record)) => record,
        Some(Err(error)) => return Err(cannot_start(found).because(error.to_string())),
        None => return Err(cannot_start(found).because("it has no manifest")),
    };
    verify.progress.phase("copying");
    let copy = Copy::make(&verify.store, found, &record, &request.folder);
    let copy = unless_stopped(verify, copy).await?;
    let mut on_copy = verify.clone();
    on_copy.store = copy.store.clone();
    let notice = async |level: Level| look(&on_copy, found, &copy, level).await;
    let trying = try_faults(&copy, verify.level, &verify.cancel, notice);
    let faults = unless_stopped(verify, trying).await?;
    Ok(SelfTest {
        id: found.id.clone(),
        cluster: found.cluster.clone(),
        database: found.database.clone(),
        repository: verify.store.location(),
        objects: copy.copied.len() as u64,
        of_objects: record.objects.len() as u64,
        bytes: copy.bytes,
        of_bytes: record.totals.bytes,
        faults,
        not_tried: faults::not_tried(&copy, verify.level),
    })
}

fn cannot_start(found: &Found) -> Error {
    Error::new(Exit::Critical, format!("backup {} cannot be used for a self-test", found.id))
        .next(format!("see what is wrong with it: pgtend verify-backup {}", found.id))
}

/// Verifies the copy as a backup is verified, but for the objects that it only has holes for.
async fn look(
    request: &super::Request,
    found: &Found,
    copy: &Copy,
    level: Level,
) -> Result<Vec<Problem>> {
    let mut result = Verified::new(found, level);
    let record = match found.manifest(&request.store).await? {
        Some(Ok(record)) => record,
        Some(Err(error)) => {
            return Ok(vec![about_record(ProblemKind::Manifest, error.to_string())]);
        }
        None => return Ok(vec![about_record(ProblemKind::Incomplete, "no manifest".into())]),
    };
    manifest::check(&request.store, found, &record, &mut result).await?;
    if level >= Level::Content {
        let objects =
            record.objects.iter().filter(|object| copy.copied.contains(&object.name)).cloned();
        let record = Manifest { objects: objects.collect(), ..record.clone() };
        content::check(request, found, record, &mut result).await?;
    }
    Ok(result.problems)
}

fn about_record(kind: ProblemKind, what: String) -> Problem {
    Problem { kind, object: Some(crate::archive::manifest::NAME.into()), table: None, what }
}

/// Puts in one fault after the other and takes it out again; `notice` is the verifier.
async fn try_faults(
    copy: &Copy,
    highest: Level,
    cancel: &CancellationToken,
    notice: impl AsyncFn(Level) -> Result<Vec<Problem>>,
) -> Result<Vec<Tried>> {
    for level in [Level::Manifest, Level::Content] {
        if level <= highest
            && let Some(problem) = notice(level).await?.first()
        {
            let error =
                Error::new(Exit::Critical, "the copy does not pass before any fault is in it");
            return Err(error
                .because(problem.what.clone())
                .next("verify the backup itself first: pgtend verify-backup ID --level content"));
        }
    }
    let mut tried = Vec::new();
    for fault in faults::all(copy).into_iter().filter(|fault| fault.level <= highest) {
        if cancel.is_cancelled() {
            return Err(super::stopped());
        }
        tried.push(try_one(copy, &fault, &notice).await?);
    }
    Ok(tried)
}

async fn try_one(
    copy: &Copy,
    fault: &Fault,
    notice: &impl AsyncFn(Level) -> Result<Vec<Problem>>,
) -> Result<Tried> {
    let before = copy.keep(&fault.touches())?;
    fault.put_in(copy)?;
    let problems = notice(fault.level).await;
    before.put_back(copy)?;
    // What could not be judged was not noticed.
    let mut problems = problems?;
    problems.retain(|problem| problem.kind != ProblemKind::Unknown);
    let named = problems.iter().find(|problem| {
        problem.object.as_ref().is_some_and(|object| fault.touches().contains(object))
    });
    let problem = named.or_else(|| problems.first());
    Ok(Tried {
        fault: fault.what.clone(),
        object: fault.object.clone(),
        level: fault.level,
        noticed: problem.is_some(),
        by: problem.map(|problem| problem.what.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A verifier that never notices anything fails every line of the test; one that always
    /// complains does not get as far.
    #[test]
    fn a_blind_verifier_does_not_pass() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let copy = copy::tests::sample();
        let cancel = CancellationToken::new();
        let blind = async |_: Level| Ok(Vec::new());
        let tried = runtime.block_on(try_faults(&copy, Level::Content, &cancel, blind)).unwrap();
        assert!(tried.len() > 10, "{tried:?}");
        assert!(tried.iter().all(|fault| !fault.noticed), "{tried:?}");
        let doubtful = async |level: Level| {
            let problem = about_record(ProblemKind::Unknown, "who knows".into());
            Ok(if level == Level::Restore { vec![problem] } else { vec![] })
        };
        let tried = runtime.block_on(try_faults(&copy, Level::Content, &cancel, doubtful)).unwrap();
        assert!(tried.iter().all(|fault| !fault.noticed), "{tried:?}");
        let noisy = async |_: Level| Ok(vec![about_record(ProblemKind::Damaged, "bad".into())]);
        let error =
            runtime.block_on(try_faults(&copy, Level::Content, &cancel, noisy)).unwrap_err();
        assert_eq!(error.exit(), Exit::Critical);
        // Whatever was tried, the copy is as it was.
        assert!(copy.is_as_made());
    }
}
