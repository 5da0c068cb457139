//! Labels: what an operator tells backups apart by.

use std::collections::BTreeMap;
use std::fmt;

/// Characters of the longest key.
const KEY: usize = 63;
/// Characters of the longest value.
const VALUE: usize = 255;
/// A backup's most labels.
const MOST: usize = 64;

/// Keys with their values, sorted. A key is of ASCII letters, digits, `_` and `-`; a value is not
/// empty and holds no control character.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Adds one; it takes the place of one with the same key.
    pub fn add(&mut self, key: &str, value: &str) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if key.is_empty() || key.len() > KEY || !key.chars().all(plain) {
            return Err(format!(
                "label '{}': its key is 1 to {KEY} ASCII letters, digits, _ or -",
                key.escape_debug()
            ));
        }
        // Mostly a variable that a script did not set.
        if value.is_empty() {
            return Err(format!("label {key} has no value"));
        }
        if value.chars().count() > VALUE || value.chars().any(char::is_control) {
            return Err(format!(
                "the value of label {key} is longer than {VALUE} characters, or holds a control \
                 character"
            ));
        }
        self.0.insert(key.to_owned(), value.to_owned());
        if self.0.len() > MOST { Err(format!("more than {MOST} labels")) } else { Ok(()) }
    }

    /// As `--label` takes one: `key=value`.
    pub fn parse(text: &str) -> Result<(String, String), String> {
        let (key, value) =
            text.split_once('=').ok_or("it is KEY=VALUE: ticket=OPS-4711".to_owned())?;
        let mut labels = Self::default();
        labels.add(key, value)?;
        Ok((key.to_owned(), value.to_owned()))
    }

    /// Keys with their values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// As a backup's record has them.
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_key_and_a_value() {
        let label = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
        assert_eq!(Labels::parse("ticket=OPS-4711"), label("ticket", "OPS-4711"));
        assert_eq!(Labels::parse("why=a=b, é"), label("why", "a=b, é"));
        for wrong in ["", "ticket", "=x", "a b=x", "é=x", "a.b=x", "a=", "a=x\ny", "a\u{1b}=x"] {
            assert!(Labels::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Labels::parse(&format!("{}=x", "k".repeat(63))).is_ok());
        assert!(Labels::parse(&format!("{}=x", "k".repeat(64))).is_err());
        assert!(Labels::parse(&format!("k={}", "é".repeat(256))).is_err());
    }

    #[test]
    fn the_later_of_two_with_one_key_counts_and_their_number_is_bounded() {
        let mut labels = Labels::default();
        labels.add("team", "shop").unwrap();
        labels.add("team", "web").unwrap();
        assert_eq!(labels.to_string(), "team=web");
        for number in 1..MOST {
            labels.add(&format!("k{number}"), "v").unwrap();
        }
        assert!(labels.add("one-more", "v").is_err());
    }
}
