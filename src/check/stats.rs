//! The statistics themselves: how long they have been collected.

use super::counters::{COUNTERS, Counters};
use super::limits::LimitSpec;
use super::look::Look;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use super::words;
use crate::report::check::{Level, Unit};

/// The family.
pub const CHECKS: &[Check] = &[Check {
    id: "stats.age",
    kind: Kind::Runtime,
    title: "age of the statistics",
    why: "Checks of what was used and counted (unused indexes, cache hits) are worth as much as \
          the time in which it was counted.",
    remedy: "Wait before you believe counters that are young; nothing has to be repaired.",
    limits: &[LimitSpec {
        critical: None,
        ..LimitSpec::below("age", Unit::Seconds, 7.0 * 86_400.0, 0.0)
    }],
    needs: &[],
    since: 130_000,
    asks: &[&COUNTERS],
    judge: age,
}];

fn age(look: &Look<'_>) -> Judged {
    let counters: Counters = look.row(&COUNTERS)?;
    let now = look.now();
    let running = (now - counters.server_start).max(0.0);
    // From 15 on there is no time until somebody resets them. They outlive a shutdown and not a
    // crash: what is certain is the time since the start.
    let (object, seconds, says) = match counters.stats_reset {
        Some(reset) => {
            let seconds = (now - reset).max(0.0);
            let says = format!("the statistics were reset {} ago", words::time(seconds));
            ("reset", seconds, says)
        }
        None => {
            let says = format!(
                "the statistics were never reset; the server runs for {}, and they are at least \
                 as old",
                words::time(running)
            );
            ("start", running, says)
        }
    };
    let mut verdict = look.verdict().saying(&says);
    verdict.measures.extend(look.measure("", "statistics", seconds, None));
    if look.level("", object, seconds, None).is_some() {
        // It is no fault: it only says how much the others are worth.
        verdict.find(Level::Info, object, says).with_value(seconds);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn without_a_reset_the_start_of_the_server_counts() {
        let ago = |days: f64| Sample::NOW - days * 86_400.0;
        let found = |reset: Option<f64>, start: f64| {
            let reset = reset.map_or(Value::Null, |days| json!(ago(days)));
            let row = json!({"stats_reset": reset, "server_start": ago(start)});
            let verdict = Sample::of("database_counters", &[row]).judged(&CHECKS[0]).unwrap();
            let first = verdict.findings.first().map(|one| (one.object.clone(), one.level));
            (first, verdict.says)
        };
        let info = |object: &str| Some((object.to_owned(), Level::Info));
        assert_eq!(found(Some(2.0), 30.0).0, info("reset"));
        assert_eq!(found(Some(8.0), 1.0).0, None);
        assert_eq!(found(None, 1.0).0, info("start"));
        let (none, says) = found(None, 8.0);
        assert_eq!(none, None);
        assert!(says.contains("never reset; the server runs for 8 days"), "{says}");
    }
}
