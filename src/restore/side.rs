//! The database beside: made under a name of its own, renamed when all of it is there. So a
//! database with the real name is never a half-restored one, and the one that is replaced stays
//! untouched until the last step.

use super::dressing::{self, Dressing, Identity, Undone};
use super::safety::Content;
use super::{Mode, Request};
use crate::conn::{self, QueryError, Session, SessionOptions, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{Between, Target};
use crate::sql::{self, quote_literal, quote_name};

/// What the comment of an unfinished database starts with.
const MARK: &str = "pgtend restore, unfinished: ";
/// What its name ends with.
const SUFFIX: &str = "_restoring";
/// How often a database that is in the way in this moment is waited for, and how long.
const ATTEMPTS: u32 = 10;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
/// How often a rename is tried on a new connection.
const FINISHES: u32 = 3;
/// Bytes of the longest name that PostgreSQL keeps.
const LONGEST_NAME: usize = 63;

/// Name of the database beside `name`.
pub fn name_beside(name: &str) -> String {
    format!("{}{SUFFIX}", cut(name, LONGEST_NAME - SUFFIX.len()))
}

/// Name that a replaced database gets: `app_before_20261121t1605`.
pub fn name_before(name: &str, now: jiff::Timestamp) -> String {
    let suffix = now.strftime("_before_%Y%m%dt%H%M%S").to_string();
    format!("{}{suffix}", cut(name, LONGEST_NAME - suffix.len()))
}

fn cut(name: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    &name[..end.unwrap_or(0)]
}

/// A database as another one's session sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its oid.
    pub oid: u32,
    /// Its comment.
    pub comment: Option<String>,
    /// Sessions in it.
    pub sessions: i64,
}

/// Looks a database up.
pub async fn look_up(session: &Session, name: &str) -> Result<Option<Known>> {
    let rows = session.rows(sql::DATABASE.text, &[(&name, Type::TEXT)]).await;
    let rows = rows.map_err(|error| error.into_error("cannot look for the database"))?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Known {
        oid: get(row, "oid")?,
        comment: get(row, "comment")?,
        sessions: get(row, "sessions")?,
    }))
}

/// For the operator: who must have left a database before another takes its place.
pub async fn still_used(session: &Session, request: &Request) -> Result<Option<String>> {
    if request.mode != Mode::Swap {
        return Ok(None);
    }
    let name = &request.into;
    let sessions = look_up(session, name).await?.map_or(0, |known| known.sessions);
    let note = format!(
        "{sessions} sessions are in database {name}: they must be gone at the end, when the \
         restored one takes its place"
    );
    Ok((sessions > 0).then_some(note))
}

/// A database in the making, and the session that made it.
#[derive(Debug)]
pub struct Side {
    /// Its name now.
    pub name: String,
    /// For the operator.
    pub notes: Vec<String>,
    oid: u32,
    /// Its name in the end: the lock is on this.
    wanted: String,
    maintenance: Session,
    place: Target,
    options: SessionOptions,
}

/// The database that becomes the new one.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Its name in the end.
    pub name: &'a str,
    /// Id of the backup.
    pub backup: &'a str,
    /// `CREATE DATABASE x WITH ..` of the archive; without it everything is the server's default.
    pub definition: Option<&'a str>,
    /// Whether a database of that name has to be there.
    pub replaces: bool,
}

impl Side {
    /// Makes the database; one that a broken-off restore left is dropped before. The lock on the
    /// name in the end is held until this value is gone. It excludes runs that connect to the
    /// same maintenance database (PostgreSQL has no wider one); others are told by the lock in
    /// the database beside while it is filled.
    ///
    /// # Errors
    /// Exit 77 for a database of that name that is not pgtend's, 75 while another restore works
    /// on it.
    pub async fn create(
        maintenance: Session,
        target: &Target,
        options: &SessionOptions,
        wanted: &Wanted<'_>,
    ) -> Result<Self> {
        lock_patiently(&maintenance, wanted.name).await?;
        if look_up(&maintenance, wanted.name).await?.is_some() != wanted.replaces {
            let what = if wanted.replaces { "is gone" } else { "exists now" };
            return Err(Error::new(Exit::Refused, format!("database {} {what}", wanted.name))
                .because("that changed since the restore was prepared")
                .next("look at it, and restore again"));
        }
        let name = name_beside(wanted.name);
        let mut with = wanted.definition.and_then(dressing::options).map(str::to_owned);
        let mut notes = Vec::new();
        for attempt in 1.. {
            if let Some(known) = look_up(&maintenance, &name).await? {
                remove_left_over(&maintenance, target, options, &name, &known).await?;
            }
            let with_options = with.as_deref().unwrap_or("TEMPLATE = template0");
            let create = format!("CREATE DATABASE {} {with_options}", quote_name(&name));
            let Err(error) = maintenance.batch(&create).await else { break };
            let elsewhere = with.as_deref().and_then(dressing::without_tablespace);
            match (error.sqlstate(), elsewhere) {
                (Some("42704"), Some(elsewhere)) => {
                    notes.push(format!(
                        "the database is in the server's default tablespace: {}",
                        error.message()
                    ));
                    with = Some(elsewhere);
                }
                // A run that was killed just now: its server process still made the database.
                (Some("23505" | "42P04" | "55006"), _) if attempt < ATTEMPTS => {
                    tokio::time::sleep(PAUSE).await;
                }
                _ => return Err(cannot_create(error, &name)),
            }
        }
        let made = look_up(&maintenance, &name).await?;
        let made =
            made.ok_or_else(|| Error::bug(format!("database {name} was made and is gone")))?;
        let place = maintenance.same_server();
        let (wanted_name, options) = (wanted.name.to_owned(), options.clone());
        let oid = made.oid;
        let side = Self { name, notes, oid, wanted: wanted_name, maintenance, place, options };
        let mark = quote_literal(&format!("{MARK}{}", wanted.backup));
        let comment = format!("COMMENT ON DATABASE {} IS {mark}", quote_name(&side.name));
        if let Err(error) = side.maintenance.batch(&comment).await {
            let error = error.into_error(format!("cannot mark database {}", side.name));
            return Err(side.abandon(error).await);
        }
        Ok(side)
    }

    /// Drops it after a failure, unless it is another run's by now; returns the failure with what
    /// became of it.
    pub async fn abandon(mut self, error: Error) -> Error {
        let name = self.name.clone();
        if error.exit() == Exit::Busy {
            return error.because(format!("database {name} was left as it is"));
        }
        let limit = std::time::Duration::from_secs(10);
        match tokio::time::timeout(limit, self.drop_it()).await {
            Ok(Ok(true)) => error.because(format!("the unfinished database {name} was dropped")),
            Ok(Ok(false)) => {
                error.because(format!("the unfinished database {name} is gone, or another one"))
            }
            Ok(Err(why)) => error.because(format!(
                "the unfinished database {name} could not be dropped ({why}); the next restore \
                 drops it"
            )),
            Err(_) => error.because(format!(
                "the unfinished database {name} could not be dropped in {limit:?}; the next \
                 restore drops it"
            )),
        }
    }

    /// Whether it was there, and is dropped.
    async fn drop_it(&mut self) -> Result<bool> {
        if self.maintenance.is_closed() {
            self.connect_anew().await?;
        }
        if !self.is_there().await? {
            return Ok(false);
        }
        let drop = format!("DROP DATABASE {} WITH (FORCE)", quote_name(&self.name));
        let dropped = self.maintenance.batch(&drop).await;
        dropped.map_err(|error| error.into_error(format!("cannot drop {}", self.name)))?;
        Ok(true)
    }

    async fn is_there(&self) -> Result<bool> {
        let known = look_up(&self.maintenance, &self.name).await?;
        Ok(known.is_some_and(|known| known.oid == self.oid))
    }

    async fn connect_anew(&mut self) -> Result<()> {
        self.maintenance = conn::connect(&self.place, &self.options).await?;
        lock_patiently(&self.maintenance, &self.wanted).await
    }

    /// Has the pooler in between, if there is one, let go of the new database, which is nobody
    /// else's yet.
    async fn end_pooled(&self) -> Result<(), QueryError> {
        if !matches!(self.maintenance.between(), Between::Pooler(_)) {
            return Ok(());
        }
        self.maintenance.rows(sql::END_POOLED.text, &[(&self.name, Type::TEXT)]).await.map(drop)
    }

    /// Gives it its name and what belongs to it (owner, settings, rights, comment); an existing
    /// one becomes `previous`. In one transaction: there is no moment without a database of that
    /// name, and none with one that lacks its `REVOKE CONNECT`. A statement that the server
    /// refuses does not stop the others: it is returned, and the database gets its name.
    ///
    /// # Errors
    /// Exit 75 when somebody is connected to the old one. Both stay what they are, and the error
    /// says how to finish.
    pub async fn finish(
        mut self,
        previous: Option<&str>,
        dressing: &Dressing,
    ) -> Result<Vec<Undone>> {
        let renames = self.renames(previous);
        let mut undone = Vec::new();
        for attempt in 1.. {
            if attempt > 1 || self.maintenance.is_closed() {
                match self.see_again().await {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) if error.exit() == Exit::Critical => return Err(error),
                    Err(error) => return Err(self.not_finished(error, &renames, dressing)),
                }
            }
            let tried = match self.end_pooled().await {
                Ok(()) => self.transact(&renames, dressing, &mut undone).await,
                Err(error) => Err(error),
            };
            let Err(error) = tried else { break };
            // A session that the pooler was just cleaning up was not idle when it was looked for.
            let pooled = matches!(self.maintenance.between(), Between::Pooler(_));
            let in_use = pooled && error.sqlstate() == Some("55006");
            if (error.is_lost() || in_use) && attempt < FINISHES {
                continue;
            }
            let mut failure =
                error.into_error(format!("cannot rename {} to {}", self.name, self.wanted));
            // The connection stays in the failed transaction.
            if let Err(error) = self.maintenance.batch("ROLLBACK").await {
                failure = failure.because(error.to_string());
            }
            return Err(self.not_finished(failure, &renames, dressing));
        }
        undone.extend(dressing.refused.iter().cloned());
        Ok(undone)
    }

    /// Connects anew; whether it has its name already (a COMMIT whose answer was lost).
    async fn see_again(&mut self) -> Result<bool> {
        self.connect_anew().await?;
        let named = look_up(&self.maintenance, &self.wanted).await?;
        if named.is_some_and(|known| known.oid == self.oid) {
            return Ok(true);
        }
        if self.is_there().await? {
            return Ok(false);
        }
        Err(Error::new(Exit::Critical, format!("database {} is not ours any more", self.name))
            .because("somebody dropped or renamed it while the connection was lost"))
    }

    fn renames(&self, previous: Option<&str>) -> String {
        let away = previous.map(|previous| rename_database(&self.wanted, previous));
        format!(
            "{}{}COMMENT ON DATABASE {} IS NULL",
            away.unwrap_or_default(),
            rename_database(&self.name, &self.wanted),
            quote_name(&self.wanted)
        )
    }

    fn not_finished(&self, error: Error, renames: &str, dressing: &Dressing) -> Error {
        let (name, wanted) = (&self.name, &self.wanted);
        let mut all = format!("BEGIN; {renames};");
        for statement in &dressing.statements {
            all.push_str(&format!(" {};", statement.sql));
        }
        let before = if error.exit() == Exit::Busy {
            format!("end the sessions in {wanted}, then")
        } else {
            "finish it in psql".to_owned()
        };
        error
            .because(format!("{name} is restored and complete; no database has changed its name"))
            .next(format!("{before}: {all} COMMIT;"))
            .next(format!("or restore again, which drops {name} and begins anew"))
    }

    async fn transact(
        &self,
        renames: &str,
        dressing: &Dressing,
        undone: &mut Vec<Undone>,
    ) -> std::result::Result<(), QueryError> {
        undone.clear();
        self.maintenance.batch(&format!("BEGIN; {renames}")).await?;
        let mut wrong_user = false;
        for statement in &dressing.statements {
            wrong_user &= statement.session != Some(Identity::Returns);
            let error = if wrong_user {
                Some("not run: the session is not the role that gave these rights".to_owned())
            } else {
                self.attempt(&statement.sql).await?
            };
            let Some(error) = error else { continue };
            wrong_user |= statement.session == Some(Identity::Becomes);
            undone.push(Undone { entry: statement.entry, sql: statement.sql.clone(), error });
        }
        self.maintenance.batch("COMMIT").await
    }

    /// Runs one statement within the transaction; what the server has against it.
    async fn attempt(&self, sql: &str) -> std::result::Result<Option<String>, QueryError> {
        self.maintenance.batch("SAVEPOINT dressing").await?;
        // Not a batch: the server itself takes no second statement here.
        let Err(error) = self.maintenance.rows(sql, &[]).await else {
            self.maintenance.batch("RELEASE SAVEPOINT dressing").await?;
            return Ok(None);
        };
        if error.is_lost() {
            return Err(error);
        }
        self.maintenance
            .batch("ROLLBACK TO SAVEPOINT dressing; RELEASE SAVEPOINT dressing")
            .await?;
        Ok(Some(error.to_string()))
    }
}

fn rename_database(from: &str, to: &str) -> String {
    format!("ALTER DATABASE {} RENAME TO {};", quote_name(from), quote_name(to))
}

/// The error of a first session in the database that was just made: who says that there is none
/// has a list of its own.
pub fn unknown_to_pooler(error: Error, place: &Target) -> Error {
    let unknown = ["pooler-database", "unknown-database"];
    if !error.reasons().iter().any(|reason| unknown.contains(reason)) {
        return error;
    }
    let what =
        format!("the pooler does not know the database {} that pgtend makes", place.database);
    let same = error
        .causes()
        .iter()
        .fold(Error::new(error.exit(), what), |same, cause| same.because(cause.clone()));
    let same = error.reasons().iter().fold(same, |same, reason| same.reason(reason));
    same.next("give the server's own address and port instead of the pooler's")
        .next("or create an empty database that the pooler knows, and restore into that one")
}

fn cannot_create(error: QueryError, name: &str) -> Error {
    let refused = error.sqlstate() == Some("42501");
    let failure = error.into_error(format!("cannot create database {name}"));
    if refused {
        return failure.next("let somebody who may run: ALTER ROLE .. CREATEDB");
    }
    failure.next(
        "or create an empty database yourself (with a locale that this server has) and restore \
         into it without --create",
    )
}

/// Drops what a broken-off restore left; nothing else.
async fn remove_left_over(
    maintenance: &Session,
    target: &Target,
    options: &SessionOptions,
    name: &str,
    known: &Known,
) -> Result<()> {
    let marked = known.comment.as_deref().is_some_and(|comment| comment.starts_with(MARK));
    if !marked || known.sessions > 0 {
        let place = Target { database: name.to_owned(), ..target.clone() };
        let session = conn::connect(&place, options).await?;
        // A run that was killed before it could set the mark leaves an empty one.
        if !marked && (known.comment.is_some() || Content::of(&session).await?.objects > 0) {
            return Err(Error::new(Exit::Refused, format!("database {name} exists"))
                .because("a restore would use that name, and pgtend did not make this database")
                .next(format!(
                    "rename or drop it, if nobody needs it: DROP DATABASE {};",
                    quote_name(name)
                )));
        }
        if !lock(&session, name).await? {
            return Err(Error::new(Exit::Busy, format!("another restore works on {name}"))
                .next("try again when it has ended"));
        }
    }
    let drop = format!("DROP DATABASE {} WITH (FORCE)", quote_name(name));
    let dropped = maintenance.batch(&drop).await;
    dropped.map_err(|error| {
        error.into_error(format!("cannot drop {name}, which a broken-off restore left"))
    })
}

/// Takes the lock of [`lock`], which a run that has ended just now may hold for a moment.
///
/// # Errors
/// Exit 75 while another restore works on the database.
pub async fn lock_patiently(session: &Session, database: &str) -> Result<()> {
    for _ in 0..ATTEMPTS {
        if lock(session, database).await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::new(Exit::Busy, format!("another restore works on {database}"))
        .next("try again when it has ended"))
}

/// Takes the lock that says that a restore works on a database; false when another has it.
async fn lock(session: &Session, database: &str) -> Result<bool> {
    let key = xxhash_rust::xxh3::xxh3_64(format!("pgtend restore {database}").as_bytes());
    let params: conn::Params<'_> = &[(&key.cast_signed(), Type::INT8), (&false, Type::BOOL)];
    let rows = session.rows(sql::ADVISORY_LOCK.text, params).await;
    let rows = rows.map_err(|error| error.into_error("cannot take the lock of a restore"))?;
    let row = rows.first().ok_or_else(|| Error::bug("pg_try_advisory_lock gave no row"))?;
    get(row, "locked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_stay_short_enough() {
        assert_eq!(name_beside("app"), "app_restoring");
        let long = "é".repeat(31);
        assert!(name_beside(&long).len() <= LONGEST_NAME);
        let now = "2026-11-21T16:05:09Z".parse().unwrap();
        assert_eq!(name_before("app", now), "app_before_20261121t160509");
        assert!(name_before(&long, now).len() <= LONGEST_NAME);
    }
}
