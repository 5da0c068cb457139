//! The backups of one database as the rules of [`retention`](super::retention) see them.

use super::catalog::{Found, Standing};
use super::retention::{Member, Proof, State};
use super::{claim, in_use};
use crate::archive::manifest::ManifestError;
use crate::error::Result;
use crate::report::backup;
use crate::report::verify::Level;
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
        let standing = Standing::of(&records);
        known.member.proof = proof(&standing);
        let now = jiff::Timestamp::now();
        let objects = store.objects(&found.folder).await?;
        known.member.in_use = objects.iter().find_map(|object| in_use::read(&object.name, now));
        known.bytes = Some(manifest.totals.bytes);
        known.verified = standing.shown();
        Ok(known)
    }
}

/// What the rules count: the record alone proves no bytes.
fn proof(standing: &Standing) -> Proof {
    match (&standing.failed, &standing.best) {
        (Some(_), _) => Proof::Failed,
        (None, Some(best)) if best.level >= Level::Content => Proof::Stands,
        (None, _) => Proof::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::tests::records;
    use super::*;

    fn of(runs: &[(Level, Option<&str>)]) -> Proof {
        proof(&Standing::of(&records(runs)))
    }

    #[test]
    fn a_failure_takes_a_proof_away_and_a_success_as_deep_gives_it_back() {
        use Level::{Content, Manifest, Restore};
        let damaged = Some("damaged");
        assert_eq!(of(&[]), Proof::None);
        // Sizes and names prove no bytes.
        assert_eq!(of(&[(Manifest, None)]), Proof::None);
        assert_eq!(of(&[(Content, None)]), Proof::Stands);
        assert_eq!(of(&[(Restore, None), (Manifest, None)]), Proof::Stands);
        assert_eq!(of(&[(Content, None), (Manifest, damaged)]), Proof::Failed);
        assert_eq!(of(&[(Content, damaged), (Manifest, None)]), Proof::Failed);
        assert_eq!(of(&[(Content, damaged), (Content, None)]), Proof::Stands);
        // That it has its bytes does not make it restore.
        assert_eq!(of(&[(Restore, Some("restore")), (Content, None)]), Proof::Failed);
        // What could not be judged neither proves nor disproves.
        assert_eq!(of(&[(Content, None), (Restore, Some("unknown"))]), Proof::Stands);
        assert_eq!(of(&[(Restore, Some("unknown"))]), Proof::None);
        assert_eq!(of(&[(Content, None), (Content, Some("too-old"))]), Proof::Stands);
    }

    #[test]
    fn a_part_of_the_tables_proves_no_backup() {
        let mut runs = records(&[(Level::Content, Some("damaged")), (Level::Content, None)]);
        let share = serde_json::json!({ "share": "1/7", "tables": 1, "of_tables": 7,
            "raw_bytes": 1, "of_raw_bytes": 7, "overdue": 0 });
        runs[1].result.part = Some(serde_json::from_value(share).unwrap());
        assert_eq!(proof(&Standing::of(&runs[1..])), Proof::None);
        // Nor does it take a failure back.
        assert_eq!(proof(&Standing::of(&runs)), Proof::Failed);
    }
}
