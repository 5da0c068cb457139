//! Tables that a statement locks though it does not name them.

use std::collections::BTreeMap;

use super::live::{Effect, ForeignKey, Id, Live, Table};
use super::lock::Mode;
use super::statement::{Statement, Work};

/// A table that is locked beside those that are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    pub mode: Mode,
    /// Its partitions are not locked with it.
    pub is_alone: bool,
    pub effect: Option<Effect>,
}

impl Beside {
    const fn of(mode: Mode) -> Self {
        Self { mode, is_alone: false, effect: None }
    }

    /// The same table, locked for another reason too.
    fn and(&mut self, other: Self) {
        self.mode = self.mode.max(other.mode);
        self.is_alone &= other.is_alone;
        self.effect = self.effect.take().or(other.effect);
    }
}

impl Live {
    /// The tables that a statement locks and does not name; some may not be among those that were
    /// read.
    pub fn beside<'a>(&'a self, statement: &Statement) -> BTreeMap<&'a Id, Beside> {
        let mut named: Vec<(&Id, Mode)> = Vec::new();
        let mut beside: BTreeMap<&Id, Beside> = BTreeMap::new();
        for touch in &statement.touches {
            let Some(table) = self.find(statement, touch) else { continue };
            for one in self.locked(table, touch.is_alone()) {
                named.push((&one.id, touch.mode));
                for (id, lock) in touch.works.iter().flat_map(|work| self.beside_of(one, work)) {
                    match beside.get_mut(id) {
                        Some(known) => known.and(lock),
                        None => {
                            beside.insert(id, lock);
                        }
                    }
                }
            }
        }
        beside.retain(|id, lock| {
            let is_named = |(one, mode): &(&Id, Mode)| one == id && *mode >= lock.mode;
            lock.effect.is_some() || !named.iter().any(is_named)
        });
        beside
    }

    /// What is locked beside a table when this is done to it (source: the sources of PostgreSQL,
    /// tablecmds.c and heap.c).
    fn beside_of<'a>(&'a self, table: &'a Table, work: &Work) -> Vec<(&'a Id, Beside)> {
        match work {
            Work::Drops => {
                // Whoever plans a query of the parent has to know that the partition is gone.
                let parent = table.parent.as_ref().filter(|_| table.is_partition);
                let alone = Beside { is_alone: true, ..Beside::of(Mode::AccessExclusive) };
                let default = parent.and_then(|parent| self.table(parent));
                let default = default.and_then(|parent| parent.default_partition.as_ref());
                let whole = table.others(|_| true).chain(default.filter(|one| **one != table.id));
                let whole = whole.map(|id| (id, Beside::of(Mode::AccessExclusive)));
                whole.chain(parent.map(|id| (id, alone))).collect()
            }
            Work::DropsConstraint { name } => {
                let is_it =
                    |key: &ForeignKey| key.constraint == *name || key.index.as_ref() == Some(name);
                table.others(is_it).map(|id| (id, Beside::of(Mode::AccessExclusive))).collect()
            }
            // Foreign keys of a column of another type are made anew.
            Work::DropsColumn { column } | Work::ChangesType { column, .. } => {
                let has = |key: &ForeignKey| {
                    key.columns.as_ref().is_none_or(|columns| columns.contains(column))
                };
                table.others(has).map(|id| (id, Beside::of(Mode::AccessExclusive))).collect()
            }
            Work::Attaches => {
                let why = "its rows are checked against the bounds of the new partition, unless a \
                           CHECK says them already";
                let keys = table.others(|_| true);
                let keys = keys.map(|id| (id, Beside::of(Mode::ShareRowExclusive)));
                let read = Beside {
                    effect: Some(Effect::Scans(why.to_owned())),
                    ..Beside::of(Mode::AccessExclusive)
                };
                keys.chain(table.default_partition.as_ref().map(|id| (id, read))).collect()
            }
            Work::Detaches => {
                let others = table.others(|_| true).chain(&table.default_partition);
                others.map(|id| (id, Beside::of(Mode::AccessExclusive))).collect()
            }
            Work::Rewrites(_)
            | Work::Scans(_)
            | Work::Builds
            | Work::NotNull { .. }
            | Work::RulesOutNulls { .. }
            | Work::Validates { .. }
            | Work::Renames { .. } => Vec::new(),
        }
    }
}
