//! What a check looks at.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::dep::Shared;
use super::facts::{Answer, Facts};
use super::limits::{Limit, LimitSpec, Limits};
use super::question::{MOST_ROWS, Question};
use super::registry::Check;
use super::verdict::{Silence, Verdict};
use crate::report::check::{Level, Measure};
use crate::settings::{CheckSettings, Stage};

/// The facts of a server, for one check.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub check: &'a Check,
    pub facts: &'a Facts,
    /// Facts of the same server at an earlier moment.
    pub previous: Option<&'a Facts>,
    pub limits: &'a Limits,
    pub settings: &'a CheckSettings,
    /// Of the target: `production`.
    pub environment: Option<&'a str>,
    /// What the gates of a deployment share.
    pub deploy: &'a Shared,
}

/// Said where two samples are needed and there is one.
const ONE_SAMPLE: &str = "it needs two samples: --interval 10s, or --state FILE from run to run";

impl<'a> Look<'a> {
    /// The rows of an answer, at most [`MOST_ROWS`]: see [`is_cut`](Self::is_cut).
    ///
    /// # Errors
    /// Unknown where the question could not be answered, not applicable where the server is
    /// older than it.
    pub fn rows<T: DeserializeOwned>(&self, question: &Question) -> Result<Vec<T>, Silence> {
        rows(self.facts, question)
    }

    /// The one row of an answer.
    ///
    /// # Errors
    /// As [`rows`](Self::rows); unknown where there is none.
    pub fn row<T: DeserializeOwned>(&self, question: &Question) -> Result<T, Silence> {
        let first = self.rows(question)?.into_iter().next();
        first.ok_or_else(|| Silence::unknown(format!("{} has no row", question.name)))
    }

    /// The rows of the earlier sample with the seconds in between, for what cannot be judged
    /// without.
    ///
    /// # Errors
    /// Not applicable where there is no earlier sample; unknown where it does not have them.
    pub fn before<T: DeserializeOwned>(
        &self,
        question: &Question,
    ) -> Result<(Vec<T>, f64), Silence> {
        if !question.is_compared {
            return Err(Silence::unknown(format!("{} is not asked twice", question.name)));
        }
        let previous = self.previous.ok_or_else(|| Silence::not_applicable(ONE_SAMPLE))?;
        let seconds = self.facts.at.duration_since(previous.at).as_secs_f64();
        if seconds <= 0.0 {
            return Err(Silence::unknown("the earlier sample is not older than this one"));
        }
        Ok((rows(previous, question)?, seconds))
    }

    /// The same for what says more with an earlier sample: why there is none of it, although there
    /// was a sample, is told as not seen.
    pub fn perhaps_before<T: DeserializeOwned>(
        &self,
        question: &Question,
        verdict: &mut Verdict,
    ) -> Option<(Vec<T>, f64)> {
        // A file of another run may lack what was not asked then.
        self.previous.filter(|previous| previous.answers.contains_key(question.name))?;
        match self.before(question) {
            Ok(before) => Some(before),
            Err(Silence::Unknown(why) | Silence::NotApplicable(why)) => {
                verdict.not_seen(format!("what was earlier is not known: {why}"));
                None
            }
        }
    }

    /// Whether an answer had more rows than are read.
    pub fn is_cut(&self, question: &Question) -> bool {
        matches!(self.facts.answers.get(question.name), Some(Answer::Rows(rows)) if rows.len() > MOST_ROWS)
    }

    /// What to say of an answer that had more rows than are read. It is said of every question
    /// of a check, but for those that `may_be_cut`.
    pub fn cut(&self, question: &Question) -> Option<String> {
        let name = question.name;
        self.is_cut(question)
            .then(|| format!("{name} has more than {MOST_ROWS} rows, and no more were read"))
    }

    /// What the target's environment is for; none where it has none or a name of its own.
    pub fn stage(&self) -> Option<Stage> {
        self.environment.and_then(Stage::of)
    }

    /// When the facts were taken, as an epoch.
    pub fn now(&self) -> f64 {
        self.facts.at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
    }

    /// The major version: 15.
    pub fn major(&self) -> u32 {
        self.facts.server.version_number / 10_000
    }

    /// An empty verdict.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.check.id)
    }

    fn spec(&self, name: &str) -> Option<&'a LimitSpec> {
        self.check.limits.iter().find(|spec| spec.name == name)
    }

    /// The limit of an object; `name` is that of the check's [`LimitSpec`].
    pub fn limit(&self, name: &str, object: &str) -> Option<Limit> {
        self.spec(name).map(|spec| self.limits.of(self.check.id, spec, object))
    }

    /// What a number of an object weighs; `most` is what there can be.
    pub fn level(&self, name: &str, object: &str, value: f64, most: Option<f64>) -> Option<Level> {
        self.limit(name, object)?.level(value, most)
    }

    /// A number with the check's one limit: what is said of it, for people and for monitoring;
    /// past the limit it is a finding. `most` is what there can be.
    pub fn weigh(
        &self,
        label: &str,
        object: &str,
        value: f64,
        most: Option<f64>,
        says: impl Into<String>,
    ) -> Verdict {
        let says = says.into();
        let mut verdict = self.verdict().saying(&says);
        verdict.measures.extend(self.measure("", label, value, most));
        if let Some(level) = self.level("", object, value, most) {
            verdict.find(level, object, says).with_value(value);
        }
        verdict
    }

    /// Whether there is as much of something as the limit of that name wants before anything is
    /// said. Where it is off anything is enough.
    pub fn is_enough(&self, name: &str, object: &str, value: f64) -> bool {
        self.limit(name, object).is_none_or(|limit| {
            let is_off = limit.warning.is_none() && limit.critical.is_none();
            is_off || limit.level(value, None).is_some()
        })
    }

    /// A number with its limits, for monitoring; `name` is that of the limit.
    pub fn measure(
        &self,
        name: &str,
        label: &str,
        value: f64,
        most: Option<f64>,
    ) -> Option<Measure> {
        self.limit(name, label).map(|limit| limit.measure(label, value, most))
    }
}

fn rows<T: DeserializeOwned>(facts: &Facts, question: &Question) -> Result<Vec<T>, Silence> {
    let answer = facts.answers.get(question.name);
    let not_asked = || Silence::unknown(format!("{} was not asked", question.name));
    let rows = answer.ok_or_else(not_asked)?.rows()?;
    let read = rows.iter().take(MOST_ROWS).map(|row| T::deserialize(row));
    read.collect::<Result<_, _>>().map_err(|error| {
        Silence::unknown(format!("the answer to {} cannot be read: {error}", question.name))
    })
}
