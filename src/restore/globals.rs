//! Roles that the target lacks, from a backup's `globals.sql`
//! (`pg_dumpall --globals-only --no-role-passwords`; seen of 15 and 18).
//!
//! Only roles: their attributes, settings, comments and memberships, and of attributes only those
//! that pg_dumpall writes. Passwords are not in the backup, and none is ever set. Tablespaces are folders of another machine and stay out.

use std::collections::HashSet;

use crate::sql::{quote_literal, quote_name};

use super::target::{Facts, is_reserved};
use super::words::{Word, Words, statements as split, words};

const CREATEDB: &str = "CREATEDB";
/// Attributes that not every creator of roles may give.
const CLOSED_ATTRIBUTES: [&str; 4] = ["SUPERUSER", "REPLICATION", "BYPASSRLS", CREATEDB];
/// Attributes that are a key to more than one database.
const POWERS: [&str; 4] = ["SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS"];
/// Attributes that pg_dumpall writes as one word, beside [`DENIALS`].
const PLAIN_ATTRIBUTES: [&str; 8] = [
    "SUPERUSER",
    "INHERIT",
    "NOINHERIT",
    "CREATEROLE",
    CREATEDB,
    "LOGIN",
    "REPLICATION",
    "BYPASSRLS",
];
/// What a new role is without being told. INHERIT is not: it is the default.
const DENIALS: [&str; 6] =
    ["NOSUPERUSER", "NOCREATEROLE", "NOCREATEDB", "NOLOGIN", "NOREPLICATION", "NOBYPASSRLS"];

/// What makes the roles that the target lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globals {
    /// Statements in the order to run them in, each with its semicolon.
    pub statements: Vec<String>,
    /// The roles that they create, sorted.
    pub roles: Vec<String>,
    /// Those of them that may more than others: `reader (SUPERUSER, CREATEROLE)`.
    pub powerful: Vec<String>,
    /// Things that are not made, and why: `("role rdsadmin", "belongs to the service")`. What the
    /// target has already is not among them.
    pub left_out: Vec<(String, String)>,
}

/// Picks the statements out of the text of `globals.sql`.
pub fn statements(text: &str, facts: &Facts) -> Globals {
    let all = split(text);
    let mut reader = Reader {
        facts,
        superuser_of_initdb: superuser_of_initdb(&all),
        made: HashSet::new(),
        result: Globals::default(),
    };
    // Members may be granted roles that are created later.
    let (grants, others): (Vec<&str>, Vec<&str>) =
        all.into_iter().partition(|text| words(text).next().is_some_and(|word| word.is("GRANT")));
    for text in others.into_iter().chain(grants) {
        reader.statement(text);
    }
    reader.result.roles = reader.made.into_iter().collect();
    reader.result.roles.sort();
    reader.result
}

/// The role of every attribute: initdb makes one, `postgres` unless told otherwise.
fn superuser_of_initdb(all: &[&str]) -> Option<String> {
    let everything = ["SUPERUSER", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS"];
    let mut found: Vec<String> = all
        .iter()
        .filter_map(|text| {
            let mut all = words(text);
            let [first, second] = [all.next()?, all.next()?];
            let name = all.next()?.name()?.into_owned();
            let attributes: Vec<Word<'_>> = all.collect();
            let has = |attribute: &&str| attributes.iter().any(|word| word.is(attribute));
            (first.is("ALTER") && second.is("ROLE") && everything.iter().all(has)).then_some(name)
        })
        .collect();
    // Several: others were made like it, and their names do not tell them apart.
    if found.iter().any(|name| name == "postgres") {
        return Some("postgres".to_owned());
    }
    found.pop().filter(|_| found.is_empty())
}

struct Reader<'a> {
    facts: &'a Facts,
    superuser_of_initdb: Option<String>,
    made: HashSet<String>,
    result: Globals,
}

impl Reader<'_> {
    fn statement(&mut self, text: &str) {
        let mut all = words(text);
        let (Some(first), Some(second)) = (all.next(), all.next()) else { return };
        if first.is("SET") || first.is("SELECT") {
            return;
        }
        let is = |one: &str, other: &str| first.is(one) && second.is(other);
        let done = if is("CREATE", "ROLE") {
            self.create(all)
        } else if is("ALTER", "ROLE") {
            self.alter(text, all)
        } else if is("COMMENT", "ON") {
            self.comment(text, all)
        } else if first.is("GRANT") {
            self.membership(words(text))
        } else if is("CREATE", "TABLESPACE") {
            name(&mut all).map(|name| {
                self.leave_out(format!("tablespace {name}"), "its folder is another machine's");
            })
        } else {
            None
        };
        if done.is_none() {
            let start: String = text.chars().take(60).collect();
            self.leave_out(start, "pgtend does not know this kind of statement");
        }
    }

    fn leave_out(&mut self, what: String, why: impl Into<String>) {
        self.result.left_out.push((what, why.into()));
    }

    fn create(&mut self, mut rest: Words<'_>) -> Option<()> {
        let role = name(&mut rest)?;
        if self.facts.roles.contains_key(&role) {
            return Some(());
        }
        if is_reserved(&role) {
            self.leave_out(format!("role {role}"), "belongs to the service or to PostgreSQL");
        } else if self.superuser_of_initdb.as_ref() == Some(&role) {
            self.leave_out(format!("role {role}"), "the superuser that initdb made over there");
        } else {
            // pg_dumpall writes no more than the name; attributes follow in ALTER ROLE.
            if rest.any(|word| word != Word::Sign(';')) {
                let why = "pg_dumpall writes none there".to_owned();
                self.leave_out(format!("what CREATE ROLE gives role {role}"), why);
            }
            self.result.statements.push(format!("CREATE ROLE {};", quote_name(&role)));
            self.made.insert(role);
        }
        Some(())
    }

    fn alter(&mut self, text: &str, mut rest: Words<'_>) -> Option<()> {
        let role = name(&mut rest)?;
        if !self.made.contains(&role) {
            return Some(());
        }
        let next = rest.next()?;
        if next.is("WITH") {
            self.attributes(&role, rest);
            return Some(());
        }
        if next.is("SET") {
            let setting = rest.next()?.name()?.to_lowercase();
            let open = self.facts.superuser || self.facts.settings.get(&setting) == Some(&true);
            if open {
                self.result.statements.push(text.to_owned());
            } else {
                let what = format!("setting {setting} of role {role}");
                self.leave_out(what, format!("role {} may not set it", self.facts.role));
            }
            return Some(());
        }
        // pg_dumpall writes no other.
        None
    }

    /// `ALTER ROLE x WITH ..` of the attributes that pg_dumpall writes, without those that the
    /// session may not touch, and then without the denials: a new role has none of them, and to
    /// deny takes the same right as to give.
    fn attributes(&mut self, role: &str, mut rest: Words<'_>) {
        let (mut kept, mut dropped, mut powers) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(word) = rest.next() {
            if word == Word::Sign(';') {
                break;
            }
            let Some(attribute) = attribute(&word, &mut rest) else {
                // It may be a password: not even its name is repeated.
                let why = "one of them is none that pg_dumpall writes";
                return self.leave_out(format!("attributes of role {role}"), why);
            };
            let is_denial = DENIALS.contains(&attribute.as_str());
            let closed = match attribute.as_str() {
                // Before 16 whoever creates roles could give this.
                CREATEDB => !self.facts.may_create_databases && self.facts.major() >= 16,
                other => CLOSED_ATTRIBUTES.contains(&other),
            };
            if !self.facts.superuser && closed {
                dropped.push(attribute);
            } else if self.facts.superuser || !is_denial {
                powers.extend(POWERS.contains(&attribute.as_str()).then(|| attribute.clone()));
                kept.push(attribute);
            }
        }
        if !dropped.is_empty() {
            let what = format!("{} of role {role}", dropped.join(", "));
            self.leave_out(what, format!("role {} may not give it", self.facts.role));
        }
        if !powers.is_empty() {
            self.result.powerful.push(format!("{role} ({})", powers.join(", ")));
        }
        if !kept.is_empty() {
            let (role, kept) = (quote_name(role), kept.join(" "));
            self.result.statements.push(format!("ALTER ROLE {role} WITH {kept};"));
        }
    }

    fn comment(&mut self, text: &str, mut rest: Words<'_>) -> Option<()> {
        if !rest.next()?.is("ROLE") {
            return None;
        }
        if self.made.contains(&name(&mut rest)?) {
            self.result.statements.push(text.to_owned());
        }
        Some(())
    }

    /// `GRANT a TO b WITH ADMIN OPTION, INHERIT TRUE, SET FALSE GRANTED BY c;`, without its
    /// grantor: who restores grants.
    fn membership(&mut self, mut rest: Words<'_>) -> Option<()> {
        rest.next()?;
        let role = name(&mut rest)?;
        if !rest.next()?.is("TO") {
            return None;
        }
        let member = name(&mut rest)?;
        // What both sides have is the target's own affair.
        if !self.made.contains(&role) && !self.made.contains(&member) {
            return Some(());
        }
        let what = format!("membership of role {member} in role {role}");
        for one in [&role, &member] {
            if !self.made.contains(one) && !self.facts.roles.contains_key(one) {
                self.leave_out(what, format!("role {one} is not made"));
                return Some(());
            }
        }
        if role.starts_with("pg_") && !self.facts.superuser && self.facts.provider.is_none() {
            self.leave_out(what, "only a superuser may grant it");
            return Some(());
        }
        let options = options(rest, self.facts.major());
        let (role, member) = (quote_name(&role), quote_name(&member));
        self.result.statements.push(if options.is_empty() {
            format!("GRANT {role} TO {member};")
        } else {
            format!("GRANT {role} TO {member} WITH {options};")
        });
        Some(())
    }
}

/// The attribute that starts with `word`, as it is written; `None` for what pg_dumpall does not
/// write, a password for one.
fn attribute(word: &Word<'_>, rest: &mut Words<'_>) -> Option<String> {
    if word.is("CONNECTION") {
        let limit = rest.next().filter(|word| word.is("LIMIT")).and_then(|_| rest.next())?;
        let Word::Bare(number) = limit else { return None };
        return Some(format!("CONNECTION LIMIT {}", number.parse::<u32>().ok()?));
    }
    if word.is("VALID") {
        let until = rest.next().filter(|word| word.is("UNTIL")).and_then(|_| rest.next())?;
        let Word::Text(time) = until else { return None };
        let time = time.strip_prefix('\'')?.strip_suffix('\'')?;
        return Some(format!("VALID UNTIL {}", quote_literal(time)));
    }
    let known = PLAIN_ATTRIBUTES.iter().chain(&DENIALS).find(|known| word.is(known))?;
    Some((*known).to_owned())
}

/// The options of a membership; INHERIT and SET came with 16.
fn options(rest: Words<'_>, major: u32) -> String {
    let all: Vec<Word<'_>> = rest.take_while(|word| !word.is("GRANTED")).collect();
    let mut options = Vec::new();
    for pair in all.windows(2) {
        let [name, value] = pair else { continue };
        if name.is("ADMIN") && (value.is("OPTION") || value.is("TRUE")) {
            options.push("ADMIN OPTION".to_owned());
        }
        for option in ["INHERIT", "SET"] {
            if major >= 16 && name.is(option) && (value.is("TRUE") || value.is("FALSE")) {
                let value = if value.is("TRUE") { "TRUE" } else { "FALSE" };
                options.push(format!("{option} {value}"));
            }
        }
    }
    options.join(", ")
}

fn name(words: &mut Words<'_>) -> Option<String> {
    Some(words.next()?.name()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"--
-- PostgreSQL database cluster dump
--

\restrict Iee3lvw;LR8kD7m3

SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';

CREATE ROLE app_owner;
ALTER ROLE app_owner WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
COMMENT ON ROLE app_owner IS 'it''s; mine';
CREATE ROLE known;
ALTER ROLE known WITH NOSUPERUSER;
CREATE ROLE "od""d ro;le";
ALTER ROLE "od""d ro;le" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN REPLICATION BYPASSRLS CONNECTION LIMIT 3 VALID UNTIL '2030-01-01 00:00:00+00';
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;
CREATE ROLE rdsadmin;
ALTER ROLE rdsadmin WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN NOREPLICATION NOBYPASSRLS;

ALTER ROLE app_owner SET search_path TO 'a', 'b';
ALTER ROLE app_owner SET session_replication_role TO 'replica';
ALTER ROLE known SET work_mem TO '5MB';

GRANT app_owner TO "od""d ro;le" WITH ADMIN OPTION, INHERIT FALSE, SET TRUE GRANTED BY postgres;
GRANT app_owner TO known;
GRANT known TO known2 GRANTED BY postgres;
GRANT pg_monitor TO app_owner GRANTED BY postgres;
GRANT rdsadmin TO app_owner GRANTED BY postgres;

CREATE TABLESPACE fast OWNER postgres LOCATION '/tmp/x';

\unrestrict Iee3lvwLR8kD7m3
"#;

    fn facts(superuser: bool, major: u32) -> Facts {
        let mut facts = Facts { superuser, role: "me".into(), ..Facts::default() };
        facts.version_number = major * 10_000;
        for role in ["known", "known2", "me", "pg_monitor"] {
            facts.roles.insert(role.into(), Default::default());
        }
        facts.settings.insert("search_path".into(), true);
        facts.settings.insert("session_replication_role".into(), false);
        facts
    }

    #[test]
    fn a_superuser_makes_the_roles_that_are_missing() {
        let globals = statements(TEXT, &facts(true, 18));
        assert_eq!(
            globals.statements,
            [
                "CREATE ROLE \"app_owner\";",
                "ALTER ROLE \"app_owner\" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN \
                 NOREPLICATION NOBYPASSRLS;",
                "COMMENT ON ROLE app_owner IS 'it''s; mine';",
                "CREATE ROLE \"od\"\"d ro;le\";",
                "ALTER ROLE \"od\"\"d ro;le\" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB \
                 LOGIN REPLICATION BYPASSRLS CONNECTION LIMIT 3 VALID UNTIL '2030-01-01 \
                 00:00:00+00';",
                "ALTER ROLE app_owner SET search_path TO 'a', 'b';",
                "ALTER ROLE app_owner SET session_replication_role TO 'replica';",
                "GRANT \"app_owner\" TO \"od\"\"d ro;le\" WITH ADMIN OPTION, INHERIT FALSE, SET TRUE;",
                "GRANT \"app_owner\" TO \"known\";",
                "GRANT \"pg_monitor\" TO \"app_owner\";",
            ]
        );
        let left: Vec<&str> = globals.left_out.iter().map(|(what, _)| what.as_str()).collect();
        let expected = [
            "role postgres",
            "role rdsadmin",
            "tablespace fast",
            "membership of role app_owner in role rdsadmin",
        ];
        assert_eq!(left, expected);
    }

    #[test]
    fn others_make_them_without_what_is_the_superusers() {
        let globals = statements(TEXT, &facts(false, 15));
        let has = |text: &str| globals.statements.iter().any(|statement| statement == text);
        assert!(has("ALTER ROLE \"app_owner\" WITH INHERIT;"));
        assert!(has("ALTER ROLE \"od\"\"d ro;le\" WITH INHERIT LOGIN CONNECTION \
             LIMIT 3 VALID UNTIL '2030-01-01 00:00:00+00';"));
        assert!(has("GRANT \"app_owner\" TO \"od\"\"d ro;le\" WITH ADMIN OPTION;"));
        let left: Vec<&str> = globals.left_out.iter().map(|(what, _)| what.as_str()).collect();
        for what in [
            "REPLICATION, BYPASSRLS of role od\"d ro;le",
            "setting session_replication_role of role app_owner",
            "membership of role app_owner in role pg_monitor",
        ] {
            assert!(left.contains(&what), "{what} in {left:?}");
        }
    }

    #[test]
    fn a_second_run_makes_nothing() {
        let mut facts = facts(true, 18);
        for role in ["app_owner", "od\"d ro;le", "postgres", "rdsadmin"] {
            facts.roles.insert(role.into(), Default::default());
        }
        let globals = statements(TEXT, &facts);
        assert_eq!(globals.statements, [""; 0]);
        assert_eq!(globals.left_out.len(), 1, "{:?}", globals.left_out);
    }

    #[test]
    fn what_is_not_known_is_told() {
        let globals = statements("DROP ROLE x; CREATE ROLE y", &facts(true, 18));
        assert_eq!(globals.left_out[0].0, "DROP ROLE x;");
        assert_eq!(globals.statements, ["CREATE ROLE \"y\";"]);
    }

    #[test]
    fn attributes_that_pg_dumpall_does_not_write_are_not_given() {
        let text = "CREATE ROLE a SUPERUSER PASSWORD 'secret' IN ROLE postgres;
            CREATE ROLE b; ALTER ROLE b WITH LOGIN PASSWORD 'secret';
            CREATE ROLE c; ALTER ROLE c WITH LOGIN IN ROLE known;
            CREATE ROLE d; ALTER ROLE d WITH LOGIN VALID UNTIL 'x' CONNECTION LIMIT 2;
            CREATE ROLE e; ALTER ROLE e WITH SUPERUSER LOGIN CREATEROLE NOREPLICATION BYPASSRLS;
            CREATE ROLE f; ALTER ROLE f WITH CREATEROLE REPLICATION;";
        let globals = statements(text, &facts(true, 18));
        assert_eq!(
            globals.statements,
            [
                "CREATE ROLE \"a\";",
                "CREATE ROLE \"b\";",
                "CREATE ROLE \"c\";",
                "CREATE ROLE \"d\";",
                "ALTER ROLE \"d\" WITH LOGIN VALID UNTIL 'x' CONNECTION LIMIT 2;",
                "CREATE ROLE \"e\";",
                "ALTER ROLE \"e\" WITH SUPERUSER LOGIN CREATEROLE NOREPLICATION BYPASSRLS;",
                "CREATE ROLE \"f\";",
                "ALTER ROLE \"f\" WITH CREATEROLE REPLICATION;",
            ]
        );
        assert_eq!(
            globals.powerful,
            ["e (SUPERUSER, CREATEROLE, BYPASSRLS)", "f (CREATEROLE, REPLICATION)"]
        );
        let left: Vec<&str> = globals.left_out.iter().map(|(what, _)| what.as_str()).collect();
        let expected =
            ["what CREATE ROLE gives role a", "attributes of role b", "attributes of role c"];
        assert_eq!(left, expected);
        // Others give of these CREATEROLE alone.
        let globals = statements(text, &facts(false, 15));
        assert_eq!(globals.powerful, ["e (CREATEROLE)", "f (CREATEROLE)"]);
    }
}
