//! What the server can tell, and a sample of it.

use jiff::Timestamp;

use super::sample::{Counters, Sample};
use crate::conn::{Capabilities, QueryError, Row, Session, Statements, ToSql, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql::{self, Template};

/// Statements of one sample at most; the standard pg_stat_statements.max is 5000.
pub const MOST: i64 = 20_000;

const FAILED: &str = "cannot read pg_stat_statements";

/// Where the numbers can come from.
#[derive(Debug)]
pub enum Source {
    Statistics(Box<Ready>),
    /// The extension cannot be asked: only what runs now is seen.
    Live(Box<Capabilities>),
}

/// An extension that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// `1.11`
    pub version: String,
    pub schema: String,
    /// pg_stat_statements.max
    pub most: Option<i64>,
    pub track: Option<String>,
    pub track_utility: Option<bool>,
    pub track_planning: Option<bool>,
    pub track_io_timing: bool,
    /// From PostgreSQL 14 on.
    pub compute_query_id: Option<String>,
    pub sees_others: bool,
    pub role: String,
    pub major: u32,
    /// Bytes.
    pub block_size: u32,
    columns: Columns,
}

/// The newest known form that an extension's version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Columns {
    V1_8,
    V1_9,
    V1_10,
    V1_11,
    V1_12,
}

/// Whose statements are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// None for all.
    pub database: Option<String>,
    /// None for all.
    pub user: Option<String>,
}

impl Scope {
    /// Whether it has these counters.
    pub fn has(&self, one: &Counters) -> bool {
        self.database.as_ref().is_none_or(|name| one.database.as_ref() == Some(name))
            && self.user.as_ref().is_none_or(|name| one.user == *name)
    }
}

/// Which statements a sample is to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    pub scope: Scope,
    /// Milliseconds.
    pub min_mean_ms: f64,
    pub min_calls: i64,
}

/// Finds out what the server can tell: one round trip.
///
/// # Errors
/// Exit 3 for an extension that is too old, 77 when its schema may not be used; what the server
/// refuses.
pub async fn ready(session: &Session) -> Result<Source> {
    let (told, rows) =
        tokio::join!(session.capabilities(), session.read(sql::STATEMENTS_SETTINGS.text, &[]),);
    let told = told?;
    if told.statements != Statements::Ready {
        return Ok(Source::Live(Box::new(told)));
    }
    let rows = rows.map_err(|error| error.into_error(FAILED))?;
    let row = rows.first().ok_or_else(|| Error::bug("the extension's settings are no row"))?;
    let (version, schema): (Option<String>, Option<String>) =
        (get(row, "version")?, get(row, "schema")?);
    // It was dropped a moment ago.
    let (Some(version), Some(schema)) = (version, schema) else { return Ok(Source::Live(Box::new(told))) };
    if get::<Option<bool>>(row, "usable")? == Some(false) {
        let (schema, role) = (sql::quote_name(&schema), sql::quote_name(&told.role));
        return Err(Error::new(Exit::Refused, FAILED)
            .because(format!("the role {role} may not use the extension's schema {schema}"))
            .next(format!("as its owner: GRANT USAGE ON SCHEMA {schema} TO {role}")));
    }
    Ok(Source::Statistics(Box::new(Ready {
        columns: columns(&version)?,
        version,
        schema,
        most: get(row, "most")?,
        track: get(row, "track")?,
        track_utility: get(row, "track_utility")?,
        track_planning: get(row, "track_planning")?,
        track_io_timing: get(row, "track_io_timing")?,
        compute_query_id: get(row, "compute_query_id")?,
        sees_others: told.superuser || told.sees_activity,
        role: told.role,
        major: session.server().major(),
        block_size: session.server().block_size,
    })))
}

/// Major and minor number: 1.10 is after 1.9.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn columns(version: &str) -> Result<Columns> {
    match numbers(version) {
        Some((1, 8)) => Ok(Columns::V1_8),
        Some((1, 9)) => Ok(Columns::V1_9),
        Some((1, 10)) => Ok(Columns::V1_10),
        Some((1, 11)) => Ok(Columns::V1_11),
        Some(newer) if newer >= (1, 12) => Ok(Columns::V1_12),
        _ => Err(Error::new(Exit::Unknown, FAILED)
            .because(format!("the extension is of version {version}, and 1.8 is the oldest known"))
            .next("as its owner: ALTER EXTENSION pg_stat_statements UPDATE")),
    }
}

impl Ready {
    /// The version that the server brings, when the extension was not updated to it.
    pub fn behind(&self) -> Option<&'static str> {
        let own = match self.major {
            ..=13 => "1.8",
            14 => "1.9",
            15 | 16 => "1.10",
            17 => "1.11",
            _ => "1.12",
        };
        (numbers(&self.version) < numbers(own)).then_some(own)
    }

    /// Whether it is newer than what is known.
    pub fn is_newer(&self) -> bool {
        numbers(&self.version) > Some((1, 12))
    }

    const fn statements(&self) -> Template {
        match self.columns {
            Columns::V1_8 => sql::STATEMENTS_1_8,
            Columns::V1_9 => sql::STATEMENTS_1_9,
            Columns::V1_10 => sql::STATEMENTS_1_10,
            Columns::V1_11 => sql::STATEMENTS_1_11,
            Columns::V1_12 => sql::STATEMENTS_1_12,
        }
    }
}

/// Takes a sample: one round trip.
///
/// # Errors
/// What the server refuses.
pub async fn take(session: &Session, ready: &Ready, wanted: &Wanted) -> Result<Sample> {
    let failed = |error: QueryError| error.into_error(FAILED);
    let Wanted { scope: Scope { database, user }, min_mean_ms, min_calls } = wanted;
    let most = MOST + 1;
    let statements = ready.statements().at(&ready.schema);
    let totals = sql::STATEMENTS_TOTALS.at(&ready.schema);
    let scope: [(&(dyn ToSql + Sync), Type); 2] = [(database, Type::TEXT), (user, Type::TEXT)];
    let all: [(&(dyn ToSql + Sync), Type); 5] = [
        (database, Type::TEXT),
        (user, Type::TEXT),
        (min_mean_ms, Type::FLOAT8),
        (min_calls, Type::INT8),
        (&most, Type::INT8),
    ];
    let (rows, totals, info) =
        tokio::join!(session.read(&statements, &all), session.read(&totals, &scope), async {
            match ready.columns {
                Columns::V1_8 => Ok(Vec::new()),
                _ => session.read(&sql::STATEMENTS_INFO_1_9.at(&ready.schema), &[]).await,
            }
        },);
    let (mut rows, totals) = (rows.map_err(failed)?, totals.map_err(failed)?);
    let info = info.map_err(failed)?;
    let row = totals.first().ok_or_else(|| Error::bug("totals are no row"))?;
    let server = session.server();
    let at = moment(get(row, "at")?)?;
    let mut sample = Sample::new(at, server.system_identifier, server.version_number);
    sample.extension_version.clone_from(&ready.version);
    sample.entries = get(row, "entries")?;
    sample.chosen = get(row, "statements")?;
    sample.hidden = get(row, "hidden")?;
    sample.calls = get(row, "calls")?;
    sample.total_ms = get(row, "total_ms")?;
    if let Some(row) = info.first() {
        sample.dealloc = get(row, "dealloc")?;
        sample.reset = get::<Option<f64>>(row, "reset")?.map(moment).transpose()?;
    }
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    sample.cut = rows.len() > most;
    rows.truncate(most);
    sample.statements = rows.iter().map(counters).collect::<Result<_>>()?;
    Ok(sample)
}

/// Seconds since 1970, to the microsecond that the server counts.
#[expect(clippy::cast_possible_truncation, reason = "microseconds of this age fit")]
fn moment(seconds: f64) -> Result<Timestamp> {
    Timestamp::from_microsecond((seconds * 1e6).round() as i64)
        .map_err(|error| Error::bug("a time of the server").caused_by(&error))
}

fn counters(row: &Row) -> Result<Counters> {
    Ok(Counters {
        query_id: get(row, "query_id")?,
        user: get(row, "user_name")?,
        database: get(row, "database")?,
        toplevel: get(row, "toplevel")?,
        query: get(row, "query")?,
        calls: get(row, "calls")?,
        rows: get(row, "rows")?,
        total_ms: get(row, "total_ms")?,
        min_ms: Some(get(row, "min_ms")?),
        max_ms: Some(get(row, "max_ms")?),
        stddev_ms: Some(get(row, "stddev_ms")?),
        plans: get(row, "plans")?,
        plan_ms: get(row, "plan_ms")?,
        shared_hit: get(row, "shared_hit")?,
        shared_read: get(row, "shared_read")?,
        shared_dirtied: get(row, "shared_dirtied")?,
        shared_written: get(row, "shared_written")?,
        temp_read: get(row, "temp_read")?,
        temp_written: get(row, "temp_written")?,
        read_ms: get(row, "read_ms")?,
        write_ms: get(row, "write_ms")?,
        local_io_ms: get(row, "local_io_ms")?,
        temp_io_ms: get(row, "temp_io_ms")?,
        wal_records: get(row, "wal_records")?,
        wal_bytes: get(row, "wal_bytes")?,
        parallel_workers: get(row, "parallel_workers")?,
        since: get::<Option<f64>>(row, "since")?.map(moment).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_and_the_newest_known_form_serves_newer_ones() {
        let known = ["1.8", "1.9", "1.10", "1.11", "1.12", "1.13", "2.0"].map(columns);
        let known: Vec<Columns> = known.into_iter().map(|one| one.unwrap()).collect();
        let (newest, older) = (Columns::V1_12, [Columns::V1_8, Columns::V1_9, Columns::V1_10]);
        assert_eq!(known[..3], older);
        assert_eq!(known[4..], [newest; 3]);
        for old in ["1.7", "1.0", "x", "0.9"] {
            let error = columns(old).unwrap_err();
            assert_eq!(error.exit(), Exit::Unknown);
            assert!(error.next_steps()[0].ends_with("UPDATE"), "{error}");
        }
    }

    #[test]
    fn the_schema_is_quoted_in_every_template() {
        for template in sql::TEMPLATES {
            let text = template.at("a\"b");
            assert!(text.contains("\"a\"\"b\".pg_stat_statements"), "{}", template.name);
            let code: String = text.lines().filter(|line| !line.starts_with("--")).collect();
            assert!(!code.contains('{'), "{}", template.name);
        }
    }
}
