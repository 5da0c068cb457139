//! Who keeps dead rows from being cleaned up.

use serde::Deserialize;

use crate::check::activity::rollback;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::repl::drop_statement;
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Unit;
use crate::sql;

pub const XMIN_HORIZON: Check = Check {
    id: "act.xmin_horizon",
    kind: Kind::Runtime,
    title: "who keeps dead rows from being cleaned up",
    why: "No row that died after the oldest snapshot can be removed, by any vacuum: tables and \
          indexes grow, and in the end the transaction numbers run out. Sessions, prepared \
          transactions, replication slots and standbys can hold such a snapshot.",
    remedy: "End the session or the prepared transaction, drop the slot if nobody reads it any \
             more, or turn hot_standby_feedback off on the standby whose queries take so long.",
    limits: &[LimitSpec::above(
        "transactions since the oldest snapshot",
        Unit::Count,
        10_000_000.0,
        100_000_000.0,
    )],
    needs: &[],
    since: 130_000,
    asks: &[&HORIZON],
    judge: xmin_horizon,
};

const HORIZON: Question = Question::of("horizon", &[(130_000, sql::CHECK_HORIZON)]).may_be_cut();

#[derive(Deserialize)]
struct Holder {
    /// `session`, `prepared`, `slot` or `standby`
    kind: String,
    name: String,
    pid: Option<i32>,
    database: Option<String>,
    /// In transactions.
    age: f64,
    state: Option<String>,
}

impl Holder {
    fn who(&self) -> String {
        let Self { name, database, .. } = self;
        let state = self.state.as_deref().map(|state| format!(", {state}")).unwrap_or_default();
        let place = database.as_deref().map(|name| format!(", database {name}"));
        let pid = self.pid.map(|pid| format!("process {pid}{}", place.unwrap_or_default()));
        match (self.kind.as_str(), pid) {
            ("session", Some(pid)) => format!("session {name} ({pid}{state})"),
            ("prepared", _) => format!("prepared transaction {name}"),
            ("slot", _) => format!("replication slot {name}{state}"),
            (_, _) => format!("standby {name} (hot_standby_feedback)"),
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match (self.kind.as_str(), self.pid) {
            ("session", Some(pid)) => format!("pgtend connections terminate {pid}"),
            ("prepared", _) => rollback(&self.name, self.database.as_deref()?),
            ("slot", None) => {
                format!("{}  -- if nobody reads it any more", drop_statement(&self.name))
            }
            _ => return None,
        })
    }
}

fn xmin_horizon(look: &Look<'_>) -> Judged {
    let holders: Vec<Holder> = look.rows(&HORIZON)?;
    let mut verdict = look.verdict().saying(match holders.first() {
        None => "nobody holds an old snapshot".to_owned(),
        Some(oldest) => {
            format!("the oldest snapshot is {} old", words::amount(oldest.age, "transaction"))
        }
    });
    let oldest = holders.first().map_or(0.0, |oldest| oldest.age);
    verdict.measures.extend(look.measure("", "oldest", oldest, None));
    let mut told: Vec<String> = Vec::new();
    for holder in holders {
        let object = format!("{} {}", holder.kind, holder.name);
        // The oldest of several comes first.
        if told.contains(&object) {
            continue;
        }
        let Some(level) = look.level("", &object, holder.age, None) else { continue };
        let age = words::amount(holder.age, "transaction");
        let says = format!("{} keeps the rows that died in the last {age}", holder.who());
        let finding = verdict.find(level, &object, says).with_value(holder.age);
        if let Some(remedy) = holder.remedy() {
            finding.with_remedy(remedy);
        }
        told.push(object);
    }
    Ok(verdict)
}
