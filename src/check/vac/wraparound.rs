//! How far the transaction numbers are from their end.

use serde::Deserialize;

use crate::check::limits::{Bound, Limit, LimitSpec};
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

const AGE: LimitSpec = LimitSpec::above(
    "transactions since the oldest that is not frozen; the warning is never before 1.5 times \
     autovacuum_freeze_max_age, from where on autovacuum cares for it",
    Unit::Count,
    400e6,
    1e9,
)
.with_end();

pub const XID_DB: Check = Check {
    id: "vac.xid_db",
    kind: Kind::Runtime,
    title: "age of the oldest transaction number of each database",
    why: "There are two thousand million transaction numbers; about three million before they \
          would be used again the server refuses all writes. Autovacuum freezes old rows long \
          before that: an old database says that something keeps it from doing so.",
    remedy: "End what holds old rows (transactions, prepared transactions, replication slots, \
             standbys with hot_standby_feedback), then VACUUM (FREEZE) the oldest tables of that \
             database (vac.xid_table names them). A single-user mode is not needed.",
    limits: &[AGE],
    needs: &[],
    since: 130_000,
    asks: &[&DATABASES],
    judge: xid_db,
};

pub const MXID_DB: Check = Check {
    id: "vac.mxid_db",
    kind: Kind::Runtime,
    title: "age of the oldest multixact of each database",
    why: "Row locks that several transactions share have numbers of their own (foreign keys make \
          many of them), which come to an end like those of transactions: the server then refuses \
          to make more, and writes fail.",
    remedy: "End what holds old rows, then VACUUM (FREEZE) the oldest tables of that database; \
             lower autovacuum_multixact_freeze_max_age where they are used up that quickly.",
    limits: &[LimitSpec::above(
        "multixacts since the oldest; the warning is never before 1.5 times \
         autovacuum_multixact_freeze_max_age",
        Unit::Count,
        400e6,
        1e9,
    )
    .with_end()],
    needs: &[],
    since: 130_000,
    asks: &[&DATABASES],
    judge: mxid_db,
};

pub const XID_TABLE: Check = Check {
    id: "vac.xid_table",
    kind: Kind::Runtime,
    title: "age of the oldest transaction number of each table, with its TOAST table",
    why: "A database is as old as its oldest table: this is the one that VACUUM does not get done, \
          because of its size, a lock, damage, or an option that keeps autovacuum away.",
    remedy: "VACUUM (FREEZE) the table; drop it if it is a temporary table of a session that is \
             gone.",
    limits: &[AGE],
    needs: &[],
    since: 130_000,
    asks: &[&TABLES],
    judge: xid_table,
};

const DATABASES: Question =
    Question::of("database_ages", &[(130_000, sql::CHECK_DATABASE_AGES)]).compared();

const TABLES: Question =
    Question::of("table_ages", &[(130_000, sql::CHECK_TABLE_AGES)]).may_be_cut();

#[derive(Deserialize)]
struct Database {
    database: String,
    xids: f64,
    multixacts: f64,
    freeze_max_age: f64,
    multixact_freeze_max_age: f64,
}

#[derive(Deserialize)]
struct Table {
    table: String,
    xids: f64,
    toast_xids: Option<f64>,
    freeze_max_age: f64,
}

/// Numbers that a server has: the half of 2^32 that is not in the future.
const NUMBERS: f64 = 2_147_483_648.0;

fn xid_db(look: &Look<'_>) -> Judged {
    databases(look, "transactions", |row| (row.xids, row.freeze_max_age))
}

fn mxid_db(look: &Look<'_>) -> Judged {
    databases(look, "multixacts", |row| (row.multixacts, row.multixact_freeze_max_age))
}

fn databases(look: &Look<'_>, what: &str, of: fn(&Database) -> (f64, f64)) -> Judged {
    let rows: Vec<Database> = look.rows(&DATABASES)?;
    let mut verdict = look.verdict();
    let before = look.perhaps_before::<Database>(&DATABASES, &mut verdict);
    if let Some(oldest) = rows.iter().max_by(|a, b| of(a).0.total_cmp(&of(b).0)) {
        let age = words::count(of(oldest).0);
        verdict.says = format!("the oldest database, {}, is {age} {what} old", oldest.database);
    }
    for row in &rows {
        let (age, begins) = of(row);
        let Some(limit) = limit(look, &row.database, begins) else { continue };
        verdict.measures.push(limit.measure(&row.database, age, Some(NUMBERS)));
        let Some(level) = limit.level(age, Some(NUMBERS)) else { continue };
        let left = words::count((NUMBERS - age).max(0.0));
        let mut says =
            format!("{} is {} {what} old; {left} are left", row.database, words::count(age));
        let then = before.iter().find_map(|(rows, seconds)| {
            let then = rows.iter().find(|then| then.database == row.database)?;
            Some((of(then).0, *seconds))
        });
        if let Some(seconds) = then.and_then(|(then, seconds)| end(age, then, seconds)) {
            says = format!("{says}, at the present rate for {}", words::time(seconds));
        }
        verdict
            .find(level, &row.database, says)
            .with_value(age)
            .with_remedy(format!("vacuumdb --freeze --dbname='{}'", row.database));
    }
    Ok(verdict)
}

fn xid_table(look: &Look<'_>) -> Judged {
    let rows: Vec<Table> = look.rows(&TABLES)?;
    let mut verdict = look.verdict();
    for row in &rows {
        let toast = row.toast_xids.filter(|toast| *toast > row.xids);
        let age = toast.unwrap_or(row.xids);
        let Some(limit) = limit(look, &row.table, row.freeze_max_age) else { continue };
        let whose = if toast.is_some() { "the TOAST table of " } else { "" };
        let says = format!("{whose}{} is {} transactions old", row.table, words::count(age));
        if verdict.says.is_empty() {
            verdict.says = format!("the oldest: {says}");
            verdict.measures.push(limit.measure("oldest", age, Some(NUMBERS)));
        }
        let Some(level) = limit.level(age, Some(NUMBERS)) else { continue };
        verdict
            .find(level, &row.table, says)
            .with_value(age)
            .with_remedy(format!("VACUUM (FREEZE, VERBOSE) {};", row.table));
    }
    if verdict.says.is_empty() {
        verdict.says = "there is no table".to_owned();
    }
    Ok(verdict)
}

/// The standard warning waits for half as much again as where autovacuum begins to care.
fn limit(look: &Look<'_>, object: &str, begins: f64) -> Option<Limit> {
    let mut limit = look.limit("", object)?;
    if !limit.own_warning {
        limit.warning = Some(Bound::Value((1.5 * begins).max(400e6)));
    }
    Some(limit)
}

/// Seconds until the numbers end, when the age grew.
fn end(age: f64, then: f64, seconds: f64) -> Option<f64> {
    let rate = (age - then) / seconds;
    (rate > 0.0).then(|| (NUMBERS - age).max(0.0) / rate)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::report::check::Level;

    fn database(xids: f64) -> Sample {
        let row = json!({"database": "shop", "xids": xids, "multixacts": 450e6,
                         "freeze_max_age": 400e6, "multixact_freeze_max_age": 200e6});
        Sample::of("database_ages", &[row])
    }

    #[test]
    fn the_standard_warning_waits_for_autovacuum() {
        let level = |xids: f64| {
            let verdict = database(xids).judged(&XID_DB).unwrap();
            verdict.findings.first().map(|finding| finding.level)
        };
        assert_eq!(level(599e6), None, "autovacuum begins at 400 millions");
        assert_eq!(level(600e6), Some(Level::Warning));
        assert_eq!(level(1e9), Some(Level::Critical));
        let multixacts = database(0.0).judged(&MXID_DB).unwrap();
        assert_eq!(multixacts.findings[0].level, Level::Warning);
    }

    #[test]
    fn monitoring_gets_the_limit_that_is_judged_by() {
        let measured = |sample: Sample| {
            let verdict = sample.judged(&XID_DB).unwrap();
            let measure = &verdict.measures[0];
            (measure.warning, measure.critical, verdict.findings.len())
        };
        assert_eq!(measured(database(500e6)), (Some(600e6), Some(1e9), 0));
        // What the operator says is meant, also where it is the number of the standard one.
        let own = database(500e6).limited(&XID_DB, "vac.xid_db", Some("400M"), None);
        assert_eq!(measured(own), (Some(400e6), Some(1e9), 1));
        let off = database(700e6).limited(&XID_DB, "vac.xid_db:shop", Some("off"), None);
        assert_eq!(measured(off), (None, Some(1e9), 0));
        let row = json!({"table": "public.t", "xids": 5.0, "toast_xids": null,
                         "freeze_max_age": 400e6});
        let verdict = Sample::of("table_ages", &[row]).judged(&XID_TABLE).unwrap();
        assert_eq!(verdict.measures[0].warning, Some(600e6));
    }

    #[test]
    fn two_looks_tell_the_time_that_is_left() {
        let verdict = database(1e9).after(3600.0, &database(9e8)).judged(&XID_DB).unwrap();
        let says = &verdict.findings[0].says;
        assert_eq!(
            says,
            "shop is 1,000,000,000 transactions old; 1,147,483,648 are left, at the present rate \
             for 11 h 28 min"
        );
    }

    #[test]
    fn a_toast_table_ages_its_table() {
        let row = json!({"table": "public.t", "xids": 5.0, "toast_xids": 2e9,
                         "freeze_max_age": 200e6});
        let verdict = Sample::of("table_ages", &[row]).judged(&XID_TABLE).unwrap();
        assert_eq!(verdict.findings[0].object, "public.t");
        assert!(verdict.findings[0].says.starts_with("the TOAST table of public.t is 2,000"));
    }

    #[test]
    fn the_end_is_told_when_the_age_grows() {
        assert_eq!(end(NUMBERS - 1000.0, NUMBERS - 1100.0, 10.0), Some(100.0));
        assert_eq!(end(100.0, 200.0, 10.0), None, "it was vacuumed");
    }
}
