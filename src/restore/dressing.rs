//! What belongs to a database itself (settings, comment, owner, rights), for one of another name.
//!
//! A statement is run only when it is proved to be about the new database: on the server of the
//! source a wrong name would change the source.

use std::ops::Range;

use super::plan::{Plan, Step};
use super::words::{Word, Words, statements, words};
use crate::sql::quote_name;

/// A statement about the new database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Number of its entry.
    pub entry: usize,
    /// One statement.
    pub sql: String,
    /// What it does to the session that runs it.
    pub session: Option<Identity>,
}

/// A change of the session's user around rights that another role gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// `SET SESSION AUTHORIZATION x`
    Becomes,
    /// `RESET SESSION AUTHORIZATION`
    Returns,
}

/// A statement that was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// Number of its entry.
    pub entry: usize,
    /// The statement, as the archive or as pgtend has it.
    pub sql: String,
    /// Why.
    pub error: String,
}

/// All statements about a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dressing {
    /// In their order.
    pub statements: Vec<Statement>,
    /// What is never run.
    pub refused: Vec<Undone>,
}

impl Dressing {
    /// Reads the plan; `new` is the name in the end, `owner` whether it gets the archive's.
    pub fn new(plan: &Plan, owner: bool, new: &str) -> Self {
        let mut entries: Vec<usize> = plan.step(Step::Database).collect();
        // What needs the owner comes before he changes; rights after, since giving a database
        // away rewrites them.
        entries.sort_by_key(|index| match plan.entry(*index).kind() {
            "ACL" => 2,
            "DATABASE" => 1,
            _ => 0,
        });
        let made = |index: &usize| plan.entry(*index).kind() == "DATABASE";
        let created = entries.iter().copied().find(made);
        let old = created.and_then(|index| created_name(plan.entry(index).definition()));
        let mut dressing = Self::default();
        for index in entries {
            let entry = plan.entry(index);
            if entry.kind() != "DATABASE" {
                dressing.add(index, entry.definition(), old.as_deref(), new);
            } else if owner && !entry.owner_name().is_empty() {
                let (name, owner) = (quote_name(new), quote_name(entry.owner_name()));
                let sql = format!("ALTER DATABASE {name} OWNER TO {owner}");
                dressing.statements.push(Statement { entry: index, sql, session: None });
            }
        }
        dressing
    }

    /// Adds an entry's statements: all of them, or none and what is wrong.
    fn add(&mut self, entry: usize, definition: &str, old: Option<&str>, new: &str) {
        let all = statements(definition);
        if all.is_empty() {
            let error = "the archive has no statement for it".to_owned();
            self.refused.push(Undone { entry, sql: String::new(), error });
        }
        let before = self.statements.len();
        for sql in all {
            match aimed(sql, old, new) {
                Ok((sql, session)) => self.statements.push(Statement { entry, sql, session }),
                Err(error) => {
                    self.statements.truncate(before);
                    self.refused.push(Undone { entry, sql: sql.to_owned(), error });
                    return;
                }
            }
        }
    }
}

/// The statement about database `new`, or why it is not run.
fn aimed(sql: &str, old: Option<&str>, new: &str) -> Result<(String, Option<Identity>), String> {
    let sql = sql.trim_end_matches(';').trim_end();
    if let Some(identity) = identity(sql) {
        return Ok((sql.to_owned(), Some(identity)));
    }
    let old = old.ok_or("the archive does not say which database this is about")?;
    let (name, place) =
        database_of(sql).ok_or("pgtend cannot tell which database this statement is about")?;
    if name != old {
        return Err(format!("this statement is about database {name}, not about {old}"));
    }
    let aimed = format!("{} {}{}", &sql[..place.start], quote_name(new), &sql[place.end..]);
    let proved = database_of(&aimed).is_some_and(|(name, _)| name == new);
    if proved && statements(&aimed).len() == 1 {
        Ok((aimed, None))
    } else {
        Err(format!("pgtend cannot write this statement for database {new}"))
    }
}

fn identity(sql: &str) -> Option<Identity> {
    let all: Vec<Word<'_>> = words(sql).collect();
    let (first, rest) = all.split_first()?;
    let [session, authorization, more @ ..] = rest else { return None };
    if !session.is("SESSION") || !authorization.is("AUTHORIZATION") {
        return None;
    }
    match more {
        [] if first.is("RESET") => Some(Identity::Returns),
        [name] if first.is("SET") && name.name().is_some() => Some(Identity::Becomes),
        _ => None,
    }
}

/// The database that a statement is about, and where its name (with the space before it) stands.
fn database_of(sql: &str) -> Option<(String, Range<usize>)> {
    let mut words = words(sql);
    let verb = words.next()?;
    let rights = verb.is("GRANT") || verb.is("REVOKE");
    let found = if verb.is("ALTER") {
        let kind = words.next()?;
        kind.is("DATABASE")
            || (kind.is("ROLE")
                && words.next()?.name().is_some()
                && follow(&mut words, &["IN", "DATABASE"]))
    } else if verb.is("COMMENT") {
        follow(&mut words, &["ON", "DATABASE"])
    } else if verb.is("SECURITY") {
        let label = follow(&mut words, &["LABEL"]);
        let on = words.find(|word| word.is("ON")).is_some();
        label && on && follow(&mut words, &["DATABASE"])
    } else if rights {
        // Names of privileges only: no quotes, no parentheses.
        let plain = |word: &Word<'_>| matches!(word, Word::Bare(_) | Word::Sign(','));
        let on = words.find(|word| word.is("ON") || !plain(word));
        on.is_some_and(|word| word.is("ON")) && follow(&mut words, &["DATABASE"])
    } else {
        false
    };
    if !found {
        return None;
    }
    let start = words.position();
    let name = words.next()?.name()?.into_owned();
    let end = words.position();
    // Rights may be given on several databases at once.
    if rights && !words.next().is_some_and(|word| word.is("TO") || word.is("FROM")) {
        return None;
    }
    Some((name, start..end))
}

fn follow(words: &mut Words<'_>, keywords: &[&str]) -> bool {
    keywords.iter().all(|keyword| words.next().is_some_and(|word| word.is(keyword)))
}

/// The words behind the name in `CREATE DATABASE name ..`, and the name.
fn created(definition: &str) -> Option<(String, Words<'_>)> {
    let mut words = words(definition);
    if !follow(&mut words, &["CREATE", "DATABASE"]) {
        return None;
    }
    let name = words.next()?.name()?.into_owned();
    Some((name, words))
}

fn created_name(definition: &str) -> Option<String> {
    created(definition).map(|(name, _)| name)
}

/// What stands behind the name in `CREATE DATABASE name WITH ..`.
pub fn options(definition: &str) -> Option<&str> {
    let (_, words) = created(definition)?;
    let statement = *statements(&definition[words.position()..]).first()?;
    Some(statement.trim_end_matches(';').trim())
}

/// Options of a database without their tablespace; `None` when they name none.
pub fn without_tablespace(options: &str) -> Option<String> {
    let mut words = words(options);
    loop {
        let start = words.position();
        if !words.next()?.is("TABLESPACE") {
            continue;
        }
        let mut name = words.next()?;
        if name == Word::Sign('=') {
            name = words.next()?;
        }
        name.name()?;
        return Some(format!("{}{}", &options[..start], &options[words.position()..]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::toc::sample::{entry, toc};

    #[test]
    fn a_statement_gets_the_new_name_where_the_old_one_stands() {
        for (sql, old, expected) in [
            (
                "ALTER DATABASE app SET work_mem TO 'DATABASE app ';",
                "app",
                "ALTER DATABASE \"n\" SET work_mem TO 'DATABASE app '",
            ),
            (
                "ALTER DATABASE \"a\nb\" SET x.y TO 'v';",
                "a\nb",
                "ALTER DATABASE \"n\" SET x.y TO 'v'",
            ),
            (
                "ALTER ROLE \"x DATABASE app y\" IN DATABASE app SET a TO 'b';",
                "app",
                "ALTER ROLE \"x DATABASE app y\" IN DATABASE \"n\" SET a TO 'b'",
            ),
            (
                "GRANT CONNECT,TEMPORARY ON DATABASE \"a \"\"b\" TO \" ON DATABASE c \";",
                "a \"b",
                "GRANT CONNECT,TEMPORARY ON DATABASE \"n\" TO \" ON DATABASE c \"",
            ),
            (
                "REVOKE GRANT OPTION FOR ALL ON DATABASE app FROM PUBLIC;",
                "app",
                "REVOKE GRANT OPTION FOR ALL ON DATABASE \"n\" FROM PUBLIC",
            ),
            ("COMMENT ON DATABASE app IS ';';", "app", "COMMENT ON DATABASE \"n\" IS ';'"),
            (
                "SECURITY LABEL FOR \"ON\" ON DATABASE app IS 'x';",
                "app",
                "SECURITY LABEL FOR \"ON\" ON DATABASE \"n\" IS 'x'",
            ),
        ] {
            assert_eq!(aimed(sql, Some(old), "n"), Ok((expected.to_owned(), None)), "{sql}");
        }
        let becomes = aimed("SET SESSION AUTHORIZATION \"a b\";", None, "n").unwrap();
        assert_eq!(becomes.1, Some(Identity::Becomes));
        let returns = aimed("RESET SESSION AUTHORIZATION;", None, "n").unwrap();
        assert_eq!(returns.1, Some(Identity::Returns));
    }

    #[test]
    fn what_may_be_about_another_database_is_not_run() {
        for sql in [
            "ALTER DATABASE live SET a TO b;",
            "ALTER DATABASE",
            "ALTER ROLE app SET a TO b;",
            "ALTER ROLE live IN DATABASE live SET a TO b;",
            "GRANT app TO other;",
            "GRANT \"ON DATABASE app TO\" TO other;",
            "GRANT CONNECT ON DATABASE app, live TO x;",
            "DROP DATABASE app;",
            "SET SESSION AUTHORIZATION a b;",
            "SELECT 1",
            "",
        ] {
            assert!(aimed(sql, Some("app"), "n").is_err(), "{sql}");
        }
        assert!(aimed("ALTER DATABASE app SET a TO b;", None, "n").is_err());
    }

    #[test]
    fn an_entry_with_one_doubtful_statement_is_not_run_at_all() {
        let plan = Plan::new(toc(
            "15.1",
            vec![
                entry(
                    1,
                    "DATABASE",
                    "",
                    "a\nb",
                    "CREATE DATABASE \"a\nb\" WITH ENCODING = 'UTF8';\n",
                ),
                entry(2, "ACL", "", "DATABASE x", "REVOKE ALL ON DATABASE \"a\nb\" FROM PUBLIC;\n"),
                entry(
                    3,
                    "DATABASE PROPERTIES",
                    "",
                    "a\nb",
                    "ALTER DATABASE \"a\nb\" SET a TO 'b';\n",
                ),
                entry(
                    4,
                    "DATABASE PROPERTIES",
                    "",
                    "a\nb",
                    "ALTER DATABASE \"a\nb\" SET a TO 'c';\nALTER DATABASE b SET a TO 'd';\n",
                ),
                entry(5, "COMMENT", "", "DATABASE x", ""),
            ],
        ));
        let dressing = Dressing::new(&plan, false, "n");
        let made: Vec<_> =
            dressing.statements.iter().map(|made| (made.entry, made.sql.as_str())).collect();
        let expected = [
            (2, "ALTER DATABASE \"n\" SET a TO 'b'"),
            (1, "REVOKE ALL ON DATABASE \"n\" FROM PUBLIC"),
        ];
        assert_eq!(made, expected);
        let refused: Vec<usize> = dressing.refused.iter().map(|undone| undone.entry).collect();
        assert_eq!(refused, [3, 4]);
    }

    #[test]
    fn options_of_a_database_are_found() {
        let definition = "CREATE DATABASE \"a \"\"b\" WITH TEMPLATE = template0 ENCODING = 'UTF8' \
            TABLESPACE = \"TABLESPACE x\" ALLOW_CONNECTIONS = true;\n\n";
        let found = options(definition).unwrap();
        assert!(found.starts_with("WITH TEMPLATE") && found.ends_with("true"), "{found}");
        assert_eq!(
            without_tablespace(found).unwrap(),
            "WITH TEMPLATE = template0 ENCODING = 'UTF8' ALLOW_CONNECTIONS = true"
        );
        assert_eq!(without_tablespace("WITH ENCODING = 'TABLESPACE = x'"), None);
        assert_eq!(options("CREATE TABLE x ();"), None);
    }
}
