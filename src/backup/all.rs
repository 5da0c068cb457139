//! Every database of a server, one after another.

use std::sync::Arc;
use std::time::Instant;

use super::databases::{self, Databases};
use super::globals::{Globals, Kept};
use super::{Request, run};
use crate::conn::{self, Session, SessionOptions};
use crate::error::{Error, Result};
use crate::report::backup::Backup;

/// The reason, for programs, of a backup that was not begun because the run was stopped.
pub const NOT_STARTED: &str = "not-started";

/// What became of one database.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub database: String,
    /// Its backup, or why there is none.
    pub result: Result<Backup>,
    /// How long it took.
    pub seconds: f64,
    /// When it ended.
    pub ended: jiff::Timestamp,
}

/// The databases of the server that the request's target names, found through the database there.
///
/// # Errors
/// Those of the connection; none of it is about a single database.
pub async fn find(request: &Request, exclude: &[String]) -> Result<(Session, Databases)> {
    let options = SessionOptions {
        application: "pgtend/backup".into(),
        read_only: true,
        retry: true,
        prompt: Some(crate::settings::ask_password),
        tell: Some(request.progress.listener()),
        ..SessionOptions::default()
    };
    let found = async {
        let session = conn::connect(&request.target, &options).await?;
        let databases = databases::list(&session, exclude).await?;
        if databases.wanted.is_empty() {
            let error = Error::usage("no database is left to back up");
            return Err(databases.left_out.iter().fold(error, |error, left_out| {
                error.because(format!("{}: {}", left_out.database, left_out.reason))
            }));
        }
        Ok((session, databases))
    };
    tokio::select! {
        found = found => found,
        () = request.cancel.cancelled() => Err(super::stopped()),
    }
}

/// Backs up each of them; one that fails does not hold the others up, a stop ends the rest.
///
/// Roles and tablespaces are read once, and each backup has a copy: each restores by itself,
/// and none loses them when another is removed.
pub async fn run_all(
    request: &Request,
    session: Session,
    wanted: Vec<(String, Result<()>)>,
) -> Vec<Outcome> {
    let globals = match &request.globals {
        Globals::LeaveOut => Globals::LeaveOut,
        _ => Globals::Once(Arc::new(Kept::default())),
    };
    let server = session.same_server();
    // It is not needed any more, and connections may be few.
    drop(session);
    let count = wanted.len();
    let mut outcomes = Vec::with_capacity(count);
    for (number, (database, allowed)) in (1..).zip(wanted) {
        let clock = Instant::now();
        request.progress.about(&database);
        let result = match allowed {
            _ if request.cancel.is_cancelled() => Err(super::stopped().reason(NOT_STARTED)),
            Err(refused) => Err(refused),
            Ok(()) => {
                request.progress.note(format!("database {database} ({number} of {count})"));
                let target = server.other_database(&database);
                let globals = globals.clone();
                run(&Request { target, globals, ..request.clone() }).await
            }
        };
        let seconds = clock.elapsed().as_secs_f64();
        outcomes.push(Outcome { database, result, seconds, ended: jiff::Timestamp::now() });
    }
    outcomes
}
