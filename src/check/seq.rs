//! Sequences: whether they will still give values, and whether the next one is free.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::limits::LimitSpec;
use super::look::Look;
use super::need::Need;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Verdict};
use super::words;
use crate::report::check::{Level, Unit};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "seq.exhaustion",
        kind: Kind::Runtime,
        title: "sequences that come to their end",
        why: "When a sequence, or the integer column that takes from it, has given its last value, \
              every INSERT fails, and to widen the column rewrites a table that is large by then.",
        remedy: "Change the column to bigint while there is time: with a new column that is filled \
                 in the background where the table is large.",
        limits: &[LimitSpec::share(
            "values that the sequence, or a column that takes from it, can have",
            Unit::Count,
            75.0,
            90.0,
        )],
        // Without it the value of a sequence is null, and one at 93 percent is not to be seen.
        needs: &[Need::AllData],
        since: 130_000,
        asks: &[&SEQUENCES],
        judge: exhaustion,
    },
    Check {
        id: "seq.behind",
        kind: Kind::Runtime,
        title: "sequences that are behind their column",
        why: "After a load, a restore of data alone or a Blue/Green switch a sequence may give \
              values that are there already: INSERT fails with a duplicate key, again and again.",
        remedy: "setval() each to the greatest value of its column.",
        limits: &[],
        needs: &[Need::AllData],
        since: 130_000,
        asks: &[&BEHIND],
        judge: behind,
    },
];

const SEQUENCES: Question =
    Question::of("sequences", &[(130_000, sql::CHECK_SEQUENCES)]).may_be_cut().compared();

#[derive(Deserialize)]
struct Sequence {
    sequence: String,
    /// Of all sequences, those that could not be read.
    unread: f64,
    /// Whether a column ends before the sequence does.
    is_column: bool,
    last_possible: f64,
    /// None before its first value.
    last_value: Option<f64>,
}

impl Sequence {
    /// What is used and what there is, as positive numbers: some count down.
    fn used(&self) -> Option<(f64, f64)> {
        let sign = self.last_possible.signum();
        self.last_value.map(|value| (value * sign, self.last_possible * sign))
    }
}

fn exhaustion(look: &Look<'_>) -> Judged {
    let rows: Vec<Sequence> = look.rows(&SEQUENCES)?;
    let mut verdict = look.verdict().saying("no sequence has given a value");
    let before = earlier(look, &mut verdict);
    if let Some(row) = rows.first().filter(|row| row.unread > 0.0) {
        verdict.not_seen(format!(
            "{} not read: the role may not, or so many locks do not fit",
            words::amount(row.unread, "sequence")
        ));
    }
    for (place, row) in rows.iter().enumerate() {
        let Some((used, most)) = row.used() else { continue };
        let name = row.sequence.as_str();
        let left = most - used;
        let percent = if most > 0.0 { used / most * 100.0 } else { 100.0 };
        let what = if row.is_column { "of its column's values" } else { "of its values" };
        let mut says =
            format!("{name} has used {percent:.1}% {what}: {} left", words::count(left.max(0.0)));
        let speed = before.as_ref().and_then(|(values, seconds)| {
            let earlier = values.get(name)?;
            let gone = used - earlier;
            (gone > 0.0).then_some(gone / seconds)
        });
        if let Some(speed) = speed {
            says.push_str(&format!(", which last {} at today's speed", words::time(left / speed)));
        }
        // They come sorted: the first is the fullest.
        if place == 0 {
            verdict.says = format!("the fullest: {says}");
            verdict.measures.extend(look.measure("", name, used, Some(most)));
        }
        if let Some(level) = look.level("", name, used, Some(most)) {
            verdict.find(level, name, says).with_value(used);
        }
    }
    Ok(verdict)
}

/// The values of the earlier sample, where there is one, and the seconds in between.
fn earlier(look: &Look<'_>, verdict: &mut Verdict) -> Option<(BTreeMap<String, f64>, f64)> {
    let (rows, seconds) = look.perhaps_before::<Sequence>(&SEQUENCES, verdict)?;
    let used = |row: Sequence| row.used().map(|(used, _)| (row.sequence.clone(), used));
    Some((rows.into_iter().filter_map(used).collect(), seconds))
}

const BEHIND: Question =
    Question::of("sequences_behind", &[(130_000, sql::CHECK_SEQUENCES_BEHIND)]);

/// Either a sequence that is behind, or how many were looked at.
#[derive(Deserialize)]
struct Behind {
    sequence: Option<String>,
    table: Option<String>,
    column: Option<String>,
    next: Option<f64>,
    greatest: Option<f64>,
    asked: Option<f64>,
    unreadable: Option<f64>,
    /// Whose column no index leads.
    unindexed: Option<f64>,
    /// More than may be locked.
    over: Option<f64>,
    /// Of tables with children, or with partitions that are elsewhere.
    others: Option<f64>,
}

impl Behind {
    /// Of how many nothing is known, and why.
    fn unseen(&self) -> Vec<String> {
        let some = |number: Option<f64>, why: &str| {
            let number = number.filter(|number| *number > 0.0)?;
            Some(format!("{} {why}", words::amount(number, "sequence")))
        };
        let whys = [
            some(
                self.unreadable,
                "of columns whose values cannot be read, or that row security hides",
            ),
            some(self.unindexed, "of columns that no index begins with: only a scan would tell"),
            some(self.over, "not looked at: so many locks do not fit"),
        ];
        whys.into_iter().flatten().collect()
    }
}

fn behind(look: &Look<'_>) -> Judged {
    let rows: Vec<Behind> = look.rows(&BEHIND)?;
    let mut verdict = look.verdict();
    let mut unseen = Vec::new();
    for row in rows {
        if let (Some(asked), Some(others)) = (row.asked, row.others) {
            verdict.says = format!("{} ahead of their columns", words::amount(asked, "sequence"));
            if others > 0.0 {
                verdict.says.push_str(&format!(
                    "; {} not looked at: their tables have children, or partitions elsewhere",
                    words::amount(others, "other")
                ));
            }
        }
        unseen.extend(row.unseen());
        let (Some(sequence), Some(table), Some(column)) = (row.sequence, row.table, row.column)
        else {
            continue;
        };
        let (next, greatest) = (row.next.unwrap_or_default(), row.greatest.unwrap_or_default());
        let says = format!(
            "{sequence} gives {} next, but {table}.{column} goes up to {}",
            words::count(next),
            words::count(greatest)
        );
        let quoted = sql::quote_name(&column);
        verdict.find(Level::Critical, &sequence, says).with_value(greatest - next).with_remedy(
            format!(
                "SELECT setval({}, (SELECT max({quoted}) FROM {table}));",
                sql::quote_literal(&sequence)
            ),
        );
    }
    verdict.unseen = (!unseen.is_empty()).then(|| unseen.join("; "));
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn sequences_that_were_not_looked_at_are_unseen() {
        let judged = |name: &str| {
            let mut row = json!({"asked": 3, "unreadable": 0, "unindexed": 0, "over": 0,
                                 "others": 0});
            row[name] = json!(2);
            let check = CHECKS.iter().find(|check| check.id == "seq.behind").unwrap();
            Sample::of("sequences_behind", &[row]).judged(check).unwrap()
        };
        for (name, why) in [
            ("unreadable", "2 sequences of columns whose values cannot be read"),
            ("unindexed", "2 sequences of columns that no index begins with"),
            ("over", "2 sequences not looked at: so many locks do not fit"),
        ] {
            let unseen = judged(name).unseen.unwrap();
            assert!(unseen.starts_with(why), "{unseen}");
        }
        let verdict = judged("others");
        assert_eq!(verdict.unseen, None);
        assert!(verdict.says.contains("2 others not looked at"), "{}", verdict.says);
        assert_eq!(judged("asked").says, "2 sequences ahead of their columns");
        assert_eq!(judged("asked").unseen, None);
    }
}
