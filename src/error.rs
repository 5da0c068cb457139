//! One failure: the thing, the cause, the next step and the exit code.
//!
//! An error is made where the fault is known. It never carries a secret: whoever makes one
//! puts in names, addresses and reasons, not connection strings.

use std::error::Error as StdError;
use std::fmt;

use crate::exit::Exit;

/// What every fallible function of pgtend returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, told as data; [`crate::render`] turns it into lines or JSON.
///
/// Boxed inside, so that a `Result` stays one word wide.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    exit: Exit,
    what: String,
    causes: Vec<String>,
    next: Vec<String>,
    reasons: Vec<&'static str>,
    phase: Option<String>,
    also: Vec<String>,
}

impl Error {
    /// `what` names the thing and what happened to it: `cannot open /var/backups/x`.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            exit,
            what: what.into(),
            causes: Vec::new(),
            next: Vec::new(),
            reasons: Vec::new(),
            phase: None,
            also: Vec::new(),
        }))
    }

    /// Wrong arguments or settings.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// A broken invariant of our own.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Exit::Bug, what)
            .next("this is a bug in pgtend: please report it with this output")
    }

    /// Adds why, the nearest cause first.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.causes.push(cause.into());
        self
    }

    /// Adds an error's own message and those of its sources.
    #[must_use]
    pub fn caused_by(mut self, cause: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            // Many crates repeat their source in their own message.
            if !self.0.causes.iter().any(|known| known.contains(&text)) {
                self.0.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a next step for the operator, in the imperative.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.0.next.push(step.into());
        self
    }

    /// Adds the name of a known reason, once; for programs that read JSON.
    #[must_use]
    pub fn reason(mut self, id: &'static str) -> Self {
        if !self.0.reasons.contains(&id) {
            self.0.reasons.push(id);
        }
        self
    }

    /// The same failure with another exit code.
    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.0.exit = exit;
        self
    }

    /// Names what the run was doing; the first (innermost) name stays.
    #[must_use]
    pub fn during(mut self, phase: impl Into<String>) -> Self {
        self.0.phase.get_or_insert_with(|| phase.into());
        self
    }

    /// Adds what else the operator has to know: what still stands, what went wrong beside it.
    #[must_use]
    pub fn also(mut self, fact: impl Into<String>) -> Self {
        self.0.also.push(fact.into());
        self
    }

    /// The exit code that this failure asks for.
    pub fn exit(&self) -> Exit {
        self.0.exit
    }

    /// The thing and what happened to it.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Why, the nearest cause first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// What the operator can do now.
    pub fn next_steps(&self) -> &[String] {
        &self.0.next
    }

    /// The known reasons by name: `refused`, `wrong-password`.
    pub fn reasons(&self) -> &[&'static str] {
        &self.0.reasons
    }

    /// What else there is to know.
    pub fn other_facts(&self) -> &[String] {
        &self.0.also
    }

    /// What the run was doing.
    pub fn phase(&self) -> Option<&str> {
        self.0.phase.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        for cause in &self.0.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} (exit {})", self.0.exit.code())
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_repeats_its_source_is_told_once() {
        let error = Error::new(Exit::Io, "cannot read x")
            .because("broken pipe: the other side is gone")
            .caused_by(&std::io::Error::other("broken pipe"));
        assert_eq!(error.to_string(), "cannot read x: broken pipe: the other side is gone");
    }

    #[test]
    fn the_innermost_phase_stays() {
        let error = Error::bug("x").during("copying").during("backup");
        assert_eq!(error.phase(), Some("copying"));
    }
}
