//! `--watch`: the checks again and again. A dead server ends nothing: it is shown as failed, and is
//! asked again when its circuit breaker lets a try through.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::super::watch::{Line, Plain, Subject, watch_subject};
use super::look::{AT_A_TIME, Job, is_about_the_server, of_failure, silent, unread};
use super::samples::Seen;
use crate::check::Facts;
use crate::cli::watch::Every;
use crate::conn::{Breaker, BreakerState, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::{CheckReport, ServerChecks};
use crate::report::health;
use crate::settings::Target;
use crate::ui::live;

/// A look that takes longer is given up, with its session; less than the page waits for all.
const LONGEST: Duration = Duration::from_secs(20);

/// One server that is asked again and again.
struct Watched<'a> {
    target: &'a Target,
    line: Line<'a>,
    breaker: Breaker,
    last: Option<Facts>,
    /// The last failure, for as long as nobody tries again.
    failure: Option<Error>,
    /// A login that was refused: more tries would only lock the role out.
    given_up: bool,
}

/// One of those that are shown.
enum Shown<'a> {
    Asked(Box<Watched<'a>>),
    /// Its settings cannot be read, and are not read again: it is failed to the end.
    Unread(&'a str, &'a Error),
}

/// Shows the servers until the operator has seen enough.
///
/// # Errors
/// Of a single server those of the first look that no other try changes.
pub async fn watch(
    job: &Job<'_>,
    targets: Vec<(String, Result<Target>)>,
    every: Every,
) -> Result<Exit> {
    let alone = targets.len() == 1;
    // The next look is the next try.
    let options = || SessionOptions { retry: false, ..job.options(alone) };
    let mut shown: Vec<Shown<'_>> = targets
        .iter()
        .map(|(name, target)| match target {
            Ok(target) => Shown::Asked(Box::new(Watched {
                target,
                line: Line::new(job.context, target, options()),
                breaker: Breaker::new(),
                last: None,
                failure: None,
                given_up: false,
            })),
            Err(error) => Shown::Unread(name, error),
        })
        .collect();
    let subject = match targets.as_slice() {
        [(_, Ok(one))] => Subject { name: one.name.as_deref(), place: one.place() },
        all => Subject { name: None, place: format!("{} targets", all.len()) },
    };
    watch_subject(job.context, &subject, every, Plain, async || {
        let looks = shown.iter_mut().map(|one| one.look(job, alone));
        let servers: Vec<Result<ServerChecks>> =
            stream::iter(looks).buffered(AT_A_TIME).collect().await;
        let servers = servers.into_iter().collect::<Result<Vec<_>>>()?;
        let all = job.context.ui.is_verbose();
        Ok(CheckReport { servers, notes: Vec::new(), gate: job.gate.clone(), all })
    })
    .await
}

impl Shown<'_> {
    async fn look(&mut self, job: &Job<'_>, alone: bool) -> Result<ServerChecks> {
        match self {
            Self::Asked(watched) => watched.look(job, alone).await,
            Self::Unread(name, error) => {
                let mut server = unread(name, error);
                if let Some(health) = &mut server.health {
                    let why = "it is not asked: its settings cannot be read";
                    health.reasons.insert("circuit_breaker".to_owned(), why.to_owned());
                }
                Ok(server)
            }
        }
    }
}

impl Watched<'_> {
    /// One look, when the breaker lets it through.
    async fn look(&mut self, job: &Job<'_>, alone: bool) -> Result<ServerChecks> {
        if !self.given_up && self.breaker.may_try(Instant::now()) {
            match self.facts(job).await {
                Ok(facts) => {
                    self.breaker.succeeded();
                    self.failure = None;
                    let previous = self.last.replace(facts.clone());
                    let previous = previous.filter(|previous| previous.is_of_same(&facts));
                    let seen = Seen { facts, previous };
                    let mut server = job.judged(Some(self.target), &seen, alone);
                    self.tell(&mut server);
                    return Ok(server);
                }
                Err(error) if alone && (live::is_final(&error) || !is_about_the_server(&error)) => {
                    return Err(error);
                }
                Err(error) => {
                    self.breaker.failed(Instant::now());
                    self.given_up = live::is_final(&error);
                    self.failure = Some(error);
                }
            }
        }
        let unknown = || Error::new(Exit::Unavailable, "the server is not tried");
        let failure = self.failure.get_or_insert_with(unknown);
        let mut server = of_failure(self.target.name.clone(), self.target, failure);
        if let (Some(failed), false) = (&mut server.failed, self.given_up) {
            failed.push_str(&format!("; {}", self.breaker.state(Instant::now())));
        }
        self.tell(&mut server);
        Ok(server)
    }

    async fn facts(&mut self, job: &Job<'_>) -> Result<Facts> {
        let limit = job.args.time_limit.min(LONGEST);
        let target = self.target;
        let asked = self.line.sample(async |routed| job.ask(&routed.session, target, limit).await);
        timeout(limit, asked).await.unwrap_or_else(|_| Err(silent(limit)))
    }

    /// Puts the breaker into the health document.
    fn tell(&self, server: &mut ServerChecks) {
        let Some(health) = &mut server.health else { return };
        let (state, failures, left) = match self.breaker.state(Instant::now()) {
            BreakerState::Closed { failures } => ("closed", failures, None),
            BreakerState::Open { failures, left } => ("open", failures, Some(left.as_secs_f64())),
            BreakerState::HalfOpen { failures } => ("half-open", failures, None),
        };
        health.reasons.remove("circuit_breaker");
        health.circuit_breaker =
            Some(health::Breaker { state: state.to_owned(), failures, retry_in_seconds: left });
    }
}
