//! Reading names and parentheses in the statements that pg_dump writes.
//!
//! pg_dump doubles every quote within a quote (it never writes `\'`) and qualifies every name,
//! so this much of SQL's grammar is all of it. Function bodies in dollars are not read here.

/// A schema and a name in it.
pub type Qualified = (String, String);

/// The identifier at the start of `text`, and what follows it.
pub fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
        let end = text.find(|c| !plain(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(after) = rest.strip_prefix('"') else { return Some((name, rest)) };
        name.push('"');
        rest = after;
    }
}

/// The `schema.name` at the start of `text`, and what follows it.
pub fn qualified(text: &str) -> Option<(Qualified, &str)> {
    let (schema, rest) = identifier(text)?;
    let (name, rest) = identifier(rest.strip_prefix('.')?)?;
    Some(((schema, name), rest))
}

/// The table, view or domain that an `ALTER .. [ONLY] schema.name` is about, and what follows.
pub fn altered(text: &str) -> Option<(Qualified, &str)> {
    let starts = ["ALTER TABLE ", "ALTER FOREIGN TABLE ", "ALTER DOMAIN ", "ALTER VIEW "];
    let text = text.trim_start();
    let rest = starts.iter().find_map(|start| text.strip_prefix(start))?;
    qualified(rest.strip_prefix("ONLY ").unwrap_or(rest))
}

/// Where a character outside all quotes is such a one.
pub fn find_bare(text: &str, is_it: impl Fn(char) -> bool) -> Option<usize> {
    let mut within = None;
    for (place, character) in text.char_indices() {
        match within {
            // A doubled quote ends one and begins the next.
            Some(quote) if quote == character => within = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => within = Some(character),
            None if is_it(character) => return Some(place),
            None => {}
        }
    }
    None
}

/// What a parenthesis at the start of `text` holds, and what follows it.
pub fn parenthesis(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let (mut depth, mut from) = (1_usize, 0);
    loop {
        let place = from + find_bare(&inner[from..], |c| matches!(c, '(' | ')'))?;
        if inner[place..].starts_with('(') {
            depth += 1;
        } else {
            depth -= 1;
        }
        if depth == 0 {
            return Some((&inner[..place], &inner[place + 1..]));
        }
        from = place + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_quotes() {
        let read = |text| qualified(text).map(|((a, b), rest)| (a, b, rest.to_owned()));
        let is = |a: &str, b: &str, rest: &str| Some((a.into(), b.into(), rest.into()));
        assert_eq!(read("public.orders (id)"), is("public", "orders", " (id)"));
        assert_eq!(read("\"We ird\".\"a\n\"\".b\";"), is("We ird", "a\n\".b", ";"));
        assert_eq!(read("größe.\"T\"\n"), is("größe", "T", "\n"));
        assert_eq!(read("orders (id)"), None);
        assert_eq!(read("public.\"open"), None);
    }

    #[test]
    fn a_parenthesis_ends_where_it_was_opened() {
        assert_eq!(parenthesis("(a, \")\", f('('))) x"), Some(("a, \")\", f('(')", ") x")));
        assert_eq!(parenthesis("(a, b"), None);
    }
}
