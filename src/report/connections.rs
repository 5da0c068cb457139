//! The report of `pgtend connections`: who is connected, and what they hold.
//!
//! Times are seconds, and ages are counted in transactions. What the role cannot see is null,
//! and told in `unseen`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Report;
use crate::exit::Exit;
use crate::settings::Pooler;

/// A server's sessions, and what they hold.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionsReport {
    pub server: Looked,
    pub headroom: Headroom,
    /// What `groups` are counted by: `state`, `application`, ..
    pub grouped_by: Vec<&'static str>,
    /// Sessions of clients without this look itself, the largest group first.
    pub groups: Vec<Group>,
    /// The same by state, application and user, for metrics.
    #[serde(skip)]
    pub counted: Vec<Group>,
    pub tls: TlsUse,
    /// Those that were asked for, oldest first.
    pub sessions: Vec<Session>,
    /// How many there were before the limit.
    pub sessions_matched: usize,
    /// Whether the list has sessions that are idle too.
    pub sessions_all: bool,
    /// Whether groups and sessions are only those that flags asked for.
    pub filtered: bool,
    pub blocked: Blocked,
    /// What keeps vacuum from removing dead rows, the oldest first.
    pub xmin_holders: Vec<Holder>,
    pub prepared: Vec<Prepared>,
    /// Roles and databases that have a limit, the fullest first.
    pub limits: Vec<Limit>,
    /// Who streams from this server.
    pub replicas: Vec<Replica>,
    /// How this server follows its primary; none on a primary.
    pub standby: Option<Standby>,
    pub advice: Option<Advice>,
    /// What was judged by a limit of the operator's.
    pub judged: Vec<Judged>,
    /// What could not be seen, and what would show it.
    pub unseen: Vec<String>,
}

/// The server, and whose view of it this is.
#[derive(Debug, Clone, Serialize)]
pub struct Looked {
    /// As it was dialled.
    pub host: String,
    pub port: u16,
    /// 150018 is 15.18.
    pub version_number: u32,
    pub version: String,
    pub in_recovery: bool,
    pub database: String,
    /// The role that looked.
    pub user: String,
    pub superuser: bool,
    /// Sees what sessions of other roles do.
    pub sees_activity: bool,
    pub pooler: Option<Pooler>,
}

/// How many connections are left.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Headroom {
    /// Sessions of clients, this look itself among them.
    pub used: i64,
    /// `max_connections` without both reserves.
    pub usable: i64,
    /// `usable` without `used`: negative when superusers are in their reserve.
    pub left: i64,
    /// 100 x used / usable; null when there are no usable ones.
    pub used_percent: Option<f64>,
    pub max_connections: i64,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: i64,
    /// `reserved_connections`, which came with PostgreSQL 16.
    pub reserved: i64,
    /// Of `used`: what kind they are is hidden, so some may be workers of parallel queries.
    pub hidden: i64,
    /// Processes that take no connection of `max_connections`; the kind is null when hidden.
    pub others: Vec<Kind>,
}

/// Processes of one kind: `walsender`, `autovacuum worker`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kind {
    pub kind: Option<String>,
    pub count: i64,
}

/// Sessions with something in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    /// What they have in common: null where that is hidden.
    pub by: BTreeMap<&'static str, Option<String>>,
    pub sessions: u64,
    pub active: u64,
    pub idle: u64,
    /// Aborted ones too.
    pub idle_in_transaction: u64,
    /// Of all of them: waiting for locks.
    pub blocked: u64,
    /// What they do is hidden.
    pub hidden: u64,
    /// The longest time in the present state.
    pub longest_seconds: Option<f64>,
}

/// How clients' connections are encrypted; this look itself is not among them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TlsUse {
    pub encrypted: u64,
    /// Over TCP without encryption.
    pub plain: u64,
    /// Of `plain`: from the server's own machine.
    pub plain_loopback: u64,
    /// Unix sockets.
    pub sockets: u64,
    pub hidden: u64,
    /// Of `encrypted`: `TLSv1.3`, or `GSS`.
    pub versions: BTreeMap<String, u64>,
}

/// A process of the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Session {
    pub pid: i32,
    /// `client backend`, `walsender`; null when hidden.
    pub kind: Option<String>,
    /// Takes one of the connections. Where the kind is hidden, one with a role and a database.
    pub client_backend: bool,
    pub user: Option<String>,
    pub database: Option<String>,
    /// `application_name`; empty when the client gave none.
    pub application: String,
    /// Its address, or `local` for a Unix socket; null when hidden, and for the server's own.
    pub client: Option<String>,
    /// `TLSv1.3`, `GSS`, `plain` or `local`; null as `client`.
    pub tls: Option<String>,
    /// As the server says it: `idle in transaction`; null when hidden.
    pub state: Option<String>,
    pub wait_event_type: Option<String>,
    pub wait_event: Option<String>,
    /// Who holds the locks that it waits for; 0 is a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// How long it has waited for a lock. Before PostgreSQL 14: since its statement began.
    pub blocked_seconds: Option<f64>,
    pub session_seconds: Option<f64>,
    pub transaction_seconds: Option<f64>,
    pub statement_seconds: Option<f64>,
    /// In the present state.
    pub state_seconds: Option<f64>,
    /// How many transactions ago its oldest snapshot is.
    pub xmin_age: Option<i64>,
    /// The parallel query that it works for.
    pub leader_pid: Option<i32>,
    /// The statement that runs, or the last one; as long as `track_activity_query_size` lets it be.
    pub query: Option<String>,
    /// The role may see neither its state nor its statement.
    pub hidden: bool,
    /// This look itself.
    #[serde(skip)]
    pub own: bool,
}

impl Session {
    /// Whether a statement runs.
    pub fn is_active(&self) -> bool {
        matches!(self.state.as_deref(), Some("active" | "fastpath function call"))
    }

    /// Whether a transaction is open in which nothing runs; aborted ones too.
    pub fn is_idle_in_transaction(&self) -> bool {
        self.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
    }

    /// Whether it waits for a lock that others hold.
    pub fn is_blocked(&self) -> bool {
        !self.blocked_by.is_empty()
    }
}

/// Sessions that wait for locks.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Blocked {
    pub count: u64,
    /// The longest wait; null when nobody waits, or it is hidden.
    pub longest_seconds: Option<f64>,
    /// Who holds locks and waits for none, who blocks the most first.
    pub roots: Vec<Root>,
}

/// The start of a chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Root {
    /// 0 is a prepared transaction.
    pub pid: i32,
    /// Sessions that wait for it, through others too.
    pub blocks: u64,
    /// The longest of their waits.
    pub longest_seconds: Option<f64>,
    pub user: Option<String>,
    pub database: Option<String>,
    pub application: Option<String>,
    pub state: Option<String>,
    pub transaction_seconds: Option<f64>,
    pub query: Option<String>,
}

/// Something that keeps old rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// `session`, `prepared transaction`, `replication slot`, `standby`.
    pub kind: &'static str,
    /// The pid, the transaction's or slot's name, the standby's application_name.
    pub name: String,
    /// How many transactions ago.
    pub age: i64,
    /// A slot that keeps old rows of the system catalogs only.
    pub catalog_only: bool,
}

/// A transaction of two phases that waits for its second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prepared {
    pub gid: String,
    pub user: String,
    pub database: String,
    pub seconds: f64,
    /// How many transactions ago.
    pub age: i64,
}

/// A role's or database's own limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// `role` or `database`.
    pub kind: String,
    pub name: String,
    pub limit: i64,
    pub used: i64,
}

/// Who streams from this server; all but the first three may be hidden.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replica {
    pub pid: i32,
    pub user: Option<String>,
    pub application: String,
    pub client: Option<String>,
    /// `streaming`, `catchup`, `backup`.
    pub state: Option<String>,
    /// `async`, `sync`, `quorum`, `potential`.
    pub sync: Option<String>,
    /// Bytes of WAL that it has yet to replay.
    pub lag_bytes: Option<i64>,
    /// How long ago what it replayed last was written; null when that was not measured lately.
    pub lag_seconds: Option<f64>,
    pub xmin_age: Option<i64>,
}

/// How this standby follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standby {
    /// `streaming`; null when nothing is received, or it is hidden.
    pub status: Option<String>,
    /// Whether a process receives.
    pub receiving: bool,
    pub sender_host: Option<String>,
    pub sender_port: Option<i32>,
    pub slot: Option<String>,
    /// Received, but not replayed yet.
    pub lag_bytes: Option<i64>,
    /// Since the commit of the last transaction that was replayed; 0 when all that was received
    /// is.
    pub lag_seconds: Option<f64>,
    pub replay_paused: Option<bool>,
}

/// What was seen says about pools.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// How often was looked; one is no more than a moment.
    pub looks: u32,
    /// From the first look to the last.
    pub seconds: f64,
    /// By sessions held, most first.
    pub pools: Vec<Pool>,
    /// Sessions that all applications held at once, at most.
    pub held: u64,
    pub usable: i64,
    /// 100 x held / usable.
    pub held_percent: Option<f64>,
    /// 100 x idle / held, over all looks.
    pub idle_percent: Option<f64>,
    /// Sessions that were new at a look, for each second; null after one look.
    pub new_per_second: Option<f64>,
    /// What that says, each with a name that stays the same.
    pub says: Vec<Said>,
    /// How the numbers are made.
    pub formulas: Vec<&'static str>,
}

/// What one application holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pool {
    pub application: String,
    pub user: Option<String>,
    /// Sessions at once, at most.
    pub held: u64,
    /// Active or in a transaction at once, at most; null when what one of them does is hidden.
    pub busy: Option<u64>,
    /// Addresses that they come from, as far as those can be seen.
    pub clients: u64,
    /// A size for all its pools together.
    pub enough: Option<u64>,
}

/// A sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    pub id: &'static str,
    pub text: String,
}

/// What a limit says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// `used`, `idle-in-transaction`, `blocked`.
    pub id: &'static str,
    pub verdict: Verdict,
    /// What was seen, and the limit: `55 of 57 connections are used (96%): the limit is 90%`.
    pub text: String,
    /// The limits in the unit of the value: connections, or seconds.
    pub warning: Option<f64>,
    pub critical: Option<f64>,
}

/// On which side of its limits something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    Warning,
    Critical,
}

impl Report for ConnectionsReport {
    fn outcome(&self) -> Exit {
        let seen = if self.unseen.is_empty() { Exit::Good } else { Exit::Unknown };
        self.judged.iter().fold(seen, |worst, judged| {
            worst.worst(match judged.verdict {
                Verdict::Good => Exit::Good,
                Verdict::Warning => Exit::Warning,
                Verdict::Critical => Exit::Critical,
            })
        })
    }
}
