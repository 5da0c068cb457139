//! The session that holds the locks and the snapshot from the first row to the last.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Request;
use super::dump::{Dump, DumpFault, DumpOptions};
use super::head_start::{Ahead, Ground};
use super::lock;
use super::preflight::{self, Lockable, Room};
use super::run::Stop;
use super::statements::{lock_all, pin_locally};
use super::table::{self, Facts, Table};
use crate::archive::toc::Toc;
use crate::conn::{self, QueryError, Session, SessionOptions, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{ChildGuard, Programs};
use crate::report::Progress;
use crate::settings::{Pooler, PoolerMode};
use crate::sql;

const SNAPSHOT_LOST: &str = "the connection that holds the snapshot is lost";
/// Longest wait for the answer to a ping.
const PING_LIMIT: Duration = Duration::from_secs(60);
/// Tables that one LOCK statement names.
const LOCK_BATCH: usize = 500;
/// How often the tables may have changed between lock and snapshot before it is an error.
const ATTEMPTS: u32 = 3;
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

/// The exported snapshot.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// For `SET TRANSACTION SNAPSHOT`.
    pub id: String,
    /// When it was taken, by the server's clock.
    pub taken: jiff::Timestamp,
    /// WAL position.
    pub lsn: String,
    /// Oldest transaction it sees.
    pub xmin: String,
    /// When it was taken, by ours.
    pub since: Instant,
}

/// The session with its snapshot and the plan made under it.
#[derive(Debug)]
pub struct Coordinator {
    /// The session; its transaction must not end before the last row is read.
    pub session: Session,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// pg_dump's table of contents, with data files named.
    pub toc: Toc,
    /// Its tables.
    pub tables: Vec<Table>,
    /// The large objects of each `BLOBS` entry.
    pub large_objects: Vec<(i32, Vec<u32>)>,
    /// What the server has room for.
    pub room: Room,
    /// Extensions with their versions.
    pub extensions: Vec<(String, String)>,
    /// What the operator must know: pg_dump's warnings and ours.
    pub warnings: Vec<String>,
    /// Version of the programs.
    pub programs: Programs,
    /// Those of the tables that are being copied already.
    pub ahead: Option<Ahead>,
}

/// A session of which nothing is known that would stand against a backup.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// How long another backup was waited for.
    pub waited: Duration,
    /// What the server has room for.
    pub room: Room,
    programs: Programs,
    warnings: Vec<String>,
    /// Tables to lock before the snapshot is taken.
    tables: Vec<Lockable>,
}

impl Opened {
    /// Connects, and refuses what cannot work.
    ///
    /// `again` says that an earlier session of this run was lost; its advisory lock may live on
    /// for a moment.
    pub async fn connect(
        request: &Request,
        options: &SessionOptions,
        again: bool,
    ) -> Result<Self, Stop> {
        request.progress.phase("connecting");
        let session = tokio::select! {
            session = conn::connect(&request.target, options) => session?,
            () = request.cancel.cancelled() => return Err(Stop::Asked),
        };
        request.progress.phase("looking at the server");
        if let Some(pooler) = session.sharing_pooler().filter(|_| !request.allow_pooler) {
            return Err(refuse_pooler(pooler).into());
        }
        if let Some(pooler) = session.sharing_pooler() {
            // They set search_path and time limits before their transaction, or without one.
            request.progress.note(format!(
                "forced through {pooler}: pg_dump and pg_dumpall leave settings of theirs there, \
                 for its other clients"
            ));
        }
        let programs = Programs::find(&request.environment, session.server().major())?;
        // A dry run reads nothing that another backup could disturb.
        let waited = if request.dry_run {
            Duration::ZERO
        } else {
            lock::wait_for(&session, request, again).await?
        };
        let room = Room::ask(&session).await?;
        // Before pg_dump fails for want of one.
        room.jobs(request.jobs)?;
        let mut warnings = Vec::new();
        if session.server().in_recovery {
            warnings.extend(room.standby_warning());
        }
        // With filters only pg_dump knows what will be read, and locks it.
        let (tables, sequences) = if request.filters.is_empty() {
            (preflight::lockable(&session).await?, preflight::unreadable_sequences(&session).await?)
        } else {
            (vec![], vec![])
        };
        preflight::privileges(&tables, &sequences, &room)?;
        room.locks_fit(tables.len())?;
        let tables = if room.locks_fit_twice(tables.len()) { tables } else { vec![] };
        Ok(Self { session, waited, room, programs, warnings, tables })
    }
}

impl Coordinator {
    /// Locks, takes the snapshot and reads the table of contents under it. What is surely in it is
    /// copied meanwhile, onto `ground`.
    pub async fn plan(
        opened: Opened,
        request: &Request,
        options: &SessionOptions,
        ground: &Ground<'_>,
    ) -> Result<Self, Stop> {
        let Opened { session, room, programs, mut warnings, tables, .. } = opened;
        let ordinary: Vec<u32> =
            tables.iter().filter(|table| table.is_ordinary).map(|table| table.oid).collect();
        let mut to_lock: Vec<(String, String)> =
            tables.into_iter().map(|table| (table.schema, table.name)).collect();
        let mut attempt = Attempt {
            request,
            options,
            session: &session,
            programs: &programs,
            ordinary: &ordinary,
            ground,
            ahead: None,
        };
        for number in 1.. {
            let taken = match attempt.take_snapshot(&to_lock).await {
                // Locks and snapshot are gone with it, whatever failed first.
                Err(Stop::Failed(error)) if is_lost(&session).await => {
                    return Err(Stop::StartOver(error));
                }
                taken => taken?,
            };
            match taken {
                Taken::Whole(plan) => {
                    let Plan { snapshot, toc, tables, large_objects, warnings: more } = *plan;
                    warnings.extend(more);
                    if session.server().in_recovery {
                        let all = preflight::lockable(&session).await?;
                        warnings.extend(preflight::unlogged_warning(&all, &toc));
                    }
                    let extensions = preflight::extensions(&session).await?;
                    let ahead = attempt.ahead.take();
                    return Ok(Self {
                        extensions,
                        session,
                        snapshot,
                        toc,
                        tables,
                        large_objects,
                        room,
                        warnings,
                        programs,
                        ahead,
                    });
                }
                Taken::Changed(error, _) if number == ATTEMPTS => {
                    return Err(error.next("run the backup again when no migration runs").into());
                }
                Taken::Changed(error, found) => {
                    request.progress.note(format!("{error}; taking a new snapshot"));
                    let ahead = attempt.ahead.take();
                    if let Some(ahead) = &ahead {
                        ahead.copying.run.stop.cancel();
                    }
                    // First of all: somebody waits for our locks.
                    session
                        .batch("ROLLBACK")
                        .await
                        .map_err(|error| error.into_error("cannot start over"))?;
                    drop(ahead);
                    if !ground.clear().await? {
                        return Err(Stop::StartOver(error));
                    }
                    to_lock = found;
                }
            }
        }
        Err(Error::bug("no snapshot was taken").into())
    }
}

fn refuse_pooler(pooler: &Pooler) -> Error {
    let mut error = Error::new(Exit::Refused, format!("cannot back up through {pooler}"));
    for shown in &pooler.evidence {
        error = error.because(shown);
    }
    error = error.next("give the server's own address and port");
    if pooler.mode == PoolerMode::Unknown {
        error = error.next("or, if you know that it is in session mode: --allow-pooler");
    }
    error
}

struct Attempt<'a> {
    request: &'a Request,
    options: &'a SessionOptions,
    session: &'a Session,
    programs: &'a Programs,
    /// Tables that pg_dump surely stores rows of.
    ordinary: &'a [u32],
    ground: &'a Ground<'a>,
    /// What is copied already.
    ahead: Option<Ahead>,
}

enum Taken {
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

struct Plan {
    snapshot: Snapshot,
    toc: Toc,
    tables: Vec<Table>,
    large_objects: Vec<(i32, Vec<u32>)>,
    warnings: Vec<String>,
}

impl Attempt<'_> {
    /// Lock first, snapshot second: a TRUNCATE or a rewriting ALTER between them would make the
    /// snapshot see an empty table, without any error.
    async fn take_snapshot(&mut self, to_lock: &[(String, String)]) -> Result<Taken, Stop> {
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

/// Whether a session is gone, also when nobody has told us yet.
async fn is_lost(session: &Session) -> bool {
    let answer = tokio::time::timeout(NOTE_LIMIT, session.batch("ROLLBACK"));
    session.is_closed() || !matches!(answer.await, Ok(Ok(())))
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

/// What each transaction of a session must pin for itself: all of it behind a pooler.
pub fn local_pins(session: &Session, options: &SessionOptions) -> String {
    if session.sharing_pooler().is_none() {
        return String::new();
    }
    pin_locally(&options.settings)
}

/// Keeps the coordinator's session from being cut as idle, and notices when it is gone.
pub async fn ping(session: &Session) -> Result<(), Stop> {
    match tokio::time::timeout(PING_LIMIT, session.rows(sql::PING.text, &[])).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Stop::StartOver(error.into_error(SNAPSHOT_LOST))),
        Err(_) => Err(Stop::StartOver(
            Error::new(Exit::Unavailable, SNAPSHOT_LOST)
                .because(format!("the server did not answer within {} s", PING_LIMIT.as_secs())),
        )),
    }
}

/// Ends the coordinator's transaction: its locks and its snapshot are needed no more.
pub async fn finish(session: &Session) -> Result<(), Stop> {
    ping(session).await?;
    let ended = session.batch("COMMIT").await;
    ended.map_err(|error| Stop::StartOver(error.into_error(SNAPSHOT_LOST)))
}

/// Notes who waits behind the coordinator's lock on a table.
pub async fn note_waiters(
    session: &Session,
    table: &Table,
    progress: &Arc<Progress>,
) -> Result<(), Stop> {
    let rows = session.rows(sql::WAITERS.text, &[(&table.oid, Type::OID)]).await;
    let rows = rows.map_err(|error| Stop::StartOver(preflight::catalog(error)))?;
    for row in &rows {
        progress.note(format!(
            "pid {} waits for {} on {} until this backup is done: {}",
            get::<i32>(row, "pid")?,
            get::<String>(row, "mode")?,
            table.label(),
            get::<String>(row, "statement")?.replace('\n', " ")
        ));
    }
    Ok(())
}
