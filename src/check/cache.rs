//! The cache: how often a block was there.

use super::counters::{Between, COUNTERS, Counters};
use super::limits::LimitSpec;
use super::look::Look;
use super::rate::is_enough;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::Unit;

/// The family.
pub const CHECKS: &[Check] = &[Check {
    id: "cache.hit",
    kind: Kind::Runtime,
    title: "blocks that were in shared_buffers",
    why: "A block that is not in shared_buffers comes from the operating system or the disk, a \
          hundred to ten thousand times slower. With an earlier sample the time since then counts, \
          else all since the statistics began.",
    remedy: "Find the statements that read much (pgtend slow-queries --sort io): a missing index \
             costs more than a small cache; then give shared_buffers a quarter of the memory.",
    limits: &[
        LimitSpec::below("share of the block reads", Unit::Percent, 99.0, 95.0),
        LimitSpec::warn_above("block reads that are enough to judge by", Unit::Count, 1e6)
            .named("least"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&COUNTERS],
    judge: hit,
}];

fn hit(look: &Look<'_>) -> Judged {
    let counters: Counters = look.row(&COUNTERS)?;
    let since = Between::of(look).ok().map(|between| {
        let (hit, read) = (between.grown(|one| one.blks_hit), between.grown(|one| one.blks_read));
        (hit, hit + read, format!("in {}", words::time(between.seconds)))
    });
    let whole = (
        counters.blks_hit,
        counters.blks_hit + counters.blks_read,
        "since the statistics began".to_owned(),
    );
    let (hit, all, period) = since.filter(|(_, all, _)| is_enough(look, *all)).unwrap_or(whole);
    if all <= 0.0 || !is_enough(look, all) {
        let why = format!("{} {period}: too few to judge by", words::amount(all, "block read"));
        return Err(Silence::not_applicable(why));
    }
    let percent = hit / all * 100.0;
    let database = &look.facts.server.database;
    let says = format!(
        "{percent:.2}% of {} {period} were in shared_buffers",
        words::amount(all, "block read")
    );
    let mut verdict = look.verdict().saying(&says);
    verdict.measures.extend(look.measure("", database, percent, None));
    if let Some(level) = look.level("", database, percent, None) {
        verdict.find(level, database, says).with_value(percent);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::report::check::Level;

    fn sample(hit: f64, read: f64) -> Sample {
        Sample::of("database_counters", &[json!({"blks_hit": hit, "blks_read": read})])
    }

    #[test]
    fn few_reads_say_nothing_and_new_ones_count_more_than_old_ones() {
        let level = |sample: Sample| {
            sample.judged(&CHECKS[0]).map(|verdict| verdict.findings.first().map(|one| one.level))
        };
        assert_eq!(level(sample(1e6, 1e3)), Ok(None));
        assert_eq!(level(sample(9.8e5, 2e4)), Ok(Some(Level::Warning)));
        assert_eq!(level(sample(9e5, 1e5)), Ok(Some(Level::Critical)));
        assert!(matches!(level(sample(1e5, 8e5)), Err(Silence::NotApplicable(_))));
        let old = sample(1e9, 0.0);
        assert_eq!(level(sample(1.001e9, 1e5).after(60.0, &old)), Ok(Some(Level::Critical)));
        assert_eq!(level(sample(1.0001e9, 1e5).after(60.0, &old)), Ok(None));
    }
}
