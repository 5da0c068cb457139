//! Taking the place of what is there: the drop pass, and foreign keys of other tables.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::dependents::ForeignKey;
use super::fit::Fit;
use crate::conn::Session;
use crate::error::{Error, Result};
use crate::report::restore::NotValidated;
use crate::sql::{self, quote_name, quote_qualified};

/// Longest wait for a lock on what is dropped.
const LOCK_WAIT: &str = "60s";
/// Between two signs of life of a session that waits: shorter than what firewalls forget.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Drops what the backup has too, in one transaction: when something cannot be dropped, or the run
/// is stopped before the end, nothing is.
pub async fn drop_first(control: &Session, fit: &Fit, cancel: &CancellationToken) -> Result<()> {
    let keys = fit.outside.foreign_keys.iter().map(|key| key.drop.as_str());
    let drops = fit.drops.iter().map(|drop| drop.sql.as_str());
    let all: Vec<&str> = keys.chain(drops).collect();
    let batch = format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_WAIT}'; {}", all.join("\n"));
    let stopped = || Err(super::stopped().because("nothing was dropped"));
    let dropped = tokio::select! {
        dropped = control.batch(&batch) => dropped,
        () = cancel.cancelled() => {
            // Its transaction ends with the session; the statement is asked to end with it.
            control.cancel().await?;
            return stopped();
        }
    };
    if let Err(error) = dropped {
        let locks = error.sqlstate() == Some("53200");
        let failure =
            error.into_error("cannot drop what the backup has too").because("nothing was dropped");
        return Err(if locks {
            failure.next("raise max_locks_per_transaction on the server, or use --swap")
        } else {
            failure.next("restore beside it: --swap, or --into another database with --create")
        });
    }
    if cancel.is_cancelled() {
        return stopped();
    }
    control.batch("COMMIT").await.map_err(|error| {
        let lost = error.is_lost();
        let failure = error.into_error("cannot drop what the backup has too");
        if lost {
            failure
                .because("whether it was dropped is not known")
                .next("restore again with --clean")
        } else {
            failure.because("nothing was dropped")
        }
    })
}

/// A foreign key that is there again, without a look at its rows.
pub fn not_validated(key: &ForeignKey) -> NotValidated {
    let table = quote_qualified(&key.schema, &key.table);
    NotValidated {
        constraint: format!("{}.{} {}", key.schema, key.table, key.name),
        statement: format!("ALTER TABLE {table} VALIDATE CONSTRAINT {};", quote_name(&key.name)),
    }
}

/// Shows now and then that a session lives; ends only when it does not. While rows are loaded its
/// loss may mean that the server went down, and with it rows that were not durable yet.
pub async fn keep_alive(control: &Session) -> Error {
    loop {
        tokio::time::sleep(PING_EVERY).await;
        if let Err(error) = control.rows(sql::PING.text, &[]).await {
            return error
                .into_error("the session that holds the restore's lock is lost")
                .because("rows that were loaded may be lost with it, when the server went down");
        }
    }
}
