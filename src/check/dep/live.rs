//! What the server says of the tables of a migration and of those who use them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::lock::Mode;
use super::not_null::NullCheck;
use super::plan::Plan;
use super::renames::Names;
use super::room::EXTENSION;
use super::schemas::schemas;
use super::statement::{Name, Statement, Touch, Unread, Work};
use super::types::keeps_values;
use crate::check::conf::{self, Limits, Settings};
use crate::check::look::Look;
use crate::check::migration::MIGRATIONS;
use crate::check::question::Question;
use crate::check::verdict::Silence;
use crate::sql;

pub const SESSIONS: Question =
    Question::of("deploy_sessions", &[(130_000, sql::CHECK_DEPLOY_SESSIONS)]);
pub const TABLES: Question =
    Question::of("deploy_tables", &[(130_000, sql::CHECK_DEPLOY_TABLES)]).may_be_cut();

/// What has to be asked for [`Live::of`], and for the plan before it.
pub const ASKED: &[&Question] =
    &[&SESSIONS, &TABLES, &conf::SETTINGS, &conf::ROLE_SETTINGS, &MIGRATIONS, &EXTENSION];

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
    pub not_null_checks: Vec<NullCheck>,
    pub indexes: Vec<Id>,
    /// From either side.
    pub foreign_keys: Vec<ForeignKey>,
    pub is_partition: bool,
    /// Whose partition it is.
    pub parent: Option<Id>,
    /// Its partition for rows that no other one takes.
    #[serde(deserialize_with = "Option::deserialize")]
    pub default_partition: Option<Id>,
}

/// What a statement does to a table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Rewrites(String),
    Scans(String),
    Builds,
}

impl Table {
    /// The tables at the other ends of such foreign keys.
    pub fn others(&self, is: impl Fn(&ForeignKey) -> bool) -> impl Iterator<Item = &Id> {
        self.foreign_keys.iter().filter(move |key| is(key)).map(|key| &key.other)
    }

    /// What a work is for this table; none where it is nothing here. `has_no_nulls` tells whether
    /// a CHECK keeps them out of a column.
    pub fn effect(&self, work: &Work, has_no_nulls: impl Fn(&str) -> bool) -> Option<Effect> {
        match work {
            Work::Rewrites(why) => Some(Effect::Rewrites(why.clone())),
            Work::Scans(why) => Some(Effect::Scans(why.clone())),
            Work::Builds => Some(Effect::Builds),
            Work::Drops
            | Work::DropsConstraint { .. }
            | Work::DropsColumn { .. }
            | Work::Attaches
            | Work::Detaches
            | Work::RulesOutNulls { .. }
            | Work::Validates { .. }
            | Work::Renames { .. } => None,
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
            Work::NotNull { column } => (!has_no_nulls(column)).then(|| {
                Effect::Scans(format!(
                    "every row is read for nulls; a valid CHECK ({column} IS NOT NULL) would \
                         spare it"
                ))
            }),
        }
    }
}

/// A time limit of the role that migrates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Timeout {
    /// It waits for ever.
    None,
    /// Seconds.
    Known(f64),
    /// The connected role has one of its own in place of what others have.
    Unknown,
}

impl Timeout {
    /// Of seconds, 0 for none at all.
    pub fn of(seconds: Option<f64>) -> Self {
        match seconds {
            Some(seconds) if seconds > 0.0 => Self::Known(seconds),
            Some(_) => Self::None,
            None => Self::Unknown,
        }
    }
}

/// A table or an index by its name.
#[derive(Debug, Clone)]
struct Place {
    id: Id,
    /// The number of the table, or of that of the index.
    table: usize,
    is_index: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Live {
    pub sessions: Vec<Session>,
    pub tables: Vec<Table>,
    /// Tables and indexes by their names without schema.
    places: BTreeMap<String, Vec<Place>>,
    /// The numbers of tables by their parents.
    children: BTreeMap<Id, Vec<usize>>,
    /// There are more tables than are read; these are smaller.
    pub is_cut: bool,
    path: Vec<String>,
    extensions: BTreeSet<String>,
    pub lock_timeout: Timeout,
    pub statement_timeout: Timeout,
    /// Who migrates.
    pub role: String,
    /// Who looks.
    pub connected: String,
}

#[derive(Deserialize)]
struct Installed {
    extensions: BTreeSet<String>,
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
        let settings = Settings::of(look)?;
        let limits = Limits::of(look, &settings)?;
        let connected = look.facts.sight.role.as_str();
        let role = plan.and_then(|plan| plan.role.as_deref()).unwrap_or(connected);
        let time = |name: &str| Timeout::of(limits.seconds(Some(role), name));
        let path = limits.text(Some(role), "search_path").unwrap_or("\"$user\", public");
        let installed: Installed = look.row(&EXTENSION)?;
        Ok(Self {
            sessions,
            places: places(&tables),
            children: children(&tables),
            tables,
            is_cut: look.is_cut(&TABLES) || look.is_cut(&SESSIONS),
            path: schemas(path),
            extensions: installed.extensions,
            lock_timeout: time("lock_timeout"),
            statement_timeout: time("statement_timeout"),
            role: role.to_owned(),
            connected: connected.to_owned(),
        })
    }

    /// Why a time limit cannot be told.
    pub fn untold(&self, name: &str) -> String {
        let (role, connected) = (&self.role, &self.connected);
        format!("what {role} has for {name} cannot be told: {connected} has its own")
    }

    /// The table that a statement touches. A name without schema is looked for where its file's
    /// `search_path` says, and nowhere else; without one where the role's says, else everywhere.
    pub fn find(&self, statement: &Statement, touch: &Touch) -> Option<&Table> {
        let place = self.seek(statement, &touch.name, touch.is_index)?;
        self.tables.get(place.table)
    }

    fn seek(&self, statement: &Statement, name: &Name, is_index: bool) -> Option<&Place> {
        let at = |schema| self.place(&statement.names, (schema, &name.name), is_index);
        if let Some(schema) = &name.schema {
            return at(Some(schema));
        }
        let path = statement.search_path.as_ref();
        let mut schemas = path.unwrap_or(&self.path).iter().map(|schema| match schema.as_str() {
            "$user" => self.role.as_str(),
            schema => schema,
        });
        let found = schemas.find_map(|schema| at(Some(schema)));
        found.or_else(|| if path.is_none() { at(None) } else { None })
    }

    /// What has this name by now in a schema; in any where none is given.
    fn place(
        &self,
        names: &Names,
        (schema, name): (Option<&str>, &str),
        is_index: bool,
    ) -> Option<&Place> {
        let of_name = |name: &str| {
            let places = self.places.get(name).into_iter().flatten();
            places.filter(|place| place.is_index == is_index)
        };
        let renamed =
            names.were(name, schema).find_map(|id| of_name(&id.name).find(|place| place.id == *id));
        renamed.or_else(|| {
            of_name(name)
                .filter(|place| names.now(&place.id) == Some(&place.id))
                .find(|place| schema.is_none_or(|one| one == place.id.schema))
        })
    }

    /// What a statement leaves of the names of what is there.
    pub fn follow(&self, statement: &Statement, names: &mut Names) {
        for touch in statement.touches.iter().filter(|touch| touch.works.contains(&Work::Drops)) {
            if let Some(table) = self.find(statement, touch) {
                names.set(&table.id, None);
            }
        }
        let Some(rename) = &statement.renames else { return };
        let Some(place) = self.seek(statement, &rename.from, rename.is_index) else { return };
        let to = &rename.to;
        let moved = |id: &Id, name: Option<&String>| {
            let now = statement.names.now(id).unwrap_or(id);
            Id {
                schema: to.schema.as_ref().unwrap_or(&now.schema).clone(),
                name: name.unwrap_or(&now.name).clone(),
            }
        };
        names.set(&place.id, Some(moved(&place.id, Some(&to.name))));
        // Indexes go to another schema with their table.
        if to.schema.is_some() && !place.is_index {
            for index in self.tables.get(place.table).into_iter().flat_map(|table| &table.indexes) {
                names.set(index, Some(moved(index, None)));
            }
        }
    }

    /// Why it is not known what a statement does. What makes an extension that is there does
    /// nothing.
    pub fn unread<'a>(&self, statement: &'a Statement) -> Option<&'a Unread> {
        let is_there = |name: &String| self.extensions.contains(name);
        match statement.unread.as_ref()? {
            Unread::Opaque(_) if statement.extension.as_ref().is_some_and(is_there) => None,
            unread => Some(unread),
        }
    }

    /// The table with this id.
    pub fn table(&self, id: &Id) -> Option<&Table> {
        let mut places = self.places.get(&id.name).into_iter().flatten();
        let place = places.find(|place| !place.is_index && place.id == *id)?;
        self.tables.get(place.table)
    }

    /// The tables that a lock of one locks: its partitions with it, unless it is `alone`.
    pub fn locked<'a>(&'a self, table: &'a Table, alone: bool) -> Vec<&'a Table> {
        if alone { vec![table] } else { self.family(table) }
    }

    /// A table and its partitions.
    pub fn family<'a>(&'a self, table: &'a Table) -> Vec<&'a Table> {
        let mut family = vec![table];
        let mut at = 0;
        while let Some(parent) = family.get(at).map(|table| &table.id) {
            let children = self.children.get(parent).into_iter().flatten();
            family.extend(children.filter_map(|number| self.tables.get(*number)));
            at += 1;
        }
        family
    }
}

fn places(tables: &[Table]) -> BTreeMap<String, Vec<Place>> {
    let mut places: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let mut add = |id: &Id, table: usize, is_index: bool| {
        let place = Place { id: id.clone(), table, is_index };
        places.entry(id.name.clone()).or_default().push(place);
    };
    for (number, table) in tables.iter().enumerate() {
        add(&table.id, number, false);
        table.indexes.iter().for_each(|index| add(index, number, true));
    }
    places
}

fn children(tables: &[Table]) -> BTreeMap<Id, Vec<usize>> {
    let mut children: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    for (number, table) in tables.iter().enumerate() {
        if let Some(parent) = &table.parent {
            children.entry(parent.clone()).or_default().push(number);
        }
    }
    children
}
