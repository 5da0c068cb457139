//! The most memory that the settings allow.

use serde::Deserialize;

use super::settings::Settings;
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::settings::Machine;

/// Under this name the machine's memory stands beside the facts.
pub const MACHINE: &str = "machine";

/// The memory of the server's machine: bytes, and where the number is from.
pub fn machine(look: &Look<'_>) -> Option<(f64, String)> {
    if let Some(bytes) = look.settings.memory {
        #[expect(clippy::cast_precision_loss, reason = "an amount of memory")]
        return Some((bytes as f64, "memory of [check]".to_owned()));
    }
    let known = look.facts.beside.get(MACHINE)?;
    let machine = Machine::deserialize(known).ok()?;
    Some((machine.bytes, machine.source))
}

/// Shared memory, one sort or hash in each connection, and all autovacuum workers at once.
pub fn worst(settings: &Settings) -> Result<f64, Silence> {
    let number = |name| settings.number(name);
    let maintenance = match number("autovacuum_work_mem")? {
        bytes if bytes < 0.0 => number("maintenance_work_mem")?,
        bytes => bytes,
    };
    let each = number("work_mem")? * number("hash_mem_multiplier")?;
    Ok(number("shared_buffers")?
        + number("wal_buffers")?.max(0.0)
        + number("max_connections")? * each
        + number("autovacuum_max_workers")? * maintenance)
}

pub fn judge(look: &Look<'_>) -> Judged {
    let settings = Settings::of(look)?;
    let Some((memory, source)) = machine(look) else {
        return Err(Silence::not_applicable(
            "SQL does not tell the memory of the server's machine: memory = \"16GiB\" in [check] \
             of pgtend.toml does",
        ));
    };
    let worst = worst(&settings)?;
    let connections = settings.number("max_connections")?;
    let says = format!(
        "{connections} connections and autovacuum may take {} of {} ({source})",
        words::bytes(worst),
        words::bytes(memory)
    );
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "worst case", worst, Some(memory)));
    if let Some(level) = look.level("", "server", worst, Some(memory)) {
        let rest = memory * 0.9 - settings.number("shared_buffers")?;
        let each = rest / (connections * settings.number("hash_mem_multiplier")?) / 2.0;
        let finding = verdict.find(level, "server", says).with_value(worst);
        if each >= 65_536.0 {
            let kilobytes = (each / 1024.0).floor();
            finding.with_remedy(format!("lower work_mem to {kilobytes}kB, or max_connections"));
        }
    }
    Ok(verdict)
}
