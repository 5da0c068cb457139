//! Statistics for the planner, table by table in several sessions.

use std::sync::{Arc, Mutex, PoisonError};

use super::Request;
use super::plan::{Plan, Step};
use crate::conn::{self, SessionOptions};
use crate::error::Result;
use crate::settings::Target;
use crate::sql::quote_qualified;

/// Tables to analyze, quoted. A partitioned table stands for its partitions.
pub fn tables(plan: &Plan) -> Vec<String> {
    let entries =
        || plan.toc.entries.iter().enumerate().filter(|(index, _)| plan.is_planned(*index));
    let attached: std::collections::HashSet<(&str, &str)> = entries()
        .filter(|(_, entry)| entry.kind() == "TABLE ATTACH")
        .map(|(_, entry)| (entry.schema(), entry.name()))
        .collect();
    plan.step(Step::Before)
        .map(|index| &plan.toc.entries[index])
        .filter(|entry| matches!(entry.kind(), "TABLE" | "MATERIALIZED VIEW"))
        .filter(|entry| !attached.contains(&(entry.schema(), entry.name())))
        .map(|entry| quote_qualified(entry.schema(), entry.name()))
        .collect()
}

/// Analyzes them with the restore's number of sessions. A table that cannot be is a note: its
/// statistics come with autovacuum.
pub async fn run(
    place: &Target,
    options: &SessionOptions,
    tables: Vec<String>,
    request: &Request,
) -> Result<()> {
    let queue = Arc::new(Mutex::new(tables));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let one = async || -> Result<()> {
        if queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return Ok(());
        }
        let session = conn::connect(place, options).await?;
        while let Some(table) = next() {
            if let Err(error) = session.batch(&format!("ANALYZE {table}")).await {
                request.progress.note(format!("no statistics of {table}: {error}"));
                if error.is_lost() {
                    break;
                }
            }
        }
        Ok(())
    };
    let all = futures_util::future::try_join_all((0..request.jobs).map(|_| one()));
    tokio::select! {
        result = all => result.map(drop),
        () = request.cancel.cancelled() => Err(super::stopped()),
    }
}
