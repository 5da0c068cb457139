//! `--all-databases`: one backup for each database of the server.

use std::sync::Arc;

use crate::backup;
use crate::backup::all::{self, Outcome};
use crate::backup::databases::maintenance;
use crate::command::{Context, with_progress, with_signal};
use crate::error::Result;
use crate::report::backup::LeftOut;

/// Which databases.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(super) struct AllFlags {
    /// Back up every database of the server, each as a backup of its own; -d is where the list is
    /// read (default: postgres)
    #[arg(long)]
    pub(super) all_databases: bool,

    /// Leave these databases out (repeatable; pg_dumpall's patterns)
    #[arg(long, value_name = "PATTERN", requires = "all_databases")]
    pub(super) exclude_database: Vec<String>,
}

/// What became of them.
pub(super) struct MadeAll {
    /// The server, as connected.
    pub server: String,
    pub repository: String,
    pub left_out: Vec<LeftOut>,
    pub outcomes: Vec<Outcome>,
}

/// Backs up every database that the flags mean.
pub(super) async fn back_up_all(
    context: &Context,
    request: &backup::Request,
    flags: &AllFlags,
) -> Result<MadeAll> {
    let request = backup::Request { target: maintenance(&request.target), ..request.clone() };
    let work = async {
        let (session, databases) = all::find(&request, &flags.exclude_database).await?;
        for pattern in &databases.idle_patterns {
            let what = format!("--exclude-database {pattern} means no database of this server");
            request.progress.note(what);
        }
        let server = session.address().to_string();
        let outcomes = all::run_all(&request, session, databases.wanted).await;
        Ok((server, databases.left_out, outcomes))
    };
    let progress = Arc::clone(&request.progress);
    let (server, left_out, outcomes) = with_progress(context, &progress, work).await?;
    let outcomes = outcomes
        .into_iter()
        .map(|outcome| {
            let result = outcome.result.map_err(|error| with_signal(context, error));
            Outcome { result, ..outcome }
        })
        .collect();
    Ok(MadeAll { server, repository: request.store.location(), left_out, outcomes })
}
