//! Looking at servers: one, or several side by side.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::{Instant, timeout};

use super::super::Context;
use super::Args;
use super::beside::{self, Moment};
use super::samples::Seen;
use super::{deploy, files};
use crate::check::{self, Asked, Check, Facts, Known, Limits, Source};
use crate::conn::{Routed, Session, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::{Gate, ServerChecks, covers};
use crate::settings::{Target, ask_password, quantity};
use crate::ui::live;

/// What holds for each statement of a check.
const PER_STATEMENT: [(&str, &str); 3] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "100ms"),
    // The bounds of partitions are read as text.
    ("datestyle", "ISO"),
];
/// Servers that are asked at a time.
pub const AT_A_TIME: usize = 8;
/// From this time limit on a server that may be starting is tried again.
const PATIENT: Duration = Duration::from_secs(20);
/// For the answers that have come by the end of the time limit to be read.
const GRACE: Duration = Duration::from_millis(500);

/// What is done with each server.
pub struct Job<'a> {
    pub context: &'a Context,
    pub args: &'a Args,
    pub checks: &'a [&'static Check],
    pub limits: &'a Limits,
    pub baseline: Option<Known>,
    pub gate: Gate,
    pub today: Date,
    /// The files of --migrations.
    pub sources: Option<Vec<Source>>,
    /// Why what was seen could not be kept.
    pub unkept: RefCell<Option<Error>>,
    /// What else is to be told with the answer.
    pub notes: RefCell<Vec<String>>,
}

impl Job<'_> {
    /// Looks at all of them, in their order. What keeps one from being judged is in its place.
    ///
    /// # Errors
    /// Those of a single server that are not about it: usage, bugs, files.
    pub async fn look_at_all(
        &self,
        targets: Vec<(String, Result<Target>)>,
    ) -> Result<Vec<ServerChecks>> {
        let alone = targets.len() == 1;
        let looked: Vec<Vec<ServerChecks>> = stream::iter(targets)
            .map(|(name, target)| async move {
                match target {
                    Ok(target) if self.args.databases.are_all() => {
                        self.look_at_databases(&target, alone).await
                    }
                    Ok(target) => Ok(vec![self.until_quiet(&target, alone).await?]),
                    Err(error) => Ok(vec![unread(&name, &error)]),
                }
            })
            .buffered(AT_A_TIME)
            .try_collect()
            .await?;
        Ok(looked.into_iter().flatten().collect())
    }

    /// What a target is called among others; none where flags name the server.
    pub fn label(&self, target: &Target) -> Option<String> {
        let name = target.name.as_ref()?;
        Some(match self.args.databases.are_all() {
            true => format!("{name}/{}", target.database),
            false => name.clone(),
        })
    }

    /// Looks again while `--wait` lasts and what is in the way passes by itself.
    pub async fn until_quiet(&self, target: &Target, alone: bool) -> Result<ServerChecks> {
        let mut waiting = deploy::Waiting::new(&self.args.deploy);
        loop {
            let server = self.look(target, alone).await?;
            if !waiting.again(self.context, &server).await {
                return Ok(server);
            }
        }
    }

    async fn look(&self, target: &Target, alone: bool) -> Result<ServerChecks> {
        let limit = self.args.time_limit + self.args.samples.interval.unwrap_or_default();
        let seen = match timeout(limit + GRACE, self.observed(target, alone)).await {
            Ok(seen) => seen,
            Err(_) => Err(silent(limit)),
        };
        match seen {
            Ok(seen) => {
                if alone && let Err(error) = self.args.samples.keep(&seen.facts) {
                    self.unkept.replace(Some(error));
                }
                Ok(self.judged(Some(target), &seen, alone))
            }
            Err(error) => self.not_judged(self.label(target), target, error, alone),
        }
    }

    /// A server that could not be judged; of a single one what to do about it is told too.
    ///
    /// # Errors
    /// Those of a single one that are not about it.
    pub fn not_judged(
        &self,
        label: Option<String>,
        target: &Target,
        error: Error,
        alone: bool,
    ) -> Result<ServerChecks> {
        if alone && !is_about_the_server(&error) {
            return Err(error);
        }
        let server = of_failure(label, target, &error);
        if alone {
            self.context.ui.error(&error.with_exit(server.outcome));
        }
        Ok(server)
    }

    /// Judges what was seen.
    pub fn judged(&self, target: Option<&Target>, seen: &Seen, alone: bool) -> ServerChecks {
        let looked = &seen.facts.server;
        let place = match target {
            Some(target) => target.place(),
            None => format!("{}:{}/{}", looked.host, looked.port, looked.database),
        };
        let environment =
            self.profile().map(str::to_owned).or_else(|| target.and_then(environment));
        let name = target.and_then(|target| self.label(target));
        let known = self.baseline.as_ref().map_or(&[][..], |baseline| {
            baseline.keys(name.as_deref().unwrap_or(&place), &looked.database, alone)
        });
        let asked = Asked {
            checks: self.checks,
            limits: self.limits,
            settings: &self.context.settings.check,
            environment: environment.as_deref(),
            baseline: known,
            today: self.today,
        };
        let checks = check::judge(&seen.facts, seen.previous.as_ref(), &asked);
        let forecast = check::forecast(&seen.facts, &asked, &checks, |id| {
            self.gate.allowed.iter().any(|name| covers(name, id))
        });
        let can_begin = forecast.as_ref().map_or(Exit::Good, |forecast| forecast.verdict.exit());
        let mut server = ServerChecks {
            target: name,
            tags: target.map(|target| target.tags.clone()).unwrap_or_default(),
            environment,
            place,
            server: Some(looked.clone()),
            at: seen.facts.at,
            outcome: self.gate.outcome(&checks).worst(can_begin),
            checklist: self.args.profile.map(|profile| check::fill(profile.list(), &checks)),
            checks,
            forecast,
            failed: None,
            health: None,
        };
        server.health = Some(check::health(&server, Some(&seen.facts)));
        server
    }

    /// The environment of `--profile`.
    fn profile(&self) -> Option<&'static str> {
        self.args.profile.map(|profile| profile.list().name)
    }

    /// How a session starts; `alone` when its password can be asked for.
    pub fn options(&self, alone: bool) -> SessionOptions {
        let mut options = SessionOptions {
            // Several would ask at once, and nobody knew for which.
            prompt: alone.then_some(ask_password as _),
            tell: Some(self.context.listener()),
            // The last of three tries comes after some seconds.
            retry: self.args.time_limit >= PATIENT,
            ..SessionOptions::reading("pgtend/check")
        };
        for (name, value) in PER_STATEMENT {
            options.settings.retain(|(known, _)| known != name);
            options.settings.push((name.to_owned(), value.to_owned()));
        }
        options
    }

    /// Asks one server all questions.
    pub async fn ask(&self, session: &Session, target: &Target, left: Duration) -> Result<Facts> {
        let files = files::read(self.context, target, self.checks)?;
        let moment = Moment { target: target.name.as_deref(), profile: self.profile(), left };
        let settings = &self.context.settings.check;
        // The repository is read while the server answers.
        let observed = check::observe(session, self.checks, settings, left);
        let backups =
            async { Ok(beside::backups(self.context, moment, self.checks, session).await) };
        let (mut facts, backups) = tokio::try_join!(observed, backups)?;
        facts.beside = files;
        beside::add(self.context, moment, self.checks, backups, &mut facts)?;
        self.args.deploy.add(self.sources.as_deref(), &mut facts)?;
        Ok(facts)
    }

    /// Connects and asks, twice where the operator wants two samples.
    async fn observed(&self, target: &Target, alone: bool) -> Result<Seen> {
        let Self { context, args, checks, .. } = *self;
        let earlier = args.samples.earlier()?;
        let began = Instant::now();
        let Routed { session, .. } = context.route(target, &self.options(alone)).await?;
        let left = || args.time_limit.saturating_sub(began.elapsed());
        let Some(interval) = args.samples.interval else {
            let facts = self.ask(&session, target, left()).await?;
            return args.samples.seen(facts, earlier);
        };
        let first =
            check::observe_compared(&session, checks, &context.settings.check, left()).await?;
        let pause = quantity::written_duration(interval);
        context.ui.note(&format!("the second sample is taken in {pause}"));
        tokio::time::sleep(interval).await;
        let facts = self.ask(&session, target, left() + interval).await?;
        Ok(Seen { facts, previous: Some(first) })
    }
}

/// A failure that says something of the server: it is the server's verdict, not the run's end.
pub fn is_about_the_server(error: &Error) -> bool {
    matches!(error.exit(), Exit::Unavailable | Exit::Busy)
}

/// A server that could not be judged: critical when nobody can reach it; unknown when it is there
/// and does not let us in, or something of our own is wrong.
fn failed(target: Option<String>, place: String, error: &Error) -> ServerChecks {
    let critical = is_about_the_server(error) && !live::is_final(error);
    ServerChecks {
        target,
        tags: Vec::new(),
        environment: None,
        place,
        server: None,
        at: Timestamp::now(),
        checks: Vec::new(),
        forecast: None,
        checklist: None,
        failed: Some(error.to_string()),
        outcome: if critical { Exit::Critical } else { Exit::Unknown },
        health: None,
    }
}

/// The same of a target, under this label.
pub fn of_failure(label: Option<String>, target: &Target, error: &Error) -> ServerChecks {
    let mut server = ServerChecks {
        tags: target.tags.clone(),
        environment: environment(target),
        ..failed(label, target.place(), error)
    };
    server.health = Some(check::health(&server, None));
    server
}

/// The same of a target that cannot even be read from pgtend.toml.
pub fn unread(name: &str, error: &Error) -> ServerChecks {
    let mut server = failed(Some(name.to_owned()), String::new(), error);
    server.health = Some(check::health(&server, None));
    server
}

/// Nothing was heard in time.
pub fn silent(limit: Duration) -> Error {
    Error::new(Exit::Unavailable, "the server does not answer")
        .because(format!("nothing within {}", quantity::written_duration(limit)))
}

fn environment(target: &Target) -> Option<String> {
    target.environment.as_ref().map(|(name, _)| name.clone())
}
