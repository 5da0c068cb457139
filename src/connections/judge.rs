//! Limits of the operator's.

use std::time::Duration;

use crate::report::connections::{Headroom, Judged, Session, Verdict};

/// How many connections may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// Of the usable ones.
    Percent(u32),
    /// So many have to be left.
    Left(u32),
}

impl Slots {
    /// Reads `90%`, `90` or `-10`.
    ///
    /// # Errors
    /// What it has to be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().ok();
        let text = text.trim();
        let read = match text.strip_prefix('-') {
            Some(left) => number(left).map(Self::Left),
            None => number(text.strip_suffix('%').unwrap_or(text))
                .filter(|percent| (1..=100).contains(percent))
                .map(Self::Percent),
        };
        read.ok_or_else(|| {
            "it is a percentage of the usable connections (90%), or with a minus how many have \
             to be left (-10)"
                .to_owned()
        })
    }

    /// In connections: so many used are too many.
    fn connections(self, usable: i64) -> f64 {
        match self {
            Self::Percent(percent) => usable as f64 * f64::from(percent) / 100.0,
            Self::Left(left) => usable as f64 - f64::from(left),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Percent(percent) => format!("{percent}%"),
            Self::Left(left) => format!("{left} left"),
        }
    }
}

/// What is to be judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub warn_used: Option<Slots>,
    pub fail_used: Option<Slots>,
    pub fail_idle_in_transaction: Option<Duration>,
    pub fail_blocked: Option<Duration>,
}

/// Judges; `sessions` are those of clients that were asked for.
pub fn judge(limits: &Limits, headroom: &Headroom, sessions: &[&Session]) -> Vec<Judged> {
    let mut judged = Vec::new();
    judged.extend(used(limits, headroom));
    let mut time = |id, limit: Option<Duration>, what: &str, of: fn(&Session) -> Option<f64>| {
        let Some(limit) = limit else { return };
        let longest = sessions
            .iter()
            .filter_map(|session| of(session).map(|seconds| (seconds, session.pid)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let limit = limit.as_secs_f64();
        let over = longest.is_some_and(|(seconds, _)| seconds >= limit);
        let text = match longest {
            Some((seconds, pid)) => {
                format!("session {pid} {what} for {seconds:.1} s: the limit is {limit} s")
            }
            None => format!("no session {what}"),
        };
        let verdict = if over { Verdict::Critical } else { Verdict::Good };
        judged.push(Judged { id, verdict, text, warning: None, critical: Some(limit) });
    };
    let limit = limits.fail_idle_in_transaction;
    time("idle-in-transaction", limit, "is idle in a transaction", |session| {
        session.state_seconds.filter(|_| session.is_idle_in_transaction())
    });
    time("blocked", limits.fail_blocked, "waits for a lock", |session| {
        session.blocked_seconds.filter(|_| session.is_blocked())
    });
    judged
}

fn used(limits: &Limits, headroom: &Headroom) -> Option<Judged> {
    let at = |limit: Option<Slots>| limit.map(|limit| limit.connections(headroom.usable));
    let (warning, critical) = (at(limits.warn_used), at(limits.fail_used));
    let passed = |limit: Option<f64>| limit.is_some_and(|limit| headroom.used as f64 >= limit);
    let (verdict, limit) = match (passed(critical), passed(warning)) {
        (true, _) => (Verdict::Critical, limits.fail_used),
        (_, true) => (Verdict::Warning, limits.warn_used),
        _ => (Verdict::Good, limits.warn_used.or(limits.fail_used)),
    };
    let limit = limit?.words();
    let percent = headroom.used_percent.map(|used| format!(" ({used:.0}%)")).unwrap_or_default();
    let (used, usable) = (headroom.used, headroom.usable);
    let text = format!("{used} of {usable} connections are used{percent}: the limit is {limit}");
    Some(Judged { id: "used", verdict, text, warning, critical })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_percent_or_left() {
        assert_eq!(Slots::parse("90%"), Ok(Slots::Percent(90)));
        assert_eq!(Slots::parse(" 90 "), Ok(Slots::Percent(90)));
        assert_eq!(Slots::parse("-10"), Ok(Slots::Left(10)));
        for text in ["", "0%", "101%", "-", "-10%", "x", "9.5%"] {
            assert!(Slots::parse(text).is_err(), "{text}");
        }
    }

    fn verdict(used: i64, warn: &str, fail: &str) -> Verdict {
        let headroom = Headroom { used, usable: 50, ..Headroom::default() };
        let slots = |text: &str| Slots::parse(text).ok();
        let limits = Limits { warn_used: slots(warn), fail_used: slots(fail), ..Limits::default() };
        judge(&limits, &headroom, &[])[0].verdict
    }

    #[test]
    fn a_limit_that_is_reached_is_passed() {
        assert_eq!(verdict(39, "80%", "90%"), Verdict::Good);
        assert_eq!(verdict(40, "80%", "90%"), Verdict::Warning);
        assert_eq!(verdict(45, "80%", "90%"), Verdict::Critical);
        assert_eq!(verdict(44, "", "-5"), Verdict::Good);
        assert_eq!(verdict(45, "", "-5"), Verdict::Critical);
        assert!(judge(&Limits::default(), &Headroom::default(), &[]).is_empty());
    }

    #[test]
    fn the_longest_time_counts() {
        let idle = |pid, seconds| Session {
            pid,
            state: Some("idle in transaction".into()),
            state_seconds: Some(seconds),
            ..Session::default()
        };
        let (short, long) = (idle(1, 4.0), idle(2, 6.0));
        let active = Session { state: Some("active".into()), ..idle(3, 60.0) };
        let limits = Limits {
            fail_idle_in_transaction: Some(Duration::from_secs(5)),
            fail_blocked: Some(Duration::from_secs(5)),
            ..Limits::default()
        };
        let judged = judge(&limits, &Headroom::default(), &[&short, &long, &active]);
        assert_eq!((judged[0].verdict, judged[1].verdict), (Verdict::Critical, Verdict::Good));
        assert!(judged[0].text.starts_with("session 2 "), "{}", judged[0].text);
        let judged = judge(&limits, &Headroom::default(), &[&short, &active]);
        assert_eq!(judged[0].verdict, Verdict::Good);
    }
}
