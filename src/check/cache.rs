//! The cache: how often a block was there.

use super::counters::{Between, COUNTERS, Counters};
use super::limits::LimitSpec;
use super::look::Look;
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
    let mut whole_period = "since the statistics began".to_owned();
    let since = match Between::of(look) {
        Ok(between) => {
            let hit = between.grown(|one| one.blks_hit);
            let all = hit + between.grown(|one| one.blks_read);
            Some((hit, all, format!("in {}", words::time(between.seconds))))
        }
        Err(Silence::NotApplicable(_)) => None,
        Err(Silence::Unknown(why)) => {
            whole_period.push_str(&format!(" ({why})"));
            None
        }
    };
    let whole = (counters.blks_hit, counters.blks_hit + counters.blks_read, whole_period);
    let database = &look.facts.server.database;
    let is_enough = |all| look.is_enough("least", database, all);
    let (hit, all, period) = since.filter(|(_, all, _)| is_enough(*all)).unwrap_or(whole);
    if all <= 0.0 || !is_enough(all) {
        let why = format!("{} {period}: too few to judge by", words::amount(all, "block read"));
        return Err(Silence::not_applicable(why));
    }
    let percent = hit / all * 100.0;
    let says = format!(
        "{percent:.2}% of {} {period} were in shared_buffers",
        words::amount(all, "block read")
    );
    Ok(look.weigh(database, database, percent, None, says))
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

    #[test]
    fn an_earlier_sample_that_says_nothing_is_told() {
        let mut earlier = sample(1e9, 0.0);
        let says = |earlier: &Sample| {
            sample(2e9, 1e5).after(60.0, earlier).judged(&CHECKS[0]).unwrap().says
        };
        assert!(says(&earlier).contains("block reads in 60.0 s"), "{}", says(&earlier));
        earlier.facts.answers.clear();
        let why = "since the statistics began (database_counters was not asked)";
        assert!(says(&earlier).contains(why), "{}", says(&earlier));
    }

    #[test]
    fn a_database_can_have_its_own_floor() {
        let judged = |place: &str| {
            let mut sample = sample(9e5, 1e5).limited(&CHECKS[0], place, Some("10M"), None);
            sample.facts.server.database = "shop".to_owned();
            sample.judged(&CHECKS[0])
        };
        assert!(matches!(judged("cache.hit/least:shop"), Err(Silence::NotApplicable(_))));
        assert!(judged("cache.hit/least:other").is_ok());
    }
}
