//! `pgtend check`: whether all is well, and whether a deployment can begin.

mod beside;
mod choose;
mod databases;
mod deploy;
mod files;
mod live;
mod look;
mod outputs;
mod permissions;
mod samples;
mod targets;
mod together;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use look::Job;

use super::{Context, no_format};
use crate::check::{self, Known, Limits};
use crate::cli::output::Format;
use crate::cli::watch::WatchFlags;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::{self as report, CheckReport, Gate, ServerChecks};
use crate::settings::quantity;

pub const FORMATS: [Format; 9] = [
    Format::Table,
    Format::Json,
    Format::Csv,
    Format::Markdown,
    Format::Nagios,
    Format::Prometheus,
    Format::Junit,
    Format::Sarif,
    Format::Github,
];
/// What a signal does to them.
const STOPPED: &str = "the checks were stopped";

/// Check servers: whether all is well, and whether a deployment can begin
///
/// Reads only. What the role cannot see is unknown (exit 3), never an all-clear. A server that
/// cannot be reached is critical (exit 2), one that lets nobody in is unknown.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: targets::Targets,
    #[command(flatten)]
    databases: databases::Flags,
    #[command(flatten)]
    chosen: choose::Chosen,
    /// List the checks with their limits and needs, and stop; no server is asked
    #[arg(long, conflicts_with_all = together::NOT_WITH_LIST)]
    list: bool,
    /// What makes the run fail: findings from this weight on; new ones that --baseline has not
    #[arg(long, value_name = "WEIGHT", value_enum, default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// Checks that may be unknown without exit 3 (ids or families, repeatable)
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    allow_unknown: Vec<String>,
    /// Show what each check needs to see and the statements that grant what is missing; run none
    #[arg(long, conflicts_with_all = together::NOT_WITH_EXPLAIN)]
    explain_permissions: bool,
    /// Findings that stand in this file do not count
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings of this run into a file, for --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Write the answer in another form too (repeatable): junit=FILE, sarif=FILE, prometheus=FILE
    #[arg(long, value_name = "FORM=FILE")]
    output: Vec<outputs::Output>,
    /// Time for each server, to connect and to answer (with --watch 20s at most); what is not
    /// answered by then is unknown
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = quantity::duration)]
    time_limit: Duration,
    /// Show the guides' checklist for such an environment, and judge the application by it
    #[arg(long, value_name = "ENVIRONMENT")]
    profile: Option<Profile>,
    #[command(flatten)]
    deploy: deploy::Deploy,
    #[command(flatten)]
    samples: samples::Samples,
    #[command(flatten)]
    watch: WatchFlags,
}

/// What makes the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Warning,
    Critical,
    New,
}

/// The checklists of the guides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Production,
    Staging,
    Development,
}

impl Profile {
    const fn list(self) -> &'static check::Profile {
        &check::PROFILES[match self {
            Self::Production => 0,
            Self::Staging => 1,
            Self::Development => 2,
        }]
    }
}

/// Runs it.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let settings = &context.settings.check;
    together::refuse(context, &args)?;
    if args.list {
        return list(context, &args);
    }
    let mut checks = args.chosen.checks(settings, args.deploy.is_asked())?;
    if args.profile == Some(Profile::Development) {
        checks.retain(|check| !check::NOT_IN_DEVELOPMENT.contains(&check.id));
    }
    if args.explain_permissions {
        let target = args.targets.only(context, "--explain-permissions")?;
        return permissions::explain(context, &target, &checks).await;
    }
    let limits = limits(context)?;
    if let Some(key) = check::unknown(settings) {
        let id = key.split(':').next().unwrap_or(key);
        return Err(choose::unknown(id, &format!("check.ignore {key:?}")));
    }
    let is_known = |name: &String| check::all().any(|check| report::covers(name, check.id));
    if let Some(name) = args.allow_unknown.iter().find(|name| !is_known(name)) {
        return Err(choose::unknown(name, "--allow-unknown"));
    }
    if args.fail_on == FailOn::New && args.baseline.is_none() {
        return Err(Error::usage("--fail-on new needs --baseline FILE")
            .because("new is what a baseline does not have")
            .next("write one first: pgtend check --write-baseline FILE"));
    }
    let job = Job {
        context,
        args: &args,
        checks: &checks,
        limits: &limits,
        baseline: args.baseline.as_deref().map(Known::load).transpose()?,
        gate: args.gate(),
        today: jiff::Zoned::now().date(),
        sources: args.deploy.sources()?,
        unkept: RefCell::default(),
        notes: RefCell::default(),
    };
    if args.deploy.is_asked() && !checks.iter().any(|check| check.kind == check::Kind::Deploy) {
        return Err(Error::usage("--migrations and --wait ask checks that are left out")
            .because("--only and --skip leave no check of kind deploy")
            .next("add dep to --only"));
    }
    if let Some(mut saved) = args.samples.from()? {
        if job.sources.is_some() {
            args.deploy.add(job.sources.as_deref(), &mut saved.facts)?;
        }
        let server = job.judged(None, &saved, true);
        return finish(&job, vec![server]);
    }
    let targets = args.targets.chosen(context)?;
    if targets.len() > 1 {
        args.samples.for_one()?;
    }
    if let Some(every) = args.watch.watch {
        return live::watch(&job, targets, every).await;
    }
    let looked = async { finish(&job, job.look_at_all(targets).await?) };
    context.looked(STOPPED, looked).await
}

/// Shows the catalogue.
fn list(context: &Context, args: &Args) -> Result<Exit> {
    if !Format::PAGES.contains(&context.format) {
        return Err(no_format("check --list", context.format, &Format::PAGES));
    }
    let checks = args.chosen.listed()?;
    context.answer(None, &check::listing(&checks))
}

/// Tells what came out of it, in every form that was asked for.
fn finish(job: &Job<'_>, servers: Vec<ServerChecks>) -> Result<Exit> {
    let Job { context, args, today, .. } = job;
    let settings = &context.settings.check;
    let mut notes = job.notes.take();
    notes.sort();
    notes.extend(check::over(&servers, settings, *today));
    // A file that cannot be written takes nothing from the verdict.
    let mut failed: Vec<Error> = job.unkept.take().into_iter().collect();
    check::idle(&servers, settings).iter().for_each(|note| context.ui.detail(note));
    if let Some(path) = &args.write_baseline {
        notes.push(match servers.iter().find(|server| server.failed.is_some()) {
            // The next run would take all its findings for new ones.
            Some(server) => {
                format!("no baseline was written: {} could not be judged", server.name())
            }
            None => {
                let known = Known::of(&servers);
                match known.save(path) {
                    Ok(()) => format!("{} has {} findings now", path.display(), known.count()),
                    Err(error) => {
                        let said = format!("no baseline was written: {error}");
                        failed.push(error);
                        said
                    }
                }
            }
        });
    }
    let report =
        CheckReport { servers, notes, gate: job.gate.clone(), all: context.ui.is_verbose() };
    // The other forms have no place for words.
    if !matches!(context.format, Format::Table | Format::Json) {
        report.notes.iter().for_each(|note| context.ui.note(note));
    }
    let target = match report.servers.as_slice() {
        [one] => one.target.clone(),
        _ => None,
    };
    for output in &args.output {
        failed.extend(output.write(context, target.as_deref(), &report).err());
    }
    let exit = context.answer(target.as_deref(), &report)?;
    let Some(last) = failed.pop() else { return Ok(exit) };
    failed.iter().for_each(|error| context.ui.error(error));
    if exit == Exit::Critical && last.exit() == Exit::Io {
        context.ui.error(&last);
        return Ok(exit);
    }
    Err(last)
}

impl Args {
    fn gate(&self) -> Gate {
        let fail_on = match self.fail_on {
            FailOn::Critical => report::FailOn::Critical,
            // What is not new is excused.
            FailOn::Warning | FailOn::New => report::FailOn::Warning,
        };
        Gate { fail_on, allowed: self.allow_unknown.clone() }
    }
}

/// The operator's limits.
fn limits(context: &Context) -> Result<Limits> {
    let mut limits = Limits::default();
    for entry in &context.settings.check.limits {
        let place = entry.place.as_str();
        let (path, _object) = place.split_once(':').unwrap_or((place, ""));
        let (id, name) = path.split_once('/').unwrap_or((path, ""));
        let wrong = || {
            Error::usage(format!("invalid check.limits.{place:?}"))
                .next(format!("pgtend check --list --only {id} shows the limits"))
        };
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
