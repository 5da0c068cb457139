//! A failure as a value of a report.

use serde::Serialize;

use crate::error::Error;
use crate::settings::masked;

/// What failed, why, and what to do. No password of a connection string is in it, wherever it
/// stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The thing and what happened to it.
    pub what: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What the operator can do now.
    pub next: Vec<String>,
    /// The known reasons by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<&'static str>,
    /// What the run was doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

impl Failure {
    /// Of an error.
    pub fn of(error: &Error) -> Self {
        let list = |texts: &[String]| texts.iter().map(|text| masked(text)).collect();
        Self {
            what: masked(error.what()),
            causes: list(error.causes()),
            next: list(error.next_steps()),
            reasons: error.reasons().to_vec(),
            phase: error.phase().map(str::to_owned),
            also: list(error.other_facts()),
        }
    }
}
