//! A backup beside the ones before it: what shrank, stands still, went back or is gone.
//!
//! Only what the records say, so nothing else is read. A table is judged by what it used to do: one
//! that is emptied now and then, or that nobody writes to, is quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::catalog::Found;
use crate::archive::manifest::{LargestId, Manifest, NewestTime, Table};
use crate::error::Result;
use crate::report::verify::{Canaries, CanaryKind, CanaryWarning};
use crate::store::Store;

/// Rows from which on a table is judged.
const MANY_ROWS: u64 = 1000;
/// The backups before it that are looked at, and as many of older ones.
const BEFORE: usize = 7;
/// How much longer than ever before a table has to stand still.
const LONGER: u32 = 3;
/// Warnings of tables that are listed; more are counted.
const LISTED: usize = 50;

/// What is worth a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Percent of its rows that a table must have lost.
    pub shrink: u8,
    /// How long it must have stood still.
    pub still: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { shrink: 50, still: Duration::from_secs(3 * 86_400) }
    }
}

/// What is compared of one backup.
#[derive(Debug, Clone)]
pub struct Sketch {
    id: String,
    taken: Timestamp,
    database: (String, u32),
    filters: Vec<String>,
    /// By name; partitions under that of their partitioned table.
    tables: BTreeMap<String, Look>,
}

/// What is compared of one table.
#[derive(Debug, Clone, Default)]
struct Look {
    rows: u64,
    newest: Option<NewestTime>,
    largest_id: Option<LargestId>,
}

impl Sketch {
    /// From the record; none where it does not tell of its tables.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let mut tables: BTreeMap<String, Look> = BTreeMap::new();
        for table in manifest.objects.iter().filter_map(|object| object.table.as_ref()) {
            tables.entry(name(table)).or_default().add(table);
        }
        if tables.is_empty() && manifest.totals.tables > 0 {
            return None;
        }
        Some(Self {
            id: manifest.id.clone(),
            taken: manifest.snapshot.taken,
            database: (manifest.source.system_identifier.clone(), manifest.database.oid),
            filters: manifest.options.filters.clone(),
            tables,
        })
    }

    fn rows(&self) -> u64 {
        self.tables.values().fold(0, |sum, look| sum.saturating_add(look.rows))
    }
}

fn name(table: &Table) -> String {
    let root = table.canary.as_ref().and_then(|canary| canary.root.clone());
    root.unwrap_or_else(|| format!("{}.{}", table.schema, table.name))
}

impl Look {
    /// Adds a table, or one partition of it.
    fn add(&mut self, table: &Table) {
        self.rows = self.rows.saturating_add(table.rows);
        let Some(canary) = &table.canary else { return };
        if let Some(newest) = &canary.newest
            && self.newest.as_ref().is_none_or(|known| known.at < newest.at)
        {
            self.newest = Some(newest.clone());
        }
        if let Some(largest) = &canary.largest_id
            && self.largest_id.as_ref().is_none_or(|known| known.value < largest.value)
        {
            self.largest_id = Some(largest.clone());
        }
    }
}

/// Compares a backup with the ones before it; they are looked for in the store.
///
/// # Errors
/// The store cannot be read.
pub async fn look_back(
    store: &Store,
    found: &Found,
    manifest: &Manifest,
    limits: &Limits,
) -> Result<Canaries> {
    let mut earlier = found.siblings(store).await?;
    earlier.retain(|other| other.id < found.id);
    let Some(now) = Sketch::of(manifest) else { return Ok(Canaries::default()) };
    let mut before = Vec::new();
    for other in spread(&earlier) {
        // A record that cannot be used is told where that backup is verified.
        if let Some(Ok(manifest)) = other.manifest(store).await? {
            before.extend(Sketch::of(&manifest));
        }
    }
    Ok(compare(&now, before, limits))
}

/// The last ones, and as many of those before, evenly.
fn spread(earlier: &[Found]) -> Vec<&Found> {
    let (old, last) = earlier.split_at(earlier.len().saturating_sub(BEFORE));
    let step = old.len().div_ceil(BEFORE).max(1);
    old.iter().step_by(step).chain(last).collect()
}

/// Compares a backup with others, the oldest first. Those with other filters are passed over.
pub fn compare(now: &Sketch, mut before: Vec<Sketch>, limits: &Limits) -> Canaries {
    before.retain(|other| other.filters == now.filters);
    let mut canaries = Canaries {
        compared_with: before.iter().map(|other| other.id.clone()).collect(),
        tables: now.tables.len() as u64,
        newest_known: now.tables.values().filter(|look| look.newest.is_some()).count() as u64,
        ids_known: now.tables.values().filter(|look| look.largest_id.is_some()).count() as u64,
        warnings: Vec::new(),
        more_warnings: 0,
    };
    let Some(last) = before.last() else { return canaries };
    let mut warnings = Vec::new();
    if last.database.0 == now.database.0 && last.database.1 != now.database.1 {
        let what = format!(
            "it is of another database of the same name: oid {}, it was {} in backup {}",
            now.database.1, last.database.1, last.id
        );
        warnings.push(warning(CanaryKind::Other, None, what));
    }
    if now.rows() == 0 && last.rows() >= MANY_ROWS {
        let what = format!("it has no rows at all; backup {} has {}", last.id, last.rows());
        warnings.push(warning(CanaryKind::Empty, None, what));
    } else if before.len() >= 2 {
        warnings.extend(gone(now, &before));
        for (name, look) in &now.tables {
            let past: Vec<(&Sketch, &Look)> =
                before.iter().filter_map(|of| Some((of, of.tables.get(name)?))).collect();
            if past.len() >= 2 {
                let table = Judged { now, look, past, limits };
                warnings.extend(
                    table.judge().map(|(kind, what)| warning(kind, Some(name.clone()), what)),
                );
            }
        }
    } else {
        warnings.extend(shrunk_as_a_whole(now, last, limits));
    }
    canaries.more_warnings = warnings.len().saturating_sub(LISTED) as u64;
    warnings.truncate(LISTED);
    canaries.warnings = warnings;
    canaries
}

fn warning(kind: CanaryKind, table: Option<String>, what: String) -> CanaryWarning {
    CanaryWarning { kind, table, what }
}

/// Tables with rows that were there in the last two backups.
fn gone(now: &Sketch, before: &[Sketch]) -> Vec<CanaryWarning> {
    let [.., earlier, last] = before else { return Vec::new() };
    let one = |(name, look): (&String, &Look)| {
        let what = format!("is gone; backup {} has {} rows of it", last.id, look.rows);
        warning(CanaryKind::Gone, Some(name.clone()), what)
    };
    last.tables
        .iter()
        .filter(|(name, look)| {
            look.rows >= MANY_ROWS
                && earlier.tables.contains_key(*name)
                && !now.tables.contains_key(*name)
        })
        .map(one)
        .collect()
}

/// One earlier backup says nothing of single tables' habits.
fn shrunk_as_a_whole(now: &Sketch, last: &Sketch, limits: &Limits) -> Option<CanaryWarning> {
    let (rows, were) = (now.rows(), last.rows());
    let lost = lost_percent(rows, were)?;
    (were >= MANY_ROWS && lost >= limits.shrink).then(|| {
        let what =
            format!("it has {lost}% fewer rows than backup {} ({rows}, it has {were})", last.id);
        warning(CanaryKind::Shrunk, None, what)
    })
}

/// Whole percent of `were` that are missing, rounded down; none where none are.
fn lost_percent(rows: u64, were: u64) -> Option<u8> {
    let lost = were.checked_sub(rows).filter(|lost| *lost > 0)?;
    u8::try_from(u128::from(lost) * 100 / u128::from(were)).ok()
}

/// One table, and what it was in at least two earlier backups, the oldest first.
struct Judged<'a> {
    now: &'a Sketch,
    look: &'a Look,
    past: Vec<(&'a Sketch, &'a Look)>,
    limits: &'a Limits,
}

impl Judged<'_> {
    fn judge(&self) -> Option<(CanaryKind, String)> {
        if let Some(what) = self.shrunk() {
            return Some((CanaryKind::Shrunk, what));
        }
        if self.past.last()?.1.rows < MANY_ROWS {
            return None;
        }
        if let Some(what) = self.went_back() {
            return Some((CanaryKind::WentBack, what));
        }
        let what = self.old_newest().or_else(|| self.same_id())?;
        Some((CanaryKind::StandsStill, what))
    }

    fn shrunk(&self) -> Option<String> {
        let falls = |two: &[(&Sketch, &Look)]| {
            lost_percent(two[1].1.rows, two[0].1.rows)
                .is_some_and(|lost| lost >= self.limits.shrink)
        };
        let has_been_there = self.past.iter().any(|(_, look)| look.rows <= self.look.rows);
        if has_been_there || self.past.windows(2).any(falls) {
            return None;
        }
        let (largest, look) = self.past.iter().rev().max_by_key(|(_, look)| look.rows)?;
        let lost = lost_percent(self.look.rows, look.rows)?;
        (look.rows >= MANY_ROWS && lost >= self.limits.shrink).then(|| {
            format!(
                "has {lost}% fewer rows than in backup {} ({}, it had {})",
                largest.id, self.look.rows, look.rows
            )
        })
    }

    fn went_back(&self) -> Option<String> {
        let now = self.look.largest_id.as_ref()?;
        let past: Vec<&LargestId> =
            self.past.iter().filter_map(|(_, look)| look.largest_id.as_ref()).collect();
        let last = past.last()?;
        let never = past.windows(2).all(|two| two[0].value <= two[1].value);
        (past.len() >= 2 && never && now.value < last.value && now.column == last.column).then(
            || {
                format!(
                    "its largest {} is {}, it was {} in the backup before",
                    now.column, now.value, last.value
                )
            },
        )
    }

    /// Its newest row is much older than it used to be when a backup was made.
    fn old_newest(&self) -> Option<String> {
        let now = self.look.newest.as_ref()?;
        let age = |of: &Sketch, newest: &NewestTime| {
            Duration::try_from(of.taken.duration_since(newest.at)).unwrap_or_default()
        };
        // What is part of this standstill says nothing of what is usual.
        let usual: Vec<Duration> = self
            .past
            .iter()
            .filter_map(|(of, look)| Some((of, look.newest.as_ref()?)))
            .filter(|(_, newest)| newest.column == now.column && newest.at != now.at)
            .map(|(of, newest)| age(of, newest))
            .collect();
        let longest = usual.iter().max().filter(|_| usual.len() >= 2)?;
        let old = age(self.now, now);
        (old > self.limits.still && old > longest.saturating_mul(LONGER)).then(|| {
            format!(
                "its newest row ({} {}) was {} old when the backup was made; before it never was \
                 more than {}",
                now.column,
                now.at.strftime("%Y-%m-%d %H:%MZ"),
                written(old),
                written(*longest)
            )
        })
    }

    /// No new row for much longer than ever before, where no time tells.
    fn same_id(&self) -> Option<String> {
        let now = self.look.largest_id.as_ref().filter(|_| self.look.newest.is_none())?;
        // When each largest id was seen first.
        let mut seen: Vec<(i64, Timestamp)> = Vec::new();
        for (of, look) in &self.past {
            let value = look.largest_id.as_ref()?.value;
            if seen.last().is_none_or(|(last, _)| *last != value) {
                seen.push((value, of.taken));
            }
        }
        let (last, since) = *seen.last()?;
        if last != now.value || seen.len() < 3 {
            return None;
        }
        let between = |from: Timestamp, to: Timestamp| {
            Duration::try_from(to.duration_since(from)).unwrap_or_default()
        };
        let longest = seen.windows(2).map(|two| between(two[0].1, two[1].1)).max()?;
        let still = between(since, self.now.taken);
        (still > self.limits.still && still > longest.saturating_mul(LONGER)).then(|| {
            format!(
                "its largest {} is {last} since {}, for {}; before it never stood still for more \
                 than {}",
                now.column,
                since.strftime("%Y-%m-%d %H:%MZ"),
                written(still),
                written(longest)
            )
        })
    }
}

fn written(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    match hours {
        0 => format!("{} minutes", time.as_secs() / 60 + 1),
        1..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    /// A backup of day `day` with one table, its newest row so many hours old.
    fn backup(day: i64, rows: u64, newest_hours: Option<i64>, id: Option<i64>) -> Sketch {
        let taken = Timestamp::from_second(1_760_000_000 + day * 24 * HOUR).unwrap();
        let newest = newest_hours.map(|hours| NewestTime {
            column: "created".into(),
            at: Timestamp::from_second(taken.as_second() - hours * HOUR).unwrap(),
        });
        let largest_id = id.map(|value| LargestId { column: "id".into(), value });
        Sketch {
            id: format!("day{day}"),
            taken,
            database: ("7".into(), 5),
            filters: vec![],
            tables: [("shop.orders".to_owned(), Look { rows, newest, largest_id })].into(),
        }
    }

    fn told(mut backups: Vec<Sketch>) -> Vec<String> {
        let now = backups.pop().unwrap();
        let told = compare(&now, backups, &Limits::default());
        told.warnings
            .iter()
            .map(|w| format!("{:?} {} {}", w.kind, w.table.as_deref().unwrap_or("-"), w.what))
            .collect()
    }

    fn rows(rows: &[u64]) -> Vec<String> {
        let day =
            |(day, rows): (usize, &u64)| backup(i64::try_from(day).unwrap(), *rows, None, None);
        told(rows.iter().enumerate().map(day).collect())
    }

    #[test]
    fn a_table_that_never_lost_rows_and_now_did_is_told() {
        assert_eq!(
            rows(&[1_000_000, 1_010_000, 70_000]),
            ["Shrunk shop.orders has 93% fewer rows than in backup day1 (70000, it had 1010000)"]
        );
        // Bit by bit.
        assert_eq!(rows(&[10_000, 8000, 6000, 4500]).len(), 1);
        assert_eq!(rows(&[5000, 5000, 0]), ["Empty - it has no rows at all; backup day1 has 5000"]);
    }

    #[test]
    fn what_is_usual_is_quiet() {
        for history in [
            &[5000][..],
            &[1000, 2000, 4000, 8000],
            &[10_000, 10_000, 5001],
            // Small tables.
            &[999, 999, 0, 1],
            // Staging tables, filled and emptied.
            &[50_000, 10, 60_000, 0, 70_000, 20],
            &[10, 50_000, 12],
            // It was told last night.
            &[1_000_000, 1_000_000, 70_000, 70_500],
        ] {
            assert_eq!(rows(history), [""; 0], "{history:?}");
        }
    }

    #[test]
    fn one_earlier_backup_is_enough_for_the_whole() {
        assert_eq!(
            rows(&[100_000, 1000]),
            ["Shrunk - it has 99% fewer rows than backup day0 (1000, it has 100000)"]
        );
        assert_eq!(rows(&[100_000, 60_000]), [""; 0]);
    }

    #[test]
    fn a_newest_row_that_stays_the_same_is_told_after_some_days() {
        let night = |day: i64| {
            let old = if day < 5 { 1 + day % 2 } else { 1 + (day - 4) * 24 };
            backup(day, 5000, Some(old), None)
        };
        let mut quiet_until = None;
        for last in 1..12 {
            let warned = told((0..=last).map(night).collect());
            if !warned.is_empty() {
                quiet_until.get_or_insert(last);
                assert!(warned[0].contains("before it never was more than 2 hours"), "{warned:?}");
            } else {
                assert_eq!(quiet_until, None, "it goes on being told");
            }
        }
        assert_eq!(quiet_until, Some(7), "three days");
    }

    #[test]
    fn long_weekends_are_learned() {
        // Three days of work, five of none, and a backup every night.
        let night = |day: i64| {
            let old = [1, 1, 1, 25, 49, 73, 97, 121][usize::try_from(day % 8).unwrap()];
            backup(day, 5000, Some(old), None)
        };
        for last in 1..30 {
            let warned = told((0..=last).map(night).collect());
            // The first time nothing was known of it.
            assert_eq!(warned.len(), usize::from((5..8).contains(&last)), "{last} {warned:?}");
        }
    }

    #[test]
    fn ids_that_stop_or_go_back_are_told() {
        let ids = |ids: &[i64]| {
            let day = |(day, id): (usize, &i64)| {
                backup(i64::try_from(day).unwrap(), 5000, None, Some(*id))
            };
            told(ids.iter().enumerate().map(day).collect())
        };
        assert_eq!(ids(&[1, 2, 3, 4, 4, 4, 4]), [""; 0]);
        let still = ids(&[1, 2, 3, 4, 4, 4, 4, 4]);
        assert!(still[0].contains("its largest id is 4 since"), "{still:?}");
        assert_eq!(ids(&[4, 4, 4, 4, 4, 4, 4]), [""; 0], "never moved");
        let back = ids(&[10, 20, 15]);
        assert!(back[0].contains("its largest id is 15, it was 20"), "{back:?}");
        assert_eq!(ids(&[10, 5, 20, 15]), [""; 0], "it goes back now and then");
    }

    #[test]
    fn tables_that_are_gone_and_other_databases_are_told() {
        let mut backups: Vec<Sketch> = (0..3).map(|day| backup(day, 5000, None, None)).collect();
        let other = Look { rows: 10, ..Look::default() };
        backups[2].tables = [("shop.other".to_owned(), other)].into();
        backups[2].database.1 = 6;
        let told = told(backups);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("Other - it is of another database"), "{told:?}");
        assert!(told[1].starts_with("Gone shop.orders is gone; backup day1 has 5000"), "{told:?}");
    }

    #[test]
    fn other_filters_are_not_compared() {
        let mut backups: Vec<Sketch> =
            [5000, 5000, 5].map(|rows| backup(1, rows, None, None)).into();
        backups[2].filters = vec!["--exclude-table-data=orders".into()];
        assert_eq!(told(backups), [""; 0]);
    }
}
