//! Which databases of a server `--all-databases` means.

use super::pattern::regular_expression;
use crate::conn::{Row, Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::backup::LeftOut;
use crate::settings::Target;
use crate::sql;

/// Where pg_dumpall looks first, too.
const MAINTENANCE: &str = "postgres";

/// Databases that a provider keeps for itself: its customers may not read them, or have nothing
/// there.
const PROVIDERS: [(&str, &str); 6] = [
    ("rdsadmin", "Amazon RDS"),
    ("cloudsqladmin", "Google Cloud SQL"),
    ("azure_maintenance", "Azure"),
    ("azure_sys", "Azure"),
    ("alloydbadmin", "Google AlloyDB"),
    ("alloydbmetadata", "Google AlloyDB"),
];

/// The databases of a server.
#[derive(Debug)]
pub struct Databases {
    /// To be backed up, by name; an error where that cannot be.
    pub wanted: Vec<(String, Result<()>)>,
    /// Left out, with the reason.
    pub left_out: Vec<LeftOut>,
    /// Patterns that meant none of them.
    pub idle_patterns: Vec<String>,
}

/// The target with the database that the list is read in, when nobody named one.
pub fn maintenance(target: &Target) -> Target {
    if target.given.contains_key("dbname") {
        return target.clone();
    }
    target.other_database(MAINTENANCE)
}

/// Asks for all databases, without those that the patterns mean (as `pg_dumpall
/// --exclude-database` takes them), in one statement.
pub async fn list(session: &Session, exclude: &[String]) -> Result<Databases> {
    let role = session.same_server().user;
    let expressions = exclude
        .iter()
        .map(|pattern| regular_expression(pattern).map_err(|cause| wrong(pattern).because(cause)))
        .collect::<Result<Vec<String>>>()?;
    let rows = session.read(sql::DATABASES.text, &[(&expressions, Type::TEXT_ARRAY)]).await;
    let rows = rows.map_err(|error| match error.sqlstate() {
        Some("2201B") => wrong(&exclude.join(" ")).caused_by(&error),
        _ => error.into_error("cannot list the databases"),
    })?;
    let mut databases =
        Databases { wanted: Vec::new(), left_out: Vec::new(), idle_patterns: exclude.to_vec() };
    let mut used = vec![false; exclude.len()];
    for row in &rows {
        let name: String = get(row, "name")?;
        let numbers: Vec<i32> = get(row, "excluded_by")?;
        let excluded = (0..).zip(exclude).filter(|(at, _)| numbers.contains(&(at + 1)));
        let pattern = excluded.map(|(_, pattern)| pattern).next();
        for number in &numbers {
            let at = usize::try_from(*number - 1).unwrap_or(usize::MAX);
            used.get_mut(at).into_iter().for_each(|used| *used = true);
        }
        match reason(row, &name, pattern)? {
            Some(reason) => databases.left_out.push(LeftOut { database: name, reason }),
            None if get(row, "may_connect")? => databases.wanted.push((name, Ok(()))),
            None => {
                let refused = may_not_connect(&name, &role);
                databases.wanted.push((name, Err(refused)));
            }
        }
    }
    let mut used = used.into_iter();
    databases.idle_patterns.retain(|_| !used.next().unwrap_or(true));
    Ok(databases)
}

/// Why a database is left out.
fn reason(row: &Row, name: &str, pattern: Option<&String>) -> Result<Option<String>> {
    let provider = PROVIDERS.iter().find(|(own, _)| *own == name);
    Ok(if let Some(pattern) = pattern {
        Some(format!("--exclude-database {pattern}"))
    } else if let Some((_, provider)) = provider {
        Some(format!("a database of that name is the provider's own ({provider})"))
    } else if get(row, "is_template")? {
        Some("a template database".to_owned())
    } else if get(row, "is_invalid")? {
        Some("a DROP DATABASE of it was broken off: it cannot be read any more".to_owned())
    } else if !get::<bool>(row, "takes_connections")? {
        Some("it takes no connections (datallowconn is off)".to_owned())
    } else {
        None
    })
}

fn may_not_connect(name: &str, role: &str) -> Error {
    let (database, role) = (sql::quote_name(name), sql::quote_name(role));
    Error::new(Exit::Refused, format!("cannot back up database {name}"))
        .because("the role has no right to connect to it")
        .next(format!("GRANT CONNECT ON DATABASE {database} TO {role};"))
        .next("or leave it out: --exclude-database")
}

fn wrong(pattern: &str) -> Error {
    Error::usage(format!("invalid --exclude-database {pattern}"))
        .next("patterns are psql's: --exclude-database 'scratch_*'")
}
