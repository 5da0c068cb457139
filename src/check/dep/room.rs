//! Whether there is room: connections and disk.

use serde::{Deserialize, Serialize};

use super::gate::{Gate, number};
use super::live::{ASKED, Effect};
use crate::check::conn::slots::{SLOTS, Slots};
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words::bytes;
use crate::report::check::Unit;
use crate::sql;

pub const HEADROOM: Check = Check {
    id: "dep.headroom",
    kind: Kind::Deploy,
    title: "connections for two versions of the application at once",
    why: "While a deployment rolls, the old and the new version are connected together: twice the \
          sessions of now. When that is more than there are, the new version does not come up.",
    remedy: "Lower the pools, put a pooler in front, or stop the old version first.",
    limits: &[LimitSpec::share(
        "usable connections that twice the sessions of now need",
        Unit::Count,
        90.0,
        100.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&SLOTS],
    judge: headroom,
};

pub const DISK_FOR_REWRITE: Check = Check {
    id: "dep.disk_for_rewrite",
    kind: Kind::Deploy,
    title: "disk for tables that are written anew",
    why: "A table that is written anew lies there twice until the end, with its indexes and its \
          WAL; a server whose disk is full stops.",
    remedy: "Make room or enlarge the disk first, or change the migration so that it writes \
             nothing anew.",
    limits: &[LimitSpec::share("free disk that the largest step needs", Unit::Bytes, 80.0, 100.0)],
    needs: &[],
    since: 130_000,
    asks: ASKED,
    judge: disk_for_rewrite,
};

/// The extensions, whether statements are counted, and where the data lies.
pub const EXTENSION: Question =
    Question::of("deploy_extension", &[(130_000, sql::CHECK_DEPLOY_EXTENSION)]);

/// The disk of a server on this machine, as [`Facts.beside`](crate::check::Facts) keeps it.
pub const DISK: &str = "disk";

/// The disk of a server on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The data directory.
    pub path: String,
    /// Free bytes.
    pub free: u64,
}

fn headroom(look: &Look<'_>) -> Judged {
    let slots: Slots = look.row(&SLOTS)?;
    let usable = slots.usable();
    // Ours does not come twice.
    let twice = |used: f64| 2.0 * (used - 1.0).max(0.0);
    let needed = twice(slots.used);
    let says = format!("twice the sessions of now are {needed} of {usable} usable connections");
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "needed", needed, Some(usable)));
    let level = |needed| look.level("", "server", needed, Some(usable));
    let surely = level(twice(slots.used - slots.perhaps_workers));
    if level(needed) > surely {
        verdict.unseen = Some(format!(
            "{says} at most: {} of them may be workers of the server, which {} does not see",
            slots.perhaps_workers, look.facts.sight.role
        ));
    }
    if let Some(level) = surely {
        verdict.find(level, "server", says).with_value(needed);
    }
    Ok(verdict)
}

/// Bytes that need no look at the disk: one segment of WAL.
const LITTLE: f64 = 16_777_216.0;

fn disk_for_rewrite(look: &Look<'_>) -> Judged {
    let gate = Gate::of(look)?;
    if gate.plan.is_none() {
        return Err(Silence::not_applicable("no --migrations were given"));
    }
    // Twice a table that is written anew; an index is a part of its table, and 1.2 times itself.
    let mut largest: Option<(f64, String, String)> = None;
    for target in gate.targets() {
        for effect in &target.effects {
            let (table, indexes) = (number(target.bytes), number(target.index_bytes));
            let needed = match effect {
                Effect::Rewrites(_) => 2.0 * (table + indexes),
                Effect::Builds => {
                    let count = f64::from(u32::try_from(target.table.indexes.len()).unwrap_or(1));
                    1.2 * if count > 0.0 { indexes / count } else { table / 4.0 }
                }
                Effect::Scans(_) => continue,
            };
            if largest.as_ref().is_none_or(|(most, ..)| needed > *most) {
                let place = format!("{}:{}", target.statement.file, target.statement.line);
                largest = Some((needed, target.table.id.to_string(), place));
            }
        }
    }
    let Some((needed, table, place)) = largest else {
        return Ok(look.verdict().saying("no table is written anew and no index is built"));
    };
    let what = format!("{place} needs about {} of disk for {table}", bytes(needed));
    let Some(disk) = look.facts.beside.get(DISK) else {
        if needed <= LITTLE {
            return Ok(look.verdict().saying(what));
        }
        return Err(Silence::unknown(format!(
            "{what}; how much is free is not told by SQL: run pgtend where the server's disk is, \
             or see that it is free and give --allow-unknown {}",
            look.check.id
        )));
    };
    let disk = Disk::deserialize(disk).map_err(|error| Silence::unknown(error.to_string()))?;
    let free = number(disk.free);
    let says = format!("{what}, and {} has {} free", disk.path, bytes(free));
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "needed", needed, Some(free)));
    if let Some(level) = look.level("", &table, needed, Some(free)) {
        verdict.find(level, table, says).with_value(needed);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;
    use crate::check::verdict::Verdict;
    use crate::report::check::Level;

    #[test]
    fn hidden_workers_are_not_surely_clients() {
        let judged = |used: u32, perhaps_workers: u32| -> Verdict {
            let row = json!({"used": used, "perhaps_workers": perhaps_workers,
                             "max_connections": 110, "superuser_reserved": 3, "reserved": 7});
            Sample::of("slots", &[row]).judged(&HEADROOM).unwrap()
        };
        let level = |verdict: &Verdict| verdict.findings.first().map(|finding| finding.level);
        assert_eq!((level(&judged(45, 0)), judged(45, 0).unseen), (None, None));
        assert_eq!(level(&judged(46, 0)), Some(Level::Warning));
        assert_eq!(level(&judged(51, 0)), Some(Level::Critical));
        // 8 of them may be workers: 86 of 100 are sure.
        let perhaps = judged(52, 8);
        assert_eq!(level(&perhaps), None);
        assert!(perhaps.unseen.unwrap().contains("8 of them may be workers"));
        assert_eq!(level(&judged(60, 8)), Some(Level::Critical));
    }
}
