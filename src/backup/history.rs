//! The backups of one database as the rules of [`retention`](super::retention) see them.

use super::catalog::{self, Found, Record};
use super::retention::{Member, Proof, State};
use super::{claim, in_use};
use crate::archive::manifest::ManifestError;
use crate::error::Result;
use crate::report::backup;
use crate::report::verify::{Level, ProblemKind};
use crate::store::Store;

/// One backup, with what a list shows of it.
#[derive(Debug, Clone)]
pub struct Known {
    /// For the rules.
    pub member: Member,
    /// For people.
    pub state: backup::State,
    /// Stored bytes of a complete one.
    pub bytes: Option<u64>,
    /// The best that was proved.
    pub verified: Option<backup::Proof>,
    /// What of it could not be read.
    pub unreadable: Option<String>,
}

impl Known {
    /// Reads what there is. What cannot be read hides nothing of the others: it is told, and no
    /// rule is asked about this one.
    pub async fn read(store: &Store, found: &Found) -> Self {
        match Self::try_read(store, found).await {
            Ok(known) => known,
            Err(error) => {
                let why = error.to_string();
                let mut known = Self::new(found, State::Unusable("it cannot be read".into()));
                known.state = backup::State::Damaged;
                known.unreadable = Some(why);
                known
            }
        }
    }

    fn new(found: &Found, state: State) -> Self {
        let member = Member { id: found.id.clone(), state, proof: Proof::None, in_use: None };
        let state = match &member.state {
            State::Complete { .. } => backup::State::Complete,
            State::Incomplete => backup::State::Incomplete,
            State::Unusable(_) => backup::State::Damaged,
        };
        Self { member, state, bytes: None, verified: None, unreadable: None }
    }

    async fn try_read(store: &Store, found: &Found) -> Result<Self> {
        let manifest = match found.manifest(store).await? {
            None => {
                let mut known = Self::new(found, State::Incomplete);
                // A copy has the id of what it copies, however old that is.
                let names = store.objects(&found.folder).await?;
                let living = claim::living(names.iter().map(|object| object.name.as_str()));
                known.member.in_use = living.map(|_| "backup copy".to_owned());
                return Ok(known);
            }
            Some(Err(error @ ManifestError::Newer(_))) => {
                let mut known = Self::new(found, State::Unusable(error.to_string()));
                // Nothing is wrong with it.
                known.state = backup::State::Complete;
                return Ok(known);
            }
            Some(Err(error)) => return Ok(Self::new(found, State::Unusable(error.to_string()))),
            Some(Ok(manifest)) => manifest,
        };
        if manifest.id != found.id {
            let why = format!("its record is of backup {}", manifest.id);
            return Ok(Self::new(found, State::Unusable(why)));
        }
        let mut known = Self::new(found, State::Complete { taken: manifest.snapshot.taken });
        let records = found.records(store).await?;
        known.member.proof = proof(&records);
        let now = jiff::Timestamp::now();
        let objects = store.objects(&found.folder).await?;
        known.member.in_use = objects.iter().find_map(|object| in_use::read(&object.name, now));
        known.bytes = Some(manifest.totals.bytes);
        known.verified = catalog::shown_proof(&records);
        Ok(known)
    }
}

/// What stands, from the oldest record to the newest. A failure falls to a later success that
/// looked as deep.
fn proof(records: &[Record]) -> Proof {
    let (mut failed, mut stands): (Option<Level>, bool) = (None, false);
    for record in records {
        let result = &record.result;
        let level = result.level;
        if record.proves_all() && failed.is_none_or(|failed| level >= failed) {
            (failed, stands) = (None, true);
        } else if result.problems.iter().any(|problem| is_damage(problem.kind)) {
            (failed, stands) = (failed.max(Some(level)), false);
        }
    }
    match (failed, stands) {
        (Some(_), _) => Proof::Failed,
        (None, true) => Proof::Stands,
        (None, false) => Proof::None,
    }
}

/// What could not be judged, and what only time has done, is none.
const fn is_damage(kind: ProblemKind) -> bool {
    !matches!(kind, ProblemKind::Unknown | ProblemKind::TooOld | ProblemKind::NotProven)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the form that the store has.
    fn record(level: &str, problem: Option<&str>) -> Record {
        let problems: Vec<_> =
            problem.iter().map(|kind| serde_json::json!({ "kind": kind, "what": "x" })).collect();
        let result = serde_json::json!({
            "id": "x", "cluster": "c", "database": "d", "level": level,
            "passed": problems.is_empty(), "problems": problems, "objects": 0, "tables": 0,
            "rows": 0, "bytes": 0, "raw_bytes": 0, "seconds": 0.0,
        });
        let at = "2026-11-20T00:00:00Z";
        serde_json::from_value(serde_json::json!({ "at": at, "pgtend": "0", "result": result }))
            .unwrap()
    }

    fn of(records: &[(&str, Option<&str>)]) -> Proof {
        let records: Vec<_> =
            records.iter().map(|(level, problem)| record(level, *problem)).collect();
        proof(&records)
    }

    #[test]
    fn a_failure_takes_a_proof_away_and_a_success_as_deep_gives_it_back() {
        let damaged = Some("damaged");
        assert_eq!(of(&[]), Proof::None);
        // Sizes and names prove no bytes.
        assert_eq!(of(&[("manifest", None)]), Proof::None);
        assert_eq!(of(&[("content", None)]), Proof::Stands);
        assert_eq!(of(&[("restore", None), ("manifest", None)]), Proof::Stands);
        assert_eq!(of(&[("content", None), ("manifest", damaged)]), Proof::Failed);
        assert_eq!(of(&[("content", damaged), ("manifest", None)]), Proof::Failed);
        assert_eq!(of(&[("content", damaged), ("content", None)]), Proof::Stands);
        // That it has its bytes does not make it restore.
        assert_eq!(of(&[("restore", Some("restore")), ("content", None)]), Proof::Failed);
        // What could not be judged neither proves nor disproves.
        assert_eq!(of(&[("content", None), ("restore", Some("unknown"))]), Proof::Stands);
        assert_eq!(of(&[("restore", Some("unknown"))]), Proof::None);
        assert_eq!(of(&[("content", None), ("content", Some("too-old"))]), Proof::Stands);
    }

    #[test]
    fn a_part_of_the_tables_proves_no_backup() {
        let mut part = record("content", None);
        let share = serde_json::json!({ "share": "1/7", "tables": 1, "of_tables": 7,
            "raw_bytes": 1, "of_raw_bytes": 7, "overdue": 0 });
        part.result.part = Some(serde_json::from_value(share).unwrap());
        assert_eq!(proof(std::slice::from_ref(&part)), Proof::None);
        // Nor does it take a failure back.
        assert_eq!(proof(&[record("content", Some("damaged")), part]), Proof::Failed);
    }
}
