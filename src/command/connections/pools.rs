//! `pgtend connections --pgbouncer`: the pools of a PgBouncer.

use super::super::Context;
use super::STOPPED;
use crate::cli::output::Format;
use crate::conn::{Console, SessionOptions};
use crate::connections::pgbouncer;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{ConnectArgs, ask_password, quantity};

pub const FORMATS: [Format; 4] = Format::PAGES;

#[derive(Debug, Default, clap::Args)]
pub struct PoolsArgs {
    /// Show the pools of this PgBouncer (without a URL: the one at the connection's host and port)
    #[arg(long, value_name = "URL", num_args = 0..=1, conflicts_with = "blocking")]
    pub pgbouncer: Option<Option<Url>>,

    /// Exit 2 when a client has waited longer for a server connection
    #[arg(long, value_name = "TIME", requires = "pgbouncer")]
    fail_waiting: Option<String>,
}

/// A connection string, which may hold a password.
#[derive(Clone)]
pub struct Url(String);

impl std::str::FromStr for Url {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(..)")
    }
}

/// Runs it.
pub async fn run(context: &Context, args: PoolsArgs) -> Result<Exit> {
    let limit = args.fail_waiting.as_deref().map(quantity::duration).transpose();
    let limit = limit.map_err(|cause| Error::usage("invalid --fail-waiting").because(cause))?;
    let target = match args.pgbouncer.flatten() {
        None => context.target()?,
        Some(Url(url)) => {
            let connect = &context.connect;
            let args = ConnectArgs {
                url: Some(url),
                no_password: connect.no_password,
                password: connect.password,
                ..ConnectArgs::default()
            };
            context.settings.target(&args)?.target
        }
    };
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        application: "pgtend/connections".to_owned(),
        ..SessionOptions::default()
    };
    context
        .looked(STOPPED, async {
            let console = Console::connect(&target, &options).await?;
            let report = pgbouncer::pools(&console, limit).await?;
            context.answer(target.name.as_deref(), &report)
        })
        .await
}
