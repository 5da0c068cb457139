//! Backups in a repository: where one goes, and how it is found again.
//!
//! `<cluster>/<database>/<id>/` holds one backup, complete once its manifest is there.

use std::collections::BTreeMap;

use crate::archive::manifest::{self, Manifest, ManifestError, UnsealError};
use crate::archive::seal::Identities;
use crate::conn::Session;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::backup::{Listed, PartProof, Proof, State};
use crate::report::verify::Verified;
use crate::store::{Store, decode_part, encode_part};

use super::Request;

/// The folder of verification records within a backup's folder.
pub const VERIFICATIONS: &str = "verifications/";
/// Bytes of the largest verification record that is read.
pub const RECORD_LIMIT: u64 = 16 << 20;

/// Where a new backup goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its id: the UTC start and a random part.
    pub id: String,
    /// The cluster, as shown.
    pub cluster: String,
    /// Its folder, with a `/` at its end.
    pub folder: String,
    /// The folder of the database's backups.
    pub parent: String,
}

impl Place {
    /// A place of its own for a backup that starts now.
    pub fn new(cluster: &str, database: &str, started: jiff::Timestamp) -> Self {
        use std::hash::{BuildHasher, Hasher};
        // The first half of the last part is the fraction of the second, so that ids sort by time.
        let fraction = u64::from(started.subsec_nanosecond().unsigned_abs()) * 4096 / 1_000_000_000;
        let random = std::hash::RandomState::new().build_hasher().finish() & 0xfff;
        let id = format!("{}-{fraction:03x}{random:03x}", started.strftime("%Y%m%dT%H%M%SZ"));
        let parent = format!("{}/{}/", encode_part(cluster), encode_part(database));
        Self { folder: format!("{parent}{id}/"), id, cluster: cluster.to_owned(), parent }
    }
}

/// Whether `name` is a backup's id: `20261120T095421Z-1a2b3c`.
pub fn is_id(name: &str) -> bool {
    name.len() == 23
        && name.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            16 => byte == b'-',
            17.. => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            _ => byte.is_ascii_digit(),
        })
}

/// The cluster's folder: the operator's choice, the target's name, or the server's address.
pub fn cluster_folder(request: &Request, session: &Session) -> String {
    let given = request.cluster.as_ref().or(request.target.name.as_ref());
    given.cloned().unwrap_or_else(|| {
        let address = session.address();
        folder_name(&address.host, address.port, address.ip.is_none())
    })
}

/// The folder's name of a server that nobody named.
pub fn folder_name(host: &str, port: u16, socket: bool) -> String {
    // A socket folder is a place on this machine.
    let host = if socket { "local" } else { host };
    format!("{host}-{port}")
}

/// Why no backup of the server with this system identifier may go into `parent`, the folder of a
/// database's backups, if the newest one there is of another server: one name must not mix two.
pub async fn other_cluster(store: &Store, parent: &str, system: &str) -> Result<Option<Error>> {
    for id in store.folders(parent).await?.iter().rev().filter(|name| is_id(name)) {
        let key = format!("{parent}{id}/{}", manifest::NAME);
        let Some(bytes) = store.read(&key, manifest::LIMIT).await? else { continue };
        let Ok(manifest) = Manifest::from_bytes(&bytes) else { continue };
        if manifest.source.system_identifier == system {
            return Ok(None);
        }
        let cluster = decode_part(parent.split('/').next().unwrap_or_default());
        return Ok(Some(
            Error::new(
                Exit::Refused,
                format!("the folder of cluster {cluster} holds backups of another server"),
            )
            .because(format!(
                "the newest, {id}, is of system identifier {}, this one of {system}",
                manifest.source.system_identifier
            )),
        ));
    }
    Ok(None)
}

/// A backup found in a repository, or at a path.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Folder of its cluster, decoded.
    pub cluster: String,
    /// Folder of its database, decoded.
    pub database: String,
    /// Its folder in the store.
    pub folder: String,
    /// What opens it, if it is sealed; none at first.
    pub identities: Identities,
}

impl Found {
    /// One that is known already, from a report.
    pub fn new(id: &str, cluster: &str, database: &str, folder: &str) -> Self {
        Self {
            id: id.to_owned(),
            cluster: cluster.to_owned(),
            database: database.to_owned(),
            folder: folder.to_owned(),
            identities: Identities::default(),
        }
    }

    /// The backup that an object's key belongs to.
    pub fn of_key(key: &str) -> Option<Self> {
        let mut parts = key.split('/');
        let (cluster, database, id) = (parts.next()?, parts.next()?, parts.next()?);
        let folder = format!("{cluster}/{database}/{id}/");
        (is_id(id) && parts.next().is_some())
            .then(|| Self::new(id, &decode_part(cluster), &decode_part(database), &folder))
    }

    /// The folder of its database's backups.
    pub fn parent(&self) -> &str {
        let folder = self.folder.trim_end_matches('/');
        folder.rfind('/').map_or("", |end| &folder[..=end])
    }

    /// What is no backup of a repository, but is told of like one.
    pub fn no_backup(name: &str) -> Self {
        let (cluster, database, folder) = (String::new(), String::new(), String::new());
        Self { id: name.to_owned(), cluster, database, folder, identities: Identities::default() }
    }

    /// The same, to be opened with these.
    #[must_use]
    pub fn opened_by(self, identities: Identities) -> Self {
        Self { identities, ..self }
    }

    /// Its manifest: `Ok(None)` when there is none. That of a sealed backup is its header, unless
    /// there are identities.
    ///
    /// # Errors
    /// The store's; and refused when the identities do not open it.
    pub async fn manifest(&self, store: &Store) -> Result<Option<Result<Manifest, ManifestError>>> {
        let key = format!("{}{}", self.folder, manifest::NAME);
        let Some(bytes) = store.read(&key, manifest::LIMIT).await? else { return Ok(None) };
        let header = match Manifest::from_bytes(&bytes) {
            Ok(header) if header.hidden && !self.identities.is_empty() => header,
            read => return Ok(Some(read)),
        };
        let lost = || ManifestError::Damaged(format!("{} is not there", manifest::SEALED_RECORD));
        let stored = match header.sealed_record() {
            Some(object) => {
                store.read(&format!("{}{}", self.folder, object.name), manifest::LIMIT).await?
            }
            None => None,
        };
        let Some(stored) = stored else { return Ok(Some(Err(lost()))) };
        match header.unseal(&stored, &self.identities) {
            Ok(whole) => Ok(Some(Ok(whole))),
            Err(UnsealError::Damaged(error)) => Ok(Some(Err(error))),
            Err(UnsealError::NoIdentity) => Err(self.not_for_these(&header)),
        }
    }

    /// What somebody is told whose identities do not open it.
    fn not_for_these(&self, header: &Manifest) -> Error {
        Error::new(Exit::Refused, format!("backup {} cannot be opened", self.id))
            .because("no identity that was given belongs to one of its recipients")
            .because(format!("it is sealed to {}", header.recipients.join(", ")))
            .because(format!("given: identities of {}", self.identities.recipients().join(", ")))
            .next("give the right file: --identity FILE, or PGTEND_IDENTITY_FILE")
    }

    /// What somebody is told who has no identity for it and needs one.
    pub fn is_sealed(&self, header: &Manifest) -> Error {
        Error::usage(format!("backup {} is sealed, and no identity was given", self.id))
            .because(format!("it is sealed to {}", header.recipients.join(", ")))
            .next("give the file with the secret key: --identity FILE, or PGTEND_IDENTITY_FILE")
    }

    /// Every backup of its database, itself among them, the oldest first.
    pub async fn siblings(&self, store: &Store) -> Result<Vec<Self>> {
        let parent = self.parent();
        let ids = store.folders(parent).await?.into_iter().filter(|name| is_id(name));
        let one = |id: String| Self { folder: format!("{parent}{id}/"), id, ..self.clone() };
        let mut siblings: Vec<Self> = ids.map(one).collect();
        siblings.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(siblings)
    }

    /// Whether it has a manifest.
    pub async fn is_published(&self, store: &Store) -> Result<bool> {
        Ok(store.open_object(&format!("{}{}", self.folder, manifest::NAME)).await?.is_some())
    }

    /// The verification records, oldest first; ones that cannot be read are passed over, for
    /// they prove nothing.
    pub async fn records(&self, store: &Store) -> Result<Vec<Record>> {
        let folder = format!("{}{VERIFICATIONS}", self.folder);
        let mut records = Vec::new();
        for object in store.objects(&folder).await? {
            let Some(bytes) = store.read(&format!("{folder}{}", object.name), RECORD_LIMIT).await?
            else {
                continue;
            };
            records.extend(serde_json::from_slice::<Record>(&bytes));
        }
        records.sort_by_key(|record| record.at);
        Ok(records)
    }

    /// As a list shows it.
    pub async fn listed(&self, store: &Store) -> Result<Listed> {
        let mut listed = Listed {
            id: self.id.clone(),
            cluster: self.cluster.clone(),
            database: self.database.clone(),
            state: State::Incomplete,
            taken: None,
            totals: None,
            labels: BTreeMap::new(),
            verified: None,
            partly: None,
            problem: None,
        };
        match self.manifest(store).await? {
            None => {}
            Some(Err(error)) => {
                listed.state = State::Damaged;
                listed.problem = Some(error.to_string());
            }
            Some(Ok(manifest)) => {
                listed.state = State::Complete;
                listed.taken = Some(manifest.snapshot.taken);
                listed.totals = Some(manifest.totals);
                listed.labels = manifest.labels;
                let records = self.records(store).await?;
                listed.verified = Standing::of(&records).shown();
                listed.partly = records.iter().rev().find_map(Record::part_proof);
            }
        }
        Ok(listed)
    }
}

/// A verification's record in the store.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// When it ended (UTC).
    pub at: jiff::Timestamp,
    /// Version of pgtend.
    pub pgtend: String,
    /// The result.
    pub result: Verified,
    /// Tables that it has proven at its level, by name, and `large objects`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<String>,
}

impl Record {
    /// Whether only some of the tables were looked at.
    pub const fn is_partial(&self) -> bool {
        self.result.part.is_some()
    }

    fn part_proof(&self) -> Option<PartProof> {
        let part = self.result.part.as_ref().filter(|_| self.result.passed)?;
        let (level, share) = (self.result.level, part.share.clone());
        Some(PartProof { level, share, at: self.at })
    }
}

/// What verifications of one backup add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The deepest failure that no success has taken back.
    pub failed: Option<Proof>,
    /// The best proof of the whole backup, where nothing was found wrong with it since.
    pub best: Option<Proof>,
}

impl Standing {
    /// From the records, the oldest first. A failure falls to a later success that looked at least
    /// as deep, at all of the tables; what could not be judged neither proves nor disproves.
    pub fn of(records: &[Record]) -> Self {
        let mut standing = Self::default();
        for record in records {
            let Record { at, result, .. } = record;
            let proof = Proof { level: result.level, passed: result.passed, at: *at };
            let as_deep =
                |than: &Option<Proof>| than.as_ref().is_none_or(|than| proof.level >= than.level);
            if result.problems.iter().any(|problem| problem.kind.is_damage()) {
                standing.best = None;
                if as_deep(&standing.failed) {
                    standing.failed = Some(Proof { passed: false, ..proof });
                }
            } else if result.passed && !record.is_partial() && as_deep(&standing.failed) {
                standing.failed = None;
                if as_deep(&standing.best) {
                    standing.best = Some(proof);
                }
            }
        }
        standing
    }

    /// What a list shows of it.
    pub fn shown(self) -> Option<Proof> {
        self.failed.or(self.best)
    }
}

/// Every backup of a repository, oldest first.
pub async fn all(store: &Store) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for cluster in store.folders("").await? {
        for database in store.folders(&format!("{cluster}/")).await? {
            found.extend(of_database(store, &format!("{cluster}/{database}/")).await?);
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// Those in the folder of one database, `<cluster>/<database>/`, oldest first.
pub async fn of_database(store: &Store, parent: &str) -> Result<Vec<Found>> {
    let mut parts = parent.split('/').map(decode_part);
    let (cluster, database) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let ids = store.folders(parent).await?.into_iter().filter(|name| is_id(name));
    let found = ids.map(|id| Found {
        folder: format!("{parent}{id}/"),
        identities: Identities::default(),
        id,
        cluster: cluster.clone(),
        database: database.clone(),
    });
    Ok(found.collect())
}

/// The backups that `name` means: an id (or the start of one), `latest`, or `latest:DATABASE`.
pub async fn resolve(store: &Store, name: &str) -> Result<Found> {
    let all = all(store).await?;
    let nowhere = |what: &str| {
        Error::usage(format!("{what} in {}", store.location()))
            .next(format!("see what is there: pgtend backup list --repo {}", store.location()))
    };
    if let Some(database) = name.strip_prefix("latest") {
        let database = match database.strip_prefix(':') {
            Some(database) => Some(database),
            None if database.is_empty() => None,
            None => return Err(nowhere(&format!("no backup '{name}'"))),
        };
        return latest(store, all, database).await;
    }
    let mut matching = all.into_iter().filter(|found| found.id.starts_with(name));
    match (matching.next(), matching.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(nowhere(&format!("no backup '{name}'"))),
        (Some(_), Some(_)) => {
            Err(nowhere(&format!("more than one backup's id starts with '{name}'")))
        }
    }
}

/// The same; with a time, of those that `latest` means, the newest whose snapshot is not younger.
pub async fn resolve_at(store: &Store, name: &str, at: Option<jiff::Timestamp>) -> Result<Found> {
    let Some(at) = at else { return resolve(store, name).await };
    if !name.starts_with("latest") {
        return Err(Error::usage("--at chooses among several backups, an id names one")
            .next("give latest or latest:DATABASE with --at"));
    }
    let newest = resolve(store, name).await?;
    let mut found = all(store).await?;
    found.retain(|other| other.cluster == newest.cluster && other.database == newest.database);
    for candidate in found.into_iter().rev() {
        if let Some(Ok(manifest)) = candidate.manifest(store).await?
            && manifest.snapshot.taken <= at
        {
            return Ok(candidate);
        }
    }
    Err(Error::usage(format!("no complete backup of {} is that old", newest.database))
        .because(format!("none has a snapshot from {at} or before"))
        .next("see what is there: pgtend backup list"))
}

/// The newest complete backup, of one database.
async fn latest(store: &Store, mut all: Vec<Found>, database: Option<&str>) -> Result<Found> {
    if let Some(database) = database {
        all.retain(|found| found.database == database);
    }
    let mut databases: Vec<String> =
        all.iter().map(|found| format!("{}/{}", found.cluster, found.database)).collect();
    databases.sort();
    databases.dedup();
    if databases.len() > 1 {
        return Err(Error::usage("'latest' is not clear: the repository holds several databases")
            .because(databases.join(", "))
            .next("name the database (latest:NAME) or the backup's id"));
    }
    for found in all.into_iter().rev() {
        // A damaged record is a backup too: verifying must see it, not step back to an older one.
        if found.is_published(store).await? {
            return Ok(found);
        }
    }
    let whose = database.map_or_else(String::new, |database| format!(" of {database}"));
    Err(Error::new(Exit::Critical, format!("no complete backup{whose} in {}", store.location()))
        .next("see what is there: pgtend backup list")
        .next("or make one: pgtend backup --repo .. --dbname .."))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::report::verify::Level;

    #[test]
    fn a_place_has_an_id_and_stays_in_its_folder() {
        let time = "2026-11-20T09:54:21Z".parse().unwrap();
        let place = Place::new("db/5432", "..", time);
        assert!(is_id(&place.id), "{}", place.id);
        assert!(place.id.starts_with("20261120T095421Z-"));
        assert!(place.folder.starts_with("db%2F5432/%2E./"), "{}", place.folder);
        let later = "2026-11-20T09:54:21.5Z".parse().unwrap();
        assert!(Place::new("c", "d", later).id > Place::new("c", "d", time).id);
    }

    /// From the form that the store has, each a second after the one before.
    pub fn records(runs: &[(Level, Option<&str>)]) -> Vec<Record> {
        let record = |(level, problem): &(Level, Option<&str>), second| {
            let problems: Vec<_> = problem
                .iter()
                .map(|kind| serde_json::json!({ "kind": kind, "what": "x" }))
                .collect();
            let result = serde_json::json!({
                "id": "x", "cluster": "c", "database": "d", "level": level,
                "passed": problems.is_empty(), "problems": problems, "objects": 0, "tables": 0,
                "rows": 0, "bytes": 0, "raw_bytes": 0, "seconds": 0.0,
            });
            let at = jiff::Timestamp::from_second(second).unwrap();
            let record = serde_json::json!({ "at": at, "pgtend": "0", "result": result });
            serde_json::from_value(record).unwrap()
        };
        runs.iter().zip(1..).map(|(run, second)| record(run, second)).collect()
    }

    #[test]
    fn a_failure_takes_the_proof_until_a_later_one_as_deep() {
        use Level::{Content, Manifest, Restore};
        const DAMAGED: Option<&str> = Some("damaged");
        const UNKNOWN: Option<&str> = Some("unknown");
        let shown = |runs: &[(Level, Option<&str>)]| {
            let shown = Standing::of(&records(runs)).shown();
            shown.map(|proof| (proof.level, proof.passed, proof.at.as_second()))
        };
        assert_eq!(shown(&[]), None);
        let passed = [(Restore, None), (Content, None), (Manifest, None)];
        assert_eq!(shown(&passed), Some((Restore, true, 1)));
        assert_eq!(shown(&[(Content, None), (Content, None)]), Some((Content, true, 2)));
        assert_eq!(shown(&[(Restore, None), (Content, DAMAGED)]), Some((Content, false, 2)));
        assert_eq!(shown(&[(Content, DAMAGED), (Content, None)]), Some((Content, true, 2)));
        // Nobody has looked again at what was found.
        let nightly = [(Content, None), (Content, DAMAGED), (Manifest, None)];
        assert_eq!(shown(&nightly), Some((Content, false, 2)));
        let twice = [(Content, DAMAGED), (Manifest, DAMAGED), (Manifest, None)];
        assert_eq!(shown(&twice), Some((Content, false, 1)));
        // What was proven before a failure is not proven by what took that back.
        let less = [(Restore, None), (Content, DAMAGED), (Content, None)];
        assert_eq!(shown(&less), Some((Content, true, 3)));
        assert_eq!(shown(&[(Content, None), (Restore, UNKNOWN)]), Some((Content, true, 1)));
        assert_eq!(shown(&[(Restore, UNKNOWN)]), None);
    }

    #[test]
    fn only_ids_are_ids() {
        for wrong in [
            "",
            "latest",
            "20261120T095421Z-1a2b3",
            "20261120T095421Z-1A2B3C",
            "2026112 T095421Z-1a2b3c",
        ] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }
}
