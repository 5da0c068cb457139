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
}

/// The first words of a statement, and whether it is within a body of BEGIN ATOMIC, where a
/// semicolon ends nothing (psqlscan.l counts the same way).
#[derive(Debug, Clone, Default)]
pub struct Words {
    first: Vec<String>,
    depth: u32,
}

/// Words that are looked at.
const FIRST: usize = 4;

/// Encodings whose characters may have a byte that is a backslash or a quote.
const UNSAFE_ENCODINGS: [&str; 7] =
    ["SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "GB18030", "JOHAB"];

impl Words {
    /// Takes the next word outside of quotes.
    pub fn add(&mut self, word: &[u8], outside_parentheses: bool) {
        if word.first().is_none_or(u8::is_ascii_digit) {
            return;
        }
        let word = String::from_utf8_lossy(word).to_ascii_lowercase();
        if outside_parentheses && self.makes_function() {
            match word.as_str() {
                "begin" => self.depth += 1,
                "case" if self.depth > 0 => self.depth += 1,
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

    fn word(&self, at: usize) -> &str {
        self.first.get(at).map_or("", String::as_str)
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
        "copy" => Verdict::Refused(COPY),
        _ => Verdict::Passes,
    }
}

const COPY: &str = "a COPY that pg_dump does not write";

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
        "create" | "drop" | "alter" if words.word(1) == "database" => Verdict::OtherDatabase,
        "comment" if words.word(1) == "on" && words.word(2) == "database" => Verdict::OtherDatabase,
        "set" => setting(words, text),
        _ => Verdict::Passes,
    }
}

fn setting(words: &Words, text: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(text);
    let value = text.split_once('=').map_or("", |(_, value)| value);
    let value = value.trim_matches([' ', ';', '\'', '\n']);
    match words.word(1) {
        "transaction_timeout" if value == "0" => Verdict::TransactionTimeout,
        "standard_conforming_strings" if value != "on" => Verdict::Refused(
            "standard_conforming_strings is not on: its strings have backslashes of another \
             meaning (dump again in custom format)",
        ),
        "client_encoding"
            if UNSAFE_ENCODINGS.iter().any(|name| value.eq_ignore_ascii_case(name)) =>
        {
            Verdict::Refused(
                "its encoding has backslashes within characters (dump again in custom format, or \
                 with --encoding=UTF8)",
            )
        }
        _ => Verdict::Passes,
    }
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
    loop {
        let (name, rest) = if let Some(quoted) = text.strip_prefix('"') {
            let mut name = String::new();
            let mut rest = quoted;
            loop {
                let Some((part, after)) = rest.split_once('"') else { return names };
                name.push_str(part);
                match after.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        rest = more;
                    }
                    None => break (name, after),
                }
            }
        } else {
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
            let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        };
        if name.is_empty() {
            return names;
        }
        names.push(name);
        match rest.strip_prefix(", ") {
            Some(more) => text = more,
            None => return names,
        }
    }
}

/// `COPY s.t (a, "b") FROM stdin;`, and nothing else.
fn is_copy(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some(rest) = text.strip_prefix("COPY ") else { return false };
    let Some(table) = rest.strip_suffix(" FROM stdin;") else { return false };
    // A doubled quote ends one name and begins the next: the same here.
    let outside = table.split('"').step_by(2);
    let plain = |c: char| c.is_alphanumeric() || "_$., ()".contains(c) || !c.is_ascii();
    let mut parentheses = 0;
    for part in outside {
        if !part.chars().all(plain) {
            return false;
        }
        parentheses += part.matches('(').count();
        // Names are quoted where they are words.
        let words = ["PROGRAM", "FROM", "SELECT", "TO"];
        if part.split([' ', '(', ')']).any(|word| words.contains(&word.to_uppercase().as_str())) {
            return false;
        }
    }
    parentheses <= 1
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
        ] {
            assert!(!is_copy(text.as_bytes()), "{text}");
        }
    }
}
