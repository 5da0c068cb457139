//! What everybody may do, and functions that lend rights.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::sql;

const PUBLIC: Question = Question::of("public_rights", &[(130_000, sql::CHECK_PUBLIC_RIGHTS)]);

#[derive(Deserialize)]
struct Public {
    /// `schema` (CREATE) or `database` (CONNECT).
    kind: String,
    name: String,
    quoted: String,
}

pub const PUBLIC_CREATE: Check = Check {
    id: "sec.public_create",
    kind: Kind::Static,
    title: "schemas in which everybody may create objects",
    why: "Whoever may create functions and operators in a schema of others' search_path can have \
          them run with the others' rights (CVE-2018-1058). It was the standard for public until \
          14, and upgrades keep it.",
    remedy: "REVOKE CREATE ON SCHEMA .. FROM PUBLIC, and grant it to the role that migrates.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&PUBLIC],
    judge: public_create,
};

fn public_create(look: &Look<'_>) -> Judged {
    let rows: Vec<Public> = look.rows(&PUBLIC)?;
    let mut verdict = look.verdict().saying("only chosen roles may create objects");
    for Public { name, quoted, .. } in rows.into_iter().filter(|row| row.kind == "schema") {
        verdict
            .find(Level::Warning, &name, format!("everybody may create objects in schema {name}"))
            .with_remedy(format!("REVOKE CREATE ON SCHEMA {quoted} FROM PUBLIC;"));
    }
    Ok(verdict)
}

pub const PUBLIC_CONNECT: Check = Check {
    id: "sec.public_connect",
    kind: Kind::Static,
    title: "whether every role may connect",
    why: "Each new database lets every role of the server in: the login of one application \
          reaches the databases of the others.",
    remedy: "REVOKE CONNECT ON DATABASE .. FROM PUBLIC, and grant it to those who need it.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&PUBLIC],
    judge: public_connect,
};

fn public_connect(look: &Look<'_>) -> Judged {
    let rows: Vec<Public> = look.rows(&PUBLIC)?;
    let mut verdict = look.verdict().saying("only chosen roles may connect");
    for Public { name, quoted, .. } in rows.into_iter().filter(|row| row.kind == "database") {
        verdict
            .find(Level::Info, &name, format!("every role may connect to {name}"))
            .with_remedy(format!("REVOKE CONNECT ON DATABASE {quoted} FROM PUBLIC;"));
    }
    Ok(verdict)
}

pub const SECDEF: Check = Check {
    id: "sec.secdef",
    kind: Kind::Static,
    title: "SECURITY DEFINER functions without a search_path",
    why: "Such a function runs with its owner's rights but looks names up where its caller says: \
          a caller who puts a function of his own before the real one gets the owner's rights.",
    remedy: "Give the function a search_path of its own, with pg_catalog first and pg_temp last.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&DEFINERS],
    judge: secdef,
};

const DEFINERS: Question =
    Question::of("definer_functions", &[(130_000, sql::CHECK_DEFINER_FUNCTIONS)]);

#[derive(Deserialize)]
struct Definer {
    function: String,
    owner: String,
    is_superusers: bool,
    schema: String,
}

fn secdef(look: &Look<'_>) -> Judged {
    let rows: Vec<Definer> = look.rows(&DEFINERS)?;
    let mut verdict = look.verdict().saying("all SECURITY DEFINER functions set search_path");
    for Definer { function, owner, is_superusers, schema } in rows {
        let rank = if is_superusers { "the superuser " } else { "" };
        let says = format!(
            "{function} runs with the rights of {rank}{owner} in the search_path of its caller"
        );
        verdict.find(Level::Warning, &function, says).with_remedy(format!(
            "ALTER ROUTINE {function} SET search_path = pg_catalog, {schema}, pg_temp;"
        ));
    }
    Ok(verdict)
}
