//! Schemas, and whether the role may create in them.

use crate::restore::identity::{foreign, made_by};
use crate::restore::plan::Weight;

use super::Rehearsal;

/// What pg_dump writes as the definition of `public` (from 15 on).
const NOT_CREATING: &str = "-- *not* creating schema";

impl Rehearsal<'_> {
    /// Schemas that exist are kept as they are; `public` exists always.
    pub(super) fn schemas(&mut self) {
        for index in self.planned(&["SCHEMA"]) {
            let entry = &self.plan.toc.entries[index];
            let name = entry.name().to_owned();
            let made_by_initdb = entry.definition().starts_with(NOT_CREATING);
            if self.facts.schemas.contains_key(&name) {
                // Its entry gives public its owner, nothing else.
                let gives_owner = made_by_initdb
                    && self.facts.superuser
                    && !self.wishes.no_owner
                    && self.facts.roles.contains_key(entry.owner_name());
                if !gives_owner {
                    self.plan.leave_out(index, Weight::Needless, "exists already");
                }
            } else if made_by_initdb {
                let need = format!("schema {name} does not exist on the target");
                self.leave_out(index, "does not exist on the target", &need);
            } else if !self.facts.may_create {
                let role = self.role();
                let reason = format!("role {role} may not create schemas in the database");
                let need = format!("needs schema {name}, which role {role} may not create");
                self.leave_out(index, &reason, &need);
            }
        }
        for index in self.planned(&["ACL", "COMMENT", "SECURITY LABEL"]) {
            self.schema_of_another(index);
        }
    }

    /// Rights and comments of a schema that is there and somebody else's.
    fn schema_of_another(&mut self, index: usize) {
        let entry = &self.plan.toc.entries[index];
        let Some(name) = entry.name().strip_prefix("SCHEMA ") else { return };
        let Some(schema) = self.facts.schemas.get(name) else { return };
        if self.facts.superuser || schema.owned {
            return;
        }
        let weight = if entry.kind() == "COMMENT" && entry.definition().contains("standard public")
        {
            Weight::Needless
        } else {
            Weight::Missing
        };
        let reason = format!("schema {name} belongs to role {} here", schema.owner);
        self.plan.leave_out(index, weight, reason);
    }

    /// The schemas that planned objects go to must be there, and open to the role.
    pub(super) fn places_in_schemas(&mut self) {
        let planned = self.planned(&["SCHEMA"]);
        let made: std::collections::HashSet<String> =
            planned.iter().map(|index| self.plan.toc.entries[*index].name().to_owned()).collect();
        for index in self.all_planned() {
            let entry = &self.plan.toc.entries[index];
            let schema = entry.schema().to_owned();
            let makes = made_by(entry).is_some() || entry.kind().starts_with("OPERATOR");
            if schema.is_empty() || made.contains(&schema) || !makes {
                continue;
            }
            let reason = match self.facts.schemas.get(&schema) {
                // An extension may bring its schema.
                None if self.of_planned_extension(index) => continue,
                None => format!("schema {schema} does not exist on the target"),
                Some(found) if self.facts.superuser || found.may_create => continue,
                Some(_) => format!("role {} may not create in schema {schema}", self.role()),
            };
            let need = format!("needs {}: {reason}", self.plan.toc.entries[index].label());
            self.leave_out(index, &reason, &need);
        }
    }

    /// Rights, comments and rows of what the archive does not make: the server's own objects,
    /// and those of extensions.
    pub(super) fn objects_of_others(&mut self) {
        for index in self.all_planned() {
            let entry = &self.plan.toc.entries[index];
            let Some(object) = foreign(self.plan, entry) else { continue };
            // The role may be no owner, and still load rows.
            let is_rows = matches!(entry.kind(), "TABLE DATA" | "SEQUENCE SET");
            if object.class == "schema" && self.facts.schemas.contains_key(&object.name) {
                continue;
            }
            if !is_rows && !self.facts.superuser {
                let reason = "belongs to the server or to an extension, not to the restored \
                              objects: only its owner may change it";
                self.plan.leave_out(index, Weight::Missing, reason);
            } else if !self.facts.existing.contains(&index)
                && let Some(reason) = self.provider_is_missing(&object.schema)
            {
                self.plan.leave_out(index, Weight::Missing, reason);
            }
        }
    }

    /// Why nothing will bring an object that lies in `schema` and is not there yet; `None` when
    /// some extension may.
    fn provider_is_missing(&self, schema: &str) -> Option<String> {
        let entries = self.plan.toc.entries.iter().enumerate();
        let all: Vec<usize> =
            entries.filter(|(_, entry)| entry.kind() == "EXTENSION").map(|(at, _)| at).collect();
        let into = |index: &usize| {
            let definition = self.plan.toc.entries[*index].definition();
            super::extensions::schema_of(definition).is_some_and(|into| into == schema)
        };
        let near: Vec<usize> = all.iter().copied().filter(into).collect();
        let candidates = if near.is_empty() { all } else { near };
        if candidates.iter().any(|index| self.plan.is_planned(*index)) {
            return None;
        }
        let missing: Vec<String> = candidates
            .iter()
            .map(|index| self.plan.toc.entries[*index].name().to_owned())
            .filter(|name| self.facts.extensions.get(name).is_none_or(|e| e.schema.is_none()))
            .collect();
        Some(match missing.as_slice() {
            [] => "belongs to an object that does not exist on the target".to_owned(),
            [one] => format!("needs extension {one}, which is left out"),
            _ => format!("needs an extension that is left out ({})", super::some_of(&missing)),
        })
    }
}
