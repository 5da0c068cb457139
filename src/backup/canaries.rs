//! Canaries: what a table's newest row looks like, for comparison with the next backup's.
//!
//! Only what an index knows without a scan: the largest value of the primary key's one column, and
//! the newest time of a column that leads an index. Asked under the backup's snapshot, in a
//! subtransaction of the coordinator's: it holds the locks, so nothing waits, and whatever goes
//! wrong costs one canary and not the snapshot.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::table::Table;
use crate::archive::manifest::{Canary, LargestId, NewestTime};
use crate::conn::{QueryError, Session, Type, get};
use crate::error::{Error, Result};
use crate::sql::{self, quote_name, quote_qualified};

/// Tables that are asked, the largest; the others are small, or too many.
const TABLES: usize = 500;
/// Questions in one round trip.
const BATCH: usize = 50;
/// What one question may take, also for a lock on an index: an index answers in far less.
/// The readers read meanwhile.
const QUESTION: Duration = Duration::from_secs(2);
/// What all of them may take.
const BUDGET: Duration = Duration::from_secs(5);

/// One question: a column that an index leads to.
struct Question {
    oid: u32,
    column: String,
    is_time: bool,
    sql: String,
}

/// The canaries of a backup's tables, by oid. What no index tells is not in them.
///
/// # Errors
/// The coordinator's transaction cannot go on.
pub async fn take(
    session: &Session,
    tables: &[Table],
    taken: jiff::Timestamp,
) -> Result<HashMap<u32, Canary>> {
    let failed = |error: QueryError| error.into_error("cannot ask for the tables' newest rows");
    let begin = format!(
        "SAVEPOINT canaries; SET LOCAL statement_timeout = {0}; SET LOCAL lock_timeout = {0}; \
         SET LOCAL enable_seqscan = off",
        QUESTION.as_millis()
    );
    session.batch(&begin).await.map_err(failed)?;
    let answered = ask(session, &begin, tables, taken).await;
    // Takes the settings back too.
    let end = "ROLLBACK TO SAVEPOINT canaries; RELEASE SAVEPOINT canaries";
    session.batch(end).await.map_err(failed)?;
    answered
}

async fn ask(
    session: &Session,
    begin: &str,
    tables: &[Table],
    taken: jiff::Timestamp,
) -> Result<HashMap<u32, Canary>> {
    let clock = Instant::now();
    let mut canaries = HashMap::new();
    let questions = match questions(session, tables, taken, &mut canaries).await {
        Ok(questions) => questions,
        Err(error) if error.is_lost() => return Err(lost(error)),
        // Without the catalog's help nothing is known, which is no fault of the backup's.
        Err(_) => return Ok(HashMap::new()),
    };
    for batch in questions.chunks(BATCH) {
        if clock.elapsed() > BUDGET {
            break;
        }
        match answers(session, batch).await {
            Ok(answers) => note(&mut canaries, batch, &answers),
            Err(error) if error.is_lost() => return Err(lost(error)),
            Err(_) => one_by_one(session, begin, batch, clock, &mut canaries).await?,
        }
    }
    Ok(canaries)
}

/// One of them cannot be answered in time: the others can.
async fn one_by_one(
    session: &Session,
    begin: &str,
    batch: &[Question],
    clock: Instant,
    canaries: &mut HashMap<u32, Canary>,
) -> Result<()> {
    let again = format!("ROLLBACK TO SAVEPOINT canaries; {begin}");
    for question in batch.chunks(1) {
        if clock.elapsed() > BUDGET {
            break;
        }
        session.batch(&again).await.map_err(lost)?;
        match answers(session, question).await {
            Ok(answers) => note(canaries, question, &answers),
            Err(error) if error.is_lost() => return Err(lost(error)),
            Err(_) => {}
        }
    }
    session.batch(&again).await.map_err(lost)
}

fn lost(error: QueryError) -> Error {
    error.into_error("cannot ask for the tables' newest rows")
}

/// Looks the columns up; notes the partitioned table of each partition on the way.
async fn questions(
    session: &Session,
    tables: &[Table],
    taken: jiff::Timestamp,
    canaries: &mut HashMap<u32, Canary>,
) -> std::result::Result<Vec<Question>, QueryError> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let rows = session.rows(sql::CANARIES.text, &[(&oids, Type::OID_ARRAY)]).await?;
    let by_oid: HashMap<u32, &Table> = tables.iter().map(|table| (table.oid, table)).collect();
    let mut questions = Vec::new();
    for row in &rows {
        let (Ok(oid), Ok(root)) = (get::<u32>(row, "oid"), get::<Option<String>>(row, "root"))
        else {
            continue;
        };
        canaries.entry(oid).or_insert(Canary { root, ..Canary::default() });
        let (Ok(column), Ok(is_time)) =
            (get::<Option<String>>(row, "column_name"), get::<Option<bool>>(row, "is_time"))
        else {
            continue;
        };
        if let (Some(column), Some(is_time), Some(table)) = (column, is_time, by_oid.get(&oid))
            && table.heap_bytes > 0
        {
            let sql = question(table, &column, is_time, taken);
            questions.push((table.heap_bytes, Question { oid, column, is_time, sql }));
        }
    }
    questions.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    questions.truncate(TABLES);
    Ok(questions.into_iter().map(|(_, question)| question).collect())
}

/// Times in the future (an expiry, "for ever") are no sign of life.
fn question(table: &Table, column: &str, is_time: bool, taken: jiff::Timestamp) -> String {
    let name = quote_qualified(&table.schema, &table.name);
    let column = quote_name(column);
    if is_time {
        // To the microsecond: all rows of a busy table's only partition can be of this second.
        let limit = taken.strftime("%Y-%m-%d %H:%M:%S%.6f+00");
        format!(
            "SELECT pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.max({column})))\
             ::pg_catalog.int8 FROM ONLY {name} WHERE {column} <= '{limit}';"
        )
    } else {
        format!("SELECT pg_catalog.max({column})::pg_catalog.int8 FROM ONLY {name};")
    }
}

async fn answers(
    session: &Session,
    questions: &[Question],
) -> std::result::Result<Vec<Option<i64>>, QueryError> {
    let sql: String = questions.iter().map(|question| question.sql.as_str()).collect();
    let rows = session.simple(&sql).await?;
    let value = |row: &Vec<Option<String>>| row.first()?.as_ref()?.parse().ok();
    Ok(rows.iter().map(value).collect())
}

fn note(canaries: &mut HashMap<u32, Canary>, asked: &[Question], answers: &[Option<i64>]) {
    if asked.len() != answers.len() {
        return;
    }
    for (question, answer) in asked.iter().zip(answers) {
        let Some(value) = *answer else { continue };
        let canary = canaries.entry(question.oid).or_default();
        let column = question.column.clone();
        if !question.is_time {
            canary.largest_id = Some(LargestId { column, value });
        } else if let Ok(at) = jiff::Timestamp::from_second(value) {
            canary.newest = Some(NewestTime { column, at });
        }
    }
}
