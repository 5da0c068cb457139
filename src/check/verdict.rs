//! What a check says of the facts.

use crate::report::check::{Finding, Level, Measure, Unit};

/// What a check found; it holds no findings when all is well.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    pub(super) id: &'static str,
    pub says: String,
    pub findings: Vec<Finding>,
    pub measures: Vec<Measure>,
    /// What could not be seen beside what was found.
    pub unseen: Option<String>,
}

/// Why a check says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It could not be seen: never an all-clear.
    Unknown(String),
    /// It is not about this server, or nobody asked for it.
    NotApplicable(String),
}

impl Silence {
    /// Not about this server.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }

    /// Could not be seen.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }
}

/// The end of a check.
pub type Judged = Result<Verdict, Silence>;

impl Verdict {
    pub(super) fn of(id: &'static str) -> Self {
        Self { id, ..Self::default() }
    }

    /// The verdict in one line.
    #[must_use]
    pub fn saying(mut self, says: impl Into<String>) -> Self {
        self.says = says.into();
        self
    }

    /// Adds a finding about one object.
    pub fn find(
        &mut self,
        level: Level,
        object: impl Into<String>,
        says: impl Into<String>,
    ) -> &mut Finding {
        let object = object.into();
        let key = format!("{}:{object}", self.id);
        let finding = Finding {
            key,
            object,
            level,
            says: says.into(),
            remedy: None,
            value: None,
            excused: None,
        };
        let at = self.findings.len();
        self.findings.push(finding);
        &mut self.findings[at]
    }

    /// Adds to what could not be seen.
    pub(super) fn not_seen(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.unseen = Some(match self.unseen.take() {
            Some(before) if before.contains(&why) => before,
            Some(before) => format!("{before}; {why}"),
            None => why,
        });
    }

    /// Adds a number without limits.
    pub fn measure(&mut self, name: impl Into<String>, value: f64, unit: Unit) {
        self.measures.push(Measure {
            name: name.into(),
            value,
            unit,
            warning: None,
            critical: None,
            most: None,
            below: false,
        });
    }
}

impl Finding {
    /// With what to do about it.
    pub fn with_remedy(&mut self, remedy: impl Into<String>) -> &mut Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// With the number that was judged.
    pub fn with_value(&mut self, value: f64) -> &mut Self {
        self.value = Some(value);
        self
    }
}
