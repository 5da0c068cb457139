//! What speaks against a restore, before anything is touched.

use super::Request;
use super::side;
use super::source::Source;
use crate::conn::{Session, get};
use crate::consent::Danger;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql;

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Objects that neither the server nor an extension put there.
    pub objects: i64,
    /// Names of some.
    pub names: Vec<String>,
}

impl Content {
    /// Reads it.
    pub async fn of(session: &Session) -> Result<Self> {
        let rows = session.rows(sql::CONTENT.text, &[]).await;
        let rows = rows.map_err(|error| error.into_error("cannot see what the database holds"))?;
        let row = rows.first().ok_or_else(|| Error::bug("a count gave no row"))?;
        let names: Option<Vec<String>> = get(row, "names")?;
        Ok(Self { objects: get(row, "objects")?, names: names.into_iter().flatten().collect() })
    }
}

/// Whether this database is the one that was backed up, and how that shows.
///
/// Replicas and restored snapshots share the system identifier and the oid: they are asked for
/// too, for nothing tells them from the source. `oid` is of the database that would change.
pub fn is_source(source: &Source, session: &Session, oid: u32, name: &str) -> Option<String> {
    let (server, manifest) = (session.server(), &source.manifest);
    let same_system = manifest.source.system_identifier == server.system_identifier.to_string();
    if same_system && manifest.database.oid == oid {
        return Some(format!(
            "system identifier {} and database oid {oid} are those of the source",
            manifest.source.system_identifier
        ));
    }
    // One server has many addresses, and a database that was swapped has another oid.
    if same_system && manifest.database.name == name {
        return Some(format!("the server and the name {name} are those of the source"));
    }
    let address = session.address().to_string();
    if manifest.source.address == address && manifest.database.name == name {
        return Some(format!("{address} and the name {name} are those of the source"));
    }
    None
}

/// Refuses what must not happen; tells how dangerous the rest is. For a database that exists:
/// `content` is what it holds, `source` why it seems to be the backup's own.
pub fn judge(request: &Request, content: &Content, source: Option<String>) -> Result<Danger> {
    let name = request.into.clone();
    // Parts of which the target has something are refused by themselves.
    if !request.parts.is_empty() && !request.clean {
        return Ok(Danger::Adds);
    }
    let full = content.objects > 0;
    if full && !request.clean && request.mode == super::Mode::Existing {
        let some = content.names.join(", ");
        let more = if content.objects > 3 { " .." } else { "" };
        return Err(Error::new(Exit::Refused, format!("database {name} is not empty"))
            .because(format!("it holds {} objects: {some}{more}", content.objects))
            .next("restore beside it: --into another database, with --create")
            .next("or replace it at the end of a complete restore: --swap")
            .next("or drop what the backup has too, then restore: --clean"));
    }
    if let Some(why) = source.filter(|_| full) {
        if !request.overwrite_source {
            return Err(Error::new(
                Exit::Refused,
                format!("database {name} is the one that was backed up, or a copy of its server"),
            )
            .because(why)
            .next("restore beside it: --into another database, with --create")
            .next("or, if it is to be overwritten: --overwrite-source"));
        }
        let lost = match request.mode {
            super::Mode::Swap => format!(
                "the database that was backed up is replaced; its rows of today stay in {}",
                side::name_before(&name, jiff::Timestamp::now())
            ),
            _ => format!("this cannot be undone: the rows of today in {name} are lost"),
        };
        return Ok(Danger::Destroys { name, lost });
    }
    if full { Ok(Danger::Replaces(name)) } else { Ok(Danger::Adds) }
}
