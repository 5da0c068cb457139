//! What sessions do: the questions that checks of connections, activity and locks share, and how
//! they tell of sessions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::look::Look;
use super::question::Question;
use super::verdict::Verdict;
use super::words;
use crate::sql;

/// Sessions that do, hold or wait; not idle ones.
pub const ACTIVITY: Question = Question::of("activity", &[(130_000, sql::CHECK_ACTIVITY)]);

/// How many clients there are, by role and database.
pub const SESSIONS: Question = Question::of("sessions", &[(130_000, sql::CHECK_SESSIONS)]);

/// Transactions of two phases.
pub const PREPARED: Question =
    Question::of("prepared", &[(130_000, sql::CHECK_PREPARED)]).may_be_cut();

/// A transaction of two phases that waits for its second.
#[derive(Debug, Clone, Deserialize)]
pub struct Prepared {
    pub gid: String,
    pub owner: String,
    pub database: String,
    pub seconds: f64,
}

impl Prepared {
    /// How it is ended.
    pub fn rollback(&self) -> String {
        rollback(&self.gid, &self.database)
    }
}

/// How a prepared transaction is ended: in its own database.
pub fn rollback(gid: &str, database: &str) -> String {
    format!("ROLLBACK PREPARED {};  -- in database {database}", sql::quote_literal(gid))
}

/// A session that is not idle, or another process of the server that is not. Times in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Process {
    pub pid: i32,
    /// `client backend`; none where it is hidden.
    pub kind: Option<String>,
    pub role: Option<String>,
    pub database: Option<String>,
    pub application: String,
    pub state: Option<String>,
    pub blocked_by: Vec<i32>,
    pub blocked_seconds: Option<f64>,
    pub transaction_seconds: Option<f64>,
    pub statement_seconds: Option<f64>,
    pub state_seconds: Option<f64>,
    pub query: Option<String>,
}

impl Process {
    /// `application/role`: what stays when the session is gone.
    pub fn name(&self) -> String {
        let role = self.role.as_deref().or(self.kind.as_deref()).unwrap_or("a process");
        match self.application.as_str() {
            "" => role.to_owned(),
            application => format!("{application}/{role}"),
        }
    }

    /// `shop-web/shop (process 4711, database shop)`.
    pub fn who(&self) -> String {
        let database = self.database.as_deref().map(|name| format!(", database {name}"));
        format!("{} (process {}{})", self.name(), self.pid, database.unwrap_or_default())
    }

    pub fn is_client(&self) -> bool {
        self.kind.as_deref() == Some("client backend")
    }

    pub fn is_in_state(&self, start: &str) -> bool {
        self.state.as_deref().is_some_and(|state| state.starts_with(start))
    }

    /// Whether it is a session of pgtend, of a backup for example.
    pub fn is_ours(&self) -> bool {
        self.application.starts_with("pgtend/")
    }

    /// Whether nothing is told of what it does: `track_activities` is off.
    pub fn is_silent(&self) -> bool {
        self.state.as_deref() == Some("disabled")
    }

    /// The start of its statement, in one line.
    pub fn statement(&self) -> String {
        const MOST: usize = 60;
        let query = self.query.as_deref().unwrap_or_default();
        let words = query.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.chars().count() <= MOST {
            return words;
        }
        let mut start: String = words.chars().take(MOST).collect();
        start.push('…');
        start
    }
}

/// How a session is ended: `pgtend connections cancel` or `terminate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    Cancel,
    Terminate,
}

/// A session that takes too long, for the finding of its object.
#[derive(Debug, Clone)]
pub struct Case {
    pub object: String,
    pub seconds: f64,
    pub says: String,
    /// What it is ended with, and its process.
    pub end: Option<(End, i32)>,
}

/// Processes that one remedy names at most.
const NAMED: usize = 10;

/// Finds what is over its limit: one finding for an object, about its worst case.
pub fn find_worst(look: &Look<'_>, verdict: &mut Verdict, cases: Vec<Case>) {
    let mut objects: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases {
        if look.level("", &case.object, case.seconds, None).is_some() {
            objects.entry(case.object.clone()).or_default().push(case);
        }
    }
    for (object, mut cases) in objects {
        cases.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        let Some(worst) = cases.first() else { continue };
        let Some(level) = look.level("", &object, worst.seconds, None) else { continue };
        let more = match cases.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more of {object})"),
        };
        let remedy = ends(&cases);
        let finding = verdict.find(level, &object, format!("{}{more}", worst.says));
        finding.with_value(worst.seconds);
        if !remedy.is_empty() {
            finding.with_remedy(remedy);
        }
    }
}

/// `pgtend connections cancel 4711 4712; pgtend connections terminate 4713`
fn ends(cases: &[Case]) -> String {
    let of = |end: End| {
        let pids = cases.iter().filter_map(|case| case.end);
        let pids: Vec<String> = pids
            .filter(|(how, _)| *how == end)
            .take(NAMED)
            .map(|(_, pid)| pid.to_string())
            .collect();
        let word = match end {
            End::Cancel => "cancel",
            End::Terminate => "terminate",
        };
        (!pids.is_empty()).then(|| format!("pgtend connections {word} {}", pids.join(" ")))
    };
    let both: Vec<String> = [End::Cancel, End::Terminate].into_iter().filter_map(of).collect();
    both.join("; ")
}

/// What is not told of sessions.
pub fn unseen(processes: &[Process]) -> Option<String> {
    let silent = processes.iter().filter(|process| process.is_silent()).count();
    let silent = (silent > 0).then(|| words::amount(counted(silent), "session"));
    silent.map(|silent| format!("the activity of {silent}: track_activities is off for them"))
}

/// A number of things as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "a number of sessions")]
pub const fn counted(number: usize) -> f64 {
    number as f64
}
