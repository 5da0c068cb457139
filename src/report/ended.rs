//! The report of `connections cancel` and `connections terminate`.

use serde::Serialize;

use super::Report;
use super::party::Party;
use crate::exit::Exit;

/// What became of sessions, or would become.
#[derive(Debug, Clone, Serialize)]
pub struct Ended {
    /// What was asked for.
    pub how: How,
    /// Where: `db:5432`.
    pub server: String,
    /// Whether nothing was to be done.
    pub dry_run: bool,
    /// The sessions that were chosen.
    pub sessions: Vec<Victim>,
    /// Those that fit and were left out, with the reason.
    pub left_out: Vec<LeftOut>,
    /// What could not be seen, with what would show it.
    pub unseen: Vec<String>,
}

/// How sessions are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The statement is cancelled, the session stays.
    Cancel,
    /// The session is ended.
    Terminate,
}

impl How {
    /// The word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
        }
    }
}

/// A session that was chosen.
#[derive(Debug, Clone, Serialize)]
pub struct Victim {
    /// Who it is.
    #[serde(flatten)]
    pub party: Party,
    /// When the session began, in microseconds since 1970: with the process it names one session.
    #[serde(skip)]
    pub began_us: i64,
    /// When its statement began, in the same.
    #[serde(skip)]
    pub statement_us: Option<i64>,
    /// Since when it must still be in its state; null where that does not matter.
    #[serde(skip)]
    pub state_us: Option<i64>,
    /// Whether its role is a superuser's.
    #[serde(skip)]
    pub of_superuser: bool,
    /// What the operator must know before: it runs a backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it is not as it was wanted.
    pub why: Option<String>,
}

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing yet.
    Chosen,
    /// It is gone; or its statement, for cancel.
    Ended,
    /// It was gone before anything was sent to it.
    GoneAlready,
    /// It did something else by then, and nothing was sent to it.
    Changed,
    /// There was no such process from the start.
    NotThere,
    /// The server refused.
    Refused,
    /// It was told, and had not ended when the wait was over.
    StillThere,
}

impl Outcome {
    /// The same in words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Ended => "ended",
            Self::GoneAlready => "gone already",
            Self::Changed => "does something else now",
            Self::NotThere => "not there",
            Self::Refused => "refused",
            Self::StillThere => "still there",
        }
    }
}

/// A session that fits, and is left alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    /// Who it is.
    #[serde(flatten)]
    pub party: Party,
    /// Why.
    pub reason: String,
    /// Whether it was named by its process, and would be fit for it with another command.
    #[serde(skip)]
    pub asked_for: bool,
}

impl Ended {
    /// How many have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.sessions.iter().filter(|victim| victim.outcome == outcome).count()
    }
}

impl Report for Ended {
    /// A session that went by itself between the question and the answer is as it was wanted. A
    /// process that was named and never was there may be a typing error: that is a warning.
    fn outcome(&self) -> Exit {
        let of = |outcome, exit| if self.count(outcome) > 0 { exit } else { Exit::Good };
        let hidden = if self.unseen.is_empty() { Exit::Good } else { Exit::Unknown };
        let asked = self.left_out.iter().any(|left| left.asked_for);
        let named = if asked { Exit::Warning } else { Exit::Good };
        of(Outcome::Refused, Exit::Refused)
            .worst(of(Outcome::StillThere, Exit::Critical))
            .worst(of(Outcome::NotThere, Exit::Warning))
            .worst(hidden)
            .worst(named)
    }
}
