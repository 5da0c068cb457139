//! Just enough of Rust's syntax to tell code from comments and strings.

use std::collections::BTreeSet;

/// A file's code, taken apart.
#[derive(Debug)]
pub struct Source {
    /// Identifiers and single punctuation characters, in order; `::` is one token.
    tokens: Vec<String>,
    /// The string literals, raw ones too, escapes as they are written.
    pub strings: Vec<String>,
}

impl Source {
    /// Leaves out comments, and all from `#[cfg(test)] mod` on: unit tests close a file.
    pub fn parse(text: &str) -> Self {
        let mut source = Self { tokens: Vec::new(), strings: Vec::new() };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = source.take(rest, first);
            let cfg_test = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
            if source.tokens.ends_with(&cfg_test.map(String::from)) {
                break;
            }
        }
        source
    }

    /// Takes one token, literal or comment off the front.
    fn take<'a>(&mut self, rest: &'a str, first: char) -> &'a str {
        if rest.starts_with("//") {
            return rest.find('\n').map_or("", |end| &rest[end..]);
        }
        if rest.starts_with("/*") {
            return after_block_comment(rest);
        }
        if let Some((content, after)) = raw_string(rest).or_else(|| string(rest)) {
            self.strings.push(content.to_owned());
            return after;
        }
        if first == '\'' {
            return after_quote(rest);
        }
        if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            self.tokens.push(rest[..end].to_owned());
            return &rest[end..];
        }
        let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
        if !first.is_whitespace() {
            self.tokens.push(rest[..length].to_owned());
        }
        &rest[length..]
    }

    /// The crates that paths start with, and whatever else stands before a `::` or after `use`.
    pub fn crates(&self) -> BTreeSet<&str> {
        let token = |at: usize| self.tokens.get(at).map_or("", String::as_str);
        // `::name` is a crate too, `module::name` is not.
        let is_name = |text: &str| {
            text != "use" && text.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')
        };
        let starts_path = |at: usize| at < 2 || token(at - 1) != "::" || !is_name(token(at - 2));
        (0..self.tokens.len())
            .filter(|at| starts_path(*at))
            .filter(|at| token(at + 1) == "::" || (*at > 0 && token(at - 1) == "use"))
            .map(token)
            .collect()
    }

    /// The modules of this crate that `crate::` and `super::` paths lead to, from a file that lies
    /// `depth` modules below the root.
    pub fn modules(&self, depth: usize) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let to_root = match token.as_str() {
                "crate" => 1,
                "super" => depth,
                _ => continue,
            };
            let path = self.tokens[at..].chunks(2).take(to_root);
            let leads_to_root = path.clone().count() == to_root
                && path.clone().all(|pair| pair == [token.as_str(), "::"]);
            // `super::super::x` seen from its second word is a shorter way, not to the root.
            let is_first = at == 0 || self.tokens[at - 1] != "::";
            if leads_to_root && is_first {
                self.names_at(at + 2 * to_root, &mut found);
            }
        }
        found
    }

    /// The name at this token, or, in front of a `{`, the first name of each path in the group.
    fn names_at<'a>(&'a self, at: usize, found: &mut BTreeSet<&'a str>) {
        let rest = self.tokens.get(at..).unwrap_or_default();
        if rest.first().is_none_or(|token| token != "{") {
            found.extend(rest.first().map(String::as_str));
            return;
        }
        let mut depth = 0;
        let mut expects_name = false;
        for token in rest {
            match token.as_str() {
                "{" => (depth, expects_name) = (depth + 1, depth == 0),
                "}" => depth -= 1,
                "," => expects_name = depth == 1,
                name if expects_name => {
                    found.insert(name);
                    expects_name = false;
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

fn after_block_comment(text: &str) -> &str {
    let mut depth = 0;
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, after);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, after);
        } else {
            let mut chars = rest.chars();
            if chars.next().is_none() {
                return "";
            }
            rest = chars.as_str();
        }
        if depth == 0 {
            return rest;
        }
    }
}

/// `r"..."`, `r#"..."#`, `br".."`: its content and what follows.
fn raw_string(text: &str) -> Option<(&str, &str)> {
    let rest = ["r", "br", "cr"].iter().find_map(|start| text.strip_prefix(start))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let content = rest[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    content.split_once(&close)
}

/// `"..."`, `b"..."`: its content and what follows.
fn string(text: &str) -> Option<(&str, &str)> {
    let content = ["\"", "b\"", "c\""].iter().find_map(|start| text.strip_prefix(start))?;
    let mut escaped = false;
    let end = content.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    Some((&content[..end], &content[end + 1..]))
}

/// After a character literal, or after the quote of a lifetime.
fn after_quote(text: &str) -> &str {
    let rest = &text[1..];
    if let Some(escape) = rest.strip_prefix('\\') {
        let mut chars = escape.chars();
        chars.next();
        return chars.as_str().split_once('\'').map_or("", |(_, after)| after);
    }
    let mut chars = rest.chars();
    chars.next();
    chars.as_str().strip_prefix('\'').unwrap_or(rest)
}
