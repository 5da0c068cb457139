//! What checks need to see, check by check, and what would let a role see it.

use super::facts::Sight;
use super::need::{self, Need};
use super::registry::Check;
use crate::report::permissions::{Needed, PermissionsReport, Permitted};

/// What the checks need of what the role sees. A check that is for newer servers needs nothing.
pub fn permissions(
    checks: &[&Check],
    sight: &Sight,
    version: &str,
    version_number: u32,
) -> PermissionsReport {
    let is_for = |check: &Check| check.since <= version_number;
    let mut missing: Vec<Need> = Vec::new();
    let permitted = checks.iter().map(|check| {
        let needs = if is_for(check) { check.needs } else { &[] };
        missing.extend(needs.iter().filter(|need| !need.met(sight)));
        let needs: Vec<Needed> = needs
            .iter()
            .map(|need| Needed { what: need.what().to_owned(), seen: need.met(sight) })
            .collect();
        Permitted {
            id: check.id.to_owned(),
            seen: needs.iter().all(|need| need.seen),
            needs,
            since: (!is_for(check)).then_some(check.since / 10_000),
        }
    });
    PermissionsReport {
        role: sight.role.clone(),
        superuser: sight.superuser,
        version: version.to_owned(),
        checks: permitted.collect(),
        grants: need::grants(&missing, &sight.role, version_number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;
    use crate::exit::Exit;
    use crate::report::Report;

    #[test]
    fn each_statement_is_said_once_and_a_superuser_needs_none() {
        let checks: Vec<&Check> =
            ["conn.churn", "act.long_query", "act.idle_in_xact", "lock.waiters"]
                .iter()
                .filter_map(|id| check::find(id))
                .collect();
        assert_eq!(checks.len(), 4);
        let plain = Sight { role: "m".to_owned(), ..Sight::default() };
        let report = permissions(&checks, &plain, "13.9", 130_009);
        assert_eq!(report.grants, ["GRANT pg_monitor TO \"m\";"]);
        assert_eq!(report.checks[0].since, Some(14));
        let seen: Vec<bool> = report.checks.iter().map(|check| check.seen).collect();
        assert_eq!(seen, [true, false, false, true]);
        assert_eq!(report.outcome(), Exit::Unknown);
        let superuser = Sight { superuser: true, ..plain };
        let report = permissions(&checks, &superuser, "13.9", 130_009);
        assert_eq!((report.grants.len(), report.outcome()), (0, Exit::Good));
    }
}
