//! `pgtend connections --blocking`: who blocks whom.

use super::super::Context;
use super::super::watch::{Line, Plain, watch};
use super::looked;
use crate::cli::output::Format;
use crate::cli::watch::Every;
use crate::conn::{Routed, SessionOptions};
use crate::connections::{blocking, table_locks};
use crate::error::Result;
use crate::exit::Exit;
use crate::settings::ask_password;
use crate::ui::consent::shell_word;

pub const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Csv, Format::Markdown];

/// Runs it, for all tables or for one.
pub async fn run(context: &Context, table: Option<&str>, every: Option<Every>) -> Result<Exit> {
    let target = context.target()?;
    let options = SessionOptions {
        prompt: Some(ask_password),
        tell: Some(context.listener()),
        ..SessionOptions::reading("pgtend/connections")
    };
    let name = target.name.as_deref();
    // The lines that are shown are for the same server, where a word says which.
    let given = context.connect.target.as_deref();
    let flags = given.map(|name| format!(" --target {}", shell_word(name))).unwrap_or_default();
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
                    line.sample(async |routed| blocking::blocking(&routed.session, &flags).await)
                        .await
                };
                watch(context, &target, every, Plain, sample).await
            }
        };
    }
    looked(context, async {
        let Routed { session, .. } = context.route(&target, &options).await?;
        match table {
            Some(table) => context.answer(name, &table_locks::table_locks(&session, table).await?),
            None => context.answer(name, &blocking::blocking(&session, &flags).await?),
        }
    })
    .await
}
