//! What becomes of every entry of the table of contents: a step, or left out with a reason. No
//! entry is without one.

use std::collections::HashMap;

use crate::archive::toc::{Entry, Section, Toc};

/// What makes an object, in the order of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// pgtend, when it creates the database.
    Database,
    /// pg_restore, before rows are loaded: tables, types, functions, empty large objects.
    Before,
    /// pgtend: rows and the bytes of large objects.
    Load,
    /// pg_restore, once rows are loaded: sequence values, rights and comments of large objects.
    Values,
    /// pg_restore at the end: indexes, constraints, triggers, all rights, materialised views.
    Finish,
}

/// How an entry that is left out counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The operator asked for other things: neither counted nor listed.
    Unwanted,
    /// Nothing is missed: the target has it, or it belongs elsewhere. Listed.
    Needless,
    /// The target will lack it. Listed, and a warning.
    Missing,
}

/// Why an entry is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// How it counts.
    pub weight: Weight,
    /// For the operator: `role reader does not exist on the target`.
    pub reason: String,
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A step makes it.
    Planned(Step),
    /// It is not restored.
    LeftOut(LeftOut),
    /// A setting of pg_restore's own session (ENCODING, STDSTRINGS, SEARCHPATH): no object.
    Setting,
}

/// A table of contents with the fate of each entry.
///
/// Entries may be rewritten (an owner that the target lacks), never added or removed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The entries, as pg_restore will see them.
    pub toc: Toc,
    /// What the operator should know beside what is left out.
    pub notes: Vec<String>,
    fates: Vec<Fate>,
    /// As they were before anything was left out.
    first: Vec<Fate>,
    /// Made last in their step.
    late: Vec<usize>,
    by_id: HashMap<i32, usize>,
}

impl Plan {
    /// Everything that can be restored into a database that exists.
    pub fn new(toc: Toc) -> Self {
        let by_id: HashMap<i32, usize> =
            toc.entries.iter().enumerate().map(|(index, entry)| (entry.id, index)).collect();
        let mut plan = Self {
            toc,
            notes: Vec::new(),
            fates: Vec::new(),
            first: Vec::new(),
            late: Vec::new(),
            by_id,
        };
        for index in 0..plan.toc.entries.len() {
            let fate = plan.first_fate(index);
            plan.fates.push(fate);
        }
        plan.first.clone_from(&plan.fates);
        plan
    }

    /// Entries that belong to another come after it, so the fates before `index` are known.
    fn first_fate(&self, index: usize) -> Fate {
        let entry = &self.toc.entries[index];
        let of_database =
            |entry: &Entry| matches!(entry.kind(), "DATABASE" | "DATABASE PROPERTIES");
        let step = match entry.kind() {
            "ENCODING" | "STDSTRINGS" | "SEARCHPATH" => return Fate::Setting,
            _ if of_database(entry) => Step::Database,
            "BLOB" | "BLOB METADATA" => Step::Before,
            _ if entry.is_table_data() || entry.is_large_objects() => Step::Load,
            _ if entry.has_data => {
                let reason = "pgtend does not know this kind of data".to_owned();
                return Fate::LeftOut(LeftOut { weight: Weight::Missing, reason });
            }
            "ACL" | "COMMENT" | "SECURITY LABEL" if entry.name().starts_with("DATABASE ") => {
                Step::Database
            }
            "ACL" | "COMMENT" | "SECURITY LABEL" if entry.name().starts_with("LARGE OBJECT") => {
                Step::Values
            }
            "ACL" | "DEFAULT ACL" | "STATISTICS DATA" => Step::Finish,
            _ => match entry.section() {
                Section::PreData => Step::Before,
                Section::Data => Step::Values,
                Section::PostData => Step::Finish,
                // As late as the latest thing that it is about.
                Section::None => entry
                    .dependencies()
                    .filter_map(|id| self.fates.get(*self.by_id.get(&id)?))
                    .filter_map(|fate| match fate {
                        Fate::Planned(step) => Some(*step),
                        _ => None,
                    })
                    .max()
                    .map_or(Step::Before, |step| step.max(Step::Before)),
            },
        };
        Fate::Planned(step)
    }

    /// The number of an entry by pg_dump's id for it.
    pub fn index_of(&self, id: i32) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// Entry number `index`.
    pub fn entry(&self, index: usize) -> &Entry {
        &self.toc.entries[index]
    }

    /// Numbers of the entries that must be there before this one; what the archive does not
    /// have is left out.
    pub fn needs_of<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = usize> + 'a {
        entry.dependencies().filter_map(|id| self.index_of(id))
    }

    /// What becomes of every entry.
    pub fn fates(&self) -> &[Fate] {
        &self.fates
    }

    /// What becomes of entry number `index`.
    pub fn fate(&self, index: usize) -> &Fate {
        &self.fates[index]
    }

    /// Whether some step makes entry number `index`.
    pub fn is_planned(&self, index: usize) -> bool {
        matches!(self.fates[index], Fate::Planned(_))
    }

    /// Leaves an entry out, unless it is left out already.
    pub fn leave_out(&mut self, index: usize, weight: Weight, reason: impl Into<String>) {
        if self.is_planned(index) {
            self.fates[index] = Fate::LeftOut(LeftOut { weight, reason: reason.into() });
        }
    }

    /// The operator asked for other things than entry number `index`: neither counted nor listed,
    /// whatever was said of it before. Settings stay.
    pub fn unwant(&mut self, index: usize) {
        if self.fates[index] != Fate::Setting {
            let (weight, reason) = (Weight::Unwanted, String::new());
            self.fates[index] = Fate::LeftOut(LeftOut { weight, reason });
        }
    }

    /// Takes [`Self::unwant`] back; an entry that is left out for another reason stays so.
    pub fn want(&mut self, index: usize) {
        if matches!(&self.fates[index], Fate::LeftOut(left) if left.weight == Weight::Unwanted) {
            self.fates[index] = self.first[index].clone();
        }
    }

    /// Makes entry number `index` after `others`, which come before it in the archive.
    pub fn make_after(&mut self, index: usize, others: &[usize]) {
        let ids: Vec<i32> = others.iter().map(|other| self.toc.entries[*other].id).collect();
        self.toc.entries[index].make_after(ids);
    }

    /// Whether it is made at the end of its step: [`Self::postpone`].
    pub fn is_late(&self, index: usize) -> bool {
        self.late.contains(&index)
    }

    /// Makes what is made at the end one after another, the first after `others`.
    pub fn chain_late(&mut self, others: &[usize]) {
        let mut before = others.to_vec();
        for index in self.late.clone() {
            self.make_after(index, &before);
            before = vec![index];
        }
    }

    /// Makes entry number `index` at the end of [`Step::Finish`], and after `others`.
    pub fn postpone(&mut self, index: usize, others: &[usize]) {
        self.make_after(index, others);
        self.first[index] = Fate::Planned(Step::Finish);
        if self.is_planned(index) {
            self.fates[index] = Fate::Planned(Step::Finish);
        }
        self.late.push(index);
    }

    /// Numbers of the entries of one step, in the archive's order.
    pub fn step(&self, step: Step) -> impl Iterator<Item = usize> + '_ {
        let of_step = move |(_, fate): &(usize, &Fate)| **fate == Fate::Planned(step);
        self.fates.iter().enumerate().filter(of_step).map(|(index, _)| index)
    }

    /// Every entry that is left out and listed, in the archive's order.
    pub fn left_out(&self) -> impl Iterator<Item = (&Entry, &LeftOut)> {
        self.toc.entries.iter().zip(&self.fates).filter_map(|(entry, fate)| match fate {
            Fate::LeftOut(left) if left.weight != Weight::Unwanted => Some((entry, left)),
            _ => None,
        })
    }

    /// Objects that the operator asked for, and those of them that are planned.
    pub fn counts(&self) -> (usize, usize) {
        let planned = self.fates.iter().filter(|fate| matches!(fate, Fate::Planned(_))).count();
        (planned + self.left_out().count(), planned)
    }

    /// Numbers of the entries of one step, in the order of making them.
    pub fn in_order(&self, step: Step) -> Vec<usize> {
        let (late, soon): (Vec<usize>, Vec<usize>) =
            self.step(step).partition(|index| self.late.contains(index));
        soon.into_iter().chain(late).collect()
    }

    /// A list for `pg_restore -L`.
    pub fn list(&self, entries: &[usize]) -> String {
        entries.iter().map(|index| format!("{};\n", self.toc.entries[*index].id)).collect()
    }
}
