//! The generic plan of a statement: `EXPLAIN (GENERIC_PLAN)`, from PostgreSQL 16 on.
//!
//! It is planned and never run. Planning itself may run functions that are declared immutable,
//! with the rights of the session, and a read-only transaction does not stop all that they can do:
//! as with any `EXPLAIN`. So a statement of another role is planned only when its id is given.

use crate::conn::Session;
use crate::report::slow_queries::{Plan, RankedQuery};

/// The oldest major version with `GENERIC_PLAN`.
const SINCE: u32 = 16;

/// What a statement that has a plan starts with.
const KINDS: [&str; 6] = ["select", "insert", "update", "delete", "merge", "with"];

/// Where planning stops; the names of the statement mean what they mean to a new session.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; \
                     SET LOCAL lock_timeout = '1s'; SET LOCAL search_path TO DEFAULT";

/// Asks for the plan of a statement; why there is none stands in it.
pub async fn explain(session: &Session, of: Option<&RankedQuery>) -> Plan {
    let mut plan = Plan {
        query_id: of.and_then(|one| one.query_id.clone()),
        query: of.and_then(|one| one.query.clone()),
        lines: Vec::new(),
        failed: None,
    };
    match statement(session, of) {
        Err(why) => plan.failed = Some(why),
        Ok(statement) => {
            let batch = format!("{BEGIN}; EXPLAIN (GENERIC_PLAN, COSTS) {statement}");
            // The end is sent at once behind it: nothing stays open, whatever becomes of the plan.
            let (rows, ended) = tokio::join!(session.simple(&batch), session.batch("ROLLBACK"));
            match rows {
                Ok(rows) => {
                    plan.lines = rows.into_iter().flatten().flatten().collect();
                    plan.failed = ended.err().map(|error| error.message());
                }
                Err(error) => plan.failed = Some(refused(&error)),
            }
        }
    }
    plan
}

fn refused(error: &crate::conn::QueryError) -> String {
    let path = match error.sqlstate() {
        // Undefined table, function or type.
        Some("42P01" | "42883" | "42704") => {
            " (its search_path is not known; the one of a new session was taken)"
        }
        _ => "",
    };
    format!("the server refused: {error}{path}")
}

/// The statement, when it is one that can be planned here.
fn statement<'a>(session: &Session, of: Option<&'a RankedQuery>) -> Result<&'a str, String> {
    let major = session.server().major();
    if major < SINCE {
        return Err(format!(
            "PostgreSQL {major} cannot plan a statement without its values: EXPLAIN \
             (GENERIC_PLAN) came with {SINCE}; run EXPLAIN with values of your own"
        ));
    }
    let of = of.ok_or(
        "no such statement is in this ranking, or, without an id, none of this role's own: read \
         the text of the one that is meant, for planning can run functions with your rights, and \
         give its id",
    )?;
    let text = of.query.as_deref().ok_or("its text is hidden from this role")?;
    let here = &session.server().database;
    if of.database.as_ref() != Some(here) {
        let there = of.database.as_deref().unwrap_or("a database that is gone");
        return Err(format!("it is of the database {there}, and this session is in {here}"));
    }
    plannable(text)
}

/// One statement of a kind that has a plan. A text with a semicolon is refused wherever that
/// stands: what ends a string depends on settings of the session that sent it.
fn plannable(text: &str) -> Result<&str, String> {
    let text = text.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    if text.contains(';') {
        return Err("its text has a semicolon: it may be more than one statement".into());
    }
    if text.contains('\0') {
        return Err("its text has a null character".into());
    }
    let first = without_comments(text).unwrap_or("");
    let word: String = first
        .chars()
        .skip_while(|c| *c == '(')
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_lowercase();
    if KINDS.contains(&word.as_str()) {
        return Ok(text);
    }
    Err("only SELECT, INSERT, UPDATE, DELETE, MERGE and WITH have a plan".into())
}

/// The text behind the comments at its start; none when one does not end.
fn without_comments(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n')?.1.trim_start()
        } else if rest.starts_with("/*") {
            behind_block(rest)?.trim_start()
        } else {
            return Some(rest);
        };
    }
}

/// Behind a block comment; such comments nest.
fn behind_block(text: &str) -> Option<&str> {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = text.get(at..)?;
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return text.get(at..);
            }
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_statements_with_a_plan_are_taken() {
        for text in [
            "select $1",
            "  SELECT\n1 ; \n",
            "/* app:é /* nested */ */ -- x\n with a as (select 1) table a",
            "(select 1) union (select 2)",
            "merge into t using u on true when matched then delete",
        ] {
            assert!(plannable(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "select 1; drop table t",
            "select ';'",
            "create table t as select 1",
            "explain analyze select 1",
            "analyze t",
            "/* select */ vacuum",
            "/* select",
            "-- select 1",
            "selecting",
            "commit",
        ] {
            assert!(plannable(text).is_err(), "{text}");
        }
    }
}
