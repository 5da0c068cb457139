//! Statements and the server together: whether each can run now.

use std::collections::BTreeSet;

use super::live::{self, Effect, Id, Live, Session, Table};
use super::lock::Mode;
use super::plan::Plan;
use super::statement::{Name, Statement, Touch, Unread};
use crate::check::limits::{LimitSpec, Limits};
use crate::check::look::Look;
use crate::check::verdict::Silence;
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::report::forecast::{Go, Step};

/// Seconds that a transaction which holds a lock may be old: younger ones are about to end.
pub const HELD: LimitSpec =
    LimitSpec::fail_above("age of the transaction that holds the lock", Unit::Seconds, 1.0);
/// Seconds that any transaction may be old before something that waits for all of them.
pub const ANY: LimitSpec = LimitSpec::fail_above(
    "age of any transaction, for what waits for all (CONCURRENTLY)",
    Unit::Seconds,
    60.0,
)
.named("any");
/// Bytes of a table that is written anew.
pub const REWRITTEN: LimitSpec =
    LimitSpec::fail_above("size of a table that is written anew", Unit::Bytes, 1e9);
/// Bytes of a table that is read from end to end while writes wait.
pub const SCANNED: LimitSpec = LimitSpec::above(
    "size of a table that is read, or gets an index, while others wait",
    Unit::Bytes,
    1e9,
    1e10,
)
.named("scan");

/// Said of a table that nobody knows.
pub const NOT_THERE: &str = "is neither there nor made before";

/// The pending migrations and the server.
#[derive(Debug)]
pub struct Gate<'a> {
    pub plan: Option<Plan>,
    pub live: Live,
    limits: &'a Limits,
}

/// A statement's grip on a table that is there.
#[derive(Debug)]
pub struct Target<'a> {
    pub statement: &'a Statement,
    pub table: &'a Table,
    pub mode: Mode,
    pub effects: Vec<Effect>,
    /// With its partitions.
    pub bytes: u64,
    /// It is not named by the statement, but locked too: the other end of a foreign key, the
    /// parent of a partition.
    pub is_beside: bool,
}

impl<'a> Gate<'a> {
    /// Reads the facts.
    ///
    /// # Errors
    /// Unknown where a question could not be answered.
    pub fn of(look: &Look<'a>) -> Result<Self, Silence> {
        let plan = Plan::of(look.facts)?;
        let live = Live::of(look, plan.as_ref())?;
        Ok(Self { plan, live, limits: look.limits })
    }

    /// The tables that pending statements touch and that are there.
    pub fn targets(&self) -> Vec<Target<'_>> {
        let statements = self.plan.iter().flat_map(|plan| &plan.statements);
        statements.flat_map(|statement| self.targets_of(statement)).collect()
    }

    /// The tables that a statement touches and that are there.
    pub fn targets_of<'b>(&'b self, statement: &'b Statement) -> Vec<Target<'b>> {
        let bytes =
            |table: &'b Table| -> u64 { self.live.family(table).iter().map(|one| one.bytes).sum() };
        let target = |touch: &'b Touch| {
            let table = self.live.find(&touch.name, touch.is_index)?;
            Some(Target {
                statement,
                table,
                mode: touch.mode,
                effects: touch.works.iter().filter_map(|work| table.effect(work)).collect(),
                bytes: bytes(table),
                is_beside: false,
            })
        };
        let mut targets: Vec<Target<'b>> = statement.touches.iter().filter_map(target).collect();
        for id in self.others(statement) {
            let Some(table) = self.live.table(id) else { continue };
            targets.push(Target {
                statement,
                table,
                mode: Mode::AccessExclusive,
                effects: Vec::new(),
                bytes: bytes(table),
                is_beside: true,
            });
        }
        targets
    }

    /// The tables that a statement does not name and locks all the same.
    pub fn others<'b>(&'b self, statement: &Statement) -> BTreeSet<&'b Id> {
        let mut named = BTreeSet::new();
        let mut others = BTreeSet::new();
        for touch in &statement.touches {
            let Some(table) = self.live.find(&touch.name, touch.is_index) else { continue };
            if touch.mode == Mode::AccessExclusive {
                named.insert(&table.id);
            }
            for one in self.live.family(table) {
                others.extend(touch.works.iter().flat_map(|work| one.others(work)));
            }
        }
        others.difference(&named).copied().collect()
    }

    /// Whether a table is made by the migrations themselves.
    fn is_new(&self, name: &Name) -> bool {
        let statements = self.plan.iter().flat_map(|plan| &plan.statements);
        statements.flat_map(|statement| &statement.makes).any(|made| made.name == name.name)
    }

    /// The tables that a statement changes and that are neither there nor made before it. Reads
    /// stop nobody, and may be of names that the statement itself gives.
    pub fn missing<'b>(&self, statement: &'b Statement) -> Vec<&'b Name> {
        if self.live.is_cut || statement.is_if_exists() {
            return Vec::new();
        }
        let all = self.plan.iter().flat_map(|plan| &plan.statements);
        let before: Vec<&Statement> =
            all.take_while(|one| !std::ptr::eq(*one, statement)).collect();
        let is_own = |name: &Name| statement.kind.starts_with("CREATE") && statement.makes(name);
        let is_system = |name: &Name| match name.schema.as_deref() {
            Some(schema) => schema.starts_with("pg_") || schema == "information_schema",
            None => name.name.starts_with("pg_"),
        };
        let touches = statement.touches.iter();
        touches
            .filter(|touch| !touch.is_index && touch.mode > Mode::AccessShare)
            .filter(|touch| self.live.find(&touch.name, false).is_none())
            .map(|touch| &touch.name)
            .filter(|name| !is_system(name) && !is_own(name))
            .filter(|name| !before.iter().any(|one| one.makes(name)))
            .collect()
    }

    /// Who is in the way of a target, by this lock.
    pub fn holders<'b>(&'b self, target: &Target<'_>) -> Vec<(&'b Session, Mode)> {
        let family = self.live.family(target.table);
        let ids: Vec<_> = family.iter().map(|table| &table.id).collect();
        let sessions = self.live.sessions.iter().filter(|session| !session.gives_way());
        sessions
            .filter_map(|session| {
                let (mode, _) = session.holds_up(&ids, target.mode)?;
                Some((session, mode))
            })
            .collect()
    }

    /// Whether a session's transaction is too old to be waited for without saying so. One whose
    /// age is hidden is.
    pub fn is_old(&self, place: (&str, &LimitSpec, &str), session: &Session) -> bool {
        let (id, spec, object) = place;
        let Some(age) = session.transaction_age else { return true };
        self.limits.of(id, spec, object).level(age, None) == Some(Level::Critical)
    }

    /// Seconds of lock timeout that hold for a statement.
    pub fn lock_timeout(&self, statement: &Statement) -> Option<f64> {
        let own = statement.lock_timeout.as_deref().and_then(live::seconds);
        own.or(self.live.lock_timeout).filter(|time| *time > 0.0)
    }

    /// Whether its file has turned the lock timeout off.
    pub fn is_off(statement: &Statement) -> bool {
        let own = statement.lock_timeout.as_deref().and_then(live::seconds);
        own.is_some_and(|time| time <= 0.0)
    }

    /// What comes of one statement.
    pub fn step(&self, statement: &Statement) -> Step {
        let targets = self.targets_of(statement);
        let mut verdict = Verdict::default();
        match &statement.unread {
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
        if targets.iter().any(is_heavy) && self.lock_timeout(statement).is_none() {
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
            .filter(|touch| self.live.find(&touch.name, touch.is_index).is_none())
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

    fn weigh(&self, target: &Target<'_>, verdict: &mut Verdict) {
        let (table, bytes) = (target.table.id.to_string(), target.bytes);
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
                        format!("{table} is read whole ({}): {why}", words::bytes(number(bytes))),
                    );
                }
                (Effect::Builds, Some(Level::Critical)) => {
                    let what = format!(
                        "an index of {table} ({}) is built while writes wait",
                        words::bytes(number(bytes))
                    );
                    verdict.is(Go::NoGo, what);
                }
                (Effect::Rewrites(why), _) => {
                    verdict.reasons.push(format!("{table} is written anew: {why}"));
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

    /// What the size of a table weighs for what is done to it.
    pub fn size_level(&self, target: &Target<'_>, effect: &Effect) -> Option<Level> {
        let spec = match effect {
            Effect::Rewrites(_) => &REWRITTEN,
            // An UPDATE or DELETE of every row: whoever writes one of them waits.
            Effect::Scans(_) if target.mode == Mode::RowExclusive => &SCANNED,
            // Whoever reads and writes goes on meanwhile.
            Effect::Scans(_) | Effect::Builds if target.mode.stops().is_none() => return None,
            Effect::Scans(_) | Effect::Builds => &SCANNED,
        };
        let limit = self.limits.of("dep.rewrite", spec, &target.table.id.to_string());
        limit.level(number(target.bytes), None)
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

#[expect(clippy::cast_precision_loss, reason = "compared with a limit")]
pub const fn number(bytes: u64) -> f64 {
    bytes as f64
}
