//! `--all-databases`: every database of a server, each judged as a target of its own.
//!
//! One after the other: a server is asked through one connection, however many databases it has.

use tokio::time::timeout;

use super::look::{Job, silent};
use crate::backup::databases::{self, Databases, maintenance};
use crate::conn::Routed;
use crate::error::{Error, Result};
use crate::report::backup::LeftOut;
use crate::report::check::ServerChecks;
use crate::settings::Target;

/// Which databases of a server.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Look at every database of each server, one after the other, each as a target of its own
    /// (TARGET/DATABASE); -d is where the list is read (default: postgres)
    #[arg(long, conflicts_with_all = ["state", "save", "watch"])]
    all_databases: bool,
    /// Leave these databases out (repeatable; pg_dumpall's patterns)
    #[arg(long, value_name = "PATTERN", requires = "all_databases")]
    exclude_database: Vec<String>,
}

impl Flags {
    /// Whether all databases are meant.
    pub const fn are_all(&self) -> bool {
        self.all_databases
    }
}

impl Job<'_> {
    /// Looks at every database of a server; `only` when no other server is looked at.
    ///
    /// # Errors
    /// Those of a single server that are not about it: usage, bugs.
    pub async fn look_at_databases(
        &self,
        target: &Target,
        only: bool,
    ) -> Result<Vec<ServerChecks>> {
        let names = match self.databases(target, only).await {
            Ok(names) => names,
            Err(error) => {
                let label = target.name.clone();
                return self.not_judged(label, target, error, only).map(|server| vec![server]);
            }
        };
        let mut servers = Vec::with_capacity(names.len());
        for name in names {
            servers.push(self.until_quiet(&target.other_database(&name), false).await?);
        }
        Ok(servers)
    }

    /// The names of its databases; tells which are left out.
    async fn databases(&self, target: &Target, only: bool) -> Result<Vec<String>> {
        let limit = self.args.time_limit;
        let options = self.options(only);
        let asked = async {
            let Routed { session, .. } = self.context.route(&maintenance(target), &options).await?;
            databases::list(&session, &self.args.databases.exclude_database).await
        };
        let Databases { wanted, left_out, idle_patterns } =
            timeout(limit, asked).await.unwrap_or_else(|_| Err(silent(limit)))?;
        let server = target.name.clone().unwrap_or_else(|| target.servers());
        for pattern in idle_patterns {
            let what = format!("--exclude-database {pattern} means no database of {server}");
            self.context.ui.note(&what);
        }
        if wanted.is_empty() {
            let error = Error::usage("no database is left to check");
            return Err(left_out.iter().fold(error, |error, LeftOut { database, reason }| {
                error.because(format!("{database}: {reason}"))
            }));
        }
        self.notes.borrow_mut().extend(said(&server, &left_out));
        // What keeps the role out of one is said by that one.
        Ok(wanted.into_iter().map(|(name, _)| name).collect())
    }
}

/// What is not looked at, in one line.
fn said(server: &str, left_out: &[LeftOut]) -> Option<String> {
    let one = |LeftOut { database, reason }: &LeftOut| format!("{database}, {reason}");
    let all: Vec<String> = left_out.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("left out of {server}: {}", all.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_in_one_line() {
        let left_out = |database: &str, reason: &str| LeftOut {
            database: database.into(),
            reason: reason.into(),
        };
        let some = [left_out("template0", "a template database"), left_out("x", "--exclude")];
        let line = "left out of prod: template0, a template database; x, --exclude";
        assert_eq!(said("prod", &some).as_deref(), Some(line));
        assert_eq!(said("prod", &[]), None);
    }
}
