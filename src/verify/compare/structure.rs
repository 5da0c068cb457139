//! Objects that the archive names and the catalog must have; indexes and constraints in force.

use std::collections::{HashMap, HashSet};

use super::Comparison;
use crate::archive::toc::Entry;
use crate::backup::preflight;
use crate::conn::get;
use crate::error::Result;
use crate::report::verify::ProblemKind;
use crate::sql;

/// An object of the catalog.
struct Object {
    is_valid: bool,
    inherited: bool,
}

/// Kind, schema, and name as the archive has it: `orders orders_pkey`.
type Key = (String, String, String);

impl Comparison<'_> {
    /// Looks for every table, view, sequence, index, constraint, trigger, policy and rule of the
    /// archive, and for indexes and constraints that are not in force.
    ///
    /// # Errors
    /// Exit 69 when the connection is lost.
    pub async fn structure(&mut self) -> Result<()> {
        self.inputs.progress.phase("comparing the schema");
        let rows = self.session.rows(sql::OBJECTS.text, &[]).await.map_err(preflight::catalog)?;
        let mut objects: HashMap<Key, Object> = HashMap::new();
        for row in &rows {
            let key: Key = (get(row, "kind")?, get(row, "schema")?, get(row, "name")?);
            let object =
                Object { is_valid: get(row, "is_valid")?, inherited: get(row, "inherited")? };
            objects.insert(key, object);
        }
        let toc = self.inputs.toc;
        let mut unvalidated: HashSet<(&str, &str)> = HashSet::new();
        for entry in &toc.entries {
            if is_unvalidated(entry) {
                unvalidated.insert((entry.schema(), entry.name()));
            }
            if self.inputs.left_out.contains(&entry.id) {
                continue;
            }
            if entry.kind() == "INDEX ATTACH" {
                let key = key_of("INDEX", entry);
                if objects.get(&key).is_some_and(|index| !index.inherited) {
                    let what = format!("index {} is not attached to its parent", full(&key));
                    self.add(ProblemKind::Invalid, None, what);
                }
                continue;
            }
            let Some(kind) = looked_for(entry) else { continue };
            let key = key_of(kind, entry);
            if objects.contains_key(&key) {
                self.counts.objects += 1;
            } else {
                let what = format!("{} is missing", entry.label());
                self.add(ProblemKind::Missing, None, what);
            }
        }
        let mut wrong: Vec<String> = objects
            .iter()
            .filter(|((kind, schema, name), object)| {
                let told = kind == "CONSTRAINT"
                    && (object.inherited
                        || unvalidated.contains(&(schema.as_str(), name.as_str())));
                !object.is_valid && !told
            })
            .map(|(key, _)| match key.0.as_str() {
                "CONSTRAINT" => format!("constraint {} is not validated", full(key)),
                _ => format!("index {} is not valid", full(key)),
            })
            .collect();
        wrong.sort();
        wrong.into_iter().for_each(|what| self.add(ProblemKind::Invalid, None, what));
        Ok(())
    }
}

fn full((_, schema, name): &Key) -> String {
    format!("{schema}.{name}")
}

fn key_of(kind: &str, entry: &Entry) -> Key {
    (kind.to_owned(), entry.schema().to_owned(), entry.name().to_owned())
}

/// The kind in the catalog of what an entry makes, for the kinds that are looked for.
fn looked_for(entry: &Entry) -> Option<&'static str> {
    Some(match entry.kind() {
        "TABLE" => "TABLE",
        "FOREIGN TABLE" => "FOREIGN TABLE",
        "VIEW" => "VIEW",
        "MATERIALIZED VIEW" => "MATERIALIZED VIEW",
        "SEQUENCE" => "SEQUENCE",
        "INDEX" => "INDEX",
        "CONSTRAINT" | "CHECK CONSTRAINT" | "FK CONSTRAINT" => "CONSTRAINT",
        "TRIGGER" => "TRIGGER",
        "POLICY" => "POLICY",
        "RULE" => "RULE",
        _ => return None,
    })
}

/// Whether a constraint was not validated at the source either.
fn is_unvalidated(entry: &Entry) -> bool {
    let definition = entry.definition().trim_end().trim_end_matches(';');
    looked_for(entry) == Some("CONSTRAINT")
        && (definition.ends_with(" NOT VALID") || definition.ends_with(" NOT ENFORCED"))
}
