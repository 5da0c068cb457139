//! The catalogue as a report.

use std::time::Duration;

use super::limits::{Bound, LimitSpec};
use super::need::Need;
use super::registry::Check;
use crate::report::check::Unit;
use crate::report::checks::{Catalogue, ListedCheck, ListedLimit, ListedNeed};
use crate::settings::quantity;

/// All that is known of these checks.
pub fn listing(checks: &[&Check]) -> Catalogue {
    Catalogue { checks: checks.iter().map(|check| listed(check)).collect() }
}

fn listed(check: &Check) -> ListedCheck {
    ListedCheck {
        id: check.id,
        family: check.family().to_owned(),
        kind: check.kind.word(),
        title: check.title,
        why: check.why,
        remedy: check.remedy,
        limits: check.limits.iter().map(|spec| limit(check, spec)).collect(),
        needs: check.needs.iter().map(|need| needed(*need)).collect(),
        since: check.since,
    }
}

fn needed(need: Need) -> ListedNeed {
    // A role's name stands for the operator's own.
    ListedNeed { what: need.what(), grants: need.grants("monitor", CURRENT) }
}

/// Statements are those of servers from 14 on.
const CURRENT: u32 = 180_000;

fn limit(check: &Check, spec: &LimitSpec) -> ListedLimit {
    let written = |bound: Option<Bound>| bound.map(|bound| written(bound, spec.unit));
    ListedLimit {
        place: match spec.name {
            "" => check.id.to_owned(),
            name => format!("{}/{name}", check.id),
        },
        of: spec.of,
        unit: spec.unit,
        below: spec.below,
        warning: written(spec.warning),
        critical: written(spec.critical),
    }
}

/// As pgtend.toml takes it: `80%`, `-10`, `5m`, `10GiB`.
fn written(bound: Bound, unit: Unit) -> String {
    match bound {
        Bound::Percent(percent) => format!("{percent}%"),
        Bound::Value(value) => amount(value, unit),
        Bound::Left(left) => format!("-{}", amount(left, unit)),
    }
}

fn amount(value: f64, unit: Unit) -> String {
    let whole = Duration::try_from_secs_f64(value).ok().filter(|time| time.subsec_nanos() == 0);
    match (unit, whole) {
        (Unit::Bytes | Unit::BytesPerHour, Some(bytes)) => quantity::written_bytes(bytes.as_secs()),
        (Unit::Seconds, Some(time)) => quantity::written_duration(time),
        (Unit::Seconds, None) => format!("{}ms", value * 1000.0),
        (Unit::Percent, _) => format!("{value}%"),
        _ if value >= 1e6 && value % 1e6 == 0.0 => format!("{}M", value / 1e6),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_they_are_read() {
        let written = |bound, unit| written(bound, unit);
        assert_eq!(written(Bound::Value(300.0), Unit::Seconds), "5m");
        assert_eq!(written(Bound::Value(0.5), Unit::Seconds), "500ms");
        assert_eq!(written(Bound::Value(10_485_760.0), Unit::Bytes), "10MiB");
        assert_eq!(written(Bound::Percent(80.0), Unit::Count), "80%");
        assert_eq!(written(Bound::Value(2e8), Unit::Count), "200M");
        assert_eq!(written(Bound::Left(10.0), Unit::Count), "-10");
    }
}
