//! What would make a backup fail or lie, looked for before the first byte.

use crate::archive::toc::Toc;
use crate::conn::{QueryError, Row, Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql;

use super::table::Facts;

/// Names that one error lists; the rest is counted.
const NAMED: usize = 10;

/// A table that pg_dump without filters would lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockable {
    /// Its oid.
    pub oid: u32,
    /// Whether pg_dump without filters surely stores its rows.
    pub is_ordinary: bool,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    unlogged: bool,
    may_use_schema: bool,
    may_select: bool,
    rows_hidden: bool,
}

/// What the server has room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Locks that fit into its shared memory, about.
    pub locks: u64,
    /// Connections that this role can still open, about.
    pub connections: i64,
    /// Its lc_monetary: the one setting that a backup takes as it is.
    pub lc_monetary: String,
    hot_standby_feedback: bool,
    standby_delay: String,
    role: String,
}

impl Room {
    /// Asks the server.
    pub async fn ask(session: &Session) -> Result<Self> {
        let rows = session.rows(sql::ROOM.text, &[]).await.map_err(catalog)?;
        let row = rows.first().ok_or_else(|| Error::bug("the server told nothing of its room"))?;
        Ok(Self {
            locks: u64::try_from(get::<i64>(row, "lock_room")?).unwrap_or(0),
            connections: get(row, "free_connections")?,
            lc_monetary: get(row, "lc_monetary")?,
            hot_standby_feedback: get(row, "hot_standby_feedback")?,
            standby_delay: get(row, "standby_delay")?,
            role: get(row, "role_name")?,
        })
    }

    /// Readers that may run beside the coordinator and pg_dump; a note when there are fewer
    /// than wanted.
    pub fn jobs(&self, wanted: usize) -> Result<(usize, Option<String>)> {
        // pg_dump and pg_dumpall need one at a time.
        let free = usize::try_from(self.connections - 1).unwrap_or(0);
        if free == 0 {
            return Err(Error::new(Exit::Busy, "the server has no free connections")
                .because(format!("{} are left; a backup needs 2 beside its own", self.connections))
                .next("try later, or close idle ones (pg_stat_activity)")
                .next(
                    "or raise max_connections, or the role's or the database's CONNECTION LIMIT",
                ));
        }
        if free >= wanted {
            return Ok((wanted, None));
        }
        Ok((free, Some(format!("only {free} connections are free: reading with -j {free}"))))
    }

    /// Whether so many readers leave room for pg_dump, and for a look at who is in its way.
    pub fn fits_beside(&self, readers: usize) -> bool {
        usize::try_from(self.connections).is_ok_and(|free| free >= readers + 2)
    }

    /// Whether `tables` fit into the lock table twice: for the coordinator and for pg_dump.
    pub fn locks_fit_twice(&self, tables: usize) -> bool {
        (tables as u64).saturating_mul(2) <= self.locks
    }

    /// An error when `tables` do not even fit once.
    pub fn locks_fit(&self, tables: usize) -> Result<()> {
        if (tables as u64) <= self.locks {
            return Ok(());
        }
        Err(Error::new(Exit::Unavailable, "the server cannot hold a lock on every table")
            .because(format!("{tables} tables, and room for about {} locks", self.locks))
            .next("raise max_locks_per_transaction on the server (it needs a restart)")
            .next("or back up by schema: -n SCHEMA"))
    }

    /// What a standby may do to a long reader.
    pub fn standby_warning(&self) -> Option<String> {
        (!self.hot_standby_feedback && self.standby_delay != "-1").then(|| {
            format!(
                "the standby may end this backup's statements: hot_standby_feedback is off and \
                 max_standby_streaming_delay is {}",
                self.standby_delay
            )
        })
    }
}

/// Lists the tables that pg_dump without filters locks.
pub async fn lockable(session: &Session) -> Result<Vec<Lockable>> {
    let rows = session.rows(sql::LOCKABLE.text, &[]).await.map_err(catalog)?;
    rows.iter().map(lockable_from).collect()
}

fn lockable_from(row: &Row) -> Result<Lockable> {
    Ok(Lockable {
        oid: get(row, "oid")?,
        is_ordinary: get(row, "is_ordinary")?,
        schema: get(row, "schema")?,
        name: get(row, "name")?,
        unlogged: get::<String>(row, "persistence")? == "u" && get::<String>(row, "kind")? == "r",
        may_use_schema: get(row, "may_use_schema")?,
        may_select: get(row, "may_select")?,
        rows_hidden: get(row, "rows_hidden")?,
    })
}

/// The sequences, as schema and name, whose position the role may not read.
pub async fn unreadable_sequences(session: &Session) -> Result<Vec<(String, String)>> {
    let rows = session.rows(sql::UNREADABLE_SEQUENCES.text, &[]).await.map_err(catalog)?;
    rows.iter().map(|row| Ok((get(row, "schema")?, get(row, "name")?))).collect()
}

/// What the role may not read, with the statements that help: of tables those that it may not,
/// and of sequences all that are given.
pub fn privileges(tables: &[Lockable], sequences: &[(String, String)], room: &Room) -> Result<()> {
    let role = sql::quote_name(&room.role);
    let unreadable: Vec<(&str, &str)> = tables
        .iter()
        .filter(|table| !table.may_select || !table.may_use_schema)
        .map(|table| (table.schema.as_str(), table.name.as_str()))
        .chain(sequences.iter().map(|(schema, name)| (schema.as_str(), name.as_str())))
        .collect();
    if !unreadable.is_empty() {
        let names = unreadable.iter().map(|(schema, name)| format!("{schema}.{name}"));
        let mut schemas: Vec<&str> = unreadable.iter().map(|(schema, _)| *schema).collect();
        schemas.sort_unstable();
        schemas.dedup();
        let mut error = Error::new(
            Exit::Refused,
            format!(
                "role {} may not read {} tables and {} sequences",
                room.role,
                unreadable.len() - sequences.len(),
                sequences.len()
            ),
        )
        .because(some_of(names));
        for schema in schemas.iter().take(NAMED) {
            let schema = sql::quote_name(schema);
            error = error.next(format!(
                "GRANT USAGE ON SCHEMA {schema} TO {role}; \
                 GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}; \
                 GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
            ));
        }
        return Err(error
            .next(format!("or, from PostgreSQL 14 on: GRANT pg_read_all_data TO {role};"))
            .next("or leave them out: --exclude-table, --exclude-schema"));
    }
    row_security(
        tables.iter().filter(|t| t.rows_hidden).map(|t| format!("{}.{}", t.schema, t.name)),
    )
}

/// Tables of which the role would see a part only: a backup of a part that looks whole is worse
/// than none.
pub fn row_security(hidden: impl Iterator<Item = String>) -> Result<()> {
    let names: Vec<String> = hidden.collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Exit::Refused,
        format!("row-level security hides rows of {} tables from this role", names.len()),
    )
    .because(some_of(names.into_iter()))
    .next("use a role with BYPASSRLS (ALTER ROLE .. BYPASSRLS), or the tables' owner where row-level security is not forced")
    .next("or leave them out: --exclude-table-data"))
}

/// The same after the table of contents is known, which filters make shorter.
pub fn hidden_rows(facts: &[Facts]) -> Result<()> {
    row_security(facts.iter().filter(|f| f.rows_hidden).map(|f| f.table.label()))
}

/// Unlogged tables are empty on a standby, and pg_dump leaves them out without a word.
pub fn unlogged_warning(tables: &[Lockable], toc: &Toc) -> Option<String> {
    let tables_of_toc = toc.entries.iter().filter(|entry| entry.desc.as_deref() == Some(b"TABLE"));
    let chosen: std::collections::HashSet<(&[u8], &[u8])> = tables_of_toc
        .filter_map(|entry| Some((entry.namespace.as_deref()?, entry.tag.as_deref()?)))
        .collect();
    let names: Vec<String> = tables
        .iter()
        .filter(|t| t.unlogged && chosen.contains(&(t.schema.as_bytes(), t.name.as_bytes())))
        .map(|t| format!("{}.{}", t.schema, t.name))
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "unlogged tables have no rows on a standby and are left out: {}",
            some_of(names.into_iter())
        )
    })
}

/// The installed extensions with their versions.
pub async fn extensions(session: &Session) -> Result<Vec<(String, String)>> {
    let rows = session.rows(sql::EXTENSIONS.text, &[]).await.map_err(catalog)?;
    rows.iter().map(|row| Ok((get(row, "name")?, get(row, "version")?))).collect()
}

/// The large objects of the snapshot; those that the role may not read are an error.
pub async fn large_objects(session: &Session) -> Result<Vec<u32>> {
    let rows = session.rows(sql::LARGE_OBJECTS.text, &[]).await.map_err(catalog)?;
    let mut oids = Vec::with_capacity(rows.len());
    let mut unreadable = Vec::new();
    for row in &rows {
        let oid: u32 = get(row, "oid")?;
        if !get::<bool>(row, "may_read")? {
            unreadable.push(oid.to_string());
        }
        oids.push(oid);
    }
    if unreadable.is_empty() {
        return Ok(oids);
    }
    Err(Error::new(
        Exit::Refused,
        format!("the role may not read {} large objects", unreadable.len()),
    )
    .because(some_of(unreadable.into_iter()))
    .next("GRANT SELECT ON LARGE OBJECT .. to it, or make it a member of their owner")
    .next("or leave large objects out: --no-large-objects"))
}

/// The tables behind oids, sorted by oid.
pub async fn tables(session: &Session, oids: &[u32]) -> Result<Vec<Facts>> {
    if oids.is_empty() {
        return Ok(vec![]);
    }
    let oids = oids.to_vec();
    let rows =
        session.rows(sql::TABLES.text, &[(&oids, Type::OID_ARRAY)]).await.map_err(catalog)?;
    let mut facts = rows.iter().map(Facts::from_row).collect::<Result<Vec<_>>>()?;
    facts.sort_by_key(|facts| facts.table.oid);
    Ok(facts)
}

fn some_of(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// A failed look into the catalog.
pub fn catalog(error: QueryError) -> Error {
    if error.sqlstate() == Some("22021") {
        return name_not_utf8().caused_by(&error);
    }
    error.into_error("cannot read the catalog")
}

/// SQL_ASCII databases may have such names.
pub fn name_not_utf8() -> Error {
    Error::new(Exit::Unavailable, "a name in this database is not UTF-8")
        .next("rename it: pgtend does not guess the encoding of names (SQL_ASCII databases)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(locks: u64, connections: i64) -> Room {
        Room {
            locks,
            connections,
            lc_monetary: "C".into(),
            hot_standby_feedback: false,
            standby_delay: "30s".into(),
            role: "backup".into(),
        }
    }

    #[test]
    fn readers_fit_into_the_free_connections() {
        assert_eq!(room(0, 90).jobs(4).unwrap(), (4, None));
        let (jobs, note) = room(0, 3).jobs(4).unwrap();
        assert_eq!(jobs, 2);
        assert!(note.unwrap().contains("-j 2"));
        assert_eq!(room(0, 1).jobs(4).unwrap_err().exit(), Exit::Busy);
    }

    #[test]
    fn locks_that_cannot_fit_are_an_error() {
        assert!(room(100, 0).locks_fit_twice(50) && !room(100, 0).locks_fit_twice(51));
        assert!(room(100, 0).locks_fit(100).is_ok() && room(100, 0).locks_fit(101).is_err());
    }

    #[test]
    fn an_unreadable_table_comes_with_its_grant() {
        let table = Lockable {
            oid: 1,
            is_ordinary: true,
            schema: "app".into(),
            name: "secret".into(),
            unlogged: false,
            may_use_schema: true,
            may_select: false,
            rows_hidden: false,
        };
        let error = privileges(&[table], &[], &room(0, 0)).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.causes()[0].contains("app.secret"));
        assert!(
            error.next_steps()[0]
                .contains("GRANT SELECT ON ALL TABLES IN SCHEMA \"app\" TO \"backup\"")
        );
    }

    #[test]
    fn long_lists_say_how_much_more() {
        let text = some_of((0..12).map(|n| n.to_string()));
        assert!(text.ends_with("9 and 2 more"), "{text}");
    }
}
