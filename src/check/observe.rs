//! Asking: every question of every check in one go.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::facts::{Answer, Facts, SCHEMA, Sight};
use super::question::{Question, as_json};
use super::registry::Check;
use crate::conn::{Provider, QueryError, Session, ToSql, Type, get};
use crate::error::{Error, Result};
use crate::report::check::Looked;
use crate::settings::CheckSettings;
use crate::sql;

/// Reads what the checks need with these settings: one round trip, whatever they are. A question
/// that fails or takes too long is kept as an answer that is not known.
///
/// # Errors
/// Exit 69, when the server does not even say who we are.
pub async fn observe(
    session: &Session,
    checks: &[&Check],
    settings: &CheckSettings,
    limit: Duration,
) -> Result<Facts> {
    ask_all(session, questions(checks, settings), limit).await
}

/// Reads the earlier sample: what the checks compare, and nothing else.
///
/// # Errors
/// As [`observe`].
pub async fn observe_compared(
    session: &Session,
    checks: &[&Check],
    settings: &CheckSettings,
    limit: Duration,
) -> Result<Facts> {
    let mut questions = questions(checks, settings);
    questions.retain(|question| question.is_compared);
    ask_all(session, questions, limit).await
}

/// What they ask, each once.
fn questions(checks: &[&Check], settings: &CheckSettings) -> Vec<&'static Question> {
    let mut questions: Vec<&Question> = Vec::new();
    for question in checks.iter().flat_map(|check| check.asks) {
        let is_known = questions.iter().any(|known| known.name == question.name);
        if !is_known && (question.is_wanted)(settings) {
            questions.push(question);
        }
    }
    questions
}

async fn ask_all(session: &Session, questions: Vec<&Question>, limit: Duration) -> Result<Facts> {
    let deadline = Instant::now() + limit;
    let (sight, answers) = tokio::join!(
        sight(session),
        join_all(questions.iter().map(|question| ask(session, question, deadline, limit))),
    );
    let (answers, arrived): (Vec<Answer>, Vec<Instant>) = answers.into_iter().unzip();
    let (at, sight) = sight?;
    let (server, address) = (session.server(), session.address());
    Ok(Facts {
        schema: SCHEMA.to_owned(),
        pgtend: env!("CARGO_PKG_VERSION").to_owned(),
        at,
        server: Looked {
            host: address.host.clone(),
            port: address.port,
            database: server.database.clone(),
            user: server.role.clone(),
            version: server.version.clone(),
            version_number: server.version_number,
            in_recovery: server.in_recovery,
            database_type: "postgresql".to_owned(),
            connect_seconds: session.connect_time().as_secs_f64(),
        },
        system_identifier: server.system_identifier.to_string(),
        sight,
        certificate_expiry: session.certificate_expiry(),
        encrypted: session.is_encrypted(),
        answers: names(&questions).zip(answers).collect(),
        milliseconds: names(&questions).zip(between(&arrived)).collect(),
        beside: BTreeMap::new(),
    })
}

/// What the role sees, and the server's clock.
///
/// # Errors
/// Exit 69, when the server does not say.
pub async fn sight(session: &Session) -> Result<(Timestamp, Sight)> {
    let [roles, settings, functions] = Provider::questions();
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&roles, Type::TEXT_ARRAY), (&settings, Type::TEXT_ARRAY), (&functions, Type::TEXT_ARRAY)];
    let rows = session.read(sql::CHECK_SIGHT.text, &params).await;
    let rows = rows.map_err(|error| error.into_error("cannot find out what this role may see"))?;
    let row = rows.first().ok_or_else(|| Error::bug("the sight has no row"))?;
    let at = Timestamp::from_microsecond(get(row, "at_us")?)
        .map_err(|error| Error::bug("the server's clock").caused_by(&error))?;
    let list = |column| get::<Vec<String>>(row, column);
    let provider = Provider::of(
        &session.address().host,
        &list("provider_roles")?,
        &list("provider_settings")?,
        &list("provider_functions")?,
    );
    let sight = Sight {
        role: session.server().role.clone(),
        superuser: get(row, "superuser")?,
        stats: get(row, "stats")?,
        settings: get(row, "settings")?,
        all_data: get(row, "all_data")?,
        wal_dir: get(row, "wal_dir")?,
        hba_rules: get(row, "hba_rules")?,
        passwords: get(row, "passwords")?,
        provider: provider.certain(),
        perhaps: provider.perhaps,
    };
    Ok((at, sight))
}

fn names<'a>(questions: &'a [&Question]) -> impl Iterator<Item = String> + 'a {
    questions.iter().map(|question| question.name.to_owned())
}

/// The answers come one after the other: from one to the next is the time of a statement, for all
/// but the first, which has the way in it.
fn between(arrived: &[Instant]) -> impl Iterator<Item = f64> {
    let mut last = arrived.first().copied();
    arrived.iter().map(move |at| {
        let time = last.map_or(Duration::ZERO, |last| at.saturating_duration_since(last));
        last = Some(last.map_or(*at, |last| last.max(*at)));
        time.as_secs_f64() * 1000.0
    })
}

async fn ask(
    session: &Session,
    question: &Question,
    deadline: Instant,
    limit: Duration,
) -> (Answer, Instant) {
    let answer = answer(session, question, deadline, limit).await;
    (answer, Instant::now())
}

async fn answer(
    session: &Session,
    question: &Question,
    deadline: Instant,
    limit: Duration,
) -> Answer {
    let Some(query) = question.at(session.server().version_number) else { return Answer::TooOld };
    let text = as_json(query);
    let rows = match timeout_at(deadline, session.read(&text, &[])).await {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => return failed(&error),
        Err(_) => {
            let why = format!("there was no answer within the time limit of {} s", limit.as_secs());
            return Answer::Failed { why, state: None };
        }
    };
    let text =
        rows.first().ok_or_else(|| Error::bug("no row")).and_then(|row| get::<&str>(row, "answer"));
    match text.map(serde_json::from_str::<Vec<Value>>) {
        Ok(Ok(rows)) => Answer::Rows(rows),
        Ok(Err(error)) => Answer::Failed { why: format!("not JSON: {error}"), state: None },
        Err(error) => Answer::Failed { why: error.what().to_owned(), state: None },
    }
}

fn failed(error: &QueryError) -> Answer {
    let why = match error.sqlstate() {
        Some("57014") => "the statement took longer than its time limit".to_owned(),
        Some("55P03") => "a lock was not to be had at once".to_owned(),
        _ => error.message(),
    };
    Answer::Failed { why, state: error.sqlstate().map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::registry::find;

    #[test]
    fn what_no_setting_needs_is_not_asked() {
        let names = |settings: &CheckSettings| -> Vec<&str> {
            let checks = ["sec.rls", "schema.expected"].map(|id| find(id).unwrap());
            questions(&checks, settings).iter().map(|question| question.name).collect()
        };
        assert_eq!(names(&CheckSettings::default()), ["row_security"]);
        let settings = CheckSettings {
            rls_required: vec!["public.*".to_owned()],
            schema_expected: Some("objects".into()),
            ..CheckSettings::default()
        };
        assert_eq!(names(&settings), ["row_security", "unprotected_tables", "objects"]);
    }
}
