//! Sessions in a line, and lines that fit the page.

use serde_json::Value;

use super::{Page, duration, printable};
use crate::report::party::Party;

/// The columns of [`values`].
pub(super) const COLUMNS: [&str; 11] = [
    "pid",
    "gid",
    "user",
    "database",
    "application",
    "client",
    "state",
    "transaction_seconds",
    "statement_seconds",
    "state_seconds",
    "query",
];

/// A session as raw values.
pub(super) fn values(party: &Party) -> Vec<Value> {
    vec![
        party.pid.into(),
        party.gid.clone().into(),
        party.user.clone().into(),
        party.database.clone().into(),
        party.application.clone().into(),
        party.client.clone().into(),
        party.state.clone().into(),
        party.transaction_seconds.into(),
        party.statement_seconds.into(),
        party.state_seconds.into(),
        party.query.clone().into(),
    ]
}

/// `app@shop, rails, from 10.0.0.7`.
pub(super) fn who(party: &Party) -> String {
    let mut text = match (&party.user, &party.database) {
        (Some(user), Some(database)) => format!("{user}@{database}"),
        (Some(user), None) => user.clone(),
        (None, _) => party.backend_type.clone().unwrap_or_else(|| "nobody".to_owned()),
    };
    if let Some(application) = &party.application {
        text.push_str(&format!(", {application}"));
    }
    if let Some(client) = &party.client {
        text.push_str(&format!(", from {client}"));
    }
    text
}

/// `idle in transaction for 2 min 3 s, transaction open for 5 min 2 s`.
pub(super) fn doing(party: &Party) -> String {
    if party.gid.is_some() {
        let age = party.transaction_seconds.map(|age| format!(" {} ago", duration(age)));
        return format!("a transaction that was prepared{}", age.unwrap_or_default());
    }
    if party.hidden {
        return "what it does is hidden from this role".to_owned();
    }
    let mut text = party.state.clone().or_else(|| party.backend_type.clone()).unwrap_or_default();
    if let Some(age) = party.state_seconds {
        text.push_str(&format!(" for {}", duration(age)));
    }
    if let Some(age) = party.transaction_seconds {
        text.push_str(&format!(", transaction open for {}", duration(age)));
    }
    text
}

/// A statement in one line, white space squeezed.
pub(super) fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of the page, cut with `..` where it is too long.
pub(super) fn line(page: &Page, indent: usize, text: &str) -> String {
    let text = printable(text);
    let room = usize::from(page.width).saturating_sub(indent).max(20);
    let text = match text.char_indices().nth(room) {
        None => text,
        Some(_) => text.chars().take(room - 2).chain("..".chars()).collect(),
    };
    format!("{:indent$}{text}\n", "")
}

/// The same, wrapped at spaces instead of cut: for what must be read to its end.
pub(super) fn lines(page: &Page, indent: usize, text: &str) -> String {
    let room = usize::from(page.width).saturating_sub(indent).max(20);
    let mut all = String::new();
    let mut row = String::new();
    for word in printable(text).split(' ') {
        if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > room {
            all.push_str(&format!("{:indent$}{row}\n", ""));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    all.push_str(&format!("{:indent$}{row}\n", ""));
    all
}

/// `42 s`, or `at most 42 s` for an estimate.
pub(super) fn waited(seconds: Option<f64>, is_estimate: bool) -> String {
    match seconds {
        Some(seconds) if is_estimate => format!("at most {}", duration(seconds)),
        Some(seconds) => duration(seconds),
        None => "for an unknown time".to_owned(),
    }
}

/// What could not be seen, at the end of a page.
pub(super) fn unseen(page: &Page, unseen: &[String]) -> String {
    unseen.iter().map(|what| lines(page, 0, &format!("not seen: {what}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_or_wrapped_at_the_width() {
        let page = Page { width: 24 };
        assert_eq!(line(&page, 2, "0123456789 0123456789 0123"), "  0123456789 012345678..\n");
        assert_eq!(line(&page, 2, "short"), "  short\n");
        assert_eq!(lines(&page, 2, "0123456789 0123456789 01"), "  0123456789 0123456789\n  01\n");
    }

    #[test]
    fn a_session_is_told_in_few_words() {
        let party = Party {
            user: Some("app".into()),
            database: Some("shop".into()),
            application: Some("rails".into()),
            client: Some("10.0.0.7".into()),
            state: Some("idle in transaction".into()),
            state_seconds: Some(123.0),
            transaction_seconds: Some(302.0),
            ..Party::default()
        };
        assert_eq!(who(&party), "app@shop, rails, from 10.0.0.7");
        assert_eq!(
            doing(&party),
            "idle in transaction for 2 min 3 s, transaction open for 5 min 2 s"
        );
        assert_eq!(one_line("select\n  1\t;"), "select 1 ;");
    }
}
