//! Whether a session is one that is meant.

use std::time::Duration;

use crate::cli::sessions::SessionFilters;
use crate::error::{Error, Result};
use crate::report::party::Party;
use crate::settings::quantity;

/// The filters with their values understood.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    given: SessionFilters,
    min_duration: Option<Duration>,
}

/// Whether a session fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Yes,
    No,
    /// What decides is hidden from this role.
    Unknown,
}

impl Filter {
    /// # Errors
    /// Usage, for a time that is none.
    pub fn new(given: &SessionFilters) -> Result<Self> {
        let time = given.min_duration.as_deref().map(quantity::duration).transpose();
        let min_duration =
            time.map_err(|cause| Error::usage("invalid --min-duration").because(cause))?;
        Ok(Self { given: given.clone(), min_duration })
    }

    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.given == SessionFilters::default()
    }

    /// Judges a session; where several decide, a certain no is one.
    pub fn fits(&self, party: &Party) -> Fit {
        let SessionFilters { of_user, of_db, of_app, of_addr, state, .. } = &self.given;
        let known = |list: &[String], value: Option<&str>| {
            list.is_empty() || list.iter().any(|one| fits_pattern(one, value.unwrap_or("")))
        };
        let application = party.application.as_deref();
        if !known(of_user, party.user.as_deref())
            || !known(of_db, party.database.as_deref())
            || !known(of_app, application)
        {
            return Fit::No;
        }
        if party.hidden {
            let open = of_addr.is_empty() && state.is_empty() && self.min_duration.is_none();
            return if open { Fit::Yes } else { Fit::Unknown };
        }
        let long_enough = self.min_duration.is_none_or(|least| {
            party.state_seconds.is_some_and(|seconds| seconds >= least.as_secs_f64())
        });
        let fits = known(of_addr, Some(party.client.as_deref().unwrap_or("local")))
            && (state.is_empty() || state.iter().any(|one| party.state.as_ref() == Some(one)))
            && long_enough;
        if fits { Fit::Yes } else { Fit::No }
    }
}

/// `*` stands for any text, even none.
fn fits_pattern(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party() -> Party {
        Party {
            pid: Some(7),
            user: Some("app".into()),
            database: Some("shop".into()),
            application: Some("rails worker 3".into()),
            state: Some("idle in transaction".into()),
            state_seconds: Some(61.0),
            ..Party::default()
        }
    }

    fn fits(given: SessionFilters, party: &Party) -> Fit {
        Filter::new(&given).unwrap().fits(party)
    }

    #[test]
    fn all_filters_must_fit_and_one_value_of_each() {
        let one = || SessionFilters {
            of_user: vec!["other".into(), "app".into()],
            of_app: vec!["rails*3".into()],
            of_addr: vec!["local".into()],
            state: vec!["idle in transaction".into()],
            min_duration: Some("1m".into()),
            ..SessionFilters::default()
        };
        assert_eq!(fits(one(), &party()), Fit::Yes);
        assert_eq!(fits(SessionFilters { of_db: vec!["s".into()], ..one() }, &party()), Fit::No);
        let longer = SessionFilters { min_duration: Some("62s".into()), ..one() };
        assert_eq!(fits(longer, &party()), Fit::No);
        let remote = Party { client: Some("10.0.0.7".into()), ..party() };
        assert_eq!(fits(one(), &remote), Fit::No);
        assert!(Filter::new(&SessionFilters { min_duration: Some("x".into()), ..one() }).is_err());
        assert!(Filter::default().is_empty());
    }

    #[test]
    fn what_is_hidden_fits_only_what_everybody_sees() {
        let hidden = Party { hidden: true, state: None, state_seconds: None, ..party() };
        let user = SessionFilters { of_user: vec!["app".into()], ..SessionFilters::default() };
        assert_eq!(fits(user.clone(), &hidden), Fit::Yes);
        let state = SessionFilters { state: vec!["active".into()], ..user };
        assert_eq!(fits(state, &hidden), Fit::Unknown);
        let other = SessionFilters {
            of_user: vec!["x".into()],
            state: vec!["active".into()],
            ..SessionFilters::default()
        };
        assert_eq!(fits(other, &hidden), Fit::No);
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a12c", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }
}
