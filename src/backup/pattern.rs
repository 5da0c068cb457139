//! Patterns of names as psql and `pg_dumpall --exclude-database` know them.

/// The regular expression that a pattern means to the server.
///
/// `*` is any text and `?` any character; letters outside double quotes are folded to lower case;
/// within them every character stands for itself; what else a regular expression has, holds
/// outside them. `$` is never special. (source: PostgreSQL 17 manual, psql, "Patterns")
///
/// # Errors
/// A pattern of several parts: a database's name has one. An empty one, or one whose quotes do
/// not end.
pub fn regular_expression(pattern: &str) -> Result<String, String> {
    let mut expression = String::from("^(");
    let mut quoted = false;
    let mut characters = pattern.chars().peekable();
    if pattern.is_empty() {
        return Err("it is empty".to_owned());
    }
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                expression.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            '$' => expression.push_str("\\$"),
            c if quoted && "|*+?()[]{}.^\\".contains(c) => expression.extend(['\\', c]),
            c if quoted => expression.push(c),
            '.' => return Err("a database's name has no parts: quote the dot, \"a.b\"".to_owned()),
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            c => expression.push(c.to_ascii_lowercase()),
        }
    }
    if quoted {
        return Err("its quotes do not end".to_owned());
    }
    expression.push_str(")$");
    Ok(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_psql() {
        for (pattern, expression) in [
            ("app", "^(app)$"),
            ("App", "^(app)$"),
            ("\"App\"", "^(App)$"),
            ("tmp_*", "^(tmp_.*)$"),
            ("db?", "^(db.)$"),
            ("a|b", "^(a|b)$"),
            ("[ab]$", "^([ab]\\$)$"),
            ("\"a.b*\"", "^(a\\.b\\*)$"),
            ("\"say \"\"hi\"\"\"", "^(say \"hi\")$"),
            ("x\"Y\"Z", "^(xYz)$"),
        ] {
            assert_eq!(regular_expression(pattern).as_deref(), Ok(expression), "{pattern}");
        }
        for wrong in ["", "a.b", "\"a"] {
            assert!(regular_expression(wrong).is_err(), "{wrong}");
        }
    }
}
