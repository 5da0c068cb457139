//! Defaults that are for small machines.

use super::memory;
use super::settings::{Settings, THIS_DATABASE, ThisDatabase, change};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Level;

/// Settings whose default is for a small machine, beside shared_buffers: what is lost by it, the
/// part of the memory that is usual, and what is right where the memory is not known.
const SMALL: [(&str, &str, f64, &str); 3] = [
    ("effective_cache_size", "the planner takes less for cached than there is", 0.75, "4GB"),
    ("maintenance_work_mem", "indexes and vacuums work in small steps", 1.0 / 16.0, "64MB"),
    ("max_wal_size", "checkpoints come early when much is written", 0.0, "1GB"),
];

pub fn judge(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let database: ThisDatabase = look.row(&THIS_DATABASE)?;
    let machine = memory::machine(look).map(|(bytes, _)| bytes);
    let part = |share: f64| machine.map(|memory| megabytes((memory * share).min(8.0 * GIB)));
    let mut verdict = look.verdict().saying("the well-known defaults were changed");
    let buffers = settings.number("shared_buffers")?;
    // initdb writes 128MB into the file; a provider has its own default.
    if buffers <= 128.0 * MIB && database.bytes > buffers {
        let (buffers, whole) = (words::bytes(buffers), words::bytes(database.bytes));
        let says = format!("shared_buffers is {buffers}, and the database has {whole}");
        let remedy = match machine {
            Some(memory) => change(look, "shared_buffers", &megabytes(memory / 4.0), "postmaster"),
            None => "set shared_buffers to a quarter of the machine's memory".to_owned(),
        };
        verdict.find(Level::Warning, "shared_buffers", says).with_remedy(remedy);
    }
    if settings.is_default("work_mem") {
        let says = "work_mem is 4MB as it was built: larger sorts and hashes go to disk";
        verdict
            .find(Level::Info, "work_mem", says)
            .with_remedy(change(look, "work_mem", "16MB", "user"));
    }
    for (name, effect, share, default) in SMALL {
        if !settings.is_default(name) {
            continue;
        }
        // A default that fits the machine was not forgotten.
        let wanted = match (share, machine) {
            (0.0, _) => "4GB".to_owned(),
            (_, None) => continue,
            (share, Some(memory)) if memory * share <= settings.number(name)? => continue,
            (share, Some(memory)) if name == "effective_cache_size" => megabytes(memory * share),
            (share, Some(_)) => part(share).unwrap_or_default(),
        };
        let says = format!("{name} is {default} as it was built: {effect}");
        let context = settings.get(name).map_or("", |setting| setting.context.as_str());
        verdict.find(Level::Info, name, says).with_remedy(change(look, name, &wanted, context));
    }
    Ok(verdict)
}

const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1024.0 * MIB;

fn megabytes(bytes: f64) -> String {
    format!("{}MB", (bytes / MIB).floor())
}
