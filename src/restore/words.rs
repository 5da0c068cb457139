//! The words of an SQL statement that pg_dump wrote: enough to find roles, languages and
//! options in it, whatever quotes and comments hold.

use std::borrow::Cow;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<'a> {
    /// A key word, a name without quotes or a number, as written.
    Bare(&'a str),
    /// A name in double quotes, without them.
    Quoted(String),
    /// A string (`'..'`, `E'..'`, `$$..$$`), with its quotes.
    Text(&'a str),
    /// Any other character.
    Sign(char),
}

impl Word<'_> {
    /// Whether it is this key word (in capitals).
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Bare(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// The name that it is; `None` for strings and signs.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Bare(word) => Some(word.to_lowercase().into()),
            Self::Quoted(name) => Some(Cow::Borrowed(name)),
            Self::Text(_) | Self::Sign(_) => None,
        }
    }
}

/// The words of `sql`.
pub fn words(sql: &str) -> Words<'_> {
    Words { sql, at: 0 }
}

/// Reads words one by one; see [`words`].
#[derive(Debug, Clone)]
pub struct Words<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    /// Where the next word is looked for, in bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.sql[self.at..]
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let skipped = if rest.starts_with("--") {
                rest.find('\n').map_or(rest.len(), |end| end + 1)
            } else if rest.starts_with("/*") {
                Self::comment(rest)
            } else {
                rest.len() - rest.trim_start().len()
            };
            if skipped == 0 {
                return;
            }
            self.at += skipped;
        }
    }

    /// The length of a comment that starts here; it may hold others.
    fn comment(rest: &str) -> usize {
        let bytes = rest.as_bytes();
        let (mut depth, mut at) = (0_usize, 0);
        while at < bytes.len() {
            let step = match &bytes[at..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    2
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    2
                }
                _ => 1,
            };
            at += step;
            if depth == 0 {
                return at;
            }
        }
        bytes.len()
    }

    /// The length of a string that starts here: `'..'`, or `E'..'` with backslashes.
    fn string(rest: &str) -> Option<usize> {
        let prefix = usize::from(rest.starts_with(['E', 'e']));
        if !rest[prefix..].starts_with('\'') {
            return None;
        }
        let mut bytes = rest.bytes().enumerate().skip(prefix + 1);
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' if prefix == 1 => {
                    bytes.next();
                }
                // Two of them are one, and the second starts the next string: the same to us.
                b'\'' => return Some(at + 1),
                _ => {}
            }
        }
        Some(rest.len())
    }

    /// The length of `$tag$..$tag$` that starts here.
    fn dollars(rest: &str) -> Option<usize> {
        let tag_end = rest.strip_prefix('$')?.find('$')? + 2;
        let tag = &rest[..tag_end];
        let inner = &tag[1..tag_end - 1];
        if inner.starts_with(|c: char| c.is_ascii_digit())
            || !inner.chars().all(|c| c.is_alphanumeric() || c == '_')
        {
            return None;
        }
        Some(rest[tag_end..].find(tag).map_or(rest.len(), |end| end + 2 * tag_end))
    }

    fn quoted(rest: &str) -> Option<(String, usize)> {
        let inner = rest.strip_prefix('"')?;
        let mut name = String::new();
        let mut characters = inner.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character == '"' && characters.next_if(|(_, next)| *next == '"').is_none() {
                return Some((name, at + 2));
            }
            name.push(character);
        }
        Some((name, rest.len()))
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        self.skip_space();
        let rest = self.rest();
        let first = rest.chars().next()?;
        let (word, length) = if let Some((name, length)) = Self::quoted(rest) {
            (Word::Quoted(name), length)
        } else if let Some(length) = Self::string(rest).or_else(|| Self::dollars(rest)) {
            (Word::Text(&rest[..length]), length)
        } else if first.is_alphanumeric() || first == '_' {
            let part = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
            let length = rest.find(part).unwrap_or(rest.len());
            (Word::Bare(&rest[..length]), length)
        } else {
            (Word::Sign(first), first.len_utf8())
        };
        self.at += length;
        Some(word)
    }
}

/// The statements of `sql`, each with its semicolon and without what stands before it (comments,
/// psql's `\restrict` lines).
pub fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut words = words(sql);
    loop {
        words.skip_space();
        if words.rest().starts_with('\\') {
            words.at += words.rest().find('\n').unwrap_or(words.rest().len());
            continue;
        }
        let start = words.position();
        let ended = words.by_ref().any(|word| word == Word::Sign(';'));
        let statement = sql[start..words.position()].trim_end();
        if !statement.is_empty() {
            found.push(statement);
        }
        if !ended {
            return found;
        }
    }
}

/// The same without their semicolons, and without empty ones.
pub fn split(sql: &str) -> Vec<&str> {
    let bare = statements(sql).into_iter();
    let bare = bare.map(|statement| statement.strip_suffix(';').unwrap_or(statement).trim_end());
    bare.filter(|statement| !statement.is_empty()).collect()
}

/// The names in a list with commas, from the front of `words`: `reader, "a b" USING` gives two.
/// `PUBLIC` (and `CURRENT_USER`, which pg_dump never writes) is not a role's name.
pub fn role_list<'a>(words: impl Iterator<Item = Word<'a>>) -> Vec<String> {
    let mut names = Vec::new();
    let mut expected = true;
    for word in words {
        if expected {
            match &word {
                word if word.is("PUBLIC") => {}
                word => match word.name() {
                    Some(name) => names.push(name.into_owned()),
                    None => break,
                },
            }
        } else if word != Word::Sign(',') {
            break;
        }
        expected = !expected;
    }
    names
}

/// The last words of `sql` from behind the last of these key words on that stands outside of
/// parentheses.
pub fn after_last<'a>(sql: &'a str, keywords: &[&str]) -> Option<Words<'a>> {
    let mut words = words(sql);
    let (mut found, mut depth) = (None, 0_u32);
    while let Some(word) = words.next() {
        match word {
            Word::Sign('(') => depth += 1,
            Word::Sign(')') => depth = depth.saturating_sub(1),
            word if depth == 0 && keywords.iter().any(|keyword| word.is(keyword)) => {
                found = Some(words.clone());
            }
            _ => {}
        }
    }
    found
}

/// The words behind the first of these key words that stands outside of parentheses.
pub fn after_first<'a>(sql: &'a str, keyword: &str) -> Option<Words<'a>> {
    let mut words = words(sql);
    let mut depth = 0_u32;
    while let Some(word) = words.next() {
        match word {
            Word::Sign('(') => depth += 1,
            Word::Sign(')') => depth = depth.saturating_sub(1),
            word if depth == 0 && word.is(keyword) => return Some(words),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_names_and_comments_are_one_word_each() {
        let sql =
            "CREATE /* no ; */ POLICY \"a\"\"; b\" -- x ;\n ON t1 'it''s; TO' E'\\'; ' $f$;$f$ $1;";
        let all: Vec<Word<'_>> = words(sql).collect();
        assert_eq!(
            all,
            [
                Word::Bare("CREATE"),
                Word::Bare("POLICY"),
                Word::Quoted("a\"; b".into()),
                Word::Bare("ON"),
                Word::Bare("t1"),
                Word::Text("'it'"),
                Word::Text("'s; TO'"),
                Word::Text("E'\\'; '"),
                Word::Text("$f$;$f$"),
                Word::Sign('$'),
                Word::Bare("1"),
                Word::Sign(';'),
            ]
        );
    }

    #[test]
    fn statements_end_where_they_end() {
        let sql = "-- a;\n\\restrict x;y\nSET a = ';';\n\nGRANT \"x;\ny\" TO z;\n\\unrestrict x\n";
        assert_eq!(statements(sql), ["SET a = ';';", "GRANT \"x;\ny\" TO z;"]);
        assert_eq!(statements("no end"), ["no end"]);
        assert_eq!(statements("'never closed; x"), ["'never closed; x"]);
        let drops = "-- a; comment\nALTER TABLE a.\";\" X ';' \"it's\" ;;\n\n-- b\nDROP B;\n";
        assert_eq!(split(drops), ["ALTER TABLE a.\";\" X ';' \"it's\"", "DROP B"]);
        assert_eq!(split("-- *not* dropping schema, since initdb creates it\n"), [""; 0]);
    }

    #[test]
    fn roles_are_found() {
        let policy = "CREATE POLICY p ON a.\"TO\" FOR SELECT TO reader, \"od\"\"d ro;le\" USING ((v = 'TO x'))";
        let words = after_first(policy, "TO").unwrap();
        assert_eq!(role_list(words), ["reader", "od\"d ro;le"]);
        let grant = "GRANT ALL ON FUNCTION a.f(\"TO\" integer) TO reader WITH GRANT OPTION;";
        assert_eq!(role_list(after_last(grant, &["TO", "FROM"]).unwrap()), ["reader"]);
        let public = "REVOKE ALL ON SCHEMA public FROM PUBLIC;";
        assert!(role_list(after_last(public, &["TO", "FROM"]).unwrap()).is_empty());
    }

    #[test]
    fn no_input_is_too_strange() {
        for sql in ["", "\"", "'", "$$", "$a$ $b$", "E'\\", "/*", "--", "é\"ü", "$1$"] {
            words(sql).for_each(drop);
            statements(sql);
        }
    }
}
