//! The last door before anything is shown: credentials that stand where none belong, in a name,
//! a path or a message, are masked.

/// What stands in for a secret.
pub const MASK: &str = "***";

/// The next step for who gave a connection string where it does not belong.
pub const GIVE_URL: &str = "give a connection string with --url";

/// Words with a password after their `=`, as they end; `PGPASSWORD=` is one too.
const PASSWORD_WORDS: [&str; 3] = ["password=", "passwd=", "pwd="];

/// The text with every password masked that can be told for one: between `://` and `@`, and
/// behind `password=`. A blank inside a password ends it, save in single quotes.
pub fn masked(text: &str) -> String {
    masked_words(&masked_urls(text))
}

/// `scheme://user:password@`: only what follows the colon is secret.
fn masked_urls(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(after.len());
        // The last '@', as a password may hold one that should have been encoded.
        let credentials = after[..end].rfind('@');
        match credentials.and_then(|at| Some((after[..at].find(':')?, at))) {
            Some((colon, at)) => {
                shown.push_str(&after[..=colon]);
                shown.push_str(MASK);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    shown + rest
}

fn masked_words(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut shown = String::new();
    let mut at = 0;
    loop {
        let found = PASSWORD_WORDS
            .iter()
            .filter_map(|word| lower[at..].find(word).map(|start| at + start + word.len()))
            .min();
        let Some(start) = found else { break };
        shown.push_str(&text[at..start]);
        let length = value_length(&text[start..]);
        if length > 0 {
            shown.push_str(MASK);
        }
        at = start + length;
    }
    shown + &text[at..]
}

/// Bytes up to the end of a value: the closing quote, else a blank, `&`, or the quote that was
/// opened before the word.
fn value_length(text: &str) -> usize {
    if let Some(quoted) = text.strip_prefix('\'') {
        let mut escaped = false;
        let end = quoted.find(|c| {
            let closes = c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        return end.map_or(text.len(), |end| end + 2);
    }
    text.find(|c: char| c.is_whitespace() || "&'\"".contains(c)).unwrap_or(text.len())
}

/// Whether a text that should be a name, a number or a file looks like a connection string.
pub fn is_slip(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.contains("://") || PASSWORD_WORDS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_and_nothing_else() {
        for (text, expected) in [
            ("no backup at postgresql://u:hunter2@h/d", "no backup at postgresql://u:***@h/d"),
            ("\"https://u:hunter2@vault\" x", "\"https://u:***@vault\" x"),
            ("postgresql://u:hun@ter2/x@h/d?a=b c", "postgresql://u:***@h/d?a=b c"),
            ("redis://:hunter2@h", "redis://:***@h"),
            ("pg://a:hunter2@h,pg://b:hunter2@i", "pg://a:***@i"),
            ("host=h password=hunter2 user=u", "host=h password=*** user=u"),
            ("'host=h password=hunter2'", "'host=h password=***'"),
            (r"password='hunt\'er 2' x", "password=*** x"),
            ("PGPASSWORD=hunter2", "PGPASSWORD=***"),
            ("pg://h/d?user=u&password=hunter2&x=y", "pg://h/d?user=u&password=***&x=y"),
            ("--password=hunter2", "--password=***"),
            // Nothing to hide.
            ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
            ("postgresql://h:5432/d", "postgresql://h:5432/d"),
            ("password= is empty", "password= is empty"),
            ("é password of u@h: wrong", "é password of u@h: wrong"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
