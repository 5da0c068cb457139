//! What the server says of the tables of a migration and of those who use them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::lock::Mode;
use super::plan::Plan;
use super::statement::{Name, Work};
use super::types::keeps_values;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::verdict::Silence;
use crate::sql;

pub const SESSIONS: Question =
    Question { name: "deploy_sessions", variants: &[(130_000, sql::CHECK_DEPLOY_SESSIONS)] };
pub const TABLES: Question =
    Question { name: "deploy_tables", variants: &[(130_000, sql::CHECK_DEPLOY_TABLES)] };
pub const SETTINGS: Question =
    Question { name: "deploy_settings", variants: &[(130_000, sql::CHECK_DEPLOY_SETTINGS)] };

/// A table or an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Id {
    pub schema: String,
    pub name: String,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A lock of a table.
#[derive(Debug, Clone, Deserialize)]
pub struct Lock {
    #[serde(flatten)]
    pub table: Id,
    pub mode: String,
    /// False for one that is waited for.
    pub granted: bool,
}

/// A session, or a prepared transaction.
#[derive(Debug, Clone, Deserialize)]
pub struct Session {
    /// None for a prepared transaction.
    pub pid: Option<i32>,
    /// Of a prepared transaction.
    pub gid: Option<String>,
    pub role: Option<String>,
    pub application: Option<String>,
    pub state: Option<String>,
    pub backend_type: Option<String>,
    /// Seconds; none where it is hidden from the role.
    pub transaction_age: Option<f64>,
    pub antiwrap: bool,
    pub backup: bool,
    pub dump: bool,
    pub has_snapshot: bool,
    pub locks: Vec<Lock>,
}

impl Session {
    /// `app/role`: the same from run to run.
    pub fn who(&self) -> String {
        let role = self.role.as_deref().unwrap_or("hidden");
        match (&self.gid, &self.application) {
            (Some(gid), _) => format!("prepared transaction {gid}"),
            (None, Some(application)) => format!("{application}/{role}"),
            (None, None) => match &self.backend_type {
                Some(kind) if kind != "client backend" => kind.clone(),
                _ => format!("unnamed/{role}"),
            },
        }
    }

    /// With its process number.
    pub fn named(&self) -> String {
        let what = match () {
            () if self.backup => "pgtend's backup",
            () if self.antiwrap => "a VACUUM against wraparound",
            () if self.dump => "a dump",
            () => "",
        };
        let who = match what {
            "" => self.who(),
            what => format!("{what}, {}", self.who()),
        };
        match self.pid {
            Some(pid) => format!("{who} (pid {pid})"),
            None => who,
        }
    }

    /// Autovacuum gives way, unless it is against wraparound.
    pub fn gives_way(&self) -> bool {
        self.backend_type.as_deref() == Some("autovacuum worker") && !self.antiwrap
    }

    /// A dump or a backup; it ends by itself.
    pub const fn is_dump(&self) -> bool {
        self.backup || self.dump
    }

    /// How it holds up somebody who wants this lock of one of these tables: the strongest lock
    /// that is in the way.
    pub fn holds_up(&self, tables: &[&Id], wanted: Mode) -> Option<(Mode, &Id)> {
        let locks = self.locks.iter().filter(|lock| tables.contains(&&lock.table));
        let modes = locks.filter_map(|lock| Some((Mode::of_view(&lock.mode)?, &lock.table)));
        modes.filter(|(mode, _)| mode.conflicts(wanted)).max()
    }
}

/// A foreign key, seen from one of its tables.
#[derive(Debug, Clone, Deserialize)]
pub struct ForeignKey {
    /// The table at its other end.
    #[serde(flatten)]
    pub other: Id,
    pub constraint: String,
    /// The index (and constraint) that it refers to.
    pub index: Option<String>,
    /// Of the table from which it is seen.
    pub columns: Option<Vec<String>>,
}

/// A table, or something else that is locked like one: a view, a sequence.
#[derive(Debug, Clone, Deserialize)]
pub struct Table {
    #[serde(flatten)]
    pub id: Id,
    /// As `pg_class.relkind`.
    pub kind: String,
    /// With its TOAST table.
    pub bytes: u64,
    pub index_bytes: u64,
    /// Types by name.
    pub columns: Option<BTreeMap<String, String>>,
    pub not_null_checks: Vec<String>,
    pub indexes: Vec<Id>,
    /// From either side.
    pub foreign_keys: Vec<ForeignKey>,
    pub is_partition: bool,
    /// Whose partition it is.
    pub parent: Option<Id>,
}

/// What a statement does to a table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Rewrites(String),
    Scans(String),
    Builds,
}

impl Table {
    /// The tables that are locked too, ACCESS EXCLUSIVE, when this is done to it.
    pub fn others(&self, work: &Work) -> Vec<&Id> {
        let keys = |is: &dyn Fn(&ForeignKey) -> bool| -> Vec<&Id> {
            self.foreign_keys.iter().filter(|key| is(key)).map(|key| &key.other).collect()
        };
        let has = |key: &ForeignKey, column: &String| {
            key.columns.as_ref().is_none_or(|columns| columns.contains(column))
        };
        match work {
            // Whoever plans a query of the parent has to know that the partition is gone.
            Work::Drops => {
                let parent = self.parent.as_ref().filter(|_| self.is_partition);
                keys(&|_| true).into_iter().chain(parent).collect()
            }
            Work::DropsConstraint { name } => {
                keys(&|key| key.constraint == *name || key.index.as_ref() == Some(name))
            }
            // Foreign keys of a column of another type are made anew.
            Work::DropsColumn { column } | Work::ChangesType { column, .. } => {
                keys(&|key| has(key, column))
            }
            Work::Rewrites(_) | Work::Scans(_) | Work::Builds | Work::NotNull { .. } => Vec::new(),
        }
    }

    /// What a work is for this table; none where it is nothing here.
    pub fn effect(&self, work: &Work) -> Option<Effect> {
        match work {
            Work::Rewrites(why) => Some(Effect::Rewrites(why.clone())),
            Work::Scans(why) => Some(Effect::Scans(why.clone())),
            Work::Builds => Some(Effect::Builds),
            Work::Drops | Work::DropsConstraint { .. } | Work::DropsColumn { .. } => None,
            Work::ChangesType { column, to, using } => {
                let from = self.columns.as_ref().and_then(|columns| columns.get(column));
                match from {
                    _ if *using => {
                        Some(Effect::Rewrites(format!("USING computes {column} anew in every row")))
                    }
                    Some(from) if keeps_values(from, to) => None,
                    Some(from) => Some(Effect::Rewrites(format!("{column} is {from}, to be {to}"))),
                    None => Some(Effect::Rewrites(format!("{column} gets the type {to}"))),
                }
            }
            Work::NotNull { column } => {
                let said = |check: &String| {
                    let inside = check.replace(['(', ')', '"'], "");
                    inside == format!("CHECK {column} IS NOT NULL")
                };
                let is_said = self.not_null_checks.iter().any(said);
                (!is_said).then(|| {
                    Effect::Scans(format!(
                        "every row is read for nulls; a valid CHECK ({column} IS NOT NULL) would \
                         spare it"
                    ))
                })
            }
        }
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Live {
    pub sessions: Vec<Session>,
    pub tables: Vec<Table>,
    /// There are more tables than are read; these are smaller.
    pub is_cut: bool,
    path: Vec<String>,
    pub lock_timeout: Option<f64>,
    pub statement_timeout: Option<f64>,
    /// Who migrates.
    pub role: String,
}

#[derive(Deserialize)]
struct Setting {
    role: String,
    in_database: bool,
    name: String,
    value: String,
}

impl Live {
    /// Reads the answers.
    ///
    /// # Errors
    /// Unknown where a question could not be answered.
    pub fn of(look: &Look<'_>, plan: Option<&Plan>) -> Result<Self, Silence> {
        let mut sessions: Vec<Session> = look.rows(&SESSIONS)?;
        let tables: Vec<Table> = look.rows(&TABLES)?;
        if plan.is_none() {
            // Where nothing is wanted of them, the tables below views and sequences say enough.
            let is_lesser = |table: &&Table| matches!(table.kind.as_str(), "v" | "S");
            let lesser: BTreeSet<&Id> =
                tables.iter().filter(is_lesser).map(|table| &table.id).collect();
            for session in &mut sessions {
                session.locks.retain(|lock| !lesser.contains(&lock.table));
            }
        }
        let settings: Vec<Setting> = look.rows(&SETTINGS)?;
        let connected = look.facts.sight.role.as_str();
        let role = plan.and_then(|plan| plan.role.as_deref()).unwrap_or(connected);
        let value = |name: &str| effective(&settings, name, role, connected);
        let time = |name: &str| value(name).and_then(seconds).filter(|time| *time > 0.0);
        let path = value("search_path").unwrap_or("\"$user\", public");
        let path = path.split(',').map(|schema| match schema.trim().trim_matches('"') {
            "$user" => role.to_owned(),
            schema => schema.to_owned(),
        });
        Ok(Self {
            sessions,
            tables,
            is_cut: look.is_cut(&TABLES) || look.is_cut(&SESSIONS),
            path: path.filter(|schema| !schema.is_empty()).collect(),
            lock_timeout: time("lock_timeout"),
            statement_timeout: time("statement_timeout"),
            role: role.to_owned(),
        })
    }

    /// The table of this name, or of the index of this name. A name without schema is looked for
    /// where the role's search_path says, else everywhere.
    pub fn find(&self, name: &Name, is_index: bool) -> Option<&Table> {
        let own = |table: &&Table, schema: Option<&str>| {
            let is = |id: &Id| id.name == name.name && schema.is_none_or(|one| one == id.schema);
            if is_index { table.indexes.iter().any(is) } else { is(&table.id) }
        };
        if let Some(schema) = &name.schema {
            return self.tables.iter().find(|table| own(table, Some(schema)));
        }
        let mut path = self.path.iter();
        path.find_map(|schema| self.tables.iter().find(|table| own(table, Some(schema))))
            .or_else(|| self.tables.iter().find(|table| own(table, None)))
    }

    /// The table with this id.
    pub fn table(&self, id: &Id) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == *id)
    }

    /// A table and its partitions.
    pub fn family<'a>(&'a self, table: &'a Table) -> Vec<&'a Table> {
        let mut family = vec![table];
        let mut at = 0;
        while let Some(parent) = family.get(at).map(|table| &table.id) {
            let children = self.tables.iter().filter(|table| table.parent.as_ref() == Some(parent));
            family.extend(children);
            at += 1;
        }
        family
    }
}

/// What holds for a role: its own in this database, its own, the database's, the server's. What
/// the server has is only known with what the connected role has in it.
fn effective<'a>(
    settings: &'a [Setting],
    name: &str,
    role: &str,
    connected: &str,
) -> Option<&'a str> {
    let value = |role: &str, in_database: bool| {
        let is =
            |one: &&Setting| one.name == name && one.role == role && one.in_database == in_database;
        settings.iter().find(is).map(|one| one.value.as_str())
    };
    if role == connected {
        return value("-", false);
    }
    let own = value(role, true).or_else(|| value(role, false));
    let own = own.or_else(|| value("", true)).or_else(|| value("", false));
    let is_plain = value(connected, true).or_else(|| value(connected, false)).is_none();
    own.or_else(|| value("-", false).filter(|_| is_plain))
}

/// `5s`, `3000`, `2min` in seconds.
pub fn seconds(text: &str) -> Option<f64> {
    let text = text.trim().trim_matches('\'');
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some(match text[end..].trim() {
        "" | "ms" => number / 1000.0,
        "us" => number / 1e6,
        "s" => number,
        "min" => number * 60.0,
        "h" => number * 3600.0,
        "d" => number * 86400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_setting_holds() {
        let setting = |role: &str, in_database, value: &str| Setting {
            role: role.into(),
            in_database,
            name: "lock_timeout".into(),
            value: value.into(),
        };
        let mut settings = vec![setting("-", false, "7ms")];
        let of = |settings: &[Setting], role: &str| {
            effective(settings, "lock_timeout", role, "me").map(str::to_owned)
        };
        assert_eq!(of(&settings, "me").as_deref(), Some("7ms"));
        assert_eq!(of(&settings, "app").as_deref(), Some("7ms"));
        settings.push(setting("me", false, "7ms"));
        assert_eq!(of(&settings, "app"), None);
        settings.push(setting("", true, "6s"));
        assert_eq!(of(&settings, "app").as_deref(), Some("6s"));
        settings.push(setting("app", false, "5s"));
        assert_eq!(of(&settings, "app").as_deref(), Some("5s"));
        settings.push(setting("app", true, "4s"));
        assert_eq!(of(&settings, "app").as_deref(), Some("4s"));
    }

    #[test]
    fn times_are_read_as_the_server_does() {
        assert_eq!(seconds("3000"), Some(3.0));
        assert_eq!(seconds("2min"), Some(120.0));
        assert_eq!(seconds("'5s'"), Some(5.0));
        assert_eq!(seconds("x"), None);
    }
}
