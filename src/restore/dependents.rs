//! What on the target depends on the tables that a part replaces, and is not part of it.
//!
//! Foreign keys of other tables can be dropped and brought back; a view or a function would be
//! lost with them, so it is a refusal.

use super::belonging::is_relation;
use super::names::typed_table;
use super::plan::{Fate, Plan, Step};
use crate::conn::{Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql::{self, quote_name, quote_qualified};

/// How many names a refusal lists.
const SHOWN: usize = 10;

/// What depends on the tables that are to be dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// Foreign keys of other tables that point at them.
    pub foreign_keys: Vec<ForeignKey>,
    /// `view shop.open`, `partition shop.log_9`, `function shop.newest()`: what a drop would
    /// need to take with it.
    pub others: Vec<String>,
}

/// A foreign key as it is on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Schema of the table that has it.
    pub schema: String,
    /// The table that has it.
    pub table: String,
    /// Its name.
    pub name: String,
    /// `ALTER TABLE .. DROP CONSTRAINT IF EXISTS ..;`
    pub drop: String,
    /// `ALTER TABLE .. ADD CONSTRAINT .. FOREIGN KEY ..;`, NOT VALID unless the table is
    /// partitioned: for those that the backup does not bring back.
    pub add: String,
    /// Whether its table is partitioned.
    pub partitioned: bool,
}

/// Looks for what depends on the planned tables, views and sequences of a part and is neither
/// planned itself nor in a schema of which all is planned.
pub async fn outside(session: &Session, plan: &Plan) -> Result<Outside> {
    let planned =
        |index: &usize| matches!(plan.fate(*index), Fate::Planned(step) if *step != Step::Database);
    let entries = || (0..plan.toc.entries.len()).filter(planned).map(|index| plan.entry(index));
    let relations: Vec<String> = entries()
        .filter(|entry| is_relation(entry))
        .map(|entry| quote_qualified(entry.schema(), entry.name()))
        .collect();
    let schemas: Vec<&str> =
        entries().filter(|entry| entry.kind() == "SCHEMA").map(|entry| entry.name()).collect();
    let rows = session
        .rows(
            sql::OUTSIDE_DEPENDENTS.text,
            &[(&relations, Type::TEXT_ARRAY), (&schemas, Type::TEXT_ARRAY)],
        )
        .await
        .map_err(|error| error.into_error("cannot see what depends on the tables to replace"))?;
    let mut outside = Outside::default();
    for row in &rows {
        let (schema, table): (&str, &str) = (get(row, "schema")?, get(row, "relation")?);
        let (name, relation_kind): (&str, &str) = (get(row, "name")?, get(row, "relation_kind")?);
        let full = typed_table(schema, table);
        match get(row, "kind")? {
            "foreign key" => outside.foreign_keys.push(foreign_key(
                (schema, table, name),
                get(row, "definition")?,
                relation_kind == "p",
            )),
            "partition" => outside.others.push(format!("partition {full}")),
            "relation" => outside.others.push(format!("{} {full}", kind(relation_kind))),
            _ => outside.others.push(name.to_owned()),
        }
    }
    // A partition is a relation that depends, too.
    outside.others.sort();
    outside.others.dedup();
    Ok(outside)
}

fn foreign_key(
    (schema, table, name): (&str, &str, &str),
    definition: &str,
    partitioned: bool,
) -> ForeignKey {
    let full = quote_qualified(schema, table);
    let constraint = quote_name(name);
    let done = [" NOT VALID", " NOT ENFORCED"].iter().any(|end| definition.ends_with(end));
    let end = if partitioned || done { "" } else { " NOT VALID" };
    ForeignKey {
        schema: schema.to_owned(),
        table: table.to_owned(),
        name: name.to_owned(),
        drop: format!("ALTER TABLE {full} DROP CONSTRAINT IF EXISTS {constraint};"),
        add: format!("ALTER TABLE {full} ADD CONSTRAINT {constraint} {definition}{end};"),
        partitioned,
    }
}

fn kind(relkind: &str) -> &'static str {
    match relkind {
        "v" => "view",
        "m" => "materialized view",
        "S" => "sequence",
        "f" => "foreign table",
        "c" => "type",
        _ => "table",
    }
}

impl Outside {
    /// An error (exit 77) when something but foreign keys depends on what is to be dropped.
    pub fn refuse(&self) -> Result<()> {
        if self.others.is_empty() {
            return Ok(());
        }
        let shown = self.others[..self.others.len().min(SHOWN)].join(", ");
        let more = match self.others.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Err(Error::new(Exit::Refused, "what is to be replaced is in use by other objects")
            .because(format!("{shown}{more} depend on it and are not restored"))
            .next("restore beside it: --as NAME, and copy rows from there")
            .next("or drop them yourself, restore, and make them again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_key_comes_back_without_a_look_at_its_rows() {
        let key = |definition, partitioned| {
            foreign_key(("We ird", "a\"b", "c d"), definition, partitioned)
        };
        let definition = "FOREIGN KEY (a) REFERENCES shop.orders(id) DEFERRABLE";
        assert_eq!(
            key(definition, false).add,
            "ALTER TABLE \"We ird\".\"a\"\"b\" ADD CONSTRAINT \"c d\" FOREIGN KEY (a) REFERENCES \
             shop.orders(id) DEFERRABLE NOT VALID;"
        );
        assert!(key(definition, true).add.ends_with("(id) DEFERRABLE;"));
        assert!(
            key("FOREIGN KEY (a) REFERENCES b(c) NOT VALID", false).add.ends_with("(c) NOT VALID;")
        );
    }

    #[test]
    fn only_foreign_keys_are_no_refusal() {
        let mut outside = Outside::default();
        assert!(outside.refuse().is_ok());
        outside.others = (0..12).map(|at| format!("view shop.v{at}")).collect();
        let error = outside.refuse().unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.to_string().contains("view shop.v9 and 2 more depend on it"), "{error}");
    }
}
