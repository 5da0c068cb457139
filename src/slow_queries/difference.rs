//! What was counted between two samples, without a reset.

use std::collections::HashMap;

use super::sample::{Counters, Sample};

/// Clocks of one server that was read twice: what is less apart is the same moment.
const SAME_SECONDS: i64 = 1;

/// A statement between two samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What was counted since.
    pub now: Counters,
    /// What the first sample had; none for a statement that is new.
    pub before: Option<Counters>,
    /// Matched by its text, as its id is another one now.
    pub by_text: bool,
}

/// What was counted between two samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// Statements of the second sample that ran in between.
    pub changes: Vec<Change>,
    /// Those that did not run in between.
    pub idle: Vec<Counters>,
    /// Those that only the first sample has.
    pub gone: Vec<Counters>,
    /// All counters were reset in between.
    pub reset: bool,
    /// Statements whose counters began anew in between.
    pub restarted: i64,
    /// Statements whose id is hidden in the second sample: they cannot be matched.
    pub hidden: i64,
    /// Statements that the first sample may have had without seeing them: hidden, or cut off.
    pub unknown: Vec<Counters>,
    /// How often statements were thrown out in between; none when that is not known.
    pub deallocated: Option<i64>,
}

type Key<'a> = (&'a str, &'a str, Option<&'a str>, Option<bool>);

/// The difference. What was reset or began anew in between counts from its beginning on.
///
/// # Errors
/// Why there is none: the samples are of two servers, or in the wrong order.
pub fn difference(before: &Sample, after: &Sample) -> Result<Difference, String> {
    if before.system_identifier != after.system_identifier {
        return Err(format!(
            "the saved sample is of another server: its system identifier is {}, this one's {}",
            before.system_identifier, after.system_identifier
        ));
    }
    if after.at.as_second() + SAME_SECONDS < before.at.as_second() {
        return Err(format!(
            "the saved sample is of {}, and the server's clock says {}",
            before.at, after.at
        ));
    }
    if let (Some(first), Some(second)) = (before.reset, after.reset)
        && first != second
        && second <= before.at
    {
        return Err(format!(
            "the statistics are others than those of the sample: they were reset at {second}, \
             before it was taken; another server of the cluster (a replica) has answered"
        ));
    }
    let blind = before.hidden > 0 || before.cut;
    // 1.8 does not tell who sent a statement.
    let told = |sample: &Sample| sample.statements.iter().all(|one| one.toplevel.is_some());
    let with_level = told(before) && told(after);
    let (first, second) = (merged(before, with_level), merged(after, with_level));
    let reset = matches!((before.reset, after.reset), (Some(a), Some(b)) if a != b);
    let mut found = Difference {
        reset,
        hidden: hidden(after),
        deallocated: before.dealloc.zip(after.dealloc).and_then(|(a, b)| (b >= a).then(|| b - a)),
        ..Difference::default()
    };
    let by_text = candidates(&first, &second);
    let mut matched: Vec<&Key<'_>> = Vec::new();
    for (key, now) in &second {
        let known = first.get(key);
        let renamed = known.is_none().then(|| text_key(now)).flatten();
        let renamed = renamed.and_then(|text| by_text.get(&text).copied().flatten());
        if let Some(key) = renamed {
            matched.push(key);
        }
        let earlier = known.or_else(|| renamed.and_then(|key| first.get(key)));
        let began_before = now.since.is_none_or(|since| since <= before.at);
        if earlier.is_none() && blind && !reset && began_before {
            found.unknown.push(now.clone());
            continue;
        }
        let anew = known.is_some_and(|known| began_anew(known, now, before, reset));
        found.restarted += i64::from(anew && !reset);
        let delta = match known {
            Some(known) if !anew => now.combined(known, -1),
            _ => now.clone(),
        };
        if delta.calls > 0 {
            found.changes.push(Change {
                now: delta,
                before: earlier.cloned(),
                by_text: renamed.is_some(),
            });
        } else {
            found.idle.push(now.clone());
        }
    }
    for (key, known) in &first {
        if !second.contains_key(key) && !matched.contains(&key) {
            found.gone.push(known.clone());
        }
    }
    // Maps have no order, and what is equal has to stand in the same one each time.
    found.changes.sort_by(|a, b| {
        let name = |one: &Change| (one.now.query_id.clone(), one.now.user.clone());
        b.now.total_ms.total_cmp(&a.now.total_ms).then_with(|| name(a).cmp(&name(b)))
    });
    Ok(found)
}

/// Counters that are smaller than before began anew: the statement was thrown out or reset.
fn began_anew(known: &Counters, now: &Counters, before: &Sample, reset: bool) -> bool {
    reset
        || now.since.is_some_and(|since| since > before.at)
        || now.calls < known.calls
        || now.total_ms + 1e-3 < known.total_ms
        || now.rows < known.rows
        || now.shared_hit < known.shared_hit
        || now.shared_read < known.shared_read
        || now.temp_written < known.temp_written
}

fn hidden(sample: &Sample) -> i64 {
    let count = sample.statements.iter().filter(|one| one.query_id.is_none()).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn key(one: &Counters, with_level: bool) -> Option<Key<'_>> {
    let level = one.toplevel.filter(|_| with_level);
    Some((one.query_id.as_deref()?, &one.user, one.database.as_deref(), level))
}

/// By key; an extension that is older than its server can have one key twice.
fn merged(sample: &Sample, with_level: bool) -> HashMap<Key<'_>, Counters> {
    let mut all: HashMap<Key<'_>, Counters> = HashMap::new();
    for one in &sample.statements {
        let Some(key) = key(one, with_level) else { continue };
        let sum = all.get(&key).map_or_else(|| one.clone(), |known| known.combined(one, 1));
        all.insert(key, sum);
    }
    all
}

type TextKey = (String, String, Option<String>);

fn text_key(one: &Counters) -> Option<TextKey> {
    Some((one.query.clone()?, one.user.clone(), one.database.clone()))
}

/// Statements of the first sample that the second one does not have, by text; none for a text
/// that several have.
fn candidates<'a, 'b>(
    first: &'a HashMap<Key<'b>, Counters>,
    second: &HashMap<Key<'_>, Counters>,
) -> HashMap<TextKey, Option<&'a Key<'b>>> {
    let mut found = HashMap::new();
    for (key, one) in first {
        let Some(text) = text_key(one).filter(|_| !second.contains_key(key)) else { continue };
        found.entry(text).and_modify(|known| *known = None).or_insert(Some(key));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: &str, statements: &[(&str, &str, i64, f64)]) -> Sample {
        let mut sample = Sample::new(at.parse().unwrap(), 7, 170_002);
        let counters = |&(id, query, calls, total_ms): &(&str, &str, i64, f64)| Counters {
            query_id: (!id.is_empty()).then(|| id.to_owned()),
            query: (!query.is_empty()).then(|| query.to_owned()),
            user: "app".into(),
            database: Some("shop".into()),
            toplevel: Some(true),
            calls,
            total_ms,
            ..Counters::default()
        };
        sample.statements = statements.iter().map(counters).collect();
        sample
    }

    const FIRST: &str = "2026-11-22T05:00:00Z";
    const SECOND: &str = "2026-11-22T06:00:00Z";

    #[test]
    fn only_what_ran_in_between_counts() {
        let before =
            sample(FIRST, &[("1", "a", 10, 100.0), ("2", "b", 5, 5.0), ("3", "c", 1, 1.0)]);
        let after =
            sample(SECOND, &[("1", "a", 14, 300.0), ("2", "b", 5, 5.0), ("4", "d", 2, 9.0)]);
        let found = difference(&before, &after).unwrap();
        let seen: Vec<_> = found
            .changes
            .iter()
            .map(|one| (one.now.query.as_deref().unwrap(), one.now.calls, one.now.total_ms))
            .collect();
        assert_eq!(seen, [("a", 4, 200.0), ("d", 2, 9.0)]);
        assert_eq!(found.changes[0].before.as_ref().unwrap().calls, 10);
        assert_eq!(found.changes[1].before, None);
        assert_eq!((found.idle.len(), found.gone.len()), (1, 1));
        assert_eq!((found.reset, found.restarted, found.deallocated), (false, 0, None));
    }

    #[test]
    fn a_reset_and_counters_that_begin_anew_are_noticed() {
        let mut before = sample(FIRST, &[("1", "a", 10, 100.0), ("2", "b", 10, 100.0)]);
        let mut after = sample(SECOND, &[("1", "a", 3, 30.0), ("2", "b", 12, 140.0)]);
        let found = difference(&before, &after).unwrap();
        assert_eq!((found.restarted, found.reset), (1, false));
        assert_eq!(found.changes[0].now.total_ms, 40.0);
        assert_eq!(found.changes[1].now.calls, 3, "since it began anew");
        before.reset = Some(FIRST.parse().unwrap());
        after.reset = Some(SECOND.parse().unwrap());
        let found = difference(&before, &after).unwrap();
        assert!(found.reset);
        // More calls than before the reset, and still all of them are since.
        assert_eq!(found.changes[0].now.calls, 12);
        after.reset = before.reset;
        after.statements[1].since = Some("2026-11-22T05:30:00Z".parse().unwrap());
        let found = difference(&before, &after).unwrap();
        assert_eq!((found.restarted, found.changes[0].now.calls), (2, 12), "{found:?}");
    }

    #[test]
    fn an_id_that_changed_is_found_by_its_text_when_there_is_one_such_text() {
        let before =
            sample(FIRST, &[("1", "a", 10, 100.0), ("2", "b", 1, 1.0), ("3", "b", 1, 1.0)]);
        let after = sample(SECOND, &[("8", "a", 2, 90.0), ("9", "b", 1, 1.0)]);
        let found = difference(&before, &after).unwrap();
        assert_eq!(found.changes[0].before.as_ref().unwrap().total_ms, 100.0);
        assert!(found.changes[0].by_text && !found.changes[1].by_text);
        assert_eq!(found.changes[1].before, None);
        assert_eq!(found.gone.len(), 2);
    }

    #[test]
    fn hidden_statements_match_nothing_and_levels_count_only_when_both_tell() {
        let mut before = sample(FIRST, &[("1", "a", 10, 100.0), ("", "", 1, 1.0)]);
        let mut after =
            sample(SECOND, &[("1", "a", 12, 130.0), ("1", "a", 1, 5.0), ("", "", 3, 3.0)]);
        after.statements[1].toplevel = Some(false);
        let found = difference(&before, &after).unwrap();
        assert_eq!((found.changes.len(), found.hidden), (2, 1));
        before.statements[0].toplevel = None;
        let found = difference(&before, &after).unwrap();
        assert_eq!(found.changes.len(), 1);
        assert_eq!((found.changes[0].now.calls, found.changes[0].now.total_ms), (3, 35.0));
    }

    #[test]
    fn two_servers_and_time_that_runs_backward_are_refused() {
        let before = sample(FIRST, &[]);
        let mut after = sample(SECOND, &[]);
        assert!(difference(&after, &before).unwrap_err().contains("clock"));
        after.system_identifier = "8".into();
        assert!(difference(&before, &after).unwrap_err().contains("another server"));
    }
}
