//! Who holds a lock of one table, and who waits for one.

use super::modes::{self, MIGRATIONS};
use super::party::party;
use super::unseen::of_sessions;
use crate::conn::{QueryError, Row, Session, Type, get};
use crate::error::{Error, Result};
use crate::report::party::Party;
use crate::report::table_locks::{Migration, TableLock, TableLocks};
use crate::sql;

/// Locks that are shown at most.
const LIMIT: i64 = 1000;
/// Relations of the same name that are named at most.
const NAMED: i64 = 20;

/// Looks once, in one round trip.
///
/// # Errors
/// Usage, for a name that no relation of this database has, or several.
pub async fn table_locks(session: &Session, table: &str) -> Result<TableLocks> {
    let (schemas, names) = parts(table)?;
    let (limit, named) = (LIMIT + 1, NAMED + 1);
    let relations: crate::conn::Params<'_> =
        &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY), (&named, Type::INT8)];
    let locks: crate::conn::Params<'_> =
        &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY), (&limit, Type::INT8)];
    let (relations, locks) = tokio::join!(
        session.read(sql::CONNECTIONS_RELATIONS.text, relations),
        session.read(sql::CONNECTIONS_TABLE_LOCKS.text, locks),
    );
    let failed = |error: QueryError| error.into_error(format!("cannot see the locks of {table}"));
    let (relations, rows) = (relations.map_err(failed)?, locks.map_err(failed)?);
    let database = session.server().database.clone();
    let found = relations.iter().map(Found::of).collect::<Result<Vec<_>>>()?;
    let name = the_one(table, &database, &schemas, &names, found)?;
    let mut locks = Vec::new();
    for row in &rows {
        if get::<String>(row, "name")? == name {
            locks.push(lock(row)?);
        }
    }
    let hidden = locks.iter().filter(|lock| lock.party.hidden).count();
    let mut unseen = of_sessions(hidden, &session.server().role);
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > LIMIT {
        unseen.push(format!("there are more than {LIMIT} locks: not all of them are shown"));
    }
    let migrations = migrations(&locks);
    let server = session.address().to_string();
    Ok(TableLocks { server, database, table: name, locks, migrations, unseen })
}

struct Found {
    name: String,
    schema: String,
    relation: String,
}

impl Found {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            name: get(row, "name")?,
            schema: get(row, "schema_name")?,
            relation: get(row, "relation_name")?,
        })
    }
}

/// The relation that is meant: one with the very name before one that folds to it.
fn the_one(
    table: &str,
    database: &str,
    schemas: &[String],
    names: &[String],
    found: Vec<Found>,
) -> Result<String> {
    let exact = |one: &&Found| {
        names.first() == Some(&one.relation)
            && schemas.first().is_none_or(|schema| *schema == one.schema)
    };
    let meant: Vec<&Found> = found.iter().filter(exact).collect();
    let meant = if meant.is_empty() { found.iter().collect() } else { meant };
    match meant.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => Err(Error::usage(format!("database {database} has no relation {table}"))
            .next("look at the name and its schema; quotes keep capital letters: 'sales.\"Order\"'")
            .next("another database is named with -d")),
        several => {
            let names: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
            Err(Error::usage(format!("several relations are named {table}"))
                .because(names.join(", "))
                .next(format!("name the schema too: --blocking '{}'", names[0])))
        }
    }
}

/// The schema (none when it was not given) and the name: as written, and folded to lower case
/// where it has no quotes.
fn parts(table: &str) -> Result<(Vec<String>, Vec<String>)> {
    let wrong = || {
        Error::usage(format!("{table} is not the name of a table"))
            .next("it is table or schema.table; quotes keep capital letters and dots")
    };
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut rest = table;
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = until_quote(quoted).ok_or_else(wrong)?;
            (vec![text], after)
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let text = rest[..end].to_owned();
            let folded = text.to_lowercase();
            (if folded == text { vec![text] } else { vec![text, folded] }, &rest[end..])
        };
        if part.iter().any(String::is_empty) {
            return Err(wrong());
        }
        parts.push(part);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return Err(wrong()),
        }
    }
    match (parts.pop(), parts.pop(), parts.is_empty()) {
        (Some(names), schemas, true) => Ok((schemas.unwrap_or_default(), names)),
        _ => Err(wrong()),
    }
}

/// What stands before the closing quote (a doubled one is one), and what follows.
fn until_quote(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

fn lock(row: &Row) -> Result<TableLock> {
    let party = Party { gid: get(row, "gid")?, ..party(row)? };
    let mode: String = get(row, "mode")?;
    let granted: bool = get(row, "granted")?;
    let since: Option<f64> = get(row, "waited")?;
    let waited = if granted { None } else { since.or(party.statement_seconds) };
    Ok(TableLock {
        lock_type: get(row, "lock_type")?,
        conflicts_with: modes::conflicts(&mode).to_vec(),
        mode,
        granted,
        waited_seconds: waited,
        waited_is_estimate: !granted && since.is_none(),
        party,
    })
}

/// Whom the usual migrations would wait for: holders, and who stands in the queue before.
fn migrations(locks: &[TableLock]) -> Vec<Migration> {
    let of = |(statements, mode): (&'static str, &'static str)| {
        let mut waits_for: Vec<String> = Vec::new();
        for lock in locks.iter().filter(|lock| lock.lock_type == "relation") {
            let name = lock.party.name();
            if modes::conflict(&lock.mode, mode) && !waits_for.contains(&name) {
                waits_for.push(name);
            }
        }
        Migration { statements, mode, waits_for }
    };
    MIGRATIONS.map(of).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_are_read_as_the_server_reads_them() {
        let none: &[&str] = &[];
        for (text, schemas, names) in [
            ("t", none, &["t"][..]),
            ("Sales.Order", &["Sales", "sales"], &["Order", "order"]),
            ("\"a.b\".\"c\"\"d\"", &["a.b"], &["c\"d"]),
            ("\"T\"", none, &["T"]),
        ] {
            assert_eq!(parts(text).unwrap(), (list(schemas), list(names)), "{text}");
        }
        for wrong in ["", ".t", "s.", "a.b.c", "\"t", "\"t\"x"] {
            assert_eq!(parts(wrong).unwrap_err().exit(), crate::exit::Exit::Usage, "{wrong}");
        }
    }

    fn found(schema: &str, relation: &str) -> Found {
        let name = format!("{schema}.{relation}");
        Found { name, schema: schema.into(), relation: relation.into() }
    }

    #[test]
    fn one_relation_is_meant_or_the_names_are_told() {
        let (none, names) = (list(&[]), list(&["T", "t"]));
        let one = |found| the_one("T", "db", &none, &names, found);
        assert_eq!(one(vec![found("a", "t")]).unwrap(), "a.t");
        assert_eq!(one(vec![found("a", "t"), found("b", "T")]).unwrap(), "b.T");
        let error = one(vec![found("a", "t"), found("b", "t")]).unwrap_err();
        assert_eq!(error.causes(), ["a.t, b.t"]);
        assert!(one(Vec::new()).unwrap_err().what().contains("no relation T"));
    }

    #[test]
    fn a_migration_waits_for_holders_and_for_the_queue() {
        let lock = |pid, mode: &str, granted| TableLock {
            party: Party { pid: Some(pid), ..Party::default() },
            lock_type: "relation".into(),
            mode: mode.into(),
            granted,
            waited_seconds: None,
            waited_is_estimate: false,
            conflicts_with: Vec::new(),
        };
        let told = migrations(&[
            lock(1, "AccessShareLock", true),
            lock(2, "RowExclusiveLock", true),
            lock(2, "AccessShareLock", true),
            lock(3, "ShareLock", false),
        ]);
        let told: Vec<String> = told.iter().map(|one| one.waits_for.join(" ")).collect();
        assert_eq!(told, ["1 2 3", "2 3", "2", "3"]);
    }
}
