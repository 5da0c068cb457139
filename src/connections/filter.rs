//! Which sessions are meant.

use std::time::Duration;

use crate::cli::sessions::{SessionFilters, StateFilter};
use crate::error::{Error, Result};
use crate::report::connections::Session;
use crate::report::party::Party;
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

    /// Whether it asks what a session does, or since when.
    pub fn asks_what_it_does(&self) -> bool {
        !self.states.is_empty() || self.min_duration.is_some()
    }

    /// Whether it asks for what a role without pg_read_all_stats cannot see of others' sessions:
    /// those never match then, which must be told.
    pub fn asks_for_hidden(&self) -> bool {
        self.asks_what_it_does() || !self.clients.is_empty()
    }

    /// Judges a session; where several decide, a certain no is one.
    pub fn fits(&self, seen: &Seen<'_>) -> Fit {
        let named = |patterns: &[String], value: Option<&str>| {
            patterns.is_empty() || patterns.iter().any(|one| like(one, value.unwrap_or("")))
        };
        if !named(&self.users, seen.user)
            || !named(&self.databases, seen.database)
            || !named(&self.applications, seen.application)
        {
            return Fit::No;
        }
        if seen.hidden {
            return if self.asks_for_hidden() { Fit::Unknown } else { Fit::Yes };
        }
        let long = self
            .min_duration
            .is_none_or(|least| seen.seconds.is_some_and(|time| time >= least.as_secs_f64()));
        let state = self.states.is_empty() || self.states.iter().any(|state| is(seen, *state));
        if long && state && named(&self.clients, seen.client) { Fit::Yes } else { Fit::No }
    }
}

/// Whether a session fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Yes,
    No,
    /// What decides is hidden from this role.
    Unknown,
}

/// What filters look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    pub user: Option<&'a str>,
    pub database: Option<&'a str>,
    pub application: Option<&'a str>,
    /// `local` for a Unix socket.
    pub client: Option<&'a str>,
    pub state: Option<&'a str>,
    /// In that state.
    pub seconds: Option<f64>,
    /// Waits for a lock.
    pub blocked: bool,
    pub hidden: bool,
}

impl<'a> From<&'a Session> for Seen<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            user: session.user.as_deref(),
            database: session.database.as_deref(),
            application: Some(&session.application),
            client: session.client.as_deref(),
            state: session.state.as_deref(),
            seconds: session.state_seconds,
            blocked: session.is_blocked(),
            hidden: session.hidden,
        }
    }
}

impl<'a> Seen<'a> {
    /// A session that may be ended.
    pub fn of_party(party: &'a Party, blocked: bool) -> Self {
        Self {
            user: party.user.as_deref(),
            database: party.database.as_deref(),
            application: party.application.as_deref(),
            client: Some(party.client.as_deref().unwrap_or("local")),
            state: party.state.as_deref(),
            seconds: party.state_seconds,
            blocked,
            hidden: party.hidden,
        }
    }
}

fn is(seen: &Seen<'_>, wanted: StateFilter) -> bool {
    let state = seen.state.unwrap_or("");
    match wanted {
        StateFilter::Active => matches!(state, "active" | "fastpath function call"),
        StateFilter::Idle => state == "idle",
        StateFilter::IdleInTransaction => state.starts_with("idle in transaction"),
        StateFilter::Aborted => state == "idle in transaction (aborted)",
        StateFilter::Blocked => seen.blocked,
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
    fn what_is_hidden_fits_only_what_everybody_sees() {
        let hidden = Seen { user: Some("app"), hidden: true, ..Seen::default() };
        let filter = |flags: SessionFilters| Filter::new(&flags).unwrap();
        let user = SessionFilters { of_user: vec!["a*".into()], ..SessionFilters::default() };
        assert_eq!(filter(user.clone()).fits(&hidden), Fit::Yes);
        let other = Seen { user: Some("b"), ..hidden };
        assert!(!filter(user.clone()).asks_for_hidden());
        for flags in [
            SessionFilters { state: vec![StateFilter::Idle], ..user.clone() },
            SessionFilters { min_duration: Some("0s".into()), ..user.clone() },
            SessionFilters { of_addr: vec!["*".into()], ..user.clone() },
        ] {
            assert!(filter(flags.clone()).asks_for_hidden());
            assert_eq!(filter(flags.clone()).fits(&hidden), Fit::Unknown);
            assert_eq!(filter(flags).fits(&other), Fit::No);
        }
        let wrong = SessionFilters { min_duration: Some("x".into()), ..user };
        assert!(Filter::new(&wrong).is_err());
    }

    #[test]
    fn all_filters_must_fit_and_one_value_of_each() {
        let party = Party {
            user: Some("app".into()),
            database: Some("shop".into()),
            application: Some("rails worker 3".into()),
            state: Some("idle in transaction".into()),
            state_seconds: Some(61.0),
            ..Party::default()
        };
        let one = || SessionFilters {
            of_user: vec!["other".into(), "app".into()],
            of_app: vec!["rails*3".into()],
            of_addr: vec!["local".into()],
            state: vec![StateFilter::Active, StateFilter::IdleInTransaction],
            min_duration: Some("1m".into()),
            ..SessionFilters::default()
        };
        let fits = |flags: SessionFilters, party: &Party| {
            Filter::new(&flags).unwrap().fits(&Seen::of_party(party, false))
        };
        assert_eq!(fits(one(), &party), Fit::Yes);
        assert_eq!(fits(SessionFilters { of_db: vec!["s".into()], ..one() }, &party), Fit::No);
        let longer = SessionFilters { min_duration: Some("62s".into()), ..one() };
        assert_eq!(fits(longer, &party), Fit::No);
        let blocked = SessionFilters { state: vec![StateFilter::Blocked], ..one() };
        assert_eq!(fits(blocked.clone(), &party), Fit::No);
        let waits = Filter::new(&blocked).unwrap().fits(&Seen::of_party(&party, true));
        assert_eq!(waits, Fit::Yes);
        let remote = Party { client: Some("10.0.0.7".into()), ..party };
        assert_eq!(fits(one(), &remote), Fit::No);
    }
}
