//! Names that were cut, and extensions that are not what the server brings.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::sql;

pub const EXT_OUTDATED: Check = Check {
    id: "schema.ext_outdated",
    kind: Kind::Static,
    title: "extensions of another version than the server's files",
    why: "An upgrade of the server brings new files, but an extension stays what it was until it \
          is updated: fixes and columns (pg_stat_statements!) are missing.",
    remedy: "ALTER EXTENSION .. UPDATE, in each database.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&OUTDATED],
    judge: ext_outdated,
};

const OUTDATED: Question =
    Question::of("outdated_extensions", &[(130_000, sql::CHECK_OUTDATED_EXTENSIONS)]);

#[derive(Deserialize)]
struct Outdated {
    extension: String,
    installed: String,
    shipped: String,
}

fn ext_outdated(look: &Look<'_>) -> Judged {
    let rows: Vec<Outdated> = look.rows(&OUTDATED)?;
    let mut verdict = look.verdict().saying("all extensions are what the server brings");
    for Outdated { extension, installed, shipped } in rows {
        let says = format!("{extension} is {installed}, the server brings {shipped}");
        verdict
            .find(Level::Warning, &extension, says)
            .with_remedy(format!("ALTER EXTENSION {} UPDATE;", sql::quote_name(&extension)));
    }
    Ok(verdict)
}

pub const NAME_OVERFLOW: Check = Check {
    id: "schema.name_overflow",
    kind: Kind::Static,
    title: "names of the greatest length",
    why: "PostgreSQL cuts names at 63 bytes without an error: what was meant to be two names may \
          have become one, and a migration that looks for the whole name does not find it.",
    remedy: "Rename it to something shorter, in the migrations too.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&LONG],
    judge: name_overflow,
};

const LONG: Question = Question::of("long_names", &[(130_000, sql::CHECK_LONG_NAMES)]);

#[derive(Deserialize)]
struct Long {
    kind: String,
    name: String,
}

fn name_overflow(look: &Look<'_>) -> Judged {
    let rows: Vec<Long> = look.rows(&LONG)?;
    let mut verdict = look.verdict().saying("no name is as long as a name can be");
    for Long { kind, name } in rows {
        let says =
            format!("the name of the {kind} {name} is as long as a name can be: was it cut?");
        verdict.find(Level::Info, &name, says);
    }
    Ok(verdict)
}
