//! A database of our own on a server that runs already, marked so that a later run can tell that
//! nobody uses it any more.

use std::sync::Arc;

use crate::archive::manifest::Manifest;
use crate::conn::{self, QueryError, Session, SessionOptions, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::restore::dressing;
use crate::settings::Target;
use crate::sql::{self, quote_literal, quote_name};

/// What the name of every such database starts with; `verify/leftovers.sql` knows it too.
const PREFIX: &str = "pgtend_verify_";
/// From this version on a database says who provides its locale.
const LOCALE_PROVIDER: u32 = 150_000;

/// What a server says that does not have a locale, its provider, or the option for it.
const NO_SUCH_LOCALE: [&str; 4] = ["42809", "22023", "0A000", "42601"];

/// Settings of sessions that make things, whatever the role's or the server's own are.
pub fn for_writing() -> Vec<(String, String)> {
    let settings = [
        ("default_transaction_read_only", "off"),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("transaction_timeout", "0"),
        ("idle_session_timeout", "0"),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A database that is dropped by [`Self::end`].
#[derive(Debug)]
pub struct OnServer {
    session: Session,
    name: String,
}

impl OnServer {
    /// Drops what earlier runs left there and makes a new database.
    ///
    /// # Errors
    /// Exit 69 when the server cannot be reached; 77 when the role may not make databases.
    pub async fn start(
        target: &Target,
        manifest: &Manifest,
        definition: &str,
        progress: &Arc<Progress>,
    ) -> Result<Self> {
        progress.phase("making a database to throw away");
        let options = SessionOptions {
            application: "pgtend/verify".into(),
            retry: true,
            prompt: Some(crate::settings::ask_password),
            tell: Some(progress.listener()),
            settings: for_writing(),
            ..SessionOptions::default()
        };
        let session = conn::connect(target, &options).await?;
        refuse_unfit(&session, manifest)?;
        if session.server().system_identifier.to_string() == manifest.source.system_identifier {
            progress.note(
                "the scratch server is the backup's own source (or a copy of it): the trial \
                 uses its processors and its disk",
            );
        }
        progress.note("code of the backup runs on the scratch server with the rights of its role");
        remove_leftovers(&session, progress).await?;
        let scratch = Self { name: new_name(), session };
        create_database(&scratch.session, &scratch.name, definition, progress).await?;
        match scratch.mark().await {
            Ok(()) => Ok(scratch),
            Err(error) => {
                scratch.end().await?;
                Err(error)
            }
        }
    }

    async fn mark(&self) -> Result<()> {
        let rows =
            self.session.rows(sql::OWN_BACKEND.text, &[]).await.map_err(|error| {
                error.into_error("cannot tell the scratch server's sessions apart")
            })?;
        let row = rows.first().ok_or_else(|| Error::bug("a session without a backend"))?;
        let mark: String = get(row, "mark")?;
        let name = quote_name(&self.name);
        let comment = format!("COMMENT ON DATABASE {name} IS {}", quote_literal(&mark));
        let set = self.session.batch(&comment).await;
        set.map_err(|error| error.into_error(format!("cannot mark database {}", self.name)))
    }

    /// The database to restore into.
    pub fn target(&self) -> Target {
        self.session.same_server().in_database(&self.name)
    }

    /// `db:5432, PostgreSQL 15.18`.
    pub fn label(&self) -> String {
        let version = self.session.server().version.split_whitespace().next().unwrap_or("");
        format!("{}, PostgreSQL {version}", self.session.address())
    }

    /// Drops the database.
    ///
    /// # Errors
    /// It stays; the error names it, and the next run with the same server drops it.
    pub async fn end(self) -> Result<()> {
        drop_database(&self.session, &self.name).await.map_err(|error| {
            error
                .into_error(format!("cannot drop the scratch database {}", self.name))
                .next("drop it by hand; the next trial on the same server does it too")
        })
    }
}

fn new_name() -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    format!("{PREFIX}{random:016x}")
}

fn refuse_unfit(session: &Session, manifest: &Manifest) -> Result<()> {
    let server = session.server();
    let source = manifest.source.version_num / 10_000;
    let unfit = |cause: String| {
        Err(Error::new(Exit::Unavailable, "the scratch server cannot be used").because(cause))
    };
    if let Some(pooler) = session.sharing_pooler() {
        let shown = pooler.evidence.join("; ");
        return unfit(format!("{pooler} is between it and us: {shown}"));
    }
    if server.in_recovery {
        return unfit("it is a standby".into());
    }
    if server.major() < source {
        return unfit(format!("it is PostgreSQL {}, the backup is of {source}", server.major()));
    }
    Ok(())
}

/// Drops databases of runs that were killed.
async fn remove_leftovers(session: &Session, progress: &Arc<Progress>) -> Result<()> {
    let failed = |error: QueryError| error.into_error("cannot look for leftovers of earlier runs");
    let rows = session.rows(sql::LEFTOVERS.text, &[]).await.map_err(failed)?;
    for row in &rows {
        let name: String = get(row, "name")?;
        if !get::<bool>(row, "is_marked")? {
            progress.note(format!(
                "database {name} on the scratch server looks like ours but has no mark: drop it \
                 by hand if it is"
            ));
            continue;
        }
        match drop_database(session, &name).await {
            Ok(()) => progress.note(format!("dropped {name}, which a killed run has left")),
            Err(error) => progress.note(format!("cannot drop {name} of a killed run: {error}")),
        }
    }
    Ok(())
}

async fn drop_database(session: &Session, name: &str) -> Result<(), QueryError> {
    session.batch(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_name(name))).await
}

/// Makes a database with the options of the archive's own `CREATE DATABASE`: its encoding and its
/// locale, which decides where rows of partitions by text go. Where that locale is not installed,
/// with the locale C.
pub(super) async fn create_database(
    session: &Session,
    name: &str,
    definition: &str,
    progress: &Arc<Progress>,
) -> Result<()> {
    let create = |options: &str| format!("CREATE DATABASE {} {options}", quote_name(name));
    let options = options_of(definition);
    // As one statement: nothing can hide behind it.
    let made = session.rows(&create(&options), &[]).await;
    let Err(error) = made else { return Ok(()) };
    let failed = |error: QueryError| error.into_error("cannot make a database to throw away");
    if !error.sqlstate().is_some_and(|state| NO_SUCH_LOCALE.contains(&state)) {
        return Err(failed(error));
    }
    progress.note(format!(
        "the source's locale cannot be had here ({}): restoring with the locale C",
        error.message()
    ));
    let provider = if session.server().version_number >= LOCALE_PROVIDER {
        " LOCALE_PROVIDER = libc"
    } else {
        ""
    };
    let encoding = encoding_of(&options);
    let plain = format!("{TEMPLATE}{encoding}{provider} LC_COLLATE = 'C' LC_CTYPE = 'C'");
    session.rows(&create(&plain), &[]).await.map(drop).map_err(failed)
}

const TEMPLATE: &str = "WITH TEMPLATE = template0";

/// The options of the archive's statement, without a tablespace.
fn options_of(definition: &str) -> String {
    let options = dressing::options(definition).unwrap_or(TEMPLATE);
    dressing::without_tablespace(options).unwrap_or_else(|| options.to_owned()).trim_end().into()
}

/// ` ENCODING = 'UTF8'` out of such options.
fn encoding_of(options: &str) -> String {
    let start = options.find(" ENCODING = '");
    let found = start.and_then(|start| {
        let value = start + " ENCODING = '".len();
        let end = options[value..].find('\'')? + value;
        Some(options[start..=end].to_owned())
    });
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_made_as_the_archive_says_but_in_no_tablespace() {
        let definition = "CREATE DATABASE \"a b\" WITH TEMPLATE = template0 ENCODING = 'UTF8' \
                          LOCALE_PROVIDER = libc LOCALE = 'de_DE.UTF-8' TABLESPACE = fast;\n\n\n";
        let options = options_of(definition);
        assert_eq!(
            options,
            "WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc \
             LOCALE = 'de_DE.UTF-8'"
        );
        assert_eq!(encoding_of(&options), " ENCODING = 'UTF8'");
        assert_eq!((options_of("").as_str(), encoding_of("").as_str()), (TEMPLATE, ""));
    }
}
