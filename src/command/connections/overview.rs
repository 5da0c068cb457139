//! `pgtend connections` without more: who is connected and what they hold.

use std::time::Duration;

use super::super::Context;
use super::{STOPPED, live};
use crate::cli::output::Format;
use crate::cli::sessions::{GroupBy, SessionFilters};
use crate::cli::watch::Every;
use crate::conn::{Routed, SessionOptions};
use crate::connections::{self, Filter, Limits, Slots, Wanted};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{ask_password, quantity};

pub const FORMATS: [Format; 6] = [
    Format::Table,
    Format::Json,
    Format::Csv,
    Format::Markdown,
    Format::Nagios,
    Format::Prometheus,
];

/// Sessions in the list when nobody says.
const LISTED: usize = 20;
/// What a monitoring plugin judges by when nobody says; the guides' 80%, check_postgres' 90%.
const WARN_USED: Slots = Slots::Percent(80);
const FAIL_USED: Slots = Slots::Percent(90);

// The command's own arguments are the group of that name.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Count sessions by this (repeatable, or a list with commas; default: state)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    group: Vec<GroupBy>,

    /// List every session, idle ones too
    #[arg(long, visible_alias = "all")]
    sessions: bool,

    /// Most sessions in the list (default: 20; all with --sessions)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,

    /// Advise on sizes of pools, from what is seen
    #[arg(long)]
    advise: bool,

    /// Look each second for this long before advising (default: one look)
    #[arg(long, value_name = "TIME", requires = "advise", value_parser = quantity::interval)]
    interval: Option<Duration>,

    #[command(flatten)]
    filters: SessionFilters,

    #[command(flatten)]
    limits: LimitFlags,
}

impl Args {
    /// The first flag that was given: for pages that have none of these.
    pub fn given(&self) -> Option<&'static str> {
        let limits = &self.limits;
        [
            (!self.group.is_empty(), "--group"),
            (self.sessions, "--sessions"),
            (self.limit.is_some(), "--limit"),
            (self.advise, "--advise"),
            (self.filters != SessionFilters::default(), "a filter of sessions"),
            (limits.warn_used.is_some(), "--warn-used"),
            (limits.fail_used.is_some(), "--fail-used"),
            (limits.fail_idle_in_transaction.is_some(), "--fail-idle-in-transaction"),
            (limits.fail_blocked.is_some(), "--fail-blocked"),
        ]
        .into_iter()
        .find_map(|(given, name)| given.then_some(name))
    }
}

/// What makes the run fail.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct LimitFlags {
    /// Exit 1 when so many of the usable connections are used, or (with a minus) so few are left
    #[arg(long, value_name = "90%|-10", allow_hyphen_values = true, value_parser = Slots::parse)]
    warn_used: Option<Slots>,

    /// Exit 2 when so many of the usable connections are used, or (with a minus) so few are left
    #[arg(long, value_name = "90%|-10", allow_hyphen_values = true, value_parser = Slots::parse)]
    fail_used: Option<Slots>,

    /// Exit 2 when a session has been idle in a transaction for this long
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    fail_idle_in_transaction: Option<Duration>,

    /// Exit 2 when a session has waited for a lock for this long
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    fail_blocked: Option<Duration>,
}

impl LimitFlags {
    fn limits(&self, format: Format) -> Limits {
        let standard = |slots| (format == Format::Nagios).then_some(slots);
        // One limit of the operator's stands alone: a standard one could contradict it.
        let none = self.warn_used.is_none() && self.fail_used.is_none();
        Limits {
            warn_used: self.warn_used.or(standard(WARN_USED).filter(|_| none)),
            fail_used: self.fail_used.or(standard(FAIL_USED).filter(|_| none)),
            fail_idle_in_transaction: self.fail_idle_in_transaction,
            fail_blocked: self.fail_blocked,
        }
    }
}

/// Runs it.
pub async fn run(context: &Context, args: Args, watch: Option<Every>) -> Result<Exit> {
    let limit = args.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let wanted = Wanted {
        filter: Filter::new(&args.filters)?,
        limit: limit.or((!args.sessions).then_some(LISTED)),
        all: args.sessions,
        limits: args.limits.limits(context.format),
        advise: args.advise.then_some(args.interval.unwrap_or_default()),
        group: args.group,
    };
    if wanted.advise.is_some() && !wanted.filter.is_empty() {
        return Err(Error::usage("--advise and filters do not go together")
            .because("the usable connections are shared by all sessions")
            .next("leave the filters out: the advice is by application and role"));
    }
    let target = context.target()?;
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/connections")
    };
    if let Some(every) = watch {
        return live::overview(context, &target, options, wanted, every).await;
    }
    let looked = async {
        let Routed { session, .. } = context.route(&target, &options).await?;
        let report = connections::look(&session, &wanted).await?;
        context.answer(target.name.as_deref(), &report)
    };
    context.looked(STOPPED, looked).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_has_limits_when_nobody_gives_any() {
        let flags = |warn_used, fail_used| LimitFlags {
            warn_used,
            fail_used,
            fail_idle_in_transaction: None,
            fail_blocked: None,
        };
        assert_eq!(flags(None, None).limits(Format::Table), Limits::default());
        let standard = flags(None, None).limits(Format::Nagios);
        assert_eq!((standard.warn_used, standard.fail_used), (Some(WARN_USED), Some(FAIL_USED)));
        let own = flags(None, Some(Slots::Left(5))).limits(Format::Nagios);
        assert_eq!((own.warn_used, own.fail_used), (None, Some(Slots::Left(5))));
    }
}
