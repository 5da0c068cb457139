//! `--watch` of `pgtend slow-queries`: what runs between two samples, or all that was counted.

use super::super::Context;
use super::super::watch::{Line, watch};
use super::Args;
use crate::cli::watch::Every;
use crate::conn::{Session, SessionOptions};
use crate::error::Result;
use crate::exit::Exit;
use crate::report::slow_queries::SlowQueriesReport;
use crate::settings::Target;
use crate::slow_queries::{self, Asked, Ready, Sample, Sort, Source, Wanted, difference};
use crate::ui::live::{Live, Turn};

/// Shows the ranking again and again.
pub async fn ranking(
    context: &Context,
    target: &Target,
    options: SessionOptions,
    args: &Args,
    every: Every,
) -> Result<Exit> {
    let mut line = Line::new(context, target, options);
    watch(context, target, every, Ranking::new, async || {
        line.sample(async |routed| take(&routed.session, args).await).await
    })
    .await
}

/// One look at the server.
enum Taken {
    Counted(Box<Counted>),
    /// What runs now, where the extension cannot be asked.
    Running(Box<SlowQueriesReport>),
}

struct Counted {
    ready: Ready,
    sample: Sample,
    asked: Asked,
}

async fn take(session: &Session, args: &Args) -> Result<Taken> {
    let asked = args.asked(&session.server().database);
    match slow_queries::ready(session).await? {
        Source::Statistics(ready) => {
            // Small numbers too: they may be large beside the sample before.
            let wanted = Wanted { scope: asked.scope.clone(), ..Wanted::default() };
            let sample = slow_queries::take(session, &ready, &wanted).await?;
            Ok(Taken::Counted(Box::new(Counted { ready: *ready, sample, asked })))
        }
        Source::Live(told) => {
            Ok(Taken::Running(Box::new(slow_queries::live(session, &told, &asked).await?)))
        }
    }
}

struct Ranking {
    report: SlowQueriesReport,
    last: Option<Counted>,
    before: Option<Sample>,
    /// All that was counted, instead of what was since the sample before.
    totals: bool,
    /// By a key.
    sort: Option<Sort>,
}

const SORTS: [(char, Sort); 5] =
    [('t', Sort::Total), ('m', Sort::Mean), ('c', Sort::Calls), ('i', Sort::Io), ('w', Sort::Wal)];

impl Ranking {
    fn new(taken: Taken) -> Self {
        let (report, last) = match taken {
            Taken::Counted(counted) => {
                let mut report =
                    slow_queries::ranked(&counted.ready, &counted.sample, &counted.asked);
                report.notes.push(FIRST.to_owned());
                (report, Some(*counted))
            }
            Taken::Running(report) => (*report, None),
        };
        Self { report, last, before: None, totals: false, sort: None }
    }

    /// Ranks what is known.
    fn rank(&mut self) {
        let Some(Counted { ready, sample, asked }) = &self.last else { return };
        let asked = Asked { sort: self.sort.unwrap_or(asked.sort), ..asked.clone() };
        let totals = || slow_queries::ranked(ready, sample, &asked);
        self.report = match &self.before {
            _ if self.totals => totals(),
            None => with_note(totals(), FIRST.to_owned()),
            Some(before) => match difference(before, sample) {
                Ok(found) => slow_queries::over_period(ready, (before, sample), &found, &asked),
                // Another server answers at this address by now.
                Err(why) => with_note(totals(), why),
            },
        };
    }
}

const FIRST: &str = "all that was counted; what is counted from now on comes with the next sample";

fn with_note(mut report: SlowQueriesReport, note: String) -> SlowQueriesReport {
    report.notes.push(note);
    report
}

impl Live for Ranking {
    type Sample = Taken;
    type Report = SlowQueriesReport;

    fn take(&mut self, sample: Taken) {
        match sample {
            Taken::Counted(counted) => {
                self.before = self.last.replace(*counted).map(|last| last.sample);
                self.rank();
            }
            Taken::Running(report) => {
                (self.report, self.last, self.before) = (*report, None, None);
            }
        }
    }

    fn report(&self) -> &SlowQueriesReport {
        &self.report
    }

    fn keys(&self) -> Vec<(char, String)> {
        let other = if self.totals { "difference" } else { "totals" };
        let sorts = SORTS.iter().map(|(key, sort)| (*key, sort.name().to_owned()));
        [('d', other.to_owned())].into_iter().chain(sorts).collect()
    }

    fn key(&mut self, key: char) -> Turn {
        match SORTS.iter().find(|(known, _)| *known == key) {
            Some((_, sort)) => self.sort = Some(*sort),
            None if key == 'd' => self.totals = !self.totals,
            None => return Turn::Nothing,
        }
        self.rank();
        Turn::Redraw
    }
}
