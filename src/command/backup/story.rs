//! How a run went, told to everybody who is to know: the operator's commands, the file for
//! Prometheus, the service that is pinged, and the log. All of it is made of one [`Story`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::all::MadeAll;
use super::run::RunArgs;
use crate::backup::all::Outcome;
use crate::backup::catalog;
use crate::backup::tell::{self, Asked, Hook, Ping, Tries};
use crate::command::{Context, with_signal};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::http::Client;
use crate::render;
use crate::report::backup::Backup;
use crate::report::story::{Run, Story};
use crate::settings::Target;
use crate::store::Store;
use crate::ui::{Level, Line};

/// Longest time for one of the operator's commands when nobody says.
pub(super) const HOOK_TIMEOUT: Duration = Duration::from_secs(600);
/// After a signal: whoever sent it will not wait for long.
const HURRIED_HOOK: Duration = Duration::from_secs(10);
/// Longest look for an older backup.
const LOOK: Duration = Duration::from_secs(10);
const HURRIED_LOOK: Duration = Duration::from_secs(2);
/// Lines of a failed command's output that are told with its failure.
const LAST_LINES: usize = 5;

/// A run whose story is to be told.
pub(super) struct Teller<'a> {
    context: &'a Context,
    ping: Option<Ping>,
    metrics_file: Option<PathBuf>,
    before: Option<String>,
    after: Option<String>,
    on_failure: Option<String>,
    hook_timeout: Duration,
    about: About,
    /// A dry run has no story.
    silent: bool,
    started: jiff::Timestamp,
    clock: Instant,
    start_ping: Option<JoinHandle<Result<()>>>,
}

/// What is known of a run before it connects.
#[derive(Default)]
struct About {
    /// The target's name in pgtend.toml.
    name: Option<String>,
    /// None when it is of several, or not known.
    database: Option<String>,
    cluster: Option<String>,
    store: Option<Store>,
}

impl About {
    /// As far as settings tell; why they do not is told by who needs them.
    fn known(context: &Context, cluster: Option<&String>, several: bool) -> Self {
        let target = context.settings.target(&context.connect).ok().map(|found| found.target);
        let folder = |target: &Target| {
            let host = target.hosts.first()?;
            let named = cluster.or(target.name.as_ref()).cloned();
            let socket = host.socket().is_some();
            named.or_else(|| Some(catalog::folder_name(host.tls_name(), host.port, socket)))
        };
        Self {
            name: target.as_ref().and_then(|target| target.name.clone()),
            cluster: target.as_ref().and_then(folder),
            database: target.filter(|_| !several).map(|target| target.database),
            store: context.store().ok(),
        }
    }
}

impl<'a> Teller<'a> {
    /// # Errors
    /// Usage: the ping's URL is none, or there would be no time for a command.
    pub(super) fn new(context: &'a Context, args: &RunArgs) -> Result<Self> {
        let flags = &args.story;
        let about = About::known(context, args.cluster.as_ref(), args.all.all_databases);
        let defaults = &context.settings.backup;
        let hook_timeout = flags.hook_timeout.or(defaults.hook_timeout).unwrap_or(HOOK_TIMEOUT);
        if hook_timeout.is_zero() {
            return Err(Error::usage("--hook-timeout 0 leaves a command no time")
                .next("give it some: --hook-timeout 10m"));
        }
        let ping = match context.settings.ping(flags.ping.as_ref()) {
            None => None,
            Some((url, origin)) => {
                let client = Client::new(&context.settings.environment().http())?;
                Some(Ping::new(client, &url, &origin.to_string())?)
            }
        };
        Ok(Self {
            context,
            ping,
            metrics_file: flags.metrics_file.clone().or_else(|| defaults.metrics_file.clone()),
            before: flags.before.clone().or_else(|| defaults.before.clone()),
            after: flags.after.clone().or_else(|| defaults.after.clone()),
            on_failure: flags.on_failure.clone().or_else(|| defaults.on_failure.clone()),
            hook_timeout,
            about,
            silent: args.dry_run,
            started: jiff::Timestamp::now(),
            clock: Instant::now(),
            start_ping: None,
        })
    }

    /// Says that the run starts, and runs the operator's first command.
    ///
    /// # Errors
    /// That command failed: there is to be no backup.
    pub(super) async fn begin(&mut self) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        if let Some(ping) = self.ping.clone() {
            // Beside the backup, which must not wait for it.
            self.start_ping =
                Some(tokio::spawn(async move { ping.send("start", "", Tries::PATIENT).await }));
        }
        let Some(command) = &self.before else { return Ok(()) };
        let stop = &self.context.signals.cancel;
        let ran = self.hook("--before", command, self.variables(None), self.hook_timeout, stop);
        ran.await.map_err(|error| {
            with_signal(self.context, error)
                .because("nothing was read or published")
                .during("running the command of --before")
        })
    }

    /// The target's name in pgtend.toml.
    pub(super) fn name(&self) -> Option<String> {
        self.about.name.clone()
    }

    /// Tells what became of the only database; gives it back with what could not be told.
    pub(super) async fn tell(self, outcome: Result<Backup>) -> Result<Backup> {
        if self.silent {
            return outcome;
        }
        let made = outcome.as_ref().ok();
        let own = made.map(|backup| (Some(backup.database.clone()), Some(backup.cluster.clone())));
        let About { database, cluster, .. } = &self.about;
        let (database, cluster) = own.unwrap_or_else(|| (database.clone(), cluster.clone()));
        let run = Run {
            database,
            cluster,
            outcome,
            seconds: self.clock.elapsed().as_secs_f64(),
            ended: jiff::Timestamp::now(),
        };
        let Story { mut runs, warnings, .. } = self.end(vec![run]).await;
        match runs.pop().map(|run| run.outcome) {
            None => Err(Error::bug("a story without a run")),
            Some(Ok(mut backup)) => {
                backup.warnings.extend(warnings);
                Ok(backup)
            }
            Some(Err(error)) => Err(warnings.into_iter().fold(error, Error::also)),
        }
    }

    /// Tells what became of several databases; gives it back, and what could not be told.
    pub(super) async fn tell_all(self, made: MadeAll) -> (MadeAll, Vec<String>) {
        if self.silent {
            return (made, Vec::new());
        }
        let cluster = self.about.cluster.clone();
        let run = |Outcome { database, result, seconds, ended }| Run {
            database: Some(database),
            cluster: cluster.clone(),
            outcome: result,
            seconds,
            ended,
        };
        let MadeAll { server, repository, left_out, outcomes } = made;
        let Story { runs, warnings, .. } = self.end(outcomes.into_iter().map(run).collect()).await;
        let outcome = |Run { database, outcome, seconds, ended, .. }: Run| Outcome {
            database: database.unwrap_or_default(),
            result: outcome,
            seconds,
            ended,
        };
        let outcomes = runs.into_iter().map(outcome).collect();
        (MadeAll { server, repository, left_out, outcomes }, warnings)
    }

    /// Tells everybody. What could not be told is a warning of the story.
    async fn end(mut self, mut runs: Vec<Run>) -> Story {
        let hurried = self.context.signals.cancel.is_cancelled();
        self.tell_standing(&mut runs).await;
        let repository = self.about.store.as_ref().map(Store::location);
        let ended = jiff::Timestamp::now();
        let mut story =
            Story { repository, started: self.started, ended, runs, warnings: Vec::new() };
        let (name, command) = match story.succeeded() {
            true => ("--after", &self.after),
            false => ("--on-failure", &self.on_failure),
        };
        if let Some(command) = command {
            // A signal ends what follows a backup; what follows a failure is often that signal's.
            let stop =
                if hurried { &CancellationToken::new() } else { &self.context.signals.cancel };
            let limit =
                if hurried { HURRIED_HOOK } else { self.hook_timeout }.min(self.hook_timeout);
            let variables = self.variables(Some(&story));
            if let Err(error) = self.hook(name, command, variables, limit, stop).await {
                story.warnings.push(error.to_string());
            }
        }
        let old = self.write_metrics(&mut story, None);
        let exit = story.exit();
        self.send_ping(&mut story).await;
        if story.exit() != exit && old.is_some() {
            self.write_metrics(&mut story, old);
        }
        self.log(&story);
        story
    }

    /// Adds to each failure whether an older backup stands; nothing where no database is known.
    async fn tell_standing(&self, runs: &mut [Run]) {
        let Some(store) = &self.about.store else { return };
        // Who gave the wrong flags need not be told.
        let failed =
            runs.iter_mut().filter(|run| run.outcome.is_err() && run.exit() != Exit::Usage);
        let (runs, asked): (Vec<_>, Vec<_>) = failed
            .filter_map(|run| {
                let (database, cluster) = (run.database.clone()?, run.cluster.clone());
                Some((run, Asked { database, cluster }))
            })
            .unzip();
        if runs.is_empty() {
            return;
        }
        let hurried = self.context.signals.cancel.is_cancelled();
        let limit = if hurried { HURRIED_LOOK } else { LOOK };
        let found = tell::standing(store, asked.clone(), limit).await;
        for ((run, Asked { database, .. }), found) in runs.into_iter().zip(asked).zip(found) {
            let unknown = |why: String| {
                format!("whether an older backup of {database} stands is not known: {why}")
            };
            let place = store.location();
            run.add([match found {
                None => unknown(format!("{place} did not tell within {} s", limit.as_secs())),
                Some(Err(error)) => unknown(error.to_string()),
                Some(Ok(None)) => format!("there is no complete backup of {database} in {place}"),
                Some(Ok(Some(newest))) => {
                    render::story::standing(&newest, &database, jiff::Timestamp::now())
                }
            }]);
        }
    }

    async fn hook(
        &self,
        name: &'static str,
        command: &str,
        variables: Vec<(OsString, OsString)>,
        limit: Duration,
        stop: &CancellationToken,
    ) -> Result<()> {
        let environment = self.context.settings.environment().without_passwords();
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let hook = Hook {
            name,
            command,
            environment: environment.chain(variables).collect(),
            limit,
            group: &self.context.hooks,
        };
        let short = name.trim_start_matches('-');
        let mut last = Vec::new();
        let mut said = |text: &str| {
            let line = Line::new(Level::Info, "hook", text).with("hook", short);
            self.context.ui.event(&line, &format!("{short}: {text}"));
            last.push(text.to_owned());
            if last.len() > LAST_LINES {
                last.remove(0);
            }
        };
        let ran = hook.run(stop, &mut said).await;
        ran.map_err(|error| {
            last.into_iter().fold(error, |error, line| error.because(format!("it said: {line}")))
        })
    }

    /// What a command is told; without a story, what is known before the run.
    fn variables(&self, story: Option<&Story>) -> Vec<(OsString, OsString)> {
        let runs = story.map_or(&[][..], |story| &story.runs);
        let lines = |texts: Vec<String>| texts.join("\n");
        let mut databases: Vec<String> =
            runs.iter().filter_map(|run| run.database.clone()).collect();
        if story.is_none() {
            databases.extend(self.about.database.clone());
        }
        let backups = runs.iter().filter_map(|run| run.outcome.as_ref().ok());
        let error = story.and_then(Story::error);
        let error = error.map(|error| crate::settings::masked(&error.to_string()));
        [
            ("PGTEND_RESULT", story.map_or("starting", Story::result).to_owned()),
            (
                "PGTEND_EXIT_CODE",
                story.map_or_else(String::new, |story| story.exit().code().to_string()),
            ),
            ("PGTEND_BACKUP_ID", lines(backups.map(|backup| backup.id.clone()).collect())),
            ("PGTEND_DATABASE", lines(databases)),
            (
                "PGTEND_REPOSITORY",
                self.about.store.as_ref().map_or_else(String::new, Store::location),
            ),
            (
                "PGTEND_ERROR",
                error.and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default(),
            ),
        ]
        .into_iter()
        // A variable cannot hold a zero byte.
        .map(|(name, value)| (name.into(), value.replace('\0', "").into()))
        .collect()
    }

    /// Gives the text that the file had, for another writing, unless that failed.
    fn write_metrics(&self, story: &mut Story, old: Option<String>) -> Option<String> {
        let path = self.metrics_file.as_ref()?;
        let written = old.map_or_else(|| tell::old_text(path), Ok).and_then(|old| {
            tell::replace(path, &render::metrics::text(story, &old))?;
            Ok(old)
        });
        written.map_err(|error: Error| story.warnings.push(error.to_string())).ok()
    }

    async fn send_ping(&mut self, story: &mut Story) {
        let Some(ping) = &self.ping else { return };
        if let Some(mut start) = self.start_ping.take() {
            // After a short run it may still be on its way. Arriving late it would say that the
            // run goes on.
            let arrived = tokio::time::timeout(Tries::HURRIED.limit, &mut start).await;
            let ended = match arrived {
                Ok(ended) => ended,
                Err(_) => {
                    start.abort();
                    start.await
                }
            };
            if let Ok(Err(error)) = ended {
                self.context.ui.note(&format!("at the start, {error}"));
            }
        }
        let hurried = self.context.signals.cancel.is_cancelled();
        let tries = if hurried { Tries::HURRIED } else { Tries::PATIENT };
        let signal = if story.succeeded() { "" } else { "fail" };
        if let Err(error) = ping.send(signal, &render::story::body(story), tries).await {
            story.warnings.push(error.to_string());
        }
    }

    /// The story as events; people read the answer.
    fn log(&self, story: &Story) {
        if !self.context.ui.logs_json() {
            return;
        }
        for run in &story.runs {
            let exit = if story.runs.len() == 1 { story.exit() } else { run.exit() };
            let level = match exit {
                Exit::Good => Level::Info,
                Exit::Warning => Level::Warn,
                _ => Level::Error,
            };
            let text = render::story::line(run);
            let mut line = Line::new(level, "result", &text)
                .with("exit", exit.code())
                .with("seconds", run.seconds)
                .with("database", run.database.clone())
                .with("cluster", run.cluster.clone())
                .with("repository", story.repository.clone());
            if let Ok(backup) = &run.outcome {
                line = line
                    .with("id", backup.id.clone())
                    .with("bytes", backup.totals.bytes)
                    .with("raw_bytes", backup.totals.raw_bytes)
                    .with("rows", backup.totals.rows)
                    .with("tables", backup.totals.tables);
            }
            self.context.ui.event(&line, &text);
        }
    }
}
