//! Whether a secret could be guessed by who has read the guides.

use serde::{Deserialize, Serialize};

use super::stage::Stage;

/// Why a secret is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// It consists of words that every guide has: `secure_pass`, `changeme`.
    Words,
    /// It is the name of the role.
    Name,
    /// It is too short.
    Short,
}

impl Weakness {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Words => "consists of words that stand in every guide",
            Self::Name => "is the name of the role",
            Self::Short => "is too short",
        }
    }
}

/// Words that no secret consists of.
const WORDS: [&str; 50] = [
    "a",
    "access",
    "admin",
    "app",
    "backup",
    "change",
    "changed",
    "changeme",
    "credentials",
    "data",
    "database",
    "db",
    "default",
    "example",
    "fill",
    "for",
    "here",
    "in",
    "insert",
    "jwt",
    "key",
    "me",
    "must",
    "my",
    "not",
    "of",
    "pass",
    "password",
    "passwd",
    "placeholder",
    "postgres",
    "pw",
    "pwd",
    "random",
    "replace",
    "root",
    "sample",
    "secret",
    "secure",
    "some",
    "strong",
    "super",
    "the",
    "this",
    "to",
    "todo",
    "token",
    "user",
    "value",
    "your",
];

fn is_words(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut words =
        lower.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| WORDS.contains(&word) || Stage::of(word).is_some())
}

/// The fault of a password.
pub(super) fn of_password(text: &str, user: Option<&str>) -> Option<Weakness> {
    if is_words(text) {
        Some(Weakness::Words)
    } else if user.is_some_and(|user| user.eq_ignore_ascii_case(text)) {
        Some(Weakness::Name)
    } else {
        (text.chars().count() < 8).then_some(Weakness::Short)
    }
}

/// The fault of a key that signs tokens (HS256): RFC 7518, 3.2 wants 32 bytes.
pub(super) fn of_key(text: &str) -> Option<Weakness> {
    if is_words(text) {
        return Some(Weakness::Words);
    }
    (text.len() < 32).then_some(Weakness::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_guides_are_no_secrets() {
        for text in [
            "password",
            "pass",
            "secure_pass",
            "staging_pass",
            "SECURE_PASSWORD",
            "changeme",
            "your_secure_db_password",
            "postgres",
            "Password123",
            "change-me",
        ] {
            assert_eq!(of_password(text, None), Some(Weakness::Words), "{text}");
        }
        for text in ["correct horse battery", "kitchen-Password", "x7Gq!a93kd"] {
            assert_eq!(of_password(text, None), None, "{text}");
        }
        assert_eq!(of_password("halcytone", Some("Halcytone")), Some(Weakness::Name));
        assert_eq!(of_password("x7Gq!", None), Some(Weakness::Short));
    }

    #[test]
    fn a_key_is_long_and_random() {
        let key = "your-super-secret-key-here";
        assert_eq!(of_key(key), Some(Weakness::Words));
        assert_eq!(of_key("dev-secret-key-not-for-production"), Some(Weakness::Words));
        assert_eq!(of_key("staging-secret-key-change-in-production"), Some(Weakness::Words));
        assert_eq!(of_key("0123456789abcdef"), Some(Weakness::Short));
        assert_eq!(of_key("c4f1e6b09d2a7785c4f1e6b09d2a7785"), None);
    }
}
