//! `pgtend connections --blocking`: who blocks whom.

use super::super::Context;
use super::super::watch::{Line, Plain, watch};
use super::STOPPED;
use crate::cli::output::Format;
use crate::cli::watch::Every;
use crate::conn::{Routed, Session, SessionOptions};
use crate::connections::{blocking, table_locks};
use crate::error::Result;
use crate::exit::Exit;
use crate::settings::{ConnectArgs, ask_password};
use crate::ui::consent::shell_word;

pub const FORMATS: [Format; 4] = Format::PAGES;

/// Runs it, for all tables or for one.
pub async fn run(context: &Context, table: Option<&str>, every: Option<Every>) -> Result<Exit> {
    let target = context.target()?;
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/connections")
    };
    let name = target.name.as_deref();
    if let Some(every) = every {
        let mut line = Line::new(context, &target, options);
        return match table {
            Some(table) => {
                let sample = async || {
                    line.sample(async |routed| {
                        table_locks::table_locks(&routed.session, table).await
                    })
                    .await
                };
                watch(context, &target, every, Plain, sample).await
            }
            None => {
                let sample = async || {
                    line.sample(async |routed| {
                        let flags = same_server(context, &routed.session);
                        blocking::blocking(&routed.session, &flags).await
                    })
                    .await
                };
                watch(context, &target, every, Plain, sample).await
            }
        };
    }
    context
        .looked(STOPPED, async {
            let Routed { session, .. } = context.route(&target, &options).await?;
            match table {
                Some(table) => {
                    context.answer(name, &table_locks::table_locks(&session, table).await?)
                }
                None => {
                    let flags = same_server(context, &session);
                    context.answer(name, &blocking::blocking(&session, &flags).await?)
                }
            }
        })
        .await
}

/// The flags that lead the lines that are shown to the server of this session, from the same shell;
/// none where flags did not choose it.
fn same_server(context: &Context, session: &Session) -> String {
    let ConnectArgs { url, host, port, user, dbname, env_file, .. } = &context.connect;
    let named = url.is_some()
        || host.is_some()
        || port.is_some()
        || user.is_some()
        || dbname.is_some()
        || env_file.is_some()
        || context.connect.read_from.is_some();
    let mut flags = String::new();
    let mut add = |flag: &str, value: &str| {
        flags.push_str(&format!(" {flag} {}", shell_word(value)));
    };
    if let Some(config) = &context.connect.config {
        add("--config", &config.display().to_string());
    }
    if let Some(target) = &context.connect.target {
        add("--target", target);
    }
    if named {
        let (address, server) = (session.address(), session.server());
        add("-h", &address.host);
        add("-p", &address.port.to_string());
        add("-U", &session.same_server().user);
        add("-d", &server.database);
    }
    flags
}
