//! The integration tests: one binary, so that they share one server and are linked once.
//!
//! `scripts/test` runs them; `scripts/setup` installs what they stand on. A missing server fails
//! a test and says so: nothing is skipped.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::expect_used, reason = "a test stops at the first surprise, and says which")]
#![expect(clippy::disallowed_methods, reason = "where the servers lie is told by the environment")]
#![expect(clippy::print_stderr, reason = "what cannot be cleaned up is told")]

mod artifacts;
mod backup_all;
mod backup_faults;
mod backup_head_start;
mod backup_limits;
mod backup_locks;
mod backup_places;
mod backup_right;
mod backup_sources;
mod blocking;
#[allow(dead_code, reason = "not every part has a user at every commit")]
mod check;
mod cli;
mod cloud_logins;
mod connect_errors;
mod connect_right;
mod connect_settings;
mod connections;
mod conninfo_oracle;
mod copies;
mod cron;
mod encryption;
mod ending;
mod export;
mod foreign;
mod guides;
#[allow(dead_code, reason = "not every part has a user at every commit")]
mod harness;
mod harness_works;
mod hostile_path;
mod layers;
mod like_psql;
mod live;
mod pooler;
mod pools;
mod prune;
mod readme;
mod restore_faults;
mod restore_parts;
mod restore_rehearsal;
mod restore_replaces;
mod restore_right;
mod restore_roles;
mod restore_safety;
mod s3_backups;
mod s3_commands;
#[allow(dead_code, reason = "not every part has a user at every commit")]
mod scene;
mod secrets;
mod secrets_of_settings;
mod show_server;
mod show_settings;
mod signals;
mod slow_queries;
mod store_contract;
mod verify_damage;
mod verify_depth;
mod verify_restore;
