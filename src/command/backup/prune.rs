//! `pgtend backup prune`, and the pruning after a backup.

use std::time::Duration;

use super::retention_flags::{self, RetentionFlags};
use crate::backup::prune::{self, Request, SWEEP_AGE, Scope};
use crate::command::{Context, with_signal};
use crate::consent::{Consent, Danger};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::printable;
use crate::report::Report;
use crate::report::backup::{Backup, State};
use crate::report::prune::{Action, Prune, Pruned};
use crate::settings::{Retention, quantity};
use crate::store::Store;
use crate::ui::consent::{self, Answers, shell_word};

/// Backups that are named before the question.
const NAMED: usize = 20;
/// Below this a running backup could look like one that was broken off.
const SHORTEST_SWEEP: Duration = Duration::from_secs(3600);

const AFTER_HELP: &str = "\
Examples:
  pgtend backup prune -r /var/backups/pg --keep-daily 7 --keep-monthly 12 --dry-run
  pgtend backup prune -r /var/backups/pg --keep-last 30 --database app --confirm app
  pgtend backup prune -r /var/backups/pg --sweep-older-than 2d --yes

Each database is judged by itself. Kept whatever the rules say: the newest complete backups
(--min-keep), the newest verified ones (--keep-proven), what is damaged, what a newer pgtend wrote,
what comes from the future. Folders without a manifest, left by runs that were broken off, go when
nothing in them is younger than --sweep-older-than.

Exit 0: done. 1: done, look at the warnings. 74: something could not be read or removed, the rest
is done. 77: refused, nothing was done.";

/// Remove backups that no rule keeps, and what broken-off runs left
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct PruneArgs {
    /// Look only at backups of this cluster
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// Look only at backups of this database
    #[arg(long, value_name = "NAME")]
    database: Option<String>,

    /// Remove folders without a manifest when nothing in them is younger (default: 24h)
    #[arg(long, value_name = "TIME", value_parser = sweep_age)]
    sweep_older_than: Option<Duration>,

    /// Show what would be removed and why, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Answer y to the question whether to go on, where no complete backup goes
    #[arg(short, long)]
    yes: bool,

    /// Name that would be typed: of the database or cluster that was given, else the repository
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,

    #[command(flatten)]
    rules: RetentionFlags,
}

fn sweep_age(text: &str) -> Result<Duration, String> {
    match quantity::duration(text)? {
        age if age < SHORTEST_SWEEP => {
            Err("a backup that runs could look like that: 1h at least".into())
        }
        age => Ok(age),
    }
}

impl PruneArgs {
    /// The rules on the command line.
    pub fn rules(&self) -> Retention {
        self.rules.given()
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: PruneArgs) -> Result<Exit> {
    let given = args.rules().or(&context.settings.backup.retention);
    let (policy, rules) = retention_flags::policy(&given);
    if policy.is_none() && args.sweep_older_than.is_none() {
        return Err(Error::usage("nothing says which backups stay")
            .because("no --keep- flag was given, and pgtend.toml has none in [backup]")
            .next("say what stays: --keep-daily 7 --keep-weekly 4; try it with --dry-run")
            .next("or only tidy up after broken-off runs: --sweep-older-than 24h"));
    }
    let store = context.existing_store().await?;
    let scope = Scope { cluster: args.cluster.clone(), database: args.database.clone() };
    let request = Request {
        store,
        policy,
        rules,
        sweep: Some(args.sweep_older_than.unwrap_or(SWEEP_AGE)),
        now: jiff::Timestamp::now(),
        cancel: context.signals.cancel.clone(),
        scope,
    };
    let plan = prune::plan(&request).await.map_err(|error| with_signal(context, error))?;
    if plan.backups.is_empty() && request.scope != Scope::default() {
        return Err(nothing_meant(&request));
    }
    let name = name(&request);
    if args.dry_run {
        warn(context, &plan);
        let exit = context.answer(None, &plan)?;
        if plan.going().any(is_complete) {
            let name = shell_word(&name);
            context
                .ui
                .note(&format!("without --dry-run it asks for the name; --confirm {name} answers"));
        }
        return Ok(exit);
    }
    let report = if plan.going().next().is_some() {
        let consent = ask(context, &args, &plan, name).await?;
        let applied = prune::apply(&request, plan, &consent).await;
        applied.map_err(|error| with_signal(context, error))?
    } else {
        Prune { dry_run: false, ..plan }
    };
    warn(context, &report);
    context.answer(None, &report)
}

fn warn(context: &Context, report: &Prune) {
    report.warnings.iter().for_each(|warning| context.ui.warning(warning));
}

fn is_complete(row: &Pruned) -> bool {
    row.state == State::Complete
}

/// What is typed to agree: always the same for the same command line, so that cron can say it.
fn name(request: &Request) -> String {
    let Scope { cluster, database } = &request.scope;
    database.clone().or_else(|| cluster.clone()).unwrap_or_else(|| request.store.location())
}

async fn ask(context: &Context, args: &PruneArgs, plan: &Prune, name: String) -> Result<Consent> {
    let named = |row: &Pruned| {
        let taken = row.taken.map(|taken| taken.strftime(", %Y-%m-%d %H:%M UTC").to_string());
        format!(
            "to be removed: {} of {} (cluster {}){}: {}",
            row.id,
            row.database,
            row.cluster,
            taken.unwrap_or_default(),
            row.reasons.join(", ")
        )
    };
    let mut what: Vec<String> = plan.going().take(NAMED).map(named).collect();
    let more = plan.going().count().saturating_sub(NAMED);
    if more > 0 {
        what.push(format!("and {more} more (all of them: --dry-run)"));
    }
    // A folder that is no backup loses nothing; whoever would have typed the name agrees to that.
    let losing = plan.going().any(is_complete);
    let danger = if losing { Danger::Replaces(name.clone()) } else { Danger::Adds };
    let yes = args.yes || args.confirm.as_ref() == Some(&name);
    let answers = Answers { yes, confirm: args.confirm.clone() };
    let cancel = &context.signals.cancel;
    let asked = consent::ask(&context.ui, &answers, &danger, &what, cancel);
    asked.await.map_err(|error| with_signal(context, error))
}

/// A typing error must not look like a repository that is tidy.
fn nothing_meant(request: &Request) -> Error {
    let Scope { cluster, database } = &request.scope;
    let of = |what: &str, name: &Option<String>| {
        name.as_ref().map(|name| format!(" of {what} {}", printable(name))).unwrap_or_default()
    };
    let location = request.store.location();
    let (database, cluster) = (of("database", database), of("cluster", cluster));
    Error::usage(format!("no backup{database}{cluster} in {location}"))
        .next(format!("see what is there: pgtend backup list --repo {location}"))
}

/// Removes what the rules let go of the database that was just backed up. The backup is published
/// whatever becomes of this: a fault is a warning of its report.
pub async fn after(context: &Context, store: &Store, rules: &Retention, report: &mut Backup) {
    let (Some(policy), rules) = retention_flags::policy(rules) else { return };
    let scope =
        Scope { cluster: Some(report.cluster.clone()), database: Some(report.database.clone()) };
    let request = Request {
        store: store.clone(),
        policy: Some(policy),
        rules,
        scope,
        // Others' leftovers are for `prune`.
        sweep: None,
        now: jiff::Timestamp::now(),
        cancel: context.signals.cancel.clone(),
    };
    match prune_after(&request, report).await {
        Ok(pruned) => {
            report.warnings.extend(pruned.warnings.iter().cloned());
            let failed = pruned.backups.iter().filter_map(|row| {
                let problem = row.problem.as_ref()?;
                let what = match row.action {
                    Action::Keep => "was not judged",
                    Action::Remove => "was not removed",
                };
                Some(format!("older backup {} {what}: {problem}", row.id))
            });
            report.warnings.extend(failed);
            if report.warnings.is_empty() && pruned.outcome() == Exit::Warning {
                report
                    .warnings
                    .push("a damaged backup is among the older ones: pgtend backup list".into());
            }
            report.pruned = Some(pruned);
        }
        Err(error) => report.warnings.push(format!("older backups were not removed: {error}")),
    }
}

async fn prune_after(request: &Request, report: &Backup) -> Result<Prune> {
    let plan = prune::plan(request).await?;
    // The rules count from it: without it in view nothing may go.
    let own = plan.backups.iter().find(|row| row.id == report.id);
    if !own.is_some_and(|row| is_complete(row) && row.action == Action::Keep) {
        return Err(Error::new(Exit::Io, "the new backup is not in the list of the repository"));
    }
    prune::apply(request, plan, &Consent::by_rules_of_the_run()).await
}
