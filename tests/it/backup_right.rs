//! Backups of real servers, judged by their values: what stock pg_restore makes of them, the rows
//! and hashes in their record, and what filters leave.

pub mod repo;

mod filters;
mod majors;
mod restores;
mod rows;
