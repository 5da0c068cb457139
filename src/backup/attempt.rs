//! One try: locks first, snapshot second, then pg_dump's table of contents under it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::coordinator::{Snapshot, local_pins};
use super::dump::{Dump, DumpFault, DumpOptions};
use super::head_start::{Ahead, Ground};
use super::run::Stop;
use super::statements::lock_all;
use super::table::{self, Facts, Table};
use super::{Request, lock, preflight};
use crate::archive::toc::Toc;
use crate::conn::{self, QueryError, Session, SessionOptions, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{ChildGuard, Programs};
use crate::sql;

/// Tables that one LOCK statement names.
const LOCK_BATCH: usize = 500;
/// Longest wait for a lock while others may wait for one of ours, for a table: their wait is the
/// application's, and if ours is behind theirs it would be for ever.
const HELD_WAIT: Duration = Duration::from_secs(2);
const HELD_WAIT_PER_TABLE: Duration = Duration::from_millis(1);
/// After this long somebody who waits for a lock wants to know for whom.
const LOCK_NOTE_AFTER: Duration = Duration::from_secs(2);
/// How long pg_dump may take to end when it is told to.
const CHILD_GRACE: Duration = Duration::from_secs(2);
/// Longest wait for the answer, in a session of its own.
const NOTE_LIMIT: Duration = Duration::from_secs(10);

/// What a try works with.
pub struct Attempt<'a> {
    pub request: &'a Request,
    pub options: &'a SessionOptions,
    pub session: &'a Session,
    pub programs: &'a Programs,
    /// Tables that pg_dump surely stores rows of.
    pub ordinary: &'a [u32],
    pub ground: &'a Ground<'a>,
    /// What is copied already.
    pub ahead: Option<Ahead>,
}

/// How a try ended.
pub enum Taken {
    /// With a plan.
    Whole(Box<Plan>),
    /// Why, and the tables to lock before the next snapshot.
    Changed(Error, Vec<(String, String)>),
}

/// Why tables could not be locked.
enum Unlock {
    /// One of them does not exist any more.
    Gone(Error),
    /// Others held one for too long.
    Waited(Error),
    Failed(Error),
    /// The run is being stopped.
    Asked,
}

/// What is to be copied, under which snapshot.
pub struct Plan {
    pub snapshot: Snapshot,
    pub toc: Toc,
    pub tables: Vec<Table>,
    pub large_objects: Vec<(i32, Vec<u32>)>,
    pub warnings: Vec<String>,
}

impl Attempt<'_> {
    /// Lock first, snapshot second: a TRUNCATE or a rewriting ALTER between them would make the
    /// snapshot see an empty table, without any error.
    pub async fn take_snapshot(&mut self, to_lock: &[(String, String)]) -> Result<Taken, Stop> {
        let progress = &self.request.progress;
        progress.phase("taking locks");
        self.begin().await?;
        let lock_wait = self.request.lock_wait;
        match self.lock(to_lock, lock_wait).await {
            Err(Unlock::Gone(error)) => return self.changed_without_toc(error).await,
            Err(Unlock::Waited(error) | Unlock::Failed(error)) => {
                return Err(error.during("locking tables").into());
            }
            Err(Unlock::Asked) => return Err(Stop::Asked),
            Ok(()) => {}
        }
        let snapshot = self.export().await?;
        progress.phase("reading the table of contents");
        let known = match self.facts_of_locked(to_lock).await {
            Ok(known) => known,
            Err(error) if error.exit() == Exit::Busy => {
                return Ok(Taken::Changed(error, to_lock.to_vec()));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(changed) = rewritten(&known) {
            return Ok(Taken::Changed(changed, to_lock.to_vec()));
        }
        preflight::hidden_rows(&known)?;
        let mut ahead = self.ground.head_start(self.session, &snapshot, &known).await?;
        let held_wait = |tables: usize| {
            let tables = u32::try_from(tables).unwrap_or(u32::MAX);
            lock_wait.min(HELD_WAIT + HELD_WAIT_PER_TABLE.saturating_mul(tables))
        };
        // Without locks of ours pg_dump may wait as long as the operator allows.
        let dump_wait = if to_lock.is_empty() { lock_wait } else { held_wait(to_lock.len()) };
        let dump = self.dump(&snapshot.id, dump_wait, ahead.as_mut()).await;
        self.ahead = ahead;
        let dump = match dump? {
            Ok(dump) => dump,
            Err(DumpFault::Waited(error)) if !to_lock.is_empty() => {
                return Ok(Taken::Changed(error, to_lock.to_vec()));
            }
            Err(DumpFault::Changed(error)) => return self.changed_without_toc(error).await,
            Err(DumpFault::Waited(error) | DumpFault::Failed(error)) => {
                return Err(error.during("reading the table of contents").into());
            }
        };
        let oids: Vec<u32> =
            dump.toc.entries.iter().filter(|e| e.is_table_data()).filter_map(|e| e.oid()).collect();
        let names = names_in(&dump.toc)?;
        let locked: HashSet<_> = to_lock.iter().collect();
        let beyond: Vec<_> = names.iter().filter(|name| !locked.contains(name)).cloned().collect();
        // pg_dump holds locks on these: a statement that waits for it would keep us waiting too.
        let wait = held_wait(beyond.len());
        self.set_lock_timeout(wait).await?;
        match self.lock(&beyond, wait).await {
            Err(Unlock::Gone(error)) => return Ok(Taken::Changed(error, vec![])),
            Err(Unlock::Waited(error)) => return Ok(Taken::Changed(error, names)),
            Err(Unlock::Failed(error)) => return Err(error.during("locking tables").into()),
            Err(Unlock::Asked) => return Err(Stop::Asked),
            Ok(()) => {}
        }
        // After the last lock: from here on nothing can replace a table's files. Not before, for
        // asking for a table's size takes a lock too.
        let unknown: Vec<u32> =
            oids.into_iter().filter(|oid| table::find(&known, *oid).is_none()).collect();
        let mut facts = match preflight::tables(self.session, &unknown).await {
            Err(error) if error.exit() == Exit::Busy => return Ok(Taken::Changed(error, names)),
            facts => facts?,
        };
        self.set_lock_timeout(lock_wait).await?;
        preflight::hidden_rows(&facts)?;
        if let Some(changed) = rewritten(&facts) {
            return Ok(Taken::Changed(changed, names));
        }
        facts.extend(known);
        facts.sort_by_key(|facts| facts.table.oid);
        let large = if dump.toc.entries.iter().any(|entry| entry.is_large_objects()) {
            preflight::large_objects(self.session).await?
        } else {
            vec![]
        };
        let (mut toc, warnings) = dump.end()?;
        toc.name_files();
        toc.name_tables_by_oid();
        let tables = match table::join(&toc, &facts) {
            Ok(tables) => tables,
            Err(error) => return Ok(Taken::Changed(error, names)),
        };
        let large_objects = data_entries(&toc, &large)?;
        Ok(Taken::Whole(Box::new(Plan { snapshot, toc, tables, large_objects, warnings })))
    }

    /// Those of the ordinary tables that are locked under their names.
    async fn facts_of_locked(&self, locked: &[(String, String)]) -> Result<Vec<Facts>> {
        if locked.is_empty() || self.ordinary.is_empty() || self.request.dry_run {
            return Ok(vec![]);
        }
        let names: HashSet<(&str, &str)> =
            locked.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).collect();
        let mut facts = preflight::tables(self.session, self.ordinary).await?;
        facts.retain(|Facts { table, .. }| {
            names.contains(&(table.schema.as_str(), table.name.as_str()))
        });
        Ok(facts)
    }

    async fn changed_without_toc(&self, error: Error) -> Result<Taken, Stop> {
        self.session
            .batch("ROLLBACK")
            .await
            .map_err(|error| error.into_error("cannot start over"))?;
        // With filters only pg_dump knows what will be read.
        let tables = if self.request.filters.is_empty() {
            preflight::lockable(self.session).await?
        } else {
            vec![]
        };
        let names = tables.into_iter().map(|table| (table.schema, table.name)).collect();
        // The caller rolls back once more, which does nothing outside a transaction.
        Ok(Taken::Changed(error, names))
    }

    async fn begin(&self) -> Result<()> {
        let isolation = if self.request.serializable_deferrable {
            "SERIALIZABLE READ ONLY DEFERRABLE"
        } else {
            "REPEATABLE READ READ ONLY"
        };
        let begin = format!(
            "BEGIN ISOLATION LEVEL {isolation}; SET LOCAL lock_timeout = {}",
            self.request.lock_wait.as_millis()
        );
        let begun = self.session.batch(&begin).await;
        begun.map_err(|error| error.into_error("cannot start the coordinator's transaction"))
    }

    async fn set_lock_timeout(&self, wait: Duration) -> Result<()> {
        let milliseconds = wait.as_millis().to_string();
        let set = self.session.rows(sql::LOCK_TIMEOUT.text, &[(&milliseconds, Type::TEXT)]).await;
        set.map(drop).map_err(|error| error.into_error("cannot set lock_timeout"))
    }

    /// `wait` is what lock_timeout is, for one table; it is the limit for all of them too.
    async fn lock(&self, tables: &[(String, String)], wait: Duration) -> Result<(), Unlock> {
        let deadline = Instant::now() + wait;
        for batch in tables.chunks(LOCK_BATCH) {
            let statement = lock_all(batch.iter().map(|(s, n)| (s.as_str(), n.as_str())));
            let result = self.lock_batch(&statement).await?;
            match result {
                Ok(()) if Instant::now() > deadline => {
                    return Err(Unlock::Waited(self.waited_too_long(wait, None)));
                }
                Ok(()) => {}
                Err(error) if matches!(error.sqlstate(), Some("42P01" | "3F000")) => {
                    return Err(Unlock::Gone(
                        error.into_error("a table has just been dropped or renamed"),
                    ));
                }
                Err(error) if error.sqlstate() == Some("55P03") => {
                    return Err(Unlock::Waited(self.waited_too_long(wait, Some(error.message()))));
                }
                Err(error) => {
                    return Err(Unlock::Failed(error.into_error("cannot lock the tables")));
                }
            }
        }
        Ok(())
    }

    /// Waits for one LOCK statement. Asked to stop, it ends that statement on the server too:
    /// a queued lock would outlive us.
    async fn lock_batch(&self, statement: &str) -> Result<Result<(), QueryError>, Unlock> {
        let mut locked = std::pin::pin!(self.session.batch(statement));
        let mut noted = std::pin::pin!(self.keep_noting_blockers(1));
        let mut told = false;
        loop {
            tokio::select! {
                result = &mut locked => return Ok(result),
                () = self.request.cancel.cancelled() => {
                    self.session.cancel().await.map_err(Unlock::Failed)?;
                    return Err(Unlock::Asked);
                }
                () = &mut noted, if !told => told = true,
            }
        }
    }

    fn waited_too_long(&self, wait: Duration, cause: Option<String>) -> Error {
        let error =
            Error::new(Exit::Busy, format!("no lock on a table within {} s", wait.as_secs()));
        cause
            .into_iter()
            .fold(error, Error::because)
            .next("try again when the statement that holds it is done (a note above names it)")
            .next("or wait longer: --lock-wait 10m")
    }

    /// Looks who keeps us or pg_dump waiting until somebody does, each time after a pause that
    /// is so many times the one before. For who goes on beside it with the wait itself.
    async fn keep_noting_blockers(&self, slower: u32) {
        let mut pause = LOCK_NOTE_AFTER;
        loop {
            tokio::time::sleep(pause).await;
            if self.note_blockers().await {
                return;
            }
            pause *= slower;
        }
    }

    /// Tells who keeps us or pg_dump waiting, if somebody does, and says so; a fault here hides nothing, the wait itself is bounded.
    async fn note_blockers(&self) -> bool {
        let pid = self.session.server().pid;
        let asked = async {
            let options = SessionOptions { prompt: None, retry: false, ..self.options.clone() };
            let other = conn::connect(&self.session.same_server(), &options).await?;
            let rows = other.rows(sql::BLOCKERS.text, &[(&pid, Type::INT4)]).await;
            rows.map_err(preflight::catalog)?
                .iter()
                .map(|row| {
                    Ok(format!(
                        "waiting for a lock on {} that pid {} holds: {}",
                        get::<String>(row, "relation")?,
                        get::<i32>(row, "pid")?,
                        get::<String>(row, "statement")?.replace('\n', " ")
                    ))
                })
                .collect::<Result<Vec<String>>>()
        };
        let asked = tokio::time::timeout(NOTE_LIMIT, asked).await.unwrap_or_else(|_| {
            let seconds = NOTE_LIMIT.as_secs();
            Err(Error::new(Exit::Unavailable, format!("no answer within {seconds} s")))
        });
        match asked {
            Ok(notes) => {
                let told = !notes.is_empty();
                notes.into_iter().for_each(|note| self.request.progress.note(note));
                told
            }
            Err(error) => {
                self.request
                    .progress
                    .note(format!("waiting for a lock; who holds it is unknown: {error}"));
                true
            }
        }
    }

    async fn export(&self) -> Result<Snapshot> {
        let failed = "cannot take the snapshot";
        let pins = local_pins(self.session, self.options);
        if !pins.is_empty() {
            // They need a snapshot themselves: not before the locks.
            let pinned = self.session.batch(&pins).await;
            pinned.map_err(|error| error.into_error("cannot set up the transaction"))?;
            if !self.request.dry_run {
                lock::take(self.session).await?;
            }
        }
        let rows = self.session.rows(sql::SNAPSHOT.text, &[]).await;
        let rows = rows.map_err(|error| error.into_error(failed))?;
        let row = rows.first().ok_or_else(|| Error::bug(failed))?;
        let taken: i64 = get(row, "taken_us")?;
        Ok(Snapshot {
            id: get(row, "id")?,
            taken: jiff::Timestamp::from_microsecond(taken)
                .map_err(|error| Error::bug("the server's clock").caused_by(&error))?,
            lsn: get::<Option<String>>(row, "lsn")?.unwrap_or_else(|| "unknown".into()),
            xmin: get(row, "xmin")?,
            since: Instant::now(),
        })
    }

    /// Runs pg_dump as far as its table of contents, off this thread; a stop ends it.
    async fn dump(
        &self,
        snapshot: &str,
        lock_wait: Duration,
        ahead: Option<&mut Ahead>,
    ) -> Result<Result<Dump, DumpFault>, Stop> {
        let request = self.request;
        let connection = self.session.child().for_now().await?;
        let programs = self.programs.clone();
        let environment = request.environment.clone();
        let (snapshot, filters) = (snapshot.to_owned(), request.dump_arguments());
        let encoding = super::text_encoding(self.session.server());
        let child = ChildGuard::default();
        let started = child.clone();
        let mut reading = tokio::task::spawn_blocking(move || {
            let options =
                DumpOptions { snapshot: &snapshot, encoding, lock_wait, filters: &filters };
            Dump::start(&programs, &connection, &environment, &options, &started)
        });
        // It may just have much to read: look now and then, ever more rarely.
        let mut noted = std::pin::pin!(self.keep_noting_blockers(2));
        let mut told = false;
        let stop = ahead.as_ref().map(|ahead| ahead.copying.run.stop.clone());
        let has_failed = || stop.as_ref().is_some_and(CancellationToken::is_cancelled);
        let mut failed = std::pin::pin!(async {
            match ahead {
                Some(ahead) => ahead.copying.failure().await,
                None => std::future::pending().await,
            }
        });
        let joined = loop {
            tokio::select! {
                joined = &mut reading => break joined,
                () = request.cancel.cancelled() => {
                    end(&child, &mut reading).await;
                    return Err(Stop::Asked);
                }
                stop = &mut failed => {
                    end(&child, &mut reading).await;
                    return Err(stop);
                }
                () = &mut noted, if !told => told = true,
            }
        };
        if request.cancel.is_cancelled() {
            return Err(Stop::Asked);
        }
        if has_failed() {
            return Err(failed.await);
        }
        joined.map_err(|error| Error::bug("reading pg_dump").caused_by(&error).into())
    }
}

/// Ends a child, whatever is read of it then.
async fn end<T>(child: &ChildGuard, reading: &mut JoinHandle<T>) {
    child.terminate();
    if tokio::time::timeout(CHILD_GRACE, &mut *reading).await.is_err() {
        child.kill();
        drop(reading.await);
    }
}

/// Why an old snapshot would see too few rows of one of them.
fn rewritten(facts: &[Facts]) -> Option<Error> {
    let changed = facts.iter().find(|facts| !facts.same_files)?;
    let what = format!("{} was rewritten", changed.table.label());
    Some(
        Error::new(Exit::Unavailable, what).because(
            "a TRUNCATE, VACUUM FULL, CLUSTER or ALTER TABLE came between snapshot and lock",
        ),
    )
}

/// Schema and name of every table with rows in the archive.
fn names_in(toc: &Toc) -> Result<Vec<(String, String)>> {
    let text = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.clone().ok_or_else(|| {
            Error::new(Exit::Unavailable, "cannot use this archive")
                .because("pg_dump lists rows of a table without its schema or name")
        })?;
        String::from_utf8(bytes).map_err(|error| preflight::name_not_utf8().caused_by(&error))
    };
    let tables = toc.entries.iter().filter(|entry| entry.is_table_data());
    tables.map(|entry| Ok((text(&entry.namespace)?, text(&entry.tag)?))).collect()
}

/// Every entry with data must be of a kind that is known; returns those with large objects.
fn data_entries(toc: &Toc, all: &[u32]) -> Result<Vec<(i32, Vec<u32>)>> {
    let mut groups = Vec::new();
    for entry in toc.entries.iter().filter(|entry| entry.has_data) {
        if entry.is_large_objects() {
            let listed = toc.large_objects_of(entry).map_err(|error| {
                Error::new(Exit::Unavailable, "cannot use this archive").caused_by(&error)
            })?;
            groups.push((entry.id, listed.unwrap_or_else(|| all.to_vec())));
        } else if !entry.is_table_data() {
            return Err(Error::new(
                Exit::Unavailable,
                format!("pg_dump wants to store {}", entry.label()),
            )
            .because("this pgtend does not know that kind of data")
            .next("use a pg_dump of a version that pgtend knows (12 to 18)"));
        }
    }
    Ok(groups)
}
