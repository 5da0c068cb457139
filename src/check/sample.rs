//! Facts for the tests of what checks say.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::facts::{Answer, Facts, SCHEMA, Sight};
use super::limits::Limits;
use super::look::Look;
use super::registry::Check;
use super::verdict::Judged;
use crate::report::check::Looked;
use crate::settings::CheckSettings;

/// Facts of a server 15, and perhaps those of an earlier moment.
#[derive(Debug, Clone)]
pub struct Sample {
    pub facts: Facts,
    previous: Option<Facts>,
    pub settings: CheckSettings,
}

impl Sample {
    /// The moment of the facts, as an epoch: 2026-11-22.
    pub const NOW: f64 = 1_795_305_600.0;

    /// With these rows for one question.
    pub fn of(question: &str, rows: &[Value]) -> Self {
        let facts = Facts {
            schema: SCHEMA.to_owned(),
            pgtend: String::new(),
            at: "2026-11-22T00:00:00Z".parse().unwrap(),
            server: Looked { version_number: 150_018, ..Looked::default() },
            system_identifier: String::new(),
            sight: Sight { superuser: true, ..Sight::default() },
            certificate_expiry: None,
            encrypted: true,
            answers: BTreeMap::new(),
            milliseconds: BTreeMap::new(),
            beside: BTreeMap::new(),
        };
        Self { facts, previous: None, settings: CheckSettings::default() }.with(question, rows)
    }

    /// With these rows for another question.
    #[must_use]
    pub fn with(mut self, question: &str, rows: &[Value]) -> Self {
        self.facts.answers.insert(question.to_owned(), Answer::Rows(rows.to_vec()));
        self
    }

    /// At another moment.
    #[must_use]
    pub fn at(mut self, at: &str) -> Self {
        self.facts.at = at.parse::<Timestamp>().unwrap();
        self
    }

    /// So many seconds after another sample.
    #[must_use]
    pub fn after(mut self, seconds: f64, earlier: &Self) -> Self {
        let mut previous = earlier.facts.clone();
        previous.at = self.facts.at - SignedDuration::from_secs_f64(seconds);
        self.previous = Some(previous);
        self
    }

    /// What a check with standard limits says.
    pub fn judged(&self, check: &'static Check) -> Judged {
        let look = Look {
            check,
            facts: &self.facts,
            previous: self.previous.as_ref(),
            limits: &Limits::default(),
            settings: &self.settings,
            environment: None,
        };
        (check.judge)(&look)
    }
}
