//! Files of pg_dump: whole, readable, restorable; never more than that, for they have no record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Request, trial};
use crate::archive::foreign::Fault;
use crate::backup::catalog::Found;
use crate::error::Result;
use crate::exit::Exit;
use crate::report::verify::{Level, Problem, ProblemKind, Verification, Verified};
use crate::restore::foreign::{Dump, Place, Reading, Trouble};

/// Verifies one file.
///
/// # Errors
/// It could not be read or tried: exit 69 or 74. What is wrong with it is no error.
pub async fn run(request: &Request, place: Place) -> Result<Verification> {
    let clock = Instant::now();
    let mut result = Verified::new(&Found::no_backup(&place.name()), request.level);
    let label = place.label();
    let is_folder = place.is_folder();
    match look(request, place).await {
        Ok(dump) => judge(request, Arc::new(dump), &mut result).await?,
        // What could not be read is not what is damaged.
        Err(Trouble::Failed(error)) if error.exit() == Exit::Interrupted => {
            return Err(super::stopped());
        }
        Err(trouble @ (Trouble::Failed(_) | Trouble::Damaged(Fault::Io(_), _))) => {
            return Err(trouble.into_error(&label));
        }
        Err(Trouble::Damaged(fault, help)) => {
            let help = help.map_or(String::new(), |help| format!(" ({help})"));
            let kind = match fault {
                Fault::Cut(_) => ProblemKind::Incomplete,
                Fault::Unsupported(_) => ProblemKind::Unknown,
                _ => ProblemKind::Damaged,
            };
            result.problems.push(problem(kind, format!("{fault}{help}")));
        }
    }
    result.passed = result.problems.is_empty();
    result.seconds = clock.elapsed().as_secs_f64();
    Ok(Verification {
        repository: label,
        level: request.level,
        proves: request.level.proves_of_dump(is_folder),
        does_not_prove: request.level.does_not_prove_of_dump(is_folder),
        backups: vec![result],
    })
}

async fn look(request: &Request, place: Place) -> std::result::Result<Dump, Trouble> {
    let reading = Reading {
        environment: request.environment.clone(),
        deep: request.level >= Level::Content,
        progress: Arc::clone(&request.progress),
        cancel: request.cancel.clone(),
    };
    Dump::read(place, &reading).await
}

async fn judge(request: &Request, dump: Arc<Dump>, result: &mut Verified) -> Result<()> {
    result.database = dump.toc.database();
    result.taken = dump.time.map(|(time, _)| time);
    result.bytes = dump.bytes;
    result.raw_bytes = dump.raw_bytes;
    result.dump = Some(dump.facts());
    match &dump.script {
        Some(facts) => {
            (result.objects, result.tables, result.rows) =
                (facts.objects, facts.tables, facts.rows);
        }
        None => {
            result.objects = dump.toc.entries.len() as u64;
            let tables = dump.toc.entries.iter().filter(|entry| entry.is_table_data());
            result.tables = tables.count() as u64;
        }
    }
    if request.level == Level::Restore {
        match untriable(&dump) {
            Some(why) => result.problems.push(problem(ProblemKind::Unknown, why)),
            None => {
                trial::check_dump(request, &dump, result).await?;
            }
        }
    }
    result.problems.extend(age(request, &dump));
    Ok(())
}

/// Why a file cannot be restored for a trial.
fn untriable(dump: &Dump) -> Option<String> {
    let facts = dump.script.as_ref()?;
    let line = facts.other_database;
    match (facts.cluster, line) {
        (true, _) => {
            Some("it could not be tried: a dump of pg_dumpall is about a whole cluster".into())
        }
        (_, Some(line)) => Some(format!(
            "it could not be tried: it makes a database of its own (pg_dump -C, line {line})"
        )),
        _ => None,
    }
}

fn age(request: &Request, dump: &Dump) -> Option<Problem> {
    let limit = request.max_age?;
    let Some((time, from)) = dump.time else {
        let what = "its age is unknown: plain SQL has no time of its own, and the store tells none";
        return Some(problem(ProblemKind::Unknown, what.into()));
    };
    let age = jiff::Timestamp::now().duration_since(time);
    let age = Duration::try_from(age).unwrap_or(Duration::ZERO);
    let hours = |time: Duration| time.as_secs_f64() / 3600.0;
    (age > limit).then(|| {
        let what =
            format!("it is {:.1} hours old ({from}), the limit is {:.1}", hours(age), hours(limit));
        problem(ProblemKind::TooOld, what)
    })
}

fn problem(kind: ProblemKind, what: String) -> Problem {
    Problem { kind, object: None, table: None, what }
}
