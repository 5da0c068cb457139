//! A part of a backup each night: which tables, so that every one gets its turn.
//!
//! `n/t` deals the tables into t parts of about the same size; `auto/t` takes those whose last
//! proof is longest ago, about a t-th of the bytes. Sizes change from night to night, and with
//! them the parts, so both add what the last t-1 runs on record have not covered: any t runs
//! cover every table, over nightly new backups too.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::archive::manifest::{Kind, Manifest, Object, hex};
use crate::backup::catalog::Record;
use crate::report::verify::{Level, Problem, Verified};
use crate::restore::names::typed_table;

/// What all large objects are called, as one unit: no table has a bare name with a space.
const LARGE_OBJECTS: &str = "large objects";
/// Raw bytes that an empty table counts as: looking at one costs something too.
const UNIT_BYTES: u64 = 64 << 10;
/// The most parts.
const MOST_PARTS: u32 = 1000;

/// Which share of the tables a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Part `part` of `of`.
    Fixed {
        /// From 1.
        part: u32,
        /// How many there are.
        of: u32,
    },
    /// The `of`-th part whose proof is longest ago.
    Auto {
        /// How many runs cover all.
        of: u32,
    },
}

impl Share {
    const fn of(self) -> u32 {
        match self {
            Self::Fixed { of, .. } | Self::Auto { of } => of,
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed { part, of } => write!(f, "{part}/{of}"),
            Self::Auto { of } => write!(f, "auto/{of}"),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a part like 2/7, or auto/7".to_owned();
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let of: u32 = of.parse().map_err(|_| wrong())?;
        if !(1..=MOST_PARTS).contains(&of) {
            return Err(format!("there can be 1 to {MOST_PARTS} parts"));
        }
        if part == "auto" {
            return Ok(Self::Auto { of });
        }
        let part: u32 = part.parse().map_err(|_| wrong())?;
        if !(1..=of).contains(&part) {
            return Err(format!("parts are counted from 1 to {of}"));
        }
        Ok(Self::Fixed { part, of })
    }
}

/// What is proven together: a table's rows, or all large objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name, the same in every backup: `shop.orders`.
    pub name: String,
    /// Bytes before compression, and something for the work around them.
    pub weight: u64,
}

/// The unit that an object belongs to; none for what is always looked at.
pub fn unit_of(object: &Object) -> Option<String> {
    match object.kind {
        Kind::Toc | Kind::Globals | Kind::Record => None,
        Kind::LargeObject | Kind::LargeObjectList => Some(LARGE_OBJECTS.to_owned()),
        Kind::Table => {
            let table = object.table.as_ref()?;
            Some(typed_table(&table.schema, &table.name))
        }
    }
}

/// The units of a backup, sorted by name.
pub fn units(manifest: &Manifest) -> Vec<Unit> {
    let mut units: BTreeMap<String, u64> = BTreeMap::new();
    for object in &manifest.objects {
        if let Some(name) = unit_of(object) {
            let weight = units.entry(name).or_insert(UNIT_BYTES);
            *weight = weight.saturating_add(object.raw_bytes);
        }
    }
    units.into_iter().map(|(name, weight)| Unit { name, weight }).collect()
}

/// A run on record.
#[derive(Debug, Clone)]
struct Run {
    at: jiff::Timestamp,
    /// The units that held; a run that proved nothing was one too.
    covered: HashSet<String>,
    /// How they are called there, if not by their names.
    veil: Option<Veil>,
}

impl Run {
    fn has(&self, name: &str) -> bool {
        match &self.veil {
            None => self.covered.contains(name),
            Some(veil) => self.covered.contains(&veil.hide(name)),
        }
    }
}

/// When every unit was proven last, and the runs that did.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Oldest first.
    runs: Vec<Run>,
}

impl Ledger {
    /// From the records of all backups of one database: those of at least this level. With each
    /// comes the veil of its backup, if that is sealed.
    pub fn new(records: impl IntoIterator<Item = (Record, Option<Veil>)>, level: Level) -> Self {
        let mut runs: Vec<Run> = records
            .into_iter()
            .filter(|(record, _)| record.result.level >= level)
            .map(|(record, veil)| Run {
                at: record.at,
                covered: record.covered.into_iter().collect(),
                veil,
            })
            .collect();
        runs.sort_by_key(|run| run.at);
        Self { runs }
    }

    /// Adds a run that has just ended.
    pub fn add(&mut self, at: jiff::Timestamp, covered: &[String]) {
        self.runs.push(Run { at, covered: covered.iter().cloned().collect(), veil: None });
    }

    /// When a unit was proven last.
    pub fn last(&self, name: &str) -> Option<jiff::Timestamp> {
        self.runs.iter().rev().find(|run| run.has(name)).map(|run| run.at)
    }

    /// Whether one of the last `number` runs covered it; `None` when there were not that many.
    fn in_last(&self, number: usize, name: &str) -> Option<bool> {
        let first = self.runs.len().checked_sub(number)?;
        Some(self.runs[first..].iter().any(|run| run.has(name)))
    }
}

/// What tables are called in the records of a sealed backup, which tell no names. A plain digest
/// would tell a name to who guesses it; this one takes what only the whole record of the backup
/// has: hashes of its rows.
#[derive(Clone)]
pub struct Veil([u8; 32]);

impl std::fmt::Debug for Veil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Veil(..)")
    }
}

impl Veil {
    /// Of a backup, the same each time; `None` when only its header is known.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        if manifest.hidden {
            return None;
        }
        let mut sha = Sha256::new_with_prefix("pgtend verifications\0");
        sha.update(&manifest.id);
        for object in &manifest.objects {
            if let Some(table) = &object.table {
                sha.update(format!(
                    "{:?} {:?} {} {}\n",
                    table.schema, table.name, table.rows, table.row_hash
                ));
            }
            for frame in &object.frames {
                sha.update(frame.4.to_le_bytes());
            }
        }
        Some(Self(sha.finalize().into()))
    }

    /// How a name is written then.
    pub fn hide(&self, name: &str) -> String {
        let mut sha = Sha256::new_with_prefix(self.0);
        sha.update(name);
        format!("{HIDDEN}{}", hex(&sha.finalize()[..12]))
    }

    /// Whether a record needs one to be read.
    pub fn is_over(record: &Record) -> bool {
        record.covered.iter().any(|name| name.starts_with(HIDDEN))
    }
}

/// No table's quoted name starts so.
const HIDDEN: &str = "sealed:";

/// The units of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Their names.
    pub names: BTreeSet<String>,
    /// How many of them are there only because the last runs have not covered them.
    pub overdue: usize,
}

/// Chooses what one run looks at.
pub fn choose(units: &[Unit], share: Share, ledger: &Ledger) -> Chosen {
    let mut names = match share {
        Share::Fixed { part, of } => dealt(units, part, of),
        Share::Auto { of } => longest_ago(units, of, ledger),
    };
    let before = names.len();
    let turns = usize::try_from(share.of()).unwrap_or(usize::MAX).saturating_sub(1);
    let overdue = units.iter().filter(|unit| ledger.in_last(turns, &unit.name) == Some(false));
    names.extend(overdue.map(|unit| unit.name.clone()));
    Chosen { overdue: names.len() - before, names }
}

/// The largest first, each to the part that has least: parts within one table of each other.
fn dealt(units: &[Unit], part: u32, of: u32) -> BTreeSet<String> {
    let mut parts: BTreeSet<(u64, u32)> = (1..=of).map(|number| (0, number)).collect();
    let mut names = BTreeSet::new();
    for unit in by_weight(units) {
        let Some((weight, number)) = parts.pop_first() else { continue };
        parts.insert((weight.saturating_add(unit.weight), number));
        if number == part {
            names.insert(unit.name.clone());
        }
    }
    names
}

fn longest_ago(units: &[Unit], of: u32, ledger: &Ledger) -> BTreeSet<String> {
    let total: u64 = units.iter().fold(0, |sum, unit| sum.saturating_add(unit.weight));
    let enough = total.div_ceil(u64::from(of));
    let mut order = by_weight(units);
    // Stable: of those proven in the same run the largest comes first.
    order.sort_by_cached_key(|unit| ledger.last(&unit.name));
    let mut sum = 0_u64;
    let within = order.into_iter().take_while(|unit| {
        let wanted = sum < enough;
        sum = sum.saturating_add(unit.weight);
        wanted
    });
    within.map(|unit| unit.name.clone()).collect()
}

fn by_weight(units: &[Unit]) -> Vec<&Unit> {
    let mut order: Vec<&Unit> = units.iter().collect();
    order.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
    order
}

/// The units that a run has proven: all that it looked at, but for those that a problem is about.
/// A problem that is not about one of them may be about any: then none is.
pub fn proven(looked_at: &BTreeSet<String>, manifest: &Manifest, result: &Verified) -> Vec<String> {
    let mut names = looked_at.clone();
    for problem in &result.problems {
        let Some(unit) = about(problem, manifest) else { return Vec::new() };
        names.remove(&unit);
    }
    names.into_iter().collect()
}

fn about(problem: &Problem, manifest: &Manifest) -> Option<String> {
    let object = manifest.objects.iter().find(|object| match &object.table {
        Some(table) if problem.object.is_none() => {
            let told = problem.table.as_deref();
            told.is_some_and(|told| told == format!("{}.{}", table.schema, table.name))
        }
        // A restored large object is called blob_5.dat, whatever its object's suffix.
        _ => problem.object.as_ref().is_some_and(|told| object.name.starts_with(told.as_str())),
    })?;
    unit_of(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(weights: &[u64]) -> Vec<Unit> {
        let one = |(number, weight): (usize, &u64)| Unit {
            name: format!("t{number:03}"),
            weight: *weight,
        };
        weights.iter().enumerate().map(one).collect()
    }

    fn day(number: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(number * 86_400).unwrap()
    }

    /// Weights of a table a night: they grow, shrink and come anew.
    fn weight(table: u64, night: u64) -> u64 {
        let mixed = (table + 1).wrapping_mul(0x9e37_79b9).wrapping_mul(night + 3) % 1000;
        UNIT_BYTES + (mixed * mixed * 50).rotate_left(u32::try_from(table % 5).unwrap())
    }

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for text in ["1/1", "2/7", "7/7", "auto/30"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["", "7", "0/7", "8/7", "1/0", "auto", "auto/0", "1/1001", "-1/7", "a/b"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn parts_of_one_backup_share_its_tables_out_evenly() {
        for of in [1, 2, 3, 7, 30] {
            let weights: Vec<u64> = (0..200).map(|table| weight(table, 1)).collect();
            let units = units(&weights);
            let mut all = BTreeSet::new();
            let mut sizes = Vec::new();
            for part in 1..=of {
                let chosen = choose(&units, Share::Fixed { part, of }, &Ledger::default());
                let sum: u64 = units
                    .iter()
                    .filter(|unit| chosen.names.contains(&unit.name))
                    .map(|unit| unit.weight)
                    .sum();
                sizes.push(sum);
                for name in chosen.names {
                    assert!(all.insert(name), "in one part only");
                }
            }
            assert_eq!(all.len(), units.len());
            let spread = sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
            assert!(spread <= *weights.iter().max().unwrap(), "{sizes:?}");
        }
    }

    #[test]
    fn any_t_runs_cover_every_table_however_sizes_change() {
        for of in [1_u32, 2, 3, 7] {
            for auto in [false, true] {
                let mut ledger = Ledger::default();
                let mut past: Vec<BTreeSet<String>> = Vec::new();
                for night in 0..40_u64 {
                    let tables = 30 + night / 5;
                    let weights: Vec<u64> = (0..tables).map(|table| weight(table, night)).collect();
                    let units = units(&weights);
                    let part = u32::try_from(night % u64::from(of)).unwrap() + 1;
                    let share = if auto { Share::Auto { of } } else { Share::Fixed { part, of } };
                    let chosen = choose(&units, share, &ledger);
                    let covered: Vec<String> = chosen.names.iter().cloned().collect();
                    ledger.add(day(i64::try_from(night).unwrap()), &covered);
                    past.push(chosen.names);
                    let runs = past.iter().rev().take(usize::try_from(of).unwrap());
                    if past.len() >= usize::try_from(of).unwrap() {
                        let seen: BTreeSet<&String> = runs.flatten().collect();
                        for unit in &units {
                            assert!(seen.contains(&unit.name), "{share} night {night}: {unit:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn auto_takes_what_was_proven_longest_ago_and_never_before_all() {
        let units = units(&[100, 100, 100, 100]);
        let mut ledger = Ledger::default();
        let pick = |ledger: &Ledger| {
            let names = choose(&units, Share::Auto { of: 4 }, ledger).names;
            names.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(pick(&ledger), "t000");
        ledger.add(day(1), &["t000".into(), "t001".into()]);
        assert_eq!(pick(&ledger), "t002");
        ledger.add(day(2), &["t002".into(), "t003".into()]);
        assert_eq!(pick(&ledger), "t000");
        assert_eq!(ledger.last("t001"), Some(day(1)));
        assert_eq!(ledger.last("t004"), None);
    }

    #[test]
    fn a_veil_is_that_of_one_backup_and_needs_more_than_a_name() {
        use crate::archive::manifest::tests::sample;
        let record = |covered: &[String]| Record {
            covered: covered.to_vec(),
            ..crate::backup::catalog::tests::records(&[(Level::Content, None)]).remove(0)
        };
        let veil = Veil::of(&sample()).unwrap();
        let hidden = veil.hide("shop.orders");
        assert_eq!(Veil::of(&sample()).unwrap().hide("shop.orders"), hidden, "it is stable");
        let other = Veil::of(&Manifest { id: "x".into(), ..sample() }).unwrap();
        let mut rows = sample();
        rows.objects
            .iter_mut()
            .filter_map(|object| object.table.as_mut())
            .for_each(|t| t.rows += 1);
        for other in [other, Veil::of(&rows).unwrap()] {
            assert_ne!(other.hide("shop.orders"), hidden);
        }
        assert!(Veil::of(&Manifest { hidden: true, ..sample() }).is_none());
        let record = record(&[hidden]);
        assert!(Veil::is_over(&record));
        let ledger = |veil| Ledger::new([(record.clone(), veil)], Level::Content);
        assert!(ledger(Some(veil)).last("shop.orders").is_some());
        assert!(ledger(None).last("shop.orders").is_none());
    }

    #[test]
    fn what_keeps_failing_is_looked_at_every_night() {
        let units = units(&[100, 100, 100]);
        let mut ledger = Ledger::default();
        for night in 0..9 {
            let part = u32::try_from(night % 3).unwrap() + 1;
            let chosen = choose(&units, Share::Fixed { part, of: 3 }, &ledger);
            assert!(night < 2 || chosen.names.contains("t001"), "{night} {chosen:?}");
            let held: Vec<String> =
                chosen.names.into_iter().filter(|name| name != "t001").collect();
            ledger.add(day(night), &held);
        }
    }
}
