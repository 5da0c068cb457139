//! Plain SQL of pg_dump and pg_dumpall: whether it is whole, and whether psql may read it.
//!
//! psql runs what a script says: `\!` starts a program. So nothing reaches it but SQL and COPY data:
//! not even pg_dump's own `\restrict`, for psql is restricted with a key that no script knows. The
//! key is what keeps programs from running, whatever a script does to psql's idea of a string.
//!
//! The scanner follows psql's lexer (psqlscan.l) as far as that decides where a statement ends and
//! where a backslash is one: quotes, dollar quotes, nested comments, parentheses, bodies in BEGIN
//! ATOMIC, data behind `COPY .. FROM stdin;`.
//!
//! A script has no other sign of being whole than its last comment.

use std::collections::BTreeSet;

use memchr::{memchr, memchr2};

use super::Fault;
use super::statement::{self, Verdict, Words};

/// Bytes of the longest statement that is looked at as a whole.
const LONGEST: usize = 1 << 20;
/// Bytes of the longest line of a comment or of psql that is looked at.
const LONGEST_LINE: usize = 4 << 10;

/// Bytes of the longest name of a dollar quote; psql itself has no limit, pg_dump's are `_`, `_X` ..
const LONGEST_TAG: usize = 64;

/// Roles that are remembered, and bytes of the longest one's name.
const MOST_ROLES: usize = 10_000;
const LONGEST_ROLE: usize = 256;
/// Stands for the end of a string with escapes.
const AFTER_ESCAPES: u8 = 1;

const SET_CONFIG: &[u8] = b"\"set_config\"";
const COMPLETE: &str = "-- PostgreSQL database dump complete";
const CLUSTER_COMPLETE: &str = "-- PostgreSQL database cluster dump complete";
const CLUSTER_HEAD: &str = "-- PostgreSQL database cluster dump";

/// What a script says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `15.18 (Debian 15.18-1)`, of pg_dump.
    pub dump_version: String,
    /// The same, of the server that was dumped.
    pub server_version: String,
    /// Its lines.
    pub lines: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Its statements.
    pub statements: u64,
    /// Objects that it makes, as its comments say.
    pub objects: u64,
    /// Tables that it loads with COPY.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Whether it is of pg_dumpall.
    pub cluster: bool,
    /// The line on which it makes or goes to another database, if it does.
    pub other_database: Option<u64>,
    /// Roles that own something in it or get rights.
    pub roles: BTreeSet<String>,
}

/// Where in a script the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between tokens.
    Sql,
    /// In `'..'`; with backslashes as escapes?
    Quote { escapes: bool },
    /// Behind a backslash in such.
    Escaped,
    /// In `".."`.
    Name,
    /// In `-- ..`
    LineComment,
    /// In so many `/* .. */`.
    BlockComment(u32),
    /// Between `$` and `$` of a dollar quote's start.
    DollarTag,
    /// In a dollar quote.
    Dollar,
    /// In a line of psql's own.
    Command,
    /// Behind a COPY, on its line.
    CopyLine,
    /// In the data of COPY.
    Data,
}

/// Reads a script piece by piece.
#[derive(Debug)]
pub struct Scanner {
    at: At,
    facts: Facts,
    /// The statement so far, from its first byte on; what is longer than [`LONGEST`] was passed
    /// on before its end.
    statement: Vec<u8>,
    passed_on: bool,
    words: Words,
    word: Vec<u8>,
    parentheses: u32,
    /// The comment, line of psql, tag or line of data that is being read.
    text: Vec<u8>,
    previous: u8,
    almost_complete: bool,
    complete: bool,
    key: Option<Vec<u8>>,
    open_key: bool,
    /// Statements that this server's version has no use for are taken out.
    drops_transaction_timeout: bool,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Scanner {
    /// At the start of a script. `old_server`: takes `SET transaction_timeout = 0` out, which
    /// servers before 17 do not know.
    pub fn new(old_server: bool) -> Self {
        Self {
            at: At::Sql,
            facts: Facts { lines: 1, ..Facts::default() },
            statement: Vec::new(),
            passed_on: false,
            words: Words::default(),
            word: Vec::new(),
            parentheses: 0,
            text: Vec::new(),
            previous: b'\n',
            almost_complete: false,
            complete: false,
            key: None,
            open_key: false,
            drops_transaction_timeout: old_server,
        }
    }

    /// Takes the next bytes, and adds what psql may read to `out`: the same lines, without
    /// statements that begin or end transactions (the whole is one), and without the keys of
    /// psql's restricted mode.
    ///
    /// # Errors
    /// [`Fault::Malformed`] with the line for what pg_dump does not write, [`Fault::Unsupported`]
    /// for what it writes and cannot be followed.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if let Some(at) = memchr(0, bytes) {
            // psql does not see the rest of its line.
            self.count_lines(&bytes[..at]);
            return Err(self.malformed("a byte that is zero, which is in no text"));
        }
        self.facts.bytes += bytes.len() as u64;
        while let Some(first) = bytes.first() {
            let taken = match self.at {
                At::Data => self.data(bytes, out),
                At::Quote { escapes } => self.quoted(bytes, escapes, out),
                At::Name => self.until(bytes, b'"', out),
                At::Dollar => self.dollar(bytes, out),
                At::LineComment | At::Command => self.line(bytes, out)?,
                _ => {
                    self.byte(*first, out)?;
                    1
                }
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// The end of the script.
    ///
    /// # Errors
    /// [`Fault::Cut`] when it is not that of pg_dump's.
    pub fn finish(self) -> Result<Facts, Fault> {
        let line = self.facts.lines;
        match self.at {
            At::Data => {
                return Err(Fault::cut(format!(
                    "it ends within the rows of a table (line {line})"
                )));
            }
            At::Sql => {}
            _ => return Err(Fault::cut(format!("it ends in the middle of line {line}"))),
        }
        let comment = if self.facts.cluster { CLUSTER_COMPLETE } else { COMPLETE };
        if !self.statement.is_empty() || !self.complete || self.open_key {
            return Err(Fault::cut(format!(
                "its last comment, {comment}, is not at its end (line {line})"
            )));
        }
        Ok(self.facts)
    }

    fn malformed(&self, what: &str) -> Fault {
        Fault::Malformed(format!("line {}: {what}", self.facts.lines))
    }

    /// Bytes of a statement, held back until its end is known.
    fn keep(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.passed_on {
            out.extend_from_slice(bytes);
            return;
        }
        self.statement.extend_from_slice(bytes);
        // A COPY is looked at as a whole, and never that long.
        if self.statement.len() > LONGEST {
            out.append(&mut self.statement);
            // Not empty: the statement is still open.
            self.statement.push(b' ');
            self.passed_on = true;
        }
    }

    fn count_lines(&mut self, bytes: &[u8]) {
        self.facts.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
    }

    /// Bytes up to a closing one.
    fn until(&mut self, bytes: &[u8], close: u8, out: &mut Vec<u8>) -> usize {
        let taken = memchr(close, bytes).map_or(bytes.len(), |at| at + 1);
        if bytes.get(taken - 1) == Some(&close) {
            // A doubled one opens again at once: the same in the end.
            self.at = At::Sql;
        }
        self.count_lines(&bytes[..taken]);
        self.keep(&bytes[..taken], out);
        if close == b'"' && self.at == At::Sql && self.statement.ends_with(SET_CONFIG) {
            self.words.add_set_config();
        }
        self.previous = close;
        taken
    }

    fn quoted(&mut self, bytes: &[u8], escapes: bool, out: &mut Vec<u8>) -> usize {
        if !escapes {
            return self.until(bytes, b'\'', out);
        }
        let found = memchr2(b'\'', b'\\', bytes);
        let taken = found.map_or(bytes.len(), |at| at + 1);
        match found.map(|at| bytes[at]) {
            Some(b'\\') => self.at = At::Escaped,
            Some(_) => {
                self.at = At::Sql;
                // A doubled one opens again, still with escapes.
                self.previous = AFTER_ESCAPES;
            }
            None => {}
        }
        self.count_lines(&bytes[..taken]);
        self.keep(&bytes[..taken], out);
        taken
    }

    fn dollar(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        // `text` holds `$tag$`; `word` what of it was seen last.
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' {
                self.facts.lines += 1;
            }
            if *byte == b'$' && self.word.len() + 1 == self.text.len() && self.ends_tag() {
                self.word.clear();
                self.text.clear();
                (self.at, self.previous) = (At::Sql, b'$');
                self.keep(&bytes[..=at], out);
                return at + 1;
            }
            if *byte == b'$' {
                self.word.clear();
                self.word.push(b'$');
            } else if !self.word.is_empty() {
                self.word.push(*byte);
                if self.word.len() > self.text.len() {
                    self.word.clear();
                }
            }
        }
        self.keep(bytes, out);
        bytes.len()
    }

    fn ends_tag(&self) -> bool {
        self.text.starts_with(&self.word)
    }

    /// A line comment, or a line of psql's.
    fn line(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Fault> {
        let end = memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |at| at + 1);
        let room = LONGEST_LINE.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..taken.min(room)]);
        if end.is_none() {
            if self.at == At::LineComment {
                self.comment_bytes(&bytes[..taken], out);
            }
            return Ok(taken);
        }
        let text = std::mem::take(&mut self.text);
        let text = String::from_utf8_lossy(&text).trim_end().to_owned();
        if self.at == At::LineComment {
            self.comment_bytes(&bytes[..taken], out);
            self.comment(&text);
        } else {
            self.command(&text, out)?;
        }
        self.facts.lines += 1;
        (self.at, self.previous) = (At::Sql, b'\n');
        Ok(taken)
    }

    /// Comments between statements go on at once, those within belong to the statement.
    fn comment_bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.statement.is_empty() {
            out.extend_from_slice(bytes);
        } else {
            self.keep(bytes, out);
        }
    }

    fn comment(&mut self, text: &str) {
        if !self.statement.is_empty() {
            return;
        }
        if text == CLUSTER_HEAD {
            self.facts.cluster = true;
        }
        let last = if self.facts.cluster { CLUSTER_COMPLETE } else { COMPLETE };
        // Its own last line is an empty comment.
        self.complete |= self.almost_complete && text == "--";
        self.almost_complete = text == last;
        if text.starts_with("-- Name: ") {
            self.facts.objects += 1;
        }
        for (start, version) in [
            ("-- Dumped by pg_dump version ", &mut self.facts.dump_version),
            ("-- Dumped from database version ", &mut self.facts.server_version),
        ] {
            if let Some(found) = text.strip_prefix(start)
                && version.is_empty()
            {
                found.clone_into(version);
            }
        }
    }

    /// A line that psql takes for itself: pg_dump's own, or refused.
    fn command(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut parts = text.split_ascii_whitespace();
        let (name, key) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let alone = is_key && parts.next().is_none();
        match name {
            "\\restrict" if alone && !self.open_key => {
                let several = self.facts.cluster || self.facts.other_database.is_some();
                if self.facts.statements > 0 && !several {
                    return Err(self.malformed("\\restrict stands behind a statement"));
                }
                self.key = Some(key.into());
                self.open_key = true;
            }
            "\\unrestrict"
                if alone && self.open_key && self.key.as_deref() == Some(key.as_bytes()) =>
            {
                self.open_key = false;
            }
            "\\connect" => {
                self.facts.other_database.get_or_insert(self.facts.lines);
                self.complete = false;
                out.extend_from_slice(text.as_bytes());
            }
            _ => {
                let name: String = name.chars().take(40).collect();
                return Err(self.malformed(&format!(
                    "the psql command {name}, which pg_dump does not write there"
                )));
            }
        }
        out.push(b'\n');
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let end = memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |at| at + 1);
        out.extend_from_slice(&bytes[..taken]);
        // `\.` is all of a line that is looked at.
        let room = 4_usize.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..taken.min(room)]);
        if end.is_some() {
            self.facts.lines += 1;
            if matches!(self.text.as_slice(), b"\\.\n" | b"\\.\r\n") {
                (self.at, self.previous) = (At::Sql, b'\n');
            } else {
                self.facts.rows += 1;
            }
            self.text.clear();
        }
        taken
    }

    /// A byte between tokens, and of tokens that are short.
    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        if byte == b'\n' {
            self.facts.lines += 1;
        }
        match self.at {
            At::Escaped => {
                self.at = At::Quote { escapes: true };
                self.keep(&[byte], out);
            }
            At::BlockComment(depth) => self.block_comment(byte, depth, out),
            At::DollarTag => self.dollar_tag(byte, out)?,
            At::CopyLine => match byte {
                b'\n' => {
                    out.push(byte);
                    self.at = At::Data;
                }
                b'\r' => out.push(byte),
                _ => return Err(self.malformed("something stands behind a COPY")),
            },
            _ => self.sql(byte, out)?,
        }
        Ok(())
    }

    fn block_comment(&mut self, byte: u8, depth: u32, out: &mut Vec<u8>) {
        self.comment_bytes(&[byte], out);
        match (self.previous, byte) {
            (b'*', b'/') => {
                self.at = if depth == 1 { At::Sql } else { At::BlockComment(depth - 1) };
                self.previous = b' ';
            }
            (b'/', b'*') => {
                self.at = At::BlockComment(depth.saturating_add(1));
                self.previous = b' ';
            }
            _ => self.previous = byte,
        }
    }

    fn dollar_tag(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        if byte == b'$' {
            self.text.push(b'$');
            self.word.clear();
            self.at = At::Dollar;
            self.keep(&[byte], out);
        } else if self.text.len() > LONGEST_TAG {
            return Err(self.malformed("a dollar quote with a longer name than pg_dump gives"));
        } else if is_name(byte) && !(self.text.len() == 1 && byte.is_ascii_digit()) {
            self.text.push(byte);
            self.keep(&[byte], out);
        } else {
            // A parameter, `$1`, or a sign.
            self.text.clear();
            (self.at, self.previous) = (At::Sql, b'$');
            self.sql(byte, out)?;
        }
        Ok(())
    }

    fn sql(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        let previous = std::mem::replace(&mut self.previous, byte);
        if is_name(byte) || byte == b'$' && !self.word.is_empty() {
            if self.word.len() < 64 {
                self.word.push(byte);
            }
            self.keep(&[byte], out);
            self.complete = false;
            return Ok(());
        }
        let word = std::mem::take(&mut self.word);
        if !word.is_empty() {
            self.words.add(&word, self.parentheses == 0);
        }
        match byte {
            b'\\' if self.statement.is_empty() && previous == b'\n' => {
                self.at = At::Command;
                self.text = vec![b'\\'];
                return Ok(());
            }
            b'\\' => return Err(self.malformed("a psql command within a line")),
            b'-' if previous == b'-' => return self.begins_comment(At::LineComment, out),
            b'*' if previous == b'/' => return self.begins_comment(At::BlockComment(1), out),
            _ if byte.is_ascii_whitespace() => {
                if self.statement.is_empty() {
                    out.push(byte);
                } else {
                    self.keep(&[byte], out);
                }
                return Ok(());
            }
            b'\'' => {
                // E'..' has escapes, and so does the second half of E'..''..'.
                let escapes = matches!(word.as_slice(), b"e" | b"E")
                    || word.is_empty() && previous == AFTER_ESCAPES;
                self.at = At::Quote { escapes };
            }
            b'"' => self.at = At::Name,
            b'$' if word.is_empty() => {
                self.at = At::DollarTag;
                self.text = vec![b'$'];
            }
            b'(' => self.parentheses = self.parentheses.saturating_add(1),
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        self.complete = byte == b'-' && self.statement.is_empty() && self.complete;
        self.keep(&[byte], out);
        if byte == b';' && self.parentheses == 0 && !self.words.in_body() {
            self.statement_ends(out)?;
        }
        Ok(())
    }

    /// The first of its two signs was taken for one of a statement.
    fn begins_comment(&mut self, at: At, out: &mut Vec<u8>) -> Result<(), Fault> {
        let second = if at == At::LineComment { b'-' } else { b'*' };
        self.text.clear();
        if at == At::LineComment {
            self.text.extend_from_slice(b"--");
        }
        self.previous = b' ';
        self.at = at;
        if self.statement.len() == 1 && !self.passed_on {
            out.append(&mut self.statement);
            out.push(second);
        } else {
            self.keep(&[second], out);
        }
        Ok(())
    }

    fn statement_ends(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.facts.statements += 1;
        self.complete = false;
        let words = std::mem::take(&mut self.words);
        let passed_on = std::mem::take(&mut self.passed_on);
        let text = std::mem::take(&mut self.statement);
        if !passed_on && self.facts.roles.len() < MOST_ROLES {
            let roles = statement::roles(&words, &text).into_iter();
            self.facts.roles.extend(roles.filter(|role| role.len() <= LONGEST_ROLE));
        }
        let verdict =
            if passed_on { statement::judge_long(&words) } else { statement::judge(&words, &text) };
        match verdict {
            Verdict::Passes => {}
            Verdict::Transaction => {
                blank(&text, out);
                return Ok(());
            }
            Verdict::TransactionTimeout if self.drops_transaction_timeout => {
                blank(&text, out);
                return Ok(());
            }
            Verdict::TransactionTimeout => {}
            Verdict::OtherDatabase => {
                self.facts.other_database.get_or_insert(self.facts.lines);
            }
            Verdict::Copy => {
                self.facts.tables += 1;
                self.text.clear();
                self.at = At::CopyLine;
            }
            Verdict::Refused(why) => return Err(self.malformed(why)),
            Verdict::Unsupported(why) => {
                return Err(Fault::Unsupported(format!("line {}: {why}", self.facts.lines)));
            }
        }
        if !passed_on {
            out.extend_from_slice(&text);
        }
        Ok(())
    }
}

/// Nothing in place of a statement but its lines, so that the server's errors name the right one.
fn blank(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().filter(|byte| **byte == b'\n'));
}

/// A byte of a name or number outside of quotes.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reaches psql, fed in pieces of `size` bytes.
    fn scan(text: &str, size: usize) -> Result<(Facts, String), Fault> {
        let (mut scanner, mut out) = (Scanner::new(true), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            scanner.feed(piece, &mut out)?;
        }
        Ok((scanner.finish()?, String::from_utf8(out).unwrap()))
    }

    /// A whole dump around some statements.
    fn dump(body: &str) -> String {
        format!(
            "--\n-- PostgreSQL database dump\n--\n\n\\restrict k3Y\n\n-- Dumped from database \
             version 15.18\n-- Dumped by pg_dump version 18.1\n\nSET transaction_timeout = 0;\n\
             SET standard_conforming_strings = on;\n\n{body}\n--\n-- PostgreSQL database dump \
             complete\n--\n\n\\unrestrict k3Y\n\n"
        )
    }

    /// What hides semicolons and backslashes from a careless reader.
    const AWKWARD: &str = "COPY public.t (a, b) FROM stdin;\n1\t\\N\n2\t\\\\! id\n\\.x\n\\.\n\n\n\
        INSERT INTO t VALUES ('it''s \\', E'a\\'; \\\\', E'x''\\'', U&'\\0041');\n\
        CREATE FUNCTION f() RETURNS void AS $_$ BEGIN; \\! $$ $x$ $_ $ END $_$ LANGUAGE plpgsql;\n\
        CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n\
        CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v);\n\
        COMMENT ON TABLE \"a\"\"; \\b\" IS 'x'; -- \\! in a comment\n\
        /* \\! /* nested; */ ' */ SELECT a$1$b, $1 - -1;\nBEGIN;\n\nSELECT 2;\n\nCOMMIT;\n";

    #[test]
    fn psql_gets_the_same_lines_without_transactions() {
        let text = dump(AWKWARD);
        let (facts, out) = scan(&text, 1 << 20).unwrap();
        assert_eq!((facts.tables, facts.rows, facts.statements), (1, 3, 12));
        assert_eq!((facts.dump_version.as_str(), facts.other_database), ("18.1", None));
        let expected = text
            .replace("BEGIN;\n\nSELECT 2", "\n\nSELECT 2")
            .replace("COMMIT;\n", "\n")
            .replace("SET transaction_timeout = 0;", "")
            .replace("\\restrict k3Y", "")
            .replace("\\unrestrict k3Y", "");
        assert_eq!(out, expected);
        assert_eq!(facts.lines, text.lines().count() as u64 + 1);
        for size in [1, 2, 3, 7, 100] {
            assert_eq!(scan(&text, size).unwrap(), (facts.clone(), out.clone()), "{size}");
        }
    }

    #[test]
    fn every_cut_is_found() {
        let text = dump(AWKWARD);
        // The last line is empty, and nobody's loss.
        for end in 0..text.len() - 1 {
            let cut = scan(&text[..end], 4096);
            assert!(matches!(cut, Err(Fault::Cut(_))), "cut at {end}: {cut:?}");
        }
        let old =
            dump("SELECT 1;").replace("\\restrict k3Y", "").replace("\\unrestrict k3Y\n\n", "");
        assert!(scan(&old, 4096).is_ok());
        assert!(scan(&format!("{old}SELECT 1;\n"), 4096).is_err());
    }

    #[test]
    fn commands_of_psql_are_refused_with_their_line() {
        for body in [
            "\\! touch /tmp/x",
            "SELECT 1 \\! touch /tmp/x",
            "SELECT 1; \\! touch /tmp/x",
            "SELECT 1 \\g | touch",
            " \\! touch",
            "\\copy t from program 'id'",
            "\\restrict other",
            "\\unrestrict other",
            "COPY t FROM PROGRAM 'id';",
            "COPY t FROM stdin; \\! id\n\\.",
            "COPY t (a) FROM stdin;\n1\n\\.\n\\! id",
            "SELECT abce'\\'; \\! id --'",
            "SELECT 'a' /* ' */; \\! id",
            "SELECT $a$ $a$; \\! id",
            "ROLLBACK;",
            "SET SESSION \"standard_conforming_strings\" = off;",
            "SELECT pg_catalog.\"set_config\"('client_encoding', 'SJIS', false);",
            "SELECT 1; -- a\0\n",
            "COPY t (a) FROM stdin;\na\0\n\\.\n",
        ] {
            is_refused(&dump(body), body);
        }
        for body in ["SET standard_conforming_strings = off;", "SET client_encoding = 'SJIS';"] {
            let unknown = scan(&dump(body), 5).unwrap_err();
            assert!(
                matches!(&unknown, Fault::Unsupported(what) if what.starts_with("line 1")),
                "{body}: {unknown}"
            );
        }
    }

    #[track_caller]
    fn is_refused(text: &str, what: &str) {
        let refused = scan(text, 5).unwrap_err();
        assert!(
            matches!(&refused, Fault::Malformed(what) if what.starts_with("line 1")),
            "{what}: {refused}"
        );
    }

    #[test]
    fn names_of_dollar_quotes_have_a_limit() {
        let quote = |tag: usize| format!("SELECT ${0}$ $x$; ${0}$;", "a".repeat(tag));
        assert!(scan(&dump(&quote(LONGEST_TAG)), 5).is_ok());
        is_refused(&dump(&quote(LONGEST_TAG + 1)), "tag");
    }

    #[test]
    fn dumps_that_go_to_another_database_say_so() {
        let own = "CREATE DATABASE app;\n\\unrestrict k3Y\n\\connect app\n\\restrict k3Y\n";
        let (facts, _) = scan(&dump(own), 4096).unwrap();
        assert_eq!(facts.other_database, Some(13));
        let cluster = dump("CREATE ROLE x;").replace("database dump", "database cluster dump");
        assert!(scan(&cluster, 4096).unwrap().0.cluster);
        // The last part is whole, the file is not.
        let cut = format!(
            "--\n-- PostgreSQL database cluster dump\n--\n\\connect app\n{}",
            dump("SELECT 1;")
        );
        assert!(scan(&cut, 4096).is_err());
    }

    #[test]
    fn a_long_statement_passes_in_pieces() {
        let long = "x".repeat(LONGEST);
        for body in [
            format!("INSERT INTO t VALUES ('{long}{long}{long}');"),
            format!("COMMENT ON TABLE t IS '{long}; COMMIT;';"),
            format!("SELECT * FROM pg_catalog.pg_restore_attribute_stats('a', '{long}');"),
        ] {
            let (facts, out) = scan(&dump(&body), 64 << 10).unwrap();
            assert_eq!((facts.statements, facts.other_database), (3, None));
            assert!(out.contains(&body));
        }
    }

    #[test]
    fn a_long_statement_is_judged_by_its_first_words() {
        let long = format!("/*{}*/", "x".repeat(LONGEST));
        for body in [
            format!("COMMIT {long};"),
            format!("{long} ROLLBACK {long} AND CHAIN;"),
            format!("SET standard_conforming_strings {long} = off;"),
            format!("SET SESSION {long} client_encoding = 'SJIS';"),
            format!("SELECT set_config('client_encoding', {long} 'SJIS', false);"),
            format!("INSERT INTO t {long} VALUES (set_config('client_encoding', 'x', false));"),
            format!("SELECT {long} 1;"),
            format!("COPY t {long} FROM PROGRAM 'id';"),
        ] {
            is_refused(&dump(&body), &body[..20]);
        }
        let other = format!("ALTER DATABASE app {long} SET work_mem = 1;");
        assert!(scan(&dump(&other), 4096).unwrap().0.other_database.is_some());
    }
}
