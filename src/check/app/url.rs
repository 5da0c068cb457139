//! Connection strings.

use super::declared::{URLS, declared, level, not_known, stage};
use crate::check::look::Look;
use crate::check::verdict::{Judged, Verdict};
use crate::report::check::Level;
use crate::settings::{DeclaredServer, DeclaredTls, Stage, UrlFault};

const REMEDY: &str = "sslmode=verify-full, with sslrootcert";

pub fn tls(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let stage = stage(look, &declared);
    let mut verdict = look.verdict().saying("every connection is encrypted and verified");
    not_known(&mut verdict, &declared, &URLS);
    for server in &declared.servers {
        let readable = matches!(server.fault, None | Some((UrlFault::Encoding, _)));
        if readable && !server.is_local() {
            judge_tls(&mut verdict, &server.variable, &server.tls, stage);
        }
    }
    if let Some(tls) = &declared.tls {
        let variable = tls.from.clone().unwrap_or_default();
        judge_tls(&mut verdict, &variable, tls, stage);
    }
    Ok(verdict)
}

fn judge_tls(verdict: &mut Verdict, variable: &str, tls: &DeclaredTls, stage: Stage) {
    let mode = tls.mode.as_deref().unwrap_or("prefer");
    let from = match (&tls.from, &tls.mode) {
        (Some(from), Some(_)) if from != variable => format!(" (by {from})"),
        (_, None) => ", as none is given".to_owned(),
        _ => String::new(),
    };
    let (in_production, what) = match mode {
        "verify-ca" | "verify-full" => return,
        // libpq verifies the authority where it has one.
        "require" if tls.has_root => return,
        "require" => (Level::Warning, "nobody verifies whose server it is"),
        "disable" => (Level::Critical, "nothing is encrypted, the password included"),
        _ => (Level::Critical, "without TLS it goes on in clear text"),
    };
    if let Some(level) = level(stage, in_production) {
        let says = format!("{variable} has sslmode={mode}{from}: {what}");
        verdict.find(level, variable, says).with_remedy(REMEDY);
    }
}

/// Strings with one kind of fault.
fn with_fault(look: &Look<'_>, kind: UrlFault, healthy: &str) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying(healthy);
    not_known(&mut verdict, &declared, &URLS);
    for server in &declared.servers {
        if let Some((fault, cause)) = &server.fault
            && *fault == kind
        {
            let says = format!("{} cannot be used: {cause}", server.variable);
            verdict.find(Level::Critical, &server.variable, says);
        }
    }
    Ok(verdict)
}

pub fn readable(look: &Look<'_>) -> Judged {
    with_fault(look, UrlFault::Unreadable, "every connection string can be read")
}

pub fn encoding(look: &Look<'_>) -> Judged {
    with_fault(look, UrlFault::Encoding, "no character needs another form")
}

/// Parameters that belong to these, and are taken by nobody else.
const OF_PRISMA: [&str; 4] = ["connection_limit", "pgbouncer", "schema", "statement_cache_size"];
const OF_ASYNCPG: [&str; 3] =
    ["command_timeout", "prepared_statement_cache_size", "statement_cache_size"];

fn is_prisma(server: &DeclaredServer) -> bool {
    server.driver.is_none() && OF_PRISMA.iter().any(|name| server.parameters.contains_key(*name))
}

fn is_asyncpg(server: &DeclaredServer) -> bool {
    server.driver.as_deref() == Some("asyncpg")
}

pub fn parameters(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("no connection string has them");
    not_known(&mut verdict, &declared, &URLS);
    for server in declared.servers.iter().filter(|server| !is_prisma(server)) {
        let names: Vec<&str> = server
            .parameters
            .keys()
            .map(String::as_str)
            .filter(|name| !(is_asyncpg(server) && OF_ASYNCPG.contains(name)))
            .collect();
        if !names.is_empty() {
            let names = names.join(", ");
            let says = format!("{} has {names}, which the driver refuses", server.variable);
            verdict.find(Level::Critical, &server.variable, says);
        }
    }
    Ok(verdict)
}

/// Settings of SQLAlchemy's pool.
const OF_SQLALCHEMY: [&str; 5] =
    ["DB_POOL_SIZE", "DB_MAX_OVERFLOW", "DB_POOL_TIMEOUT", "DB_POOL_RECYCLE", "DB_POOL_PRE_PING"];

pub fn driver(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("schemes and drivers are PostgreSQL's");
    not_known(&mut verdict, &declared, &URLS);
    let sqlalchemy = OF_SQLALCHEMY.iter().any(|name| declared.value(name).is_some());
    for server in &declared.servers {
        let variable = &server.variable;
        let (level, says) = match (&server.fault, &server.driver) {
            (Some((UrlFault::Scheme, cause)), _) => {
                (Level::Critical, format!("{variable} cannot be used: {cause}"))
            }
            (_, Some(driver)) if server.scheme == "postgres" => (
                Level::Critical,
                format!("{variable} begins with postgres+{driver}, which SQLAlchemy does not know"),
            ),
            (_, None) if server.scheme == "postgres" && sqlalchemy => (
                Level::Warning,
                format!("{variable} begins with postgres://, which SQLAlchemy refuses since 1.4"),
            ),
            (_, Some(_)) if is_asyncpg(server) && server.keywords.contains("sslmode") => (
                Level::Critical,
                format!("{variable} has sslmode, which asyncpg does not know: ssl=verify-full"),
            ),
            _ => continue,
        };
        verdict.find(level, variable, says);
    }
    Ok(verdict)
}

/// Whether the string says itself that no prepared statement outlives a transaction.
fn knows_pooler(server: &DeclaredServer) -> bool {
    let is = |name: &str, value: &str| server.parameters.get(name).is_some_and(|v| v == value);
    is("pgbouncer", "true")
        || (is("statement_cache_size", "0") && is("prepared_statement_cache_size", "0"))
        || (is("prepared_statement_cache_size", "0") && is_asyncpg(server))
}

pub fn supabase(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("no pooler of Supabase is named wrongly");
    not_known(&mut verdict, &declared, &URLS);
    for server in &declared.servers {
        let hosts = server.hosts.iter().map(|(host, port)| (host.to_ascii_lowercase(), port));
        for (host, port) in hosts {
            let gone = host.ends_with(".pooler.supabase.co");
            let pooler = gone || host.ends_with(".pooler.supabase.com");
            let transactions = pooler && port == "6543" && !knows_pooler(server);
            let mut what = Vec::new();
            if gone {
                what.push(
                    "its host does not exist: poolers end in .pooler.supabase.com".to_owned(),
                );
            }
            if transactions {
                what.push(
                    "port 6543 is the transaction mode of Supabase's pooler, session mode is 5432"
                        .to_owned(),
                );
            }
            if !what.is_empty() {
                let level = if gone { Level::Critical } else { Level::Warning };
                let says = format!("{}: {}", server.variable, what.join("; "));
                verdict.find(level, &server.variable, says);
                break;
            }
        }
    }
    Ok(verdict)
}

/// Whether a server is a pooler that may be in transaction mode.
pub fn is_pooler(server: &DeclaredServer) -> bool {
    server.hosts.iter().any(|(host, port)| {
        let host = host.to_ascii_lowercase();
        ["6432", "6543"].contains(&port.as_str())
            || host.contains("pgbouncer")
            || host.contains(".pooler.")
            || host.contains("-pooler.")
    })
}

pub fn pooler(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("nothing is asked of a pooler that it cannot do");
    not_known(&mut verdict, &declared, &URLS);
    for server in declared.servers.iter().filter(|server| is_pooler(server)) {
        let session = server
            .hosts
            .iter()
            .all(|(host, port)| host.ends_with(".pooler.supabase.com") && port != "6543");
        let what = if session {
            continue;
        } else if is_asyncpg(server) && !knows_pooler(server) {
            "asyncpg prepares statements: prepared_statement_cache_size=0 is missing"
        } else if is_prisma(server) && !knows_pooler(server) {
            "Prisma prepares statements: pgbouncer=true is missing"
        } else if server.keywords.contains("options") {
            "it has options, which PgBouncer refuses"
        } else {
            continue;
        };
        let says = format!("{} goes through a pooler, and {what}", server.variable);
        verdict.find(Level::Warning, &server.variable, says);
    }
    Ok(verdict)
}
