//! `--watch`: the checks again and again. A dead server ends nothing: it is shown as failed, and is
//! asked again when its circuit breaker lets a try through.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::super::watch::{Line, Plain, Subject, watch_subject};
use super::look::{Job, is_about_the_server, of_failure, place};
use super::samples::Seen;
use crate::check::Facts;
use crate::cli::watch::Every;
use crate::conn::{Breaker, BreakerState, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::{CheckReport, ServerChecks};
use crate::report::health;
use crate::settings::{Target, quantity};
use crate::ui::live;

/// Servers that are asked at a time.
const AT_A_TIME: usize = 8;
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

/// Shows the servers until the operator has seen enough.
///
/// # Errors
/// A target that cannot be read; of a single server those of the first look that no other try
/// changes.
pub async fn watch(
    job: &Job<'_>,
    targets: Vec<(String, Result<Target>)>,
    every: Every,
) -> Result<Exit> {
    let targets: Vec<Target> =
        targets.into_iter().map(|(_, target)| target).collect::<Result<_>>()?;
    let alone = targets.len() == 1;
    // The next look is the next try.
    let options = || SessionOptions { retry: false, ..job.options(alone) };
    let mut watched: Vec<Watched<'_>> = targets
        .iter()
        .map(|target| Watched {
            target,
            line: Line::new(job.context, target, options()),
            breaker: Breaker::new(),
            last: None,
            failure: None,
            given_up: false,
        })
        .collect();
    let subject = match targets.as_slice() {
        [one] => Subject { name: one.name.as_deref(), place: place(one) },
        all => Subject { name: None, place: format!("{} targets", all.len()) },
    };
    watch_subject(job.context, &subject, every, Plain, async || {
        let looks = watched.iter_mut().map(|one| one.look(job, alone));
        let servers: Vec<Result<ServerChecks>> =
            stream::iter(looks).buffered(AT_A_TIME).collect().await;
        let servers = servers.into_iter().collect::<Result<Vec<_>>>()?;
        let all = job.context.ui.is_verbose();
        Ok(CheckReport { servers, notes: Vec::new(), gate: job.gate.clone(), all })
    })
    .await
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
                    let previous = previous.filter(|previous| is_same(previous, &facts));
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
        let mut server = of_failure(self.target, self.failure.get_or_insert_with(unknown));
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
        timeout(limit, asked).await.unwrap_or_else(|_| {
            Err(Error::new(Exit::Unavailable, "the server does not answer")
                .because(format!("nothing within {}", quantity::written_duration(limit))))
        })
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

/// Whether the same database of the same server answered.
fn is_same(previous: &Facts, facts: &Facts) -> bool {
    previous.system_identifier == facts.system_identifier
        && previous.server.database == facts.server.database
}
