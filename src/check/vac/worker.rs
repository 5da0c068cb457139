//! What is being vacuumed now, and by whom.

use serde::Deserialize;

use crate::check::conf::{SETTINGS, Settings};
use crate::check::limits::{Bound, LimitSpec};
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const ANTIWRAP_RUNNING: Check = Check {
    id: "vac.antiwrap_running",
    kind: Kind::Runtime,
    title: "autovacuum that protects the transaction numbers",
    why: "A worker that vacuums \"to prevent wraparound\" does not give way to others: whatever \
          wants a strong lock on its table (most of ALTER TABLE) waits for its end, and all \
          later queries wait behind that.",
    remedy: "Let it end, and do not change that table before: a worker that is cancelled begins \
             again.",
    limits: &[],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&VACUUMS],
    judge: antiwrap_running,
};

pub const WORKERS: Check = Check {
    id: "vac.workers",
    kind: Kind::Rate,
    title: "workers of autovacuum that are busy",
    why: "When all workers are busy all the time, tables wait for their turn and grow meanwhile. \
          One look says little: it is a warning when two in a row see all of them busy.",
    remedy: "Let each do more (autovacuum_vacuum_cost_limit, autovacuum_vacuum_cost_delay): more \
             workers alone share the same budget. Then raise autovacuum_max_workers.",
    limits: &[LimitSpec {
        warning: Some(Bound::Percent(100.0)),
        critical: None,
        ..LimitSpec::share("workers (autovacuum_max_workers)", Unit::Count, 100.0, 100.0)
    }],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&VACUUMS, &SETTINGS],
    judge: workers,
};

pub const STUCK: Check = Check {
    id: "vac.stuck",
    kind: Kind::Runtime,
    title: "vacuums that take very long",
    why: "A VACUUM of hours holds back the removal of dead rows everywhere else in the database, \
          and its own table is not done before it ends.",
    remedy: "Look at its phase: many passes over the indexes want more maintenance_work_mem (or \
             autovacuum_work_mem), a slow one less cost delay; unused indexes cost each pass.",
    limits: &[LimitSpec::above(
        "time since it began with its table",
        Unit::Seconds,
        21_600.0,
        86_400.0,
    )],
    needs: &[Need::Stats],
    since: 130_000,
    asks: &[&VACUUMS],
    judge: stuck,
};

const VACUUMS: Question = Question::of("vacuums", &[(130_000, sql::CHECK_VACUUMS)]).compared();

#[derive(Deserialize)]
struct Vacuum {
    /// A worker of autovacuum; else somebody's session. Null where it is hidden.
    worker: Option<bool>,
    database: Option<String>,
    /// None while it has not begun with one.
    table: Option<String>,
    phase: Option<String>,
    pages: Option<f64>,
    pages_done: Option<f64>,
    seconds: Option<f64>,
    against_wraparound: Option<bool>,
}

impl Vacuum {
    /// `shop/public.orders`
    fn object(&self) -> String {
        let database = self.database.as_deref().unwrap_or("?");
        format!("{database}/{}", self.table.as_deref().unwrap_or("?"))
    }
}

fn antiwrap_running(look: &Look<'_>) -> Judged {
    let rows: Vec<Vacuum> = look.rows(&VACUUMS)?;
    let mut verdict = look.verdict().saying("no worker vacuums to prevent wraparound");
    for row in rows.iter().filter(|row| row.against_wraparound == Some(true)) {
        let says = format!(
            "autovacuum works on {} to prevent wraparound for {}",
            row.object(),
            words::time(row.seconds.unwrap_or_default()),
        );
        verdict.find(Level::Info, row.object(), says);
    }
    Ok(verdict)
}

fn workers(look: &Look<'_>) -> Judged {
    let busy = |rows: &[Vacuum]| rows.iter().filter(|row| row.worker == Some(true)).count();
    let busy = |rows: &[Vacuum]| f64::from(u32::try_from(busy(rows)).unwrap_or(u32::MAX));
    let rows: Vec<Vacuum> = look.rows(&VACUUMS)?;
    let max_workers = Settings::of(look)?.number("autovacuum_max_workers")?;
    let now = busy(&rows);
    let says = format!("{now} of {max_workers} autovacuum workers are busy");
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "busy", now, Some(max_workers)));
    let Some(level) = look.level("", "server", now, Some(max_workers)) else { return Ok(verdict) };
    let before = look.perhaps_before::<Vacuum>(&VACUUMS, &mut verdict);
    let then = before.map(|(rows, _)| look.level("", "server", busy(&rows), Some(max_workers)));
    let (level, says) = match then {
        Some(Some(_)) => (level, format!("{says}, as in the look before")),
        Some(None) => return Ok(verdict),
        None => (Level::Info, format!("{says}; this is one look")),
    };
    verdict.find(level, "server", says).with_value(now);
    Ok(verdict)
}

fn stuck(look: &Look<'_>) -> Judged {
    let rows: Vec<Vacuum> = look.rows(&VACUUMS)?;
    let mut verdict = look.verdict().saying("no VACUUM takes long");
    for row in &rows {
        let Some(seconds) = row.seconds.filter(|_| row.phase.is_some()) else { continue };
        let object = row.object();
        let Some(level) = look.level("", &object, seconds, None) else { continue };
        let done = row.pages.zip(row.pages_done).filter(|(pages, _)| *pages > 0.0);
        let done = done
            .map(|(pages, done)| format!(", {:.0}% of its pages read", 100.0 * done / pages))
            .unwrap_or_default();
        let phase = row.phase.as_deref().unwrap_or_default();
        let says =
            format!("the VACUUM of {object} takes {} already: {phase}{done}", words::time(seconds));
        verdict.find(level, object, says).with_value(seconds);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::{Sample, setting};

    fn busy(workers: usize) -> Sample {
        let worker = json!({"worker": true, "database": "shop", "against_wraparound": false});
        let rows: Vec<Value> = vec![worker; workers];
        Sample::of("vacuums", &rows).with("settings", &[setting("autovacuum_max_workers", "3")])
    }

    #[test]
    fn workers_that_are_busy_twice_are_a_warning() {
        let level = |sample: Sample| {
            let verdict = sample.judged(&WORKERS).unwrap();
            verdict.findings.first().map(|found| (found.level, found.says.clone()))
        };
        assert_eq!(level(busy(2)), None);
        let (one, says) = level(busy(3)).unwrap();
        assert_eq!(one, Level::Info);
        assert_eq!(says, "3 of 3 autovacuum workers are busy; this is one look");
        assert_eq!(level(busy(3).after(60.0, &busy(2))), None);
        assert_eq!(level(busy(3).after(60.0, &busy(3))).unwrap().0, Level::Warning);
    }

    #[test]
    fn a_vacuum_has_a_name_in_another_database_too() {
        let row = |table: Option<&str>| Vacuum {
            worker: Some(true),
            database: Some("shop".into()),
            table: table.map(str::to_owned),
            phase: None,
            pages: None,
            pages_done: None,
            seconds: None,
            against_wraparound: None,
        };
        assert_eq!(row(Some("public.t")).object(), "shop/public.t");
        assert_eq!(row(None).object(), "shop/?");
    }
}
