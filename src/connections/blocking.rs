//! Who blocks whom.

use std::collections::BTreeMap;

use super::modes;
use super::party::party;
use super::tree::{Entry, tree};
use super::unseen::of_sessions;
use crate::conn::{Row, Session, Type, get};
use crate::error::Result;
use crate::report::blocking::{Blocking, Node, Remedy, Wait};
use crate::report::party::Party;
use crate::sql::{self, quote_literal};

/// Sessions that wait are looked at up to this many.
const LIMIT: i64 = 1000;

const UNKNOWN: &str = "cannot see who blocks whom";

/// Looks once, in one round trip. `flags` are put to the lines that end a session.
pub async fn blocking(session: &Session, flags: &str) -> Result<Blocking> {
    // One more than is shown tells that there are more.
    let limit: &(dyn crate::conn::ToSql + Sync) = &(LIMIT + 1);
    let params = [(limit, Type::INT8)];
    let (rows, prepared) = tokio::join!(
        session.read(sql::CONNECTIONS_BLOCKING.text, &params),
        session.read(sql::CONNECTIONS_PREPARED.text, &params),
    );
    let failed = |error: crate::conn::QueryError| error.into_error(UNKNOWN);
    let (rows, prepared) = (rows.map_err(failed)?, prepared.map_err(failed)?);
    let mut looked = Looked::default();
    rows.iter().try_for_each(|row| looked.add(row))?;
    prepared.iter().try_for_each(|row| looked.add_prepared(row))?;
    let entries = looked.entries();
    let waiting = entries.iter().filter(|entry| !entry.blockers.is_empty()).count();
    let hidden = entries.iter().filter(|entry| entry.party.hidden).count();
    let mut unseen = of_sessions(hidden, &session.server().role);
    if i64::try_from(waiting).unwrap_or(i64::MAX) > LIMIT {
        unseen.push(format!("more than {LIMIT} sessions wait: not all of them are shown"));
    }
    let mut roots = tree(entries);
    roots.iter_mut().for_each(|root| root.remedy = Some(remedy(root, flags)));
    Ok(Blocking { server: session.address().to_string(), waiting, roots, unseen })
}

/// What was read.
#[derive(Debug, Default)]
struct Looked {
    sessions: Vec<Seen>,
    /// Of each waiting process: a prepared transaction with what it holds.
    prepared: BTreeMap<i32, Vec<(String, String)>>,
    /// By name.
    transactions: BTreeMap<String, Party>,
}

#[derive(Debug)]
struct Seen {
    party: Party,
    wait: Option<Wait>,
    /// Processes, 0 for a prepared transaction, with what each holds.
    blockers: Vec<(i32, Option<String>)>,
}

impl Looked {
    fn add(&mut self, row: &Row) -> Result<()> {
        let party = party(row)?;
        let wait = wait(row, &party)?;
        let blockers: Vec<i32> = get(row, "blockers")?;
        let held: Vec<Option<String>> = get(row, "held")?;
        let mut blockers: Vec<(i32, Option<String>)> = blockers.into_iter().zip(held).collect();
        // The server may name one several times.
        blockers.sort();
        blockers.reverse();
        blockers.dedup_by_key(|(pid, _)| *pid);
        blockers.reverse();
        self.sessions.push(Seen { party, wait, blockers });
        Ok(())
    }

    fn add_prepared(&mut self, row: &Row) -> Result<()> {
        let gid: String = get(row, "gid")?;
        let wanted: String = get(row, "wanted")?;
        let held: Vec<String> = get(row, "held")?;
        if !held.iter().any(|held| modes::conflict(held, &wanted)) {
            return Ok(());
        }
        let party = Party {
            gid: Some(gid.clone()),
            user: get(row, "role_name")?,
            database: get(row, "database_name")?,
            transaction_seconds: get(row, "age")?,
            ..Party::default()
        };
        let waiter = self.prepared.entry(get(row, "waiter")?).or_default();
        waiter.push((gid.clone(), held.join(", ")));
        self.transactions.insert(gid, party);
        Ok(())
    }

    /// Sessions, prepared transactions, and one more where the server named a prepared transaction
    /// that was not found any more.
    fn entries(self) -> Vec<Entry> {
        let count = self.sessions.len();
        let pids: BTreeMap<i32, usize> = self
            .sessions
            .iter()
            .enumerate()
            .filter_map(|(at, seen)| Some((seen.party.pid?, at)))
            .collect();
        let gids: BTreeMap<&String, usize> =
            self.transactions.keys().enumerate().map(|(at, gid)| (gid, count + at)).collect();
        let lost = count + gids.len();
        let mut lost_is_needed = false;
        let mut entries = Vec::with_capacity(lost);
        for Seen { party, wait, blockers } in &self.sessions {
            let mut found = Vec::new();
            for (pid, held) in blockers {
                let prepared = party.pid.and_then(|pid| self.prepared.get(&pid));
                match (pid, prepared) {
                    (0, Some(prepared)) => found
                        .extend(prepared.iter().map(|(gid, held)| (gids[gid], Some(held.clone())))),
                    (0, None) => {
                        lost_is_needed = true;
                        found.push((lost, held.clone()));
                    }
                    (pid, _) => found.extend(pids.get(pid).map(|at| (*at, held.clone()))),
                }
            }
            entries.push(Entry { party: party.clone(), wait: wait.clone(), blockers: found });
        }
        let without = |party| Entry { party, wait: None, blockers: Vec::new() };
        entries.extend(self.transactions.values().cloned().map(without));
        if lost_is_needed {
            entries.push(without(Party::default()));
        }
        entries
    }
}

fn wait(row: &Row, party: &Party) -> Result<Option<Wait>> {
    let Some(lock_type) = get::<Option<String>>(row, "lock_type")? else { return Ok(None) };
    let mode: Option<String> = get(row, "mode")?;
    let since: Option<f64> = get(row, "waited")?;
    let relation: Option<String> = get(row, "relation")?;
    let oid: Option<i64> = get(row, "relation_oid")?;
    let object: (Option<i64>, Option<i64>) = (get(row, "class_id")?, get(row, "object_id")?);
    Ok(Some(Wait {
        lock_type,
        mode: mode.unwrap_or_default(),
        relation_oid: oid.filter(|_| relation.is_none()),
        relation,
        database: get(row, "lock_database")?,
        transaction_id: get(row, "transaction_id")?,
        object: object.0.zip(object.1),
        waited_seconds: since.or(party.statement_seconds),
        waited_is_estimate: since.is_none(),
    }))
}

/// How a root is ended.
fn remedy(root: &Node, flags: &str) -> Remedy {
    let Party { pid, gid, database, state, backend_type, .. } = &root.party;
    let note = |note: &str| Remedy { run: None, note: Some(note.to_owned()) };
    let Some(pid) = pid else {
        let Some(gid) = gid else {
            return note("a prepared transaction that was gone when its name was looked for");
        };
        let database = database.as_deref().unwrap_or("its database");
        let gid = quote_literal(gid);
        return Remedy {
            run: Some(format!("in {database}: ROLLBACK PREPARED {gid};")),
            note: Some(format!("or COMMIT PREPARED {gid}, if its manager had decided so")),
        };
    };
    if !root.deadlock.is_empty() {
        return note("a deadlock: the server ends one of them after deadlock_timeout");
    }
    let terminate = format!("pgtend connections terminate {pid}{flags}");
    let cancel = format!("pgtend connections cancel {pid}{flags}");
    match (backend_type.as_deref(), state.as_deref()) {
        (None, _) => Remedy {
            run: Some(terminate),
            note: Some("what it does is hidden from this role: look first".to_owned()),
        },
        (Some("autovacuum worker"), _) => Remedy {
            run: Some(cancel),
            note: Some("not where it prevents wraparound: that one comes back".to_owned()),
        },
        (Some("client backend"), Some("active")) => {
            Remedy { run: Some(cancel), note: Some(format!("if it does not help: {terminate}")) }
        }
        (Some("client backend"), _) => Remedy {
            run: Some(terminate),
            note: Some("no statement runs: there is nothing to cancel".to_owned()),
        },
        (Some(other), _) => note(&format!("it is a {other}, which pgtend does not end")),
    }
}
