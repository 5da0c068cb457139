//! pgtend: back up, prove, check and tend PostgreSQL, on AWS RDS and everywhere else.
//!
//! The modules are layers; each may use only those above its own in this list
//! (`tests/it/layers` holds them to it).

pub mod consent;
pub mod error;
pub mod exit;
pub mod kept;
pub mod signal;
pub mod words;
pub mod worker;

pub mod cli;
pub mod settings;
pub mod sql;

pub mod aws;
pub mod http;

pub mod conn;

pub mod program;

pub mod store;

pub mod archive;

pub mod report;

pub mod connections;
pub mod slow_queries;

pub mod backup;
pub mod check;
pub mod restore;
pub mod show;
pub mod verify;

pub mod render;
pub mod ui;

pub mod command;
