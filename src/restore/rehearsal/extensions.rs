//! Extensions: installed, available, allowed.

use crate::restore::identity::names_schema;
use crate::restore::plan::Weight;
use crate::restore::words::after_last;

use super::Rehearsal;

/// The schema of `CREATE EXTENSION .. WITH SCHEMA x`.
pub(super) fn schema_of(definition: &str) -> Option<String> {
    let mut words = after_last(definition, &["SCHEMA"])?;
    Some(words.next()?.name()?.into_owned())
}

impl Rehearsal<'_> {
    pub(super) fn extensions(&mut self) {
        for index in self.planned(&["EXTENSION"]) {
            let name = self.plan.toc.entries[index].name().to_owned();
            let installed = self.facts.extensions.get(&name).and_then(|e| e.schema.clone());
            if let Some(schema) = installed {
                self.plan.leave_out(index, Weight::Needless, "installed already");
                self.installed_elsewhere(index, &name, &schema);
            } else if let Some((reason, which)) = self.why_not(index, &name) {
                self.leave_out(index, &reason, &format!("needs extension {name}, {which}"));
            }
        }
        if !self.facts.superuser {
            self.comments_of_extensions();
        }
    }

    /// Why the role cannot create an extension here, for itself and for what needs it.
    fn why_not(&self, index: usize, name: &str) -> Option<(String, String)> {
        let both = |own: &str, which: &str| Some((own.to_owned(), which.to_owned()));
        let Some(extension) = self.facts.extensions.get(name).filter(|e| e.available) else {
            return both("this server does not have it", "which this server does not have");
        };
        if self.facts.allowed_extensions.as_ref().is_some_and(|list| !list.contains(name)) {
            return both(
                "not on the service's list of allowed extensions",
                "which is not on the service's list of allowed extensions",
            );
        }
        // Admins of services are lent the superuser for what is on the service's list.
        let lent = self.facts.superuser || self.facts.provider.is_some();
        if extension.superuser && !extension.trusted && !lent {
            return both(
                "only a superuser may create it here",
                "which only a superuser may create here",
            );
        }
        if !self.facts.superuser && !self.facts.may_create {
            let lack = format!("role {} lacks CREATE on the database", self.role());
            return Some((lack.clone(), format!("but {lack}")));
        }
        let schema = schema_of(self.plan.toc.entries[index].definition())?;
        let made = |index: &usize| self.plan.toc.entries[*index].name() == schema;
        if self.facts.schemas.contains_key(&schema) || self.planned(&["SCHEMA"]).iter().any(made) {
            return None;
        }
        let lack = format!("its schema {schema} does not exist here");
        Some((lack.clone(), format!("but {lack}")))
    }

    /// An extension that lies in another schema here: what names the old one cannot be made.
    fn installed_elsewhere(&mut self, index: usize, name: &str, here: &str) {
        let Some(there) = schema_of(self.plan.toc.entries[index].definition()) else { return };
        if there == here {
            return;
        }
        let id = self.plan.toc.entries[index].id;
        let reason =
            format!("needs extension {name} in schema {there}; on the target it is in {here}");
        for dependent in self.dependents.get(&id).cloned().unwrap_or_default() {
            let definition = self.plan.toc.entries[dependent].definition();
            if self.plan.is_planned(dependent) && names_schema(definition, &there) {
                self.leave_out(dependent, &reason, &reason);
            }
        }
    }

    /// Only the owner may comment on an extension, and CREATE EXTENSION does it anyway.
    fn comments_of_extensions(&mut self) {
        for index in self.planned(&["COMMENT", "SECURITY LABEL"]) {
            let Some(name) = self.plan.toc.entries[index].name().strip_prefix("EXTENSION ") else {
                continue;
            };
            let found = self.facts.extensions.get(name);
            let installed = found.is_some_and(|extension| extension.schema.is_some());
            // Whom an extension belongs to that a service's admin creates, the service decides.
            let ours = if installed {
                found.is_some_and(|extension| extension.owned)
            } else {
                self.facts.provider.is_none()
            };
            if !ours {
                let is_comment = self.plan.toc.entries[index].kind() == "COMMENT";
                let (weight, reason) = if is_comment {
                    (Weight::Needless, "the extension brings its own comment")
                } else {
                    (Weight::Missing, "the extension belongs to another role here")
                };
                self.plan.leave_out(index, weight, reason);
            }
        }
    }

    /// Table access methods that will not be there: the table becomes a heap.
    pub(super) fn access_methods(&mut self) {
        let made: Vec<String> = self
            .planned(&["ACCESS METHOD"])
            .into_iter()
            .map(|index| self.plan.toc.entries[index].name().to_owned())
            .collect();
        let mut lost: std::collections::BTreeMap<String, usize> = Default::default();
        for index in self.all_planned() {
            let name = self.plan.toc.entries[index].access_method_name().to_owned();
            let known = name.is_empty()
                || self.facts.access_methods.contains(&name)
                || made.contains(&name)
                || self.of_planned_extension(index);
            if !known {
                let entry = &mut self.plan.toc.entries[index];
                // NULL would leave the setting of the entry before; partitioned tables get an
                // ALTER TABLE of their own for whatever is named.
                let partitioned = after_last(entry.definition(), &["PARTITION"])
                    .and_then(|mut words| words.next())
                    .is_some_and(|word| word.is("BY"));
                entry.access_method = (!partitioned).then(|| b"heap".to_vec());
                *lost.entry(name).or_default() += 1;
            }
        }
        for (name, count) in lost {
            let objects = super::objects(count);
            self.plan.notes.push(format!(
                "table access method {name} does not exist: {objects} will use heap"
            ));
        }
    }

    /// Tablespaces that are not there or not open to the role.
    pub(super) fn tablespaces(&mut self) {
        let mut lost: std::collections::BTreeMap<String, usize> = Default::default();
        for index in self.all_planned() {
            let entry = &mut self.plan.toc.entries[index];
            let name = entry.tablespace_name().to_owned();
            let usable = self.facts.tablespaces.get(&name).copied().unwrap_or(false);
            if !name.is_empty() && !usable {
                // NULL would leave the setting of the entry before.
                entry.tablespace = Some(Vec::new());
                *lost.entry(name).or_default() += 1;
            }
        }
        for (name, count) in lost {
            let why = if self.facts.tablespaces.contains_key(&name) {
                "is not open to the role"
            } else {
                "does not exist"
            };
            let objects = super::objects(count);
            self.plan
                .notes
                .push(format!("tablespace {name} {why}: {objects} will lie in the database's own"));
        }
    }
}
