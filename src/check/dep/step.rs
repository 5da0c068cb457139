//! From what a statement meets to GO, WAIT or NO-GO.

use super::gate::{ANY, Gate, HELD, NOT_THERE, Target, number};
use super::live::{Effect, Session, Timeout};
use super::statement::{Statement, Unread};
use crate::check::words;
use crate::report::check::Level;
use crate::report::forecast::{Go, Step};

impl Gate<'_> {
    /// What comes of one statement.
    pub fn step(&self, statement: &Statement) -> Step {
        let targets = self.targets_of(statement);
        let mut verdict = Verdict::default();
        match self.live.unread(statement) {
            Some(Unread::Unparsed(why)) => {
                verdict.is(Go::NoGo, format!("it cannot be parsed: {why}"));
            }
            Some(Unread::Opaque(why)) => verdict.is(Go::Unknown, why.clone()),
            None => {}
        }
        for target in &targets {
            self.weigh(target, &mut verdict);
        }
        if statement.waits_for_all {
            let old = |session: &&Session| {
                session.has_snapshot
                    && !session.antiwrap
                    && self.is_old(("dep.long_xact", &ANY, &session.who()), session)
            };
            for session in self.live.sessions.iter().filter(old) {
                verdict.waits(session, "it waits for all older transactions");
            }
        }
        // Behind one that stops neither reads nor writes only others of its kind wait, and a short
        // timeout would leave CONCURRENTLY half done.
        let is_heavy = |target: &Target<'_>| target.mode.stops().is_some();
        let timeout = self.lock_timeout(statement);
        if targets.iter().any(is_heavy) && timeout == Timeout::Unknown {
            verdict.is(Go::Unknown, self.live.untold("lock_timeout"));
        }
        if targets.iter().any(is_heavy) && timeout == Timeout::None {
            let none = if Self::is_off(statement) {
                format!("{} turns lock_timeout off", statement.file)
            } else {
                format!("{} has no lock_timeout", self.live.role)
            };
            let why = format!("{none}: while it waits, all others wait behind it");
            verdict.is(Go::NoGo, why);
        }
        for target in targets.iter().filter(|target| target.is_beside) {
            verdict.reasons.push(format!("{} is locked too", target.table.id));
        }
        for name in self.missing(statement) {
            verdict.is(Go::Unknown, format!("{name} {NOT_THERE}"));
        }
        let missing: Vec<String> = statement
            .touches
            .iter()
            .filter(|touch| self.live.find(statement, touch).is_none())
            .filter(|touch| !self.is_new(&touch.name))
            .map(|touch| touch.name.to_string())
            .collect();
        if !missing.is_empty() && verdict.reasons.is_empty() {
            verdict.reasons.push(format!("{} is not there yet", missing.join(", ")));
        }
        let named = targets.iter().filter(|target| !target.is_beside);
        let largest = named.max_by_key(|target| (target.mode, target.bytes));
        let has =
            |is: fn(&Effect) -> bool| targets.iter().any(|target| target.effects.iter().any(is));
        Step {
            file: statement.file.clone(),
            line: statement.line,
            statement: statement.text.clone(),
            kind: statement.kind.clone(),
            lock: statement.strongest().map(|mode| mode.word().to_owned()),
            rewrite: has(|effect| matches!(effect, Effect::Rewrites(_))),
            scan: has(|effect| matches!(effect, Effect::Scans(_))),
            transaction: !statement.alone,
            table: largest.map(|target| target.table.id.to_string()),
            bytes: largest.map(|target| target.bytes),
            verdict: verdict.go,
            reason: verdict.reasons.join("; "),
            pids: verdict.pids,
        }
    }

    fn weigh<'b>(&'b self, target: &Target<'b>, verdict: &mut Verdict) {
        let (table, bytes) = (target.table.id.to_string(), target.bytes);
        let held = target.held.map(|held| format!(" ({held})")).unwrap_or_default();
        for effect in &target.effects {
            match (effect, self.size_level(target, effect)) {
                (Effect::Rewrites(why), Some(Level::Critical)) => {
                    verdict.is(
                        Go::NoGo,
                        format!("{table} is written anew ({}): {why}", words::bytes(number(bytes))),
                    );
                }
                (Effect::Scans(why), Some(Level::Critical)) => {
                    verdict.is(
                        Go::NoGo,
                        format!(
                            "{table} is read whole ({}): {why}{held}",
                            words::bytes(number(bytes))
                        ),
                    );
                }
                (Effect::Builds, Some(Level::Critical)) => {
                    let what = format!(
                        "an index of {table} ({}) is built while writes wait{held}",
                        words::bytes(number(bytes))
                    );
                    verdict.is(Go::NoGo, what);
                }
                (Effect::Rewrites(why), _) => {
                    verdict.reasons.push(format!("{table} is written anew: {why}"));
                }
                (Effect::Scans(_), _) if target.held.is_some() => {
                    verdict.reasons.push(format!("{table} is read whole{held}"));
                }
                _ => {}
            }
        }
        for (session, mode) in self.holders(target) {
            let is_in_the_way = session.is_dump()
                || session.antiwrap
                || self.is_old(("dep.locks_on_target", &HELD, &table), session);
            if is_in_the_way {
                verdict.waits(session, &format!("{} on {table} is held", mode.word()));
            }
        }
    }
}

/// The worst so far.
struct Verdict {
    go: Go,
    reasons: Vec<String>,
    pids: Vec<i32>,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { go: Go::Go, reasons: Vec::new(), pids: Vec::new() }
    }
}

impl Verdict {
    fn is(&mut self, go: Go, why: String) {
        self.go = self.go.max(go);
        if !self.reasons.contains(&why) {
            self.reasons.push(why);
        }
    }

    fn waits(&mut self, session: &Session, why: &str) {
        let age = session.transaction_age.map(|age| format!(", {} old", words::time(age)));
        let age = age.unwrap_or_default();
        self.is(Go::Wait, format!("{why} by {}{age}", session.named()));
        if let Some(pid) = session.pid.filter(|pid| !self.pids.contains(pid)) {
            self.pids.push(pid);
        }
    }
}
