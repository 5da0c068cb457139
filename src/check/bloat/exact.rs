//! Tables, measured by the extension pgstattuple.

use serde::Deserialize;

use super::{GIB, SHARE};
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

pub const EXACT: Check = Check {
    id: "bloat.exact",
    kind: Kind::Runtime,
    title: "room in the largest tables that their rows do not need, measured",
    why: "What bloat.table estimates, pgstattuple_approx measures, where the extension pgstattuple \
          is: free and dead room of the twenty largest tables, as long as that takes to read no \
          more than 256 MiB. It tells a table that is full of air from one whose statistics are \
          wrong.",
    remedy: "As for bloat.table: remove the cause, then pg_repack, or VACUUM FULL in a quiet hour.",
    limits: &[
        SHARE,
        LimitSpec::above("free and dead bytes", Unit::Bytes, GIB, 5.0 * GIB).named("bytes"),
    ],
    needs: &[],
    since: 130_000,
    asks: &[&EXACT_BLOAT],
    judge: exact,
};

const EXACT_BLOAT: Question = Question::of("exact_bloat", &[(130_000, sql::CHECK_EXACT_BLOAT)]);

#[derive(Deserialize)]
struct Measured {
    /// Whether this role may call the function.
    allowed: bool,
    /// None where no table is large.
    table: Option<String>,
    measured: bool,
    bytes: Option<f64>,
    free: Option<f64>,
    dead: Option<f64>,
}

fn exact(look: &Look<'_>) -> Judged {
    let rows: Vec<Measured> = look.rows(&EXACT_BLOAT)?;
    let Some(first) = rows.first() else {
        return Err(Silence::not_applicable("the extension pgstattuple is not in this database"));
    };
    if !first.allowed {
        return Err(Silence::unknown(
            "this role may not call pgstattuple_approx (pg_stat_scan_tables, which pg_monitor \
             has, may)",
        ));
    }
    let mut verdict = look.verdict();
    let (mut measured, mut left_out) = (0_u32, 0_u32);
    for row in &rows {
        let Some(table) = &row.table else { continue };
        let (Some(bytes), Some(free), Some(dead)) = (row.bytes, row.free, row.dead) else {
            if row.measured {
                return Err(Silence::unknown(format!("the measure of {table} cannot be read")));
            }
            left_out += 1;
            continue;
        };
        measured += 1;
        let Some(level) = super::level(look, table, bytes, bytes - free - dead) else { continue };
        let share = super::percent(free + dead, bytes);
        let says = format!(
            "{table} has {}, of which {} are free and {} are of dead rows ({share:.0}% bloat, \
             measured)",
            words::bytes(bytes),
            words::bytes(free),
            words::bytes(dead),
        );
        verdict
            .find(level, table, says)
            .with_value(share)
            .with_remedy(format!("pg_repack --table='{table}'"));
    }
    verdict.says = words::amount(f64::from(measured), "large table") + " measured";
    if left_out > 0 {
        let left_out = words::amount(f64::from(left_out), "table");
        verdict.says += &format!(", {left_out} left to bloat.table (locked, or long to read)");
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::report::check::Level;

    #[test]
    fn what_was_not_measured_is_told() {
        let rows = [
            json!({"allowed": true, "table": "public.huge", "measured": false}),
            json!({"allowed": true, "table": "public.t", "measured": true, "bytes": 9e9,
                   "free": 5e9, "dead": 2e9}),
        ];
        let verdict = Sample::of("exact_bloat", &rows).judged(&EXACT).unwrap();
        assert_eq!(verdict.findings[0].key, "bloat.exact:public.t");
        assert_eq!(verdict.findings[0].level, Level::Critical);
        let says = "1 large table measured, 1 table left to bloat.table (locked, or long to read)";
        assert_eq!(verdict.says, says);
    }

    #[test]
    fn a_role_that_may_not_measure_does_not_know() {
        let row = json!({"allowed": false, "table": "public.t", "measured": false});
        let judged = Sample::of("exact_bloat", &[row]).judged(&EXACT);
        assert!(matches!(judged, Err(Silence::Unknown(_))), "{judged:?}");
        let judged = Sample::of("exact_bloat", &[]).judged(&EXACT);
        assert!(matches!(judged, Err(Silence::NotApplicable(_))), "{judged:?}");
    }
}
