//! Reading and writing: temporary files, and who writes the blocks.

use serde::Deserialize;

use super::counters::{Between, COUNTERS};
use super::limits::LimitSpec;
use super::look::Look;
use super::question::Question;
use super::rate::{RESET, grown};
use super::registry::{Check, Kind};
use super::stmt::{TOP, most_temporary};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::Unit;
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "io.temp",
        kind: Kind::Rate,
        title: "temporary files",
        why: "A sort or a hash that does not fit work_mem goes through files, which is slow and \
              takes disk from all others.",
        remedy: "Find the statements (pgtend slow-queries --sort temp) and raise work_mem for \
                 their role alone: ALTER ROLE .. SET work_mem; log_temp_files names them in the \
                 server's log.",
        limits: &[LimitSpec::above("bytes written", Unit::BytesPerHour, 1e9, 1e10)],
        needs: &[],
        since: 130_000,
        asks: &[&COUNTERS, &TOP],
        judge: temp,
    },
    Check {
        id: "io.backend_writes",
        kind: Kind::Rate,
        title: "blocks that sessions had to write themselves",
        why: "A session that needs a buffer and finds only changed ones writes one first, in the \
              middle of its statement: the background writer and checkpoints should have done it.",
        remedy: "Raise bgwriter_lru_maxpages and shared_buffers; checkpoints that come more often \
                 help too.",
        limits: &[
            LimitSpec::warn_above("share of the blocks written", Unit::Percent, 30.0),
            LimitSpec::warn_above("blocks that are enough to judge by", Unit::Count, 1000.0)
                .named("least"),
        ],
        needs: &[],
        since: 160_000,
        asks: &[&WRITES],
        judge: backend_writes,
    },
];

const WRITES: Question =
    Question::of("relation_writes", &[(160_000, sql::CHECK_RELATION_WRITES)]).compared();

fn temp(look: &Look<'_>) -> Judged {
    let between = Between::of(look)?;
    let bytes = between.grown(|one| one.temp_bytes);
    let rate = bytes / between.seconds * 3600.0;
    let database = &look.facts.server.database;
    let says = format!(
        "{} with {} in {}: {} an hour",
        words::amount(between.grown(|one| one.temp_files), "temporary file"),
        words::bytes(bytes),
        words::time(between.seconds),
        words::bytes(rate)
    );
    let mut verdict = look.verdict().saying(&says);
    verdict.measures.extend(look.measure("", database, rate, None));
    if let Some(level) = look.level("", database, rate, None) {
        let most = most_temporary(look).map(|most| format!("; most so far by {most}"));
        let says = format!("{says}{}", most.unwrap_or_default());
        verdict.find(level, database, says).with_value(rate);
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Writer {
    writer: String,
    writes: f64,
    stats_reset: Option<f64>,
}

fn backend_writes(look: &Look<'_>) -> Judged {
    let now: Vec<Writer> = look.rows(&WRITES)?;
    let (before, seconds) = look.before::<Writer>(&WRITES)?;
    let (mut own, mut all) = (0.0, 0.0);
    for writer in &now {
        let then = before.iter().find(|then| then.writer == writer.writer);
        if then.is_some_and(|then| then.stats_reset != writer.stats_reset) {
            return Err(Silence::unknown(RESET));
        }
        let writes = grown(then.map_or(0.0, |then| then.writes), writer.writes)?;
        all += writes;
        if writer.writer == "client backend" {
            own += writes;
        }
    }
    let period = words::time(seconds);
    if all <= 0.0 || !look.is_enough("least", "sessions", all) {
        let blocks = words::amount(all, "block");
        let why = format!("{blocks} written in {period}: too few to judge by");
        return Err(Silence::not_applicable(why));
    }
    let percent = own / all * 100.0;
    let says = format!(
        "sessions wrote {} of {} in {period} themselves ({percent:.0}%)",
        words::count(own),
        words::amount(all, "block")
    );
    Ok(look.weigh("sessions", "sessions", percent, Some(100.0), says))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::report::check::Level;

    #[test]
    fn temporary_files_are_counted_by_the_hour() {
        let sample = |bytes: f64| Sample::of("database_counters", &[json!({"temp_bytes": bytes})]);
        let level = |bytes| {
            let two = sample(bytes).after(1800.0, &sample(0.0));
            two.judged(&CHECKS[0]).unwrap().findings.first().map(|finding| finding.level)
        };
        assert_eq!([4e8, 6e8, 6e9].map(level), [None, Some(Level::Warning), Some(Level::Critical)]);
    }

    #[test]
    fn sessions_that_write_are_a_share_of_all_writers() {
        let sample = |own: f64, others: f64, reset: f64| {
            let row =
                |writer, writes| json!({"writer": writer, "writes": writes, "stats_reset": reset});
            let rows = [row("client backend", own), row("checkpointer", others)];
            Sample::of("relation_writes", &rows)
        };
        let judge = |own, others| {
            let two = sample(own, others, 1.0).after(60.0, &sample(10.0, 10.0, 1.0));
            two.judged(&CHECKS[1])
        };
        assert_eq!(judge(110.0, 1910.0).unwrap().findings.len(), 0);
        assert_eq!(judge(1010.0, 1010.0).unwrap().findings.len(), 1);
        assert!(matches!(judge(110.0, 110.0), Err(Silence::NotApplicable(_))));
        let reset = sample(1e4, 1e4, 2.0).after(60.0, &sample(1.0, 1.0, 1.0));
        assert!(matches!(reset.judged(&CHECKS[1]), Err(Silence::Unknown(_))));
    }
}
