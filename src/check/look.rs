//! What a check looks at.

use serde::de::DeserializeOwned;

use super::facts::{Answer, Facts};
use super::limits::{Limit, LimitSpec, Limits};
use super::question::{MOST_ROWS, Question};
use super::registry::Check;
use super::verdict::{Silence, Verdict};
use crate::report::check::{Level, Measure};
use crate::settings::CheckSettings;

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

    /// The rows of the earlier sample with the seconds in between.
    ///
    /// # Errors
    /// Not applicable where there is no earlier sample.
    pub fn before<T: DeserializeOwned>(
        &self,
        question: &Question,
    ) -> Result<(Vec<T>, f64), Silence> {
        let previous = self.previous.ok_or_else(|| Silence::not_applicable(ONE_SAMPLE))?;
        let seconds = self.facts.at.duration_since(previous.at).as_secs_f64();
        if seconds <= 0.0 {
            return Err(Silence::unknown("the earlier sample is not older than this one"));
        }
        Ok((rows(previous, question)?, seconds))
    }

    /// Whether an answer had more rows than are read.
    pub fn is_cut(&self, question: &Question) -> bool {
        matches!(self.facts.answers.get(question.name), Some(Answer::Rows(rows)) if rows.len() > MOST_ROWS)
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

    /// A number with its limits, for monitoring; `name` is that of the limit.
    pub fn measure(
        &self,
        name: &str,
        label: &str,
        value: f64,
        most: Option<f64>,
    ) -> Option<Measure> {
        let limit = self.limit(name, label)?;
        Some(Measure {
            name: label.to_owned(),
            value,
            unit: limit.unit,
            warning: limit.warning.and_then(|bound| bound.at(most)),
            critical: limit.critical.and_then(|bound| bound.at(most)),
            most,
            below: limit.below,
        })
    }
}

fn rows<T: DeserializeOwned>(facts: &Facts, question: &Question) -> Result<Vec<T>, Silence> {
    let rows = match facts.answers.get(question.name) {
        Some(Answer::Rows(rows)) => rows,
        Some(Answer::Failed { why, .. }) => return Err(Silence::unknown(why)),
        Some(Answer::TooOld) => {
            return Err(Silence::not_applicable("this version of PostgreSQL does not tell it"));
        }
        None => return Err(Silence::unknown(format!("{} was not asked", question.name))),
    };
    let read = rows.iter().take(MOST_ROWS).map(|row| T::deserialize(row));
    read.collect::<Result<_, _>>().map_err(|error| {
        Silence::unknown(format!("the answer to {} cannot be read: {error}", question.name))
    })
}
