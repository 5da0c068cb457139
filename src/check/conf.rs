//! Configuration: settings that lose data, that do not fit the machine or that nobody has set.

mod drift;
mod hba;
mod memory;
mod own;
mod settings;
mod timeouts;
mod tuned;

pub use drift::{BASELINE, Baseline};
pub use memory::MACHINE;
pub use settings::{
    LOGIN_ROLES, LoginRole, ROLE_SETTINGS, SETTINGS, Settings, THIS_DATABASE, ThisDatabase, change,
    reset,
};
pub use timeouts::{Limits, written_seconds};

use super::limits::LimitSpec;
use super::need::Need;
use super::registry::{Check, Kind};
use crate::report::check::Unit;
use settings::HBA_RULES;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "conf.pending_restart",
        kind: Kind::Runtime,
        title: "settings that wait for a restart",
        why: "The server runs with other settings than its files have: the next restart, planned \
              or not, changes how it behaves, or keeps it from starting.",
        remedy: "Restart the server in a quiet moment, or take the change back.",
        limits: &[],
        needs: &[Need::Settings],
        since: 130_000,
        asks: &[&SETTINGS],
        judge: own::pending_restart,
    },
    Check {
        id: "conf.dangerous",
        kind: Kind::Static,
        title: "settings that lose data",
        why: "Without fsync or full_page_writes a crash leaves a damaged database; \
              zero_damaged_pages and ignore_checksum_failure hide damage or erase rows.",
        remedy: "Set each back to its default.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&SETTINGS],
        judge: own::dangerous,
    },
    Check {
        id: "conf.memory",
        kind: Kind::Static,
        title: "memory that the settings allow against what there is",
        why: "When every connection sorts or hashes once at the same time, this is what the \
              server needs; beyond the memory of the machine the kernel kills it, and all \
              sessions with it.",
        remedy: "Lower work_mem or max_connections (a pooler in front needs few), or take a \
                 machine with more memory.",
        limits: &[LimitSpec::share("memory of the machine", Unit::Bytes, 90.0, 110.0)],
        needs: &[],
        since: 130_000,
        asks: &[&SETTINGS],
        judge: memory::judge,
    },
    Check {
        id: "conf.timeouts",
        kind: Kind::Static,
        title: "time limits that are not set",
        why: "An idle transaction keeps its locks and the dead rows of everybody; a statement \
              without a limit runs until somebody notices; a migration without lock_timeout \
              queues in front of all others.",
        remedy: "ALTER ROLE app SET statement_timeout = '30s', idle_in_transaction_session_timeout \
                 = '5min'; ALTER ROLE migrate SET lock_timeout = '5s'.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&SETTINGS, &ROLE_SETTINGS, &LOGIN_ROLES],
        judge: timeouts::judge,
    },
    Check {
        id: "conf.logging",
        kind: Kind::Static,
        title: "what the log does not tell",
        why: "Slow statements, waits for locks and the time of reads are what is asked for after \
              an incident, and cannot be had afterwards.",
        remedy: "Set log_min_duration_statement = '1s', log_lock_waits = on, track_io_timing = on.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&SETTINGS],
        judge: own::logging,
    },
    Check {
        id: "conf.planner",
        kind: Kind::Static,
        title: "what the planner is told",
        why: "A kind of plan that is switched off for all makes some query slow one day; a \
              random_page_cost of 4 is that of spinning disks and keeps the planner from indexes.",
        remedy: "Set enable_* back to on and switch off in the one session that needs it; on SSD \
                 set random_page_cost = 1.1.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&SETTINGS],
        judge: own::planner,
    },
    Check {
        id: "conf.role_overrides",
        kind: Kind::Static,
        title: "settings of roles and databases",
        why: "What is set for a role or a database wins over the server's configuration, and \
              nobody looks there when a tuned value has no effect.",
        remedy: "Nothing, when it is meant; else ALTER ROLE .. RESET or ALTER DATABASE .. RESET.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&ROLE_SETTINGS],
        judge: own::role_overrides,
    },
    Check {
        id: "conf.drift",
        kind: Kind::Static,
        title: "settings that differ from the baseline",
        why: "A setting that somebody changed by hand, or that staging has and production has \
              not, is the difference that nobody can explain later.",
        remedy: "Set it back, or save a new baseline: pgtend check --save FILE, and \
                 settings_baseline = \"FILE\" in [check] of pgtend.toml.",
        limits: &[],
        needs: &[Need::Settings],
        since: 130_000,
        asks: &[&SETTINGS],
        judge: drift::judge,
    },
    Check {
        id: "conf.hba",
        kind: Kind::Static,
        title: "who may log in from where, and how",
        why: "A rule that cannot be read makes the next reload fail and the next restart too; \
              trust lets everybody in as anybody, password sends it in clear, md5 can be \
              replayed by who has read the hash.",
        remedy: "Write hostssl and scram-sha-256 in pg_hba.conf, with the network of the \
                 application, and reload.",
        limits: &[],
        needs: &[Need::HbaRules],
        since: 130_000,
        asks: &[&HBA_RULES],
        judge: hba::judge,
    },
    Check {
        id: "conf.tuned",
        kind: Kind::Static,
        title: "defaults that nobody has changed",
        why: "PostgreSQL's defaults are for a machine with little memory: a server that never was \
              tuned reads from disk what would fit its cache, and sorts in files.",
        remedy: "Set shared_buffers to a quarter of the memory and effective_cache_size to three \
                 quarters, and work_mem by memory and connections.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&SETTINGS, &THIS_DATABASE],
        judge: tuned::judge,
    },
];
