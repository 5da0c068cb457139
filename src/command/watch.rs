//! `--watch`: a live page on a terminal, one report after the other elsewhere.

use std::time::Duration;

use super::{Context, no_format};
use crate::cli::output::Format;
use crate::cli::watch::Every;
use crate::conn::{Routed, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::{self, Text};
use crate::report::Report;
use crate::settings::Target;
use crate::ui::live::{self, Live, Manner, Turn};
use crate::ui::reader_gone;

/// The forms of what follows each other.
const FORMATS: [Format; 2] = [Format::Table, Format::Json];

/// The one session of all samples; another one when it was lost.
pub struct Line<'a> {
    context: &'a Context,
    target: &'a Target,
    options: SessionOptions,
    routed: Option<Routed>,
    connected: bool,
}

impl<'a> Line<'a> {
    /// Dials when it is first used.
    pub fn new(context: &'a Context, target: &'a Target, options: SessionOptions) -> Self {
        Self { context, target, options, routed: None, connected: false }
    }

    /// Takes a sample. A session in which that failed, or was given up, is not used again.
    pub async fn sample<T>(&mut self, work: impl AsyncFnOnce(&Routed) -> Result<T>) -> Result<T> {
        let routed = match self.routed.take().filter(|routed| !routed.session.is_closed()) {
            Some(routed) => routed,
            None => self.dial().await?,
        };
        let sample = work(&routed).await?;
        self.routed = Some(routed);
        Ok(sample)
    }

    async fn dial(&mut self) -> Result<Routed> {
        if self.connected {
            // The page has the terminal: nothing is asked there or said.
            let options =
                SessionOptions { prompt: None, tell: None, retry: false, ..self.options.clone() };
            return self.context.quiet_route(self.target, &options).await;
        }
        let routed = self.context.route(self.target, &self.options).await?;
        self.connected = true;
        Ok(routed)
    }
}

/// A report without keys of its own.
pub struct Plain<R>(pub R);

impl<R: Report + Text> Live for Plain<R> {
    type Sample = R;
    type Report = R;

    fn take(&mut self, sample: R) {
        self.0 = sample;
    }

    fn report(&self) -> &R {
        &self.0
    }

    fn keys(&self) -> Vec<(char, String)> {
        Vec::new()
    }

    fn key(&mut self, _key: char) -> Turn {
        Turn::Nothing
    }
}

/// Takes samples, and shows what `begin` makes of the first one, and its further life.
///
/// Ends with exit 0 by q and by Ctrl-C; with the last report's verdict when a pipe was closed.
///
/// # Errors
/// Those of the first sample, and later ones that no other try changes.
pub async fn watch<L: Live>(
    context: &Context,
    target: &Target,
    every: Every,
    begin: impl FnOnce(L::Sample) -> L,
    sample: impl AsyncFnMut() -> Result<L::Sample>,
) -> Result<Exit> {
    let subject = Subject { name: target.name.as_deref(), place: target.place() };
    watch_subject(context, &subject, every, begin, sample).await
}

/// What is watched: a server, or several.
#[derive(Debug)]
pub struct Subject<'a> {
    /// In pgtend.toml, of a single one.
    pub name: Option<&'a str>,
    /// For the title of the page.
    pub place: String,
}

/// The same of something that is not one server.
///
/// # Errors
/// As [`watch`].
pub async fn watch_subject<L: Live>(
    context: &Context,
    subject: &Subject<'_>,
    every: Every,
    begin: impl FnOnce(L::Sample) -> L,
    mut sample: impl AsyncFnMut() -> Result<L::Sample>,
) -> Result<Exit> {
    if !FORMATS.contains(&context.format) {
        return Err(no_format(&format!("{} --watch", context.command), context.format, &FORMATS));
    }
    let first = tokio::select! {
        first = sample() => first?,
        () = context.signals.cancel.cancelled() => return Ok(stopped(context)),
    };
    let mut live = begin(first);
    if context.format == Format::Json || !live::is_possible() {
        return stream(context, subject.name, every.0, &mut live, sample).await;
    }
    let manner = Manner {
        title: format!("pgtend {}  {}", context.command, subject.place),
        every: every.0,
        color: context.ui.has_color(),
    };
    live::show(&mut live, manner, &context.signals.cancel, sample).await?;
    Ok(stopped(context))
}

/// Ctrl-C is how a watch is meant to end.
fn stopped(context: &Context) -> Exit {
    match context.signals.cancel.is_cancelled().then(|| context.signals.exit()) {
        Some(Exit::Terminated) => Exit::Terminated,
        _ => Exit::Good,
    }
}

/// One report after the other, until a signal or a reader that has gone away.
async fn stream<L: Live>(
    context: &Context,
    target: Option<&str>,
    every: Duration,
    live: &mut L,
    mut sample: impl AsyncFnMut() -> Result<L::Sample>,
) -> Result<Exit> {
    let mut failures = 0;
    let mut said = document(context, target, live.report())?;
    loop {
        if !context.ui.part_of_answer(&said)? {
            return Ok(live.report().outcome());
        }
        let next = match failures {
            0 => every,
            _ => live::pause(failures, every),
        };
        let taken = tokio::select! {
            biased;
            () = context.signals.cancel.cancelled() => return Ok(stopped(context)),
            () = reader_gone() => return Ok(live.report().outcome()),
            taken = async {
                tokio::time::sleep(next).await;
                live::in_time(sample()).await
            } => taken,
        };
        said = match taken {
            Ok(sample) => {
                failures = 0;
                live.take(sample);
                document(context, target, live.report())?
            }
            Err(error) if live::is_final(&error) => return Err(error),
            Err(error) => {
                failures += 1;
                context.ui.warning(&error.to_string());
                failure(context, target, &error)?
            }
        };
    }
}

fn document<R: Report + Text>(
    context: &Context,
    target: Option<&str>,
    report: &R,
) -> Result<String> {
    if context.format == Format::Json {
        let document = render::json(context.command, target, report);
        return Ok(render::one_line(&document.map_err(|error| no_json(&error))?));
    }
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    Ok(format!("=== {now}\n{}", report.text(&context.ui.page())))
}

/// A sample that failed is in its row of documents, too; of tables the warning tells.
fn failure(context: &Context, target: Option<&str>, error: &Error) -> Result<String> {
    if context.format == Format::Table {
        return Ok(String::new());
    }
    let document = render::json_error(context.command, target, error);
    Ok(render::one_line(&document.map_err(|error| no_json(&error))?))
}

fn no_json(error: &serde_json::Error) -> Error {
    Error::bug("cannot write JSON").caused_by(error)
}
