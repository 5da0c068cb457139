//! One statement of a plain dump: what becomes of it.

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// psql gets it.
    Passes,
    /// It begins or ends a transaction around large objects: the whole script is one.
    Transaction,
    /// `SET transaction_timeout = 0;`
    TransactionTimeout,
    /// It is about the database itself, which only dumps of `pg_dump -C` and pg_dumpall are.
    OtherDatabase,
    /// Rows follow, from the next line on.
    Copy,
    /// Not what pg_dump writes.
    Refused(&'static str),
    /// What pg_dump writes, but the scanner cannot follow what comes behind it.
    Unsupported(&'static str),
}

/// The first words of a statement, and whether it is within a body of BEGIN ATOMIC, where a
/// semicolon ends nothing (psqlscan.l counts the same way).
#[derive(Debug, Clone, Default)]
pub struct Words {
    first: Vec<String>,
    depth: u32,
    set_config: bool,
}

/// Words that are looked at.
const FIRST: usize = 4;

/// Settings that say where a string ends.
const STRINGS: &str = "standard_conforming_strings";
const ENCODING: &str = "client_encoding";

/// Encodings without characters that have a byte which is a backslash or a quote: those that a
/// server may have itself (pg_enc2name_tbl), as pg_dump calls them.
const SAFE_ENCODINGS: &str = "UTF8 UTF-8 SQL_ASCII EUC_JP EUC_CN EUC_KR EUC_TW EUC_JIS_2004 \
    MULE_INTERNAL LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 LATIN7 LATIN8 LATIN9 LATIN10 WIN866 \
    WIN874 WIN1250 WIN1251 WIN1252 WIN1253 WIN1254 WIN1255 WIN1256 WIN1257 WIN1258 KOI8R KOI8U \
    ISO_8859_5 ISO_8859_6 ISO_8859_7 ISO_8859_8";

impl Words {
    /// Takes the next word outside of quotes.
    pub fn add(&mut self, word: &[u8], outside_parentheses: bool) {
        if word.first().is_none_or(u8::is_ascii_digit) {
            return;
        }
        let word = String::from_utf8_lossy(word).to_ascii_lowercase();
        self.set_config |= word == "set_config";
        if outside_parentheses && self.makes_function() {
            match word.as_str() {
                "begin" => self.depth = self.depth.saturating_add(1),
                "case" if self.depth > 0 => self.depth = self.depth.saturating_add(1),
                "end" => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        if self.first.len() < FIRST {
            self.first.push(word);
        }
    }

    /// Whether a semicolon does not end the statement.
    pub const fn in_body(&self) -> bool {
        self.depth > 0
    }

    /// Takes `"set_config"`, the one name in quotes that matters.
    pub const fn add_set_config(&mut self) {
        self.set_config = true;
    }

    fn word(&self, at: usize) -> &str {
        self.first.get(at).map_or("", String::as_str)
    }

    fn is_about_database(&self) -> bool {
        match self.word(0) {
            "create" | "drop" | "alter" => self.word(1) == "database",
            "comment" => self.word(1) == "on" && self.word(2) == "database",
            _ => false,
        }
    }

    fn makes_function(&self) -> bool {
        let is_routine = |at: usize| matches!(self.word(at), "function" | "procedure");
        self.word(0) == "create"
            && (is_routine(1) || self.word(1) == "or" && self.word(2) == "replace" && is_routine(3))
    }
}

/// What becomes of a statement whose text is too long to be looked at.
pub fn judge_long(words: &Words) -> Verdict {
    match words.word(0) {
        _ if words.is_about_database() => Verdict::OtherDatabase,
        "create" | "alter" => Verdict::Passes,
        _ if words.set_config => Verdict::Refused(LONG),
        "comment" | "grant" | "insert" | "revoke" | "security" => Verdict::Passes,
        // Statistics: `SELECT * FROM pg_catalog.pg_restore_attribute_stats(..`
        "select" if words.word(2) == "pg_catalog" && words.word(3).starts_with("pg_restore_") => {
            Verdict::Passes
        }
        _ => Verdict::Refused(LONG),
    }
}

const COPY: &str = "a COPY that pg_dump does not write";
const LONG: &str = "a statement of more than 1 MiB that pg_dump does not write";

/// What becomes of a statement: `text` is all of it, from its first byte to its semicolon.
pub fn judge(words: &Words, text: &[u8]) -> Verdict {
    match words.word(0) {
        "copy" if is_copy(text) => Verdict::Copy,
        "copy" => Verdict::Refused(COPY),
        "begin" | "commit" if text.trim_ascii_end().len() <= "COMMIT;".len() => {
            Verdict::Transaction
        }
        "begin" | "commit" | "rollback" | "start" | "end" | "abort" | "savepoint" | "release"
        | "prepare" => {
            Verdict::Refused("a statement about transactions, which pg_dump does not write")
        }
        _ if words.is_about_database() => Verdict::OtherDatabase,
        "set" | "reset" => setting(text),
        // What they call is called later, if at all.
        "create" | "alter" => Verdict::Passes,
        _ if words.set_config && !is_set_config(text) => {
            Verdict::Refused("a call of set_config that pg_dump does not write")
        }
        _ => Verdict::Passes,
    }
}

/// A SET or RESET. One that is written in another way than pg_dump's could hide what it sets.
fn setting(text: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(text);
    let Some((name, value)) = assignment(&text) else {
        return Verdict::Refused("a SET as pg_dump does not write it");
    };
    let is = |one: &str| value.eq_ignore_ascii_case(one);
    match name.as_str() {
        "transaction_timeout" if is("0") => Verdict::TransactionTimeout,
        STRINGS if !is("on") => Verdict::Unsupported(
            "standard_conforming_strings is not on: its strings have backslashes of another \
             meaning (dump again in custom format)",
        ),
        ENCODING | "names" if !SAFE_ENCODINGS.split(' ').any(is) => Verdict::Unsupported(
            "its encoding has backslashes within characters, or is not known (dump again in \
             custom format, or with --encoding=UTF8)",
        ),
        // RESET ALL
        "all" => Verdict::Refused("a RESET, which pg_dump does not write"),
        _ => Verdict::Passes,
    }
}

/// `SET name = value;`, also with SESSION, LOCAL and TO: the name in small letters, and the value
/// without its quotes. `None` where the name is not a plain one, or comments are about it.
fn assignment(text: &str) -> Option<(String, &str)> {
    let mut rest = after(text, "set").or_else(|| after(text, "reset"))?;
    rest = after(rest, "session").or_else(|| after(rest, "local")).unwrap_or(rest);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.$".contains(c);
    let (name, rest) = rest.split_at(rest.find(|c| !is_name(c))?);
    if name.is_empty() || !rest.starts_with(|c: char| c.is_ascii_whitespace() || "=;".contains(c)) {
        return None;
    }
    let value = rest.strip_suffix(';')?.trim_ascii();
    let value = value.strip_prefix('=').or_else(|| after(value, "to")).unwrap_or(value);
    let value = value.trim_ascii();
    let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    Some((name.to_ascii_lowercase(), quoted.unwrap_or(value)))
}

/// What stands behind a word and a space.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let is_word = first.eq_ignore_ascii_case(word);
    (is_word && rest.starts_with(|c: char| c.is_ascii_whitespace()))
        .then(|| rest.trim_ascii_start())
}

/// `SELECT pg_catalog.set_config('search_path', '', false);`, or of another setting that does not
/// say where strings end.
fn is_set_config(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let parts: Vec<&str> = text.split('\'').map(str::trim_ascii).collect();
    let [call, name, ",", _, end] = parts[..] else { return false };
    matches!(call, "select pg_catalog.set_config(" | "select set_config(")
        && !matches!(name, STRINGS | ENCODING)
        && matches!(end, ", false);" | ", true);")
}

/// The roles that a statement names, as pg_dump writes it: owners, and whom rights are given to.
pub fn roles(words: &Words, text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let after: &[&str] = match words.word(0) {
        "alter" if words.word(1) == "default" => &[" FOR ROLE ", " TO ", " FROM "],
        "alter" => &[" OWNER TO "],
        "grant" | "create" if words.word(0) == "grant" || words.word(1) == "policy" => &[" TO "],
        "revoke" => &[" FROM "],
        _ => return Vec::new(),
    };
    let named = after.iter().filter_map(|before| {
        let (_, rest) = if *before == " FOR ROLE " {
            text.split_once(before)?
        } else {
            text.rsplit_once(before)?
        };
        Some(names(rest))
    });
    let mut roles: Vec<String> = named.flatten().collect();
    roles.retain(|role| !matches!(role.as_str(), "PUBLIC" | "public" | "CURRENT_USER"));
    roles
}

/// `a, "B c"` at the start of a text.
fn names(mut text: &str) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((name, rest)) = name(text) {
        names.push(name);
        match rest.strip_prefix(", ") {
            Some(more) => text = more,
            None => break,
        }
    }
    names
}

/// A name at the start of a text, and what stands behind it.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// `COPY s.t (a, "b") FROM stdin;`, and nothing else: names may be any words, even `program`.
fn is_copy(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some(rest) = text.strip_prefix("COPY ") else { return false };
    let Some(rest) = rest.strip_suffix(" FROM stdin;") else { return false };
    let Some((_, mut rest)) = name(rest) else { return false };
    if let Some(table) = rest.strip_prefix('.') {
        let Some((_, behind)) = name(table) else { return false };
        rest = behind;
    }
    let rest = rest.trim_start_matches(' ');
    let Some(mut columns) = rest.strip_prefix('(') else { return rest.is_empty() };
    while let Some((_, behind)) = name(columns) {
        match behind.strip_prefix(", ") {
            Some(more) => columns = more,
            None => return behind == ")",
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_owners_and_who_gets_rights() {
        let of = |text: &str| {
            let mut words = Words::default();
            text.split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|word| !word.is_empty())
                .for_each(|word| words.add(word.as_bytes(), true));
            roles(&words, text.as_bytes()).join("|")
        };
        assert_eq!(of("ALTER TABLE s.\"t OWNER TO x\" OWNER TO \"we \"\"ird\";"), "we \"ird");
        assert_eq!(of("GRANT SELECT ON TABLE s.t TO reader WITH GRANT OPTION;"), "reader");
        assert_eq!(of("REVOKE ALL ON SCHEMA public FROM PUBLIC;"), "");
        let defaults =
            "ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA s GRANT SELECT ON TABLES TO r;";
        assert_eq!(of(defaults), "app|r");
        assert_eq!(of("CREATE POLICY p ON s.t TO a, b USING (true);"), "a|b");
        assert_eq!(of("CREATE TABLE t (a text);"), "");
    }

    #[test]
    fn copies_are_what_pg_dump_writes() {
        for text in [
            "COPY public.t (a, b) FROM stdin;",
            "COPY \"we ird\".\"t\"\"; FROM x\" (\"a,)\", b) FROM stdin;",
            "COPY public.t  FROM stdin;",
            "COPY public.t (id, program) FROM stdin;",
            "COPY public.program (stdin, \"from\", delimiter, \"/tmp/x\") FROM stdin;",
            // Before pg_dump 10.3.
            "COPY program (program) FROM stdin;",
        ] {
            assert!(is_copy(text.as_bytes()), "{text}");
        }
        for text in [
            "COPY public.t FROM PROGRAM 'id' FROM stdin;",
            "COPY t FROM program x FROM stdin;",
            "COPY (SELECT 1) TO stdout;",
            "COPY t (a) FROM '/etc/passwd' WHERE a FROM stdin;",
            "COPY t FROM stdin WITH (FORMAT csv);",
            "COPY t(a)(b) FROM stdin;",
            "COPY t (a) FROM PROGRAM 'id' WITH (a) FROM stdin;",
            "COPY t () FROM stdin;",
            "COPY t (a, ) FROM stdin;",
            "COPY t (a) FROM stdin; FROM stdin;",
            "COPY t (\"a) FROM stdin;",
            "COPY t (a) /* */ FROM stdin;",
        ] {
            assert!(!is_copy(text.as_bytes()), "{text}");
        }
    }

    fn judged(text: &str) -> Verdict {
        let mut words = Words::default();
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .for_each(|word| words.add(word.as_bytes(), true));
        judge(&words, text.as_bytes())
    }

    #[test]
    fn settings_are_those_of_pg_dump() {
        for text in [
            "SET standard_conforming_strings = on;",
            "set local standard_conforming_strings to 'on';",
            "SET client_encoding = 'UTF8';",
            "SET NAMES 'LATIN9';",
            "SET default_tablespace = '';",
            "SET SESSION AUTHORIZATION 'a -- b';",
            "SET SESSION AUTHORIZATION DEFAULT;",
            "SET ROLE \"we ird\";",
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "SELECT pg_catalog.set_config('app.user', 'x', true);",
            "CREATE VIEW v AS SELECT set_config('client_encoding', 'SJIS', false);",
        ] {
            assert_eq!(judged(text), Verdict::Passes, "{text}");
        }
        for text in [
            "SET standard_conforming_strings = off;",
            "SET SESSION standard_conforming_strings = off;",
            "SET LOCAL standard_conforming_strings TO 'off';",
            "SET Standard_Conforming_Strings = DEFAULT;",
            "SET standard_conforming_strings TO off --= on\n;",
            "SET standard_conforming_strings = 'off' /* = 'on'*/;",
            "SET standard_conforming_strings /**/ = off;",
            "RESET standard_conforming_strings;",
            "SET client_encoding = 'SJIS';",
            "SET SESSION client_encoding TO win932;",
            "SET client_encoding = 'shift-jis';",
            "SET client_encoding TO DEFAULT;",
            "SET NAMES 'SJIS';",
            "SET names sjis;",
        ] {
            assert!(matches!(judged(text), Verdict::Unsupported(_)), "{text}");
        }
        for text in [
            "SET \"standard_conforming_strings\" = off;",
            "SET SESSION \"standard_conforming_strings\" = off;",
            "SET U&\"standard\\005fconforming_strings\" = off;",
            "SET/**/standard_conforming_strings = off;",
            "SET standard_conforming_strings/**/= off;",
            "SET\u{b}standard_conforming_strings = off;",
            "SET LOCAL\u{b}standard_conforming_strings = off;",
            "RESET ALL;",
            "SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);",
            "SELECT set_config('Client_Encoding', 'SJIS', false);",
            "SELECT set_config('client_' || 'encoding', 'SJIS', false);",
            "SELECT set_config(E'a\\'', '', set_config('client_encoding', 'SJIS', false));",
            "WITH a AS (SELECT set_config('a', 'b', false)) SELECT 1;",
        ] {
            assert!(matches!(judged(text), Verdict::Refused(_)), "{text}");
        }
        assert_eq!(judged("SET transaction_timeout = 0;"), Verdict::TransactionTimeout);
    }
}
