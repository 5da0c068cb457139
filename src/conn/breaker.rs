//! Not knocking at a dead server's door: for runs that connect again and again (`--watch`, and
//! several targets in one run).
//!
//! One run that connects once has no use for it: there, [`super::connect`]'s few tries are all.

use std::fmt;
use std::time::{Duration, Instant};

/// Failures in a row until it opens.
const THRESHOLD: u32 = 3;
/// How long nobody knocks, then.
const RECOVERY: Duration = Duration::from_secs(120);

/// Whether a target is worth a try. The caller asks [`may_try`](Self::may_try) before each and
/// tells the outcome after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    opened: Option<Instant>,
    /// The one try of a half-open breaker is under way.
    trying: bool,
}

/// What a breaker lets through at one moment; `Display` says it to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything, after so many failures in a row.
    Closed { failures: u32 },
    /// Nothing, for so long.
    Open { failures: u32, left: Duration },
    /// One try.
    HalfOpen { failures: u32 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Breaker {
    /// A closed one.
    pub const fn new() -> Self {
        Self { failures: 0, opened: None, trying: false }
    }

    /// What it lets through at `now`.
    pub fn state(&self, now: Instant) -> BreakerState {
        let failures = self.failures;
        match self.opened {
            None => BreakerState::Closed { failures },
            Some(opened) => {
                let left = RECOVERY.saturating_sub(now.saturating_duration_since(opened));
                if left.is_zero() {
                    BreakerState::HalfOpen { failures }
                } else {
                    BreakerState::Open { failures, left }
                }
            }
        }
    }

    /// Whether to try now. A half-open breaker says yes once; the next yes is for its outcome.
    pub fn may_try(&mut self, now: Instant) -> bool {
        match self.state(now) {
            BreakerState::Closed { .. } => true,
            BreakerState::Open { .. } => false,
            BreakerState::HalfOpen { .. } => !std::mem::replace(&mut self.trying, true),
        }
    }

    /// A try has worked.
    pub fn succeeded(&mut self) {
        *self = Self::new();
    }

    /// A try has failed, for a reason that may pass.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.trying = false;
        if self.failures >= THRESHOLD {
            self.opened = Some(now);
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { failures: 0 } => f.write_str("answers"),
            Self::Closed { failures } => write!(f, "failed {failures} times in a row"),
            Self::Open { failures, left } => write!(
                f,
                "not tried for another {} s, after {failures} failures in a row",
                left.as_secs_f64().ceil()
            ),
            Self::HalfOpen { failures } => {
                write!(f, "tried again after {failures} failures in a row")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_open_it_and_one_success_closes_it() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::new();
        assert_eq!(breaker.state(start).to_string(), "answers");
        for second in 0..3 {
            assert!(breaker.may_try(at(second)), "after {second} failures");
            breaker.failed(at(second));
        }
        assert!(!breaker.may_try(at(3)));
        assert_eq!(
            breaker.state(at(3)).to_string(),
            "not tried for another 119 s, after 3 failures in a row"
        );
        assert!(!breaker.may_try(at(121)));
        // Two minutes after the last failure one try goes through, and one only.
        assert_eq!(breaker.state(at(122)).to_string(), "tried again after 3 failures in a row");
        assert!(breaker.may_try(at(122)) && !breaker.may_try(at(122)));
        breaker.failed(at(123));
        assert_eq!(
            breaker.state(at(124)),
            BreakerState::Open { failures: 4, left: Duration::from_secs(119) }
        );
        assert!(breaker.may_try(at(243)));
        breaker.succeeded();
        assert_eq!(breaker.state(at(243)), BreakerState::Closed { failures: 0 });
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let now = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..2 {
            breaker.failed(now);
            breaker.failed(now);
            assert!(breaker.may_try(now), "two are not three");
            assert_eq!(breaker.state(now).to_string(), "failed 2 times in a row");
            breaker.succeeded();
        }
    }
}
