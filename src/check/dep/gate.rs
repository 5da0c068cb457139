//! Statements and the server together: what each meets there.

use std::cell::OnceCell;

use super::live::{Effect, Id, Live, Session, Table, Timeout};
use super::lock::Mode;
use super::not_null::NullChecks;
use super::plan::Plan;
use super::renames::Names;
use super::statement::{Name, Statement, Touch, Work};
use crate::check::conf::written_seconds;
use crate::check::limits::{LimitSpec, Limits};
use crate::check::look::Look;
use crate::check::verdict::Silence;
use crate::report::check::{Level, Unit};

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

/// The pending migrations and the server, read once for all checks of the same facts.
#[derive(Debug, Default)]
pub struct Shared(OnceCell<Result<(Option<Plan>, Live), Silence>>);

impl Shared {
    fn read(look: &Look<'_>) -> Result<(Option<Plan>, Live), Silence> {
        let mut plan = Plan::of(look.facts)?;
        let live = Live::of(look, plan.as_ref())?;
        if let Some(plan) = &mut plan {
            name(&live, &mut plan.statements);
        }
        Ok((plan, live))
    }
}

/// Gives each statement the names that those before it leave.
fn name(live: &Live, statements: &mut [Statement]) {
    let mut names = Names::default();
    // As they were before the transaction's first statement: ROLLBACK takes them back.
    let mut begun = (None, Names::default());
    for statement in statements {
        let transaction = statement.transaction.map(|number| (statement.file.clone(), number));
        if transaction.is_none() || transaction != begun.0 {
            begun = (transaction, names.clone());
        }
        statement.names.clone_from(&names);
        live.follow(statement, &mut names);
        if statement.rolls_all_back() {
            names.clone_from(&begun.1);
        }
    }
}

/// The pending migrations and the server.
#[derive(Debug)]
pub struct Gate<'a> {
    pub plan: Option<&'a Plan>,
    pub live: &'a Live,
    limits: &'a Limits,
}

/// A lock that makes others wait, and that an earlier statement of the same transaction has left.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    pub mode: Mode,
    pub table: &'a Id,
    pub line: usize,
}

impl std::fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mode, table, line } = self;
        let mode = mode.word();
        write!(
            f,
            "line {line} of the same transaction holds {mode} on {table} meanwhile; a file of its \
             own would not"
        )
    }
}

/// A statement's grip on a table that is there.
#[derive(Debug)]
pub struct Target<'a> {
    pub statement: &'a Statement,
    pub table: &'a Table,
    pub mode: Mode,
    pub effects: Vec<Effect>,
    /// With its partitions, unless ONLY leaves them out.
    pub bytes: u64,
    /// The same of its indexes.
    pub index_bytes: u64,
    /// The strongest lock that its transaction has already; none where nothing lasts.
    pub held: Option<Held<'a>>,
    /// Its partitions are not locked with it.
    pub is_alone: bool,
    /// It is not named by the statement, but locked too: the other end of a foreign key, the
    /// parent of a partition, its default partition.
    pub is_beside: bool,
}

impl<'a> Gate<'a> {
    /// Reads the facts.
    ///
    /// # Errors
    /// Unknown where a question could not be answered.
    pub fn of(look: &Look<'a>) -> Result<Self, Silence> {
        let read = look.deploy.0.get_or_init(|| Shared::read(look));
        let (plan, live) = read.as_ref().map_err(Clone::clone)?;
        Ok(Self { plan: plan.as_ref(), live, limits: look.limits })
    }

    /// The tables that pending statements touch and that are there.
    pub fn targets(&self) -> Vec<Target<'_>> {
        let statements = self.plan.iter().flat_map(|plan| &plan.statements);
        statements.flat_map(|statement| self.targets_of(statement)).collect()
    }

    /// The tables that a statement touches and that are there.
    pub fn targets_of<'b>(&'b self, statement: &'b Statement) -> Vec<Target<'b>> {
        let target = |table: &'b Table, mode: Mode, effects: Vec<Effect>, only: bool| {
            let read = self.live.locked(table, only);
            let held = if effects.is_empty() { None } else { self.held(statement, table) };
            Target {
                statement,
                table,
                mode,
                effects,
                bytes: read.iter().map(|one| one.bytes).sum(),
                index_bytes: read.iter().map(|one| one.index_bytes).sum(),
                held,
                is_alone: false,
                is_beside: false,
            }
        };
        let named = statement.touches.iter().filter_map(|touch| {
            let table = self.live.find(statement, touch)?;
            let effects = self.effects(statement, touch, table);
            let target = target(table, touch.mode, effects, touch.only);
            Some(Target { is_alone: touch.is_alone(), ..target })
        });
        let beside = self.live.beside(statement).into_iter().filter_map(|(id, beside)| {
            let table = self.live.table(id)?;
            let target = target(table, beside.mode, beside.effect.into_iter().collect(), false);
            Some(Target { is_alone: beside.is_alone, is_beside: true, ..target })
        });
        named.chain(beside).collect()
    }

    /// The strongest lock that makes others wait and that a statement's transaction has when it
    /// comes; of several that of the statement's own table.
    fn held<'b>(&'b self, statement: &'b Statement, table: &Table) -> Option<Held<'b>> {
        let before = self.before(statement).filter(|one| one.is_with(statement));
        let locks = before.flat_map(|one| {
            let held = |(table, mode)| Held { mode, table, line: one.line };
            self.locks(one).into_iter().map(held)
        });
        locks
            .filter(|held| held.mode.stops().is_some())
            .max_by_key(|held| (held.mode, *held.table == table.id))
    }

    /// The tables that a statement locks.
    fn locks<'b>(&'b self, statement: &'b Statement) -> Vec<(&'b Id, Mode)> {
        let named = statement.touches.iter().flat_map(|touch| {
            let table = self.live.find(statement, touch);
            let locked = table.map(|table| self.live.locked(table, touch.is_alone()));
            locked.into_iter().flatten().map(|table| (&table.id, touch.mode))
        });
        let beside = self.live.beside(statement).into_iter().map(|(id, beside)| (id, beside.mode));
        named.chain(beside).collect()
    }

    fn effects(&self, statement: &Statement, touch: &Touch, table: &Table) -> Vec<Effect> {
        let has_no_nulls = |column: &str| {
            let mut checks = NullChecks::new(&table.not_null_checks);
            for before in self.before(statement) {
                if before.rolls_back() {
                    checks.undo();
                }
                self.works(before, table).for_each(|work| checks.after(work));
            }
            touch.works.iter().for_each(|work| checks.lose(work));
            checks.rule_out(column)
        };
        touch.works.iter().filter_map(|work| table.effect(work, has_no_nulls)).collect()
    }

    /// What a statement does to this table by name.
    fn works<'b>(
        &'b self,
        statement: &'b Statement,
        table: &'b Table,
    ) -> impl Iterator<Item = &'b Work> {
        let touches = statement.touches.iter().filter(|touch| !touch.works.is_empty());
        let is_it = |touch: &&Touch| {
            self.live.find(statement, touch).is_some_and(|found| found.id == table.id)
        };
        touches.filter(is_it).flat_map(|touch| &touch.works)
    }

    /// The pending statements that come before one.
    fn before<'b>(&'b self, statement: &'b Statement) -> impl Iterator<Item = &'b Statement> {
        let all = self.plan.iter().flat_map(|plan| &plan.statements);
        all.take_while(move |one| !std::ptr::eq(*one, statement))
    }

    /// Whether a table is made by the migrations themselves.
    pub fn is_new(&self, name: &Name) -> bool {
        let statements = self.plan.iter().flat_map(|plan| &plan.statements);
        statements.flat_map(|statement| &statement.makes).any(|made| made.name == name.name)
    }

    /// The tables that a statement changes and that are neither there nor made before it. Reads
    /// stop nobody, and may be of names that the statement itself gives.
    pub fn missing<'b>(&self, statement: &'b Statement) -> Vec<&'b Name> {
        if self.live.is_cut || statement.is_if_exists() {
            return Vec::new();
        }
        let is_own = |name: &Name| statement.kind.starts_with("CREATE") && statement.makes(name);
        let is_system = |name: &Name| match name.schema.as_deref() {
            Some(schema) => schema.starts_with("pg_") || schema == "information_schema",
            None => name.name.starts_with("pg_"),
        };
        let touches = statement.touches.iter();
        touches
            .filter(|touch| !touch.is_index && touch.mode > Mode::AccessShare)
            .filter(|touch| self.live.find(statement, touch).is_none())
            .map(|touch| &touch.name)
            .filter(|name| !is_system(name) && !is_own(name))
            .filter(|name| !self.before(statement).any(|one| one.makes(name)))
            .collect()
    }

    /// The tables that are locked with a target, itself among them.
    pub fn locked<'b>(&'b self, target: &Target<'b>) -> Vec<&'b Table> {
        self.live.locked(target.table, target.is_alone)
    }

    /// Who is in the way of a target, by this lock.
    pub fn holders<'b>(&'b self, target: &Target<'b>) -> Vec<(&'b Session, Mode)> {
        let ids: Vec<_> = self.locked(target).iter().map(|table| &table.id).collect();
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

    /// The lock timeout that holds for a statement.
    pub fn lock_timeout(&self, statement: &Statement) -> Timeout {
        let own = statement.lock_timeout.as_deref().and_then(written_seconds);
        own.map_or(self.live.lock_timeout, |seconds| Timeout::of(Some(seconds)))
    }

    /// Whether its file has turned the lock timeout off.
    pub fn is_off(statement: &Statement) -> bool {
        let own = statement.lock_timeout.as_deref().and_then(written_seconds);
        own.is_some_and(|time| time <= 0.0)
    }

    /// What the size of a table weighs for what is done to it.
    pub fn size_level(&self, target: &Target<'_>, effect: &Effect) -> Option<Level> {
        let spec = match effect {
            Effect::Rewrites(_) => &REWRITTEN,
            // An UPDATE or DELETE of every row: whoever writes one of them waits.
            Effect::Scans(_) if target.mode == Mode::RowExclusive => &SCANNED,
            // Whoever reads and writes goes on meanwhile, unless a statement before keeps them out.
            Effect::Scans(_) | Effect::Builds
                if target.mode.stops().is_none() && target.held.is_none() =>
            {
                return None;
            }
            Effect::Scans(_) | Effect::Builds => &SCANNED,
        };
        let limit = self.limits.of("dep.rewrite", spec, &target.table.id.to_string());
        limit.level(number(target.bytes), None)
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a limit")]
pub const fn number(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
