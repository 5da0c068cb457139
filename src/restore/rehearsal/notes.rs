//! What the operator should know beside what is left out.

use std::collections::HashMap;

use crate::restore::target::Locale;
use crate::restore::words::{Word, words};

use super::Rehearsal;

impl Rehearsal<'_> {
    pub(super) fn notes(&mut self) {
        let archive = self.plan.toc.server_version();
        let major =
            archive.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
        if major.is_some_and(|major: u32| major > self.facts.major()) {
            self.plan.notes.push(format!(
                "the backup is of PostgreSQL {archive}, the target is {}: what is new in the \
                 former may fail",
                self.facts.version
            ));
        }
        if !self.wishes.create {
            self.locale();
        }
        self.roles_in_rows();
        for index in self.planned(&["SUBSCRIPTION"]) {
            let name = self.plan.toc.entries[index].name();
            self.plan.notes.push(format!("subscription {name} comes back disabled"));
        }
    }

    /// Rows can name roles, too; which ones, only the rows know.
    fn roles_in_rows(&mut self) {
        let names_roles = |index: &usize| {
            let entry = &self.plan.toc.entries[*index];
            words(entry.definition()).any(|word| word.is("regrole") || word.is("aclitem"))
        };
        let tables = self.planned(&["TABLE"]);
        let tables: Vec<String> = tables
            .into_iter()
            .filter(names_roles)
            .map(|index| self.plan.toc.entries[index].label())
            .collect();
        if !tables.is_empty() {
            self.plan.notes.push(format!(
                "rows with roles that do not exist will fail: {}",
                super::some_of(&tables)
            ));
        }
    }

    fn locale(&mut self) {
        let mut entries = self.plan.toc.entries.iter();
        let Some(database) = entries.find(|entry| entry.kind() == "DATABASE") else { return };
        let (source, target) = (locale_of(database.definition()), &self.facts.locale);
        let mut notes = Vec::new();
        if !source.encoding.is_empty() && source.encoding != target.encoding {
            let effect = if source.encoding == "SQL_ASCII" {
                "bytes that are not text in the latter will fail"
            } else if target.encoding == "SQL_ASCII" {
                "the target will not know where a letter ends"
            } else {
                "text that the latter cannot hold will fail"
            };
            notes.push(format!(
                "the database's encoding was {}, here it is {}: {effect}",
                source.encoding, target.encoding
            ));
        }
        let (was, is) = (describe(&source), describe(target));
        // Without a word on it the archive is older than we know.
        if !source.collate.is_empty() && was != is {
            notes.push(format!(
                "the database's locale was {was}, here it is {is}: text will sort differently"
            ));
        }
        self.plan.notes.extend(notes);
    }
}

/// `C.UTF-8 (libc)`.
fn describe(locale: &Locale) -> String {
    let libc = if locale.collate == locale.ctype {
        locale.collate.clone()
    } else {
        format!("{} for sorting, {} for letters", locale.collate, locale.ctype)
    };
    match (locale.provider.as_str(), &locale.locale) {
        ("i", Some(name)) => format!("{name} (ICU)"),
        ("b", Some(name)) => format!("{name} (builtin)"),
        _ => format!("{libc} (libc)"),
    }
}

/// Reads `CREATE DATABASE x WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C' ..`.
pub(super) fn locale_of(definition: &str) -> Locale {
    let mut options: HashMap<String, String> = HashMap::new();
    let all: Vec<Word<'_>> = words(definition).collect();
    for window in all.windows(3) {
        if let [Word::Bare(name), Word::Sign('='), value] = window {
            let value = match value {
                Word::Text(text) => text.trim_matches('\'').to_owned(),
                word => word.name().unwrap_or_default().into_owned(),
            };
            options.insert(name.to_uppercase(), value);
        }
    }
    let option = |name: &str| options.get(name).cloned();
    let both = option("LOCALE").unwrap_or_default();
    let provider = match option("LOCALE_PROVIDER").as_deref() {
        Some("icu") => "i",
        Some("builtin") => "b",
        _ => "c",
    };
    Locale {
        encoding: option("ENCODING").unwrap_or_default(),
        collate: option("LC_COLLATE").unwrap_or_else(|| both.clone()),
        ctype: option("LC_CTYPE").unwrap_or(both),
        provider: provider.to_owned(),
        locale: option("ICU_LOCALE").or_else(|| option("BUILTIN_LOCALE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_is_read_from_how_the_database_was_made() {
        let plain = locale_of(
            "CREATE DATABASE src WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = \
             libc LOCALE = 'C.UTF-8';\n",
        );
        assert_eq!(describe(&plain), "C.UTF-8 (libc)");
        assert_eq!(plain.encoding, "UTF8");
        let mixed = locale_of(
            "CREATE DATABASE \"a = b\" WITH TEMPLATE = template0 ENCODING = 'LATIN1' LC_COLLATE = \
             'C' LC_CTYPE = 'de_DE';",
        );
        assert_eq!(describe(&mixed), "C for sorting, de_DE for letters (libc)");
        let icu = locale_of(
            "CREATE DATABASE i WITH ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C' \
             ICU_LOCALE = 'de-AT';",
        );
        assert_eq!(describe(&icu), "de-AT (ICU)");
    }
}
