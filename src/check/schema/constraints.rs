//! Constraints and triggers that do not hold what they promise.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::sql;

pub const NOT_VALID: Check = Check {
    id: "schema.not_valid",
    kind: Kind::Static,
    title: "constraints that were not validated",
    why: "A constraint that was added NOT VALID holds for new rows only: the old ones may break \
          it, and the planner does not use it.",
    remedy: "VALIDATE CONSTRAINT: it lets reads and writes go on.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&NOT_VALIDATED],
    judge: not_valid,
};

const NOT_VALIDATED: Question =
    Question::of("not_validated", &[(130_000, sql::CHECK_NOT_VALIDATED)]);

#[derive(Deserialize)]
struct NotValidated {
    constraint: String,
    table: Option<String>,
    domain: Option<String>,
    quoted: String,
}

fn not_valid(look: &Look<'_>) -> Judged {
    let rows: Vec<NotValidated> = look.rows(&NOT_VALIDATED)?;
    let mut verdict = look.verdict().saying("all constraints are validated");
    for NotValidated { constraint, table, domain, quoted } in rows {
        let word = if table.is_some() { "TABLE" } else { "DOMAIN" };
        let owner = table.or(domain).unwrap_or_default();
        let says = format!("{constraint} of {owner} was never held against the old rows");
        verdict
            .find(Level::Warning, format!("{owner}.{constraint}"), says)
            .with_remedy(format!("ALTER {word} {owner} VALIDATE CONSTRAINT {quoted};"));
    }
    Ok(verdict)
}

pub const FK_TYPE_MISMATCH: Check = Check {
    id: "schema.fk_type_mismatch",
    kind: Kind::Static,
    title: "foreign keys of another type than what they refer to",
    why: "An integer column that refers to a bigint key cannot hold its later values; each \
          comparison casts, and some casts keep an index from being used.",
    remedy: "Give both columns the type of the key that is referred to.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&TYPES],
    judge: fk_type_mismatch,
};

const TYPES: Question =
    Question::of("foreign_key_types", &[(130_000, sql::CHECK_FOREIGN_KEY_TYPES)]);

#[derive(Deserialize)]
struct Types {
    table: String,
    constraint: String,
    column: String,
    #[serde(rename = "type")]
    own_type: String,
    other_table: String,
    other_column: String,
    other_type: String,
}

fn fk_type_mismatch(look: &Look<'_>) -> Judged {
    let rows: Vec<Types> = look.rows(&TYPES)?;
    let mut verdict =
        look.verdict().saying("all foreign keys have the types of what they refer to");
    for row in rows {
        let Types { table, constraint, column, own_type, other_table, other_column, other_type } =
            row;
        let says = format!(
            "{table}.{column} is {own_type} and refers to {other_table}.{other_column}, which is \
             {other_type} ({constraint})"
        );
        verdict.find(Level::Warning, format!("{table}.{column}"), says).with_remedy(format!(
            "ALTER TABLE {table} ALTER COLUMN {} TYPE {other_type};  -- rewrites the table under \
             an exclusive lock",
            sql::quote_name(&column)
        ));
    }
    Ok(verdict)
}

pub const DISABLED_TRIGGERS: Check = Check {
    id: "schema.disabled_triggers",
    kind: Kind::Static,
    title: "triggers that are switched off",
    why: "A trigger that was disabled for a load and never enabled again does not do its work; \
          DISABLE TRIGGER ALL switches the foreign keys off too.",
    remedy: "Enable it, look for rows that slipped through, or drop it.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&DISABLED],
    judge: disabled_triggers,
};

const DISABLED: Question =
    Question::of("disabled_triggers", &[(130_000, sql::CHECK_DISABLED_TRIGGERS)]);

#[derive(Deserialize)]
struct Disabled {
    table: String,
    name: String,
    /// None where it is the constraint of this name that has triggers of its own.
    quoted: Option<String>,
}

fn disabled_triggers(look: &Look<'_>) -> Judged {
    let rows: Vec<Disabled> = look.rows(&DISABLED)?;
    let mut verdict = look.verdict().saying("no trigger is switched off");
    for Disabled { table, name, quoted } in rows {
        let object = format!("{table}.{name}");
        match quoted {
            Some(quoted) => verdict
                .find(Level::Warning, object, format!("the trigger {name} of {table} is disabled"))
                .with_remedy(format!("ALTER TABLE {table} ENABLE TRIGGER {quoted};")),
            None => verdict
                .find(
                    Level::Critical,
                    object,
                    format!("the triggers of {name} are disabled on {table}: it is not enforced"),
                )
                .with_remedy(format!("ALTER TABLE {table} ENABLE TRIGGER ALL;")),
        };
    }
    Ok(verdict)
}
