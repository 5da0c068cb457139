//! The database beside: made under a name of its own, renamed when all of it is there. So a
//! database with the real name is never a half-restored one, and the one that is replaced stays
//! untouched until the last step.

use super::plan::{Plan, Step};
use super::safety::Content;
use crate::conn::{self, QueryError, Session, SessionOptions, Type};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::Target;
use crate::sql::{self, quote_literal, quote_name};

/// What the comment of an unfinished database starts with.
const MARK: &str = "pgtend restore, unfinished: ";
/// What its name ends with.
const SUFFIX: &str = "_restoring";
/// How often a database that is in the way in this moment is waited for, and how long.
const ATTEMPTS: u32 = 10;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
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
    let known = || -> std::result::Result<Known, Box<dyn std::error::Error>> {
        Ok(Known {
            oid: row.try_get("oid")?,
            comment: row.try_get("comment")?,
            sessions: row.try_get("sessions")?,
        })
    };
    known().map(Some).map_err(|error| Error::bug("a database's row").caused_by(error.as_ref()))
}

/// A database in the making, and the session that made it.
#[derive(Debug)]
pub struct Side {
    /// Its name now.
    pub name: String,
    maintenance: Session,
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
}

impl Side {
    /// Makes the database; one that a broken-off restore left is dropped before.
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
        let name = name_beside(wanted.name);
        let with = wanted.definition.and_then(after_name).unwrap_or("TEMPLATE = template0");
        let quoted = quote_name(&name);
        let create = format!("CREATE DATABASE {quoted} {with}");
        for attempt in 1.. {
            if let Some(known) = look_up(&maintenance, &name).await? {
                remove_left_over(&maintenance, target, options, &name, &known).await?;
            }
            match maintenance.batch(&create).await {
                Ok(()) => break,
                // A run that was killed just now: its server process still made the database.
                Err(error)
                    if attempt < ATTEMPTS
                        && matches!(error.sqlstate(), Some("23505" | "42P04" | "55006")) =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(cannot_create(error, &name)),
            }
        }
        let side = Self { name, maintenance };
        let mark = quote_literal(&format!("{MARK}{}", wanted.backup));
        let comment = format!("COMMENT ON DATABASE {quoted} IS {mark}");
        if let Err(error) = side.maintenance.batch(&comment).await {
            let error = error.into_error(format!("cannot mark database {}", side.name));
            return Err(side.abandon(error).await);
        }
        Ok(side)
    }

    /// Drops it after a failure; returns the failure with what became of it.
    pub async fn abandon(self, error: Error) -> Error {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_name(&self.name));
        let limit = std::time::Duration::from_secs(10);
        match tokio::time::timeout(limit, self.maintenance.batch(&drop)).await {
            Ok(Ok(())) => {
                error.because(format!("the unfinished database {} was dropped", self.name))
            }
            _ => error.because(format!(
                "the unfinished database {} could not be dropped; the next restore drops it",
                self.name
            )),
        }
    }

    /// Gives it its name; an existing one becomes `previous`. In one transaction: there is no
    /// moment without a database of that name.
    ///
    /// # Errors
    /// Exit 75 when somebody is connected to the old one; both stay what they are.
    pub async fn rename(&mut self, name: &str, previous: Option<&str>) -> Result<()> {
        let mut batch = String::from("BEGIN;");
        if let Some(previous) = previous {
            batch.push_str(&rename_database(name, previous));
        }
        batch.push_str(&rename_database(&self.name, name));
        batch.push_str(&format!("COMMENT ON DATABASE {} IS NULL;COMMIT", quote_name(name)));
        if let Err(error) = self.maintenance.batch(&batch).await {
            let busy = error.sqlstate() == Some("55006");
            let failure = error.into_error(format!("cannot rename {} to {name}", self.name));
            // The connection stays in the failed transaction.
            if let Err(error) = self.maintenance.batch("ROLLBACK").await {
                return Err(failure.because(error.to_string()));
            }
            if !busy {
                return Err(failure);
            }
            return Err(failure
                .with_exit(Exit::Busy)
                .because(format!("{} is restored and complete, {name} is as it was", self.name))
                .next(format!("end the sessions in {name}, then: {batch};")));
        }
        self.name = name.to_owned();
        Ok(())
    }

    /// What belongs to the database itself: owner, settings, rights, comment; returns what failed,
    /// by the entry's number.
    pub async fn dress(&self, plan: &Plan, owner: bool) -> Vec<(usize, QueryError)> {
        let mut failed = Vec::new();
        let entries = || plan.step(Step::Database).map(|index| (index, &plan.toc.entries[index]));
        let database = entries().find(|(_, entry)| entry.kind() == "DATABASE");
        let old = database.and_then(|(_, entry)| name_in(entry.definition()));
        let new = quote_name(&self.name);
        for (index, entry) in entries() {
            let statement = if entry.kind() == "DATABASE" {
                if !owner || entry.owner_name().is_empty() {
                    continue;
                }
                format!("ALTER DATABASE {new} OWNER TO {}", quote_name(entry.owner_name()))
            } else {
                old.map_or_else(String::new, |old| renamed(entry.definition(), old, &new))
            };
            if let Err(error) = self.maintenance.batch(&statement).await {
                failed.push((index, error));
            }
        }
        failed
    }
}

fn rename_database(from: &str, to: &str) -> String {
    format!("ALTER DATABASE {} RENAME TO {};", quote_name(from), quote_name(to))
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

/// Takes the lock that says that a restore works on a database; false when another has it.
pub async fn lock(session: &Session, database: &str) -> Result<bool> {
    let key = xxhash_rust::xxh3::xxh3_64(format!("pgtend restore {database}").as_bytes());
    let rows = session.rows(sql::ADVISORY_LOCK.text, &[(&key.cast_signed(), Type::INT8)]).await;
    let rows = rows.map_err(|error| error.into_error("cannot take the lock of a restore"))?;
    let row = rows.first().ok_or_else(|| Error::bug("pg_try_advisory_lock gave no row"))?;
    row.try_get("locked").map_err(|error| Error::bug("a lock's row").caused_by(&error))
}

/// The name in `CREATE DATABASE name WITH ..`, as it is quoted there.
fn name_in(definition: &str) -> Option<&str> {
    let rest = definition.trim_start().strip_prefix("CREATE DATABASE ")?;
    if !rest.starts_with('"') {
        return rest.split([' ', ';']).next();
    }
    let mut end = 1;
    let bytes = rest.as_bytes();
    loop {
        let quote = end + memchr::memchr(b'"', bytes.get(end..)?)?;
        if bytes.get(quote + 1) != Some(&b'"') {
            return rest.get(..=quote);
        }
        end = quote + 2;
    }
}

/// What stands behind the name.
fn after_name(definition: &str) -> Option<&str> {
    let name = name_in(definition)?;
    let rest = definition.trim_start().strip_prefix("CREATE DATABASE ")?.get(name.len()..)?;
    Some(rest.trim().trim_end_matches(';'))
}

/// Statements about a database, for one of another name. pg_dump starts each on a line of its own.
fn renamed(statements: &str, old: &str, new: &str) -> String {
    let starts =
        ["ALTER DATABASE ", "ALTER ROLE ", "GRANT ", "REVOKE ", "COMMENT ON ", "SECURITY LABEL "];
    let (from, to) = (format!("DATABASE {old} "), format!("DATABASE {new} "));
    let line = |line: &str| {
        if starts.iter().any(|start| line.starts_with(start)) {
            line.replacen(&from, &to, 1)
        } else {
            line.to_owned()
        }
    };
    statements.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_statements() {
        for (definition, name, rest) in [
            (
                "CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8';\n",
                "app",
                "WITH TEMPLATE = template0 ENCODING = 'UTF8'",
            ),
            (
                "CREATE DATABASE \"a \"\"b\" WITH TEMPLATE = template0;",
                "\"a \"\"b\"",
                "WITH TEMPLATE = template0",
            ),
        ] {
            assert_eq!(name_in(definition), Some(name));
            assert_eq!(after_name(definition), Some(rest));
        }
        assert_eq!(name_in("CREATE TABLE x ();"), None);
        assert_eq!(name_in("CREATE DATABASE \"open"), None);
    }

    #[test]
    fn statements_about_a_database_get_its_new_name() {
        let old = "ALTER DATABASE app SET work_mem TO '4MB';\nALTER ROLE app IN DATABASE app SET x.y TO 'DATABASE app ';\n";
        assert_eq!(
            renamed(old, "app", "\"b\""),
            "ALTER DATABASE \"b\" SET work_mem TO '4MB';\nALTER ROLE app IN DATABASE \"b\" SET x.y TO 'DATABASE app ';\n"
        );
    }

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
