//! From the checks and the statements to GO, WAIT or NO-GO.

use super::gate::{Gate, Shared};
use crate::check::facts::Facts;
use crate::check::judge::Asked;
use crate::check::look::Look;
use crate::check::registry::{self, Kind};
use crate::report::check::{Checked, Status};
use crate::report::forecast::{Forecast, Go, Step};

/// Checks whose findings pass by themselves.
const PASSING: [&str; 6] = [
    "dep.dump_running",
    "dep.long_xact",
    "dep.locks_on_target",
    "dep.antiwrap_on_target",
    "dep.replica_lag",
    "dep.slot_lag",
];

/// The forecast from judged checks; none where no deploy check was asked for. Checks that
/// `allowed` names may be unknown.
pub fn forecast(
    facts: &Facts,
    asked: &Asked<'_>,
    checked: &[Checked],
    allowed: impl Fn(&str) -> bool,
) -> Option<Forecast> {
    let own: Vec<&str> = checked
        .iter()
        .filter(|one| one.kind == Kind::Deploy.word())
        .map(|one| one.id.as_str())
        .collect();
    let check = registry::find(own.first()?)?;
    let look = Look {
        check,
        facts,
        previous: None,
        limits: asked.limits,
        settings: asked.settings,
        environment: asked.environment,
        deploy: &Shared::default(),
    };
    let mut said: Vec<(Go, String)> = checked
        .iter()
        .filter_map(|one| {
            let go = match one.status {
                Status::Critical if PASSING.contains(&one.id.as_str()) => Go::Wait,
                Status::Critical => Go::NoGo,
                Status::Unknown if !allowed(&one.id) => Go::Unknown,
                _ => return None,
            };
            Some((go, format!("{}: {}", one.id, one.says)))
        })
        .collect();
    let (mut steps, mut notes) = (Vec::<Step>::new(), Vec::new());
    // What could not be read is told by the checks, which are unknown then.
    if let Ok(gate) = Gate::of(&look)
        && let Some(plan) = gate.plan
    {
        steps = plan.statements.iter().map(|statement| gate.step(statement)).collect();
        notes.clone_from(&plan.notes);
    }
    said.sort_by_key(|(go, _)| std::cmp::Reverse(*go));
    // Each reason of a step is a finding of a check too, where it can be excused or left out.
    let worst = said.first().map_or(Go::Go, |(go, _)| *go);
    let deploy = registry::all().filter(|check| check.kind == Kind::Deploy);
    Some(Forecast {
        verdict: worst,
        reasons: said.into_iter().map(|(_, reason)| reason).collect(),
        steps,
        unasked: deploy
            .map(|check| check.id)
            .filter(|id| !own.contains(id))
            .map(str::to_owned)
            .collect(),
        notes,
    })
}
