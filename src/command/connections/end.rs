//! `pgtend connections cancel` and `terminate`.

use super::super::{Context, with_signal};
use super::STOPPED;
use crate::cli::output::Format;
use crate::cli::sessions::SessionFilters;
use crate::conn::{Routed, Session, SessionOptions};
use crate::connections::end::{self, Request};
use crate::connections::filter::Filter;
use crate::consent::Danger;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::ended::victim;
use crate::report::ended::{Ended, How, Outcome};
use crate::settings::ask_password;
use crate::ui::consent::{self, Answers};

pub const FORMATS: [Format; 4] = Format::PAGES;

/// Sessions that are named before the question.
const NAMED: usize = 20;

const AFTER_HELP: &str = "\
Examples:
  pgtend connections cancel 4711
  pgtend connections terminate --state idle-in-transaction --min-duration 10m --dry-run
  pgtend connections terminate --of-app 'worker*' --of-db shop --yes

Never ended: this session, replication, an autovacuum that prevents wraparound, processes of the
server. A usual autovacuum, and a backup or restore of pgtend, are ended only when their process is
named. Each session is told only when it still is the one that was shown; then it is looked at for
up to 5 s.

Exit 0: all ended, or gone by themselves; or no session fits the filters. 1: a process that was
named is none, or has no statement to cancel. 2: some are still there. 3: hidden sessions may fit.
77: refused.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Server processes, instead of filters
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pids: Vec<i32>,

    #[command(flatten)]
    filters: SessionFilters,

    /// Show who it would be, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Answer y to the question whether to go on
    #[arg(short, long)]
    yes: bool,
}

/// Runs it.
pub async fn run(context: &Context, args: Args, how: How) -> Result<Exit> {
    let request = Request {
        how,
        filter: Filter::new(&args.filters)?,
        pids: args.pids.clone(),
        dry_run: args.dry_run,
    };
    check(&request)?;
    let target = context.target()?;
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/connections")
    };
    let (session, chosen) = context
        .looked(STOPPED, async {
            let Routed { session, .. } = context.route(&target, &options).await?;
            let chosen = end::choose(&session, &request).await?;
            Ok((session, chosen))
        })
        .await?;
    let ended = if args.dry_run || chosen.count(Outcome::Chosen) == 0 {
        chosen
    } else {
        agreed(context, &session, chosen, args.yes).await?
    };
    context.answer(target.name.as_deref(), &ended)
}

/// Somebody has to be meant, in one way.
fn check(request: &Request) -> Result<()> {
    let word = request.how.word();
    match (request.pids.is_empty(), request.filter.is_empty()) {
        (true, true) => Err(Error::usage(format!("nothing says which sessions to {word}"))
            .next(format!("name a process: pgtend connections {word} PID"))
            .next("or choose by filters, and look first: --state idle-in-transaction --dry-run")),
        (false, false) => Err(Error::usage("processes and filters do not go together")
            .next("give the processes alone, or the filters alone")),
        _ => Ok(()),
    }
}

async fn agreed(context: &Context, session: &Session, chosen: Ended, yes: bool) -> Result<Ended> {
    let word = match chosen.how {
        How::Cancel => "to be cancelled",
        How::Terminate => "to be ended",
    };
    let (server, role) = (session.address(), &session.server().role);
    let mut what = vec![format!("at {server}, as {role}")];
    let victims = || chosen.sessions.iter().filter(|one| one.outcome == Outcome::Chosen);
    what.extend(victims().take(NAMED).map(|one| format!("{word}: {}", victim(one))));
    let more = victims().count().saturating_sub(NAMED);
    if more > 0 {
        what.push(format!("and {more} more (all of them: --dry-run)"));
    }
    let left = chosen.left_out.iter().take(NAMED);
    what.extend(left.map(|one| format!("left out: {}: {}", one.party.name(), one.reason)));
    for one in victims() {
        if let Some(warning) = &one.warning {
            context.ui.warning(&format!("{}: {warning}", one.party.name()));
        }
    }
    let answers = Answers { yes, confirm: None };
    let cancel = &context.signals.cancel;
    let asked = consent::ask(&context.ui, &answers, &Danger::Adds, &what, cancel).await;
    let consent = asked.map_err(|error| with_signal(context, error))?;
    // From here on to the end: what was sent is told. It is bounded.
    end::end(session, chosen, &consent).await
}
