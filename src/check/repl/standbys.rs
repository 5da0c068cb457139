//! Standbys and subscribers: from the side of who is followed, and of who follows.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const LAG: Check = Check {
    id: "repl.lag",
    kind: Kind::Runtime,
    title: "how far standbys are behind",
    why: "What a standby has not replayed is not there when it is read, and is lost or delays the \
          takeover when the primary fails; a primary with slots keeps its log for it meanwhile.",
    remedy: "Look at the standby: its network, its disk, and queries that stop the replay \
             (pg_stat_database_conflicts, max_standby_streaming_delay).",
    limits: &[
        LimitSpec::above("bytes of WAL that are not replayed", Unit::Bytes, 100e6, 1e9),
        LimitSpec::above("time that the last replay took", Unit::Seconds, 60.0, 600.0)
            .named("time"),
    ],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&STANDBYS],
    judge: lag,
};

pub const STANDBY_LAG: Check = Check {
    id: "repl.standby_lag",
    kind: Kind::Runtime,
    title: "how far this standby is behind",
    why: "Who reads from a standby reads the past; when its receiver has stopped, nothing on the \
          standby tells how much has happened since.",
    remedy: "Resume the replay, end the queries that it waits for, or repair the connection to \
             the primary (primary_conninfo, the slot, the server's log).",
    limits: &[LimitSpec::above(
        "age of the last replayed transaction while there is more to replay",
        Unit::Seconds,
        60.0,
        600.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&REPLAY],
    judge: standby_lag,
};

pub const EXPECTED: Check = Check {
    id: "repl.expected",
    kind: Kind::Runtime,
    title: "standbys that have to be there",
    why: "A standby that is gone is missed when the primary fails; nothing else on the primary \
          says that it is not there.",
    remedy: "Start the standby, see in its log why it does not connect (its application_name is \
             the name that counts), or take it out of [check] standbys.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&STANDBYS],
    judge: expected,
};

pub const STANDBYS: Question = Question::of("standbys", &[(130_000, sql::CHECK_STANDBYS)]);

const REPLAY: Question = Question::of("replay", &[(130_000, sql::CHECK_REPLAY)]);

#[derive(Deserialize)]
pub struct Standby {
    application: String,
    client: Option<String>,
    state: Option<String>,
    sync: Option<String>,
    pub bytes: Option<f64>,
    pub seconds: Option<f64>,
}

impl Standby {
    /// Its name; with its address where others have the same name.
    pub fn name(&self, all: &[Self]) -> String {
        let name = match self.application.as_str() {
            "" => "(without a name)",
            name => name,
        };
        let same = all.iter().filter(|other| other.application == self.application).count();
        match &self.client {
            Some(client) if same > 1 => format!("{name}@{client}"),
            _ => name.to_owned(),
        }
    }
}

fn lag(look: &Look<'_>) -> Judged {
    let standbys: Vec<Standby> = look.rows(&STANDBYS)?;
    if standbys.is_empty() {
        return Err(Silence::not_applicable("nobody streams from this server"));
    }
    let count = words::amount(standbys.len() as f64, "follower");
    let mut verdict = look.verdict().saying(format!("{count}, none of them far behind"));
    let mut hidden = Vec::new();
    for standby in &standbys {
        let name = standby.name(&standbys);
        // Behind what is received by a server that goes on receiving: less than nothing.
        let Some(bytes) = standby.bytes.map(|bytes| bytes.max(0.0)) else {
            hidden.push(name);
            continue;
        };
        verdict.measures.extend(look.measure("", &name, bytes, None));
        // A follower that has nothing to do, or has not yet replayed anything, has no time.
        let seconds = standby.seconds;
        if let Some(mut measure) =
            seconds.and_then(|seconds| look.measure("time", &name, seconds, None))
        {
            measure.name = format!("{name} time");
            verdict.measures.push(measure);
        }
        let by_time = seconds.and_then(|seconds| look.level("time", &name, seconds, None));
        let Some(level) = look.level("", &name, bytes, None).max(by_time) else { continue };
        let states = [standby.state.as_deref(), standby.sync.as_deref()];
        let states: Vec<&str> = states.into_iter().flatten().collect();
        let took =
            seconds.map(|seconds| format!(", its last replay took {}", words::time(seconds)));
        let says = format!(
            "{name} is {} behind{} ({})",
            words::bytes(bytes),
            took.unwrap_or_default(),
            states.join(", ")
        );
        verdict.find(level, name, says).with_value(bytes);
    }
    if !hidden.is_empty() {
        verdict.unseen = Some(format!("the position of {} is not told", hidden.join(", ")));
    }
    Ok(verdict)
}

#[derive(Deserialize)]
struct Replay {
    receiving: bool,
    paused: bool,
    bytes: Option<f64>,
    replayed_seconds: Option<f64>,
}

fn standby_lag(look: &Look<'_>) -> Judged {
    let rows: Vec<Replay> = look.rows(&REPLAY)?;
    let Some(replay) = rows.first() else {
        return Err(Silence::not_applicable("it is no standby"));
    };
    let bytes = replay.bytes.map(|bytes| bytes.max(0.0));
    if replay.receiving && bytes.is_none() {
        return Err(Silence::unknown("how much is received and not replayed is not told"));
    }
    // With everything replayed the age of the last transaction says how quiet the primary is.
    let is_done = bytes.is_some_and(|bytes| bytes <= 0.0);
    let seconds = match replay.receiving && is_done {
        true => Some(0.0),
        false => replay.replayed_seconds,
    };
    let mut verdict = look.verdict();
    if is_done {
        verdict.says = "all that was received is replayed".to_owned();
    }
    let paused = if replay.paused { "; the replay is paused" } else { "" };
    if let Some(seconds) = seconds {
        verdict.measures.extend(look.measure("", "replay", seconds, None));
        let wait = bytes.map(|bytes| format!(", and {} wait", words::bytes(bytes)));
        let says = format!(
            "the last replayed transaction is {} old{}{paused}",
            words::time(seconds),
            wait.unwrap_or_default()
        );
        if let Some(level) = look.level("", "replay", seconds, None) {
            let finding = verdict.find(level, "replay", &says).with_value(seconds);
            if replay.paused {
                finding.with_remedy("SELECT pg_wal_replay_resume();");
            }
        }
        if !is_done {
            verdict.says = says;
        }
    } else {
        verdict.unseen = Some("no transaction was replayed since it started".to_owned());
    }
    if !replay.receiving {
        let last = replay.replayed_seconds.map(|seconds| {
            format!("; the last transaction that it replayed is {} old", words::time(seconds))
        });
        verdict.unseen = Some(format!(
            "nothing streams from the primary to here: what it has written since is not known{}",
            last.unwrap_or_default()
        ));
    }
    Ok(verdict)
}

fn expected(look: &Look<'_>) -> Judged {
    if look.settings.standbys.is_empty() {
        return Err(Silence::not_applicable("pgtend.toml has no [check] standbys"));
    }
    if look.facts.server.in_recovery {
        return Err(Silence::not_applicable("it is a standby: the primary is asked for them"));
    }
    let standbys: Vec<Standby> = look.rows(&STANDBYS)?;
    let says = format!("all are there: {}", look.settings.standbys.join(", "));
    let mut verdict = look.verdict().saying(says);
    for name in &look.settings.standbys {
        if !standbys.iter().any(|standby| standby.application == *name) {
            let says = format!("the standby {name} does not stream from here");
            verdict.find(Level::Critical, name, says);
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::sample::Sample;

    fn standby(name: &str, client: &str, bytes: f64) -> serde_json::Value {
        serde_json::json!({"application": name, "client": client, "state": "streaming",
                           "sync": "async", "bytes": bytes, "seconds": null})
    }

    #[test]
    fn standbys_of_one_name_are_told_apart() {
        let rows = [standby("w", "10.0.0.1", 2e8), standby("w", "10.0.0.2", 2e9)];
        let verdict = Sample::of("standbys", &rows).judged(&LAG).unwrap();
        let found: Vec<_> = verdict.findings.iter().map(|f| (f.object.as_str(), f.level)).collect();
        assert_eq!(found, [("w@10.0.0.1", Level::Warning), ("w@10.0.0.2", Level::Critical)]);
    }

    #[test]
    fn a_position_that_is_not_told_is_unknown() {
        let rows = [serde_json::json!({"application": "w", "client": null, "state": null,
                                       "sync": null, "bytes": null, "seconds": null})];
        let verdict = Sample::of("standbys", &rows).judged(&LAG).unwrap();
        assert!(verdict.unseen.unwrap().contains('w'));
    }

    #[test]
    fn a_time_that_was_not_measured_is_not_none() {
        let of = |seconds: Option<f64>| {
            let mut row = standby("w", "10.0.0.1", 2e8);
            row["seconds"] = seconds.into();
            let verdict = Sample::of("standbys", &[row]).judged(&LAG).unwrap();
            let names: Vec<String> = verdict.measures.into_iter().map(|one| one.name).collect();
            (names, verdict.findings[0].says.clone())
        };
        let (names, says) = of(None);
        assert_eq!(names, ["w"]);
        assert!(!says.contains("replay took"), "{says}");
        let (names, says) = of(Some(61.0));
        assert_eq!(names, ["w", "w time"]);
        assert!(says.contains("its last replay took 61"), "{says}");
    }

    #[test]
    fn bytes_that_are_not_told_are_not_none() {
        let judged = |receiving: bool| {
            let row = serde_json::json!({"receiving": receiving, "paused": false, "bytes": null,
                                         "replayed_seconds": 61.0});
            Sample::of("replay", &[row]).judged(&STANDBY_LAG)
        };
        assert!(matches!(judged(true), Err(Silence::Unknown(_))));
        // Files are replayed: nobody knows how many are to come.
        let verdict = judged(false).unwrap();
        let says = &verdict.findings[0].says;
        assert!(!says.contains("wait") && !says.contains("all that was received"), "{says}");
        assert!(verdict.unseen.is_some());
    }

    #[test]
    fn without_a_receiver_there_is_no_all_clear() {
        let replay = |receiving, bytes, seconds| {
            let row = serde_json::json!({"receiving": receiving, "paused": false, "bytes": bytes,
                                         "replayed_seconds": seconds});
            Sample::of("replay", &[row]).judged(&STANDBY_LAG).unwrap()
        };
        let quiet = replay(true, 0.0, 9999.0);
        assert_eq!((quiet.findings.len(), quiet.unseen), (0, None));
        assert_eq!(replay(true, 10.0, 61.0).findings[0].level, Level::Warning);
        assert_eq!(replay(true, 10.0, 601.0).findings[0].level, Level::Critical);
        assert!(replay(false, 0.0, 1.0).unseen.unwrap().contains("nothing streams"));
    }
}
