//! Replication slots: what they keep, and whether anybody still needs it.

use serde::Deserialize;

use crate::check::conf::change;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Verdict};
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const INACTIVE: Check = Check {
    id: "repl.slot_inactive",
    kind: Kind::Runtime,
    title: "replication slots that nobody reads",
    why: "A slot keeps the write-ahead log, and a logical one the dead rows of the catalog, for \
          its reader; when the reader is gone the disk fills up.",
    remedy: "Start the reader again, or drop the slot: SELECT pg_drop_replication_slot('name'). \
             Before PostgreSQL 17 the server does not tell since when nobody reads: two samples \
             (--state) give a lower bound.",
    limits: &[LimitSpec::above("time without a reader", Unit::Seconds, 900.0, 21_600.0)],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS],
    judge: inactive,
};

pub const RETAINED: Check = Check {
    id: "repl.slot_retained",
    kind: Kind::Runtime,
    title: "write-ahead log that slots keep",
    why: "What a slot keeps cannot be removed: it ends at a full disk and a server that stands \
          still. SQL does not tell how large the disk is, so the limits are bytes, and a share \
          of max_slot_wal_keep_size where that is set: beyond it the slot is lost.",
    remedy: "Let the slot's reader catch up, or drop the slot; set max_slot_wal_keep_size.",
    limits: &[
        LimitSpec::above("bytes kept for one slot", Unit::Bytes, 10e9, 40e9),
        LimitSpec::share("max_slot_wal_keep_size", Unit::Bytes, 50.0, 80.0).named("share"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS, &SETTINGS],
    judge: retained,
};

pub const STATUS: Check = Check {
    id: "repl.slot_status",
    kind: Kind::Runtime,
    title: "replication slots that are lost or about to be",
    why: "A slot whose log was removed cannot be read any more: its standby or subscriber has to \
          be made anew.",
    remedy: "Drop the slot and make its standby or subscription again; raise \
             max_slot_wal_keep_size for those that are about to be lost.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS],
    judge: status,
};

pub const UNBOUNDED: Check = Check {
    id: "repl.slot_unbounded",
    kind: Kind::Static,
    title: "slots without a bound for what they keep",
    why: "With max_slot_wal_keep_size = -1 one forgotten slot fills the disk and stops the \
          server; with a bound it is the slot that is lost.",
    remedy: "Set max_slot_wal_keep_size to what the disk can spare.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS, &SETTINGS],
    judge: unbounded,
};

pub const SLOTS: Question = Question::of(
    "replication_slots",
    &[
        (130_000, sql::CHECK_REPLICATION_SLOTS),
        (160_000, sql::CHECK_REPLICATION_SLOTS_16),
        (170_000, sql::CHECK_REPLICATION_SLOTS_17),
    ],
)
.compared();

/// What bounds the write-ahead log.
pub const SETTINGS: Question =
    Question::of("replication_settings", &[(130_000, sql::CHECK_REPLICATION_SETTINGS)]);

#[derive(Deserialize)]
pub struct Slot {
    pub slot: String,
    kind: String,
    active: bool,
    pub temporary: bool,
    wal_status: Option<String>,
    safe_bytes: Option<f64>,
    pub retained: Option<f64>,
    /// Epoch.
    inactive_since: Option<f64>,
    conflicting: bool,
    invalidation_reason: Option<String>,
    /// Kept in step with the primary's by the server itself.
    synced: bool,
}

impl Slot {
    pub fn is_lost(&self) -> bool {
        self.conflicting
            || self.invalidation_reason.is_some()
            || self.wal_status.as_deref() == Some("lost")
    }
}

/// How a slot is dropped that nobody reads any more.
pub fn drop_statement(slot: &str) -> String {
    format!("SELECT pg_drop_replication_slot({});", sql::quote_literal(slot))
}

#[derive(Deserialize)]
pub struct WalSettings {
    /// None where nothing bounds it.
    pub max_slot_wal_keep_size: Option<f64>,
    pub max_wal_size: f64,
    pub wal_keep_size: f64,
}

/// The slots, and an empty verdict about them.
fn slots(look: &Look<'_>) -> Result<(Vec<Slot>, Verdict), crate::check::verdict::Silence> {
    let slots: Vec<Slot> = look.rows(&SLOTS)?;
    let says = match slots.len() {
        0 => "there are no slots".to_owned(),
        count => words::amount(count as f64, "slot"),
    };
    Ok((slots, look.verdict().saying(says)))
}

/// For how many seconds nobody has read a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Idle {
    Exactly(f64),
    AtLeast(f64),
    AtMost(f64),
    Unknown,
}

impl Idle {
    fn says(self) -> String {
        match self {
            Self::Exactly(seconds) => format!("for {}", words::time(seconds)),
            Self::AtLeast(seconds) => format!("for {} at least", words::time(seconds)),
            Self::AtMost(seconds) => format!("for {} at most", words::time(seconds)),
            Self::Unknown => "now; since when is not known".to_owned(),
        }
    }
}

fn inactive(look: &Look<'_>) -> Judged {
    let (slots, mut verdict) = slots(look)?;
    let now = look.facts.at.duration_since(jiff::Timestamp::UNIX_EPOCH).as_secs_f64();
    // Without an earlier sample it is only not known for how long.
    let earlier = look.perhaps_before::<Slot>(&SLOTS, &mut verdict);
    for slot in &slots {
        if slot.active || slot.temporary || slot.synced || slot.is_lost() {
            continue;
        }
        let then = earlier.as_ref().and_then(|(slots, seconds)| {
            let then = slots.iter().find(|then| then.slot == slot.slot)?;
            Some((then.active, *seconds))
        });
        let idle = match (slot.inactive_since, then) {
            (Some(since), _) => Idle::Exactly((now - since).max(0.0)),
            (None, Some((false, seconds))) => Idle::AtLeast(seconds),
            (None, Some((true, seconds))) => Idle::AtMost(seconds),
            (None, None) => Idle::Unknown,
        };
        let Some(level) = idle_level(look, &slot.slot, idle) else { continue };
        let kept = slot.retained.map(|bytes| format!(", and it keeps {}", words::bytes(bytes)));
        let says = format!(
            "nobody reads the {} slot {} {}{}",
            slot.kind,
            slot.slot,
            idle.says(),
            kept.unwrap_or_default()
        );
        let finding = verdict.find(level, &slot.slot, says).with_remedy(drop_statement(&slot.slot));
        if let Idle::Exactly(seconds) | Idle::AtLeast(seconds) = idle {
            finding.with_value(seconds);
        }
    }
    Ok(verdict)
}

/// A slot that may be idle for longer than is known is worth a warning.
fn idle_level(look: &Look<'_>, slot: &str, idle: Idle) -> Option<Level> {
    let limit = look.limit("", slot)?;
    let perhaps = limit.warning.map(|_| Level::Warning);
    match idle {
        Idle::Exactly(seconds) => limit.level(seconds, None),
        Idle::AtLeast(seconds) => limit.level(seconds, None).max(perhaps),
        Idle::AtMost(seconds) => limit.level(seconds, None).and(perhaps),
        Idle::Unknown => perhaps,
    }
}

fn retained(look: &Look<'_>) -> Judged {
    let (slots, mut verdict) = slots(look)?;
    let settings: WalSettings = look.row(&SETTINGS)?;
    // What wal_keep_size keeps is there for slots too.
    let most = settings.max_slot_wal_keep_size.map(|most| most.max(settings.wal_keep_size));
    let earlier = look.perhaps_before::<Slot>(&SLOTS, &mut verdict);
    for slot in &slots {
        let Some(bytes) = slot.retained.map(|bytes| bytes.max(0.0)) else { continue };
        verdict.measures.extend(look.measure("", &slot.slot, bytes, most));
        // Nothing is a share of 0.
        let share = look.level("share", &slot.slot, bytes, most.filter(|most| *most > 0.0));
        if let Some(level) = look.level("", &slot.slot, bytes, most).max(share) {
            let bound = match most {
                Some(most) => format!("of {} that it may", words::bytes(most)),
                None => "and may keep more without end".to_owned(),
            };
            let says = format!(
                "the slot {} keeps {} {bound}{}",
                slot.slot,
                words::bytes(bytes),
                growing(slot, earlier.as_ref(), most)
            );
            let finding = verdict.find(level, &slot.slot, says).with_value(bytes);
            if !slot.active {
                finding.with_remedy(drop_statement(&slot.slot));
            }
        }
    }
    Ok(verdict)
}

/// How fast it grows, and when it is lost then: with two samples.
fn growing(slot: &Slot, earlier: Option<&(Vec<Slot>, f64)>, most: Option<f64>) -> String {
    let grown = earlier.and_then(|(slots, seconds)| {
        let then = slots.iter().find(|then| then.slot == slot.slot)?;
        Some((slot.retained? - then.retained?, slot.retained?, *seconds))
    });
    let Some((bytes, retained, seconds)) = grown.filter(|(bytes, ..)| *bytes > 0.0) else {
        return String::new();
    };
    let lost = most.map(|most| {
        let left = (most - retained).max(0.0) / bytes * seconds;
        format!(", it is lost in {}", words::time(left))
    });
    format!(
        "; {} more in {}{}",
        words::bytes(bytes),
        words::time(seconds),
        lost.unwrap_or_default()
    )
}

fn status(look: &Look<'_>) -> Judged {
    let (slots, mut verdict) = slots(look)?;
    for slot in &slots {
        if slot.is_lost() {
            let why = match (&slot.invalidation_reason, slot.conflicting) {
                (Some(reason), _) => reason.replace('_', " "),
                (None, true) => "it conflicts with the recovery".to_owned(),
                (None, false) => "its log was removed".to_owned(),
            };
            let says = format!("the slot {} is lost: {why}", slot.slot);
            verdict.find(Level::Critical, &slot.slot, says).with_remedy(drop_statement(&slot.slot));
        } else if slot.wal_status.as_deref() == Some("unreserved") {
            let left = slot.safe_bytes.map(|bytes| format!(", {} are left", words::bytes(bytes)));
            let says = format!(
                "the slot {} will lose its log at the next checkpoint{}",
                slot.slot,
                left.unwrap_or_default()
            );
            verdict.find(Level::Warning, &slot.slot, says);
        }
    }
    Ok(verdict)
}

fn unbounded(look: &Look<'_>) -> Judged {
    let (slots, mut verdict) = slots(look)?;
    let settings: WalSettings = look.row(&SETTINGS)?;
    let count = slots.iter().filter(|slot| !slot.temporary).count();
    match settings.max_slot_wal_keep_size {
        Some(bytes) => {
            verdict.says = format!("max_slot_wal_keep_size is {}", words::bytes(bytes));
        }
        None if count > 0 => {
            let says = format!(
                "{} may keep write-ahead log without end: max_slot_wal_keep_size is -1",
                words::amount(count as f64, "slot")
            );
            let remedy = change(look, "max_slot_wal_keep_size", "10GB", "sighup");
            verdict
                .find(Level::Warning, "max_slot_wal_keep_size", says)
                .with_remedy(format!("{remedy}  -- what the disk can spare"));
        }
        None => {}
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;
    use crate::conn::Flavour;

    fn slot(active: bool, since: Option<f64>, status: &str, reason: Option<&str>) -> Value {
        json!({"slot": "s", "kind": "logical", "active": active, "temporary": false,
               "wal_status": status, "safe_bytes": 10.0, "retained": 2e10,
               "inactive_since": since, "conflicting": false, "invalidation_reason": reason,
               "synced": false})
    }

    fn level(sample: &Sample, check: &'static Check) -> Option<(Level, String)> {
        let findings = sample.judged(check).unwrap().findings;
        findings.first().map(|finding| (finding.level, finding.says.clone()))
    }

    #[test]
    fn an_idle_slot_without_an_age_is_a_warning_that_says_so() {
        let idle = slot(false, None, "reserved", None);
        let (one, says) =
            level(&Sample::of("replication_slots", std::slice::from_ref(&idle)), &INACTIVE)
                .expect("a finding");
        assert_eq!(one, Level::Warning);
        assert!(says.contains("since when is not known"), "{says}");
        let twice = |then, seconds| {
            let now = Sample::of("replication_slots", std::slice::from_ref(&idle));
            level(&now.after(seconds, &Sample::of("replication_slots", &[then])), &INACTIVE)
        };
        assert_eq!(twice(idle.clone(), 60.0).unwrap().0, Level::Warning);
        let (six_hours, says) = twice(idle.clone(), 22_000.0).unwrap();
        assert_eq!(six_hours, Level::Critical);
        assert!(says.contains("6 h 6 min at least"), "{says}");
        assert_eq!(twice(slot(true, None, "reserved", None), 60.0), None);
        assert_eq!(twice(slot(true, None, "reserved", None), 22_000.0).unwrap().0, Level::Warning);
    }

    #[test]
    fn an_idle_slot_with_an_age_is_judged_by_it() {
        let idle = |ago: f64| {
            let row = slot(false, Some(Sample::NOW - ago), "reserved", None);
            level(&Sample::of("replication_slots", &[row]), &INACTIVE).map(|(level, _)| level)
        };
        assert_eq!(idle(899.0), None);
        assert_eq!(idle(901.0), Some(Level::Warning));
        assert_eq!(idle(21_601.0), Some(Level::Critical));
    }

    #[test]
    fn a_lost_slot_is_critical_and_one_that_will_be_is_a_warning() {
        let of = |status, reason| {
            let row = slot(true, None, status, reason);
            level(&Sample::of("replication_slots", &[row]), &STATUS).map(|(level, _)| level)
        };
        assert_eq!(of("reserved", None), None);
        assert_eq!(of("extended", None), None);
        assert_eq!(of("unreserved", None), Some(Level::Warning));
        assert_eq!(of("lost", None), Some(Level::Critical));
        assert_eq!(of("reserved", Some("wal_level_insufficient")), Some(Level::Critical));
    }

    #[test]
    fn what_is_kept_has_limits() {
        let settings = json!({"max_slot_wal_keep_size": null, "max_wal_size": 1e9,
                              "wal_keep_size": 0.0});
        let sample = Sample::of("replication_slots", &[slot(true, None, "extended", None)])
            .with("replication_settings", &[settings]);
        let (found, says) = level(&sample, &RETAINED).expect("20 GB");
        assert_eq!(found, Level::Warning);
        assert!(says.contains("18.6 GiB and may keep more without end"), "{says}");
        assert_eq!(level(&sample, &UNBOUNDED).unwrap().0, Level::Warning);
        let mut then = slot(true, None, "extended", None);
        then["retained"] = json!(1e10);
        let bounded = json!({"max_slot_wal_keep_size": 4e10, "max_wal_size": 1e9,
                             "wal_keep_size": 0.0});
        let sample = sample
            .with("replication_settings", &[bounded])
            .after(3600.0, &Sample::of("replication_slots", &[then]));
        let (_, says) = level(&sample, &RETAINED).expect("20 GB");
        assert!(says.ends_with("9.3 GiB more in 1 h 0 min, it is lost in 2 h 0 min"), "{says}");
        assert_eq!(level(&sample, &UNBOUNDED), None);
    }

    #[test]
    fn a_bound_below_the_limits_in_bytes_is_judged_by_its_share() {
        let of = |retained: f64, bound: f64, keep: f64| {
            let mut row = slot(true, None, "extended", None);
            row["retained"] = json!(retained);
            let settings = json!({"max_slot_wal_keep_size": bound, "max_wal_size": 1e9,
                                  "wal_keep_size": keep});
            let sample =
                Sample::of("replication_slots", &[row]).with("replication_settings", &[settings]);
            level(&sample, &RETAINED).map(|(level, _)| level)
        };
        assert_eq!(of(4.9e8, 1e9, 0.0), None);
        assert_eq!(of(5e8, 1e9, 0.0), Some(Level::Warning));
        assert_eq!(of(8e8, 1e9, 0.0), Some(Level::Critical));
        // The worse one of the two counts.
        assert_eq!(of(5e10, 1e12, 0.0), Some(Level::Critical));
        assert_eq!(of(8e8, 1e9, 2e9), None);
        assert_eq!(of(8e8, 0.0, 0.0), None);
    }

    #[test]
    fn a_provider_has_its_own_way_to_bound_slots() {
        let settings = json!({"max_slot_wal_keep_size": null, "max_wal_size": 1e9,
                              "wal_keep_size": 0.0});
        let mut sample = Sample::of("replication_slots", &[slot(true, None, "extended", None)])
            .with("replication_settings", &[settings]);
        let remedy =
            |sample: &Sample| sample.judged(&UNBOUNDED).unwrap().findings.remove(0).remedy.unwrap();
        let own = remedy(&sample);
        assert!(own.contains("ALTER SYSTEM") && own.contains("pg_reload_conf()"), "{own}");
        sample.facts.sight.perhaps = Some(Flavour::Rds);
        let perhaps = remedy(&sample);
        assert!(perhaps.starts_with("ALTER SYSTEM"), "{perhaps}");
        assert!(perhaps.contains("if this is Amazon RDS, set it where that keeps"), "{perhaps}");
        sample.facts.sight.provider = Some(Flavour::Rds);
        let managed = remedy(&sample);
        assert!(!managed.contains("ALTER SYSTEM"), "{managed}");
    }
}
