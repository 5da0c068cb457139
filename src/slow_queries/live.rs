//! What runs now, where the statistics cannot be asked.

use super::enable;
use super::rank::Asked;
use crate::conn::{Capabilities, Row, Session, Statements, Type, get};
use crate::error::Result;
use crate::report::slow_queries::{LiveStatement, SlowQueriesReport};
use crate::sql;

/// The statements that run now, the longest first: one round trip. The report says that the
/// ranking could not be seen, and how to have it.
///
/// # Errors
/// What the server refuses.
pub async fn live(
    session: &Session,
    told: &Capabilities,
    asked: &Asked,
) -> Result<SlowQueriesReport> {
    let limit = i64::try_from(asked.limit).unwrap_or(i64::MAX).saturating_add(1);
    let scope = &asked.scope;
    let rows = session
        .read(
            sql::LIVE_STATEMENTS.text,
            &[(&scope.database, Type::TEXT), (&scope.user, Type::TEXT), (&limit, Type::INT8)],
        )
        .await
        .map_err(|error| error.into_error("cannot read pg_stat_activity"))?;
    let limit_reached = rows.len() > asked.limit;
    let (mut live, mut hidden) = (Vec::new(), 0);
    for row in rows.iter().take(asked.limit) {
        if get(row, "hidden")? {
            hidden += 1;
        } else {
            live.push(statement(row)?);
        }
    }
    let mut unseen = vec![why(told.statements)];
    if hidden > 0 {
        unseen.push(format!(
            "what {hidden} session{} of other roles run{}: GRANT pg_read_all_stats TO {}",
            if hidden == 1 { "" } else { "s" },
            if hidden == 1 { "s" } else { "" },
            sql::quote_name(&told.role)
        ));
    }
    Ok(SlowQueriesReport {
        source: "pg_stat_activity",
        database: scope.database.clone(),
        user: scope.user.clone(),
        sort: "seconds",
        min_mean_ms: asked.min_mean_ms,
        min_calls: asked.min_calls,
        limit_reached,
        period: None,
        total_ms: 0.0,
        calls: 0,
        statements: 0,
        left_out: 0,
        left_out_share: None,
        queries: Vec::new(),
        trust: None,
        comparison: None,
        fail_mean: None,
        plan: None,
        live,
        enable: enable::steps(told),
        saved: None,
        notes: Vec::new(),
        unseen,
    })
}

fn why(statements: Statements) -> String {
    let cause = match statements {
        Statements::Ready => "the extension was dropped a moment ago",
        Statements::NoExtension => {
            "the server counts them, but this database has no extension pg_stat_statements"
        }
        Statements::NotLoaded => {
            "the extension is there, but pg_stat_statements is not in shared_preload_libraries"
        }
        Statements::Absent => "pg_stat_statements is not in shared_preload_libraries",
    };
    format!("the ranking of statements: {cause}; this is what runs now")
}

fn statement(row: &Row) -> Result<LiveStatement> {
    let kind: Option<String> = get(row, "wait_event_type")?;
    let event: Option<String> = get(row, "wait_event")?;
    Ok(LiveStatement {
        pid: get(row, "pid")?,
        user: get(row, "user_name")?,
        database: get(row, "database")?,
        application: get(row, "application")?,
        seconds: get(row, "seconds")?,
        waits_for: kind.zip(event).map(|(kind, event)| format!("{kind}: {event}")),
        query: get(row, "query")?,
    })
}
