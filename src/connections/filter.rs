//! Which sessions are meant.

use std::time::Duration;

use crate::cli::sessions::{SessionFilters, StateFilter};
use crate::error::{Error, Result};
use crate::report::connections::Session;
use crate::settings::quantity;

/// The filters of the command line, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    states: Vec<StateFilter>,
    min_duration: Option<Duration>,
    users: Vec<String>,
    databases: Vec<String>,
    applications: Vec<String>,
    clients: Vec<String>,
}

impl Filter {
    /// # Errors
    /// Usage, when the time cannot be read.
    pub fn new(flags: &SessionFilters) -> Result<Self> {
        let min_duration = flags.min_duration.as_deref().map(quantity::duration).transpose();
        Ok(Self {
            states: flags.state.clone(),
            min_duration: min_duration
                .map_err(|cause| Error::usage("invalid --min-duration").because(cause))?,
            users: flags.of_user.clone(),
            databases: flags.of_db.clone(),
            applications: flags.of_app.clone(),
            clients: flags.of_addr.clone(),
        })
    }

    /// Whether it lets every session through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it asks for what a role without pg_read_all_stats cannot see of others' sessions:
    /// those never match then, which must be told.
    pub fn asks_for_hidden(&self) -> bool {
        !self.states.is_empty() || self.min_duration.is_some() || !self.clients.is_empty()
    }

    /// Whether the session fits all of it. What is not known does not fit.
    pub fn matches(&self, session: &Session) -> bool {
        let named = |patterns: &[String], value: Option<&str>| {
            let fits = |value: &str| patterns.iter().any(|pattern| like(pattern, value));
            patterns.is_empty() || value.is_some_and(fits)
        };
        let long = self.min_duration.is_none_or(|least| {
            session.state_seconds.is_some_and(|seconds| seconds >= least.as_secs_f64())
        });
        long && (self.states.is_empty() || self.states.iter().any(|state| is(session, *state)))
            && named(&self.users, session.user.as_deref())
            && named(&self.databases, session.database.as_deref())
            && named(&self.applications, Some(&session.application))
            && named(&self.clients, session.client.as_deref())
    }
}

fn is(session: &Session, state: StateFilter) -> bool {
    match state {
        StateFilter::Active => session.is_active(),
        StateFilter::Idle => session.state.as_deref() == Some("idle"),
        StateFilter::IdleInTransaction => session.is_idle_in_transaction(),
        StateFilter::Aborted => {
            session.state.as_deref() == Some("idle in transaction (aborted)")
        }
        StateFilter::Blocked => session.is_blocked(),
    }
}

/// Whether a text is what a pattern says, in which `*` stands for any characters.
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, fits) in [
            ("web", "web", true),
            ("web", "web1", false),
            ("web*", "web", true),
            ("*web", "a web", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("10.0.*", "10.1.0.1", false),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_not_known_fits_nothing() {
        let hidden = Session { user: Some("app".into()), hidden: true, ..Session::default() };
        let filter = |flags: SessionFilters| Filter::new(&flags).unwrap();
        let user = SessionFilters { of_user: vec!["a*".into()], ..SessionFilters::default() };
        assert!(filter(user.clone()).matches(&hidden));
        assert!(!filter(user.clone()).asks_for_hidden());
        for flags in [
            SessionFilters { state: vec![StateFilter::Idle], ..user.clone() },
            SessionFilters { min_duration: Some("0s".into()), ..user.clone() },
            SessionFilters { of_addr: vec!["*".into()], ..user.clone() },
        ] {
            assert!(filter(flags.clone()).asks_for_hidden());
            assert!(!filter(flags).matches(&hidden));
        }
        let wrong = SessionFilters { min_duration: Some("x".into()), ..user };
        assert!(Filter::new(&wrong).is_err());
    }
}
