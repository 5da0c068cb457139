//! The steps of a restore, in their order.

use std::time::Instant;

use super::dressing::Dressing;
use super::plan::{Plan, Step};
use super::prepare::{Prepared, session_options};
use super::side::{self, Side, Wanted};
use super::work::Work;
use super::{Mode, Request};
use crate::conn::{self, SessionOptions};
use crate::consent::Consent;
use crate::error::Result;
use crate::report::restore::{LeftOut, Restored};
use crate::settings::Target;

/// Restores. Without an error everything that was planned was tried; what failed is in the report.
///
/// # Errors
/// What ends a restore: server, store or pg_restore cannot be used any more, or it was stopped.
/// The error says what is left where.
pub async fn run(request: &Request, prepared: Prepared, _consent: &Consent) -> Result<Restored> {
    let clock = Instant::now();
    let options = session_options(request, prepared.settings.clone(), false);
    match request.mode {
        Mode::Existing => {
            let control = prepared.connect(&options).await?;
            side::lock_patiently(&control, &request.into).await?;
            prepared.look_again(request, &control).await?;
            let mut work = Work::new(request, prepared, options);
            let result = work.fill(control).await;
            result.map_err(|error| work.left_half(error))?;
            Ok(work.report(clock, None, None))
        }
        Mode::Create | Mode::Swap => beside(request, prepared, options, clock).await,
    }
}

/// Restores into a database beside, which gets its name at the end.
async fn beside(
    request: &Request,
    prepared: Prepared,
    options: SessionOptions,
    clock: Instant,
) -> Result<Restored> {
    let maintenance = prepared.connect(&options).await?;
    let plan = &prepared.plan;
    let database = plan.step(Step::Database).map(|index| &plan.toc.entries[index]);
    let definition =
        database.map(|entry| entry.definition()).find(|d| d.contains("CREATE DATABASE "));
    let definition = definition.map(str::to_owned);
    let wanted = Wanted {
        name: &request.into,
        backup: &prepared.source.manifest.id,
        definition: definition.as_deref(),
        replaces: request.mode == Mode::Swap,
    };
    let mut side = Side::create(maintenance, &prepared.place, &options, &wanted).await?;
    let target = Target { database: side.name.clone(), ..prepared.place.clone() };
    let mut work = Work::new(request, prepared, options);
    work.prepared.plan.notes.append(&mut side.notes);
    let filled = async {
        let control = conn::connect(&target, &work.options).await;
        let control = control.map_err(|error| side::unknown_to_pooler(error, &target))?;
        side::lock_patiently(&control, &target.database).await?;
        work.fill(control).await
    };
    if let Err(error) = filled.await {
        return Err(side.abandon(error).await);
    }
    if !work.failed.is_empty() {
        // What is incomplete never gets the name, but may be looked at.
        let kept = Some(side.name.clone());
        return Ok(work.report(clock, None, kept));
    }
    let previous = (request.mode == Mode::Swap)
        .then(|| side::name_before(&request.into, jiff::Timestamp::now()));
    work.phase("giving it its name");
    let dressing = Dressing::new(&work.prepared.plan, !request.no_owner, &request.into);
    for undone in side.finish(previous.as_deref(), &dressing).await? {
        work.fail(Some(undone.entry), undone.error, undone.sql);
    }
    Ok(work.report(clock, previous, None))
}

/// What a restore would do, or what it left out.
pub fn left_out(plan: &Plan) -> Vec<LeftOut> {
    let one = |(entry, left): (&crate::archive::toc::Entry, &super::plan::LeftOut)| LeftOut {
        object: entry.label(),
        reason: left.reason.clone(),
        missing: left.weight == super::plan::Weight::Missing,
    };
    plan.left_out().map(one).collect()
}
