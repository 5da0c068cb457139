//! The write-ahead log: archiving, checkpoints, buffers and room.

use serde::Deserialize;

use super::limits::LimitSpec;
use super::look::Look;
use super::need::Need;
use super::question::Question;
use super::rate::Pair;
use super::registry::{Check, Kind};
use super::repl::{WAL_SETTINGS, WalSettings};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::{Level, Unit};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "wal.archiver",
        kind: Kind::Runtime,
        title: "archiving of the write-ahead log",
        why: "While archiving fails there is no point-in-time recovery past the last segment, and \
              what is not archived stays on the disk until it is full.",
        remedy: "Run archive_command by hand as the server's user and read the server's log; with \
                 a library see its own settings.",
        limits: &[LimitSpec::warn_above(
            "time since a segment was archived while others wait",
            Unit::Seconds,
            900.0,
        )],
        needs: &[],
        since: 130_000,
        asks: &[&ARCHIVER],
        judge: archiver,
    },
    Check {
        id: "wal.checkpoints",
        kind: Kind::Rate,
        title: "checkpoints that were asked for",
        why: "Checkpoints that come before their time, because max_wal_size is reached, write the \
              same blocks again and again and fill the log with whole pages. Those of commands \
              (CHECKPOINT, base backups, CREATE DATABASE) count too.",
        remedy: "Raise max_wal_size until checkpoints come by checkpoint_timeout.",
        limits: &[
            LimitSpec::above("share of the checkpoints of the period", Unit::Percent, 30.0, 60.0),
            LimitSpec::warn_above("checkpoints that are enough to judge by", Unit::Count, 10.0)
                .named("least"),
        ],
        needs: &[],
        since: 130_000,
        asks: &[&CHECKPOINTS],
        judge: checkpoints,
    },
    Check {
        id: "wal.buffers_full",
        kind: Kind::Rate,
        title: "full buffers of the write-ahead log",
        why: "When wal_buffers is full, a session has to write the log in the middle of its \
              statement, and all that write wait for it.",
        remedy: "Raise wal_buffers (64MB is plenty); it needs a restart.",
        limits: &[LimitSpec::warn_above("writes for want of room", Unit::PerSecond, 1.0)],
        needs: &[],
        since: 140_000,
        asks: &[&BUFFERS],
        judge: buffers_full,
    },
    Check {
        id: "wal.dir",
        kind: Kind::Runtime,
        title: "size of pg_wal",
        why: "A log that grows far beyond what the settings ask for is kept by a slot, a failing \
              archiver or a checkpoint that does not come; a full disk stops the server. SQL does \
              not tell how large the disk is: the limits are a share of max_wal_size + \
              wal_keep_size, or bytes.",
        remedy: "See wal.archiver, repl.slot_retained and repl.slot_inactive for what keeps it; \
                 never remove files of pg_wal by hand.",
        limits: &[LimitSpec::share("max_wal_size + wal_keep_size", Unit::Bytes, 200.0, 400.0)],
        needs: &[Need::WalDir],
        since: 130_000,
        asks: &[&DIRECTORY, &WAL_SETTINGS],
        judge: directory,
    },
];

const ARCHIVER: Question = Question::of("archiver", &[(130_000, sql::CHECK_ARCHIVER)]);

const CHECKPOINTS: Question = Question::of(
    "checkpoints",
    &[(130_000, sql::CHECK_CHECKPOINTS), (170_000, sql::CHECK_CHECKPOINTS_17)],
)
.compared();

const BUFFERS: Question =
    Question::of("wal_buffers", &[(140_000, sql::CHECK_WAL_BUFFERS)]).compared();

const DIRECTORY: Question = Question::of("wal_directory", &[(130_000, sql::CHECK_WAL_DIRECTORY)]);

#[derive(Deserialize)]
struct Archiver {
    mode: String,
    command: String,
    library: String,
    archived: f64,
    archived_segment: Option<String>,
    /// Epochs.
    archived_at: Option<f64>,
    failed_segment: Option<String>,
    failed_at: Option<f64>,
    since: Option<f64>,
    /// Written now; none on a standby.
    segment: Option<String>,
    segment_bytes: f64,
}

impl Archiver {
    /// Segments that are full and not archived; none where it cannot be told.
    fn waiting(&self) -> Option<f64> {
        let now = segment_number(self.segment.as_deref()?, self.segment_bytes)?;
        let last = segment_number(self.archived_segment.as_deref()?, self.segment_bytes)?;
        Some((now - last - 1.0).max(0.0))
    }
}

/// The number of a segment, from its name: timeline, position / 4 GiB, segment therein.
fn segment_number(name: &str, bytes: f64) -> Option<f64> {
    let part = |range| u32::from_str_radix(name.get(range)?, 16).ok().map(f64::from);
    // A file of history is no segment.
    part(0..8)?;
    Some(part(8..16)? * (4_294_967_296.0 / bytes) + part(16..24)?)
}

fn archiver(look: &Look<'_>) -> Judged {
    let told: Archiver = look.row(&ARCHIVER)?;
    if told.mode == "off" {
        return Err(Silence::not_applicable("archive_mode is off"));
    }
    if look.facts.server.in_recovery && told.mode != "always" {
        return Err(Silence::not_applicable("a standby archives with archive_mode = always only"));
    }
    let now = look.now();
    let ago = |at: f64| words::time((now - at).max(0.0));
    let waiting = told.waiting();
    let waits = waiting.filter(|count| *count > 0.0).map(|count| {
        let wait = if count > 1.0 { "wait" } else { "waits" };
        format!("{} {wait}", words::amount(count, "segment"))
    });
    let mut verdict = look.verdict();
    if let Some(count) = waiting {
        verdict.measure("waiting", count, Unit::Count);
    }
    if told.command.is_empty() && told.library.is_empty() {
        let says = "archiving is on, and there is no archive_command: the log is kept for ever";
        verdict.find(Level::Warning, "archive_command", says);
        return Ok(verdict);
    }
    if let Some(failed) = told.failed_at.filter(|at| told.archived_at.is_none_or(|ok| *at > ok)) {
        let last = told.archived_at.map(|at| format!("; the last success was {} ago", ago(at)));
        let says = format!(
            "archiving fails: {} could not be archived {} ago{}{}",
            told.failed_segment.as_deref().unwrap_or("a segment"),
            ago(failed),
            last.unwrap_or_else(|| "; none was archived yet".to_owned()),
            waits.map(|waits| format!("; {waits}")).unwrap_or_default()
        );
        verdict.find(Level::Critical, "archiver", says);
        return Ok(verdict);
    }
    let Some(since) = told.archived_at.or(told.since) else {
        return Err(Silence::unknown("the server does not tell when it archived"));
    };
    let age = (now - since).max(0.0);
    let level = look.level("", "archiver", age, None);
    match (waiting, waits, level) {
        (_, Some(waits), Some(level)) => {
            verdict.measures.extend(look.measure("", "archiver", age, None));
            let says = format!("nothing was archived for {}, and {waits}", words::time(age));
            verdict.find(level, "archiver", says).with_value(age);
        }
        // A command that hangs has not failed either.
        (None, _, Some(_)) => {
            let then = match look.facts.server.in_recovery {
                true => "; a standby archives what it gets from its primary",
                false => ": SELECT pg_switch_wal() makes it archive",
            };
            verdict.unseen = Some(format!(
                "nothing was archived since {} ago, and whether something waits is not told{then}",
                words::time(age)
            ));
        }
        _ if told.archived < 1.0 => {
            "nothing has been archived yet, nothing failed".clone_into(&mut verdict.says);
        }
        _ => verdict.says = format!("the last segment was archived {} ago", words::time(age)),
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Checkpoints {
    timed: f64,
    requested: f64,
    /// Epoch.
    stats_reset: Option<f64>,
}

fn checkpoints(look: &Look<'_>) -> Judged {
    let pair = Pair::<Checkpoints>::of(look, &CHECKPOINTS, |one| one.stats_reset)?;
    let requested = pair.grown(|one| one.requested)?;
    let all = requested + pair.grown(|one| one.timed)?;
    let period = words::time(pair.seconds);
    if all <= 0.0 || !look.is_enough("least", "server", all) {
        let why = format!("{} in {period}: too few to judge by", words::amount(all, "checkpoint"));
        return Err(Silence::not_applicable(why));
    }
    let percent = requested / all * 100.0;
    let says = format!(
        "{} of {} in {period} were asked for",
        words::count(requested),
        words::amount(all, "checkpoint")
    );
    Ok(look.weigh("requested", "server", percent, Some(100.0), says))
}

#[derive(Deserialize)]
struct Buffers {
    full_writes: f64,
    /// Epoch.
    stats_reset: Option<f64>,
}

fn buffers_full(look: &Look<'_>) -> Judged {
    let pair = Pair::<Buffers>::of(look, &BUFFERS, |one| one.stats_reset)?;
    let writes = pair.grown(|one| one.full_writes)?;
    let rate = writes / pair.seconds;
    let says = format!(
        "wal_buffers was full {} in {}: {rate:.2} a second",
        words::amount(writes, "time"),
        words::time(pair.seconds)
    );
    Ok(look.weigh("full", "server", rate, None, says))
}

#[derive(Deserialize)]
struct Directory {
    files: f64,
    bytes: f64,
}

fn directory(look: &Look<'_>) -> Judged {
    let found: Directory = look.row(&DIRECTORY)?;
    let settings: WalSettings = look.row(&WAL_SETTINGS)?;
    let most = settings.max_wal_size + settings.wal_keep_size;
    let says = format!(
        "pg_wal has {} in {}; max_wal_size + wal_keep_size is {}",
        words::bytes(found.bytes),
        words::amount(found.files, "file"),
        words::bytes(most)
    );
    Ok(look.weigh("pg_wal", "pg_wal", found.bytes, Some(most), says))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    fn check(id: &str) -> &'static Check {
        CHECKS.iter().find(|check| check.id == id).unwrap()
    }

    /// Ages in seconds; the server writes segment 5 of a log of 16 MiB.
    fn archiver_row(archived: Option<(&str, f64)>, failed: Option<f64>) -> Value {
        let at = |ago: f64| Sample::NOW - ago;
        json!({"mode": "on", "command": "cp %p /a/%f", "library": "",
               "archived": if archived.is_some() { 1 } else { 0 }, "failed": 0,
               "archived_segment": archived.map(|(name, _)| name),
               "archived_at": archived.map(|(_, ago)| at(ago)),
               "failed_segment": failed.map(|_| "000000010000000000000004"),
               "failed_at": failed.map(at), "since": at(86_400.0),
               "segment": "000000010000000100000005", "segment_bytes": 16_777_216})
    }

    #[test]
    fn the_archiver_fails_or_falls_behind_or_is_idle() {
        let judged = |row| Sample::of("archiver", &[row]).judged(check("wal.archiver")).unwrap();
        let level = |row| judged(row).findings.first().map(|finding| finding.level);
        let (behind, current) = ("000000010000000100000002", "000000010000000100000004");
        assert_eq!(level(archiver_row(Some((behind, 1000.0)), Some(10.0))), Some(Level::Critical));
        assert_eq!(level(archiver_row(None, Some(10.0))), Some(Level::Critical));
        // It has failed and gone on.
        assert_eq!(level(archiver_row(Some((current, 10.0)), Some(20.0))), None);
        assert_eq!(level(archiver_row(Some((behind, 1000.0)), None)), Some(Level::Warning));
        assert_eq!(level(archiver_row(Some((behind, 800.0)), None)), None);
        // Quiet, not behind.
        assert_eq!(level(archiver_row(Some((current, 90_000.0)), None)), None);
        let hangs = judged(archiver_row(None, None));
        assert!(hangs.findings.is_empty() && hangs.unseen.is_some());
    }

    #[test]
    fn where_nobody_tells_what_waits_only_recent_archiving_is_healthy() {
        let unseen = |row, in_recovery| {
            let mut sample = Sample::of("archiver", &[row]);
            sample.facts.server.in_recovery = in_recovery;
            let verdict = sample.judged(check("wal.archiver")).unwrap();
            assert!(verdict.findings.is_empty());
            verdict.unseen
        };
        let standby = |ago| {
            let mut row = archiver_row(Some(("000000010000000100000002", ago)), None);
            row["mode"] = json!("always");
            row["segment"] = Value::Null;
            unseen(row, true)
        };
        assert_eq!(standby(800.0), None);
        assert!(!standby(1000.0).unwrap().contains("pg_switch_wal"));
        // After a promotion the last one is no segment.
        let promoted = |ago| unseen(archiver_row(Some(("00000002.history", ago)), None), false);
        assert_eq!(promoted(800.0), None);
        assert!(promoted(1000.0).unwrap().contains("pg_switch_wal"));
    }

    #[test]
    fn segments_are_counted_over_the_end_of_a_log() {
        assert_eq!(segment_number("0000000100000001000000FF", 16_777_216.0), Some(511.0));
        assert_eq!(segment_number("000000020000000200000000", 16_777_216.0), Some(512.0));
        assert_eq!(segment_number("00000002.history", 16_777_216.0), None);
    }

    #[test]
    fn requested_checkpoints_count_from_ten_on() {
        let sample = |timed, requested| {
            Sample::of("checkpoints", &[json!({"timed": timed, "requested": requested})])
        };
        let judge = |timed, requested| {
            let two = sample(100 + timed, 50 + requested).after(3600.0, &sample(100, 50));
            two.judged(check("wal.checkpoints"))
        };
        let level = |timed, requested| {
            judge(timed, requested).unwrap().findings.first().map(|finding| finding.level)
        };
        assert_eq!(level(8, 2), None);
        assert_eq!(level(7, 3), Some(Level::Warning));
        assert_eq!(level(4, 6), Some(Level::Critical));
        assert!(matches!(judge(0, 9), Err(Silence::NotApplicable(_))));
        assert!(matches!(judge(-1, 30), Err(Silence::Unknown(_))));
        let one = sample(1, 1).judged(check("wal.checkpoints"));
        assert!(matches!(one, Err(Silence::NotApplicable(_))));
    }

    #[test]
    fn counters_that_began_anew_are_unknown_though_they_are_larger() {
        for (id, question, counters) in [
            ("wal.checkpoints", "checkpoints", json!({"timed": 5, "requested": 5})),
            ("wal.buffers_full", "wal_buffers", json!({"full_writes": 5})),
        ] {
            let sample = |times: f64, reset: Option<f64>| {
                let grown = |(name, value): (&String, &Value)| {
                    (name.clone(), json!(value.as_f64().unwrap() * times))
                };
                let mut row: Value = counters.as_object().unwrap().iter().map(grown).collect();
                row["stats_reset"] = json!(reset);
                Sample::of(question, &[row])
            };
            let judge = |reset| {
                let two = sample(9.0, reset).after(60.0, &sample(1.0, Some(1.0)));
                two.judged(check(id))
            };
            assert!(judge(Some(1.0)).is_ok(), "{id}");
            for reset in [Some(2.0), None] {
                assert!(matches!(judge(reset), Err(Silence::Unknown(_))), "{id}");
            }
        }
    }

    #[test]
    fn full_buffers_are_a_rate() {
        let sample = |full| Sample::of("wal_buffers", &[json!({"full_writes": full})]);
        let found = |full| {
            let two = sample(full).after(60.0, &sample(0));
            two.judged(check("wal.buffers_full")).unwrap().findings.len()
        };
        assert_eq!([found(59), found(60)], [0, 1]);
    }

    #[test]
    fn the_log_is_compared_with_what_the_settings_ask_for() {
        let found = |bytes: f64| {
            let settings = json!({"max_slot_wal_keep_size": null, "max_wal_size": 1e9,
                                  "wal_keep_size": 1e9});
            let rows = [json!({"files": 9, "bytes": bytes})];
            let sample = Sample::of("wal_directory", &rows);
            let sample = sample.with("replication_settings", &[settings]);
            let verdict = sample.judged(check("wal.dir")).unwrap();
            verdict.findings.first().map(|finding| finding.level)
        };
        assert_eq!(
            [3.9e9, 4e9, 8e9].map(found),
            [None, Some(Level::Warning), Some(Level::Critical)]
        );
    }
}
