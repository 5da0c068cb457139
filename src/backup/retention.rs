//! Which backups of one database may go: a pure function of the rules, the history and the time.
//!
//! The rules are restic's (`forget --keep-*`): each one alone says what stays, and what no rule
//! keeps goes. Where a rule finds less than it asks for it keeps the oldest backup too, so that
//! one can grow old enough to be a monthly one. Hours, days, ISO weeks, months and years are
//! those of UTC, and a backup's time is its snapshot's.
//!
//! On top stand guards that no rule can lower: see [`decide`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::settings::{Retention, quantity};

/// Backups that stay whatever the rules say, unless the operator gives another number.
pub const MIN_KEEP: u32 = 3;
/// Verified backups that stay, unless the operator gives another number.
pub const PROVEN: u32 = 1;
/// Clocks of servers and of this machine differ by so much without anybody noticing.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// The rules in force. A rule that is 0 was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The newest ones.
    pub last: u32,
    /// The newest one of each of so many hours.
    pub hourly: u32,
    /// Of each of so many days.
    pub daily: u32,
    /// Of each of so many ISO weeks.
    pub weekly: u32,
    /// Of each of so many months.
    pub monthly: u32,
    /// Of each of so many years.
    pub yearly: u32,
    /// All that are at most this much older than the newest.
    pub within: Duration,
    /// Guard: the newest verified ones; at least 1.
    pub proven: u32,
    /// Guard: the newest ones; at least 1.
    pub min_keep: u32,
}

impl Policy {
    /// With the guards' standard numbers; `None` when no rule was given: then nothing may go.
    pub fn new(given: &Retention) -> Option<Self> {
        let number = |rule: Option<u32>| rule.unwrap_or(0);
        given.has_a_rule().then(|| Self {
            last: number(given.last),
            hourly: number(given.hourly),
            daily: number(given.daily),
            weekly: number(given.weekly),
            monthly: number(given.monthly),
            yearly: number(given.yearly),
            within: given.within.unwrap_or_default(),
            proven: given.proven.unwrap_or(PROVEN).max(1),
            min_keep: given.min_keep.unwrap_or(MIN_KEEP).max(1),
        })
    }

    /// One that keeps everything.
    pub const fn without_rules() -> Self {
        Self {
            last: 0,
            hourly: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
            within: Duration::ZERO,
            proven: PROVEN,
            min_keep: MIN_KEEP,
        }
    }

    fn has_a_rule(&self) -> bool {
        let counts = [self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly];
        counts.iter().any(|count| *count > 0) || !self.within.is_zero()
    }

    fn periods(&self) -> [(Period, u32); 5] {
        [
            (Period::Hour, self.hourly),
            (Period::Day, self.daily),
            (Period::Week, self.weekly),
            (Period::Month, self.monthly),
            (Period::Year, self.yearly),
        ]
    }
}

/// What is known of one backup of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// What it is.
    pub state: State,
    /// What its verifications say.
    pub proof: Proof,
    /// What is being done with it, where that is known.
    pub in_use: Option<String>,
}

/// What a folder with a backup's id holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A complete backup.
    Complete {
        /// When its snapshot was taken.
        taken: Timestamp,
    },
    /// No manifest.
    Incomplete,
    /// A manifest that says nothing to us, or that could not be read: why.
    Unusable(String),
}

/// What stands of a backup's verifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing was proved.
    None,
    /// All of its bytes, or more, were proved, and no later verification failed.
    Stands,
    /// Damage was found, and nothing was proved since.
    Failed,
}

/// What happens to one backup, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// False: it may go.
    pub keep: bool,
    /// At least one, the most important first.
    pub reasons: Vec<Reason>,
}

/// A stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// From minute 0.
    Hour,
    /// From midnight.
    Day,
    /// From Monday (ISO 8601).
    Week,
    /// From the first.
    Month,
    /// From 1 January.
    Year,
}

impl Period {
    /// The one that a time is in, as it is written.
    fn of(self, time: Timestamp) -> String {
        let form = match self {
            Self::Hour => "%Y-%m-%d %H",
            Self::Day => "%Y-%m-%d",
            Self::Week => "%G-W%V",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
        };
        time.strftime(form).to_string()
    }

    const fn rule(self) -> &'static str {
        match self {
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Year => "yearly",
        }
    }
}

/// Why a backup stays or goes; the order is that of importance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It has no manifest: no rule is about it.
    Incomplete,
    /// Its manifest cannot be used.
    Unusable(String),
    /// Its snapshot is younger than the present.
    Future,
    /// Something is being done with it.
    InUse(String),
    /// No rules were given.
    NoRules,
    /// The newest that is complete.
    Newest,
    /// Of the newest verified ones.
    Proven,
    /// Of the newest ones that stay whatever the rules say.
    MinKeep,
    /// Of the last ones.
    Last,
    /// The newest of its hour, day ..
    Newer(Period, String),
    /// The oldest, where such a rule has found too few.
    Oldest(Period),
    /// Not much older than the newest.
    Within(Duration),
    /// No rule keeps it.
    NoRuleKeeps,
    /// The same, and its newest verification has failed.
    NoRuleKeepsFailed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("incomplete: not judged by rules"),
            Self::Unusable(why) => write!(f, "not judged: {why}"),
            Self::Future => {
                f.write_str("its snapshot lies in the future: a clock is wrong, not judged")
            }
            Self::InUse(what) => write!(f, "in use: {what}"),
            Self::NoRules => f.write_str("no rules"),
            Self::Newest => f.write_str("newest"),
            Self::Proven => f.write_str("newest verified"),
            Self::MinKeep => f.write_str("min-keep"),
            Self::Last => f.write_str("last"),
            Self::Newer(period, name) => write!(f, "{} {name}", period.rule()),
            Self::Oldest(period) => write!(f, "oldest ({})", period.rule()),
            Self::Within(time) => write!(f, "within {}", quantity::written_duration(*time)),
            Self::NoRuleKeeps => f.write_str("no rule keeps it"),
            Self::NoRuleKeepsFailed => f.write_str("no rule keeps it, and its verification failed"),
        }
    }
}

/// Says of each backup of one database whether it stays; in the order of `members`.
///
/// Whatever the rules say, these stay:
/// - what is not complete, or whose manifest cannot be used: nothing is known of it;
/// - what is in use, and what comes from the future; those from the future count nowhere;
/// - the newest complete one, and the newest `min_keep`;
/// - the newest `proven` verified ones.
///
/// A backup whose verification failed takes nobody's place: the rules are asked as if it were
/// not there, and again with it to say whether it stays itself.
pub fn decide(policy: &Policy, now: Timestamp, members: &[Member]) -> Vec<Decision> {
    let mut reasons: BTreeMap<usize, Vec<Reason>> = BTreeMap::new();
    let mut judged: Vec<(Timestamp, usize)> = Vec::new();
    let latest = now.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    for (at, member) in members.iter().enumerate() {
        let own = reasons.entry(at).or_default();
        match &member.state {
            State::Incomplete => own.push(Reason::Incomplete),
            State::Unusable(why) => own.push(Reason::Unusable(why.clone())),
            State::Complete { taken } if *taken > latest => own.push(Reason::Future),
            State::Complete { taken } => judged.push((*taken, at)),
        }
        own.extend(member.in_use.clone().map(Reason::InUse));
    }
    // The newest first; equal times in the order of ids.
    judged.sort_by(|(a, at), (b, other)| (b, &members[*other].id).cmp(&(a, &members[*at].id)));
    let sound = judged.iter().copied().filter(|(_, at)| members[*at].proof != Proof::Failed);
    let sound: Vec<_> = sound.collect();
    for (at, reason) in kept(policy, &sound) {
        reasons.entry(at).or_default().push(reason);
    }
    let failed = |at: usize| members[at].proof == Proof::Failed;
    for (at, reason) in kept(policy, &judged).into_iter().filter(|(at, _)| failed(*at)) {
        reasons.entry(at).or_default().push(reason);
    }
    let proven = sound.iter().filter(|(_, at)| members[*at].proof == Proof::Stands);
    for (_, at) in proven.zip(0..policy.proven).map(|(proven, _)| proven) {
        reasons.entry(*at).or_default().push(Reason::Proven);
    }
    let decision = |(at, mut reasons): (usize, Vec<Reason>)| {
        reasons.sort();
        let keep = !reasons.is_empty();
        if !keep {
            let why = if failed(at) { Reason::NoRuleKeepsFailed } else { Reason::NoRuleKeeps };
            reasons.push(why);
        }
        Decision { keep, reasons }
    };
    reasons.into_iter().map(decision).collect()
}

/// What the rules keep of these, the newest first: with the reason, maybe several times.
fn kept(policy: &Policy, judged: &[(Timestamp, usize)]) -> Vec<(usize, Reason)> {
    let Some((newest, at)) = judged.first() else { return Vec::new() };
    if !policy.has_a_rule() {
        return judged.iter().map(|(_, at)| (*at, Reason::NoRules)).collect();
    }
    let mut kept = vec![(*at, Reason::Newest)];
    let first = |count: u32, reason: Reason| {
        judged.iter().zip(0..count).map(move |((_, at), _)| (*at, reason.clone()))
    };
    kept.extend(first(policy.min_keep, Reason::MinKeep));
    kept.extend(first(policy.last, Reason::Last));
    for (period, count) in policy.periods() {
        kept.extend(one_each(period, count, judged));
    }
    let within = judged.iter().filter(|(taken, _)| {
        let older = Duration::try_from(newest.duration_since(*taken));
        !policy.within.is_zero() && older.is_ok_and(|older| older <= policy.within)
    });
    kept.extend(within.map(|(_, at)| (*at, Reason::Within(policy.within))));
    kept
}

/// The newest of each of the last `count` periods that have one; the oldest of all when there are
/// fewer.
fn one_each(period: Period, count: u32, judged: &[(Timestamp, usize)]) -> Vec<(usize, Reason)> {
    let mut kept = Vec::new();
    let mut left = count;
    let mut before = None;
    for (taken, at) in judged {
        let name = period.of(*taken);
        if left > 0 && before.as_ref() != Some(&name) {
            left -= 1;
            kept.push((*at, Reason::Newer(period, name.clone())));
        }
        before = Some(name);
    }
    if let Some((_, oldest)) = judged.last().filter(|_| left > 0)
        && kept.iter().all(|(at, _)| at != oldest)
    {
        kept.push((*oldest, Reason::Oldest(period)));
    }
    kept
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
