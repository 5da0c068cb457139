//! `pgtend check`: whether all is well, and whether a deployment can begin.

mod beside;
mod choose;
mod deploy;
mod files;
mod samples;

use std::time::Duration;

use samples::Seen;

use super::Context;
use crate::check::{self, Asked, Check, Kind, Limits};
use crate::cli::output::Format;
use crate::conn::{Routed, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::{CheckReport, Checked, ServerChecks, Status};
use crate::settings::{Target, ask_password, quantity};

pub const FORMATS: [Format; 6] = [
    Format::Table,
    Format::Json,
    Format::Csv,
    Format::Markdown,
    Format::Nagios,
    Format::Prometheus,
];

/// Check servers: whether all is well, and whether a deployment can begin
///
/// Reads only. What the role cannot see is unknown (exit 3), never an all-clear.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    chosen: choose::Chosen,
    /// What makes the run fail: findings from this weight on
    #[arg(long, value_name = "WEIGHT", value_enum, default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// Checks that may be unknown without exit 3 (ids or families, repeatable)
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    allow_unknown: Vec<String>,
    /// Time for all answers of a server; what is not answered by then is unknown
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = quantity::duration)]
    time_limit: Duration,
    #[command(flatten)]
    deploy: deploy::Deploy,
    #[command(flatten)]
    samples: samples::Samples,
}

/// What makes the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Warning,
    Critical,
}

/// What holds for each statement of a check.
const PER_STATEMENT: [(&str, &str); 3] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "100ms"),
    // The bounds of partitions are read as text.
    ("datestyle", "ISO"),
];

/// Runs it.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let checks = args.chosen.checks(&context.settings.check, args.deploy.is_asked())?;
    let limits = limits(context)?;
    let sources = args.deploy.sources()?;
    if let Some(mut saved) = args.samples.from()? {
        if sources.is_some() {
            args.deploy.add(sources.as_deref(), &mut saved.facts)?;
        }
        let server = judged(context, &args, &checks, &limits, None, &saved)?;
        let name = server.target.clone();
        let report = CheckReport { servers: vec![server], notes: Vec::new() };
        return context.answer(name.as_deref(), &report);
    }
    let target = context.target()?;
    let looked = async {
        let mut waiting = deploy::Waiting::new(&args.deploy);
        let server = loop {
            let mut seen = observed(context, &target, &args, &checks).await?;
            args.deploy.add(sources.as_deref(), &mut seen.facts)?;
            args.samples.keep(&seen.facts)?;
            let server = judged(context, &args, &checks, &limits, target.name.clone(), &seen)?;
            if !waiting.again(context, &server).await {
                break server;
            }
        };
        let report = CheckReport { servers: vec![server], notes: Vec::new() };
        context.answer(target.name.as_deref(), &report)
    };
    tokio::select! {
        answered = looked => answered,
        () = context.signals.cancel.cancelled() => {
            Err(Error::new(context.signals.exit(), "the checks were stopped")
                .because("nothing was changed"))
        }
    }
}

/// Judges what was seen.
fn judged(
    context: &Context,
    args: &Args,
    checks: &[&'static Check],
    limits: &Limits,
    target: Option<String>,
    seen: &Seen,
) -> Result<ServerChecks> {
    let asked = Asked {
        checks,
        limits,
        settings: &context.settings.check,
        environment: None,
        baseline: &[],
        today: jiff::Zoned::now().date(),
    };
    let checked = check::judge(&seen.facts, seen.previous.as_ref(), &asked);
    let allowed = |id: &str| args.allow_unknown.iter().any(|name| choose::covers(name, id));
    let forecast = check::forecast(&seen.facts, &asked, &checked, allowed);
    let gate = forecast.as_ref().map_or(Exit::Good, |forecast| forecast.verdict.exit());
    Ok(ServerChecks {
        target,
        tags: Vec::new(),
        environment: None,
        server: Some(seen.facts.server.clone()),
        at: seen.facts.at,
        outcome: outcome(&checked, args.fail_on, &args.allow_unknown).worst(gate),
        checks: checked,
        forecast,
        failed: None,
    })
}

/// Connects and asks, twice where the operator wants two samples.
async fn observed(
    context: &Context,
    target: &Target,
    args: &Args,
    checks: &[&'static Check],
) -> Result<Seen> {
    let mut options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/check")
    };
    for (name, value) in PER_STATEMENT {
        options.settings.retain(|(known, _)| known != name);
        options.settings.push((name.to_owned(), value.to_owned()));
    }
    let earlier = args.samples.earlier()?;
    let files = files::read(context, target, checks)?;
    let checks = &files::asked(checks, &files);
    let Routed { session, .. } = context.route(target, &options).await?;
    let Some(interval) = args.samples.interval else {
        let mut facts = check::observe(&session, checks, args.time_limit).await?;
        facts.beside = files;
        beside::add(context, checks, &mut facts).await?;
        return args.samples.seen(facts, earlier);
    };
    let rates: Vec<&Check> =
        checks.iter().copied().filter(|check| check.kind == Kind::Rate).collect();
    let first = check::observe(&session, &rates, args.time_limit).await?;
    context
        .ui
        .note(&format!("the second sample is taken in {}", quantity::written_duration(interval)));
    tokio::time::sleep(interval).await;
    let mut facts = check::observe(&session, checks, args.time_limit).await?;
    facts.beside = files;
    beside::add(context, checks, &mut facts).await?;
    Ok(Seen { facts, previous: Some(first) })
}

/// The worst of the checks.
fn outcome(checked: &[Checked], fail_on: FailOn, allowed: &[String]) -> Exit {
    checked.iter().fold(Exit::Good, |worst, check| {
        let exit = match check.status {
            Status::Warning if fail_on == FailOn::Critical => Exit::Good,
            Status::Unknown if allowed.iter().any(|id| choose::covers(id, &check.id)) => Exit::Good,
            status => status.exit(),
        };
        worst.worst(exit)
    })
}

/// The operator's limits.
fn limits(context: &Context) -> Result<Limits> {
    let mut limits = Limits::default();
    for entry in &context.settings.check.limits {
        let place = entry.place.as_str();
        let (path, _object) = place.split_once(':').unwrap_or((place, ""));
        let (id, name) = path.split_once('/').unwrap_or((path, ""));
        let wrong = || Error::usage(format!("invalid check.limits.{place:?}"));
        let Some(check) = check::find(id) else {
            return Err(choose::unknown(id, &format!("check.limits.{place:?}")));
        };
        let Some(spec) = check.limits.iter().find(|spec| spec.name == name) else {
            let names: Vec<&str> = check.limits.iter().map(|spec| spec.name).collect();
            return Err(wrong().because(match names.as_slice() {
                [] => format!("{id} has no limits"),
                _ => format!("{id} has no limit of that name; its names are {names:?}"),
            }));
        };
        limits
            .add(place, spec, entry.warning.as_deref(), entry.critical.as_deref())
            .map_err(|cause| wrong().because(cause))?;
    }
    Ok(limits)
}
