//! Rights, policies and user mappings: what names a role that is not there.

use std::collections::BTreeMap;

use crate::archive::toc::Entry;
use crate::restore::plan::Weight;
use crate::restore::target::is_reserved;
use crate::restore::words::{after_first, after_last, role_list, statements, words};

use super::Rehearsal;

/// One statement of an ACL, and the roles in it.
struct Statement<'a> {
    text: &'a str,
    roles: Vec<String>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Grant,
    Revoke,
    /// `SET SESSION AUTHORIZATION x`: what follows was granted by x.
    Become,
    /// `RESET SESSION AUTHORIZATION`.
    Return,
    /// `ALTER DATABASE`, `ALTER ROLE x IN DATABASE`.
    Other,
}

impl<'a> Statement<'a> {
    fn of(text: &'a str) -> Self {
        let grantees = || after_last(text, &["TO", "FROM"]).map(role_list).unwrap_or_default();
        let mut all = words(text);
        let (first, second) = (all.next(), all.next());
        let starts = |keyword| first.as_ref().is_some_and(|word| word.is(keyword));
        let (kind, roles) = if starts("GRANT") {
            (Kind::Grant, grantees())
        } else if starts("REVOKE") {
            (Kind::Revoke, grantees())
        } else if starts("SET") {
            (Kind::Become, after_first(text, "AUTHORIZATION").map(role_list).unwrap_or_default())
        } else if starts("RESET") {
            (Kind::Return, Vec::new())
        } else if second.as_ref().is_some_and(|word| word.is("DEFAULT")) {
            let grants = after_first(text, "GRANT").is_some();
            (if grants { Kind::Grant } else { Kind::Revoke }, grantees())
        } else {
            let of_role = second.as_ref().is_some_and(|word| word.is("ROLE"));
            (Kind::Other, if of_role { role_list(all) } else { Vec::new() })
        };
        Self { text, roles, kind }
    }

    /// `SELECT` of `GRANT SELECT ON TABLE app.t TO reader WITH GRANT OPTION;`
    fn rights(&self) -> String {
        let mut inner = self.text;
        if let Some(words) = after_first(self.text, "GRANT") {
            inner = &self.text[words.position()..];
        }
        let end = after_first(inner, "ON").map_or(inner.len(), |words| words.position() - 2);
        inner[..end].trim().to_owned()
    }
}

/// The roles that an entry's rights, policy or user mapping name.
pub(super) fn roles_named(entry: &Entry) -> Vec<String> {
    let definition = entry.definition();
    match entry.kind() {
        "ACL" | "DATABASE PROPERTIES" => {
            statements(definition).into_iter().flat_map(|text| Statement::of(text).roles).collect()
        }
        "DEFAULT ACL" => {
            let mut roles: Vec<String> = statements(definition)
                .into_iter()
                .flat_map(|text| Statement::of(text).roles)
                .collect();
            roles.push(entry.owner_name().to_owned());
            roles
        }
        "POLICY" => after_first(definition, "TO").map(role_list).unwrap_or_default(),
        "USER MAPPING" => after_first(definition, "FOR").map(role_list).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// What was taken out of the rights, for one role.
#[derive(Default)]
struct Lost {
    grants: Vec<String>,
    objects: usize,
}

impl Rehearsal<'_> {
    pub(super) fn rights(&mut self) {
        let mut lost: BTreeMap<String, Lost> = BTreeMap::new();
        for index in self.planned(&["POLICY", "USER MAPPING"]) {
            let roles = roles_named(&self.plan.toc.entries[index]);
            if let Some(role) = roles.iter().find(|role| !self.facts.roles.contains_key(*role)) {
                let reason = format!("role {role} does not exist");
                self.leave_out(index, &reason, &reason);
            }
        }
        for index in self.planned(&["DEFAULT ACL"]) {
            self.default_rights(index);
        }
        for index in self.planned(&["ACL", "DEFAULT ACL", "DATABASE PROPERTIES"]) {
            self.rewrite(index, &mut lost);
        }
        for (role, lost) in lost {
            let of = if is_reserved(&role) { " of another service" } else { "" };
            self.plan.notes.push(format!(
                "role {role}{of} does not exist: its rights on {} are left out ({})",
                super::objects(lost.objects),
                super::some_of(&lost.grants)
            ));
        }
    }

    /// Default rights belong to the role whose new objects will have them.
    fn default_rights(&mut self, index: usize) {
        let owner = self.plan.toc.entries[index].owner_name().to_owned();
        let reason = match self.facts.roles.get(&owner) {
            None => format!("role {owner} does not exist"),
            Some(role) if !self.facts.superuser && !role.usable => {
                format!("role {} cannot act as role {owner}", self.role())
            }
            Some(_) => return,
        };
        self.plan.leave_out(index, Weight::Missing, reason);
    }

    /// Takes the statements out of an entry that name roles which are not there.
    fn rewrite(&mut self, index: usize, lost: &mut BTreeMap<String, Lost>) {
        let entry = &self.plan.toc.entries[index];
        let mut kept = String::new();
        let mut gone: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (mut became, mut changed, mut granted) = (false, false, 0);
        for text in statements(entry.definition()) {
            let statement = Statement::of(text);
            let unknown: Vec<&String> = statement
                .roles
                .iter()
                .filter(|role| !self.facts.roles.contains_key(*role))
                .collect();
            let keep = match statement.kind {
                // Others may not become the grantor: then the owner grants.
                Kind::Become => {
                    became = unknown.is_empty() && self.facts.superuser;
                    became
                }
                Kind::Return => std::mem::take(&mut became),
                _ => unknown.is_empty(),
            };
            if keep {
                kept.push_str(text);
                kept.push('\n');
                granted += u32::from(!matches!(statement.kind, Kind::Become | Kind::Return));
                continue;
            }
            changed = true;
            if matches!(statement.kind, Kind::Grant | Kind::Other) {
                for role in unknown {
                    gone.entry(role.clone()).or_default().push(statement.rights());
                }
            }
        }
        if !changed {
            return;
        }
        let name = entry.name().to_owned();
        if granted > 0 {
            self.plan.toc.entries[index].defn = Some(kept.into_bytes());
        } else {
            self.nothing_left(index, &gone);
        }
        for (role, rights) in gone {
            let lost = lost.entry(role).or_default();
            lost.objects += 1;
            lost.grants.push(format!("{} on {name}", rights.join(", ")));
        }
    }

    /// An entry none of whose statements is left.
    fn nothing_left(&mut self, index: usize, gone: &BTreeMap<String, Vec<String>>) {
        let roles: Vec<String> = gone.keys().cloned().collect();
        let (weight, reason) = match roles.as_slice() {
            [] => (Weight::Needless, "takes rights from roles that do not exist here".to_owned()),
            [role] => (Weight::Missing, format!("role {role} does not exist")),
            _ => (Weight::Missing, format!("roles {} do not exist", super::some_of(&roles))),
        };
        let weight =
            if roles.iter().all(|role| is_reserved(role)) { Weight::Needless } else { weight };
        self.plan.leave_out(index, weight, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_rights_are_understood() {
        let cases: [(&str, Kind, &[&str], &str); 6] = [
            (
                "GRANT SELECT(id),UPDATE ON TABLE a.t TO reader WITH GRANT OPTION;",
                Kind::Grant,
                &["reader"],
                "SELECT(id),UPDATE",
            ),
            ("REVOKE ALL ON SCHEMA public FROM PUBLIC;", Kind::Revoke, &[], ""),
            ("SET SESSION AUTHORIZATION \"a b\";", Kind::Become, &["a b"], ""),
            ("RESET SESSION AUTHORIZATION;", Kind::Return, &[], ""),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE x IN SCHEMA a GRANT SELECT ON TABLES TO y;",
                Kind::Grant,
                &["y"],
                "SELECT",
            ),
            (
                "ALTER ROLE reader IN DATABASE d SET work_mem TO '6MB';",
                Kind::Other,
                &["reader"],
                "",
            ),
        ];
        for (text, kind, roles, rights) in cases {
            let statement = Statement::of(text);
            assert_eq!(
                (statement.kind, statement.roles.as_slice()),
                (kind, roles.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>().as_slice()),
                "{text}"
            );
            if !rights.is_empty() {
                assert_eq!(statement.rights(), rights);
            }
        }
    }
}
