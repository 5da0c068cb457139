//! What autovacuum does for tables, and what keeps it from doing so.

use serde::Deserialize;

use crate::check::conf::{SETTINGS, Settings, reset};
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const OFF: Check = Check {
    id: "vac.off",
    kind: Kind::Static,
    title: "whether autovacuum works",
    why: "Without autovacuum tables grow with every update, plans are made from old statistics, \
          and one day the server stops to protect its transaction numbers. Without track_counts \
          it does not know what to do.",
    remedy: "Turn both on. If autovacuum costs too much, let it do less at a time \
             (autovacuum_vacuum_cost_delay), never nothing.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&SETTINGS],
    judge: off,
};

pub const TABLE_OFF: Check = Check {
    id: "vac.table_off",
    kind: Kind::Static,
    title: "tables that autovacuum leaves out",
    why: "autovacuum_enabled=off is often set for a load and forgotten: the table then grows with \
          every update until somebody vacuums it by hand.",
    remedy: "Take the setting away with RESET (autovacuum_enabled), unless a job of your own vacuums the table: then ignore \
             the finding, with that job as the reason.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&TABLES_OFF],
    judge: table_off,
};

pub const OVERDUE: Check = Check {
    id: "vac.overdue",
    kind: Kind::Runtime,
    title: "tables with more dead rows than autovacuum should leave",
    why: "Autovacuum begins at a number of dead rows that settings and the table's options give. \
          Far more of them say that it does not get to the table, or that something (an old \
          transaction, a slot) forbids it to remove them.",
    remedy: "See act.xmin_horizon for what holds old rows and vac.workers for workers that are \
             all busy; then give the table a lower autovacuum_vacuum_scale_factor or vacuum it.",
    limits: &[
        // The statement leaves out what is not more than once that.
        LimitSpec::above("dead rows, in times of where autovacuum begins", Unit::Count, 2.0, 10.0),
        LimitSpec::warn_above("dead rows below which nothing is said", Unit::Count, 10_000.0)
            .named("rows"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&DEAD_ROWS],
    judge: overdue,
};

pub const NEVER_ANALYZED: Check = Check {
    id: "vac.never_analyzed",
    kind: Kind::Runtime,
    title: "tables without statistics",
    why: "The planner guesses where it has no statistics: after a restore or a load the first \
          queries can take hours that need seconds. Partitioned tables themselves are left out: \
          autovacuum does not analyze them.",
    remedy: "ANALYZE the table, and after each large load.",
    limits: &[LimitSpec::warn_above("rows", Unit::Count, 1000.0)],
    needs: &[],
    since: 130_000,
    asks: &[&NOT_ANALYZED],
    judge: never_analyzed,
};

const TABLES_OFF: Question =
    Question::of("tables_without_autovacuum", &[(130_000, sql::CHECK_TABLES_WITHOUT_AUTOVACUUM)]);

const DEAD_ROWS: Question =
    Question::of("dead_rows", &[(130_000, sql::CHECK_DEAD_ROWS)]).may_be_cut();

const NOT_ANALYZED: Question =
    Question::of("never_analyzed", &[(130_000, sql::CHECK_NEVER_ANALYZED)]).may_be_cut();

#[derive(Deserialize)]
struct WithoutAutovacuum {
    table: String,
    toast: bool,
}

#[derive(Deserialize)]
struct DeadRows {
    table: String,
    toast: bool,
    dead: f64,
    begins: f64,
    /// Seconds since any VACUUM; null when none was counted.
    vacuumed_ago: Option<f64>,
}

#[derive(Deserialize)]
struct NotAnalyzed {
    table: String,
    rows: f64,
}

fn off(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let mut verdict = look.verdict().saying("autovacuum works");
    for (name, effect) in [
        ("autovacuum", "nothing removes dead rows, until transaction ids run out"),
        ("track_counts", "autovacuum knows of no table that needs it"),
    ] {
        if settings.value(name)? == "off" {
            let remedy = settings.get(name).map(|setting| reset(look, setting));
            verdict.find(Level::Critical, name, format!("{name} is off: {effect}")).remedy = remedy;
        }
    }
    Ok(verdict)
}

fn table_off(look: &Look<'_>) -> Judged {
    let rows: Vec<WithoutAutovacuum> = look.rows(&TABLES_OFF)?;
    let mut verdict = look.verdict().saying("autovacuum leaves no table out");
    for row in rows {
        let (whose, option) = match row.toast {
            true => ("the TOAST table of ", "toast.autovacuum_enabled"),
            false => ("", "autovacuum_enabled"),
        };
        let object = if row.toast { format!("{} (TOAST)", row.table) } else { row.table.clone() };
        verdict
            .find(Level::Warning, object, format!("autovacuum leaves {whose}{} out", row.table))
            .with_remedy(format!("ALTER TABLE {} RESET ({option});", row.table));
    }
    Ok(verdict)
}

fn overdue(look: &Look<'_>) -> Judged {
    let rows: Vec<DeadRows> = look.rows(&DEAD_ROWS)?;
    let mut verdict = look.verdict().saying("autovacuum keeps up with dead rows");
    let fewest = rows.last().map(|row| row.dead);
    for row in rows {
        let whose = if row.toast { "the TOAST table of " } else { "" };
        let object = if row.toast { format!("{} (TOAST)", row.table) } else { row.table.clone() };
        let times = row.dead / row.begins.max(1.0);
        let many = look.is_enough("rows", &object, row.dead);
        let Some(level) = look.level("", &object, times, None).filter(|_| many) else { continue };
        let last = row.vacuumed_ago.map_or_else(
            || "no VACUUM was counted".to_owned(),
            |ago| format!("the last VACUUM was {} ago", words::time(ago)),
        );
        let says = format!(
            "{whose}{} has {} dead rows, {times:.1} times as many as where autovacuum begins ({}); \
             {last}",
            row.table,
            words::count(row.dead),
            words::count(row.begins),
        );
        verdict
            .find(level, object, says)
            .with_value(times)
            .with_remedy(format!("VACUUM (ANALYZE, VERBOSE) {};", row.table));
    }
    // They come with the most dead rows first: those that were not read have no more.
    if fewest.is_some_and(|dead| look.is_enough("rows", "", dead)) {
        verdict.unseen = look.cut(&DEAD_ROWS);
    }
    Ok(verdict)
}

fn never_analyzed(look: &Look<'_>) -> Judged {
    let rows: Vec<NotAnalyzed> = look.rows(&NOT_ANALYZED)?;
    let mut verdict = look.verdict().saying("every table with rows was analyzed");
    for row in rows {
        let Some(level) = look.level("", &row.table, row.rows, None) else { continue };
        let says = format!("{} has {} rows and no statistics", row.table, words::count(row.rows));
        verdict
            .find(level, &row.table, says)
            .with_value(row.rows)
            .with_remedy(format!("ANALYZE {};", row.table));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::{Sample, setting};
    use crate::conn::Flavour;

    #[test]
    fn dead_rows_weigh_by_where_autovacuum_begins() {
        let level = |dead: f64, begins: f64| {
            let row = json!({"table": "public.t", "toast": true, "dead": dead, "begins": begins,
                             "vacuumed_ago": null});
            let verdict = Sample::of("dead_rows", &[row]).judged(&OVERDUE).unwrap();
            verdict.findings.first().map(|found| (found.object.clone(), found.level))
        };
        let toast = |level| Some(("public.t (TOAST)".to_owned(), level));
        assert_eq!(level(9_999.0, 10.0), None, "so few are nothing");
        assert_eq!(level(19_999.0, 10_000.0), None);
        assert_eq!(level(20_000.0, 10_000.0), toast(Level::Warning));
        assert_eq!(level(100_000.0, 10_000.0), toast(Level::Critical));
    }

    #[test]
    fn tables_that_were_not_read_are_unseen_where_they_could_pass() {
        let unseen = |tables: usize, dead: f64| {
            let row = json!({"table": "public.t", "toast": false, "dead": dead, "begins": 1e9,
                             "vacuumed_ago": null});
            let verdict = Sample::of("dead_rows", &vec![row; tables]).judged(&OVERDUE).unwrap();
            verdict.unseen.is_some()
        };
        assert!(unseen(1001, 20_000.0));
        assert!(!unseen(1001, 9_999.0));
        assert!(!unseen(1000, 20_000.0));
    }

    /// A server with these values, set in its file.
    fn settings(autovacuum: &str, track_counts: &str) -> [Value; 2] {
        [("autovacuum", autovacuum), ("track_counts", track_counts)].map(|(name, value)| {
            let mut row = setting(name, value);
            row["boot_val"] = json!("on");
            row
        })
    }

    fn remedy(sample: &Sample) -> String {
        sample.judged(&OFF).unwrap().findings.remove(0).remedy.unwrap()
    }

    #[test]
    fn a_provider_takes_no_alter_system() {
        let mut sample = Sample::of("settings", &settings("off", "on"));
        assert_eq!(remedy(&sample), "ALTER SYSTEM SET autovacuum = 'on'; SELECT pg_reload_conf();");
        sample.facts.sight.provider = Some(Flavour::Rds);
        assert_eq!(remedy(&sample), "set autovacuum = on where Amazon RDS keeps its parameters");
    }

    #[test]
    fn autovacuum_does_nothing_without_counters() {
        let mut rows = settings("on", "off");
        let verdict = Sample::of("settings", &rows).judged(&OFF).unwrap();
        assert_eq!(verdict.findings[0].key, "vac.off:track_counts");
        assert_eq!(verdict.findings.len(), 1);
        // The server's own value is not what a session of this database has.
        rows[1]["source"] = json!("database");
        let mut sample = Sample::of("settings", &rows);
        sample.facts.server.database = "shop".to_owned();
        assert_eq!(remedy(&sample), "ALTER DATABASE \"shop\" RESET track_counts;");
    }

    #[test]
    fn one_fault_is_one_finding() {
        let safe = ["fsync", "full_page_writes"].map(|name| setting(name, "on"));
        let honest = ["zero_damaged_pages", "ignore_checksum_failure"];
        let honest = honest.map(|name| setting(name, "off"));
        let rows = [settings("off", "off").as_slice(), &safe, &honest].concat();
        let sample = Sample::of("settings", &rows);
        assert_eq!(sample.judged(&OFF).unwrap().findings.len(), 2);
        let dangerous = crate::check::find("conf.dangerous").unwrap();
        assert!(sample.judged(dangerous).unwrap().findings.is_empty());
    }

    #[test]
    fn a_floor_that_is_off_is_none() {
        let row = json!({"table": "public.t", "toast": false, "dead": 500, "begins": 50,
                         "vacuumed_ago": null});
        let found = |warning, critical| {
            let sample = Sample::of("dead_rows", std::slice::from_ref(&row));
            let sample = sample.limited(&OVERDUE, "vac.overdue/rows", warning, critical);
            sample.judged(&OVERDUE).unwrap().findings.len()
        };
        assert_eq!(found(None, None), 0);
        assert_eq!(found(Some("off"), None), 1);
        assert_eq!(found(Some("501"), None), 0);
        assert_eq!(found(Some("off"), Some("501")), 0);
        assert_eq!(found(Some("500"), None), 1);
    }
}
