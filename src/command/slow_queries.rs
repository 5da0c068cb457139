//! `pgtend slow-queries`.

mod live;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::Context;
use crate::cli::output::Format;
use crate::cli::watch::WatchFlags;
use crate::conn::{Routed, Session, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::slow_queries::{RankedQuery, SlowQueriesReport};
use crate::settings::{Target, ask_password, quantity};
use crate::slow_queries::{
    self, Asked, Difference, Ready, Sample, Scope, Sort, Source, Wanted, difference,
};

pub const FORMATS: [Format; 6] = [
    Format::Table,
    Format::Json,
    Format::Csv,
    Format::Markdown,
    Format::Nagios,
    Format::Prometheus,
];

/// Show which statements take the server's time
///
/// Reads pg_stat_statements and never resets it. Where that is not to be had, it shows what runs
/// now and how to enable it, and exits 3.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What comes first (default total; with --compare what became slower)
    #[arg(long, value_name = "BY")]
    sort: Option<SortBy>,
    /// Leave out statements with a smaller mean time: 100ms (the default), 2s, 0; with --compare
    /// they are not judged (default then: 1ms)
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    min_mean: Option<f64>,
    /// Leave out statements with fewer calls (default: 1; with --compare 5, before and since)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    min_calls: Option<i64>,
    /// Only statements of this role
    #[arg(long, value_name = "ROLE")]
    of_user: Option<String>,
    /// Only statements of this database (default: the one connected to)
    #[arg(long, value_name = "DATABASE", conflicts_with = "all_databases")]
    of_db: Option<String>,
    /// Statements of every database
    #[arg(long)]
    all_databases: bool,
    /// Only statements whose text has this in it, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    like: Option<String>,
    /// Show so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Take two samples that far apart, and show the difference
    #[arg(long, value_name = "TIME", value_parser = quantity::interval, conflicts_with_all = ["since", "compare"])]
    interval: Option<Duration>,
    /// Show what was counted since this saved sample
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    since: Option<PathBuf>,
    /// Save a sample of all databases' statements, for --since and --compare
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare each statement's mean since this saved sample with its mean before
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Exit 2 when a statement became slower by more than this: 20%
    #[arg(long, value_name = "PERCENT", value_parser = percent, requires = "compare")]
    fail_if_slower: Option<f64>,
    /// Exit 2 when a statement's mean time is longer than this: 500ms
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    fail_mean: Option<f64>,
    /// Show the generic plan of the statement with this id, else of the first one of your own
    /// role; it is not run, but planning may run functions in it with your rights: read its text
    #[arg(long, value_name = "QUERYID", num_args = 0..=1, allow_negative_numbers = true)]
    explain: Option<Option<i64>>,
    #[command(flatten)]
    watch: WatchFlags,
}

/// What comes first.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SortBy {
    Total,
    Mean,
    Calls,
    Io,
    Temp,
    Wal,
    Rows,
}

impl From<SortBy> for Sort {
    fn from(by: SortBy) -> Self {
        match by {
            SortBy::Total => Self::Total,
            SortBy::Mean => Self::Mean,
            SortBy::Calls => Self::Calls,
            SortBy::Io => Self::Io,
            SortBy::Temp => Self::Temp,
            SortBy::Wal => Self::Wal,
            SortBy::Rows => Self::Rows,
        }
    }
}

/// `100ms`, `1.5s`, `2m`; a bare number is milliseconds.
fn milliseconds(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "" | "ms" => 1.0,
        "s" => 1000.0,
        "m" | "min" => 60_000.0,
        _ => f64::NAN,
    };
    let time = number.parse::<f64>().unwrap_or(f64::NAN) * factor;
    match time.is_finite() {
        true => Ok(time),
        false => Err("it is a number with ms, s or m: 100ms".to_owned()),
    }
}

/// `20%`; the sign may be left out.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if percent.is_finite() && percent >= 0.0 => Ok(percent),
        _ => Err("it is a percentage: 20%".to_owned()),
    }
}

/// Runs it.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    // A file that cannot be used is known before anybody waits.
    let file = args.since.as_deref().or(args.compare.as_deref());
    let before = file.map(slow_queries::load).transpose()?;
    let target = context.target()?;
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/slow-queries")
    };
    if let Some(every) = args.watch.watch {
        args.watchable()?;
        return live::ranking(context, &target, options, &args, every).await;
    }
    let looked = async {
        let report = look(context, &args, before, &target, &options).await?;
        // The other forms have no place for words.
        if !matches!(context.format, Format::Table | Format::Json) {
            report.notes.iter().for_each(|note| context.ui.note(note));
            let unseen = report.unseen.iter();
            unseen.for_each(|what| context.ui.warning(&format!("not seen: {what}")));
        }
        context.answer(target.name.as_deref(), &report)
    };
    context.looked("the look at the statements was stopped", looked).await
}

async fn look(
    context: &Context,
    args: &Args,
    before: Option<Sample>,
    target: &Target,
    options: &SessionOptions,
) -> Result<SlowQueriesReport> {
    let Routed { session, .. } = context.route(target, options).await?;
    let asked = args.asked(&session.server().database);
    let ready = match slow_queries::ready(&session).await? {
        Source::Statistics(ready) => ready,
        Source::Live(told) => {
            let mut report = slow_queries::live(&session, &told, &asked).await?;
            report.unseen.extend(args.not_done());
            return Ok(report);
        }
    };
    let mut sample = slow_queries::take(&session, &ready, &args.wanted(&asked)).await?;
    let mut before = before;
    if let Some(interval) = args.interval {
        context.ui.note(&format!(
            "the second sample is taken in {}",
            quantity::written_duration(interval)
        ));
        tokio::time::sleep(interval).await;
        let next = slow_queries::take(&session, &ready, &args.wanted(&asked)).await?;
        before = Some(std::mem::replace(&mut sample, next));
    }
    let mut report = match &before {
        Some(before) => args.differ(&ready, before, &sample, &asked)?,
        None if args.is_whole() => {
            slow_queries::ranked(&ready, &slow_queries::narrowed(&sample, &asked.scope), &asked)
        }
        None => slow_queries::ranked(&ready, &sample, &asked),
    };
    if let Some(path) = &args.save {
        slow_queries::save(&sample, path)?;
        report.saved = Some(path.display().to_string());
    }
    if let Some(id) = args.explain {
        explain(&session, &sample, id, &ready.role, &mut report).await;
    }
    Ok(report)
}

/// Adds the plan of one statement; when there is none, that could not be seen.
async fn explain(
    session: &Session,
    sample: &Sample,
    id: Option<i64>,
    role: &str,
    report: &mut SlowQueriesReport,
) {
    let wanted = match id.map(|id| id.to_string()) {
        // Planning can run functions, with the rights of this session: nobody has read the text
        // of another role's statement yet.
        None => {
            let own = |one: &&RankedQuery| one.query.is_some() && one.user == role;
            report.queries.iter().find(own).cloned()
        }
        Some(id) => {
            let here = Some(&session.server().database);
            let same = sample.statements.iter().filter(|one| one.query_id.as_ref() == Some(&id));
            // One text can have run in several databases.
            let best = same.max_by_key(|one| one.database.as_ref() == here);
            best.map(|one| RankedQuery {
                query_id: one.query_id.clone(),
                query: one.query.clone(),
                database: one.database.clone(),
                ..RankedQuery::default()
            })
        }
    };
    let mut plan = slow_queries::explain(session, wanted.as_ref()).await;
    if plan.query_id.is_none() {
        plan.query_id = id.map(|id| id.to_string());
    }
    if let Some(why) = &plan.failed {
        report.unseen.push(format!("the plan: {why}"));
    } else {
        report.notes.push(
            "the plan is for unknown values, and with the search_path of a new session: the \
             statement's own is not known"
                .to_owned(),
        );
    }
    report.plan = Some(plan);
}

impl Args {
    /// What looks at another time goes not together with what happens now.
    fn watchable(&self) -> Result<()> {
        let given = [
            (self.since.is_some(), "--since"),
            (self.compare.is_some(), "--compare"),
            (self.save.is_some(), "--save"),
            (self.explain.is_some(), "--explain"),
        ];
        match given.iter().find(|(is, _)| *is) {
            None => Ok(()),
            Some((_, flag)) => Err(Error::usage(format!("--watch and {flag} do not go together"))
                .because("a page that renews itself shows what happens now")
                .next(format!("run it with {flag} alone"))),
        }
    }

    fn asked(&self, current: &str) -> Asked {
        let database = match (&self.of_db, self.all_databases) {
            (_, true) => None,
            (Some(name), _) => Some(name.clone()),
            (None, false) => Some(current.to_owned()),
        };
        let compares = self.compare.is_some();
        let standard = if compares { Sort::Change } else { Sort::Total };
        Asked {
            scope: Scope { database, user: self.of_user.clone() },
            sort: self.sort.map_or(standard, Sort::from),
            min_mean_ms: self.min_mean.unwrap_or(if compares { 1.0 } else { 100.0 }),
            min_calls: self.min_calls.unwrap_or(if compares { 5 } else { 1 }),
            like: self.like.clone(),
            limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
            fail_mean_ms: self.fail_mean,
            fail_if_slower: self.fail_if_slower,
        }
    }

    /// Whether a sample has to have everything: to be saved, or to be one of two.
    fn is_whole(&self) -> bool {
        self.interval.is_some() || self.compared_file().is_some() || self.save.is_some()
    }

    fn compared_file(&self) -> Option<&Path> {
        self.since.as_deref().or(self.compare.as_deref())
    }

    /// What the server has to send for that.
    fn wanted(&self, asked: &Asked) -> Wanted {
        if self.is_whole() {
            return Wanted::default();
        }
        let all_means = self.fail_mean.is_some() || self.explain.is_some();
        Wanted {
            scope: asked.scope.clone(),
            min_mean_ms: if all_means { 0.0 } else { asked.min_mean_ms },
            min_calls: if all_means { 0 } else { asked.min_calls },
        }
    }

    fn differ(
        &self,
        ready: &Ready,
        before: &Sample,
        after: &Sample,
        asked: &Asked,
    ) -> Result<SlowQueriesReport> {
        let found: Difference = difference(before, after).map_err(|why| {
            let file = self.compared_file().map(|file| format!(" since {}", file.display()));
            let what = format!("cannot tell what happened{}", file.unwrap_or_default());
            Error::new(Exit::Unknown, what)
                .because(why)
                .next("save a new sample of this server: pgtend slow-queries --save FILE")
        })?;
        let samples = (before, after);
        Ok(match &self.compare {
            Some(file) => {
                let file = file.display().to_string();
                slow_queries::compared(ready, samples, &found, asked, &file)
            }
            None => slow_queries::over_period(ready, samples, &found, asked),
        })
    }

    /// What was asked for and needs the extension.
    fn not_done(&self) -> Vec<String> {
        let asked = [
            (self.save.is_some(), "nothing was saved: there is no sample without the extension"),
            (self.compared_file().is_some(), "nothing was compared"),
            (self.interval.is_some(), "no second sample was taken"),
            (self.fail_mean.is_some(), "no mean was judged"),
            (self.explain.is_some(), "nothing was explained"),
        ];
        asked.iter().filter(|(is, _)| *is).map(|(_, what)| (*what).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_percentages_are_read() {
        assert_eq!(milliseconds("100ms"), Ok(100.0));
        assert_eq!(milliseconds(" 1.5 s "), Ok(1500.0));
        assert_eq!(milliseconds("2m"), Ok(120_000.0));
        assert_eq!(milliseconds("0"), Ok(0.0));
        assert_eq!(percent("20%"), Ok(20.0));
        assert_eq!(percent("12.5"), Ok(12.5));
        for text in ["", "ms", "-1s", "1h", "1.2.3s", "nan", "infs"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
        for text in ["", "%", "-5%", "nan", "inf"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
